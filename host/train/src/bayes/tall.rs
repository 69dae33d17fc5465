//! Products of tables of many rows and some dozens of columns, on all cores.
//!
//! Written for the vectoriser, as the sampler's [`kernel`](super::kernel) is: nothing is fused and every sum has one
//! written order, so the bits are the same with and without AVX2 and for any number of threads.

use std::ops::Range;

use pocketrec_base::threads::share;

use super::kernel::LANES;

type Lanes = [f32; LANES];

/// Rows whose products are summed in single precision, before double takes over.
const BLOCK: usize = 256;
/// Groups of columns of a product that stay in registers.
const WIDE: usize = 4;
/// Blocks of a round a thread: their sums wait to be added in order.
const ROUND: usize = 4;
/// Rows of a product that a thread makes at a time.
const PART: usize = 1 << 12;

/// The weighted Gram matrix of a table of as many columns as `centre` has numbers, which each row is taken less: the lower
/// triangle, n^2 / 2 multiply-adds a row.
pub(super) fn gram(table: &[f32], centre: &[f32], weights: &[f32], threads: usize) -> Vec<f64> {
    let n = centre.len();
    let mut sum = vec![0.0f64; n * n];
    if n == 0 {
        return sum;
    }
    let groups = n.div_ceil(LANES);
    let blocks: Vec<_> = table.chunks(BLOCK * n).zip(weights.chunks(BLOCK)).collect();
    for round in blocks.chunks(threads.max(1) * ROUND) {
        let memory = || [(); 2].map(|()| vec![[0.0; LANES]; BLOCK * groups]);
        let made = share(
            threads,
            round.iter().copied(),
            memory,
            |[rows, scaled], (table, weights)| {
                let used = weights.len() * groups;
                let (rows, scaled) = (&mut rows[..used], &mut scaled[..used]);
                spread(table, centre, rows);
                let each = rows
                    .chunks_exact(groups)
                    .zip(scaled.chunks_exact_mut(groups));
                for ((row, scaled), weight) in each.zip(weights) {
                    for (to, x) in scaled.as_flattened_mut().iter_mut().zip(row.as_flattened()) {
                        *to = weight * x;
                    }
                }
                tiles(scaled, rows, groups)
            },
        );
        for tiles in made {
            for i in 0..n {
                for j in 0..=i {
                    let (bi, bj) = (i / LANES, j / LANES);
                    let tile = &tiles[bi * (bi + 1) / 2 + bj];
                    sum[i * n + j] += f64::from(tile[i % LANES][j % LANES]);
                }
            }
        }
    }
    sum
}

/// Lays rows out less their centre in whole groups of lanes, with zeros behind their end.
fn spread(table: &[f32], centre: &[f32], rows: &mut [Lanes]) {
    let n = centre.len();
    let groups = n.div_ceil(LANES);
    for (row, to) in table.chunks_exact(n).zip(rows.chunks_exact_mut(groups)) {
        for ((to, x), c) in to.as_flattened_mut().iter_mut().zip(row).zip(centre) {
            *to = x - c;
        }
    }
}

/// The lower tiles of a block's Gram matrix, from its rows times their weights and its rows: tile `(i, j)`, `j <= i`, at
/// `i (i + 1) / 2 + j`.
fn tiles(scaled: &[Lanes], rows: &[Lanes], groups: usize) -> Vec<[Lanes; LANES]> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was found on this CPU in the line above.
        unsafe {
            return tiles_avx2(scaled, rows, groups);
        }
    }
    tiles_plain(scaled, rows, groups)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn tiles_avx2(scaled: &[Lanes], rows: &[Lanes], groups: usize) -> Vec<[Lanes; LANES]> {
    tiles_plain(scaled, rows, groups)
}

#[inline(always)]
fn tiles_plain(scaled: &[Lanes], rows: &[Lanes], groups: usize) -> Vec<[Lanes; LANES]> {
    let mut tiles = Vec::with_capacity(groups * (groups + 1) / 2);
    for i in 0..groups {
        for j in 0..=i {
            // Eight sums of eight stay in registers over the whole block.
            let mut sum = [[0.0; LANES]; LANES];
            for (x, y) in scaled.chunks_exact(groups).zip(rows.chunks_exact(groups)) {
                let (x, y) = (&x[i], &y[j]);
                for r in 0..LANES {
                    for c in 0..LANES {
                        sum[r][c] += x[r] * y[c];
                    }
                }
            }
            tiles.push(sum);
        }
    }
    tiles
}

