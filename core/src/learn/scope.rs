//! How much of the network learns with its owner: the caller's type says.
//!
//! | scope | what learns | RAM beside the private row |
//! |---|---|---|
//! | [`Row`] | the private row and bias | none |
//! | [`OutputLayer`] | and the MLP's last dense layer | 4 bytes a unit of the widest layer that may be, and 4 |
//! | [`Network<N>`](Network) | and every weight and bias of the MLP | 4 bytes a number |
//!
//! [`Learner::RAM_BYTES`] is a constant, so a board's program can be refused by its compiler:
//!
//! ```
//! use pocketrec::learn::scope::{Learner, Network, weights};
//!
//! /// Rows of 8, layers of 32, 4 and 1 units: 681 numbers.
//! type Whole = Learner<Network<{ weights(8, 8, &[32, 4, 1]) }>>;
//! const _: () = assert!(Whole::RAM_BYTES <= 4 * 1024);
//! ```
//!
//! Copies in RAM start as the image's weights and are pulled back to them (L2); the movies' table stays in flash. A
//! step of gradient descent on a weight w of the image's value w0, for an error e and the score's derivative g by it:
//!
//! ```text
//! w <- w + rate * (e g - l2 (w - w0)),   e held to ±MAX_ERROR, g to ±MAX_GRADIENT, w to ±ROW_LIMIT
//! ```

use super::step::descend;
use super::{FoldIn, MAX_ERROR, StepOptions};
use crate::error::{LookupError, ScopeError};
use crate::mlp::{Activations, Dense, Mlp};
use crate::model::{Model, ROW_LIMIT, UserState};
use crate::numeric::hold;
use crate::profile::{Private, Rating};
use crate::{MAX_DIM, MAX_LAYERS, MAX_UNITS};

/// The numbers of an MLP over a user's row and a movie's, whose dense layers have `units` each: what
/// [`Network`] has to have room for.
pub const fn weights(user_dim: usize, movie_dim: usize, units: &[usize]) -> usize {
    let mut inputs = user_dim.saturating_add(movie_dim);
    let mut sum = 0_usize;
    let mut rest = units;
    while let [units, behind @ ..] = rest {
        sum = sum.saturating_add(inputs.saturating_add(1).saturating_mul(*units));
        inputs = *units;
        rest = behind;
    }
    sum
}

/// One forward and backward pass: what a scope takes its gradients from.
#[derive(Clone, Debug)]
pub struct Pass<'p> {
    /// The private row.
    pub user: &'p [f32],
    /// The movie's row.
    pub movie: &'p [f32],
    /// The values of every layer's units.
    pub units: &'p Activations,
    /// The score's derivatives by every layer's units before their activation.
    pub deltas: &'p Activations,
}

/// What of a network learns.
pub trait Scope: Sized {
    /// Bytes of RAM for what learns beside the private row and bias.
    const RAM_BYTES: usize = size_of::<Self>();

    /// A copy of what learns, as the image has it.
    ///
    /// # Errors
    ///
    /// [`ScopeError`], for a model that this scope doesn't fit.
    fn new(model: &Model<'_>) -> Result<Self, ScopeError>;

    /// The model's MLP, with what learns in place of the image's.
    fn mlp<'s>(&'s self, model: &'s Model<'_>) -> Option<Mlp<'s>>;

    /// A step along the error `error`, held already, for what learns.
    fn descend(&mut self, model: &Model<'_>, pass: &Pass<'_>, error: f32, options: StepOptions);
}

/// The private row and bias alone: the MLP stays in flash.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row;

impl Scope for Row {
    fn new(_: &Model<'_>) -> Result<Self, ScopeError> {
        Ok(Self)
    }

    fn mlp<'s>(&'s self, model: &'s Model<'_>) -> Option<Mlp<'s>> {
        model.mlp().copied()
    }

    fn descend(&mut self, _: &Model<'_>, _: &Pass<'_>, _: f32, _: StepOptions) {}
}

/// The weights and the bias of the MLP's last dense layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutputLayer {
    weights: [f32; MAX_UNITS],
    bias: [f32; 1],
}

