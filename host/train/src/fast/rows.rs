//! The arithmetic of a step: gradients of equal rows summed, then Adam.

use std::ops::Range;

use super::super::adam::{self, BETA_1, BETA_2, EPSILON};
use super::super::options::Optimiser;
use super::super::sample::Sample;
use super::super::simd::{Vector, prefetch_to_write};
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

/// One step of Adam on a vector of numbers.
#[inline(always)]
unsafe fn adam_vector<R: Vector>(value: R, m: R, v: R, gradient: R, step: Step) -> (R, R, R) {
    // SAFETY: by the caller's promise on instructions.
    unsafe {
        let m = gradient.sub(m).mul_add(R::splat((1.0 - BETA_1) as f32), m);
        let squared = gradient.mul(gradient);
        let v = squared.sub(v).mul_add(R::splat((1.0 - BETA_2) as f32), v);
        let move_by = m
            .mul(R::splat(step.size))
            .div(v.sqrt().add(R::splat(EPSILON)));
        (value.mul(R::splat(step.keep)).sub(move_by), m, v)
    }
}

/// One step of Adam on one number.
#[inline(always)]
fn adam_scalar(value: &mut f32, m: &mut f32, v: &mut f32, gradient: f32, step: Step) {
    *value *= step.keep;
    adam::update(value, m, v, gradient, step.size);
}

/// The users of a batch, as its ratings name them.
#[derive(Clone, Copy, Debug)]
pub struct Users<'a> {
    /// The ratings, sorted by user.
    pub samples: &'a [Sample],
    /// The gradient of the user's row of each rating, `width` apart.
    pub gradients: *const f32,
    /// The gradient of the user's bias of each rating.
    pub slopes: *const f32,
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
    pub rows: *mut f32,
    /// Sums of biases' gradients, likewise.
    pub biases: *mut f32,
    /// Slots that a shard has room for.
    pub room: usize,
}

impl SlotSums {
    /// The sums of one shard.
    ///
    /// # Safety
    /// There must be such a shard, of rows so wide.
    #[inline(always)]
    pub unsafe fn shard(self, shard: usize, width: usize) -> Self {
        // SAFETY: by the caller's promise.
        unsafe {
            Self {
                rows: self.rows.add(shard * self.room * width),
                biases: self.biases.add(shard * self.room),
                ..self
            }
        }
    }

    /// Sets the first slots of a shard to zero.
    ///
    /// # Safety
    /// As for [`SlotSums::shard`], of which this is one; nobody else may touch it meanwhile.
    pub unsafe fn clear(self, slots: usize, width: usize, biased: bool) {
        // SAFETY: by the caller's promise.
        unsafe {
            std::ptr::write_bytes(self.rows, 0, slots * width);
            if biased {
                std::ptr::write_bytes(self.biases, 0, slots);
            }
        }
    }
}

/// Adds ratings' gradients to the sums of their slots, rating by rating.
///
/// # Safety
/// `gradients` must have a row of `width` for each of `slots`, `slopes` a number where rows have
/// biases, and `sums` be those of a shard that has these slots; nobody else may touch them meanwhile.
#[inline(always)]
pub unsafe fn add_rows<R: Vector>(
    slots: &[u32],
    gradients: *const f32,
    slopes: *const f32,
    sums: SlotSums,
    width: usize,
    biased: bool,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        for (i, slot) in slots.iter().enumerate() {
            let (from, to) = (
                gradients.add(i * width),
                sums.rows.add(*slot as usize * width),
            );
            for chunk in (0..width).step_by(8) {
                let sum = R::load(to.add(chunk)).add(R::load(from.add(chunk)));
                sum.store(to.add(chunk));
            }
        }
        if biased {
            for (i, slot) in slots.iter().enumerate() {
                *sums.biases.add(*slot as usize) += *slopes.add(i);
            }
        }
    }
}

