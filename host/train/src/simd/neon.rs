//! The path of aarch64: 8 lanes in two NEON registers.

use std::arch::aarch64::*;

use super::vector::Vector;

/// 8 lanes, the first four in the first register.
#[derive(Clone, Copy)]
pub struct Neon(float32x4_t, float32x4_t);

#[allow(
    unsafe_op_in_unsafe_fn,
    reason = "each body is two intrinsics under the trait's contract"
)]
// SAFETY: NEON is part of every aarch64 machine that runs an operating system.
unsafe impl Vector for Neon {
    const LANES: usize = 8;
    const WIDE_TILES: bool = false;
    const LANES_ARE_UNITS: bool = false;
    type Row = Self;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(vdupq_n_f32(value), vdupq_n_f32(value))
    }

    #[inline(always)]
    unsafe fn load(at: *const f32) -> Self {
        Self(vld1q_f32(at), vld1q_f32(at.add(4)))
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut f32) {
        vst1q_f32(at, self.0);
        vst1q_f32(at.add(4), self.1);
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(vaddq_f32(self.0, other.0), vaddq_f32(self.1, other.1)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(vsubq_f32(self.0, other.0), vsubq_f32(self.1, other.1)) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(vmulq_f32(self.0, other.0), vmulq_f32(self.1, other.1)) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            Self(
                vfmaq_f32(sum.0, self.0, factor.0),
                vfmaq_f32(sum.1, self.1, factor.1),
            )
        }
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(vdivq_f32(self.0, other.0), vdivq_f32(self.1, other.1)) }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(vsqrtq_f32(self.0), vsqrtq_f32(self.1)) }
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(vabsq_f32(self.0), vabsq_f32(self.1)) }
    }

    #[inline(always)]
    fn where_positive(self, condition: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            let zero = vdupq_n_f32(0.0);
            let keep = |value, condition| vbslq_f32(vcgtq_f32(condition, zero), value, zero);
            Self(keep(self.0, condition.0), keep(self.1, condition.1))
        }
    }

    #[inline(always)]
    fn clamp(self, low: Self, high: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            Self(
                vminq_f32(vmaxq_f32(self.0, low.0), high.0),
                vminq_f32(vmaxq_f32(self.1, low.1), high.1),
            )
        }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { vaddvq_f32(vaddq_f32(self.0, self.1)) }
    }

    #[inline(always)]
    fn sums(v: [Self; 8]) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            let pairs = |a: Self, b: Self| {
                let (a, b) = (vaddq_f32(a.0, a.1), vaddq_f32(b.0, b.1));
                vpaddq_f32(a, b)
            };
            Self(
                vpaddq_f32(pairs(v[0], v[1]), pairs(v[2], v[3])),
                vpaddq_f32(pairs(v[4], v[5]), pairs(v[6], v[7])),
            )
        }
    }

    #[inline(always)]
    fn sums_of_fours(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            let four = |v| {
                let pairs = vaddq_f32(v, vrev64q_f32(v));
                vaddq_f32(pairs, vextq_f32::<2>(pairs, pairs))
            };
            Self(four(self.0), four(self.1))
        }
    }

    #[inline(always)]
    unsafe fn load_fours(at: *const f32) -> Self {
        Self(vdupq_n_f32(*at), vdupq_n_f32(*at.add(1)))
    }

    #[inline(always)]
    unsafe fn store_halves(self, first: *mut f32, second: *mut f32) {
        vst1q_f32(first, self.0);
        vst1q_f32(second, self.1);
    }

    #[inline(always)]
    unsafe fn gather(rows: *const *mut f32, offset: usize) -> [Self; 8] {
        let mut square = [[0.0f32; 8]; 8];
        for lane in 0..8 {
            let row = (*rows.add(lane)).add(offset);
            for (i, column) in square.iter_mut().enumerate() {
                column[lane] = *row.add(i);
            }
        }
        square.map(|column| Self::load(column.as_ptr()))
    }

    #[inline(always)]
    unsafe fn scatter(columns: [Self; 8], at: *mut f32, stride: usize) {
        let mut square = [[0.0f32; 8]; 8];
        for (column, values) in columns.into_iter().zip(&mut square) {
            column.store(values.as_mut_ptr());
        }
        for lane in 0..8 {
            for (i, values) in square.iter().enumerate() {
                *at.add(lane * stride + i) = values[lane];
            }
        }
    }
}
