//! Products of tables of many rows and some dozens of columns, on all cores.
//!
//! Written for the vectoriser, as the sampler's [`kernel`](super::kernel) is: nothing is fused and every sum has one
//! written order, so the bits are the same with and without AVX2 or AVX-512 and for any number of threads.

use std::ops::{AddAssign, Mul, Range};

use pocketrec_base::threads::share;

use super::kernel::{LANES, Row, Vectors, add_blocks};

type Lanes = [f32; LANES];
/// Two groups of columns of a row.
type Pair = Row<2>;

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
    let pairs = groups.div_ceil(2);
    let blocks: Vec<_> = table.chunks(BLOCK * n).zip(weights.chunks(BLOCK)).collect();
    for round in blocks.chunks(threads.max(1) * ROUND) {
        let memory = || [(); 2].map(|()| vec![[[0.0; LANES]; 2]; BLOCK * pairs]);
        let made = share(
            threads,
            round.iter().copied(),
            memory,
            |[rows, scaled], (table, weights)| {
                let used = weights.len() * pairs;
                let (rows, scaled) = (&mut rows[..used], &mut scaled[..used]);
                spread(table, centre, weights, rows, scaled);
                tiles(scaled, rows, weights.len(), groups)
            },
        );
        for tiles in made {
            let mut tiles = tiles.iter();
            for i in 0..groups {
                for (j, tile) in (0..=i).zip(&mut tiles) {
                    for (row, tile) in (i * LANES..n).zip(tile) {
                        let columns = j * LANES..(row + 1).min((j + 1) * LANES);
                        for (sum, x) in sum[row * n..][columns].iter_mut().zip(tile) {
                            *sum += f64::from(*x);
                        }
                    }
                }
            }
        }
    }
    sum
}

/// Lays rows out less their centre, and times their weights beside, in pairs of groups of lanes with zeros behind the
/// last: first the first pair of each row, so that what [`tiles`] reads of two pairs lies together.
fn spread(table: &[f32], centre: &[f32], weights: &[f32], rows: &mut [Pair], scaled: &mut [Pair]) {
    let (n, count) = (centre.len(), weights.len());
    let mut whole = [(); 2].map(|()| vec![[0.0; 2 * LANES]; n.div_ceil(2 * LANES)]);
    let [row, centres] = &mut whole;
    centres.as_flattened_mut()[..n].copy_from_slice(centre);
    for ((at, from), weight) in (0..).zip(table.chunks_exact(n)).zip(weights) {
        row.as_flattened_mut()[..n].copy_from_slice(from);
        let places = (at..).step_by(count);
        for ((row, centre), place) in row.iter().zip(&*centres).zip(places) {
            let less: [f32; 2 * LANES] = std::array::from_fn(|at| row[at] - centre[at]);
            rows[place].as_flattened_mut().copy_from_slice(&less);
            scaled[place]
                .as_flattened_mut()
                .copy_from_slice(&less.map(|x| weight * x));
        }
    }
}

