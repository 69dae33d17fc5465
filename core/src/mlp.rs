//! The multilayer perceptron: dense layers over scratch of the caller's.
//!
//! Layer 0 takes a user's row and a movie's, concatenated. Its user half is computed once a user; a movie then
//! costs only its own half. Order of operations, for unit j of layer 0 and then of each later layer:
//!
//! ```text
//! a  = bias[j];  a += Wu[j][i] * p[i]  for i = 0, 1, …      the user half
//!                a += Wm[j][i] * q[i]  for i = 0, 1, …
//! h[j] = activation(a)
//!
//! a  = bias[k];  a += h[j] * W[j][k]   for j = 0, 1, …
//! ```

use crate::numeric::activation::Activation;
use crate::numeric::dot::dot_from;
use crate::numeric::unroll::each;
use crate::numeric::walk::rows;
use crate::{MAX_LAYERS, MAX_UNITS};

/// A dense layer after the first.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    /// Weights, \[inputs\]\[units\].
    pub weights: &'a [f32],
    /// Biases, \[units\].
    pub bias: &'a [f32],
    /// Activation.
    pub activation: Activation,
}

impl Dense<'_> {
    /// A layer of nothing, to fill arrays with.
    pub(crate) const EMPTY: Self = Self {
        weights: &[],
        bias: &[],
        activation: Activation::Linear,
    };

    /// Units of the layer.
    pub fn units(&self) -> usize {
        self.bias.len()
    }
}

/// The network: layer 0 in two halves, then up to three dense layers; the last one has one unit.
#[derive(Clone, Copy, Debug)]
pub struct Mlp<'a> {
    pub(crate) user_weights: &'a [f32],
    pub(crate) movie_weights: &'a [f32],
    pub(crate) user_dim: usize,
    pub(crate) movie_dim: usize,
    pub(crate) bias: &'a [f32],
    pub(crate) activation: Activation,
    pub(crate) later: [Dense<'a>; MAX_LAYERS - 1],
    pub(crate) layers: usize,
}

/// The values of every layer's units in one forward pass: what a backward pass needs.
pub type Activations = [[f32; MAX_UNITS]; MAX_LAYERS];

impl<'a> Mlp<'a> {
    /// Dense layers, the output layer included.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// Units of layer 0.
    pub fn units(&self) -> usize {
        self.bias.len()
    }

    /// The dense layers after the first.
    pub fn later(&self) -> &[Dense<'a>] {
        self.later
            .get(..self.layers.saturating_sub(1))
            .unwrap_or_default()
    }

    /// The user's half of layer 0, before its activation, for the row `user`. Costs units x user dimensions
    /// multiply-adds, once a user.
    pub fn user_half(&self, user: &[f32], half: &mut [f32; MAX_UNITS]) {
        let rows = rows(self.user_weights, self.user_dim);
        for ((a, bias), weights) in half.iter_mut().zip(self.bias).zip(rows) {
            *a = dot_from(*bias, weights, user);
        }
    }

    /// The network's output for the movie row `movie` and a user whose half is `half`. The plain form, and the
    /// oracle of every faster one.
    pub fn forward(&self, half: &[f32; MAX_UNITS], movie: &[f32]) -> f32 {
        let mut scratch = [0.0; MAX_UNITS];
        let mut next = [0.0; MAX_UNITS];
        self.first(half, movie, &mut scratch);
        for layer in self.later() {
            dense(layer, &scratch, &mut next);
            scratch = next;
        }
        let [output, ..] = scratch;
        output
    }

    /// As [`forward`](Self::forward), with the values of every layer's units kept.
    pub fn forward_keeping(
        &self,
        half: &[f32; MAX_UNITS],
        movie: &[f32],
        kept: &mut Activations,
    ) -> f32 {
        let [first, later @ ..] = kept;
        self.first(half, movie, first);
        let mut input: &[f32; MAX_UNITS] = first;
        for (layer, output) in self.later().iter().zip(later) {
            dense(layer, input, output);
            input = output;
        }
        let [output, ..] = *input;
        output
    }

