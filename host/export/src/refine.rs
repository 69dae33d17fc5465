//! Rounding 8-bit rows by what it does to predictions rather than to the numbers.
//!
//! A row x rounded to x + e moves the prediction for a partner by about g·e, g being its gradient there
//! ([`Influence`]). Rounded are all numbers of a row together: the integers z and the multiplier m that make the
//! largest |g·(m s z - x)| over the partners small. Its mean square is e'He with H the mean of gg', a closest-vector
//! problem. For each multiplier, z is Babai's nearest plane (Babai 1986, "On Lovász' lattice reduction and the nearest
//! lattice point problem"; rounding one number at a time and spreading what it erred over those not yet rounded is how
//! GPTQ rounds weights too, Frantar et al. 2022), from H's Cholesky factor. The best few then descend on the largest
//! error itself, a count of one number or of two at a time.

use super::influence::{Influence, dot};
use super::quantise::Bytes;
use pocketrec_base::threads;
use pocketrec_train::dense::cholesky;

/// A coarser grid than a row needs is worth a try, for the luck of its points: up to so many 32nds more.
const COARSEST: u16 = 48;

/// Lattice points that descend on the largest error.
const FINALISTS: usize = 6;

/// Rounds a finalist descends at most.
const ROUNDS: usize = 12;

/// A row's integers and multiplier.
#[derive(Clone, Debug, PartialEq)]
struct Point {
    integers: Vec<f32>,
    multiplier: u16,
}

/// Rounds the rows of `found`, those of `values`, anew; no row's largest error over the partners grows.
///
/// Each row is by itself, so the bytes don't depend on how many threads there are. A row of 8 takes about 90
/// microseconds of one.
pub(super) fn refine(values: &[f32], columns: usize, influence: &Influence<'_>, found: &mut Bytes) {
    let scale = found.scale;
    let rows = values
        .chunks_exact(columns)
        .zip(found.values.chunks_exact_mut(columns))
        .zip(&mut found.multipliers);
    let refine = |(): &mut (), ((row, integers), multiplier): ((&[f32], &mut [i8]), &mut u8)| {
        refine_row(row, influence, scale, integers, multiplier);
    };
    threads::share(threads::available(), rows, || (), refine);
}

fn refine_row(
    row: &[f32],
    influence: &Influence<'_>,
    scale: f32,
    integers: &mut [i8],
    multiplier: &mut u8,
) {
    let gradients = influence.gradients(row);
    let now = Point {
        integers: integers.iter().map(|x| f32::from(*x)).collect(),
        multiplier: u16::from(*multiplier),
    };
    let best = closest(row, &gradients, scale, now);
    *multiplier = best.multiplier as u8;
    for (to, from) in integers.iter_mut().zip(&best.integers) {
        *to = *from as i8;
    }
}

