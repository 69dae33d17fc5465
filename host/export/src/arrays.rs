//! A model's numbers for other programs: arrays of NumPy's, or a table of users and one of movies, in single precision.

use std::ops::Range;

use super::Chosen;
use super::pick::pick;
use pocketrec_base::error::BadInput;
use pocketrec_base::print::item;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::Names;
use pocketrec_tables::{Array, Cells, Kind};

/// The chosen rows as arrays, by the names that `host import` knows; parts that the model lacks are left out. Weights of
/// dense layers are inputs by outputs, as in Keras.
pub fn arrays(checkpoint: &Checkpoint, chosen: &Chosen) -> Vec<Array> {
    let (p, data) = (&checkpoint.parameters, &checkpoint.data);
    let number = |name: &str, value: f32| Array::numbers(name, &[], vec![value]);
    let mut arrays = vec![
        Array::text("licence", &data.licence),
        number("mean", p.mean),
        number("scale_low", p.scale.0),
        number("scale_high", p.scale.1),
    ];
    for side in Side::BOTH {
        let of = side.of(checkpoint, chosen);
        let what = side.name();
        let ids = match of.ids(0..of.rows.len()) {
            Cells::Texts(texts) => Array::texts(&format!("{what}_ids"), texts),
            Cells::Whole(ids) => Array::whole(&format!("{what}_ids"), ids),
            Cells::Numbers(_) | Cells::Lists(_) => continue,
        };
        arrays.push(ids);
        let numbers = pick(of.table, of.dim, of.rows);
        arrays.push(Array::numbers(
            &format!("{what}_embedding"),
            &[of.rows.len(), of.dim],
            numbers,
        ));
        if !of.bias.is_empty() {
            let bias = pick(of.bias, 1, of.rows);
            arrays.push(Array::numbers(&format!("{what}_bias"), &[bias.len()], bias));
        }
    }
    for (at, layer) in p.layers.iter().enumerate() {
        let shape = [layer.inputs, layer.outputs];
        let weight = layer.weight.clone();
        arrays.push(Array::numbers(
            &format!("dense_{at}.weight"),
            &shape,
            weight,
        ));
        let bias = layer.bias.clone();
        arrays.push(Array::numbers(
            &format!("dense_{at}.bias"),
            &shape[1..],
            bias,
        ));
    }
    arrays
}

/// # Errors
/// [`BadInput`] for a model whose dense layers tables of users and movies leave out.
pub fn check(checkpoint: &Checkpoint) -> Result<(), BadInput> {
    match checkpoint.parameters.layers.is_empty() {
        true => Ok(()),
        false => Err(BadInput::new(
            "the model has dense layers, which no table of users or movies holds; --format npz writes them too",
        )),
    }
}

/// Users or movies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Users.
    Users,
    /// Movies.
    Movies,
}

impl Side {
    /// Both.
    pub const BOTH: [Side; 2] = [Side::Users, Side::Movies];

    /// One of them, as arrays are named by: what reads them looks for movies, whatever people call them.
    pub fn name(self) -> &'static str {
        match self {
            Side::Users => "user",
            Side::Movies => "movie",
        }
    }

    /// The file of its table, without the end that says its format. People may be what people rate.
    pub fn file(self) -> String {
        match (self, item::many()) {
            (Side::Users, _) => "users".into(),
            (Side::Movies, many) if many.eq_ignore_ascii_case("users") => "items".into(),
            (Side::Movies, many) => many,
        }
    }

    /// Its chosen rows.
    pub fn of<'a>(self, checkpoint: &'a Checkpoint, chosen: &'a Chosen) -> Rows<'a> {
        let (p, data) = (&checkpoint.parameters, &checkpoint.data);
        match self {
            Side::Users => Rows {
                name: self.name().into(),
                rows: &chosen.users,
                ids: &checkpoint.user_ids,
                names: &data.user_names,
                counts: &checkpoint.user_counts,
                bias: &p.user_bias,
                table: &p.user_embedding,
                dim: p.user_dim,
            },
            Side::Movies => Rows {
                name: item::one(),
                rows: &chosen.movies,
                ids: &checkpoint.movie_ids,
                names: &data.movie_names,
                counts: &checkpoint.movie_counts,
                bias: &p.movie_bias,
                table: &p.movie_embedding,
                dim: p.movie_dim,
            },
        }
    }
}

/// Rows of users or movies.
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    name: String,
    /// Which of the checkpoint's.
    pub rows: &'a [usize],
    ids: &'a [u32],
    names: &'a Names,
    counts: &'a [u32],
    bias: &'a [f32],
    table: &'a [f32],
    dim: usize,
}

impl Rows<'_> {
    /// The columns of their table: the id, how many ratings it has, the bias where the model has biases, the embedding.
    pub fn columns(&self) -> Vec<(&str, Kind)> {
        let id = match self.names.is_empty() {
            true => Kind::Whole,
            false => Kind::Text,
        };
        let mut columns = vec![(&self.name[..], id), ("ratings", Kind::Whole)];
        columns.extend((!self.bias.is_empty()).then_some(("bias", Kind::Number)));
        columns.push(("embedding", Kind::List(self.dim)));
        columns
    }

    /// Some rows, as those columns.
    pub fn cells(&self, part: Range<usize>) -> Vec<Cells> {
        let rows = &self.rows[part.clone()];
        let counts = rows
            .iter()
            .map(|row| self.counts.get(*row).map_or(0, |n| i64::from(*n)));
        let mut cells = vec![self.ids(part), Cells::Whole(counts.collect())];
        if !self.bias.is_empty() {
            cells.push(Cells::Numbers(pick(self.bias, 1, rows)));
        }
        cells.push(Cells::Lists(pick(self.table, self.dim, rows)));
        cells
    }

    fn ids(&self, part: Range<usize>) -> Cells {
        let ids = self.rows[part].iter().map(|row| self.ids[*row]);
        match self.names.is_empty() {
            true => Cells::Whole(ids.map(i64::from).collect()),
            false => Cells::Texts(
                ids.map(|id| self.names.of(id).unwrap_or_default().to_owned())
                    .collect(),
            ),
        }
    }
}
