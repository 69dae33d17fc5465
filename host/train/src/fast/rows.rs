//! The arithmetic of a step: gradients of equal rows summed, then Adam.

use std::ops::Range;

use super::super::adam::{self, BETA_1, BETA_2, EPSILON};
use super::super::options::Optimiser;
use super::super::sample::Sample;
use super::super::simd::{Numbers, Path, Vector, prefetch_to_write};
use super::layout::{RawTable, tail};

/// How many slots ahead a movie's row is asked for.
const AHEAD: usize = 20;

/// What a step does to the numbers that it touches.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Number of the step, 1 for the first.
    pub number: u32,
    /// Adam's step size, bias corrections included.
    pub size: f32,
    /// What a number is multiplied by before its step: 1 less rate times weight decay.
    pub keep: f32,
    /// Slope of the L2 penalty a rating: 2 l2 / batch.
    pub shrink: f32,
    /// Whether rows are marked as touched by the step, for optimisers that ask.
    pub stamped: bool,
}

impl Step {
    /// The step, if it neither shrinks nor marks nor decays anything, with these as constants.
    #[inline(always)]
    pub fn bare(self) -> Option<Self> {
        let bare = self.shrink == 0.0 && self.keep == 1.0 && !self.stamped;
        bare.then_some(Self {
            keep: 1.0,
            shrink: 0.0,
            stamped: false,
            ..self
        })
    }
}

/// Powers of Adam's decays, for rows that slept.
#[derive(Clone, Debug)]
pub struct Decays {
    powers: Vec<(f32, f32)>,
}

impl Default for Decays {
    fn default() -> Self {
        Self::new()
    }
}

impl Decays {
    /// Tables for the first 4,096 powers; longer sleeps are computed.
    pub fn new() -> Self {
        let power = |n| (adam::power(BETA_1, n) as f32, adam::power(BETA_2, n) as f32);
        Self {
            powers: (0..4096).map(power).collect(),
        }
    }

    #[inline(always)]
    fn after(&self, slept: u32) -> (f32, f32) {
        match self.powers.get(slept as usize) {
            Some(powers) => *powers,
            None => {
                let slept = u64::from(slept);
                (
                    adam::power(BETA_1, slept) as f32,
                    adam::power(BETA_2, slept) as f32,
                )
            }
        }
    }
}

/// One step of Adam on a vector of numbers (Kingma and Ba 2015, section 2, whose corrections of bias are in the step's
/// size): `m += (1 - b1)(g - m)`, `v += (1 - b2)(g^2 - v)`, `x = keep x - size m / (sqrt(v) + epsilon)`.
#[inline(always)]
fn adam_vector<R: Vector>(
    path: Path<R>,
    value: R,
    m: R,
    v: R,
    gradient: R,
    step: Step,
) -> (R, R, R) {
    let m = gradient
        .sub(m)
        .mul_add(path.splat((1.0 - BETA_1) as f32), m);
    let squared = gradient.mul(gradient);
    let v = squared.sub(v).mul_add(path.splat((1.0 - BETA_2) as f32), v);
    let move_by = m
        .mul(path.splat(step.size))
        .div(v.sqrt().add(path.splat(EPSILON)));
    (value.mul(path.splat(step.keep)).sub(move_by), m, v)
}

/// One step of Adam on a row's bias, whose moments are multiplied by `decay` first.
#[inline(always)]
fn move_tail(tail: Numbers, decay: (f32, f32), gradient: f32, step: Step) {
    let places = [tail::BIAS, tail::BIAS_M, tail::BIAS_V].map(|place| tail.add(place));
    let [mut value, mut m, mut v] = places.map(Numbers::get);
    m *= decay.0;
    v *= decay.1;
    value *= step.keep;
    adam::update(&mut value, &mut m, &mut v, gradient, step.size);
    for (place, number) in places.into_iter().zip([value, m, v]) {
        place.set(number);
    }
}

/// The users of a batch, as its ratings name them.
#[derive(Clone, Copy, Debug)]
pub struct Users<'a> {
    /// The ratings, sorted by user.
    pub samples: &'a [Sample],
    /// The gradient of the user's row of each rating, `width` apart.
    pub gradients: Numbers,
    /// The gradient of the user's bias of each rating.
    pub slopes: Numbers,
    /// Whether rows have biases.
    pub biased: bool,
}

/// The movies of a batch, slot by slot.
#[derive(Clone, Copy, Debug)]
pub struct Movies<'a> {
    /// The movie of each slot.
    pub rows: &'a [u32],
    /// How many ratings each slot has; may be empty where nothing is shrunk.
    pub counts: &'a [u32],
    /// The gradients that were summed by [`add_rows`].
    pub sums: SlotSums,
    /// How many slots were given before each shard that summed, and in all.
    pub given: &'a [usize],
    /// Whether rows have biases.
    pub biased: bool,
}

/// Gradients of movies, summed slot by slot, each shard of a batch for itself.
#[derive(Clone, Copy, Debug)]
pub struct SlotSums {
    /// Sums of rows, those of a shard's slots beside each other.
    pub rows: Numbers,
    /// Sums of biases' gradients, likewise.
    pub biases: Numbers,
    /// Slots that a shard has room for.
    pub room: usize,
}

