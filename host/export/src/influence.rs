//! What a row's numbers do to predictions: their gradients, by which rows are rounded.

use pocketrec_train::{Layer, Parameters};

use super::pick::{pick, transposed};

/// Which table's rows are asked about; their partners are the rows of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Movies, whom users rate.
    Movies,
    /// Users, who rate movies.
    Users,
}

/// Partners that a row is judged by: those of the longest rows, for whom errors are largest, and some of the others.
const LONGEST: usize = 48;
const OTHERS: usize = 48;

/// The gradients of predictions by a row of one table, for some rows of the other.
pub(super) struct Influence<'a> {
    layers: &'a [Layer],
    columns: usize,
    /// How many rows of the other table.
    partners: usize,
    /// Which they are.
    #[cfg(test)]
    chosen: Vec<usize>,
    /// Their rows, where there is a dot product.
    rows: Vec<f32>,
    /// Their halves of dense layer 0, its bias taken in, \[partners\]\[units\].
    halves: Vec<f32>,
    /// The asked row's half of dense layer 0, \[units\]\[columns\].
    own: Vec<f32>,
}

impl<'a> Influence<'a> {
    /// By the longest rows of the other table and some of the others. Costs a half of dense layer 0 a partner, and sorts
    /// the other table's rows by length.
    pub(super) fn new(p: &'a Parameters, side: Side) -> Self {
        let (other, table) = match side {
            Side::Movies => (p.user_dim, &p.user_embedding),
            Side::Users => (p.movie_dim, &p.movie_embedding),
        };
        let all = table.len() / other.max(1);
        let squared = |at: usize| {
            let row = &table[at * other..][..other];
            dot(row, row)
        };
        let mut order: Vec<(f32, usize)> = (0..all).map(|at| (squared(at), at)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let (longest, rest) = order.split_at(all.min(LONGEST));
        // Evenly spaced, so that rows of every length are there.
        let others = rest.len().min(OTHERS);
        let spaced = (0..others).map(|at| &rest[at * rest.len() / others]);
        let chosen: Vec<usize> = longest.iter().chain(spaced).map(|row| row.1).collect();
        Self::by(p, side, &chosen)
    }

    /// By the `chosen` rows of the other table.
    pub(super) fn by(p: &'a Parameters, side: Side, chosen: &[usize]) -> Self {
        let (columns, other, table) = match side {
            Side::Movies => (p.movie_dim, p.user_dim, &p.user_embedding),
            Side::Users => (p.user_dim, p.movie_dim, &p.movie_embedding),
        };
        let partners = chosen.len();
        let rows = pick(table, other, chosen);
        let (mut halves, mut own) = (Vec::new(), Vec::new());
        if let Some(first) = p.layers.first() {
            let (user, movie) = (0..p.user_dim, p.user_dim..first.inputs);
            let (mine, theirs) = match side {
                Side::Movies => (movie, user),
                Side::Users => (user, movie),
            };
            own = transposed(first, mine);
            let weights = transposed(first, theirs);
            for row in rows.chunks_exact(other) {
                let units = weights.chunks_exact(other).zip(&first.bias);
                halves.extend(units.map(|(w, bias)| bias + dot(w, row)));
            }
        }
        Self {
            layers: &p.layers,
            columns,
            partners,
            #[cfg(test)]
            chosen: chosen.to_vec(),
            rows: if p.model.has_dot() { rows } else { Vec::new() },
            halves,
            own,
        }
    }

    /// The gradient of the prediction by each number of `row`, for each partner: \[partners\]\[columns\]. Costs a
    /// prediction there and back for each.
    pub(super) fn gradients(&self, row: &[f32]) -> Vec<f32> {
        let mut gradients = self.rows.clone();
        gradients.resize(self.partners * self.columns, 0.0);
        let Some(first) = self.layers.first() else {
            return gradients;
        };
        let by_half = self.gradients_by_half(&self.half(row));
        let deltas = by_half.chunks_exact(first.outputs);
        for (deltas, gradient) in deltas.zip(gradients.chunks_exact_mut(self.columns)) {
            for (delta, weights) in deltas.iter().zip(self.own.chunks_exact(self.columns)) {
                if *delta != 0.0 {
                    for (to, weight) in gradient.iter_mut().zip(weights) {
                        *to += delta * weight;
                    }
                }
            }
        }
        gradients
    }

    /// The half of dense layer 0 of `row`; nothing without an MLP.
    pub(super) fn half(&self, row: &[f32]) -> Vec<f32> {
        let units = self.own.chunks_exact(self.columns);
        units.map(|w| dot(w, row)).collect()
    }

    /// The partners' rows where there is a dot product, \[partners\]\[columns\]: the gradient by a row, but for the MLP's.
    pub(super) fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The gradient of the prediction by each unit of a row's `half` of dense layer 0, for each partner:
    /// \[partners\]\[units\].
    pub(super) fn gradients_by_half(&self, own: &[f32]) -> Vec<f32> {
        let units = own.len();
        let mut gradients = Vec::with_capacity(self.partners * units);
        let mut values: Vec<Vec<f32>> = self.layers.iter().map(|l| vec![0.0; l.outputs]).collect();
        let (mut delta, mut next) = (Vec::new(), Vec::new());
        for half in self.halves.chunks_exact(units.max(1)) {
            for ((value, a), b) in values[0].iter_mut().zip(half).zip(own) {
                *value = relu(a + b);
            }
            // The output itself isn't needed, its gradient is 1.
            for at in 1..self.layers.len() - 1 {
                let layer = &self.layers[at];
                let (before, after) = values.split_at_mut(at);
                let sums = &mut after[0];
                sums.copy_from_slice(&layer.bias);
                for (x, weights) in before[at - 1]
                    .iter()
                    .zip(layer.weight.chunks_exact(layer.outputs))
                {
                    if *x > 0.0 {
                        for (sum, weight) in sums.iter_mut().zip(weights) {
                            *sum += x * weight;
                        }
                    }
                }
                sums.iter_mut().for_each(|sum| *sum = relu(*sum));
            }
            delta.clear();
            delta.push(1.0);
            for at in (1..self.layers.len()).rev() {
                let layer = &self.layers[at];
                let weights = layer.weight.chunks_exact(layer.outputs);
                next.clear();
                next.extend(
                    values[at - 1]
                        .iter()
                        .zip(weights)
                        .map(|(x, w)| if *x > 0.0 { dot(w, &delta) } else { 0.0 }),
                );
                std::mem::swap(&mut delta, &mut next);
            }
            gradients.extend_from_slice(&delta);
        }
        gradients
    }
}

fn relu(x: f32) -> f32 {
    if x > 0.0 { x } else { 0.0 }
}

pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_train::{ModelKind, Options};

