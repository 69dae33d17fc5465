//! How far rounding may leave an image from the model that it was made of.
//!
//! ```text
//! |image - model|  <=  |decoded - model| + arithmetic
//! ```
//!
//! `decoded` is the prediction of the image's numbers in exact arithmetic, `model` that of the checkpoint's, and the last
//! term is the most that the kernels lose, added up along their sums ([`Rounding::bound`]). An image of other numbers would
//! have such a bound too, so each row must also be one that rounding could leave ([`Rounding::astray`]): in half precision
//! each number to half of its last bit; in 16 bits to half a count; a row of 8 bits such that it moves no prediction of
//! those by which rows are rounded further than the nearest integers would; codes such that changing one of them brings none
//! nearer to its movie.

use pocketrec::MAX_DIM;
use pocketrec::ids::{IdIndex, UserId};
use pocketrec::image::integers::{CodedNetwork, IntegerNetwork};
use pocketrec::image::{Image, Table, TableKind};
use pocketrec::model::Model;
use pocketrec::table::{EmbeddingTable, Values};
use pocketrec_base::error::BadInput;
use pocketrec_base::threads;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_train::{Layer, Parameters};

use super::codes::settled::{self, Words};
use super::influence::{Influence, Side};
use super::integers::{self, in_pairs};
use super::{quantise, refine};

/// Half of the last bit of a number of single precision, as a share of it.
const SINGLE: f64 = 1.0 / 16_777_216.0;

/// One of a score in integers, in stars.
const SCORE: f64 = 1.0 / 1_048_576.0;

/// The largest score that a base may have, in stars.
const MOST_BASE: f64 = 256.0;

/// One of a term of codes, in stars, and the most that a term can be.
const TERM: f64 = 1.0 / 4096.0;
const MOST_TERM: f64 = 8.0 - TERM;

/// The least that a row is off which is told: what single precision loses where the two are compared.
const SLACK: f64 = 1.0 + 1.0e-5;

/// An image of all users and movies of a checkpoint, and how far it may be from it.
pub struct Rounding<'a> {
    checkpoint: &'a Checkpoint,
    model: Model<'a>,
    users: EmbeddingTable<'a>,
    /// What users' biases are multiplied by where they are integers.
    bias_scale: f32,
    units: Option<Units<'a>>,
}

/// What the counts of an MLP in integers are worth.
struct Units<'a> {
    /// A count of each unit of each layer.
    worth: Vec<Vec<f64>>,
    coded: Option<Coded<'a>>,
}

/// Codewords' halves of dense layer 0, as an image has them.
struct Coded<'a> {
    bytes: &'a [u8],
    offsets: Vec<i16>,
    most: Vec<i16>,
}

impl Coded<'_> {
    /// The counts of a unit of a codeword.
    fn count(&self, word: usize, unit: usize) -> f64 {
        let place = unit / 4 * 4 + [0, 2, 1, 3][unit % 4];
        self.bytes[word * self.offsets.len() + place].into()
    }
}

/// The numbers of a user and a movie.
struct Pair<'n> {
    user: &'n [f32],
    user_bias: f32,
    movie: &'n [f32],
    movie_bias: f32,
    /// The movie's half of dense layer 0, where it isn't that of its row.
    half: Option<Vec<f64>>,
}

/// A sum, and how far from it what a device makes of it may be.
#[derive(Clone, Copy, Default)]
struct Near {
    value: f64,
    error: f64,
}

