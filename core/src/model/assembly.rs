//! Which models the floating-point kernels in assembly take, and how their tables are handed over.

use super::{Model, UserState};
use crate::numeric::activation::Activation;
use crate::numeric::arch::float::{self, COLUMNS, Net, SECOND, User};
use crate::table::{EmbeddingTable, Values};

impl Model<'_> {
    /// Scores by the kernels of [`float`], where the model has the lesson's shape: rows of 8 in half precision, a
    /// multiple of 4 relu units, 4 relu units, 1 linear one. False where it hasn't.
    pub(super) fn score_rows_by_assembly(
        &self,
        user: &UserState,
        first: u32,
        scores: &mut [f32],
    ) -> bool {
        if self.mlp.is_none() {
            return self.dots_by_assembly(user, first, scores);
        }
        let (Some(units), Some(row)) = (
            self.mlp
                .as_ref()
                .and_then(|mlp| user.half.get(..mlp.units())),
            user.row.first_chunk(),
        ) else {
            return false;
        };
        let Some(net) = self.lesson(units, self.parts.dot.then_some(row), user.base) else {
            return false;
        };
        let Some((rows, biases)) = self.movies_from(first as usize, scores.len()) else {
            return false;
        };
        float::score(&net, rows, biases, scores)
    }

    /// Scores without an MLP.
    fn dots_by_assembly(&self, user: &UserState, first: u32, scores: &mut [f32]) -> bool {
        match (
            self.movies_from(first as usize, scores.len()),
            user.row.first_chunk(),
        ) {
            (Some((rows, biases)), Some(row)) if self.parts.dot => {
                float::dots(row, user.base, rows, biases, scores)
            }
            _ => false,
        }
    }

    /// The score of the movie of `movie_row` for the user of `user_row` of the image, likewise, in one go: the
    /// user's half never becomes a [`UserState`].
    pub(super) fn predict_by_assembly(&self, user_row: usize, movie_row: usize) -> Option<f32> {
        let (users, mlp) = (self.users.as_ref()?, self.mlp.as_ref()?);
        let (rows, biases) = self.movies_from(movie_row, 1)?;
        let row = rows_of_8(&users.table)?.get(user_row)?;
        let bias = users.bias.map_or(0.0, |table| table.first(user_row));
        let net = self.lesson(&[], None, self.scale.mean + bias)?;
        let user = User {
            row,
            weights: mlp.user_weights.as_chunks::<COLUMNS>().0,
            bias: mlp.bias,
            dot: self.parts.dot,
        };
        float::predict(&net, &user, rows.first()?, biases.and_then(<[u16]>::first))
    }

    /// The score of the movie of `row`, and the MLP's derivative by the user's row, likewise.
    #[cfg(feature = "learn")]
    pub(crate) fn gradient_by_assembly(
        &self,
        user: &UserState,
        row: u32,
        gradient: &mut [f32; crate::MAX_DIM],
    ) -> Option<f32> {
        let mlp = self.mlp.as_ref()?;
        let (rows, biases) = self.movies_from(row as usize, 1)?;
        let half = user.half.get(..mlp.units())?;
        let own = user.row.first_chunk();
        let net = self.lesson(half, own.filter(|_| self.parts.dot), user.base)?;
        let weights = mlp.user_weights.as_chunks::<COLUMNS>().0;
        if mlp.user_dim != COLUMNS {
            return None;
        }
        let bias = biases.and_then(<[u16]>::first);
        float::gradient(
            &net,
            weights,
            rows.first()?,
            bias,
            gradient.first_chunk_mut()?,
        )
    }

    /// The layers of the lesson's shape, with a user's half of dense layer 0, row and base.
    fn lesson<'n>(
        &'n self,
        half: &'n [f32],
        user: Option<&'n [f32; COLUMNS]>,
        base: f32,
    ) -> Option<Net<'n>> {
        let mlp = self.mlp.as_ref()?;
        let [second, output] = mlp.later() else {
            return None;
        };
        let [output_bias] = output.bias else {
            return None;
        };
        if mlp.activation != Activation::Relu
            || second.activation != Activation::Relu
            || output.activation != Activation::Linear
        {
            return None;
        }
        Some(Net {
            half,
            weights: mlp.movie_weights.as_chunks::<COLUMNS>().0,
            second: second.weights.as_chunks::<SECOND>().0,
            second_bias: second.bias.try_into().ok()?,
            output: output.weights.try_into().ok()?,
            output_bias: *output_bias,
            user,
            base,
        })
    }

    /// The rows of at least `count` movies from row `first` on, and their biases, where they are rows of 8.
    #[expect(clippy::type_complexity, reason = "two slices, one of them optional")]
    fn movies_from(
        &self,
        first: usize,
        count: usize,
    ) -> Option<(&[[u16; COLUMNS]], Option<&[u16]>)> {
        let rows = rows_of_8(&self.movie_table)?.get(first..)?;
        let biases = match self.movie_bias.map(|table| table.values()) {
            None => None,
            Some(Values::F16(biases)) => Some(biases.get(first..)?),
            Some(_) => return None,
        };
        let enough = rows.len() >= count && biases.is_none_or(|biases| biases.len() >= count);
        enough.then_some((rows, biases))
    }
}

/// The rows of a table of 8 columns in half precision.
fn rows_of_8<'a>(table: &EmbeddingTable<'a>) -> Option<&'a [[u16; COLUMNS]]> {
    match table.values() {
        Values::F16(values) if table.columns() == COLUMNS => Some(values.as_chunks().0),
        _ => None,
    }
}
