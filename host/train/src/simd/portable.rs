//! The path without special instructions: arrays of 8, which a compiler vectorises as it can.

use super::vector::Vector;

/// 8 lanes as an array; multiplications and additions round apart.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub struct Portable([f32; 8]);

impl Portable {
    // Written out: unrolling a loop for each operation takes a compiler several times as long.
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let ([a, b, c, d, e, g, h, i], [j, k, l, m, n, o, p, q]) = (self.0, other.0);
        Self([
            f(a, j),
            f(b, k),
            f(c, l),
            f(d, m),
            f(e, n),
            f(g, o),
            f(h, p),
            f(i, q),
        ])
    }

    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        let [a, b, c, d, e, g, h, i] = self.0;
        Self([f(a), f(b), f(c), f(d), f(e), f(g), f(h), f(i)])
    }
}

// SAFETY: nothing here needs an instruction that some machine lacks.
unsafe impl Vector for Portable {
    const LANES: usize = 8;
    const WIDE_TILES: bool = false;
    const LANES_ARE_UNITS: bool = false;
    type Row = Self;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 8])
    }

    #[inline(always)]
    unsafe fn load(at: *const f32) -> Self {
        // SAFETY: the caller's pointer is good for 8 numbers; f32's alignment is enough.
        Self(unsafe { at.cast::<[f32; 8]>().read() })
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut f32) {
        // SAFETY: as for `load`.
        unsafe { at.cast::<[f32; 8]>().write(self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, sum: Self) -> Self {
        self.zip(factor, |a, b| a * b).zip(sum, |a, b| a + b)
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.map(f32::sqrt)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.map(f32::abs)
    }

    #[inline(always)]
    fn where_positive(self, condition: Self) -> Self {
        self.zip(condition, |a, b| if b > 0.0 { a } else { 0.0 })
    }

    #[inline(always)]
    fn clamp(self, low: Self, high: Self) -> Self {
        self.zip(low, |a, b| if a > b { a } else { b })
            .zip(high, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        let [a, b, c, d, e, f, g, h] = self.0;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }

    #[inline(always)]
    fn sums(vectors: [Self; 8]) -> Self {
        let mut sums = [0.0; 8];
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            *sum = vector.sum();
        }
        Self(sums)
    }

    #[inline(always)]
    fn sums_of_fours(self) -> Self {
        let [a, b, c, d, e, f, g, h] = self.0;
        let (low, high) = ((a + b) + (c + d), (e + f) + (g + h));
        Self([low, low, low, low, high, high, high, high])
    }

    #[inline(always)]
    unsafe fn load_fours(at: *const f32) -> Self {
        // SAFETY: the caller's pointer is good for 2 numbers.
        let [a, b] = unsafe { at.cast::<[f32; 2]>().read() };
        Self([a, a, a, a, b, b, b, b])
    }

    #[inline(always)]
    unsafe fn store_halves(self, first: *mut f32, second: *mut f32) {
        let [a, b, c, d, e, f, g, h] = self.0;
        // SAFETY: the caller's pointers are good for 4 numbers each.
        unsafe {
            first.cast::<[f32; 4]>().write([a, b, c, d]);
            second.cast::<[f32; 4]>().write([e, f, g, h]);
        }
    }

    #[inline(always)]
    unsafe fn gather(rows: *const *mut f32, offset: usize) -> [Self; 8] {
        let mut columns = [Self([0.0; 8]); 8];
        for lane in 0..8 {
            // SAFETY: the caller's rows are good for 8 numbers each.
            let row = unsafe { Self::load((*rows.add(lane)).add(offset)) };
            for (column, value) in columns.iter_mut().zip(row.0) {
                column.0[lane] = value;
            }
        }
        columns
    }

    #[inline(always)]
    unsafe fn scatter(columns: [Self; 8], at: *mut f32, stride: usize) {
        for lane in 0..8 {
            let row = Self(columns.map(|column| column.0[lane]));
            // SAFETY: the caller's rows are good for 8 numbers each.
            unsafe { row.store(at.add(lane * stride)) };
        }
    }
}