/// The lower tiles of a block's Gram matrix, from its `count` rows times their weights and its rows: tile `(i, j)`,
/// `j <= i`, at `i (i + 1) / 2 + j`.
fn tiles(scaled: &[Pair], rows: &[Pair], count: usize, groups: usize) -> Vec<[Lanes; LANES]> {
    let vectors = Vectors::widest();
    let mut tiles = vec![[[0.0; LANES]; LANES]; groups * (groups + 1) / 2];
    for (first, scaled) in (0..).step_by(2).zip(scaled.chunks_exact(count)) {
        for (j, rows) in (0..=first).step_by(2).zip(rows.chunks_exact(count)) {
            for i in first..groups.min(first + 2) {
                let at = i * (i + 1) / 2 + j;
                let some = (i + 1 - j).min(2);
                add_blocks(
                    &mut tiles[at..at + some],
                    rows,
                    scaled,
                    (i - first, 0),
                    vectors,
                );
            }
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
    let affine = Affine {
        centre,
        turn,
        start: &vec![0.0; rank],
    };
    mapped(table, &affine, None, threads)
}

/// What makes a row of `start`'s length of one of `centre`'s: less the centre, times `turn`, and `start` added.
#[derive(Clone, Copy)]
pub(super) struct Affine<'a> {
    pub centre: &'a [f32],
    /// A row for each number of the centre.
    pub turn: &'a [f32],
    pub start: &'a [f32],
}

/// Each row of a table made another one; where numbers lie beside them, to each is added the product of its row less the
/// centre with others, as [`add_products`] does. One pass over the table.
pub(super) fn mapped(
    table: &[f32],
    to: &Affine<'_>,
    beside: Option<(&[f64], &mut [f64])>,
    threads: usize,
) -> Vec<f32> {
    /// Rows that stay in the cache while they are gone through.
    const NEAR: usize = 1 << 7;
    let (n, rank) = (to.centre.len(), to.start.len());
    let rows = table.len() / n.max(1);
    let mut out = vec![0.0f32; rows * rank];
    if n == 0 || rank == 0 {
        return out;
    }
    let strips: Vec<_> = strips(to.start, rank)
        .into_iter()
        .map(|start| start[0])
        .zip(strips(to.turn, rank))
        .collect();
    let (by, beside) = beside.unzip();
    let mut beside: Vec<&mut [f64]> =
        beside.map_or(Vec::new(), |all| all.chunks_mut(PART).collect());
    beside.resize_with(rows.div_ceil(PART), Default::default);
    let parts: Vec<_> = table
        .chunks(PART * n)
        .zip(out.chunks_mut(PART * rank))
        .zip(beside)
        .collect();
    share(
        threads,
        parts,
        || (),
        |(), ((table, out), beside)| {
            let near = table.chunks(NEAR * n).zip(out.chunks_mut(NEAR * rank));
            for (at, (table, out)) in (0..).step_by(NEAR).zip(near) {
                for (first, (start, strip)) in (0..).step_by(WIDE * LANES).zip(&strips) {
                    product(table, to.centre, (start, strip), out, [first, rank]);
                }
                if let Some(by) = by {
                    for (row, beside) in table.chunks_exact(n).zip(&mut beside[at..]) {
                        *beside += product_less(row, to.centre, by);
                    }
                }
            }
        },
    );
    out
}

/// The columns of a matrix of `rank` in strips whose sums stay in registers, with zeros behind the last.
fn strips<T: Copy + Default, const L: usize>(turn: &[T], rank: usize) -> Vec<Vec<[[T; L]; WIDE]>> {
    let starts = (0..rank).step_by(WIDE * L);
    let strip = |start: usize| {
        let wide = |row: &[T]| {
            let mut wide = [[T::default(); L]; WIDE];
            let part = &row[start..rank.min(start + WIDE * L)];
            wide.as_flattened_mut()[..part.len()].copy_from_slice(part);
            wide
        };
        turn.chunks_exact(rank).map(wide).collect()
    };
    starts.map(strip).collect()
}

/// The products of a row with a strip of columns, added to `start`: each sum runs over the row's numbers one after the
/// other.
#[inline(always)]
fn products<T: Copy + AddAssign + Mul<Output = T>, const L: usize>(
    row: impl Iterator<Item = T>,
    start: [[T; L]; WIDE],
    strip: &[[[T; L]; WIDE]],
) -> [[T; L]; WIDE] {
    let mut sums = start;
    for (x, turn) in row.zip(strip) {
        for (sums, turn) in sums.iter_mut().zip(turn) {
            for (sum, turn) in sums.iter_mut().zip(turn) {
                *sum += x * *turn;
            }
        }
    }
    sums
}

/// One strip of columns of a product, and where its sums start, from column `first` on, into a table of `rank`:
/// `[first, rank]`.
fn product(
    table: &[f32],
    centre: &[f32],
    strip: (&[Lanes; WIDE], &[[Lanes; WIDE]]),
    out: &mut [f32],
    to: [usize; 2],
) {
    #[inline(always)]
    fn plain(
        table: &[f32],
        centre: &[f32],
        (start, strip): (&[Lanes; WIDE], &[[Lanes; WIDE]]),
        out: &mut [f32],
        [first, rank]: [usize; 2],
    ) {
        let rows = table.chunks_exact(centre.len());
        for (row, to) in rows.zip(out.chunks_exact_mut(rank)) {
            let less = row.iter().zip(centre).map(|(x, c)| x - c);
            let sums = products(less, *start, strip);
            for (to, sum) in to[first..].iter_mut().zip(sums.as_flattened()) {
                *to = *sum;
            }
        }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn wide(
        table: &[f32],
        centre: &[f32],
        strip: (&[Lanes; WIDE], &[[Lanes; WIDE]]),
        out: &mut [f32],
        to: [usize; 2],
    ) {
        plain(table, centre, strip, out, to);
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was found on this CPU in the line above.
        return unsafe { wide(table, centre, strip, out, to) };
    }
    plain(table, centre, strip, out, to);
}

/// Adds to the number beside each row its product with `by`, the row less `centre` where there is one: n multiply-adds a
/// row, in double precision, of which each eighth column has a sum of its own.
pub(super) fn add_products(
    table: &[f32],
    centre: Option<&[f32]>,
    by: &[f64],
    beside: &mut [f64],
    threads: usize,
) {
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
            for (row, beside) in table.chunks_exact(n).zip(beside) {
                *beside += product_less(row, centre, by);
            }
        },
    );
}