/// `table` (as many columns as `centre` has numbers, n, which each row is taken less) times `turn` (n x `rank`): n times
/// rank multiply-adds a row.
pub(super) fn times(
    table: &[f32],
    centre: &[f32],
    turn: &[f32],
    rank: usize,
    threads: usize,
) -> Vec<f32> {
    let n = centre.len();
    let rows = table.len() / n.max(1);
    let mut out = vec![0.0f32; rows * rank];
    if n == 0 || rank == 0 {
        return out;
    }
    // The turn's columns in strips that fit in registers, with zeros behind the last.
    let strips: Vec<Vec<[Lanes; WIDE]>> = (0..rank)
        .step_by(WIDE * LANES)
        .map(|start| {
            let strip = turn.chunks_exact(rank).map(|row| {
                let mut wide = [[0.0; LANES]; WIDE];
                let part = &row[start..rank.min(start + WIDE * LANES)];
                for (to, part) in wide.iter_mut().zip(part.chunks(LANES)) {
                    to[..part.len()].copy_from_slice(part);
                }
                wide
            });
            strip.collect()
        })
        .collect();
    let parts: Vec<_> = table
        .chunks(PART * n)
        .zip(out.chunks_mut(PART * rank))
        .collect();
    share(
        threads,
        parts,
        || (),
        |(), (table, out)| {
            for (at, strip) in strips.iter().enumerate() {
                product(table, centre, strip, out, [at * WIDE * LANES, rank]);
            }
        },
    );
    out
}

/// One strip of columns of a product, from column `start` on, into a table of `rank`: `[start, rank]`.
fn product(
    table: &[f32],
    centre: &[f32],
    strip: &[[Lanes; WIDE]],
    out: &mut [f32],
    to: [usize; 2],
) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was found on this CPU in the line above.
        unsafe {
            return product_avx2(table, centre, strip, out, to);
        }
    }
    product_plain(table, centre, strip, out, to);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn product_avx2(
    table: &[f32],
    centre: &[f32],
    strip: &[[Lanes; WIDE]],
    out: &mut [f32],
    to: [usize; 2],
) {
    product_plain(table, centre, strip, out, to);
}

#[inline(always)]
fn product_plain(
    table: &[f32],
    centre: &[f32],
    strip: &[[Lanes; WIDE]],
    out: &mut [f32],
    to: [usize; 2],
) {
    let [start, rank] = to;
    let rows = table.chunks_exact(centre.len());
    for (row, to) in rows.zip(out.chunks_exact_mut(rank)) {
        let mut sum = [[0.0f32; LANES]; WIDE];
        for ((x, c), turn) in row.iter().zip(centre).zip(strip) {
            let x = x - c;
            for (sum, turn) in sum.iter_mut().zip(turn) {
                for (sum, t) in sum.iter_mut().zip(turn) {
                    *sum += x * t;
                }
            }
        }
        for (to, sum) in to[start..].iter_mut().zip(sum.as_flattened()) {
            *to = *sum;
        }
    }
}

/// Adds to the number beside each row its product with `by`, the row less `centre` where there is one: n multiply-adds a
/// row, in double precision.
pub(super) fn add_products(
    table: &[f32],
    centre: Option<&[f32]>,
    by: &[f64],
    beside: &mut [f64],
    threads: usize,
) {
    /// Rows whose sums are made side by side: each waits for its own last number.
    const ROWS: usize = 8;
    let n = by.len().max(1);
    let zeros = vec![0.0; n];
    let centre = centre.unwrap_or(&zeros);
    let parts: Vec<_> = table
        .chunks(PART * n)
        .zip(beside.chunks_mut(PART))
        .collect();
    share(
        threads,
        parts,
        || (),
        |(), (table, beside)| {
            let rows = table.chunks(ROWS * n).zip(beside.chunks_mut(ROWS));
            for (rows, beside) in rows {
                for ((at, c), by) in (0..n).zip(centre).zip(by) {
                    for (sum, row) in beside.iter_mut().zip(rows.chunks_exact(n)) {
                        *sum += f64::from(row[at] - c) * by;
                    }
                }
            }
        },
    );
}

/// The lower triangle of the sum over rows of `part` times a row's products with itself, on all cores: each takes some
/// of the sums, so that every sum has one order.
pub(super) fn covariance(table: &[f32], dim: usize, part: f64, threads: usize) -> Vec<f64> {
    const SUMS: usize = 8;
    let starts: Vec<usize> = (0..dim).step_by(SUMS).collect();
    let made = share(
        threads,
        starts,
        || (),
        |(), start| {
            let own = start..dim.min(start + SUMS);
            let mut sums = vec![0.0; own.len() * dim];
            products_with_itself(table, dim, part, own, &mut sums);
            sums
        },
    );
    made.concat()
}