/// Moves the rows of the users of some of a batch's ratings.
///
/// # Safety
/// The ratings of a user must all lie in `range` or all outside; they must name rows of the table,
/// and nobody else may touch these meanwhile.
#[inline(always)]
pub unsafe fn update_users<R: Vector>(
    table: &RawTable,
    users: Users<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        match (table.width, users.biased, decays, step.bare()) {
            // The lesson's size, apart so that its loops vanish.
            (8, false, None, Some(step)) => {
                users_of::<R>(*table, 8, false, users, range, None, step);
            }
            (8, true, None, Some(step)) => {
                users_of::<R>(*table, 8, true, users, range, None, step);
            }
            (8, false, Some(_), _) => {
                users_of::<R>(*table, 8, false, users, range, decays, step);
            }
            (width, biased, _, _) => {
                users_of::<R>(*table, width, biased, users, range, decays, step);
            }
        }
    }
}

#[inline(always)]
unsafe fn users_of<R: Vector>(
    table: RawTable,
    width: usize,
    biased: bool,
    users: Users<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        let samples = users.samples;
        let mut first = range.start;
        while first < range.end {
            let user = samples.get_unchecked(first).user;
            let mut end = first + 1;
            while end < range.end && samples.get_unchecked(end).user == user {
                end += 1;
            }
            let row = Row::new(table, width, user, decays, (end - first) as u32, step);
            for chunk in (0..width).step_by(8) {
                let mut sum = R::load(users.gradients.add(first * width + chunk));
                for place in first + 1..end {
                    sum = sum.add(R::load(users.gradients.add(place * width + chunk)));
                }
                row.move_chunk(chunk, sum);
            }
            if biased {
                let mut sum = *users.slopes.add(first);
                for place in first + 1..end {
                    sum += *users.slopes.add(place);
                }
                row.move_bias(sum);
            }
            first = end;
        }
    }
}

/// Moves the rows of some of a batch's movies, by the sums of all shards.
///
/// # Safety
/// The slots must be of this table and the batch that the sums are of; nobody else may touch
/// these rows meanwhile.
#[inline(always)]
pub unsafe fn update_movies<R: Vector>(
    table: &RawTable,
    movies: Movies<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        match (table.width, movies.biased, decays, step.bare()) {
            (8, false, None, Some(step)) => {
                movies_of::<R>(*table, 8, false, movies, range, None, step);
            }
            (8, true, None, Some(step)) => {
                movies_of::<R>(*table, 8, true, movies, range, None, step);
            }
            (8, false, Some(_), _) => {
                movies_of::<R>(*table, 8, false, movies, range, decays, step);
            }
            (width, biased, _, _) => {
                movies_of::<R>(*table, width, biased, movies, range, decays, step);
            }
        }
    }
}

#[inline(always)]
unsafe fn movies_of<R: Vector>(
    table: RawTable,
    width: usize,
    biased: bool,
    movies: Movies<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        let ask = |row: &u32| {
            table.ask_values_to_write(*row);
            table.ask_moments(*row);
            if step.stamped {
                prefetch_to_write(table.last(*row).cast());
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
                    let mut sum = R::load(at(first));
                    for shard in first + 1..shards {
                        sum = sum.add(R::load(at(shard)));
                    }
                    row.move_chunk(chunk, sum);
                }
                if biased {
                    let at = |shard| movies.sums.shard(shard, width).biases.add(slot);
                    let mut sum = *at(first);
                    for shard in first + 1..shards {
                        sum += *at(shard);
                    }
                    row.move_bias(sum);
                }
            }
        }
    }
}

/// A row about to be moved.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    values: *mut f32,
    moments: *mut f32,
    width: usize,
    /// What its moments are multiplied by first, where sleep is made up for.
    decay: Option<(f32, f32)>,
    /// How many of the batch's ratings are its own.
    count: u32,
    step: Step,
}

