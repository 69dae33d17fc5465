//! The kernels of each path: the one place where a generic kernel meets the instructions that
//! it is compiled for.

use std::ops::Range;

use super::super::sample::Sample;
use super::super::simd::{Kernel, Vector};
use super::block::{self, Network, Outputs, Part, Scratch, Shard};
use super::layout::RawTable;
use super::rows::{self, Decays, Movies, RawDense, SlotSums, Step, Users};
use pocketrec_metrics::Errors;

/// Pointers to one path's kernels; their contracts are those of the functions of the same names
/// in [`block`] and [`rows`], and that the machine runs the path.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// [`block::shard`]
    pub shard: unsafe fn(&Network<'_>, &Shard<'_>, Range<usize>, &mut Scratch) -> Errors,
    /// [`block::part`]
    pub part: unsafe fn(Part, &Network<'_>, &[Sample], &Outputs, &mut Scratch),
    /// [`block::measure`]
    pub measure: unsafe fn(&Network<'_>, &[Sample], &mut Scratch) -> Errors,
    /// [`rows::add_rows`]
    pub add_rows: unsafe fn(&[u32], *const f32, *const f32, SlotSums, usize, bool),
    /// [`rows::update_users`]
    pub update_users: unsafe fn(&RawTable, Users<'_>, Range<usize>, Option<&Decays>, Step),
    /// [`rows::update_movies`]
    pub update_movies: unsafe fn(&RawTable, Movies<'_>, Range<usize>, Option<&Decays>, Step),
    /// [`rows::drift_rows`]
    pub drift_rows: unsafe fn(&RawTable, bool, Range<usize>, Step),
    /// [`rows::update_dense`]
    pub update_dense: unsafe fn(&RawDense, *const f32, usize, usize, Step),
    /// [`peak`]
    pub peak: unsafe fn(u64) -> f32,
    /// Lanes of the path's vectors.
    pub lanes: usize,
    /// Whether `mlp` has kernels of its own here.
    pub lanes_are_units: bool,
}

/// Chains of multiply-adds that [`peak`] keeps going: enough to hide the latency of one.
pub const CHAINS: usize = 10;

/// `rounds` multiply-adds on each of [`CHAINS`] vectors, for measuring the most that a core can
/// do. The result only keeps the compiler from leaving them out.
///
/// # Safety
/// The machine must run the path.
#[inline(always)]
pub unsafe fn peak<V: Vector>(rounds: u64) -> f32 {
    // SAFETY: by the caller's promise.
    unsafe {
        let factor = V::splat(std::hint::black_box(0.999_9));
        let start = V::splat(std::hint::black_box(1e-3));
        let mut chains = [start; CHAINS];
        for _ in 0..rounds {
            for chain in &mut chains {
                *chain = chain.mul_add(factor, start);
            }
        }
        let mut sum = chains[0];
        for chain in &chains[1..] {
            sum = sum.add(*chain);
        }
        sum.sum()
    }
}

macro_rules! instantiate {
    ($name:ident, $vector:ty $(, $features:literal)?) => {
        mod $name {
            use super::*;

            type V = $vector;
            type R = <V as Vector>::Row;

            $(#[target_feature(enable = $features)])?
            unsafe fn shard(
                network: &Network<'_>,
                shard: &Shard<'_>,
                range: Range<usize>,
                scratch: &mut Scratch,
            ) -> Errors {
                // SAFETY: the contract is the same, here and below.
                unsafe { block::shard::<V>(network, shard, range, scratch) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn part(
                part: Part,
                network: &Network<'_>,
                samples: &[Sample],
                outputs: &Outputs,
                scratch: &mut Scratch,
            ) {
                unsafe { block::part::<V>(part, network, samples, outputs, scratch) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn measure(
                network: &Network<'_>,
                samples: &[Sample],
                scratch: &mut Scratch,
            ) -> Errors {
                unsafe { block::measure::<V>(network, samples, scratch) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn add_rows(
                slots: &[u32],
                gradients: *const f32,
                slopes: *const f32,
                sums: SlotSums,
                width: usize,
                biased: bool,
            ) {
                unsafe { rows::add_rows::<R>(slots, gradients, slopes, sums, width, biased) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn update_users(
                table: &RawTable,
                users: Users<'_>,
                range: Range<usize>,
                decays: Option<&Decays>,
                step: Step,
            ) {
                unsafe { rows::update_users::<R>(table, users, range, decays, step) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn update_movies(
                table: &RawTable,
                movies: Movies<'_>,
                range: Range<usize>,
                decays: Option<&Decays>,
                step: Step,
            ) {
                unsafe { rows::update_movies::<R>(table, movies, range, decays, step) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn drift_rows(table: &RawTable, biased: bool, range: Range<usize>, step: Step) {
                unsafe { rows::drift_rows::<R>(table, biased, range, step) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn update_dense(
                dense: &RawDense,
                gradients: *const f32,
                stride: usize,
                groups: usize,
                step: Step,
            ) {
                unsafe { rows::update_dense::<R>(dense, gradients, stride, groups, step) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn peak(rounds: u64) -> f32 {
                unsafe { super::peak::<V>(rounds) }
            }

            pub const KERNELS: Kernels = Kernels {
                peak,
                lanes: V::LANES,
                lanes_are_units: V::LANES_ARE_UNITS,
                shard,
                part,
                measure,
                add_rows,
                update_users,
                update_movies,
                drift_rows,
                update_dense,
            };
        }
    };
}

instantiate!(portable, crate::simd::Portable);
#[cfg(target_arch = "x86_64")]
instantiate!(avx2, crate::simd::Avx2, "avx2,fma");
#[cfg(target_arch = "x86_64")]
instantiate!(avx512, crate::simd::Avx512, "avx512f,avx2,fma");
#[cfg(target_arch = "aarch64")]
instantiate!(neon, crate::simd::Neon, "neon");

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
