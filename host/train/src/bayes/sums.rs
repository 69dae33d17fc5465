//! What the ratings of one row say, summed: the sampler's inner loop.
//!
//! The sum of `w x x^T` is symmetric, so half of its products say all. A rating adds `w x` times `x` turned by k places, for
//! each k from 0 to half of a row's n numbers:
//!
//! ```text
//! turned[k][i] = sum of w x_i x_(i + k mod n)
//! ```
//!
//! These are whole vectors, n (n / 2 + 1) multiply-adds, and no product but those of the last turn is reckoned twice. Nothing
//! is fused and every sum runs over the ratings one after the other, so the bits are the same for all vectors.

use super::kernel::{LANES, Row, Vectors};
use super::table::Table;

/// Ratings summed at a time.
pub(super) const BLOCK: usize = 64;

/// Up to [`BLOCK`] ratings: the other side's rows, the same times their weights, and what the rows are to explain.
pub(super) struct Panel<const T: usize> {
    /// Rows of [`STRIDE`](Self::STRIDE) groups.
    x: Table<1>,
    scaled: Table<T>,
    pulls: [f32; BLOCK],
}

impl<const T: usize> Panel<T> {
    /// Groups of a row with its first half behind it again, so that it is turned by reading it from a later place.
    const STRIDE: usize = T + T.div_ceil(2);

    pub(super) fn new() -> Self {
        Self {
            x: Table::zeros(BLOCK * Self::STRIDE),
            scaled: Table::zeros(BLOCK),
            pulls: [0.0; BLOCK],
        }
    }

    /// Rating number `at`: a row, with another number in place of its first, the weight, and the pull, which is the weight
    /// times what the row is to explain.
    #[inline(always)]
    pub(super) fn put(&mut self, at: usize, row: &Row<T>, [first, w, pull]: [f32; 3]) {
        self.pulls[at] = pull;
        let x = &mut self.x[at * Self::STRIDE..][..Self::STRIDE];
        let x = x.as_flattened_mut();
        let scaled = &mut self.scaled[at];
        for (i, group) in row.iter().enumerate() {
            x[i] = *group;
            if i == 0 {
                x[0][0] = first;
            }
            for c in 0..LANES {
                scaled[i][c] = w * x[i][c];
            }
        }
        let (row, again) = x.split_at_mut(T);
        again.copy_from_slice(&row[..T.div_ceil(2)]);
    }

    /// As [`put`](Self::put). The compiler, which sees that the first number is another's, takes the rest one by one.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn put_avx2(&mut self, at: usize, row: &Row<T>, [first, w, pull]: [f32; 3]) {
        use std::arch::x86_64::*;
        self.pulls[at] = pull;
        let x = &mut self.x[at * Self::STRIDE..][..Self::STRIDE];
        let x = x.as_flattened_mut();
        let scaled = &mut self.scaled[at];
        let w = _mm256_set1_ps(w);
        for i in 0..T {
            // SAFETY: each reads or writes the eight numbers of a group.
            unsafe {
                let mut group = _mm256_loadu_ps(row[i].as_ptr());
                if i == 0 {
                    group = _mm256_blend_ps::<1>(group, _mm256_set1_ps(first));
                }
                _mm256_storeu_ps(x[i].as_mut_ptr(), group);
                if let Some(again) = x.get_mut(T + i) {
                    _mm256_storeu_ps(again.as_mut_ptr(), group);
                }
                _mm256_storeu_ps(scaled[i].as_mut_ptr(), _mm256_mul_ps(w, group));
            }
        }
    }
}

/// The sums of `w x x^T` and of `w y x` over ratings.
#[cfg_attr(test, derive(Clone, Debug, PartialEq))]
pub(super) struct Sums<const T: usize> {
    /// [`TURNS`](Self::TURNS) rows; the later half of the last says what the first does.
    pub turned: Vec<Row<T>>,
    /// The sum of `w y x`.
    pub linear: Row<T>,
}

impl<const T: usize> Sums<T> {
    const WIDTH: usize = T * LANES;
    /// Turns by 0 to half a row.
    const TURNS: usize = Self::WIDTH / 2 + 1;

    pub(super) fn new() -> Self {
        Self {
            turned: vec![[[0.0; LANES]; T]; Self::TURNS],
            linear: [[0.0; LANES]; T],
        }
    }

