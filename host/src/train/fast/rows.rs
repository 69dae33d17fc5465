//! The arithmetic of a step: gradients of equal rows summed, then Adam.

use std::ops::Range;

use super::super::Optimiser;
use super::super::adam::{self, BETA_1, BETA_2, EPSILON};
use super::super::simd::{Vector, prefetch};
use super::block::RawTable;
use super::layout::tail;
use super::slots::Slot;

/// How many slots ahead a row is asked for.
const AHEAD: usize = 12;

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

/// What a batch says about the rows of one table.
#[derive(Clone, Copy, Debug)]
pub struct Touched<'a> {
    /// The rows.
    pub slots: &'a [Slot],
    /// Which ratings the slots speak of; without it, the ratings themselves in their order.
    pub order: Option<&'a [u32]>,
    /// The gradient of the row of each rating, `width` apart.
    pub gradients: *const f32,
    /// The gradient of the row's bias of each rating.
    pub slopes: *const f32,
    /// Whether rows have biases.
    pub biased: bool,
}

/// Moves the rows of some of a batch's slots.
///
/// # Safety
/// The slots must be of this table and of the batch that the gradients are of; nobody else may
/// touch these rows meanwhile.
#[inline(always)]
pub unsafe fn update_rows<R: Vector>(
    table: &RawTable,
    touched: Touched<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        match (table.width, touched.biased, decays) {
            // The lesson's size, apart so that its loops vanish.
            (8, false, None) => update::<R>(*table, 8, false, touched, range, None, step),
            (8, true, None) => update::<R>(*table, 8, true, touched, range, None, step),
            (width, biased, _) => {
                update::<R>(*table, width, biased, touched, range, decays, step);
            }
        }
    }
}

#[inline(always)]
unsafe fn update<R: Vector>(
    table: RawTable,
    width: usize,
    biased: bool,
    touched: Touched<'_>,
    range: Range<usize>,
    decays: Option<&Decays>,
    step: Step,
) {
    // SAFETY: by the caller's promise.
    unsafe {
        let Touched {
            slots,
            order,
            gradients,
            slopes,
            ..
        } = touched;
        let rating = |place: usize| match order {
            Some(order) => *order.get_unchecked(place) as usize,
            None => place,
        };
        let slots = &slots[range];
        let ask = |slot: &Slot| {
            let row = table.row(slot.row);
            for line in (0..table.stride).step_by(16) {
                prefetch(row.add(line));
            }
        };
        slots.iter().take(AHEAD).for_each(ask);
        for (index, slot) in slots.iter().enumerate() {
            if let Some(slot) = slots.get(index + AHEAD) {
                ask(slot);
            }
            let first = slot.first as usize;
            let ratings = first + 1..first + slot.count as usize;
            let row = table.row(slot.row);
            let tail = row.add(3 * width);
            let last = tail.add(tail::LAST).cast::<u32>();
            let mut decay = (1.0, 1.0);
            if let Some(decays) = decays {
                decay = decays.after(step.number - 1 - *last);
            }
            *last = step.number;
            for chunk in (0..width).step_by(8) {
                let mut sum = R::load(gradients.add(rating(first) * width + chunk));
                for place in ratings.clone() {
                    sum = sum.add(R::load(gradients.add(rating(place) * width + chunk)));
                }
                let at = row.add(chunk);
                let value = R::load(at);
                let mut m = R::load(at.add(width));
                let mut v = R::load(at.add(2 * width));
                if step.shrink != 0.0 {
                    sum = value.mul_add(R::splat(step.shrink * slot.count as f32), sum);
                }
                if decays.is_some() {
                    m = m.mul(R::splat(decay.0));
                    v = v.mul(R::splat(decay.1));
                }
                let (value, m, v) = adam_vector(value, m, v, sum, step);
                value.store(at);
                m.store(at.add(width));
                v.store(at.add(2 * width));
            }
            if biased {
                let mut sum = *slopes.add(rating(first));
                for place in ratings {
                    sum += *slopes.add(rating(place));
                }
                let [value, m, v, _] = &mut *tail.cast::<[f32; tail::LENGTH]>();
                if step.shrink != 0.0 {
                    sum += step.shrink * slot.count as f32 * *value;
                }
                *m *= decay.0;
                *v *= decay.1;
                adam_scalar(value, m, v, sum, step);
            }
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
            let row = table.row(row as u32);
            let tail = row.add(3 * width);
            if *tail.add(tail::LAST).cast::<u32>() == step.number {
                continue;
            }
            for chunk in (0..width).step_by(8) {
                let at = row.add(chunk);
                let (m, v) = (R::load(at.add(width)), R::load(at.add(2 * width)));
                let (value, m, v) = adam_vector(R::load(at), m, v, R::splat(0.0), step);
                value.store(at);
                m.store(at.add(width));
                v.store(at.add(2 * width));
            }
            if biased {
                let [value, m, v, _] = &mut *tail.cast::<[f32; tail::LENGTH]>();
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