/// The best point that is found for `row`, no worse than `now`.
fn closest(row: &[f32], gradients: &[f32], scale: f32, now: Point) -> Point {
    let factor = Factor::of(gradients, row.len());
    let finest = (now.multiplier * 31 / 32).max(1);
    let coarsest = (now.multiplier * COARSEST / 32)
        .min(255)
        .max(now.multiplier);
    let mut points: Vec<(f64, Point)> = (finest..=coarsest)
        .map(|multiplier| {
            let integers = factor.nearest_plane(row, f32::from(multiplier) * scale);
            let point = Point {
                integers,
                multiplier,
            };
            (factor.squared(row, &point, scale), point)
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points.truncate(FINALISTS);
    let mut best = (largest_error(row, gradients, scale, &now), now.clone());
    for point in points.into_iter().map(|(_, point)| point).chain([now]) {
        let found = descend(row, gradients, scale, point);
        if found.0 < best.0 {
            best = found;
        }
    }
    best.1
}

/// The largest |g·e| over the partners.
fn largest_error(row: &[f32], gradients: &[f32], scale: f32, point: &Point) -> f32 {
    largest(&errors(row, gradients, scale, point))
}

fn largest(errors: &[f32]) -> f32 {
    errors.iter().fold(0.0, |most, error| most.max(error.abs()))
}

/// g·e for each partner.
fn errors(row: &[f32], gradients: &[f32], scale: f32, point: &Point) -> Vec<f32> {
    let step = f32::from(point.multiplier) * scale;
    let rounded: Vec<f32> = point.integers.iter().map(|z| z * step).collect();
    errors_of(row, gradients, &rounded)
}

fn errors_of(row: &[f32], gradients: &[f32], rounded: &[f32]) -> Vec<f32> {
    let off: Vec<f32> = rounded.iter().zip(row).map(|(to, x)| to - x).collect();
    let each = gradients.chunks_exact(row.len());
    each.map(|gradient| dot(gradient, &off)).collect()
}

/// The largest |g·e| over the partners of a row that was rounded so.
pub(super) fn effect(row: &[f32], gradients: &[f32], rounded: &[f32]) -> f32 {
    largest(&errors_of(row, gradients, rounded))
}

/// Moves one number or two by a count, whichever lowers the largest error most, until none does.
fn descend(row: &[f32], gradients: &[f32], scale: f32, mut point: Point) -> (f32, Point) {
    let columns = row.len();
    let step = f32::from(point.multiplier) * scale;
    let mut errors = errors(row, gradients, scale, &point);
    let mut best = largest(&errors);
    // What a count of each number does to each partner's prediction, [columns][partners].
    let moves: Vec<Vec<f32>> = (0..columns)
        .map(|column| {
            let of = gradients.iter().skip(column).step_by(columns);
            of.map(|gradient| gradient * step).collect()
        })
        .collect();
    // Where both of a pair are the same number, it moves alone.
    for _ in 0..ROUNDS {
        let mut found = None;
        for second in 0..columns {
            for first in 0..=second {
                for (a, b) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                    let a = if first == second { 0.0 } else { a };
                    if (point.integers[first] + a).abs() > 127.0
                        || (point.integers[second] + b).abs() > 127.0
                    {
                        continue;
                    }
                    let mut most = 0.0_f32;
                    for ((error, x), y) in errors.iter().zip(&moves[first]).zip(&moves[second]) {
                        let moved = (error + a * x + b * y).abs();
                        if moved > most {
                            most = moved;
                            if most >= best {
                                break;
                            }
                        }
                    }
                    if most < best {
                        best = most;
                        found = Some((first, a, second, b));
                    }
                }
            }
        }
        let Some((first, a, second, b)) = found else {
            break;
        };
        point.integers[first] += a;
        point.integers[second] += b;
        for ((error, x), y) in errors.iter_mut().zip(&moves[first]).zip(&moves[second]) {
            *error += a * x + b * y;
        }
    }
    // Anew, without what the moves' sums lost.
    (largest_error(row, gradients, scale, &point), point)
}

/// The upper Cholesky factor R of the mean square's matrix: H = R'R, row after row. Below the diagonal nothing counts.
struct Factor {
    columns: usize,
    rows: Vec<f64>,
}

impl Factor {
    /// Of H and a little of the identity, so that directions that no partner looks in count too.
    fn of(gradients: &[f32], columns: usize) -> Self {
        let mut h = vec![0.0_f64; columns * columns];
        for gradient in gradients.chunks_exact(columns) {
            for (i, a) in gradient.iter().enumerate() {
                for (to, b) in h[i * columns..].iter_mut().zip(&gradient[..=i]) {
                    *to += f64::from(a * b);
                }
            }
        }
        let trace: f64 = (0..columns).map(|i| h[i * columns + i]).sum();
        let little = (trace / columns as f64 * 1e-3).max(1e-12);
        for i in 0..columns {
            h[i * columns + i] += little;
        }
        cholesky(&mut h, columns, little * 1e-6);
        let rows = (0..columns * columns)
            .map(|at| h[at % columns * columns + at / columns])
            .collect();
        Self { columns, rows }
    }

    /// The integers of Babai's nearest plane, held to 127.
    fn nearest_plane(&self, row: &[f32], step: f32) -> Vec<f32> {
        let mut integers = vec![0.0_f32; self.columns];
        let mut off = vec![0.0_f64; self.columns];
        for i in (0..self.columns).rev() {
            let factor = &self.rows[i * self.columns..][..self.columns];
            let due = f64::from(row[i]) / f64::from(step);
            let others: f64 = (i + 1..self.columns).map(|j| factor[j] * off[j]).sum();
            let integer = (due - others / factor[i]).round().clamp(-127.0, 127.0);
            off[i] = integer - due;
            integers[i] = integer as f32;
        }
        integers
    }

    /// e'He, but for a factor.
    fn squared(&self, row: &[f32], point: &Point, scale: f32) -> f64 {
        let step = f64::from(f32::from(point.multiplier) * scale);
        let off: Vec<f64> = row
            .iter()
            .zip(&point.integers)
            .map(|(x, z)| f64::from(*z) * step - f64::from(*x))
            .collect();
        let sum = |(i, factor): (usize, &[f64])| -> f64 {
            factor.iter().zip(&off).skip(i).map(|(a, b)| a * b).sum()
        };
        let rows = self.rows.chunks_exact(self.columns).enumerate();
        rows.map(|row| sum(row).powi(2)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::influence::Side;
    use crate::quantise;
    use pocketrec_train::{ModelKind, Options, Parameters};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn no_rows_largest_error_is_beyond_that_of_its_nearest_integers(
            seed in 0_u64..1000,
            kind in 0_usize..3,
            size in 1.0_f32..40.0,
        ) {
            let model = [ModelKind::Mlp, ModelKind::Hybrid, ModelKind::Mf][kind];
            let options = Options { model, seed, ..Options::default() };
            let mut p = Parameters::initial(&options, 30, 20, 3.5);
            p.user_embedding.iter_mut().for_each(|x| *x *= size);
            p.movie_embedding.iter_mut().for_each(|x| *x *= size);
            for (side, values) in [(Side::Movies, &p.movie_embedding), (Side::Users, &p.user_embedding)] {
                let influence = Influence::new(&p, side);
                let nearest = quantise::bytes(values, 8).unwrap();
                let mut found = quantise::bytes(values, 8).unwrap();
                refine(values, 8, &influence, &mut found);
                let mut sums = [0.0, 0.0];
                for (at, row) in values.chunks(8).enumerate() {
                    let gradients = influence.gradients(row);
                    let largest = [&nearest, &found].map(|table| {
                        let point = Point {
                            integers: table.values[at * 8..][..8].iter().map(|x| f32::from(*x)).collect(),
                            multiplier: u16::from(table.multipliers[at]),
                        };
                        largest_error(row, &gradients, table.scale, &point)
                    });
                    prop_assert!(largest[1] <= largest[0], "row {at}: {largest:?}");
                    sums[0] += largest[0];
                    sums[1] += largest[1];
                }
                prop_assert!(sums[1] < 0.8 * sums[0], "{sums:?}");
            }
        }
    }

    #[test]
    fn the_nearest_plane_beats_the_nearest_integers_where_numbers_matter_together() {
        // Both partners look along (1, 1) but for a little.
        let gradients = [1.0, 1.0, 1.0, 0.9];
        let factor = Factor::of(&gradients, 2);
        let row = [0.4, 0.4];
        let plane = factor.nearest_plane(&row, 1.0);
        assert_eq!(plane.iter().sum::<f32>(), 1.0, "{plane:?}");
    }
}
