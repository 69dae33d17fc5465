//! Loops of the sampler: blocks of outer products, and normal draws for eight rows at once.
//!
//! A row is groups of eight numbers, and a solve works on eight rows side by side. Nothing is fused and every sum has one
//! written order, so the bits are the same with and without AVX2 and AVX-512.

use crate::simd::Kernel;

/// Rows are groups of so many numbers, and so many rows are solved side by side.
pub(super) const LANES: usize = 8;

/// A row of `T` groups of eight numbers: the bias, then the factors.
pub(super) type Row<const T: usize> = [[f32; LANES]; T];

/// The vectors that the sampler's loops may use: a proof that this CPU has them. The bits don't depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vectors(Kernel);

impl Vectors {
    /// Those of a path; none where this CPU doesn't run it.
    pub(super) fn of(kernel: Kernel) -> Self {
        match kernel.is_available() {
            true => Self(kernel),
            false => Self(Kernel::Portable),
        }
    }

    /// The widest that there are here.
    pub(super) fn widest() -> Self {
        Self(Kernel::best())
    }

    /// Whether AVX2 may be used.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn have_avx2(self) -> bool {
        matches!(self.0, Kernel::Avx2 | Kernel::Avx512)
    }

    /// Whether AVX-512 may be used.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn have_avx512(self) -> bool {
        self.0 == Kernel::Avx512
    }
}

/// Adds the outer products of groups of rows to one block or two that lie beside each other: those of group `i` of
/// `scaled` and of group `j` of `x` to the first, of `j + 1` to the second.
pub(super) fn add_blocks<const T: usize>(
    blocks: &mut [[[f32; LANES]; LANES]],
    x: &[Row<T>],
    scaled: &[Row<T>],
    (i, j): (usize, usize),
    vectors: Vectors,
) {
    assert!(x.len() == scaled.len() && i < T && j + blocks.len() <= T);
    #[cfg(target_arch = "x86_64")]
    if let [left, right] = blocks
        && vectors.have_avx512()
    {
        // SAFETY: this CPU has AVX-512, as the line above says; rows and groups are there, as was looked at first.
        unsafe { x86::two_blocks(left, right, x, scaled, i, j) };
        return;
    }
    for (j, block) in (j..).zip(blocks) {
        add_block(block, x, scaled, (i, j), vectors);
    }
}

/// Adds to block `(i, j)`.
fn add_block<const T: usize>(
    sum: &mut [[f32; LANES]; LANES],
    x: &[Row<T>],
    scaled: &[Row<T>],
    (i, j): (usize, usize),
    vectors: Vectors,
) {
    #[cfg(target_arch = "x86_64")]
    if vectors.have_avx2() {
        // SAFETY: this CPU has AVX2, as the line above says; i and j are below T.
        return unsafe { x86::block(sum, x, scaled, i, j) };
    }
    plain_block(sum, x, scaled, i, j);
}

fn plain_block<const T: usize>(
    sum: &mut [[f32; LANES]; LANES],
    x: &[Row<T>],
    scaled: &[Row<T>],
    i: usize,
    j: usize,
) {
    // Eight sums of eight stay in registers over the whole block of ratings.
    let mut sums = *sum;
    for (x, scaled) in x.iter().zip(scaled) {
        for r in 0..LANES {
            for c in 0..LANES {
                sums[r][c] += scaled[i][r] * x[j][c];
            }
        }
    }
    *sum = sums;
}

/// The blocks by vectors: a row's number from memory into all lanes, times eight or sixteen of the other.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{LANES, Row};
    use std::arch::x86_64::*;

    /// Adds to a block.
    ///
    /// # Safety
    /// The CPU has AVX2, `i` and `j` are below `T`, and `scaled` has as many rows as `x`.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn block<const T: usize>(
        sum: &mut [[f32; LANES]; LANES],
        x: &[Row<T>],
        scaled: &[Row<T>],
        i: usize,
        j: usize,
    ) {
        // SAFETY: what is read are the eight numbers of group i or j of a row, and the sums.
        unsafe {
            let mut sums = [_mm256_setzero_ps(); LANES];
            for (to, from) in sums.iter_mut().zip(&*sum) {
                *to = _mm256_loadu_ps(from.as_ptr());
            }
            for (x, scaled) in x.iter().zip(scaled) {
                let x = _mm256_loadu_ps(x.get_unchecked(j).as_ptr());
                let scaled = scaled.get_unchecked(i);
                for (sum, scaled) in sums.iter_mut().zip(scaled) {
                    *sum = _mm256_add_ps(*sum, _mm256_mul_ps(_mm256_broadcast_ss(scaled), x));
                }
            }
            for (to, from) in sum.iter_mut().zip(sums) {
                _mm256_storeu_ps(to.as_mut_ptr(), from);
            }
        }
    }

    /// Adds to block `(i, j)` and to the one beside it.
    ///
    /// # Safety
    /// The CPU has AVX-512, `i` and `j + 1` are below `T`, and `scaled` has as many rows as `x`.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn two_blocks<const T: usize>(
        left: &mut [[f32; LANES]; LANES],
        right: &mut [[f32; LANES]; LANES],
        x: &[Row<T>],
        scaled: &[Row<T>],
        i: usize,
        j: usize,
    ) {
        // SAFETY: what is read are the sixteen numbers of groups j and j + 1 of a row, the eight of group i, and the sums.
        unsafe {
            let mut room = [[[0.0; LANES]; 2]; LANES];
            for ((to, left), right) in room.iter_mut().zip(&*left).zip(&*right) {
                *to = [*left, *right];
            }
            let mut sums = [_mm512_setzero_ps(); LANES];
            for (to, from) in sums.iter_mut().zip(&room) {
                *to = _mm512_loadu_ps(from.as_ptr().cast());
            }
            for (x, scaled) in x.iter().zip(scaled) {
                let x = _mm512_loadu_ps(x.as_ptr().add(j).cast());
                let scaled = scaled.get_unchecked(i);
                for (sum, &scaled) in sums.iter_mut().zip(scaled) {
                    *sum = _mm512_add_ps(*sum, _mm512_mul_ps(_mm512_set1_ps(scaled), x));
                }
            }
            for (to, from) in room.iter_mut().zip(sums) {
                _mm512_storeu_ps(to.as_mut_ptr().cast(), from);
            }
            for ((from, left), right) in room.iter().zip(left).zip(right) {
                [*left, *right] = *from;
            }
        }
    }
}

