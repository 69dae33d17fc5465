//! One side of the ratings, users or movies: its rows, the prior that they share, and the draw of both.

use super::draw::{Draw, Purpose};
use super::gather::{Given, gather};
use super::kernel::{LANES, Normals, Row, Vectors};
use super::links::{Links, Tags};
use super::part::{Members, draw_part};
use super::sums::{BLOCK, Panel, Sums};
use super::table::Table;
use crate::dense::{PIVOT, cholesky};
use crate::state::{Numbers, State};
use pocketrec_base::threads;

/// Inverse scale of the Wishart prior of the rows' precision matrix, in squared stars: the scatter
/// of one imagined row in each direction.
const PRIOR_SCATTER: f64 = 1.0;
/// Strength of the prior of the rows' common mean: almost none.
const INTERCEPT_STRENGTH: f64 = 1e-3;
/// Shape of the gamma distribution that the precisions of users' ratings have about their mean.
const NOISE_SHAPE: f64 = 8.0;
/// The most that a precision is drawn as: ratings come in steps of half a star at least, so nothing
/// predicts them closer than to a tenth, and single precision solves no sharper problems.
const MOST_PRECISE: f32 = 100.0;
/// Rows that a thread takes at a time, a multiple of [`LANES`].
const SHARE: usize = 64;

/// Spread of the numbers that rows begin with, but for the bias, which begins at zero.
const START: f32 = 0.1;
/// The precision that they are first held to zero with.
const START_PRECISION: f64 = 20.0;

/// Names in a [`State`], behind the side's.
const TABLES: [&str; 4] = ["rows", "prior", "implicit", "tags"];
const INTERCEPT: &str = "intercept";
const PRECISION: &str = "precision_and_strengths";

/// The rows of one side and their prior.
///
/// Row i is normal about `intercept + |N(i)|^-1/2 sum over j in N(i) of y_j + sum over its tags of t`,
/// N(i) being whom it has ratings with (the implicit feedback of SVD++, Koren 2008, here on both
/// sides), with one precision matrix for all rows.
pub(super) struct Side<const T: usize> {
    /// Which side this is, to keep its draws apart from the other's.
    number: u64,
    /// The rows: number 0 is the bias.
    pub rows: Table<T>,
    /// What the rows are expected to be when the ratings' stars are left out: given the other
    /// side's rows, the mean of the draw.
    pub means: Table<T>,
    /// Prior means of the rows.
    prior: Table<T>,
    /// Rows less prior means, while the prior is drawn.
    rest: Table<T>,
    /// The precision matrix that the rows share.
    precision: Vec<f64>,
    intercept: Row<T>,
    implicit: Table<T>,
    tagged: Table<T>,
    implicit_strength: f64,
    tag_strength: f64,
}

impl<const T: usize> Side<T> {
    const WIDTH: usize = T * LANES;

    /// Small random rows, as a sampler that starts at zero would never leave it.
    pub(super) fn new(number: u64, rows: usize, others: usize, tags: usize, seed: u64) -> Self {
        let mut draw = Draw::new(seed, Purpose::Start, 0, number);
        let mut start = Table::zeros(rows);
        for row in &mut *start {
            for value in &mut row.as_flattened_mut()[1..] {
                *value = START * draw.normal() as f32;
            }
        }
        let mut precision = vec![0.0; Self::WIDTH * Self::WIDTH];
        for k in 0..Self::WIDTH {
            precision[k * Self::WIDTH + k] = if k == 0 { 5.0 } else { START_PRECISION };
        }
        Self {
            number,
            rows: start,
            means: Table::zeros(rows),
            prior: Table::zeros(rows),
            rest: Table::zeros(rows),
            precision,
            intercept: [[0.0; LANES]; T],
            implicit: Table::zeros(others),
            tagged: Table::zeros(tags),
            implicit_strength: 1.0,
            tag_strength: 1.0,
        }
    }

    /// Puts what the next sweep depends on into `state`, under names that begin with the side's number, for rows of `width`
    /// numbers; those that they didn't have begin as in [`new`](Self::new). The other numbers are drawn anew from these
    /// before they are read.
    pub(super) fn keep(&self, state: &mut State, width: usize, task: Task) {
        let added = width - Self::WIDTH;
        let mut draw = Draw::new(task.seed, Purpose::Start, task.sweep + 1, self.number);
        let tables = [&self.rows, &self.prior, &self.implicit, &self.tagged];
        for (number, (name, rows)) in TABLES.into_iter().zip(tables).enumerate() {
            let mut numbers = Vec::with_capacity(rows.len() * width);
            for row in rows.iter() {
                numbers.extend_from_slice(row.as_flattened());
                numbers.extend((0..added).map(|_| match number {
                    0 => START * draw.normal() as f32,
                    _ => 0.0,
                }));
            }
            state.keep(self.name(name), Numbers::F32(numbers));
        }
        let mut intercept = self.intercept.as_flattened().to_vec();
        intercept.resize(width, 0.0);
        state.keep(self.name(INTERCEPT), Numbers::F32(intercept));
        let mut doubles = vec![0.0; width * width];
        for (k, row) in doubles.chunks_exact_mut(width).enumerate() {
            match self.precision.chunks_exact(Self::WIDTH).nth(k) {
                Some(own) => row[..Self::WIDTH].copy_from_slice(own),
                None => row[k] = START_PRECISION,
            }
        }
        doubles.extend([self.implicit_strength, self.tag_strength]);
        state.keep(self.name(PRECISION), Numbers::F64(doubles));
    }