    pub(super) fn clear(&mut self) {
        self.turned.fill([[0.0; LANES]; T]);
        self.linear = [[0.0; LANES]; T];
    }

    /// Element `(i, j)` of the sum of outer products, for `j <= i`.
    pub(super) fn at(&self, i: usize, j: usize) -> f32 {
        let (turn, place) = match i - j < Self::TURNS {
            true => (i - j, j),
            false => (Self::WIDTH + j - i, i),
        };
        self.turned[turn].as_flattened()[place]
    }

    /// By how much the squared error of the ratings that the sums are of differs by the row `row` from that by zeros.
    ///
    /// With X the other side's rows, w the weights and y what they explain: sum of w (y - <x, row>)^2 is
    /// `row' (X'wX) row - 2 row' (X'wy) + sum of w y^2`, of which the sums are at hand, so the ratings needn't be walked
    /// again.
    pub(super) fn squared_error(&self, row: &Row<T>, vectors: Vectors) -> f64 {
        #[cfg(target_arch = "x86_64")]
        if vectors.have_avx2() {
            // SAFETY: this CPU has AVX2, as the line above says.
            return unsafe { self.squared_error_avx2(row) };
        }
        let _ = vectors;
        self.squared_error_by(row)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn squared_error_avx2(&self, row: &Row<T>) -> f64 {
        self.squared_error_by(row)
    }

    #[inline(always)]
    fn squared_error_by(&self, row: &Row<T>) -> f64 {
        let twice = [*row; 2];
        let twice = twice.as_flattened().as_flattened();
        // Half of what each number is multiplied by: of the first and of the last turn it is all of it.
        let mut halves = [[0.0f64; LANES]; T];
        for (turn, sums) in self.turned.iter().enumerate() {
            let part = match turn == 0 || turn + 1 == Self::TURNS {
                true => 0.5,
                false => 1.0,
            };
            let (others, _) = twice[turn..].as_chunks::<LANES>();
            for ((halves, sums), others) in halves.iter_mut().zip(sums).zip(others) {
                for c in 0..LANES {
                    halves[c] += part * f64::from(sums[c]) * f64::from(others[c]);
                }
            }
        }
        let mut error = 0.0;
        let halves = halves.as_flattened().iter().zip(self.linear.as_flattened());
        for (x, (half, linear)) in row.as_flattened().iter().zip(halves) {
            error += 2.0 * f64::from(*x) * (half - f64::from(*linear));
        }
        error
    }

    /// Adds the first `count` ratings of a panel.
    pub(super) fn add(&mut self, panel: &Panel<T>, count: usize, vectors: Vectors) {
        assert!(count <= BLOCK);
        #[cfg(target_arch = "x86_64")]
        if vectors.have_avx2() {
            let from = x86::From {
                x: panel.x.as_flattened().as_flattened(),
                scaled: panel.scaled.as_flattened().as_flattened(),
                pulls: &panel.pulls[..count],
                stride: Panel::<T>::STRIDE * LANES,
                width: Self::WIDTH,
            };
            let turned = self.turned.as_flattened_mut().as_flattened_mut();
            let linear = self.linear.as_flattened_mut();
            // SAFETY: this CPU has AVX2, and AVX-512 where that is asked for, as the vectors prove.
            unsafe { x86::add(from, turned, linear, vectors.have_avx512()) };
            return;
        }
        let _ = vectors;
        for turn in 0..Self::TURNS {
            self.add_turn(turn, panel, count);
        }
        for (x, pull) in panel.rows().zip(&panel.pulls[..count]) {
            for (sums, x) in self.linear.iter_mut().zip(x) {
                for c in 0..LANES {
                    sums[c] += pull * x[c];
                }
            }
        }
    }

    /// Adds to one turn.
    fn add_turn(&mut self, turn: usize, panel: &Panel<T>, count: usize) {
        let mut sums = self.turned[turn];
        let numbers = panel.x.as_flattened().as_flattened();
        let rows = numbers.chunks_exact(Panel::<T>::STRIDE * LANES);
        for (x, scaled) in rows.zip(&panel.scaled[..count]) {
            let (x, _) = x[turn..].as_chunks::<LANES>();
            for ((sums, scaled), x) in sums.iter_mut().zip(scaled).zip(x) {
                for c in 0..LANES {
                    sums[c] += scaled[c] * x[c];
                }
            }
        }
        self.turned[turn] = sums;
    }
}

impl<const T: usize> Panel<T> {
    fn rows(&self) -> impl Iterator<Item = &[[f32; LANES]]> {
        self.x
            .as_flattened()
            .chunks_exact(Self::STRIDE)
            .map(|row| &row[..T])
    }
}

/// The sums by vectors: those of some turns stay in registers over a block of ratings.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::LANES;
    use std::arch::x86_64::*;