impl<'a> Rounding<'a> {
    /// Of the image in `bytes`, of all users and movies of a checkpoint.
    ///
    /// # Errors
    /// [`BadInput`] for an image that can't be opened, or of other users and movies.
    pub fn of(checkpoint: &'a Checkpoint, bytes: &'a [u8]) -> Result<Self, BadInput> {
        let model = Model::open(bytes).map_err(BadInput::new)?;
        let p = &checkpoint.parameters;
        let rows = |ids: IdIndex<'_>, due: &[u32]| {
            let mut each = (0..).zip(due);
            each.all(|(row, id)| ids.row(*id) == Some(row))
        };
        let of_these = (model.users() as usize, model.movies() as usize) == (p.users, p.movies)
            && (model.user_dim(), model.movie_dim()) == (p.user_dim, p.movie_dim)
            && model.movie_biases().is_some() == p.model.has_biases()
            && model.mlp().is_some() != p.layers.is_empty()
            && rows(model.movie_ids(), &checkpoint.movie_ids);
        let users = model.user_table().zip(model.user_ids());
        let (users, _) = users
            .filter(|(_, ids)| of_these && rows(*ids, &checkpoint.user_ids))
            .ok_or_else(|| BadInput::new("the image is of another model than the checkpoint"))?;
        Ok(Self {
            checkpoint,
            model,
            users,
            bias_scale: table(bytes, TableKind::UserBias).map_or(1.0, |table| table.scale),
            units: Units::of(p, &model, bytes)?,
        })
    }

    /// The most that a prediction of the image, before it is held to the scale, may be from the model's, by the rows of
    /// user and movie. Costs two predictions.
    pub fn bound(&self, user: usize, movie: usize) -> f64 {
        let p = &self.checkpoint.parameters;
        let mut rows = [[0.0; MAX_DIM]; 2];
        self.users.read(user, &mut rows[0]);
        self.model.movie_table().read(movie, &mut rows[1]);
        let bias = self.model.movie_biases();
        let image = self.score(&Pair {
            user: &rows[0][..p.user_dim],
            user_bias: self.user_bias(user),
            movie: &rows[1][..p.movie_dim],
            movie_bias: bias.map_or(0.0, |table| table.first(movie)),
            half: self.coded_half(movie),
        });
        let bias = |biases: &[f32], row: usize| biases.get(row).copied().unwrap_or_default();
        let model = self.score(&Pair {
            user: p.user_row(user),
            user_bias: bias(&p.user_bias, user),
            movie: p.movie_row(movie),
            movie_bias: bias(&p.movie_bias, movie),
            half: None,
        });
        (image.value - model.value).abs() + image.error + self.terms(&rows[0], movie)
    }

    /// The row that is furthest beyond what rounding could leave, in words; `None` where there is none.
    pub fn astray(&self) -> Option<String> {
        let data = &self.checkpoint.data;
        let users = (&self.checkpoint.user_ids, &data.user_names);
        let movies = (&self.checkpoint.movie_ids, &data.movie_names);
        let found = [
            ("row of user", users, self.far(Side::Users)),
            ("row of movie", movies, self.far(Side::Movies)),
            ("bias of user", users, self.biases_apart(Side::Users)),
            ("bias of movie", movies, self.biases_apart(Side::Movies)),
        ];
        let all = found.iter().flat_map(|(what, of, far)| {
            let each = of.0.iter().zip(far);
            each.map(move |(id, far)| (*far, *what, *id, of.1))
        });
        let (far, what, id, names) = all.max_by(|a, b| a.0.total_cmp(&b.0))?;
        let named = names.of(id).map_or_else(|| id.to_string(), String::from);
        (far > SLACK).then(|| {
            format!(
                "the {what} {named} is {far:.1} times as far from the model's as rounding leaves it"
            )
        })
    }

    /// How far each row of a table is from the model's, in what rounding could leave.
    fn far(&self, side: Side) -> Vec<f64> {
        let p = &self.checkpoint.parameters;
        let (table, rows, columns) = match side {
            Side::Users => (self.users, &p.user_embedding, p.user_dim),
            Side::Movies => (self.model.movie_table(), &p.movie_embedding, p.movie_dim),
        };
        let bytes = matches!(table.values(), Values::I8 { .. });
        if table.codes().is_some() {
            return self.codes_apart();
        }
        let nearest = bytes.then(|| quantise::bytes(rows, columns)).flatten();
        let influence = bytes.then(|| Influence::new(p, side));
        let rows = rows.chunks_exact(columns).enumerate();
        threads::share(
            threads::available(),
            rows,
            || (),
            |(), (at, row)| {
                let mut place = [0.0; MAX_DIM];
                table.read(at, &mut place);
                let rounded = &place[..columns];
                let (Some(influence), Some(nearest)) = (&influence, &nearest) else {
                    let each = rounded.iter().zip(row);
                    let far = each.map(|(to, x)| {
                        times(to - x, half_step(&table.values(), table.scale(), *x))
                    });
                    return far.fold(0.0, f64::max);
                };
                let gradients = influence.gradients(row);
                let step = f32::from(nearest.multipliers[at]) * nearest.scale;
                let integers = &nearest.values[at * columns..][..columns];
                let nearest: Vec<f32> = integers.iter().map(|z| f32::from(*z) * step).collect();
                let [far, near] = [rounded, &nearest].map(|to| refine::effect(row, &gradients, to));
                times(far, near.into())
            },
        )
    }

    /// The same of biases.
    fn biases_apart(&self, side: Side) -> Vec<f64> {
        let p = &self.checkpoint.parameters;
        let apart = |values: Values<'_>, scale: f32, due: &[f32], bias: &dyn Fn(usize) -> f32| {
            let each = due.iter().enumerate();
            each.map(|(row, x)| times(bias(row) - x, half_step(&values, scale, *x)))
                .collect()
        };
        match (side, self.model.movie_biases()) {
            (Side::Users, Some(_)) => {
                let bias = |row| self.user_bias(row);
                apart(self.users.values(), self.bias_scale, &p.user_bias, &bias)
            }
            // Those of codewords are judged with their rows.
            (Side::Movies, Some(table)) if self.model.movie_table().codes().is_none() => {
                let bias = |row| table.first(row);
                apart(table.values(), table.scale(), &p.movie_bias, &bias)
            }
            _ => Vec::new(),
        }
    }

    /// The same of codes.
    fn codes_apart(&self) -> Vec<f64> {
        let Some(codes) = self.all_codes() else {
            return Vec::new();
        };
        let (rows, biases) = self.words();
        let columns = rows.columns();
        let count = match rows.values() {
            Values::I8 { multipliers, .. } => multipliers.len(),
            Values::I16(values) => values.len() / columns,
            Values::F16(_) | Values::F32(_) => 0,
        };
        let mut numbers = vec![0.0; count * columns];
        for (at, row) in numbers.chunks_exact_mut(columns).enumerate() {
            rows.read(at, row);
        }
        let coded = self
            .units
            .as_ref()
            .and_then(|units| Some((&units.worth[0], units.coded.as_ref()?)));
        let books = codes.len() / self.checkpoint.movie_ids.len().max(1);
        let halves = (0..count).flat_map(|word| {
            coded.into_iter().flat_map(move |(worth, coded)| {
                worth.iter().enumerate().map(move |(unit, worth)| {
                    // The offset is of all books together: the first may have it.
                    let first = word < count / books.max(1);
                    let offset = if first {
                        f64::from(coded.offsets[unit])
                    } else {
                        0.0
                    };
                    (coded.count(word, unit) - offset) * worth
                })
            })
        });
        let found = settled::distances(
            self.checkpoint,
            &Words {
                books,
                rows: numbers,
                biases: biases.map_or(Vec::new(), |table| {
                    (0..count).map(|at| table.first(at)).collect()
                }),
                halves: halves.collect(),
                codes: &codes,
            },
        );
        found
            .into_iter()
            .map(|[now, least]| times(now as f32, least))
            .collect()
    }

    /// The codes of all movies, \[movies\]\[books\].
    fn all_codes(&self) -> Option<Vec<u8>> {
        let codes = self.model.movie_table().codes()?;
        let rows = 0..self.checkpoint.movie_ids.len();
        Some(rows.flat_map(|row| codes.of(row)).copied().collect())
    }

    /// The tables of codewords' rows and biases.
    fn words(&self) -> (EmbeddingTable<'a>, Option<EmbeddingTable<'a>>) {
        // Without codes a table is the codewords' own.
        let plain = |table: EmbeddingTable<'a>| {
            EmbeddingTable::new(table.values(), table.columns()).with_scale(table.scale())
        };
        (
            plain(self.model.movie_table()),
            self.model.movie_biases().map(plain),
        )
    }

    /// The codewords of a movie, counted over all books; none where movies aren't in codes.
    fn words_of(&self, movie: usize) -> Vec<usize> {
        let table = self.model.movie_table();
        let Some(codes) = table.codes() else {
            return Vec::new();
        };
        let codes = codes.of(movie);
        let words = match table.values() {
            Values::I8 { multipliers, .. } => multipliers.len(),
            _ => 0,
        };
        let codewords = words / codes.len().max(1);
        let each = codes.iter().enumerate();
        each.map(|(book, code)| book * codewords + usize::from(*code))
            .collect()
    }

    /// The half of dense layer 0 of a movie in codes, before an MLP.
    fn coded_half(&self, movie: usize) -> Option<Vec<f64>> {
        let units = self.units.as_ref()?;
        let coded = units.coded.as_ref()?;
        let words = self.words_of(movie);
        let worth = units.worth[0].iter().enumerate();
        let half = worth.map(|(unit, worth)| {
            let counts: f64 = words.iter().map(|word| coded.count(*word, unit)).sum();
            (counts - f64::from(coded.offsets[unit])) * worth
        });
        Some(half.collect())
    }

    fn user_bias(&self, user: usize) -> f32 {
        let id = UserId(self.checkpoint.user_ids[user]);
        self.model.user_row(id).map_or(0.0, |(_, bias)| bias)
    }

    /// Whether scores are integers.
    fn counts(&self) -> bool {
        matches!(
            self.model.movie_table().values(),
            Values::I16(_) | Values::I8 { .. }
        )
    }

    /// What a pair's numbers come to, and how far from that the kernels may be; but for codewords' terms.
    fn score(&self, pair: &Pair<'_>) -> Near {
        let p = &self.checkpoint.parameters;
        let wide = |x: &f32| f64::from(*x);
        let base = wide(&p.mean) + wide(&pair.user_bias);
        let mut sum = Near {
            value: base + wide(&pair.movie_bias),
            error: 0.0,
        };
        let mut sizes =
            wide(&p.mean.abs()) + wide(&pair.user_bias.abs()) + wide(&pair.movie_bias.abs());
        if p.model.has_dot() {
            for (a, b) in pair.user.iter().zip(pair.movie) {
                sum.value += wide(a) * wide(b);
                sizes += (wide(a) * wide(b)).abs();
            }
        }
        if self.counts() {
            sum.error += SCORE / 2.0 + (base.abs() - MOST_BASE).max(0.0);
            if p.model.has_dot() && self.model.movie_table().codes().is_none() {
                let lost = fixed(pair.user, self.model.movie_table().scale());
                let products = lost
                    .iter()
                    .zip(pair.movie)
                    .map(|(lost, x)| lost * wide(&x.abs()));
                sum.error += SCORE / 2.0 + products.sum::<f64>();
            }
        }
        if let [first, later @ ..] = &p.layers[..] {
            let output = self.network((first, later), pair);
            sum.value += output.value;
            sum.error += output.error;
            sizes += output.value.abs();
        }
        // In integers only what is made of them at the end.
        let terms = if self.counts() { 4 } else { p.movie_dim + 6 };
        sum.error += terms as f64 * SINGLE * sizes;
        sum
    }

    /// What rounding the terms of a movie's codewords may lose.
    fn terms(&self, user: &[f32; MAX_DIM], movie: usize) -> f64 {
        let p = &self.checkpoint.parameters;
        let words = self.words_of(movie);
        let (rows, biases) = self.words();
        if !p.model.has_dot() && biases.is_none() {
            return 0.0;
        }
        let lost = fixed(&user[..p.user_dim], rows.scale());
        let term = |at: &usize| {
            let mut row = [0.0; MAX_DIM];
            rows.read(*at, &mut row);
            let mut term = biases.map_or(0.0, |table| f64::from(table.first(*at)));
            let mut error = TERM / 2.0;
            if p.model.has_dot() {
                error += SCORE / 2.0;
                for ((x, y), lost) in user.iter().zip(&row).zip(&lost) {
                    term += f64::from(*x) * f64::from(*y);
                    error += lost * f64::from(y.abs());
                }
            }
            error + (term.abs() + error - MOST_TERM).max(0.0)
        };
        words.iter().map(term).sum()
    }

    /// The network's output.
    fn network(&self, (first, later): (&Layer, &[Layer]), pair: &Pair<'_>) -> Near {
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
    fn of(p: &Parameters, model: &Model<'_>, bytes: &'a [u8]) -> Result<Option<Self>, BadInput> {
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

/// A table of an image.
fn table(bytes: &[u8], kind: TableKind) -> Option<Table<'_>> {
    let mut tables = Image::parse(bytes).ok()?.tables().flatten();
    tables.find(|table| table.kind == kind as u16)
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

/// The most that rounding moves a number.
fn half_step(values: &Values<'_>, scale: f32, x: f32) -> f64 {
    const SMALLEST: f64 = 1.0 / 16_384.0;
    let size = f64::from(x.abs());
    match values {
        Values::F32(_) if x.is_subnormal() => size,
        Values::F32(_) => 0.0,
        Values::F16(_) if size < SMALLEST => SMALLEST / 2.0,
        Values::F16(_) => size / 2048.0,
        Values::I16(_) | Values::I8 { .. } => f64::from(scale) / 2.0,
    }
}

/// How many times what rounding leaves a number is off.
fn times(off: f32, most: f64) -> f64 {
    match f64::from(off.abs()) {
        0.0 => 0.0,
        off => off / most,
    }
}

/// What each number of a user's row loses where core makes it fixed-point numbers, before movies of this scale: as fine as
/// their sum and the largest of them let it.
fn fixed(row: &[f32], scale: f32) -> Vec<f64> {
    let sum: f32 = row.iter().map(|x| x.abs()).sum();
    let largest = row.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
    let counts = |shift: i32| scale / SCORE as f32 * (shift as f32).exp2();
    let fits =
        |shift: &i32| sum * counts(*shift) <= 65_000.0 && largest * counts(*shift) <= 32_000.0;
    let found = (2..=16).rev().find(fits);
    let counts = f64::from(counts(found.unwrap_or(2)));
    let limit = match found {
        Some(_) => 32_767.0,
        None => (65_535.0 / row.len().max(1) as f64).floor().min(32_767.0),
    };
    // Half a count, and what adding the half loses in single precision.
    let lost = |x: f64| 0.5 / counts + 2.0 * SINGLE * x + (x - limit / counts).max(0.0);
    row.iter().map(|x| lost(x.abs().into())).collect()
}

#[cfg(test)]
#[path = "rounding_tests.rs"]
mod tests;
