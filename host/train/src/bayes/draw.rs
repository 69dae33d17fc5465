//! Random draws of the sampler: normal, gamma and Wishart, the same bits on every machine.
//!
//! The bits come from SplitMix64 (Steele, Lea and Flood 2014); logarithms from `libm`, since those
//! of the system differ in the last bit from one system to the next.

use crate::dense::{PIVOT, cholesky, solve_upper};
use pocketrec_base::random::{GOLDEN, mix};

/// What a generator is for: keeps the draws of one seed apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The rows that the first sweep starts from.
    Start = 1,
    /// Priors of the rows.
    Prior = 2,
    /// Rows, a batch at a time.
    Rows = 3,
    /// The noise that the users' own vary about.
    Noise = 4,
}

/// A seeded generator.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    state: u64,
    spare: Option<f64>,
}

impl Draw {
    /// The generator of `seed` for a purpose, in sweep `sweep`, for part `part` of the work.
    pub(crate) fn new(seed: u64, purpose: Purpose, sweep: u64, part: u64) -> Self {
        let mut state = mix(seed.wrapping_add(GOLDEN));
        for word in [purpose as u64, sweep, part] {
            state = mix(state.wrapping_add(GOLDEN).wrapping_add(mix(word)));
        }
        Self { state, spare: None }
    }

    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Evenly from 0 (left out) to 1.
    fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// A standard normal number (the polar method, Marsaglia and Bray 1964).
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let a = 2.0 * self.unit() - 1.0;
            let b = 2.0 * self.unit() - 1.0;
            let square = a * a + b * b;
            if square > 0.0 && square < 1.0 {
                let scale = (-2.0 * libm::log(square) / square).sqrt();
                self.spare = Some(b * scale);
                return a * scale;
            }
        }
    }

    /// A gamma number of shape `shape`, at least 1, and rate 1 (Marsaglia and Tsang 2000).
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            if libm::log(self.unit()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// A Wishart matrix of `n` x `n` with `freedom` degrees of freedom whose inverse scale matrix
    /// is `inverse_scale` (symmetric, row by row): Bartlett's decomposition.
    pub(crate) fn wishart(&mut self, freedom: f64, inverse_scale: &[f64], n: usize) -> Vec<f64> {
        let mut l = inverse_scale.to_vec();
        cholesky(&mut l, n, PIVOT);
        // The scale matrix is L^-T L^-1, so a draw is (L^-T A)(L^-T A)^T.
        let mut columns = vec![0.0; n * n];
        for j in 0..n {
            let column = &mut columns[j * n..(j + 1) * n];
            column[j] = (2.0 * self.gamma(0.5 * (freedom - j as f64))).sqrt();
            for value in &mut column[j + 1..] {
                *value = self.normal();
            }
            solve_upper(&l, n, column);
        }
        let mut out = vec![0.0; n * n];
        for column in columns.chunks(n) {
            for i in 0..n {
                for j in 0..n {
                    out[i * n + j] += column[i] * column[j];
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(part: u64) -> Draw {
        Draw::new(9, Purpose::Rows, 3, part)
    }

    #[test]
    fn normal_numbers_have_the_moments_of_the_normal_distribution() {
        let (mut draw, n) = (draw(0), 200_000);
        let mut sums = [0.0; 4];
        for _ in 0..n {
            let x = draw.normal();
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum += x.powi(k as i32 + 1) / f64::from(n);
            }
        }
        // Standard errors are 0.0022, 0.0032, 0.0087 and 0.022: five of them.
        for (found, (wanted, slack)) in
            sums.iter()
                .zip([(0.0, 0.011), (1.0, 0.016), (0.0, 0.044), (3.0, 0.11)])
        {
            assert!((found - wanted).abs() < slack, "{sums:?}");
        }
    }

    #[test]
    fn gamma_numbers_have_their_shape_as_mean_and_variance() {
        for shape in [1.0, 2.5, 40.0] {
            let mut draw = draw(1);
            let n = 100_000;
            let numbers: Vec<f64> = (0..n).map(|_| draw.gamma(shape)).collect();
            let mean = numbers.iter().sum::<f64>() / f64::from(n);
            let variance =
                numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(n);
            assert!((mean / shape - 1.0).abs() < 0.02, "{shape}: {mean}");
            assert!((variance / shape - 1.0).abs() < 0.06, "{shape}: {variance}");
        }
    }

    #[test]
    fn wishart_matrices_average_to_freedom_times_scale() {
        let (mut draw, n) = (draw(2), 20_000);
        // The inverse of [[2, 1], [1, 3]] is [[0.6, -0.2], [-0.2, 0.4]].
        let mut mean = [0.0; 4];
        for _ in 0..n {
            for (sum, value) in mean
                .iter_mut()
                .zip(draw.wishart(7.0, &[2.0, 1.0, 1.0, 3.0], 2))
            {
                *sum += value / f64::from(n);
            }
        }
        for (found, wanted) in mean.iter().zip([4.2, -1.4, -1.4, 2.8]) {
            assert!((found - wanted).abs() < 0.08, "{mean:?}");
        }
    }

    #[test]
    fn each_part_has_draws_of_its_own() {
        let first = |draw: &mut Draw| draw.bits();
        assert_eq!(first(&mut draw(5)), first(&mut draw(5)));
        assert_ne!(first(&mut draw(5)), first(&mut draw(6)));
        assert_ne!(
            first(&mut Draw::new(9, Purpose::Prior, 3, 5)),
            first(&mut draw(5))
        );
    }
}