impl Scope for OutputLayer {
    fn new(model: &Model<'_>) -> Result<Self, ScopeError> {
        let mlp = learnable(model)?;
        let output = mlp.later().last().ok_or(ScopeError::OneLayer)?;
        let mut scope = Self {
            weights: [0.0; MAX_UNITS],
            bias: [0.0],
        };
        copy(&mut scope.weights, output.weights);
        copy(&mut scope.bias, output.bias);
        Ok(scope)
    }

    fn mlp<'s>(&'s self, model: &'s Model<'_>) -> Option<Mlp<'s>> {
        let mut mlp: Mlp<'s> = *model.mlp()?;
        let last = mlp.layers().checked_sub(2)?;
        let output = mlp.later.get_mut(last)?;
        *output = Dense {
            weights: self.weights.get(..output.weights.len())?,
            bias: &self.bias,
            activation: output.activation,
        };
        Some(mlp)
    }

    fn descend(&mut self, model: &Model<'_>, pass: &Pass<'_>, error: f32, options: StepOptions) {
        let Some(mlp) = model.mlp() else { return };
        let at = mlp.layers().wrapping_sub(1);
        if let (Some(layer), Some(inputs), Some(deltas)) = (
            mlp.later().last(),
            pass.units.get(at.wrapping_sub(1)),
            pass.deltas.get(at),
        ) {
            let own = (&mut self.weights[..], &mut self.bias[..]);
            dense_step(own, layer, inputs, deltas, error, options);
        }
    }
}

/// All weights and biases of the MLP, `N` numbers or fewer ([`weights`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network<const N: usize> {
    /// Layer 0's weights by the user's row and by the movie's, its biases; then each later layer's weights and
    /// biases.
    numbers: [f32; N],
}

impl<const N: usize> Scope for Network<N> {
    fn new(model: &Model<'_>) -> Result<Self, ScopeError> {
        let mlp = learnable(model)?;
        let needed = tables(mlp).map(<[f32]>::len).sum::<usize>();
        if needed > N {
            return Err(ScopeError::Room {
                needed: needed as u32,
                room: N as u32,
            });
        }
        let mut numbers = [0.0; N];
        let mut rest = &mut numbers[..];
        for table in tables(mlp) {
            if let Some((own, behind)) = rest.split_at_mut_checked(table.len()) {
                copy(own, table);
                rest = behind;
            } else {
                break;
            }
        }
        Ok(Self { numbers })
    }

    fn mlp<'s>(&'s self, model: &'s Model<'_>) -> Option<Mlp<'s>> {
        let image = model.mlp()?;
        let mut mlp: Mlp<'s> = *image;
        let mut rest = &self.numbers[..];
        let mut take = |length: usize| {
            let (own, behind) = rest.split_at_checked(length)?;
            rest = behind;
            Some(own)
        };
        mlp.user_weights = take(image.user_weights.len())?;
        mlp.movie_weights = take(image.movie_weights.len())?;
        mlp.bias = take(image.bias.len())?;
        for layer in mlp.later.iter_mut().take(image.later().len()) {
            layer.weights = take(layer.weights.len())?;
            layer.bias = take(layer.bias.len())?;
        }
        Some(mlp)
    }

    fn descend(&mut self, model: &Model<'_>, pass: &Pass<'_>, error: f32, options: StepOptions) {
        let Some(mlp) = model.mlp() else { return };
        let [deltas, later_deltas @ ..] = pass.deltas;
        let mut rest = &mut self.numbers[..];
        let halves = [
            (mlp.user_weights, pass.user),
            (mlp.movie_weights, pass.movie),
        ];
        for (image, row) in halves {
            let Some((own, behind)) = rest.split_at_mut_checked(image.len()) else {
                return;
            };
            rest = behind;
            let columns = row.len().max(1);
            let units = own.chunks_mut(columns).zip(image.chunks(columns));
            for ((own, image), delta) in units.zip(deltas) {
                for ((w, w0), x) in own.iter_mut().zip(image).zip(row) {
                    *w = descend(*w, *w0, error, delta * x, options);
                }
            }
        }
        let Some((own, behind)) = rest.split_at_mut_checked(mlp.bias.len()) else {
            return;
        };
        rest = behind;
        biases_step(own, mlp.bias, deltas, error, options);
        let passes = pass.units.iter().zip(later_deltas);
        for (layer, (inputs, deltas)) in mlp.later().iter().zip(passes) {
            let Some((weights, behind)) = rest.split_at_mut_checked(layer.weights.len()) else {
                return;
            };
            let Some((bias, behind)) = behind.split_at_mut_checked(layer.bias.len()) else {
                return;
            };
            rest = behind;
            dense_step((weights, bias), layer, inputs, deltas, error, options);
        }
    }
}