    /// Takes it back; nothing where it is of another shape, and then the side is good for nothing.
    pub(super) fn restore(&mut self, state: &State) -> Option<()> {
        let names = TABLES.map(|name| self.name(name));
        let intercept = self.name(INTERCEPT);
        let precision = self.name(PRECISION);
        let tables = [
            &mut self.rows,
            &mut self.prior,
            &mut self.implicit,
            &mut self.tagged,
        ];
        for (name, rows) in names.into_iter().zip(tables) {
            let numbers = state.floats(&name, rows.len() * Self::WIDTH)?;
            for (row, numbers) in rows.iter_mut().zip(numbers.chunks_exact(Self::WIDTH)) {
                row.as_flattened_mut().copy_from_slice(numbers);
            }
        }
        let numbers = state.floats(&intercept, Self::WIDTH)?;
        self.intercept.as_flattened_mut().copy_from_slice(numbers);
        let doubles = state.doubles(&precision, self.precision.len() + 2)?;
        let (numbers, strengths) = doubles.split_at(self.precision.len());
        self.precision.copy_from_slice(numbers);
        self.implicit_strength = *strengths.first()?;
        self.tag_strength = *strengths.last()?;
        Some(())
    }

    fn name(&self, of: &str) -> String {
        format!("side_{}_{of}", self.number)
    }

    /// Draws the prior given the rows: first the means' parts in turn, then the strengths of their
    /// own priors, then the precision matrix. `lists` are this side's ratings, `others` the other's. Where `implicit`
    /// feedback is drawn too, that is two passes over the ratings.
    pub(super) fn draw_prior(
        &mut self,
        [lists, others]: [&Links; 2],
        tags: &Tags,
        implicit: bool,
        Task { seed, sweep, .. }: Task,
    ) {
        let n = Self::WIDTH;
        let mut draw = Draw::new(seed, Purpose::Prior, sweep, self.number);
        let mut factor = self.precision.clone();
        cholesky(&mut factor, n, PIVOT);
        for ((rest, row), prior) in self.rest.iter_mut().zip(&*self.rows).zip(&*self.prior) {
            *rest = difference(row, prior);
        }
        let rest = &mut self.rest;
        let all: Vec<u32> = (0..self.rows.len() as u32).collect();
        let mut part = |members: Members<'_>, strength, value: &mut Row<T>| {
            draw_part(members, strength, value, rest, &factor, &mut draw);
        };
        let alike = |list| Members {
            list,
            on: list,
            weights: &[],
        };
        part(alike(&all), INTERCEPT_STRENGTH, &mut self.intercept);
        for (tag, value) in self.tagged.iter_mut().enumerate() {
            part(alike(tags.members(tag)), self.tag_strength, value);
        }
        let drawn = self.implicit.iter_mut().enumerate();
        for (other, value) in drawn.filter(|_| implicit) {
            let members = Members {
                list: others.rows(other),
                on: others.rows_on(other),
                weights: lists.inverse_roots(),
            };
            part(members, self.implicit_strength, value);
        }
        for ((prior, row), rest) in self.prior.iter_mut().zip(&*self.rows).zip(&**rest) {
            *prior = difference(row, rest);
        }

