//! The kernels of each path: the one place where a generic kernel meets the instructions that it is compiled for.

use std::ops::Range;

use super::super::sample::Sample;
use super::super::simd::{Kernel, Numbers, Path, Vector};
pub use super::by_shape::CHAINS;
use super::layout::RawTable;
use super::rows::{self, Decays, Movies, RawDense, SlotSums, Step, Users};
use super::scratch::Scratch;
use super::shard::{Network, Shard};
use super::{block, by_shape};
use pocketrec_metrics::Errors;

/// Hands the list of kernels to a macro: what each is given, and what it does by a `path`.
macro_rules! with_kernels {
    ($macro:ident! $($more:tt)*) => {
        $macro! {
            $($more)*
            path
            /// Computes a stretch of a batch, which has all ratings of its users: gradients are added to the sums of
            /// their movies and of the dense vector, and users are moved.
            fn shard(
                network: &Network<'_>, stretch: &Shard<'_>, range: Range<usize>, scratch: &mut Scratch
            ) -> Errors {
                by_shape::shard(path, network, stretch, range, scratch)
            }
            /// As `block::measure`.
            fn measure(network: &Network<'_>, samples: &[Sample], scratch: &mut Scratch) -> Errors {
                block::measure(path, network, samples, scratch)
            }
            /// [`rows::add_rows`]
            fn add_rows(
                slots: &[u32], gradients: Numbers, slopes: Numbers, sums: SlotSums, width: usize, biased: bool
            ) -> () {
                rows::add_rows(path.row(), slots, gradients, slopes, sums, width, biased)
            }
            /// [`rows::update_users`]
            fn update_users(
                table: &RawTable, users: Users<'_>, range: Range<usize>, decays: Option<&Decays>, step: Step
            ) -> () {
                rows::update_users(path.row(), table, users, range, decays, step)
            }
            /// [`rows::update_movies`]
            fn update_movies(
                table: &RawTable, movies: Movies<'_>, range: Range<usize>, decays: Option<&Decays>, step: Step
            ) -> () {
                rows::update_movies(path.row(), table, movies, range, decays, step)
            }
            /// [`rows::drift_rows`]
            fn drift_rows(table: &RawTable, biased: bool, range: Range<usize>, step: Step) -> () {
                rows::drift_rows(path.row(), table, biased, range, step)
            }
            /// [`rows::update_dense`]
            fn update_dense(dense: &RawDense, gradients: Numbers, stride: usize, groups: usize, step: Step) -> () {
                rows::update_dense(path.row(), dense, gradients, stride, groups, step)
            }
            /// So many rounds of multiply-adds on [`CHAINS`] vectors, for measuring the most that a core can do.
            fn peak(rounds: u64) -> f32 {
                by_shape::peak(path, rounds)
            }
        }
    };
}

/// Declares [`Kernels`].
macro_rules! declare {
    ($path:ident $($(#[$doc:meta])* fn $name:ident($($given:ident: $type:ty),*) -> $made:ty $body:block)*) => {
        /// One path's kernels.
        #[derive(Clone, Copy, Debug)]
        pub struct Kernels {
            /// Lanes of the path's vectors.
            pub lanes: usize,
            /// Whether `mlp` has kernels of its own here.
            pub lanes_are_units: bool,
            $($name: unsafe fn($($type),*) -> $made,)*
        }

        impl Kernels {
            $(
                $(#[$doc])*
                pub fn $name(&self, $($given: $type),*) -> $made {
                    // SAFETY: `of` is the only maker of these, and the machine runs its path.
                    unsafe { (self.$name)($($given),*) }
                }
            )*
        }
    };
}

/// Compiles all kernels for one path, with its instructions enabled.
macro_rules! instantiate {
    (
        $name:ident $vector:ident #[$with:meta]
        $path:ident $($(#[$doc:meta])* fn $kernel:ident($($given:ident: $type:ty),*) -> $made:ty $body:block)*
    ) => {
        mod $name {
            use super::*;
            use super::super::super::simd::$vector as V;

            $(
                #[$with]
                unsafe fn $kernel($($given: $type),*) -> $made {
                    // SAFETY: whoever calls this knows that the machine runs the path.
                    let $path = unsafe { Path::<V>::new() };
                    $body
                }
            )*

            pub const KERNELS: Kernels = Kernels {
                lanes: V::LANES,
                lanes_are_units: V::LANES_ARE_UNITS,
                $($kernel,)*
            };
        }
    };
}

with_kernels!(declare!);
with_kernels!(instantiate! portable Portable #[inline(never)]);
#[cfg(target_arch = "x86_64")]
with_kernels!(instantiate! avx2 Avx2 #[target_feature(enable = "avx2,fma")]);
#[cfg(target_arch = "x86_64")]
with_kernels!(instantiate! avx512 Avx512 #[target_feature(enable = "avx512f,avx2,fma")]);
#[cfg(target_arch = "aarch64")]
with_kernels!(instantiate! neon Neon #[target_feature(enable = "neon")]);

impl Kernels {
    /// The kernels of a path that this machine runs; of the portable one for any other.
    pub fn of(kernel: Kernel) -> Self {
        match kernel {
            _ if !kernel.is_available() => portable::KERNELS,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::KERNELS,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => avx512::KERNELS,
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => neon::KERNELS,
            _ => portable::KERNELS,
        }
    }
}
