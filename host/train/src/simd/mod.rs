//! Vectors of f32 behind one trait, and which of them this machine can run.
//!
//! A kernel is written once, generic over [`Vector`], and instantiated for each path inside a
//! function that enables the path's instructions. [`portable`](Kernel::Portable) multiplies and
//! adds with two roundings, as every machine can, so its bits are the same everywhere; the other
//! paths fuse and are faster.

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use portable::Portable;
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

/// A vector of `LANES` f32 with the operations that training needs.
///
/// # Safety
/// Every function may only run where the path's instructions are available, and is meant to be
/// inlined into a function that enables them. Pointers need no alignment beyond f32's and must be
/// good for `LANES` numbers (8 a row for `gather` and `scatter`).
#[expect(clippy::missing_safety_doc, reason = "one contract for all, above")]
pub unsafe trait Vector: Copy {
    /// Numbers in a vector; a multiple of 8 and a divisor of 64.
    const LANES: usize;
    /// Whether there are registers for 16 accumulators and what they are made from.
    const WIDE_TILES: bool;
    /// Whether a lane is a unit in `mlp`, and not a sample as in any other. Its
    /// tiles want registers that a compiler is told of: where it has to find the vectors itself
    /// they land in memory, and the network takes four times as long. Not so for NEON, which has the
    /// registers, but which nobody has timed.
    const LANES_ARE_UNITS: bool;
    /// The vector of 8 lanes of the same path, for rows of tables.
    type Row: Vector;