    fn first(&self, half: &[f32; MAX_UNITS], movie: &[f32], out: &mut [f32; MAX_UNITS]) {
        let rows = rows(self.movie_weights, self.movie_dim);
        for ((unit, start), weights) in out.iter_mut().zip(half).zip(rows) {
            *unit = self.activation.apply(dot_from(*start, weights, movie));
        }
    }

    /// Adds the gradient of the network's output by the user's row, times `factor`, to `gradient`, after a
    /// forward pass whose units are `kept`. A relu's derivative at 0 is 0.
    pub fn backward_user(&self, kept: &Activations, factor: f32, gradient: &mut [f32]) {
        let mut delta = [0.0; MAX_UNITS];
        let mut previous = [0.0; MAX_UNITS];
        let [first, ..] = &mut delta;
        *first = factor;
        let later = self.later();
        for at in (0..later.len()).rev() {
            let Some(layer) = later.get(at) else {
                return;
            };
            let (Some(units), Some(inputs)) = (kept.get(at.wrapping_add(1)), kept.get(at)) else {
                return;
            };
            through(layer.activation, units, &mut delta);
            let rows = rows(layer.weights, layer.units());
            for ((back, row), _) in previous.iter_mut().zip(rows).zip(inputs) {
                *back = dot_from(0.0, row, &delta);
            }
            delta = previous;
        }
        let [units, ..] = kept;
        through(self.activation, units, &mut delta);
        self.backward_to_user(&delta, gradient);
    }

    /// The derivative of the network's output by each unit of each layer before its activation, after a forward
    /// pass whose units are `kept`; behind a layer's units there is nothing of use. A relu's derivative at 0 is 0.
    pub fn backward_keeping(&self, kept: &Activations, deltas: &mut Activations) {
        let mut delta = [0.0; MAX_UNITS];
        let [first, ..] = &mut delta;
        *first = 1.0;
        let later = self.later();
        for at in (0..later.len()).rev() {
            let Some(layer) = later.get(at) else {
                return;
            };
            let (Some(units), Some(place)) = (
                kept.get(at.wrapping_add(1)),
                deltas.get_mut(at.wrapping_add(1)),
            ) else {
                return;
            };
            through(layer.activation, units, &mut delta);
            *place = delta;
            delta = [0.0; MAX_UNITS];
            let rows = rows(layer.weights, layer.units());
            for (back, row) in delta.iter_mut().zip(rows) {
                *back = dot_from(0.0, row, place);
            }
        }
        let ([units, ..], [place, ..]) = (kept, deltas);
        through(self.activation, units, &mut delta);
        *place = delta;
    }

    /// Adds the gradient of the network's output by the user's row to `gradient`, from the derivatives `delta` by
    /// the units of layer 0.
    pub fn backward_to_user(&self, delta: &[f32; MAX_UNITS], gradient: &mut [f32]) {
        let rows = rows(self.user_weights, self.user_dim);
        for ((d, row), _) in delta.iter().zip(rows).zip(self.bias) {
            each(gradient, row, |g, w| *g += d * w);
        }
    }
}

/// One dense layer: `out[k] = activation(bias[k] + Σ_j in[j] W[j][k])`, the sum in the order of j.
fn dense(layer: &Dense<'_>, input: &[f32; MAX_UNITS], out: &mut [f32; MAX_UNITS]) {
    for (a, bias) in out.iter_mut().zip(layer.bias) {
        *a = *bias;
    }
    let units = layer.units();
    for (x, weights) in input.iter().zip(rows(layer.weights, units)) {
        each(out, weights, |a, w| *a += x * w);
    }
    for a in out.iter_mut().take(units) {
        *a = layer.activation.apply(*a);
    }
}

/// Takes `delta` back through an activation whose outputs are `units`.
fn through(activation: Activation, units: &[f32; MAX_UNITS], delta: &mut [f32; MAX_UNITS]) {
    match activation {
        Activation::Linear => {}
        Activation::Relu => {
            each(delta, units, |d, unit| {
                if *unit <= 0.0 {
                    *d = 0.0;
                }
            });
        }
    }
}
