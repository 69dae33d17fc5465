//! The plain trainer: one rating and one number at a time, gradients summed in f64. It is the
//! oracle of every fast kernel, so it stays as simple as the mathematics.

use super::adam;
use super::options::Optimiser;
use super::parameters::{Layer, Parameters};
use super::sample::Sample;
use pocketrec_metrics::Errors;

/// Sums of a batch's errors and penalties, before the step that it causes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Of the errors.
    pub errors: Errors,
    /// Of the L2 penalties.
    pub penalty: f64,
}

/// The gradient of a batch's mean loss, shaped as the parameters are.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    /// As the user table.
    pub user_embedding: Vec<f64>,
    /// As the movie table.
    pub movie_embedding: Vec<f64>,
    /// As the user biases.
    pub user_bias: Vec<f64>,
    /// As the movie biases.
    pub movie_bias: Vec<f64>,
    /// Weights and biases of each layer.
    pub layers: Vec<(Vec<f64>, Vec<f64>)>,
    /// User rows that the batch touches, each once.
    pub users: Vec<u32>,
    /// Movie rows that the batch touches, each once.
    pub movies: Vec<u32>,
}

impl Gradients {
    /// Zeros for parameters of that shape.
    pub fn zero(parameters: &Parameters) -> Self {
        Self {
            user_embedding: vec![0.0; parameters.user_embedding.len()],
            movie_embedding: vec![0.0; parameters.movie_embedding.len()],
            user_bias: vec![0.0; parameters.user_bias.len()],
            movie_bias: vec![0.0; parameters.movie_bias.len()],
            layers: parameters
                .layers
                .iter()
                .map(|layer| (vec![0.0; layer.weight.len()], vec![0.0; layer.bias.len()]))
                .collect(),
            users: Vec::new(),
            movies: Vec::new(),
        }
    }

    fn clear(&mut self, parameters: &Parameters) {
        let (p, q) = (parameters.user_dim, parameters.movie_dim);
        for user in self.users.drain(..) {
            self.user_embedding[user as usize * p..][..p].fill(0.0);
            if let Some(bias) = self.user_bias.get_mut(user as usize) {
                *bias = 0.0;
            }
        }
        for movie in self.movies.drain(..) {
            self.movie_embedding[movie as usize * q..][..q].fill(0.0);
            if let Some(bias) = self.movie_bias.get_mut(movie as usize) {
                *bias = 0.0;
            }
        }
        for (weight, bias) in &mut self.layers {
            weight.fill(0.0);
            bias.fill(0.0);
        }
    }
}

