//! The paths of x86-64: AVX2 with FMA, and AVX-512F.

use std::arch::x86_64::*;

use super::vector::Vector;

/// 8 lanes in a ymm register.
#[derive(Clone, Copy)]
pub struct Avx2(__m256);

/// 16 lanes in a zmm register.
#[derive(Clone, Copy)]
pub struct Avx512(__m512);

/// Turns an 8 by 8 square about.
#[inline(always)]
unsafe fn transpose(r: [__m256; 8]) -> [__m256; 8] {
    // SAFETY: the caller runs where AVX2 is.
    unsafe {
        let a0 = _mm256_unpacklo_ps(r[0], r[1]);
        let a1 = _mm256_unpackhi_ps(r[0], r[1]);
        let a2 = _mm256_unpacklo_ps(r[2], r[3]);
        let a3 = _mm256_unpackhi_ps(r[2], r[3]);
        let a4 = _mm256_unpacklo_ps(r[4], r[5]);
        let a5 = _mm256_unpackhi_ps(r[4], r[5]);
        let a6 = _mm256_unpacklo_ps(r[6], r[7]);
        let a7 = _mm256_unpackhi_ps(r[6], r[7]);
        let b0 = _mm256_shuffle_ps::<0x44>(a0, a2);
        let b1 = _mm256_shuffle_ps::<0xEE>(a0, a2);
        let b2 = _mm256_shuffle_ps::<0x44>(a1, a3);
        let b3 = _mm256_shuffle_ps::<0xEE>(a1, a3);
        let b4 = _mm256_shuffle_ps::<0x44>(a4, a6);
        let b5 = _mm256_shuffle_ps::<0xEE>(a4, a6);
        let b6 = _mm256_shuffle_ps::<0x44>(a5, a7);
        let b7 = _mm256_shuffle_ps::<0xEE>(a5, a7);
        [
            _mm256_permute2f128_ps::<0x20>(b0, b4),
            _mm256_permute2f128_ps::<0x20>(b1, b5),
            _mm256_permute2f128_ps::<0x20>(b2, b6),
            _mm256_permute2f128_ps::<0x20>(b3, b7),
            _mm256_permute2f128_ps::<0x31>(b0, b4),
            _mm256_permute2f128_ps::<0x31>(b1, b5),
            _mm256_permute2f128_ps::<0x31>(b2, b6),
            _mm256_permute2f128_ps::<0x31>(b3, b7),
        ]
    }
}

#[inline(always)]
unsafe fn sum_of_8(v: __m256) -> f32 {
    // SAFETY: the caller runs where AVX2 is.
    unsafe {
        let four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        let one = _mm_add_ss(two, _mm_shuffle_ps::<1>(two, two));
        _mm_cvtss_f32(one)
    }
}

/// In each half of 128 bits, the sums of the four numbers there of each of four vectors.
#[inline(always)]
unsafe fn sums_of_fours(a: __m256, b: __m256, c: __m256, d: __m256) -> __m256 {
    // SAFETY: the caller runs where AVX2 is.
    unsafe {
        let ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        _mm256_add_ps(
            _mm256_shuffle_ps::<0x44>(ab, cd),
            _mm256_shuffle_ps::<0xEE>(ab, cd),
        )
    }
}