    #[test]
    fn gradients_are_what_a_small_change_does_to_a_prediction() {
        for (model, hidden) in [
            (ModelKind::Hybrid, vec![32, 4]),
            (ModelKind::Mlp, vec![16]),
            (ModelKind::Mf, vec![]),
        ] {
            let options = Options {
                model,
                hidden,
                ..Options::default()
            };
            let mut p = Parameters::initial(&options, 7, 5, 3.5);
            for value in p.user_embedding.iter_mut().chain(&mut p.movie_embedding) {
                *value *= 20.0;
            }
            for side in [Side::Movies, Side::Users] {
                let influence = Influence::new(&p, side);
                let at = 3;
                let row = match side {
                    Side::Movies => p.movie_row(at).to_vec(),
                    Side::Users => p.user_row(at).to_vec(),
                };
                let gradients = influence.gradients(&row);
                let step = 1.0 / 1024.0;
                let mut close = 0;
                for column in 0..8 {
                    let mut moved = p.clone();
                    match side {
                        Side::Movies => moved.movie_embedding[at * 8 + column] += step,
                        Side::Users => moved.user_embedding[at * 8 + column] += step,
                    }
                    for (place, &partner) in influence.chosen.iter().enumerate() {
                        let raw = |p: &Parameters| match side {
                            Side::Movies => p.raw(partner, at),
                            Side::Users => p.raw(at, partner),
                        };
                        let due = (raw(&moved) - raw(&p)) / step;
                        let found = gradients[place * 8 + column];
                        close += usize::from((found - due).abs() < 0.003);
                    }
                }
                // A relu may bend between the two.
                let all = 8 * influence.partners;
                assert!(
                    close * 100 >= all * 95,
                    "{model:?} {side:?} {close} of {all}"
                );
            }
        }
    }
}