/// Every layer's input and, last, the network's output.
fn forward(layers: &[Layer], input: Vec<f64>) -> Vec<Vec<f64>> {
    let mut values = vec![input];
    for (index, layer) in layers.iter().enumerate() {
        let input = &values[index];
        let mut output: Vec<f64> = layer.bias.iter().copied().map(f64::from).collect();
        for (value, weights) in input.iter().zip(layer.weight.chunks_exact(layer.outputs)) {
            for (sum, weight) in output.iter_mut().zip(weights) {
                *sum += value * f64::from(*weight);
            }
        }
        if index + 1 < layers.len() {
            output.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        values.push(output);
    }
    values
}

/// Fills `gradients` (cleared first) with those of the mean loss over `batch`, and returns the
/// sums of its errors. Costs a forward and a backward pass a rating and no pass over a table.
pub fn gradients(
    parameters: &Parameters,
    batch: &[Sample],
    l2: f32,
    gradients: &mut Gradients,
) -> Loss {
    gradients.clear(parameters);
    let share = 1.0 / batch.len() as f64;
    let l2 = f64::from(l2);
    let mut sums = Loss::default();
    for sample in batch {
        let (user, movie) = (sample.user as usize, sample.movie as usize);
        let wide = |row: &[f32]| row.iter().copied().map(f64::from).collect::<Vec<_>>();
        let p = wide(parameters.user_row(user));
        let q = wide(parameters.movie_row(movie));
        let mut predicted = f64::from(parameters.mean);
        let mut penalty: f64 = p.iter().chain(&q).map(|value| value * value).sum();
        if parameters.model.has_biases() {
            let biases = [parameters.user_bias[user], parameters.movie_bias[movie]].map(f64::from);
            predicted += biases[0] + biases[1];
            penalty += biases[0] * biases[0] + biases[1] * biases[1];
        }
        if parameters.model.has_dot() {
            predicted += p.iter().zip(&q).map(|(a, b)| a * b).sum::<f64>();
        }
        let values = forward(&parameters.layers, [p.as_slice(), &q].concat());
        if parameters.model.has_network() {
            predicted += values.last().map_or(0.0, |output| output[0]);
        }
        let error = predicted - f64::from(sample.stars);
        sums.errors.add(predicted, sample.stars);
        sums.penalty += l2 * penalty;

        let slope = 2.0 * error * share;
        let shrink = 2.0 * l2 * share;
        let mut back = vec![slope];
        for (index, layer) in parameters.layers.iter().enumerate().rev() {
            let (weight, bias) = &mut gradients.layers[index];
            for (sum, value) in bias.iter_mut().zip(&back) {
                *sum += value;
            }
            let mut next = vec![0.0; layer.inputs];
            for (j, input) in values[index].iter().enumerate() {
                for (k, value) in back.iter().enumerate() {
                    weight[j * layer.outputs + k] += input * value;
                    next[j] += f64::from(layer.weight[j * layer.outputs + k]) * value;
                }
                // The derivative of relu, whose output this layer's input is.
                if index > 0 && *input <= 0.0 {
                    next[j] = 0.0;
                }
            }
            back = next;
        }
        if !parameters.model.has_network() {
            back = vec![0.0; p.len() + q.len()];
        }
        let (mut back_p, mut back_q) = (back[..p.len()].to_vec(), back[p.len()..].to_vec());
        if parameters.model.has_dot() {
            for i in 0..p.len() {
                back_p[i] += slope * q[i];
                back_q[i] += slope * p[i];
            }
        }
        gradients.users.push(sample.user);
        gradients.movies.push(sample.movie);
        let user_sums = &mut gradients.user_embedding[user * p.len()..][..p.len()];
        for ((sum, value), weight) in user_sums.iter_mut().zip(back_p).zip(&p) {
            *sum += value + shrink * weight;
        }
        let movie_sums = &mut gradients.movie_embedding[movie * q.len()..][..q.len()];
        for ((sum, value), weight) in movie_sums.iter_mut().zip(back_q).zip(&q) {
            *sum += value + shrink * weight;
        }
        if parameters.model.has_biases() {
            gradients.user_bias[user] += slope + shrink * f64::from(parameters.user_bias[user]);
            gradients.movie_bias[movie] += slope + shrink * f64::from(parameters.movie_bias[movie]);
        }
    }
    for rows in [&mut gradients.users, &mut gradients.movies] {
        rows.sort_unstable();
        rows.dedup();
    }
    sums
}

/// A table, its moments and the step that last touched each row.
#[derive(Clone, Debug)]
struct Rows {
    width: usize,
    m: Vec<f32>,
    v: Vec<f32>,
    last: Vec<u64>,
}

/// What a step needs to know about Adam.
#[derive(Clone, Copy)]
struct Step {
    number: u64,
    size: f32,
    optimiser: Optimiser,
}

impl Rows {
    fn new(values: &[f32], rows: usize) -> Self {
        Self {
            width: values.len().checked_div(rows).unwrap_or(0),
            m: vec![0.0; values.len()],
            v: vec![0.0; values.len()],
            last: vec![0; rows],
        }
    }

    fn step(&mut self, values: &mut [f32], gradients: &[f64], touched: &[u32], step: Step) {
        if self.width == 0 {
            return;
        }
        if step.optimiser == Optimiser::Dense {
            for row in 0..self.last.len() {
                self.row(values, gradients, row, step.size);
            }
            return;
        }
        for row in touched.iter().map(|row| *row as usize) {
            if step.optimiser == Optimiser::Decayed {
                let slept = step.number - 1 - self.last[row];
                let decay_m = adam::power(adam::BETA_1, slept) as f32;
                let decay_v = adam::power(adam::BETA_2, slept) as f32;
                let at = row * self.width..(row + 1) * self.width;
                self.m[at.clone()].iter_mut().for_each(|m| *m *= decay_m);
                self.v[at].iter_mut().for_each(|v| *v *= decay_v);
            }
            self.last[row] = step.number;
            self.row(values, gradients, row, step.size);
        }
    }

    fn row(&mut self, values: &mut [f32], gradients: &[f64], row: usize, size: f32) {
        for at in row * self.width..(row + 1) * self.width {
            adam::update(
                &mut values[at],
                &mut self.m[at],
                &mut self.v[at],
                gradients[at] as f32,
                size,
            );
        }
    }
}

/// Parameters in training, with their moments.
#[derive(Clone, Debug)]
pub struct Plain {
    parameters: Parameters,
    optimiser: Optimiser,
    l2: f32,
    gradients: Gradients,
    /// Steps done.
    step: u64,
    tables: [Rows; 4],
    layers: Vec<[Rows; 2]>,
}

impl Plain {
    /// Starts from `parameters` with zero moments.
    pub fn new(parameters: Parameters, optimiser: Optimiser, l2: f32) -> Self {
        let (users, movies) = (parameters.users, parameters.movies);
        let tables = [
            Rows::new(&parameters.user_embedding, users),
            Rows::new(&parameters.movie_embedding, movies),
            Rows::new(&parameters.user_bias, users),
            Rows::new(&parameters.movie_bias, movies),
        ];
        let layers = parameters
            .layers
            .iter()
            .map(|layer| [Rows::new(&layer.weight, 1), Rows::new(&layer.bias, 1)])
            .collect();
        Self {
            gradients: Gradients::zero(&parameters),
            parameters,
            optimiser,
            l2,
            step: 0,
            tables,
            layers,
        }
    }

    /// One step on one batch at the given learning rates.
    pub fn step(&mut self, batch: &[Sample], rate: f32, table_rate: f32) -> Loss {
        let errors = gradients(&self.parameters, batch, self.l2, &mut self.gradients);
        self.step += 1;
        let step = Step {
            number: self.step,
            size: adam::step_size(table_rate, self.step),
            optimiser: self.optimiser,
        };
        let (p, g) = (&mut self.parameters, &self.gradients);
        let [user_rows, movie_rows, user_biases, movie_biases] = &mut self.tables;
        user_rows.step(&mut p.user_embedding, &g.user_embedding, &g.users, step);
        movie_rows.step(&mut p.movie_embedding, &g.movie_embedding, &g.movies, step);
        user_biases.step(&mut p.user_bias, &g.user_bias, &g.users, step);
        movie_biases.step(&mut p.movie_bias, &g.movie_bias, &g.movies, step);
        let step = Step {
            size: adam::step_size(rate, self.step),
            optimiser: Optimiser::Dense,
            ..step
        };
        for ((layer, rows), (weight, bias)) in
            p.layers.iter_mut().zip(&mut self.layers).zip(&g.layers)
        {
            rows[0].step(&mut layer.weight, weight, &[], step);
            rows[1].step(&mut layer.bias, bias, &[], step);
        }
        errors
    }

    /// The parameters as they are now.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

#[cfg(test)]
#[path = "plain_tests.rs"]
mod tests;
