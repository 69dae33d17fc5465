//! From a network in single precision to its integer tables: feature `write`, for a host.
//!
//! Scales are chosen so that the worst case of each sum just fits 32 bits, a scale a unit in dense layer 0 and a
//! scale a column later; relu is homogeneous, so each is folded into the weights behind it. The arithmetic they
//! serve is drawn in the kernel's own file, `kernels/integer/mod.rs`.

use crate::kernels::integer::{MAX_HALF, MOST_MOVIE, MOST_USER, ROUND};
use crate::numeric::fixed::{SCORE_BITS, power_of_two};
use crate::{MAX_DIM, MAX_LAYERS, MAX_UNITS};
use core::fmt;

/// A dense layer after the first, in single precision: weights \[inputs\]\[units\], and bias.
pub type Later<'a> = (&'a [f32], &'a [f32]);

/// A network in single precision, and what bounds its inputs.
#[derive(Clone, Copy, Debug)]
pub struct SingleNetwork<'a> {
    /// The movie's half of dense layer 0, \[units\]\[movie dimensions\].
    pub movie_weights: &'a [f32],
    /// Movie dimensions, even.
    pub movie_dim: usize,
    /// What the integers of the movies' table are multiplied by.
    pub movie_scale: f32,
    /// The largest magnitude of those integers.
    pub movie_largest: u32,
    /// The largest magnitude that the user's half of each unit of dense layer 0 has; beyond it saturates.
    pub user_largest: &'a [f32],
    /// The layers after the first.
    pub later: &'a [Later<'a>],
}

/// A network behind codewords, in single precision, whose halves of dense layer 0 are whole counts.
#[derive(Clone, Copy, Debug)]
pub struct CodedNetwork<'a> {
    /// What one count of each unit is worth.
    pub counts: &'a [f32],
    /// The most counts that a user's half of each unit has, either way; beyond it saturates.
    pub most: &'a [i16],
    /// The layers after the first.
    pub later: &'a [Later<'a>],
}

impl CodedNetwork<'_> {
    /// The most counts of a unit that a user's half may have.
    pub const MOST_USER: i32 = MOST_USER;
    /// The most counts of a unit that one codeword of each book may add up to.
    pub const MOST_MOVIE: i32 = MOST_MOVIE;
}

/// A layer's integers.
#[derive(Clone, Debug)]
pub struct IntegerLayer {
    weights: [i16; MAX_UNITS * MAX_UNITS],
    bias: [i32; MAX_UNITS],
    worth: [f64; MAX_UNITS],
    inputs: usize,
    units: usize,
}

impl IntegerLayer {
    const EMPTY: Self = Self {
        weights: [0; MAX_UNITS * MAX_UNITS],
        bias: [0; MAX_UNITS],
        worth: [0.0; MAX_UNITS],
        inputs: 0,
        units: 0,
    };

    /// Weights, \[pairs of inputs\]\[units\]\[2\].
    pub fn weights(&self) -> &[i16] {
        let length = self.inputs.wrapping_mul(self.units);
        self.weights.get(..length).unwrap_or_default()
    }

    /// Biases, \[units\].
    pub fn bias(&self) -> &[i32] {
        self.bias.get(..self.units).unwrap_or_default()
    }

    /// What one count of each unit is worth, \[units\]; one of its sum, and of its bias, is worth a 65,536th of that.
    pub fn worth(&self) -> &[f64] {
        self.worth.get(..self.units).unwrap_or_default()
    }
}

/// A network's integer tables.
#[derive(Clone, Debug)]
pub struct IntegerNetwork {
    movie_weights: [i16; MAX_UNITS * MAX_DIM],
    movie_dim: usize,
    steps: [f32; MAX_UNITS],
    units: usize,
    later: [IntegerLayer; MAX_LAYERS - 1],
    count: usize,
    output_bits: u8,
}

/// Why a network has no integer form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoIntegers {
    /// A row or a layer has an odd number of columns or units, and they go in pairs.
    Odd,
    /// Dense layer 0 has a number of units that is no multiple of four, and codewords go in fours.
    NoFours,
    /// There is no hidden layer.
    NoHiddenLayer,
    /// More layers, units or dimensions than an image holds, or sizes that don't agree.
    Shape,
    /// The output could pass what a score has room for.
    Range,
}

