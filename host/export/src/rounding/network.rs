//! The MLP's part of a bound.

use pocketrec::image::TableKind;
use pocketrec::image::integers::{CodedNetwork, IntegerNetwork};
use pocketrec::model::Model;
use pocketrec::table::Values;
use pocketrec_base::error::BadInput;
use pocketrec_train::{Layer, Parameters};

use super::{Near, Pair, Rounding, SCORE, SINGLE, table};
use crate::integers::{self, in_pairs};

/// What the counts of an MLP in integers are worth.
pub(super) struct Units<'a> {
    /// A count of each unit of each layer.
    pub(super) worth: Vec<Vec<f64>>,
    pub(super) coded: Option<Coded<'a>>,
}

/// Codewords' halves of dense layer 0, as an image has them.
pub(super) struct Coded<'a> {
    bytes: &'a [u8],
    pub(super) offsets: Vec<i16>,
    most: Vec<i16>,
}

impl Coded<'_> {
    /// The counts of a unit of a codeword.
    pub(super) fn count(&self, word: usize, unit: usize) -> f64 {
        let place = unit / 4 * 4 + [0, 2, 1, 3][unit % 4];
        self.bytes[word * self.offsets.len() + place].into()
    }
}

impl Rounding<'_> {
    /// The network's output.
    pub(super) fn network(&self, (first, later): (&Layer, &[Layer]), pair: &Pair<'_>) -> Near {
        let p = &self.checkpoint.parameters;
        let row = pair.user.iter().chain(pair.movie);
        let mut units: Vec<Near> = (0..first.outputs)
            .map(|unit| {
                let weights = first.weight.iter().skip(unit).step_by(first.outputs);
                let products = weights.zip(row.clone());
                let products: Vec<f64> = products
                    .map(|(w, x)| f64::from(*w) * f64::from(*x))
                    .collect();
                let (user, movie) = products.split_at(p.user_dim);
                let bias = f64::from(first.bias[unit]);
                let own = bias + user.iter().sum::<f64>();
                let of_movie = pair
                    .half
                    .as_ref()
                    .map_or_else(|| movie.iter().sum(), |half| half[unit]);
                let sizes = |products: &[f64]| products.iter().map(|x| x.abs()).sum::<f64>();
                let of_user = (p.user_dim + 2) as f64 * SINGLE * (bias.abs() + sizes(user));
                let error = match &self.units {
                    None => (first.inputs + 4) as f64 * SINGLE * (own.abs() + sizes(movie)),
                    Some(units) => units.first(&self.model, unit, own, pair),
                };
                Near {
                    value: own + of_movie,
                    error: of_user + error,
                }
            })
            .collect();
        for (at, layer) in later.iter().enumerate() {
            for unit in &mut units {
                unit.value = unit.value.max(0.0);
            }
            let outputs = (0..layer.outputs).map(|k| {
                let bias = f64::from(layer.bias[k]);
                let mut sum = Near {
                    value: bias,
                    error: 0.0,
                };
                let weights = layer.weight.iter().skip(k).step_by(layer.outputs);
                let mut sizes = bias.abs();
                let mut counts = 1.0;
                for (j, (w, unit)) in weights.zip(&units).enumerate() {
                    let (w, most) = (f64::from(*w), unit.value + unit.error);
                    sum.value += w * unit.value;
                    sum.error += w.abs() * unit.error;
                    sizes += w.abs() * most;
                    counts += self.units.as_ref().map_or(0.0, |of| most / of.worth[at][j]);
                }
                sum.error += match &self.units {
                    None => (layer.inputs + 2) as f64 * SINGLE * sizes,
                    // Each weight is rounded to a half, the bias too; a unit's count to a half, the output to a score's.
                    Some(of) => {
                        let worth = of.worth[at + 1][k];
                        let last = at + 1 == later.len();
                        worth / 65_536.0 * counts / 2.0 + if last { SCORE } else { worth } / 2.0
                    }
                };
                sum
            });
            units = outputs.collect();
        }
        units.first().copied().unwrap_or_default()
    }
}

impl<'a> Units<'a> {
    /// `None` without an MLP in integers.
    pub(super) fn of(
        p: &Parameters,
        model: &Model<'_>,
        bytes: &'a [u8],
    ) -> Result<Option<Self>, BadInput> {
        let Some(steps) = table(bytes, TableKind::IntegerSteps) else {
            return Ok(None);
        };
        let steps = words::<f32>(steps.bytes);
        let first: Vec<f64> = steps
            .iter()
            .map(|step| 65_536.0 / f64::from(*step))
            .collect();
        let later = in_pairs(p.layers.get(1..).unwrap_or_default());
        let coded = match (
            table(bytes, TableKind::IntegerCodeHalves),
            table(bytes, TableKind::IntegerUserHalves),
        ) {
            (Some(halves), Some(own)) => {
                let own = words::<i16>(own.bytes);
                let (offsets, most) = own.split_at(own.len() / 2);
                Some(Coded {
                    bytes: halves.bytes,
                    offsets: offsets.to_vec(),
                    most: most.to_vec(),
                })
            }
            _ => None,
        };
        let network = match &coded {
            Some(coded) => {
                let counts: Vec<f32> = first.iter().map(|worth| *worth as f32).collect();
                IntegerNetwork::of_codes(&CodedNetwork {
                    counts: &counts,
                    most: &coded.most,
                    later: &later,
                })
            }
            None => {
                let movies = model.movie_table();
                integers::network(
                    p,
                    movies.scale(),
                    largest(&movies.values(), movies.columns()),
                )
            }
        };
        let network = network.map_err(BadInput::new)?;
        let later = network.later().iter().map(|layer| layer.worth().to_vec());
        Ok(Some(Self {
            worth: std::iter::once(first).chain(later).collect(),
            coded,
        }))
    }

    /// How far a unit of dense layer 0 may be, its user's half `own` being exact.
    fn first(&self, model: &Model<'_>, unit: usize, own: f64, pair: &Pair<'_>) -> f64 {
        let worth = self.worth[0][unit];
        let count = worth / 65_536.0;
        let halved = count + worth / 2.0;
        if let Some(coded) = &self.coded {
            let above = own / worth - f64::from(coded.offsets[unit]) - f64::from(coded.most[unit]);
            // Beside what a count's own rounding to single precision does.
            return halved + above.max(0.0) * worth + 4.0 * SINGLE * own.abs();
        }
        let scale = f64::from(model.movie_table().scale());
        let movie: f64 = pair.movie.iter().map(|x| f64::from(x.abs()) / scale).sum();
        let above = own.abs() / count + 32_768.0 - f64::from(1 << 30);
        let stored = if model.stores_halves() {
            worth / 2.0
        } else {
            0.0
        };
        halved + stored + movie * count / 2.0 + above.max(0.0) * count
    }
}

fn words<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> Vec<T> {
    let each = bytes.chunks_exact(size_of::<T>());
    each.map(bytemuck::pod_read_unaligned).collect()
}

/// The largest magnitude of a table's integers, multipliers taken in.
fn largest(values: &Values<'_>, columns: usize) -> u32 {
    let most = match values {
        Values::I16(values) => values.iter().map(|x| u32::from(x.unsigned_abs())).max(),
        Values::I8 {
            values,
            multipliers,
        } => {
            let rows = values.chunks_exact(columns).zip(*multipliers);
            let each = rows.flat_map(|(row, by)| {
                row.iter()
                    .map(|x| u32::from(x.unsigned_abs()) * u32::from(*by))
            });
            each.max()
        }
        Values::F16(_) | Values::F32(_) => None,
    };
    most.unwrap_or_default()
}