#[allow(
    unsafe_op_in_unsafe_fn,
    reason = "each body is one intrinsic under the trait's contract"
)]
// SAFETY: vectors are made only where AVX2 and FMA are, which the caller answers for.
unsafe impl Vector for Avx2 {
    const LANES: usize = 8;
    const WIDE_TILES: bool = false;
    const LANES_ARE_UNITS: bool = true;
    type Row = Self;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(_mm256_set1_ps(value))
    }

    #[inline(always)]
    unsafe fn load(at: *const f32) -> Self {
        Self(_mm256_loadu_ps(at))
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut f32) {
        _mm256_storeu_ps(at, self.0)
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm256_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm256_sub_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm256_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, sum.0)) }
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm256_div_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm256_sqrt_ps(self.0)) }
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0)) }
    }

    #[inline(always)]
    fn where_positive(self, condition: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            let mask = _mm256_cmp_ps::<_CMP_GT_OQ>(condition.0, _mm256_setzero_ps());
            Self(_mm256_and_ps(mask, self.0))
        }
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            // Where one of the two is not a number, the second is taken.
            Self(_mm256_max_ps(self.0, _mm256_setzero_ps()))
        }
    }

    #[inline(always)]
    fn clamp(self, low: Self, high: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm256_min_ps(_mm256_max_ps(self.0, low.0), high.0)) }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { sum_of_8(self.0) }
    }

    #[inline(always)]
    fn sums(v: [Self; 8]) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            let [a, b, c, d, e, f, g, h] = v;
            let low = sums_of_fours(a.0, b.0, c.0, d.0);
            let high = sums_of_fours(e.0, f.0, g.0, h.0);
            let first = _mm256_permute2f128_ps::<0x20>(low, high);
            let second = _mm256_permute2f128_ps::<0x31>(low, high);
            Self(_mm256_add_ps(first, second))
        }
    }

    #[inline(always)]
    fn sums_of_fours(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            let pairs = _mm256_add_ps(self.0, _mm256_permute_ps::<0xB1>(self.0));
            Self(_mm256_add_ps(pairs, _mm256_permute_ps::<0x4E>(pairs)))
        }
    }

    #[inline(always)]
    unsafe fn load_fours(at: *const f32) -> Self {
        let (low, high) = (_mm_set1_ps(*at), _mm_set1_ps(*at.add(1)));
        Self(_mm256_set_m128(high, low))
    }

    #[inline(always)]
    unsafe fn store_halves(self, first: *mut f32, second: *mut f32) {
        _mm_storeu_ps(first, _mm256_castps256_ps128(self.0));
        _mm_storeu_ps(second, _mm256_extractf128_ps::<1>(self.0));
    }

    #[inline(always)]
    unsafe fn gather(rows: *const *mut f32, offset: usize) -> [Self; 8] {
        transpose([
            _mm256_loadu_ps((*rows).add(offset)),
            _mm256_loadu_ps((*rows.add(1)).add(offset)),
            _mm256_loadu_ps((*rows.add(2)).add(offset)),
            _mm256_loadu_ps((*rows.add(3)).add(offset)),
            _mm256_loadu_ps((*rows.add(4)).add(offset)),
            _mm256_loadu_ps((*rows.add(5)).add(offset)),
            _mm256_loadu_ps((*rows.add(6)).add(offset)),
            _mm256_loadu_ps((*rows.add(7)).add(offset)),
        ])
        .map(Self)
    }

    #[inline(always)]
    unsafe fn scatter(columns: [Self; 8], at: *mut f32, stride: usize) {
        let values = transpose(columns.map(|column| column.0));
        for (row, value) in values.into_iter().enumerate() {
            _mm256_storeu_ps(at.add(row * stride), value);
        }
    }
}