impl fmt::Display for NoIntegers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Odd => "integer scoring takes an even number of dimensions and of units",
            Self::NoFours => "codes take a multiple of four units in dense layer 0",
            Self::NoHiddenLayer => "integer scoring takes a network with a hidden layer",
            Self::Shape => "the network's sizes don't agree or are beyond an image's limits",
            Self::Range => "the network's output could be too large for an integer score",
        })
    }
}

impl core::error::Error for NoIntegers {}

/// The output's sum has at most so many bits behind the point, and at least [`FEWEST_BITS`].
const MOST_BITS: i32 = 30;
const FEWEST_BITS: i32 = 22;

const LARGEST: f64 = i16::MAX as f64;

impl IntegerNetwork {
    /// The integer tables of a network.
    ///
    /// # Errors
    ///
    /// [`NoIntegers`] says what stands in the way.
    pub fn new(network: &SingleNetwork<'_>) -> Result<Self, NoIntegers> {
        let (dim, units) = (network.movie_dim, network.user_largest.len());
        if network.later.is_empty() {
            return Err(NoIntegers::NoHiddenLayer);
        }
        if dim == 0
            || dim > MAX_DIM
            || units > MAX_UNITS
            || network.later.len() >= MAX_LAYERS
            || network.movie_weights.len() != units.wrapping_mul(dim)
        {
            return Err(NoIntegers::Shape);
        }
        if dim % 2 == 1 || units % 2 == 1 {
            return Err(NoIntegers::Odd);
        }
        let mut result = Self {
            movie_dim: dim,
            ..Self::empty(units)
        };
        // What one count of a unit is worth, and the most counts it can have.
        let mut worth = [0.0_f64; MAX_UNITS];
        let mut most = [0.0_f64; MAX_UNITS];
        let rows = network.movie_weights.chunks_exact(dim);
        let outs = result.movie_weights.chunks_exact_mut(dim);
        let state = result.steps.iter_mut().zip(&mut worth).zip(&mut most);
        for (((row, out), user), ((step, worth), most)) in
            rows.zip(outs).zip(network.user_largest).zip(state)
        {
            let unit = first(network, row, f64::from(*user));
            *step = (1.0 / unit) as f32;
            let mut sum = 0.0;
            for (to, weight) in out.iter_mut().zip(row) {
                let number = libm::rint(f64::from(*weight) * f64::from(network.movie_scale) / unit);
                *to = number as i16;
                sum += libm::fabs(number);
            }
            let bound = sum * f64::from(network.movie_largest) + f64::from(MAX_HALF);
            *most = libm::floor(bound / 65536.0);
            *worth = unit * 65536.0;
        }
        result.take(network.later, worth, most)?;
        Ok(result)
    }

    /// The integer tables of a network behind codewords; [`code_halves`](super::builder::code_halves) are beside them.
    ///
    /// # Errors
    ///
    /// [`NoIntegers`] says what stands in the way.
    pub fn of_codes(network: &CodedNetwork<'_>) -> Result<Self, NoIntegers> {
        let units = network.counts.len();
        if network.later.is_empty() {
            return Err(NoIntegers::NoHiddenLayer);
        }
        let sizes = units > MAX_UNITS || network.later.len() >= MAX_LAYERS;
        if sizes || network.most.len() != units {
            return Err(NoIntegers::Shape);
        }
        if !units.is_multiple_of(4) {
            return Err(NoIntegers::NoFours);
        }
        let mut result = Self::empty(units);
        let mut worth = [0.0_f64; MAX_UNITS];
        for ((step, worth), count) in result.steps.iter_mut().zip(&mut worth).zip(network.counts) {
            *worth = positive((*count).into());
            *step = (65536.0 / *worth) as f32;
        }
        let mut most = [0.0; MAX_UNITS];
        for (to, most) in most.iter_mut().zip(network.most) {
            *to = f64::from(*most) + f64::from(MOST_MOVIE);
        }
        result.take(network.later, worth, most)?;
        Ok(result)
    }

    /// Nothing yet, for a dense layer 0 of so many units.
    fn empty(units: usize) -> Self {
        Self {
            movie_weights: [0; MAX_UNITS * MAX_DIM],
            movie_dim: 0,
            steps: [1.0; MAX_UNITS],
            units,
            later: [IntegerLayer::EMPTY; MAX_LAYERS - 1],
            count: 0,
            output_bits: 0,
        }
    }