/// Options of a [`Learner`]'s steps.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScopeOptions {
    /// For the private row and bias.
    pub row: StepOptions,
    /// For the MLP's weights and biases, as far as they learn.
    pub network: StepOptions,
    /// Passes over the log that [`Learner::learn`] makes.
    pub passes: u32,
}

impl ScopeOptions {
    /// Row and bias stay where the fold-in puts them, and the network follows in small steps.
    pub const DEFAULT: Self = Self {
        row: StepOptions { rate: 0.0, l2: 0.0 },
        network: StepOptions {
            rate: 0.002,
            l2: 0.1,
        },
        passes: 2,
    };
}

impl Default for ScopeOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Somebody's private row and bias, and as much of a network as the scope `S` says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learner<S> {
    private: Private,
    scope: S,
}

impl<S: Scope> Learner<S> {
    /// Bytes of RAM that a learner takes: the row and bias, and [`Scope::RAM_BYTES`].
    pub const RAM_BYTES: usize = size_of::<Self>();

    /// The mean user and the image's network.
    ///
    /// # Errors
    ///
    /// [`ScopeError`], for a model that the scope doesn't fit.
    pub fn new(model: &Model<'_>) -> Result<Self, ScopeError> {
        Ok(Self {
            private: Private::mean(model),
            scope: S::new(model)?,
        })
    }

    /// The private row and bias.
    pub fn private(&self) -> &Private {
        &self.private
    }

    /// What else learns.
    pub fn scope(&self) -> &S {
        &self.scope
    }

    /// The score of the movie of `row`, before it is held to the scale, in floating point. Costs the user's half
    /// of layer 0 and a forward pass.
    pub fn score(&self, model: &Model<'_>, row: u32) -> f32 {
        let mlp = self.scope.mlp(model);
        let state = self.state(model, mlp.as_ref());
        score(model, mlp.as_ref(), &state, row)
    }

    /// The stars of the movie `id`, held to the scale.
    ///
    /// # Errors
    ///
    /// [`LookupError::UnknownMovie`].
    pub fn predict(&self, model: &Model<'_>, id: u32) -> Result<f32, LookupError> {
        let row = model.movie_row(id)?;
        Ok(model.scale().hold(self.score(model, row)))
    }

    /// One step of gradient descent for a rating of `stars` for the movie of `row`, on all that learns. Returns
    /// the score before. Costs a forward and a backward pass, a multiply-add and a hold a number that learns, and
    /// 2.5 KB of stack in models of up to 32 dimensions and 64 units, 1.5 KB in those of 8 and 32.
    pub fn step(&mut self, model: &Model<'_>, row: u32, stars: f32, options: &ScopeOptions) -> f32 {
        let mut movie = [0.0; MAX_DIM];
        model.movie_table().read(row as usize, &mut movie);
        let mut units = [[0.0; MAX_UNITS]; MAX_LAYERS];
        let mut deltas = units;
        let mut by_row = [0.0; MAX_DIM];
        let movie_row = movie.get(..model.movie_dim()).unwrap_or_default();
        let mlp = self.scope.mlp(model);
        let state = self.state(model, mlp.as_ref());
        let score = score(model, mlp.as_ref(), &state, row);
        if let Some(mlp) = &mlp {
            mlp.forward_keeping(&state.half, movie_row, &mut units);
            mlp.backward_keeping(&units, &mut deltas);
            let [first, ..] = &deltas;
            mlp.backward_to_user(first, &mut by_row);
        }
        if model.parts().dot {
            for (g, q) in by_row.iter_mut().zip(&movie) {
                *g += q;
            }
        }
        let error = hold(stars - score, -MAX_ERROR, MAX_ERROR);
        let pass = Pass {
            user: state.row.get(..model.user_dim()).unwrap_or_default(),
            movie: movie_row,
            units: &units,
            deltas: &deltas,
        };
        self.scope.descend(model, &pass, error, options.network);
        let (mean_row, mean_bias) = model.mean_row();
        let private = &mut self.private;
        private.bias = descend(private.bias, mean_bias, error, 1.0, options.row);
        for ((own, mean), g) in private.row.iter_mut().zip(mean_row).zip(&by_row) {
            *own = descend(*own, *mean, error, *g, options.row);
        }
        score
    }