impl SlotSums {
    /// The sums of one shard.
    #[inline(always)]
    pub fn shard(self, shard: usize, width: usize) -> Self {
        Self {
            rows: self.rows.add(shard * self.room * width),
            biases: self.biases.add(shard * self.room),
            ..self
        }
    }

    /// Sets the first slots of a shard to zero.
    pub fn clear(self, slots: usize, width: usize, biased: bool) {
        self.rows.clear(slots * width);
        if biased {
            self.biases.clear(slots);
        }
    }
}

/// Adds ratings' gradients to the sums of their slots, rating by rating.
#[inline(always)]
pub fn add_rows<R: Vector>(
    path: Path<R>,
    slots: &[u32],
    gradients: Numbers,
    slopes: Numbers,
    sums: SlotSums,
    width: usize,
    biased: bool,
) {
    for (i, slot) in slots.iter().enumerate() {
        let (from, to) = (
            gradients.add(i * width),
            sums.rows.add(*slot as usize * width),
        );
        for chunk in (0..width).step_by(8) {
            let sum = path.load(to.add(chunk)).add(path.load(from.add(chunk)));
            sum.put(to.add(chunk));
        }
    }
    if biased {
        for (i, slot) in slots.iter().enumerate() {
            sums.biases
                .add(*slot as usize)
                .increase(slopes.add(i).get());
        }
    }
}

/// Moves the rows of the users of some of a batch's ratings.
#[inline(always)]
pub fn update_users<R: Vector>(
    path: Path<R>,
    table: &RawTable,
    users: Users<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    match (table.width, users.biased, decays, step.bare()) {
        // The lesson's size, apart so that its loops vanish.
        (8, false, None, Some(step)) => {
            users_of(path, *table, 8, false, users, range, None, step);
        }
        (8, true, None, Some(step)) => {
            users_of(path, *table, 8, true, users, range, None, step);
        }
        (8, false, Some(_), _) => {
            users_of(path, *table, 8, false, users, range, decays, step);
        }
        (width, biased, _, _) => {
            users_of(path, *table, width, biased, users, range, decays, step);
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "some are constants where it is called from"
)]
#[inline(always)]
fn users_of<R: Vector>(
    path: Path<R>,
    table: RawTable,
    width: usize,
    biased: bool,
    users: Users<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    let samples = &users.samples[..range.end];
    let mut first = range.start;
    while let Some(&Sample { user, .. }) = samples.get(first) {
        let mut end = first + 1;
        while samples.get(end).is_some_and(|next| next.user == user) {
            end += 1;
        }
        let row = Row::new(table, width, user, decays, (end - first) as u32, step);
        for chunk in (0..width).step_by(8) {
            let mut sum = path.load(users.gradients.add(first * width + chunk));
            for place in first + 1..end {
                sum = sum.add(path.load(users.gradients.add(place * width + chunk)));
            }
            row.move_chunk(path, chunk, sum);
        }
        if biased {
            let mut sum = users.slopes.add(first).get();
            for place in first + 1..end {
                sum += users.slopes.add(place).get();
            }
            row.move_bias(sum);
        }
        first = end;
    }
}

/// Moves the rows of some of a batch's movies, by the sums of all shards.
#[inline(always)]
pub fn update_movies<R: Vector>(
    path: Path<R>,
    table: &RawTable,
    movies: Movies<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    match (table.width, movies.biased, decays, step.bare()) {
        (8, false, None, Some(step)) => {
            movies_of(path, *table, 8, false, movies, range, None, step);
        }
        (8, true, None, Some(step)) => {
            movies_of(path, *table, 8, true, movies, range, None, step);
        }
        (8, false, Some(_), _) => {
            movies_of(path, *table, 8, false, movies, range, decays, step);
        }
        (width, biased, _, _) => {
            movies_of(path, *table, width, biased, movies, range, decays, step);
        }
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "some are constants where it is called from"
)]
#[inline(always)]
fn movies_of<R: Vector>(
    path: Path<R>,
    table: RawTable,
    width: usize,
    biased: bool,
    movies: Movies<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    let ask = |row: &u32| {
        table.ask_values_to_write(*row);
        table.ask_moments(*row);
        if step.stamped {
            prefetch_to_write(table.last(*row).address());
        }
    };
    let rows = &movies.rows[range.clone()];
    rows.iter().take(AHEAD).for_each(ask);
    let shards = movies.given.len() - 1;
    // Shards before the one that began a slot have nothing of it.
    for first in 0..shards {
        let start = range.start.max(movies.given[first]);
        let end = range.end.min(movies.given[first + 1]);
        for slot in start..end {
            let index = slot - range.start;
            // Beyond the range too: whoever moves these mostly has those next.
            if let Some(row) = movies.rows.get(slot + AHEAD) {
                ask(row);
            }
            let count = movies.counts.get(slot).copied().unwrap_or(0);
            let row = Row::new(table, width, rows[index], decays, count, step);
            for chunk in (0..width).step_by(8) {
                let at = |shard| {
                    movies
                        .sums
                        .shard(shard, width)
                        .rows
                        .add(slot * width + chunk)
                };
                let mut sum = path.load(at(first));
                for shard in first + 1..shards {
                    sum = sum.add(path.load(at(shard)));
                }
                row.move_chunk(path, chunk, sum);
            }
            if biased {
                let at = |shard| movies.sums.shard(shard, width).biases.add(slot);
                let mut sum = at(first).get();
                for shard in first + 1..shards {
                    sum += at(shard).get();
                }
                row.move_bias(sum);
            }
        }
    }
}

/// A row about to be moved.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    values: Numbers,
    moments: Numbers,
    width: usize,
    /// What its moments are multiplied by first, where sleep is made up for.
    decay: Option<(f32, f32)>,
    /// How many of the batch's ratings are its own.
    count: u32,
    step: Step,
}