    /// Takes in the `later` layers, for units of dense layer 0 of which one count is worth this, and of the most counts.
    fn take(
        &mut self,
        later: &[Later<'_>],
        mut worth: [f64; MAX_UNITS],
        mut most: [f64; MAX_UNITS],
    ) -> Result<(), NoIntegers> {
        self.count = later.len();
        let last = later.len().wrapping_sub(1);
        let mut inputs = self.units;
        for (at, ((weights, bias), layer)) in later.iter().zip(&mut self.later).enumerate() {
            let outputs = bias.len();
            if outputs == 0
                || outputs > MAX_UNITS
                || weights.len() != inputs.wrapping_mul(outputs)
                || at == last && outputs != 1
            {
                return Err(NoIntegers::Shape);
            }
            if at != last && outputs % 2 == 1 {
                return Err(NoIntegers::Odd);
            }
            layer.inputs = inputs;
            layer.units = outputs;
            let mut next_worth = [0.0; MAX_UNITS];
            let mut next_most = [0.0; MAX_UNITS];
            let state = next_worth.iter_mut().zip(&mut next_most);
            let places = bias.iter().zip(&mut layer.bias).zip(state).enumerate();
            for (k, ((bias, integer_bias), (next_worth, next_most))) in places {
                let column = Column {
                    weights: weights.iter().skip(k).step_by(outputs),
                    worth: &worth,
                    most: &most,
                    bias: f64::from(*bias),
                };
                let (unit, round) = if at == last {
                    let bits = column.output_bits()?;
                    self.output_bits = bits;
                    let shift = u32::from(bits) - SCORE_BITS;
                    (libm::exp2(-f64::from(bits)), 1_i32 << (shift - 1))
                } else {
                    (column.unit(f64::from(ROUND)), ROUND)
                };
                *integer_bias = libm::rint(f64::from(*bias) / unit) as i32 + round;
                let mut sum = f64::from(integer_bias.unsigned_abs());
                for (j, (number, most)) in column.numbers(unit).zip(&most).enumerate() {
                    let place = (j / 2 * outputs + k) * 2 + j % 2;
                    if let Some(place) = layer.weights.get_mut(place) {
                        *place = number as i16;
                    }
                    sum += libm::fabs(number) * most;
                }
                *next_worth = unit * 65536.0;
                *next_most = libm::floor(sum / 65536.0);
            }
            layer.worth = next_worth;
            worth = next_worth;
            most = next_most;
            inputs = outputs;
        }
        Ok(())
    }

    /// The movie's half of dense layer 0, \[units\]\[movie dimensions\].
    pub fn movie_weights(&self) -> &[i16] {
        let length = self.units.wrapping_mul(self.movie_dim);
        self.movie_weights.get(..length).unwrap_or_default()
    }

    /// What dense layer 0 makes of a movie's row, as an image stores it: writes one number a unit.
    pub fn movie_half(&self, row: &[i16], half: &mut [i16]) {
        let rows = self.movie_weights().chunks_exact(self.movie_dim.max(1));
        for (to, weights) in half.iter_mut().zip(rows) {
            let products = weights.iter().zip(row);
            let sum: i64 = products.map(|(w, x)| i64::from(*w) * i64::from(*x)).sum();
            *to = ((sum + i64::from(ROUND)) >> 16) as i16;
        }
    }

    /// Counts of a sum of dense layer 0 for 1.0 of its unit, \[units\].
    pub fn steps(&self) -> &[f32] {
        self.steps.get(..self.units).unwrap_or_default()
    }

    /// The layers after the first.
    pub fn later(&self) -> &[IntegerLayer] {
        self.later.get(..self.count).unwrap_or_default()
    }

    /// Bits behind the point of the output's sum.
    pub fn output_bits(&self) -> u8 {
        self.output_bits
    }
}

/// What one count of a unit of dense layer 0 should be worth: as little as its movie's half, its user's half and
/// 16-bit weights allow.
fn first(network: &SingleNetwork<'_>, row: &[f32], user: f64) -> f64 {
    let scale = f64::from(network.movie_scale);
    let mut sum = 0.0;
    let mut largest = 0.0_f64;
    for weight in row {
        let weight = f64::from(*weight).abs();
        sum += weight;
        largest = largest.max(weight);
    }
    // Each weight may round up by a half.
    let movie = f64::from(network.movie_largest.max(1));
    let room = (f64::from(MAX_HALF) - 1.0) / movie - row.len() as f64;
    let by_movie = sum * scale / room.max(1.0);
    let by_weight = largest * scale / LARGEST;
    let by_user = user / (f64::from(MAX_HALF) - 2.0 * f64::from(ROUND));
    positive(by_movie.max(by_weight).max(by_user))
}

/// A unit of a later layer: its weights, what its inputs are worth and how large they get, its bias.
#[derive(Clone, Copy)]
struct Column<'a, I> {
    weights: I,
    worth: &'a [f64; MAX_UNITS],
    most: &'a [f64; MAX_UNITS],
    bias: f64,
}