    /// All lanes `value`.
    unsafe fn splat(value: f32) -> Self;
    /// Reads `LANES` numbers.
    unsafe fn load(at: *const f32) -> Self;
    /// Writes `LANES` numbers.
    unsafe fn store(self, at: *mut f32);
    /// `self + other`
    unsafe fn add(self, other: Self) -> Self;
    /// `self - other`
    unsafe fn sub(self, other: Self) -> Self;
    /// `self * other`
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * factor + sum`, fused unless the path is portable.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;
    /// `self / other`
    unsafe fn div(self, other: Self) -> Self;
    /// The square root, correctly rounded.
    unsafe fn sqrt(self) -> Self;
    /// The absolute value.
    unsafe fn abs(self) -> Self;
    /// `self` where `condition` is above 0, else 0.
    unsafe fn where_positive(self, condition: Self) -> Self;
    /// `self` where it is above 0, else 0.
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        // SAFETY: by the caller's promise.
        unsafe { self.where_positive(self) }
    }
    /// `self` within `low..=high`.
    unsafe fn clamp(self, low: Self, high: Self) -> Self;
    /// The sum of all lanes, always in the same order.
    unsafe fn sum(self) -> f32;
    /// The sums of all lanes of each of 8 vectors, always in the same order.
    unsafe fn sums(vectors: [Self; 8]) -> Self::Row;
    /// In each lane the sum of the four lanes that it is one of: lanes 0 to 3, 4 to 7 and so on.
    unsafe fn sums_of_fours(self) -> Self;
    /// Reads `LANES / 4` numbers, each into four lanes.
    unsafe fn load_fours(at: *const f32) -> Self;
    /// Writes the first half of the lanes to one place and the second to another.
    unsafe fn store_halves(self, first: *mut f32, second: *mut f32);
    /// Reads 8 numbers from each of `LANES` rows, `offset` from their starts, and turns them
    /// about: vector `i` of the result holds number `i` of every row.
    unsafe fn gather(rows: *const *mut f32, offset: usize) -> [Self; 8];
    /// Turns back what [`Vector::gather`] turned, and writes 8 numbers to each of `LANES` rows
    /// that lie `stride` apart.
    unsafe fn scatter(columns: [Self; 8], at: *mut f32, stride: usize);
}

/// Asks for the cache line at `at`, where the machine has a way to ask. Never faults.
#[inline(always)]
pub fn prefetch(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a prefetch of any address is allowed.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// As [`prefetch`], of a line that is about to be written: the core asks others to give it up.
#[inline(always)]
pub fn prefetch_to_write(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address is allowed, and where a processor has none of this kind it
    // does nothing.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation against plain numbers; the tolerance covers a fused rounding.
    unsafe fn check<V: Vector>() {
        let a: Vec<f32> = (0..V::LANES).map(|i| i as f32 * 0.7 - 3.3).collect();
        let b: Vec<f32> = (0..V::LANES).map(|i| 1.1 + i as f32 * 0.3).collect();
        let check = |vector: V, plain: &dyn Fn(f32, f32) -> f32| {
            let mut found = vec![0.0f32; V::LANES];
            unsafe { vector.store(found.as_mut_ptr()) };
            for i in 0..V::LANES {
                let due = plain(a[i], b[i]);
                assert!(
                    (found[i] - due).abs() <= 1e-6 * due.abs(),
                    "{} {due}",
                    found[i]
                );
            }
        };
        unsafe {
            let (x, y) = (V::load(a.as_ptr()), V::load(b.as_ptr()));
            check(V::splat(2.5), &|_, _| 2.5);
            check(x.add(y), &|a, b| a + b);
            check(x.sub(y), &|a, b| a - b);
            check(x.mul(y), &|a, b| a * b);
            check(x.mul_add(y, V::splat(20.0)), &|a, b| a * b + 20.0);
            check(x.div(y), &|a, b| a / b);
            check(y.sqrt(), &|_, b| b.sqrt());
            check(x.abs(), &|a, _| a.abs());
            check(y.where_positive(x), &|a, b| if a > 0.0 { b } else { 0.0 });
            check(x.clamp(V::splat(-1.0), V::splat(1.5)), &|a, _| {
                a.clamp(-1.0, 1.5)
            });
            let due: f32 = a.iter().sum();
            assert!((x.sum() - due).abs() < 1e-4);
            check(V::splat(1.0).where_positive(V::splat(-0.0)), &|_, _| 0.0);
            check(x.relu(), &|a, _| if a > 0.0 { a } else { 0.0 });
            check(V::splat(f32::NAN).relu(), &|_, _| 0.0);

            let eight: [V; 8] = std::array::from_fn(|i| x.mul(V::splat(i as f32)));
            let mut sums = [0.0f32; 8];
            V::sums(eight).store(sums.as_mut_ptr());
            for (i, sum) in sums.into_iter().enumerate() {
                assert!((sum - due * i as f32).abs() < 1e-3, "{sum}");
            }

            check(x.sums_of_fours(), &|a, _| {
                let four = ((a + 3.3) / 2.8 + 0.01).floor() * 2.8 - 3.3;
                4.0 * four + 6.0 * 0.7
            });
            let mut found = vec![0.0f32; V::LANES];
            V::load_fours(a.as_ptr()).store(found.as_mut_ptr());
            for (lane, value) in found.iter().enumerate() {
                assert_eq!(*value, a[lane / 4]);
            }
            let (first, second) = found.split_at_mut(V::LANES / 2);
            y.store_halves(second.as_mut_ptr(), first.as_mut_ptr());
            assert_eq!(found[V::LANES / 2..], b[..V::LANES / 2]);
            assert_eq!(found[..V::LANES / 2], b[V::LANES / 2..]);

            let mut rows: Vec<f32> = (0..V::LANES * 9).map(|i| i as f32).collect();
            let base = rows.as_mut_ptr();
            let from: Vec<*mut f32> = (0..V::LANES).map(|i| base.add(i * 8)).collect();
            let columns = V::gather(from.as_ptr(), 3);
            for (i, column) in columns.into_iter().enumerate() {
                let mut found = vec![0.0f32; V::LANES];
                column.store(found.as_mut_ptr());
                for (lane, value) in found.into_iter().enumerate() {
                    assert_eq!(value, (lane * 8 + i + 3) as f32);
                }
            }
            let mut back = vec![-1.0f32; V::LANES * 9];
            V::scatter(columns, back.as_mut_ptr(), 9);
            for (place, value) in back.into_iter().enumerate() {
                let due = (place / 9 * 8 + place % 9 + 3) as f32;
                assert_eq!(value, if place % 9 < 8 { due } else { -1.0 });
            }
        }
    }

    #[test]
    fn every_path_that_this_machine_runs_computes_what_plain_numbers_do() {
        unsafe { check::<Portable>() };
        #[cfg(target_arch = "x86_64")]
        {
            if Kernel::Avx2.is_available() {
                unsafe { check::<Avx2>() };
            }
            if Kernel::Avx512.is_available() {
                unsafe { check::<Avx512>() };
            }
        }
        #[cfg(target_arch = "aarch64")]
        unsafe {
            check::<Neon>();
        }
    }

    #[test]
    fn the_best_path_is_one_that_runs() {
        assert!(Kernel::best().is_available());
        for kernel in Kernel::ALL {
            assert_eq!(Kernel::from_name(kernel.name()), Some(kernel));
        }
    }
}