    /// A block of ratings, as many as there are pulls.
    #[derive(Clone, Copy)]
    pub(super) struct From<'a> {
        pub x: &'a [f32],
        pub scaled: &'a [f32],
        pub pulls: &'a [f32],
        /// From a row of `x` to the next.
        pub stride: usize,
        /// From a row of `scaled` to the next, and of the sums.
        pub width: usize,
    }

    /// # Safety
    /// The CPU has AVX2, and AVX-512 where `wide` says so.
    pub(super) unsafe fn add(from: From<'_>, turned: &mut [f32], linear: &mut [f32], wide: bool) {
        let (rows, turns) = (from.pulls.len(), from.width / 2 + 1);
        assert!(from.stride >= from.width + from.width / 2 && from.width >= LANES);
        assert!(from.x.len() >= rows * from.stride && from.scaled.len() >= rows * from.width);
        assert!(turned.len() == turns * from.width && linear.len() == from.width);
        let mut start = 0;
        // SAFETY: the CPU has what is called for. From each start there are a vector's numbers in a row, and turned by half
        // a row the stride has them too.
        unsafe {
            while wide && start + 2 * LANES <= from.width {
                let to = (&mut *turned, &mut *linear);
                match turns {
                    9 => avx512::<9>(from, to, start),
                    13 => avx512::<13>(from, to, start),
                    17 => avx512::<17>(from, to, start),
                    _ => avx512::<21>(from, to, start),
                }
                start += 2 * LANES;
            }
            while start < from.width {
                let (mut first, mut left) = (0, turns);
                while left > 0 {
                    let to = (&mut *turned, &mut *linear);
                    // Nine sums and what they need are in sixteen registers.
                    first += match left {
                        9 | 17 => avx2::<9>(from, to, (start, first)),
                        13 | 14 | 21 => avx2::<7>(from, to, (start, first)),
                        8 => avx2::<8>(from, to, (start, first)),
                        7 => avx2::<7>(from, to, (start, first)),
                        6 => avx2::<6>(from, to, (start, first)),
                        _ => avx2::<5>(from, to, (start, first)),
                    };
                    left = turns - first;
                }
                start += LANES;
            }
        }
    }

    /// Adds to eight numbers from `start` on of `K` turns from `first` on, and of the linear sum beside the first turn.
    ///
    /// # Safety
    /// The CPU has AVX2, and `first + K` are no more than the turns.
    #[target_feature(enable = "avx2")]
    unsafe fn avx2<const K: usize>(
        from: From<'_>,
        (turned, linear): (&mut [f32], &mut [f32]),
        (start, first): (usize, usize),
    ) -> usize {
        debug_assert!((first + K) * from.width <= turned.len());
        // SAFETY: what is read and written are eight numbers each, which are there as `add` says.
        unsafe {
            let to = turned.as_mut_ptr().add(first * from.width + start);
            let mut sums = [_mm256_setzero_ps(); K];
            for (turn, sum) in sums.iter_mut().enumerate() {
                *sum = _mm256_loadu_ps(to.add(turn * from.width));
            }
            let mut straight = _mm256_loadu_ps(linear.as_ptr().add(start));
            let mut x = from.x.as_ptr().add(start + first);
            let mut scaled = from.scaled.as_ptr().add(start);
            for pull in from.pulls {
                let by = _mm256_loadu_ps(scaled);
                for (turn, sum) in sums.iter_mut().enumerate() {
                    let product = _mm256_mul_ps(by, _mm256_loadu_ps(x.add(turn)));
                    *sum = _mm256_add_ps(*sum, product);
                }
                if first == 0 {
                    let product = _mm256_mul_ps(_mm256_broadcast_ss(pull), _mm256_loadu_ps(x));
                    straight = _mm256_add_ps(straight, product);
                }
                x = x.wrapping_add(from.stride);
                scaled = scaled.wrapping_add(from.width);
            }
            for (turn, sum) in sums.into_iter().enumerate() {
                _mm256_storeu_ps(to.add(turn * from.width), sum);
            }
            if first == 0 {
                _mm256_storeu_ps(linear.as_mut_ptr().add(start), straight);
            }
        }
        K
    }

    /// Adds to sixteen numbers from `start` on of all turns, which are `K`, and of the linear sum.
    ///
    /// # Safety
    /// The CPU has AVX-512.
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512<const K: usize>(
        from: From<'_>,
        (turned, linear): (&mut [f32], &mut [f32]),
        start: usize,
    ) {
        debug_assert!(K * from.width == turned.len());
        // SAFETY: what is read and written are sixteen numbers each, which are there as `add` says.
        unsafe {
            let to = turned.as_mut_ptr().add(start);
            let mut sums = [_mm512_setzero_ps(); K];
            for (turn, sum) in sums.iter_mut().enumerate() {
                *sum = _mm512_loadu_ps(to.add(turn * from.width));
            }
            let mut straight = _mm512_loadu_ps(linear.as_ptr().add(start));
            let mut x = from.x.as_ptr().add(start);
            let mut scaled = from.scaled.as_ptr().add(start);
            for pull in from.pulls {
                let by = _mm512_loadu_ps(scaled);
                for (turn, sum) in sums.iter_mut().enumerate() {
                    let product = _mm512_mul_ps(by, _mm512_loadu_ps(x.add(turn)));
                    *sum = _mm512_add_ps(*sum, product);
                }
                let product = _mm512_mul_ps(_mm512_set1_ps(*pull), _mm512_loadu_ps(x));
                straight = _mm512_add_ps(straight, product);
                x = x.wrapping_add(from.stride);
                scaled = scaled.wrapping_add(from.width);
            }
            for (turn, sum) in sums.into_iter().enumerate() {
                _mm512_storeu_ps(to.add(turn * from.width), sum);
            }
            _mm512_storeu_ps(linear.as_mut_ptr().add(start), straight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::draw::{Draw, Purpose};
    use super::*;
    use crate::simd::Kernel;

    fn sums_are_those_of_a_plain_loop<const T: usize>() {
        let mut draw = Draw::new(4, Purpose::Start, 0, 0);
        let count = 37;
        let mut normal = || draw.normal() as f32;
        let rows: Vec<Row<T>> = (0..count)
            .map(|_| [[0.0; LANES]; T].map(|g| g.map(|_| normal())))
            .collect();
        let by: Vec<[f32; 3]> = (0..count)
            .map(|k| [1.0, 0.5 + k as f32 / 37.0, normal()])
            .collect();
        let of = |kernel| {
            let (mut sums, mut panel) = (Sums::<T>::new(), Panel::new());
            let vectors = Vectors::of(kernel);
            for (rows, by) in rows.chunks(20).zip(by.chunks(20)) {
                for (at, (row, by)) in rows.iter().zip(by).enumerate() {
                    #[cfg(target_arch = "x86_64")]
                    if vectors.have_avx2() {
                        // SAFETY: this CPU has AVX2, as the line above says.
                        unsafe { panel.put_avx2(at, row, *by) };
                        continue;
                    }
                    panel.put(at, row, *by);
                }
                sums.add(&panel, rows.len(), vectors);
            }
            sums
        };
        let sums = of(Kernel::Portable);
        for kernel in Kernel::ALL {
            assert_eq!(of(kernel), sums, "the bits depend on {}", kernel.name());
        }
        let n = T * LANES;
        let x = |k: usize, i: usize| match i {
            0 => 1.0,
            _ => f64::from(rows[k].as_flattened()[i]),
        };
        for i in 0..n {
            for j in 0..=i {
                let products = (0..count).map(|k| f64::from(by[k][1]) * x(k, i) * x(k, j));
                let plain: f64 = products.sum();
                assert!((f64::from(sums.at(i, j)) - plain).abs() < 1e-4, "{i} {j}");
            }
            let plain: f64 = (0..count).map(|k| f64::from(by[k][2]) * x(k, i)).sum();
            assert!((f64::from(sums.linear.as_flattened()[i]) - plain).abs() < 1e-4);
        }
    }

    #[test]
    fn sums_are_those_of_a_plain_loop_for_every_width_and_by_whatever_vectors() {
        sums_are_those_of_a_plain_loop::<1>();
        sums_are_those_of_a_plain_loop::<2>();
        sums_are_those_of_a_plain_loop::<3>();
        sums_are_those_of_a_plain_loop::<4>();
        sums_are_those_of_a_plain_loop::<5>();
    }
}
