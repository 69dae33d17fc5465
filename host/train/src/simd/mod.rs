//! Vectors of f32 behind one trait, and which of them this machine can run.
//!
//! A kernel is written once, generic over [`Vector`], and instantiated for each path inside a
//! function that enables the path's instructions. [`portable`](Kernel::Portable) multiplies and
//! adds with two roundings, as every machine can, so its bits are the same everywhere; the other
//! paths fuse and are faster.

#[cfg(target_arch = "aarch64")]
mod neon;
mod numbers;
mod path;
mod portable;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use numbers::Numbers;
pub use path::{Path, scatter};
pub use portable::Portable;
pub use vector::Vector;
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

use serde::{Deserialize, Serialize};

/// A code path of the training kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernel {
    /// Plain Rust, unfused: the same bits on every machine.
    Portable,
    /// x86-64 with AVX2 and FMA: 8 lanes.
    Avx2,
    /// x86-64 with AVX-512F: 16 lanes.
    Avx512,
    /// aarch64: 8 lanes in two registers.
    Neon,
}

impl Kernel {
    /// Every path, slowest first.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Neon, Self::Avx2, Self::Avx512];

    /// The name used on the command line and in a summary.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    /// The path of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kernel| kernel.name() == name)
    }

    /// Whether this machine can run it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                std::arch::is_x86_feature_detected!("avx512f") && Self::Avx2.is_available()
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
            #[cfg(not(target_arch = "aarch64"))]
            Self::Neon => false,
        }
    }

    /// The fastest path that this machine can run.
    pub fn best() -> Self {
        let runs = |kernel: &Self| kernel.is_available();
        Self::ALL.into_iter().rfind(runs).unwrap_or(Self::Portable)
    }
}

/// Asks for the cache line at `at`, where the machine has a way to ask. Never faults.
#[inline(always)]
pub fn prefetch(at: *const f32) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: SSE is part of x86-64, and a prefetch of any address is allowed.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(any(not(target_arch = "x86_64"), miri))]
    let _ = at;
}

/// As [`prefetch`], of a line that is about to be written: the core asks others to give it up.
#[inline(always)]
pub fn prefetch_to_write(at: *const f32) {
    // Miri has no assembly.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch of any address is allowed, and where a processor has none of this kind it
    // does nothing.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(any(not(target_arch = "x86_64"), miri))]
    let _ = at;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places of an array that nothing else touches while they are used.
    fn places(memory: &mut [f32]) -> Numbers {
        // SAFETY: each test uses them before it touches the memory again.
        unsafe { Numbers::new(memory.as_mut_ptr(), memory.len()) }
    }

    /// Every operation against plain numbers; the tolerance covers a fused rounding.
    fn check<V: Vector>(path: Path<V>) {
        let mut a: Vec<f32> = (0..V::LANES).map(|i| i as f32 * 0.7 - 3.3).collect();
        let mut b: Vec<f32> = (0..V::LANES).map(|i| 1.1 + i as f32 * 0.3).collect();
        let (x, y) = (path.load(places(&mut a)), path.load(places(&mut b)));
        let numbers = |vector: V| {
            let mut found = vec![0.0f32; V::LANES];
            vector.put(places(&mut found));
            found
        };
        let check = |vector: V, plain: &dyn Fn(f32, f32) -> f32| {
            for (i, found) in numbers(vector).into_iter().enumerate() {
                let due = plain(a[i], b[i]);
                assert!((found - due).abs() <= 1e-6 * due.abs(), "{found} {due}");
            }
        };
        check(path.splat(2.5), &|_, _| 2.5);
        check(x.add(y), &|a, b| a + b);
        check(x.sub(y), &|a, b| a - b);
        check(x.mul(y), &|a, b| a * b);
        check(x.mul_add(y, path.splat(20.0)), &|a, b| a * b + 20.0);
        check(x.div(y), &|a, b| a / b);
        check(y.sqrt(), &|_, b| b.sqrt());
        check(x.abs(), &|a, _| a.abs());
        check(y.where_positive(x), &|a, b| if a > 0.0 { b } else { 0.0 });
        check(x.clamp(path.splat(-1.0), path.splat(1.5)), &|a, _| {
            a.clamp(-1.0, 1.5)
        });
        let due: f32 = a.iter().sum();
        assert!((x.sum() - due).abs() < 1e-4);
        let none = path.splat(1.0).where_positive(path.splat(-0.0));
        check(none, &|_, _| 0.0);
        check(x.relu(), &|a, _| if a > 0.0 { a } else { 0.0 });
        check(path.splat(f32::NAN).relu(), &|_, _| 0.0);

        let mut eight = [x; 8];
        for (i, vector) in eight.iter_mut().enumerate() {
            *vector = x.mul(path.splat(i as f32));
        }
        let mut sums = [0.0f32; 8];
        V::sums(eight).put(places(&mut sums));
        for (i, sum) in sums.into_iter().enumerate() {
            assert!((sum - due * i as f32).abs() < 1e-3, "{sum}");
        }
        check(x.sums_of_fours(), &|a, _| {
            let four = ((a + 3.3) / 2.8 + 0.01).floor() * 2.8 - 3.3;
            4.0 * four + 6.0 * 0.7
        });
        let fours = numbers(path.load_fours(places(&mut a.clone())));
        for (lane, value) in fours.into_iter().enumerate() {
            assert_eq!(value, a[lane / 4]);
        }
        let mut found = vec![0.0f32; V::LANES];
        let half = V::LANES / 2;
        let to = places(&mut found);
        y.put_halves(to.add(half), to);
        assert_eq!(found[half..], b[..half]);
        assert_eq!(found[..half], b[half..]);

        let mut rows: Vec<f32> = (0..V::LANES * 9).map(|i| i as f32).collect();
        let base = places(&mut rows);
        let from: [Numbers; 16] = std::array::from_fn(|i| base.add(i % V::LANES * 8));
        let columns = path.gather(&from, 0, 3);
        for (i, column) in columns.into_iter().enumerate() {
            for (lane, value) in numbers(column).into_iter().enumerate() {
                assert_eq!(value, (lane * 8 + i + 3) as f32);
            }
        }
        let mut back = vec![-1.0f32; V::LANES * 9];
        scatter(columns, places(&mut back), 9);
        for (place, value) in back.into_iter().enumerate() {
            let due = (place / 9 * 8 + place % 9 + 3) as f32;
            assert_eq!(value, if place % 9 < 8 { due } else { -1.0 });
        }
    }

    #[test]
    fn every_path_that_this_machine_runs_computes_what_plain_numbers_do() {
        /// Checks a path that the machine was found to run.
        macro_rules! check {
            ($kernel:ident) => {
                if Kernel::$kernel.is_available() {
                    // SAFETY: it is available.
                    check::<$kernel>(unsafe { Path::new() });
                }
            };
        }
        check!(Portable);
        #[cfg(target_arch = "x86_64")]
        {
            check!(Avx2);
            check!(Avx512);
        }
        #[cfg(target_arch = "aarch64")]
        check!(Neon);
    }

    #[test]
    fn the_best_path_is_one_that_runs() {
        assert!(Kernel::best().is_available());
        for kernel in Kernel::ALL {
            assert_eq!(Kernel::from_name(kernel.name()), Some(kernel));
        }
    }
}