impl Row {
    /// Marks the row as touched by the step.
    ///
    /// # Safety
    /// The row must be one of the table's, `width` wide, and nobody else may touch it as long as this
    /// is used.
    #[inline(always)]
    pub unsafe fn new(
        table: RawTable,
        width: usize,
        row: u32,
        decays: Option<&Decays>,
        count: u32,
        step: Step,
    ) -> Self {
        // SAFETY: by the caller's promise.
        unsafe {
            let decay = decays.map(|decays| decays.after(step.number - 1 - *table.last(row)));
            if step.stamped {
                *table.last(row) = step.number;
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
    }

    /// Moves 8 numbers by their gradient.
    ///
    /// # Safety
    /// The row must have so many from `chunk` on.
    #[inline(always)]
    pub unsafe fn move_chunk<R: Vector>(self, chunk: usize, gradient: R) {
        // SAFETY: by the caller's promise.
        unsafe {
            let Self { width, step, .. } = self;
            let at = self.values.add(chunk);
            let m_at = self.moments.add(chunk);
            let v_at = m_at.add(width);
            let value = R::load(at);
            let mut m = R::load(m_at);
            let mut v = R::load(v_at);
            let mut gradient = gradient;
            if step.shrink != 0.0 {
                gradient = value.mul_add(R::splat(step.shrink * self.count as f32), gradient);
            }
            if let Some(decay) = self.decay {
                m = m.mul(R::splat(decay.0));
                v = v.mul(R::splat(decay.1));
            }
            let (value, m, v) = adam_vector(value, m, v, gradient, step);
            value.store(at);
            m.store(m_at);
            v.store(v_at);
        }
    }

    /// Moves the bias by its gradient.
    ///
    /// # Safety
    /// The row must have one.
    #[inline(always)]
    pub unsafe fn move_bias(self, gradient: f32) {
        // SAFETY: by the caller's promise.
        unsafe {
            let tail = self.values.add(self.width).cast::<[f32; tail::LENGTH]>();
            let [value, m, v] = &mut *tail;
            let mut gradient = gradient;
            if self.step.shrink != 0.0 {
                gradient += self.step.shrink * self.count as f32 * *value;
            }
            if let Some(decay) = self.decay {
                *m *= decay.0;
                *v *= decay.1;
            }
            adam_scalar(value, m, v, gradient, self.step);
        }
    }
}

/// Moves the rows that a batch did not touch, as dense Adam does: their gradient is zero.
///
/// # Safety
/// `range` must lie within the table, whose touched rows carry the step's number already;
/// nobody else may touch these rows meanwhile.
#[inline(always)]
pub unsafe fn drift_rows<R: Vector>(
    table: &RawTable,
    biased: bool,
    range: Range<usize>,
    step: Step,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        let width = table.width;
        for row in range {
            if *table.last(row as u32) == step.number {
                continue;
            }
            let (values, moments) = (table.row(row as u32), table.moments(row as u32));
            for chunk in (0..width).step_by(8) {
                let at = values.add(chunk);
                let (m_at, v_at) = (moments.add(chunk), moments.add(width + chunk));
                let (m, v) = (R::load(m_at), R::load(v_at));
                let (value, m, v) = adam_vector(R::load(at), m, v, R::splat(0.0), step);
                value.store(at);
                m.store(m_at);
                v.store(v_at);
            }
            if biased {
                let [value, m, v] = &mut *values.add(width).cast::<[f32; tail::LENGTH]>();
                adam_scalar(value, m, v, 0.0, step);
            }
        }
    }
}

/// The dense vector with its moments, each padded to a multiple of 8.
#[derive(Clone, Copy, Debug)]
pub struct RawDense {
    /// Values.
    pub value: *mut f32,
    /// First moments.
    pub m: *mut f32,
    /// Second moments.
    pub v: *mut f32,
    /// Padded length.
    pub length: usize,
}

/// Moves the dense vector by the sum of the groups' gradients, `stride` apart.
///
/// # Safety
/// All vectors and each group's gradient must be `dense.length` long and nobody else touch them.
#[inline(always)]
pub unsafe fn update_dense<R: Vector>(
    dense: &RawDense,
    gradients: *const f32,
    stride: usize,
    groups: usize,
    step: Step,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        for at in (0..dense.length).step_by(8) {
            let mut sum = R::load(gradients.add(at));
            for group in 1..groups {
                sum = sum.add(R::load(gradients.add(group * stride + at)));
            }
            let value = R::load(dense.value.add(at));
            let (m, v) = (R::load(dense.m.add(at)), R::load(dense.v.add(at)));
            let (value, m, v) = adam_vector(value, m, v, sum, step);
            value.store(dense.value.add(at));
            m.store(dense.m.add(at));
            v.store(dense.v.add(at));
        }
    }
}

/// Whether an optimiser makes up for the decay of moments that a row slept through.
pub fn makes_up(optimiser: Optimiser) -> bool {
    optimiser == Optimiser::Decayed
}