impl Row {
    /// Marks the row as touched by the step.
    #[inline(always)]
    pub fn new(
        table: RawTable,
        width: usize,
        row: u32,
        decays: Option<&Decays>,
        count: u32,
        step: Step,
    ) -> Self {
        let last = table.last(row);
        let decay = decays.map(|decays| decays.after(step.number - 1 - last.bits()));
        if step.stamped {
            last.set_bits(step.number);
        }
        Self {
            values: table.row(row),
            moments: table.moments(row),
            width,
            decay,
            count,
            step,
        }
    }

    /// Moves 8 numbers by their gradient.
    #[inline(always)]
    pub fn move_chunk<R: Vector>(self, path: Path<R>, chunk: usize, gradient: R) {
        let Self { width, step, .. } = self;
        let at = self.values.add(chunk);
        let m_at = self.moments.add(chunk);
        let v_at = m_at.add(width);
        let value = path.load(at);
        let mut m = path.load(m_at);
        let mut v = path.load(v_at);
        let mut gradient = gradient;
        if step.shrink != 0.0 {
            gradient = value.mul_add(path.splat(step.shrink * self.count as f32), gradient);
        }
        if let Some(decay) = self.decay {
            m = m.mul(path.splat(decay.0));
            v = v.mul(path.splat(decay.1));
        }
        let (value, m, v) = adam_vector(path, value, m, v, gradient, step);
        value.put(at);
        m.put(m_at);
        v.put(v_at);
    }

    /// Moves the bias by its gradient.
    #[inline(always)]
    pub fn move_bias(self, gradient: f32) {
        let tail = self.values.add(self.width);
        let mut gradient = gradient;
        if self.step.shrink != 0.0 {
            gradient += self.step.shrink * self.count as f32 * tail.add(tail::BIAS).get();
        }
        move_tail(tail, self.decay.unwrap_or((1.0, 1.0)), gradient, self.step);
    }
}

/// Moves the rows that a batch did not touch, as dense Adam does: their gradient is zero.
#[inline(always)]
pub fn drift_rows<R: Vector>(
    path: Path<R>,
    table: &RawTable,
    biased: bool,
    range: Range<usize>,
    step: Step,
) {
    let width = table.width;
    for row in range {
        if table.last(row as u32).bits() == step.number {
            continue;
        }
        let (values, moments) = (table.row(row as u32), table.moments(row as u32));
        for chunk in (0..width).step_by(8) {
            let at = values.add(chunk);
            let (m_at, v_at) = (moments.add(chunk), moments.add(width + chunk));
            let (m, v) = (path.load(m_at), path.load(v_at));
            let (value, m, v) = adam_vector(path, path.load(at), m, v, path.splat(0.0), step);
            value.put(at);
            m.put(m_at);
            v.put(v_at);
        }
        if biased {
            move_tail(values.add(width), (1.0, 1.0), 0.0, step);
        }
    }
}

/// The dense vector with its moments, each padded to a multiple of 8.
#[derive(Clone, Copy, Debug)]
pub struct RawDense {
    /// Values.
    pub value: Numbers,
    /// First moments.
    pub m: Numbers,
    /// Second moments.
    pub v: Numbers,
    /// Padded length.
    pub length: usize,
}

/// Moves the dense vector by the sum of the groups' gradients, `stride` apart.
#[inline(always)]
pub fn update_dense<R: Vector>(
    path: Path<R>,
    dense: &RawDense,
    gradients: Numbers,
    stride: usize,
    groups: usize,
    step: Step,
) {
    for at in (0..dense.length).step_by(8) {
        let mut sum = path.load(gradients.add(at));
        for group in 1..groups {
            sum = sum.add(path.load(gradients.add(group * stride + at)));
        }
        let value = path.load(dense.value.add(at));
        let (m, v) = (path.load(dense.m.add(at)), path.load(dense.v.add(at)));
        let (value, m, v) = adam_vector(path, value, m, v, sum, step);
        value.put(dense.value.add(at));
        m.put(dense.m.add(at));
        v.put(dense.v.add(at));
    }
}

/// Whether an optimiser makes up for the decay of moments that a row slept through.
pub fn makes_up(optimiser: Optimiser) -> bool {
    optimiser == Optimiser::Decayed
}