        // Given the means, the precision of the rows is Wishart: a degree of freedom for each row and for each part of the
        // means that has members, whose own priors have the same matrix times a strength.
        let mut inverse_scale = scatter(rest);
        let mut freedom = self.rows.len() as f64 + n as f64;
        for (values, strength) in [
            (&self.tagged, &mut self.tag_strength),
            (&self.implicit, &mut self.implicit_strength),
        ] {
            let used = values.iter().filter(|v| v[0][0] != 0.0).count() as f64;
            if used == 0.0 {
                continue;
            }
            let spread = scatter(values);
            let square: f64 = self.precision.iter().zip(&spread).map(|(a, b)| a * b).sum();
            // The first rows are made up; strengths wait until the ratings have moved them.
            if sweep > 2 {
                *strength = draw.gamma(1.0 + 0.5 * used * n as f64) / (1.0 + 0.5 * square);
            }
            freedom += used;
            for (sum, s) in inverse_scale.iter_mut().zip(&spread) {
                *sum += *strength * s;
            }
        }
        for k in 0..n {
            inverse_scale[k * n + k] += PRIOR_SCATTER;
        }
        self.precision = draw.wishart(freedom, &inverse_scale, n);
    }

    /// Draws every row given the other side's rows `others`, its prior and the precision of the
    /// ratings. One pass over the ratings, shared among `threads`; each batch of rows has draws of
    /// its own, so the result is the same for any number of them.
    pub(super) fn draw_rows(
        &mut self,
        others: &[Row<T>],
        lists: &Links,
        mean: f32,
        noise: Noise<'_>,
        task: Task,
    ) {
        let n = Self::WIDTH;
        let empty: &mut [f32] = &mut [];
        let (own, theirs, typical) = match noise {
            Noise::OwnRows {
                precisions,
                typical,
            } => (precisions, &[][..], typical),
            Noise::OtherRows { precisions } => (empty, precisions, 1.0),
        };
        let mut own = own.chunks_mut(SHARE);
        let shares: Vec<_> = self
            .rows
            .chunks_mut(SHARE)
            .zip(self.means.chunks_mut(SHARE))
            .zip(self.prior.chunks(SHARE))
            .enumerate()
            .map(|(share, ((rows, means), prior))| {
                (share, rows, means, prior, own.next().unwrap_or_default())
            })
            .collect();
        let (number, held) = (self.number, Held::new(&self.precision));
        let given = Given {
            others,
            lists,
            mean,
            precisions: theirs,
            vectors: task.vectors,
        };
        threads::share(
            task.threads,
            shares,
            || (Sums::<T>::new(), Panel::new(), Normals::new(n)),
            |(sums, panel, normals), (share, rows, means, prior, own)| {
                for batch in 0..rows.len().div_ceil(LANES) {
                    let first = batch * LANES;
                    let here = first..(first + LANES).min(rows.len());
                    let part = (share * SHARE + first) as u64 * 2 + number;
                    let mut draw = Draw::new(task.seed, Purpose::Rows, task.sweep, part);
                    for (lane, i) in here.clone().enumerate() {
                        let row = share * SHARE + i;
                        let square = gather(sums, panel, given, row);
                        let mut weight = 1.0;
                        if let Some(own) = own.get_mut(i) {
                            let count = lists.rows(row).len() as f64;
                            let left = square + sums.squared_error(&rows[i], task.vectors);
                            let left = left.max(0.0);
                            // a_u given its ratings is gamma: half a count more of shape for each, and half of
                            // their squared errors more of rate.
                            let shape = NOISE_SHAPE + 0.5 * count;
                            let rate = NOISE_SHAPE / f64::from(typical) + 0.5 * left;
                            *own = ((draw.gamma(shape) / rate) as f32).min(MOST_PRECISE);
                            weight = *own;
                        }
                        held.fill((&mut *normals, lane), sums, weight, &prior[i], task.vectors);
                        for value in &mut normals.drawn {
                            value[lane] = draw.normal() as f32;
                        }
                    }
                    normals.draw(task.vectors);
                    for (lane, i) in here.enumerate() {
                        let row = rows[i].as_flattened_mut().iter_mut();
                        let mean = means[i].as_flattened_mut().iter_mut();
                        for (k, (row, mean)) in row.zip(mean).enumerate() {
                            *row = normals.drawn[k][lane];
                            *mean = normals.mean[k][lane];
                        }
                    }
                }
            },
        );
    }
}

/// Whether `state` is of so many users' rows of `width` numbers.
pub(super) fn holds(state: &State, users: usize, width: usize) -> bool {
    let name = format!("side_0_{}", TABLES[0]);
    state.floats(&name, users * width).is_some()
}

/// Whose ratings share a precision, the inverse of the variance of what the model leaves of them.
pub(super) enum Noise<'a> {
    /// This side's rows: theirs are drawn here too, about `typical`.
    OwnRows {
        /// A precision a row of this side.
        precisions: &'a mut [f32],
        /// Their mean.
        typical: f32,
    },
    /// The other side's rows.
    OtherRows {
        /// A precision a row of the other side.
        precisions: &'a [f32],
    },
}

/// What every draw of a sweep needs to know.
#[derive(Clone, Copy)]
pub(super) struct Task {
    pub seed: u64,
    pub sweep: u64,
    pub threads: usize,
    pub vectors: Vectors,
}