/// Adds to sums, `dim` of each of some columns, that column's products with those up to it.
fn products_with_itself(table: &[f32], dim: usize, part: f64, own: Range<usize>, sums: &mut [f64]) {
    #[inline(always)]
    fn plain(table: &[f32], dim: usize, part: f64, own: Range<usize>, sums: &mut [f64]) {
        for row in table.chunks_exact(dim) {
            for (i, sums) in own.clone().zip(sums.chunks_exact_mut(dim)) {
                let x = part * f64::from(row[i]);
                for (sum, &y) in sums.iter_mut().zip(&row[..=i]) {
                    *sum += x * f64::from(y);
                }
            }
        }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn wide(table: &[f32], dim: usize, part: f64, own: Range<usize>, sums: &mut [f64]) {
        plain(table, dim, part, own, sums);
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was found on this CPU in the line above.
        return unsafe { wide(table, dim, part, own, sums) };
    }
    plain(table, dim, part, own, sums);
}

/// Makes each row its product with the square matrix `turn`, reckoned in double precision.
pub(super) fn turn(table: &mut [f32], dim: usize, turn: &[f64], threads: usize) {
    let parts: Vec<_> = table.chunks_mut(PART * dim).collect();
    let room = || vec![0.0; dim];
    share(threads, parts, room, |room, rows| {
        turn_rows(rows, turn, room)
    });
}

/// As [`turn`], with room for the sums of a row.
fn turn_rows(rows: &mut [f32], turn: &[f64], room: &mut [f64]) {
    #[inline(always)]
    fn plain(rows: &mut [f32], turn: &[f64], room: &mut [f64]) {
        let dim = room.len();
        for row in rows.chunks_exact_mut(dim) {
            room.fill(0.0);
            for (&x, turn) in row.iter().zip(turn.chunks_exact(dim)) {
                for (sum, turn) in room.iter_mut().zip(turn) {
                    *sum += f64::from(x) * turn;
                }
            }
            for (x, sum) in row.iter_mut().zip(room.iter()) {
                *x = *sum as f32;
            }
        }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn wide(rows: &mut [f32], turn: &[f64], room: &mut [f64]) {
        plain(rows, turn, room);
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was found on this CPU in the line above.
        return unsafe { wide(rows, turn, room) };
    }
    plain(rows, turn, room);
}

#[cfg(test)]
mod tests {
    use super::super::draw::{Draw, Purpose};
    use super::*;

    fn table(rows: usize, columns: usize) -> Vec<f32> {
        let mut draw = Draw::new(3, Purpose::Start, 0, columns as u64);
        (0..rows * columns).map(|_| draw.normal() as f32).collect()
    }

    #[test]
    fn products_have_the_bits_of_the_plain_loops_for_any_shape_and_threads() {
        for (rows, n, rank) in [
            (1, 1, 1),
            (5, 7, 3),
            (600, 19, 33),
            (300, 24, 8),
            (4100, 3, 2),
        ] {
            let (table, turn) = (table(rows, n), table(n, rank));
            let weights: Vec<f32> = (0..rows).map(|row| 1.0 + (row % 5) as f32).collect();
            let centre: Vec<f32> = (0..n).map(|column| (column % 3) as f32 / 7.0).collect();
            let less =
                |row: &[f32]| -> Vec<f32> { row.iter().zip(&centre).map(|(x, c)| x - c).collect() };
            let taken: Vec<f32> = table.chunks_exact(n).flat_map(less).collect();
            let mut due = vec![0.0f64; n * n];
            for (rows, weights) in taken.chunks(BLOCK * n).zip(weights.chunks(BLOCK)) {
                for i in 0..n {
                    for j in 0..=i {
                        let mut sum = 0.0f32;
                        for (row, weight) in rows.chunks_exact(n).zip(weights) {
                            let scaled = weight * row[i];
                            sum += scaled * row[j];
                        }
                        due[i * n + j] += f64::from(sum);
                    }
                }
            }
            let mut product = vec![0.0f32; rows * rank];
            for (to, row) in product.chunks_exact_mut(rank).zip(taken.chunks_exact(n)) {
                for (x, turn) in row.iter().zip(turn.chunks_exact(rank)) {
                    for (to, t) in to.iter_mut().zip(turn) {
                        *to += x * t;
                    }
                }
            }
            let by: Vec<f64> = (0..n).map(|column| 1.0 / (column + 1) as f64).collect();
            let sums: Vec<f64> = taken
                .chunks_exact(n)
                .map(|row| {
                    row.iter()
                        .zip(&by)
                        .fold(1.0, |sum, (x, by)| sum + f64::from(*x) * by)
                })
                .collect();
            for threads in [1, 3] {
                let mut beside = vec![1.0; rows];
                add_products(&table, Some(&centre), &by, &mut beside, threads);
                assert_eq!(beside, sums, "{rows} {n}");
                assert_eq!(gram(&table, &centre, &weights, threads), due, "{rows} {n}");
                assert_eq!(
                    times(&table, &centre, &turn, rank, threads),
                    product,
                    "{rows} {n} {rank}"
                );
            }
        }
    }
}