/// Eight normal distributions of `n` numbers side by side, given by precision matrix and by
/// precision times mean.
#[cfg_attr(test, derive(Clone, Debug, PartialEq))]
pub(super) struct Normals {
    n: usize,
    /// Lower triangles, row after row: element `(i, j)` at `i (i + 1) / 2 + j`.
    pub precision: Vec<[f32; LANES]>,
    /// Precision times mean on entry; the means after [`Normals::draw`].
    pub mean: Vec<[f32; LANES]>,
    /// Standard normal numbers on entry; the draws after [`Normals::draw`].
    pub drawn: Vec<[f32; LANES]>,
}

impl Normals {
    pub(super) fn new(n: usize) -> Self {
        Self {
            n,
            precision: vec![[0.0; LANES]; n * (n + 1) / 2],
            mean: vec![[0.0; LANES]; n],
            drawn: vec![[0.0; LANES]; n],
        }
    }

    /// Means and draws: with `A = L L^T`, the mean is `L^-T L^-1 b` and a draw `L^-T (L^-1 b + z)`.
    /// n^3 / 6 + 2 n^2 vector multiplications for the eight of them.
    pub(super) fn draw(&mut self, vectors: Vectors) {
        #[cfg(target_arch = "x86_64")]
        if vectors.have_avx2() {
            // SAFETY: this CPU has AVX2, as the line above says.
            unsafe {
                return draw_avx2(self);
            }
        }
        draw(self);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn draw_avx2(normals: &mut Normals) {
    draw(normals);
}

#[inline(always)]
fn draw(normals: &mut Normals) {
    let n = normals.n;
    let (a, b, z) = (
        &mut normals.precision[..n * (n + 1) / 2],
        &mut normals.mean[..n],
        &mut normals.drawn[..n],
    );
    // The factor L of A = L L^T, row by row, with the reciprocals of its diagonal in the diagonal's place: each of
    // these serves a column, and multiplying is quicker than dividing.
    for i in 0..n {
        let (above, row) = a.split_at_mut(i * (i + 1) / 2);
        for j in 0..=i {
            let mut sum = row[j];
            let other = if j < i {
                &above[j * (j + 1) / 2..j * (j + 1) / 2 + j]
            } else {
                &[]
            };
            if j < i {
                for (x, y) in row[..j].iter().zip(other) {
                    for c in 0..LANES {
                        sum[c] -= x[c] * y[c];
                    }
                }
                let diagonal = above[j * (j + 1) / 2 + j];
                for c in 0..LANES {
                    sum[c] *= diagonal[c];
                }
            } else {
                for x in &row[..j] {
                    for c in 0..LANES {
                        sum[c] -= x[c] * x[c];
                    }
                }
                for value in &mut sum {
                    // A pivot lost to rounding would be a NaN; it is held to something tiny.
                    let pivot = if *value > 1e-6 { *value } else { 1e-6 };
                    *value = 1.0 / pivot.sqrt();
                }
            }
            row[j] = sum;
        }
    }
    for i in 0..n {
        let row = &a[i * (i + 1) / 2..i * (i + 1) / 2 + i + 1];
        let mut sum = b[i];
        for (x, y) in row[..i].iter().zip(&b[..i]) {
            for c in 0..LANES {
                sum[c] -= x[c] * y[c];
            }
        }
        for c in 0..LANES {
            sum[c] *= row[i][c];
        }
        b[i] = sum;
    }
    // b is L^-1 b now. The mean is L^-T of it, a draw L^-T of it and z.
    for (z, b) in z.iter_mut().zip(b.iter()) {
        for c in 0..LANES {
            z[c] += b[c];
        }
    }
    for i in (0..n).rev() {
        let row = &a[i * (i + 1) / 2..i * (i + 1) / 2 + i + 1];
        for vector in [&mut *b, &mut *z] {
            let mut value = vector[i];
            for c in 0..LANES {
                value[c] *= row[i][c];
            }
            vector[i] = value;
            for (to, x) in vector[..i].iter_mut().zip(row) {
                for c in 0..LANES {
                    to[c] -= x[c] * value[c];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::draw::{Draw, Purpose};
    use super::*;
    use crate::dense;

    #[test]
    fn blocks_are_those_of_a_plain_loop_by_whatever_vectors() {
        let mut draw = Draw::new(4, Purpose::Start, 0, 0);
        let x: Vec<Row<3>> = (0..37)
            .map(|_| std::array::from_fn(|_| std::array::from_fn(|_| draw.normal() as f32)))
            .collect();
        let scaled: Vec<Row<3>> = (x.iter().zip(0u8..))
            .map(|(x, k)| x.map(|group| group.map(|x| x * f32::from(k))))
            .collect();
        for (i, j, some) in [(0, 0, 1), (1, 0, 2), (2, 0, 2), (2, 1, 2), (2, 2, 1)] {
            let mut due = vec![[[0.0; LANES]; LANES]; some];
            for (x, scaled) in x.iter().zip(&scaled) {
                for (j, block) in (j..).zip(&mut due) {
                    for (sums, scaled) in block.iter_mut().zip(scaled[i]) {
                        for (sum, x) in sums.iter_mut().zip(x[j]) {
                            *sum += scaled * x;
                        }
                    }
                }
            }
            for kernel in Kernel::ALL {
                let mut blocks = vec![[[0.0; LANES]; LANES]; some];
                add_blocks(&mut blocks, &x, &scaled, (i, j), Vectors::of(kernel));
                assert_eq!(blocks, due, "{i} {j} by {}", kernel.name());
            }
        }
    }

    #[test]
    fn vectors_are_those_of_the_path_that_was_asked_for() {
        for kernel in Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.is_available())
        {
            assert_eq!(Vectors::of(kernel), Vectors(kernel));
        }
        #[cfg(target_arch = "x86_64")]
        {
            let of = |kernel| {
                let vectors = Vectors::of(kernel);
                (vectors.have_avx2(), vectors.have_avx512())
            };
            assert_eq!(of(Kernel::Portable), (false, false));
            assert_eq!(of(Kernel::Avx2), (Kernel::Avx2.is_available(), false));
            let both = Kernel::Avx512.is_available();
            assert_eq!(of(Kernel::Avx512), (both, both));
        }
    }

    #[test]
    fn eight_draws_side_by_side_are_those_of_eight_plain_solves() {
        let n = 11;
        let mut draw = Draw::new(5, Purpose::Start, 0, 0);
        let mut normals = Normals::new(n);
        let mut plain = Vec::new();
        for lane in 0..LANES {
            let m: Vec<f64> = (0..n * 2 * n).map(|_| draw.normal()).collect();
            let mut a = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..n {
                    a[i * n + j] = m.chunks(n).map(|row| row[i] * row[j]).sum::<f64>()
                        + if i == j { 1.0 } else { 0.0 };
                    if j <= i {
                        normals.precision[i * (i + 1) / 2 + j][lane] = a[i * n + j] as f32;
                    }
                }
            }
            let b: Vec<f64> = (0..n).map(|_| draw.normal()).collect();
            let z: Vec<f64> = (0..n).map(|_| draw.normal()).collect();
            for i in 0..n {
                normals.mean[i][lane] = b[i] as f32;
                normals.drawn[i][lane] = z[i] as f32;
            }
            plain.push((a, b, z));
        }
        let mut wide = normals.clone();
        normals.draw(Vectors::of(Kernel::Portable));
        wide.draw(Vectors::widest());
        assert_eq!(wide, normals, "the bits depend on the vectors");
        for (lane, (a, b, z)) in plain.iter().enumerate() {
            // A times the mean is b; L^T times (draw - mean) is z.
            let mut l = a.clone();
            dense::cholesky(&mut l, n, dense::PIVOT);
            for i in 0..n {
                let back: f64 = (0..n)
                    .map(|j| a[i * n + j] * f64::from(normals.mean[j][lane]))
                    .sum();
                assert!((back - b[i]).abs() < 2e-3, "{back} {}", b[i]);
                let back: f64 = (i..n)
                    .map(|j| {
                        let off = f64::from(normals.drawn[j][lane] - normals.mean[j][lane]);
                        l[j * n + i] * off
                    })
                    .sum();
                assert!((back - z[i]).abs() < 2e-3, "{back} {}", z[i]);
            }
        }
    }
}