impl<'a, I: Iterator<Item = &'a f32> + Clone> Column<'a, I> {
    /// The largest sum and the largest weight, in stars, and what rounding every weight up by a half adds, in
    /// counts.
    fn extremes(&self) -> (f64, f64, f64) {
        let mut sum = libm::fabs(self.bias);
        let mut largest = 0.0_f64;
        let mut slack = 0.0;
        for ((weight, worth), most) in self.weights.clone().zip(self.worth).zip(self.most) {
            let weight = libm::fabs(f64::from(*weight)) * worth;
            sum += weight * most;
            largest = largest.max(weight);
            slack += most / 2.0;
        }
        (sum, largest, slack)
    }

    /// What one count should be worth, with `round` added to the bias.
    fn unit(&self, round: f64) -> f64 {
        let (sum, largest, slack) = self.extremes();
        let room = f64::from(i32::MAX) - slack - round - 1.0;
        positive((sum / room).max(largest / LARGEST))
    }

    /// How many bits behind the point the output can have.
    fn output_bits(&self) -> Result<u8, NoIntegers> {
        let least = self.unit(1024.0);
        let bits = (FEWEST_BITS..=MOST_BITS)
            .rev()
            .find(|bits| libm::exp2(-f64::from(*bits)) >= least)
            .ok_or(NoIntegers::Range)?;
        u8::try_from(bits).map_err(|_| NoIntegers::Range)
    }

    /// The weights in counts of `unit`.
    fn numbers(&self, unit: f64) -> impl Iterator<Item = f64> {
        self.weights
            .clone()
            .zip(self.worth)
            .map(move |(weight, worth)| libm::rint(f64::from(*weight) * worth / unit))
    }
}

/// A layer of zeros may count in anything.
fn positive(unit: f64) -> f64 {
    // The steps, its reciprocals, must be normal numbers of single precision.
    unit.max(1.0e-30)
}

/// A table of numbers as 16-bit integers times a power of two.
///
/// Returns the scale, the finest that holds the largest of `values` and that an image allows.
pub fn table_scale(values: &[f32]) -> f32 {
    let largest = values
        .iter()
        .map(|value| crate::numeric::magnitude(*value))
        .fold(0.0_f32, |a, b| if b > a { b } else { a });
    let mut exponent = -24;
    while exponent < 8 && f64::from(largest) > LARGEST * libm::exp2(f64::from(exponent)) {
        exponent += 1;
    }
    power_of_two(exponent)
}

/// The scale of a table of biases: as [`table_scale`], within what integer scoring takes.
pub fn bias_scale(values: &[f32]) -> f32 {
    let scale = table_scale(values);
    let finest = power_of_two(-18);
    if scale < finest { finest } else { scale }
}

/// `value` in counts of `scale`, clamped to 16 bits.
pub fn to_i16(value: f32, scale: f32) -> i16 {
    libm::rint(f64::from(value) / f64::from(scale)) as i16
}

/// A row as 8-bit integers times a multiplier, in counts of `scale`: the smallest multiplier that holds it.
pub fn row_to_i8(row: &[f32], scale: f32, out: &mut [i8]) -> u8 {
    let mut largest = 0.0_f64;
    for value in row {
        let value = libm::fabs(f64::from(*value) / f64::from(scale));
        largest = if value > largest { value } else { largest };
    }
    let multiplier = libm::ceil(largest / 127.0).clamp(1.0, 255.0);
    for (to, value) in out.iter_mut().zip(row) {
        *to = libm::rint(f64::from(*value) / f64::from(scale) / multiplier) as i8;
    }
    multiplier as u8
}

/// The scale of a table of 8-bit integers with a multiplier a row: such that the largest row's multiplier is at
/// most 255.
pub fn byte_table_scale(values: &[f32]) -> f32 {
    // 127 x 255 is below the 32,767 that `table_scale` allows, so a largest value just below it needs the next.
    let scale = table_scale(values);
    let fits = values
        .iter()
        .all(|value| f64::from(value.abs()) <= 127.0 * 255.0 * f64::from(scale));
    if fits { scale } else { scale * 2.0 }
}