    /// Starts anew from the image and learns `log`: a fold-in of row and bias, then [`ScopeOptions::passes`] of
    /// steps in the log's order. What comes out is a function of the image, the log and the options, so a rating
    /// that has left the log has left the network too.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); then nothing has changed.
    pub fn learn(
        &mut self,
        model: &Model<'_>,
        log: &[Rating],
        options: &ScopeOptions,
    ) -> Result<(), ScopeError> {
        self.scope = S::new(model)?;
        let mut fold = FoldIn::new(model);
        while !fold.advance(model, log, u32::MAX).is_done() {}
        self.private = fold.private();
        for _ in 0..options.passes {
            for rating in log {
                if let Some(row) = rating.row(model) {
                    self.step(model, row, rating.stars(), options);
                }
            }
        }
        Ok(())
    }

    fn state(&self, model: &Model<'_>, mlp: Option<&Mlp<'_>>) -> UserState {
        let mut state = UserState::EMPTY;
        model.set_row(&mut state, &self.private.row, self.private.bias);
        if let Some(mlp) = mlp {
            mlp.user_half(&state.row, &mut state.half);
        }
        state
    }
}

/// The sum of a prediction's parts, in the written order.
fn score(model: &Model<'_>, mlp: Option<&Mlp<'_>>, user: &UserState, row: u32) -> f32 {
    let parts = model.explain_with(mlp, user, row);
    let mut sum = parts.base;
    if model.parts().biases {
        sum += parts.movie_bias;
    }
    if model.parts().dot {
        sum += parts.dot;
    }
    if mlp.is_some() {
        sum += parts.mlp;
    }
    sum
}

/// The model's MLP, if its numbers are small enough that no sum of learned ones can be infinite: with four layers of
/// 64 units and a movie's row in half precision none passes 1e20.
fn learnable<'m>(model: &'m Model<'_>) -> Result<&'m Mlp<'m>, ScopeError> {
    let mlp = model.mlp().ok_or(ScopeError::NoMlp)?;
    let held = |x: &f32| *x >= -ROW_LIMIT && *x <= ROW_LIMIT;
    if tables(mlp).flatten().all(held) {
        Ok(mlp)
    } else {
        Err(ScopeError::Weight)
    }
}

/// The MLP's tables, in the order in which [`Network`] holds them.
fn tables<'m>(mlp: &'m Mlp<'_>) -> impl Iterator<Item = &'m [f32]> {
    let later = mlp.later().iter();
    [mlp.user_weights, mlp.movie_weights, mlp.bias]
        .into_iter()
        .chain(later.flat_map(|layer| [layer.weights, layer.bias]))
}

fn copy(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// A step on the weights and biases of a layer after the first.
fn dense_step(
    (weights, bias): (&mut [f32], &mut [f32]),
    image: &Dense<'_>,
    inputs: &[f32; MAX_UNITS],
    deltas: &[f32; MAX_UNITS],
    error: f32,
    options: StepOptions,
) {
    let units = image.units().max(1);
    let rows = weights.chunks_mut(units).zip(image.weights.chunks(units));
    for ((own, image), x) in rows.zip(inputs) {
        for ((w, w0), delta) in own.iter_mut().zip(image).zip(deltas) {
            *w = descend(*w, *w0, error, delta * x, options);
        }
    }
    biases_step(bias, image.bias, deltas, error, options);
}

fn biases_step(
    own: &mut [f32],
    image: &[f32],
    deltas: &[f32; MAX_UNITS],
    error: f32,
    options: StepOptions,
) {
    for ((b, b0), delta) in own.iter_mut().zip(image).zip(deltas) {
        *b = descend(*b, *b0, error, *delta, options);
    }
}