/// The product of a row less a centre with `by`.
fn product_less(row: &[f32], centre: &[f32], by: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let ((rows, row), (centres, centre)) = (row.as_chunks::<LANES>(), centre.as_chunks::<LANES>());
    let (bys, by) = by.as_chunks::<LANES>();
    for ((row, centre), by) in rows.iter().zip(centres).zip(bys) {
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum += f64::from(row[at] - centre[at]) * by[at];
        }
    }
    for (((sum, x), c), by) in sums.iter_mut().zip(row).zip(centre).zip(by) {
        *sum += f64::from(x - c) * by;
    }
    sums.iter().sum()
}

/// The lower triangle of the sum over rows of `part` times a row's products with itself, on all cores: each takes some
/// of the sums, so that every sum has one order.
pub(crate) fn covariance(table: &[f32], dim: usize, part: f64, threads: usize) -> Vec<f64> {
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
pub(crate) fn turn(table: &mut [f32], dim: usize, turn: &[f64], threads: usize) {
    let strips = strips(turn, dim);
    let parts: Vec<_> = table.chunks_mut(PART * dim).collect();
    let room = || vec![0.0; dim];
    share(threads, parts, room, |room, rows| {
        turn_rows(rows, &strips, room)
    });
}

/// As [`turn`], with room for a row.
fn turn_rows(rows: &mut [f32], strips: &[Vec<[[f64; 4]; WIDE]>], room: &mut [f32]) {
    #[inline(always)]
    fn plain(rows: &mut [f32], strips: &[Vec<[[f64; 4]; WIDE]>], room: &mut [f32]) {
        for row in rows.chunks_exact_mut(room.len()) {
            room.copy_from_slice(row);
            for (start, strip) in (0..).step_by(4 * WIDE).zip(strips) {
                let numbers = room.iter().map(|x| f64::from(*x));
                let sums = products(numbers, [[0.0; 4]; WIDE], strip);
                for (to, sum) in row[start..].iter_mut().zip(sums.as_flattened()) {
                    *to = *sum as f32;
                }
            }
        }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn wide(rows: &mut [f32], strips: &[Vec<[[f64; 4]; WIDE]>], room: &mut [f32]) {
        plain(rows, strips, room);
    }
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: AVX2 was found on this CPU in the line above.
        return unsafe { wide(rows, strips, room) };
    }
    plain(rows, strips, room);
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
            let start: Vec<f32> = (0..rank).map(|column| column as f32 / 3.0).collect();
            let mut begun = start.repeat(rows);
            for (to, row) in begun.chunks_exact_mut(rank).zip(taken.chunks_exact(n)) {
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
                    let mut sums = [0.0; LANES];
                    for (at, (x, by)) in row.iter().zip(&by).enumerate() {
                        sums[at % LANES] += f64::from(*x) * by;
                    }
                    1.0 + sums.iter().sum::<f64>()
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
                let affine = Affine {
                    centre: &centre,
                    turn: &turn,
                    start: &start,
                };
                let mut beside = vec![1.0; rows];
                let made = mapped(&table, &affine, Some((&by, &mut beside)), threads);
                assert_eq!((made, &beside), (begun.clone(), &sums), "{rows} {n} {rank}");
            }
        }
    }
}
