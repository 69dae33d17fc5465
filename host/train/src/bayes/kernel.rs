//! The sampler's two inner loops: sums of outer products, and normal draws for eight rows at once.
//!
//! Both are written for the vectoriser: a row is groups of eight numbers, and a solve works on eight
//! rows side by side. Nothing is fused and every sum has one written order, so the bits are the same
//! with and without AVX2.

/// Rows are groups of so many numbers, and so many rows are solved side by side.
pub(super) const LANES: usize = 8;

/// A row of `T` groups of eight numbers: the bias, then the factors.
pub(super) type Row<const T: usize> = [[f32; LANES]; T];

/// What the ratings of one row say: the sums of `w x x^T` (lower blocks of eight by eight) and of
/// `w y x`, over its ratings.
#[derive(Clone)]
pub(super) struct Sums<const T: usize> {
    /// Block `(i, j)`, `j <= i`, at `i (i + 1) / 2 + j`: eight rows of eight columns.
    pub outer: Vec<[[f32; LANES]; LANES]>,
    /// The sum of `w y x`.
    pub linear: Row<T>,
}

impl<const T: usize> Sums<T> {
    pub(super) fn new() -> Self {
        Self {
            outer: vec![[[0.0; LANES]; LANES]; T * (T + 1) / 2],
            linear: [[0.0; LANES]; T],
        }
    }

    pub(super) fn clear(&mut self) {
        self.outer.fill([[0.0; LANES]; LANES]);
        self.linear = [[0.0; LANES]; T];
    }

    /// Element `(i, j)` of the sum of outer products, for `j <= i`.
    pub(super) fn at(&self, i: usize, j: usize) -> f32 {
        let (bi, bj) = (i / LANES, j / LANES);
        self.outer[bi * (bi + 1) / 2 + bj][i % LANES][j % LANES]
    }

    /// Adds the ratings of a block: `x` the other side's rows with 1 in place of the bias, `w` their
    /// weights, `y` what is left to explain. T (T + 1) / 2 blocks of 64 multiply-adds a rating.
    pub(super) fn add(&mut self, x: &[Row<T>], w: &[f32], y: &[f32]) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: AVX2 was found on this CPU in the line above.
            unsafe {
                return add_avx2(self, x, w, y);
            }
        }
        add(self, x, w, y);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_avx2<const T: usize>(sums: &mut Sums<T>, x: &[Row<T>], w: &[f32], y: &[f32]) {
    add(sums, x, w, y);
}

#[inline(always)]
fn add<const T: usize>(sums: &mut Sums<T>, x: &[Row<T>], w: &[f32], y: &[f32]) {
    let mut block = 0;
    for i in 0..T {
        for j in 0..=i {
            // Eight sums of eight stay in registers over the whole block of ratings.
            let mut sum = sums.outer[block];
            for (x, &w) in x.iter().zip(w) {
                for r in 0..LANES {
                    let scaled = x[i][r] * w;
                    for c in 0..LANES {
                        sum[r][c] += scaled * x[j][c];
                    }
                }
            }
            sums.outer[block] = sum;
            block += 1;
        }
    }
    for ((x, &w), &y) in x.iter().zip(w).zip(y) {
        let scaled = w * y;
        for (sum, x) in sums.linear.iter_mut().zip(x) {
            for c in 0..LANES {
                sum[c] += scaled * x[c];
            }
        }
    }
}

/// Eight normal distributions of `n` numbers side by side, given by precision matrix and by
/// precision times mean.
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
    pub(super) fn draw(&mut self) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: AVX2 was found on this CPU in the line above.
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
    fn sums_are_those_of_a_plain_loop() {
        let mut draw = Draw::new(4, Purpose::Start, 0, 0);
        let x: Vec<Row<3>> = (0..37)
            .map(|_| std::array::from_fn(|_| std::array::from_fn(|_| draw.normal() as f32)))
            .collect();
        let w: Vec<f32> = (0..37).map(|k| 0.5 + k as f32 / 37.0).collect();
        let y: Vec<f32> = (0..37).map(|k| (k % 5) as f32 - 2.0).collect();
        let mut sums = Sums::<3>::new();
        sums.add(&x[..20], &w[..20], &y[..20]);
        sums.add(&x[20..], &w[20..], &y[20..]);
        let flat = |k: usize, i: usize| f64::from(x[k][i / LANES][i % LANES]);
        for i in 0..24 {
            for j in 0..=i {
                let plain: f64 = (0..37)
                    .map(|k| f64::from(w[k]) * flat(k, i) * flat(k, j))
                    .sum();
                assert!((f64::from(sums.at(i, j)) - plain).abs() < 1e-4);
            }
            let plain: f64 = (0..37).map(|k| f64::from(w[k] * y[k]) * flat(k, i)).sum();
            assert!((f64::from(sums.linear[i / LANES][i % LANES]) - plain).abs() < 1e-4);
        }
        let mut other = Sums::<3>::new();
        add(&mut other, &x[..20], &w[..20], &y[..20]);
        add(&mut other, &x[20..], &w[20..], &y[20..]);
        assert_eq!(other.outer, sums.outer, "the bits depend on the CPU");
        assert_eq!(other.linear, sums.linear, "the bits depend on the CPU");
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
        normals.draw();
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
