//! How a model's tables are handed over to the floating-point kernels in assembly.

use super::{Model, UserState};
use crate::kernels::Kernel;
use crate::kernels::float::{self, COLUMNS, Movie, Person};
use crate::mlp::Mlp;
use crate::numeric::activation::Activation;
use crate::table::{EmbeddingTable, Values};
use crate::{MAX_DIM, MAX_UNITS};

/// Rows of 8 in half precision, and the biases beside them where there are any.
type Rows<'m> = (&'m [[u16; COLUMNS]], Option<&'m [u16]>);

impl Model<'_> {
    /// Scores of the movies of rows `first`, `first + 1`, …
    ///
    /// Layer by layer where no kernel is chosen for the shape, and where a row is outside the table; without the feature
    /// `shapes`, which has that compiled in, such a row scores nothing.
    pub(super) fn score_rows_by_assembly(&self, user: &UserState, first: u32, scores: &mut [f32]) {
        let done =
            self.kernels.rank != Kernel::FloatLayers && self.score_rows_of_8(user, first, scores);
        if !done && cfg!(feature = "shapes") {
            self.score_layers(user, first, scores);
        }
    }

    fn score_rows_of_8(&self, user: &UserState, first: u32, scores: &mut [f32]) -> bool {
        let (Some((rows, biases)), Some(row)) = (
            self.movies_from(first as usize, scores.len()),
            user.row.first_chunk(),
        ) else {
            return false;
        };
        match &self.net {
            Some(net) => float::score(net, (&user.half, row), user.base, rows, biases, scores),
            None => float::dots(row, user.base, rows, biases, scores),
        }
    }

    /// A movie at a time, any shape.
    #[inline(never)]
    fn score_layers(&self, user: &UserState, first: u32, scores: &mut [f32]) {
        let mut movie = [0.0; MAX_DIM];
        let mut units = [0.0; MAX_UNITS];
        let mut next = [0.0; MAX_UNITS];
        for (row, score) in (first as usize..=usize::MAX).zip(scores) {
            if row >= self.movies as usize {
                movie = [0.0; MAX_DIM];
            }
            self.movie_table.read(row, &mut movie);
            let movie = movie.get(..self.movie_dim()).unwrap_or_default();
            let mut sum = user.base;
            if let Some(table) = self.movie_bias {
                sum += table.first(row);
            }
            if self.parts.dot {
                let mut dot = [0.0];
                let own = user.row.get(..movie.len()).unwrap_or_default();
                float::rows(own, &[0.0], movie, Activation::Linear, &mut dot);
                let [dot] = dot;
                sum += dot;
            }
            if let Some(mlp) = &self.mlp {
                sum += output(mlp, &user.half, movie, &mut units, &mut next);
            }
            *score = sum;
        }
    }

    /// The score of the movie of `movie_row` for the user of `user_row` of the image, in one go: the user's half never
    /// becomes a [`UserState`]. `None` where no such kernel was chosen, where rows aren't of 8 in half precision, and outside
    /// a table.
    pub(super) fn predict_by_assembly(&self, user_row: usize, movie_row: usize) -> Option<f32> {
        let (users, net) = (self.users.as_ref()?, self.net.as_ref()?);
        let (rows, biases) = self.movies_from(movie_row, 1)?;
        let row = rows_of_8(&users.table)?.get(user_row)?;
        let own = match &users.bias {
            Some(table) => table.first(user_row),
            None => 0.0,
        };
        let movie = Movie::Stored(rows.first()?, biases.and_then(<[u16]>::first));
        let base = self.scale.mean + own;
        float::one(net, Person::Stored(row), base, movie, None)
    }

    /// The score of the movie of `row` and its derivative by the user's row, likewise.
    #[cfg(feature = "learn")]
    pub(crate) fn gradient_by_assembly(
        &self,
        user: &UserState,
        row: u32,
        gradient: &mut [f32; MAX_DIM],
    ) -> Option<f32> {
        let person = Person::Half(&user.half, user.row.first_chunk()?);
        self.derive(person, user.base, row, gradient.first_chunk_mut()?)
    }

    /// The same for a row and a bias that the caller holds, both within ±[`ROW_LIMIT`](super::ROW_LIMIT).
    #[cfg(feature = "learn")]
    pub(crate) fn gradient_of_row_by_assembly(
        &self,
        own: (&[f32; COLUMNS], f32),
        row: u32,
        gradient: &mut [f32; COLUMNS],
    ) -> Option<f32> {
        let person = Person::Row(own.0);
        self.derive(person, self.scale.mean + own.1, row, gradient)
    }

    #[cfg(feature = "learn")]
    #[inline]
    fn derive(
        &self,
        person: Person<'_>,
        base: f32,
        row: u32,
        gradient: &mut [f32; COLUMNS],
    ) -> Option<f32> {
        let net = self.net.as_ref()?;
        let Some((rows, biases)) = self.movies_from(row as usize, 1) else {
            return self.derive_widened(person, base, row as usize, gradient);
        };
        let movie = Movie::Stored(rows.first()?, biases.and_then(<[u16]>::first));
        float::one(net, person, base, movie, Some(gradient))
    }

    /// The same from a movie's row of any precision, widened. A row outside the table counts as zeros.
    // Apart, so that its stack isn't there for a row in half precision.
    #[cfg(feature = "learn")]
    #[inline(never)]
    fn derive_widened(
        &self,
        person: Person<'_>,
        base: f32,
        row: usize,
        gradient: &mut [f32; COLUMNS],
    ) -> Option<f32> {
        if cfg!(not(any(feature = "integers", feature = "shapes"))) {
            return None;
        }
        let mut movie = [0.0; COLUMNS];
        self.movie_table.read(row, &mut movie);
        let base = self.with_movie_bias(base, row);
        float::one(
            self.net.as_ref()?,
            person,
            base,
            Movie::Row(&movie),
            Some(gradient),
        )
    }

    /// The rows of at least `count` movies from row `first` on, and their biases, where they are rows of 8.
    #[inline]
    fn movies_from(&self, first: usize, count: usize) -> Option<Rows<'_>> {
        let rows = rows_of_8(&self.movie_table)?.get(first..)?;
        let biases = match &self.movie_bias {
            None => None,
            Some(table) => match table.values() {
                Values::F16(biases) => Some(biases.get(first..)?),
                _ => return None,
            },
        };
        let enough = rows.len() >= count && biases.is_none_or(|biases| biases.len() >= count);
        enough.then_some((rows, biases))
    }
}

/// The MLP's output, layer by layer.
fn output<'u>(
    mlp: &Mlp<'_>,
    half: &[f32; MAX_UNITS],
    movie: &[f32],
    mut units: &'u mut [f32; MAX_UNITS],
    mut next: &'u mut [f32; MAX_UNITS],
) -> f32 {
    let mut count = mlp.units();
    let half = half.get(..count).unwrap_or_default();
    float::rows(mlp.movie_weights, half, movie, mlp.activation, units);
    for layer in mlp.later() {
        let inputs = units.get(..count).unwrap_or_default();
        float::columns(layer.weights, layer.bias, inputs, layer.activation, next);
        count = layer.units();
        core::mem::swap(&mut units, &mut next);
    }
    let [output, ..] = *units;
    output
}

/// The rows of a table of 8 columns in half precision.
#[inline]
fn rows_of_8<'a>(table: &EmbeddingTable<'a>) -> Option<&'a [[u16; COLUMNS]]> {
    match table.values() {
        Values::F16(values) if table.columns() == COLUMNS => Some(values.as_chunks().0),
        _ => None,
    }
}