#[allow(
    unsafe_op_in_unsafe_fn,
    reason = "each body is one intrinsic under the trait's contract"
)]
// SAFETY: vectors are made only where AVX-512F and AVX2 are, which the caller answers for.
unsafe impl Vector for Avx512 {
    const LANES: usize = 16;
    const WIDE_TILES: bool = true;
    const LANES_ARE_UNITS: bool = true;
    type Row = Avx2;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(_mm512_set1_ps(value))
    }

    #[inline(always)]
    unsafe fn load(at: *const f32) -> Self {
        Self(_mm512_loadu_ps(at))
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut f32) {
        _mm512_storeu_ps(at, self.0)
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm512_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm512_sub_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm512_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, sum: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm512_fmadd_ps(self.0, factor.0, sum.0)) }
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm512_div_ps(self.0, other.0)) }
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm512_sqrt_ps(self.0)) }
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm512_abs_ps(self.0)) }
    }

    #[inline(always)]
    fn where_positive(self, condition: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            let mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(condition.0, _mm512_setzero_ps());
            Self(_mm512_maskz_mov_ps(mask, self.0))
        }
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm512_max_ps(self.0, _mm512_setzero_ps())) }
    }

    #[inline(always)]
    fn clamp(self, low: Self, high: Self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe { Self(_mm512_min_ps(_mm512_max_ps(self.0, low.0), high.0)) }
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            let [low, high] = halves(self.0);
            sum_of_8(_mm256_add_ps(low, high))
        }
    }

    #[inline(always)]
    fn sums(v: [Self; 8]) -> Avx2 {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            let [a, b, c, d, e, f, g, h] = v;
            let low = sums_of_quarters(a.0, b.0, c.0, d.0);
            let high = sums_of_quarters(e.0, f.0, g.0, h.0);
            // Lane by lane of 128 bits: the first and second half of each, then both.
            let halves_of_both = _mm512_add_ps(
                _mm512_shuffle_f32x4::<0x44>(low, high),
                _mm512_shuffle_f32x4::<0xEE>(low, high),
            );
            let order = _mm512_setr_epi64(0, 1, 4, 5, 2, 3, 6, 7);
            let both = _mm512_permutexvar_pd(order, _mm512_castps_pd(halves_of_both));
            let [one, other] = halves(_mm512_castpd_ps(both));
            Avx2(_mm256_add_ps(one, other))
        }
    }

    #[inline(always)]
    fn sums_of_fours(self) -> Self {
        // SAFETY: a vector is at hand, so its instructions are.
        unsafe {
            let pairs = _mm512_add_ps(self.0, _mm512_permute_ps::<0xB1>(self.0));
            Self(_mm512_add_ps(pairs, _mm512_permute_ps::<0x4E>(pairs)))
        }
    }

    #[inline(always)]
    unsafe fn load_fours(at: *const f32) -> Self {
        let four = _mm512_castps128_ps512(_mm_loadu_ps(at));
        let lanes = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
        Self(_mm512_permutexvar_ps(lanes, four))
    }

    #[inline(always)]
    unsafe fn store_halves(self, first: *mut f32, second: *mut f32) {
        let [low, high] = halves(self.0);
        _mm256_storeu_ps(first, low);
        _mm256_storeu_ps(second, high);
    }

    #[inline(always)]
    unsafe fn gather(rows: *const *mut f32, offset: usize) -> [Self; 8] {
        let mut columns = [Self(_mm512_setzero_ps()); 8];
        for half in [0, 4] {
            // Vector `i` has of every fourth row, from row `i` on, four numbers each.
            let mut rows_of_4 = [_mm512_setzero_ps(); 4];
            for (i, value) in rows_of_4.iter_mut().enumerate() {
                let four = |row: usize| (*rows.add(row + i)).add(offset + half).cast_const();
                let first = _mm512_castps128_ps512(_mm_loadu_ps(four(0)));
                let two = _mm512_insertf32x4::<1>(first, _mm_loadu_ps(four(4)));
                let three = _mm512_insertf32x4::<2>(two, _mm_loadu_ps(four(8)));
                *value = _mm512_insertf32x4::<3>(three, _mm_loadu_ps(four(12)));
            }
            for (i, column) in transpose_fours(rows_of_4).into_iter().enumerate() {
                columns[half + i] = Self(column);
            }
        }
        columns
    }

    // No closure here takes or gives a vector: one that isn't inlined is compiled without
    // AVX-512, and each of its operations becomes a call.
    #[inline(always)]
    unsafe fn scatter(columns: [Self; 8], at: *mut f32, stride: usize) {
        let [a, b, c, d, e, f, g, h] = columns;
        let low = transpose_fours([a.0, b.0, c.0, d.0]);
        let high = transpose_fours([e.0, f.0, g.0, h.0]);
        let first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
        let second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
        for i in 0..4 {
            let (low, high) = (_mm512_castps_pd(low[i]), _mm512_castps_pd(high[i]));
            for (pair, order) in [first, second].into_iter().enumerate() {
                let rows = _mm512_castpd_ps(_mm512_permutex2var_pd(low, order, high));
                let [one, other] = halves(rows);
                let row = at.add((8 * pair + i) * stride);
                _mm256_storeu_ps(row, one);
                _mm256_storeu_ps(row.add(4 * stride), other);
            }
        }
    }
}

/// In each quarter of 128 bits, the sums of the four numbers there of each of four vectors.
#[inline(always)]
unsafe fn sums_of_quarters(a: __m512, b: __m512, c: __m512, d: __m512) -> __m512 {
    // SAFETY: the caller runs where AVX-512F is.
    unsafe {
        let ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        let cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
        _mm512_add_ps(
            _mm512_shuffle_ps::<0x44>(ab, cd),
            _mm512_shuffle_ps::<0xEE>(ab, cd),
        )
    }
}

/// Turns about the four 4 by 4 squares that lie beside each other in four vectors.
#[inline(always)]
unsafe fn transpose_fours(r: [__m512; 4]) -> [__m512; 4] {
    // SAFETY: the caller runs where AVX-512F is.
    unsafe {
        let a0 = _mm512_unpacklo_ps(r[0], r[1]);
        let a1 = _mm512_unpackhi_ps(r[0], r[1]);
        let a2 = _mm512_unpacklo_ps(r[2], r[3]);
        let a3 = _mm512_unpackhi_ps(r[2], r[3]);
        [
            _mm512_shuffle_ps::<0x44>(a0, a2),
            _mm512_shuffle_ps::<0xEE>(a0, a2),
            _mm512_shuffle_ps::<0x44>(a1, a3),
            _mm512_shuffle_ps::<0xEE>(a1, a3),
        ]
    }
}

#[inline(always)]
unsafe fn halves(v: __m512) -> [__m256; 2] {
    // SAFETY: the caller runs where AVX-512F is.
    unsafe {
        let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(v));
        [_mm512_castps512_ps256(v), _mm256_castpd_ps(high)]
    }
}
