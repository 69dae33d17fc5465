//! Products of tables of many rows and some dozens of columns, on all cores.
//!
//! Written for the vectoriser, as the sampler's [`kernel`](super::kernel) is: nothing is fused and every sum has one
//! written order, so the bits are the same with and without AVX2 and for any number of threads.

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

/// The weighted Gram matrix of a table of `n` columns, lower triangle: n^2 / 2 multiply-adds a row.
pub(super) fn gram(table: &[f32], n: usize, weights: &[f32], threads: usize) -> Vec<f64> {
    let mut sum = vec![0.0f64; n * n];
    if n == 0 {
        return sum;
    }
    let groups = n.div_ceil(LANES);
    let blocks: Vec<_> = table.chunks(BLOCK * n).zip(weights.chunks(BLOCK)).collect();
    for round in blocks.chunks(threads.max(1) * ROUND) {
        let memory = || vec![[0.0; LANES]; BLOCK * groups];
        let made = share(
            threads,
            round.iter().copied(),
            memory,
            |rows, (table, weights)| {
                spread(table, n, rows);
                tiles(rows, groups, weights)
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

/// Lays rows out in whole groups of lanes, with zeros behind their end.
fn spread(table: &[f32], n: usize, rows: &mut [Lanes]) {
    let groups = n.div_ceil(LANES);
    for (row, to) in table.chunks_exact(n).zip(rows.chunks_exact_mut(groups)) {
        for (part, to) in row.chunks(LANES).zip(to) {
            to[..part.len()].copy_from_slice(part);
        }
    }
}

/// The lower tiles of a block's Gram matrix: tile `(i, j)`, `j <= i`, at `i (i + 1) / 2 + j`.
fn tiles(rows: &[Lanes], groups: usize, weights: &[f32]) -> Vec<[Lanes; LANES]> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was found on this CPU in the line above.
        unsafe {
            return tiles_avx2(rows, groups, weights);
        }
    }
    tiles_plain(rows, groups, weights)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn tiles_avx2(rows: &[Lanes], groups: usize, weights: &[f32]) -> Vec<[Lanes; LANES]> {
    tiles_plain(rows, groups, weights)
}

#[inline(always)]
fn tiles_plain(rows: &[Lanes], groups: usize, weights: &[f32]) -> Vec<[Lanes; LANES]> {
    let mut tiles = Vec::with_capacity(groups * (groups + 1) / 2);
    for i in 0..groups {
        for j in 0..=i {
            // Eight sums of eight stay in registers over the whole block.
            let mut sum = [[0.0; LANES]; LANES];
            for (row, &weight) in rows.chunks_exact(groups).zip(weights) {
                let (x, y) = (&row[i], &row[j]);
                for r in 0..LANES {
                    let scaled = weight * x[r];
                    for c in 0..LANES {
                        sum[r][c] += scaled * y[c];
                    }
                }
            }
            tiles.push(sum);
        }
    }
    tiles
}

/// `table` (`n` columns) times `turn` (`n` x `rank`): n times rank multiply-adds a row.
pub(super) fn times(
    table: &[f32],
    n: usize,
    turn: &[f32],
    rank: usize,
    threads: usize,
) -> Vec<f32> {
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
                product(table, strip, out, at * WIDE * LANES, [n, rank]);
            }
        },
    );
    out
}

/// One strip of columns of a product, from column `start` on: of a table of `n` columns, into one of `rank`.
fn product(
    table: &[f32],
    strip: &[[Lanes; WIDE]],
    out: &mut [f32],
    start: usize,
    shape: [usize; 2],
) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was found on this CPU in the line above.
        unsafe {
            return product_avx2(table, strip, out, start, shape);
        }
    }
    product_plain(table, strip, out, start, shape);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn product_avx2(
    table: &[f32],
    strip: &[[Lanes; WIDE]],
    out: &mut [f32],
    start: usize,
    shape: [usize; 2],
) {
    product_plain(table, strip, out, start, shape);
}

#[inline(always)]
fn product_plain(
    table: &[f32],
    strip: &[[Lanes; WIDE]],
    out: &mut [f32],
    start: usize,
    shape: [usize; 2],
) {
    let [n, rank] = shape;
    for (row, to) in table.chunks_exact(n).zip(out.chunks_exact_mut(rank)) {
        let mut sum = [[0.0f32; LANES]; WIDE];
        for (&x, turn) in row.iter().zip(strip) {
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
            let mut due = vec![0.0f64; n * n];
            for (rows, weights) in table.chunks(BLOCK * n).zip(weights.chunks(BLOCK)) {
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
            for (to, row) in product.chunks_exact_mut(rank).zip(table.chunks_exact(n)) {
                for (x, turn) in row.iter().zip(turn.chunks_exact(rank)) {
                    for (to, t) in to.iter_mut().zip(turn) {
                        *to += x * t;
                    }
                }
            }
            for threads in [1, 3] {
                assert_eq!(gram(&table, n, &weights, threads), due, "{rows} {n}");
                assert_eq!(
                    times(&table, n, &turn, rank, threads),
                    product,
                    "{rows} {n} {rank}"
                );
            }
        }
    }
}