/// The mean that the precisions of users' ratings vary about, drawn given them: a gamma
/// distribution, with next to no prior.
pub(super) fn draw_typical(precisions: &[f32], task: Task) -> f32 {
    let mut draw = Draw::new(task.seed, Purpose::Noise, task.sweep, 0);
    let sum: f64 = precisions.iter().map(|&p| f64::from(p)).sum();
    let rate = draw.gamma(1.0 + NOISE_SHAPE * precisions.len() as f64) / (sum + 1e-3);
    (NOISE_SHAPE / rate) as f32
}

fn difference<const T: usize>(a: &Row<T>, b: &Row<T>) -> Row<T> {
    let mut out = *a;
    for (out, b) in out.as_flattened_mut().iter_mut().zip(b.as_flattened()) {
        *out -= b;
    }
    out
}

/// The sum of `row row^T`, all of it.
fn scatter<const T: usize>(rows: &[Row<T>]) -> Vec<f64> {
    let n = T * LANES;
    let mut out = vec![0.0; n * n];
    let (mut sums, mut panel) = (Sums::<T>::new(), Panel::new());
    for chunk in rows.chunks(BLOCK) {
        sums.clear();
        for (at, row) in chunk.iter().enumerate() {
            panel.put(at, row, [row[0][0], 1.0, 0.0]);
        }
        sums.add(&panel, chunk.len(), Vectors::widest());
        for i in 0..n {
            for j in 0..=i {
                out[i * n + j] += f64::from(sums.at(i, j));
            }
        }
    }
    for i in 0..n {
        for j in 0..i {
            out[j * n + i] = out[i * n + j];
        }
    }
    out
}

/// What rows are held to their prior means by.
struct Held<'a, const T: usize> {
    /// The precision matrix.
    precision: &'a [f64],
    /// The same as [`Sums::turned`] has it.
    turned: Vec<Row<T>>,
    /// Where [`Normals::precision`] has each number of the turns.
    places: Vec<u32>,
}

impl<'a, const T: usize> Held<'a, T> {
    const WIDTH: usize = T * LANES;

    fn new(precision: &'a [f64]) -> Self {
        let n = Self::WIDTH;
        let turns = n / 2 + 1;
        let mut turned = vec![[[0.0; LANES]; T]; turns];
        let mut places = Vec::new();
        for (turn, row) in turned.iter_mut().enumerate() {
            for (i, x) in row.as_flattened_mut().iter_mut().enumerate() {
                let j = (i + turn) % n;
                *x = precision[i * n + j] as f32;
                let (i, j) = (i.max(j), i.min(j));
                places.push((i * (i + 1) / 2 + j) as u32);
            }
        }
        // The rest of the last turn says what is there already.
        places.truncate((turns - 1) * n + n / 2);
        Self {
            precision,
            turned,
            places,
        }
    }

    /// The posterior of one row into a lane: `weight` times the ratings' sums, plus the prior.
    fn fill(
        &self,
        to: (&mut Normals, usize),
        sums: &Sums<T>,
        weight: f32,
        prior: &Row<T>,
        vectors: Vectors,
    ) {
        #[cfg(target_arch = "x86_64")]
        if vectors.have_avx2() {
            // SAFETY: this CPU has AVX2, as the line above says.
            return unsafe { self.fill_avx2(to, sums, weight, prior) };
        }
        let _ = vectors;
        self.fill_by(to, sums, weight, prior);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn fill_avx2(&self, to: (&mut Normals, usize), sums: &Sums<T>, weight: f32, prior: &Row<T>) {
        self.fill_by(to, sums, weight, prior);
    }

    #[inline(always)]
    fn fill_by(
        &self,
        (normals, lane): (&mut Normals, usize),
        sums: &Sums<T>,
        weight: f32,
        prior: &Row<T>,
    ) {
        let turns = self.turned.iter().zip(&sums.turned);
        for ((held, sums), places) in turns.zip(self.places.chunks(Self::WIDTH)) {
            let mut all = *held;
            for (all, sums) in all.iter_mut().zip(sums) {
                for c in 0..LANES {
                    all[c] += weight * sums[c];
                }
            }
            for (x, place) in all.as_flattened().iter().zip(places) {
                normals.precision[*place as usize][lane] = *x;
            }
        }
        // The matrix is symmetric, so its columns are its rows.
        let mut from_prior = [[0.0f64; LANES]; T];
        let columns = self.precision.chunks_exact(Self::WIDTH);
        for (column, prior) in columns.zip(prior.as_flattened()) {
            let prior = f64::from(*prior);
            for (sums, column) in from_prior.iter_mut().zip(column.as_chunks::<LANES>().0) {
                for c in 0..LANES {
                    sums[c] += column[c] * prior;
                }
            }
        }
        let linear = sums.linear.as_flattened();
        let both = from_prior.as_flattened().iter().zip(linear);
        for (mean, (from_prior, linear)) in normals.mean.iter_mut().zip(both) {
            mean[lane] = *from_prior as f32 + weight * linear;
        }
    }
}
