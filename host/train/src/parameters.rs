//! What training learns, in the plainest form: tables, biases and dense layers as `f32`.

use super::options::{ModelKind, Options};
use super::random::{Random, Stream};

/// A dense layer: `output[k] = bias[k] + sum over j of input[j] * weight[j][k]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Numbers in.
    pub inputs: usize,
    /// Numbers out.
    pub outputs: usize,
    /// `inputs * outputs` weights, row by row: all outputs of input 0 first, as in Keras.
    pub weight: Vec<f32>,
    /// `outputs` biases.
    pub bias: Vec<f32>,
}

/// The parameters of a model of any kind. Parts that the kind lacks are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Which parts there are.
    pub model: ModelKind,
    /// Mean of the training ratings, in stars: what a prediction starts from.
    pub mean: f32,
    /// The lowest and highest rating; predictions are clamped to them.
    pub scale: (f32, f32),
    /// Number of user rows.
    pub users: usize,
    /// Number of movie rows.
    pub movies: usize,
    /// Numbers a user row.
    pub user_dim: usize,
    /// Numbers a movie row.
    pub movie_dim: usize,
    /// `users * user_dim` numbers, row by row.
    pub user_embedding: Vec<f32>,
    /// `movies * movie_dim` numbers, row by row.
    pub movie_embedding: Vec<f32>,
    /// A number a user, or empty.
    pub user_bias: Vec<f32>,
    /// A number a movie, or empty.
    pub movie_bias: Vec<f32>,
    /// Dense layers from `[p_u ; q_m]` to one number; relu after each but the last. Or empty.
    pub layers: Vec<Layer>,
}

impl Parameters {
    /// Initial values, as Keras draws them: tables even in ±0.05, weights even in ±sqrt(6 /
    /// (inputs + outputs)) (Glorot and Bengio 2010), biases zero.
    pub fn initial(options: &Options, users: usize, movies: usize, mean: f32) -> Self {
        let table = |stream, length: usize| {
            let random = Random::new(options.seed, stream, 0);
            (0..length as u64)
                .map(|position| random.symmetric(position, 0.05))
                .collect::<Vec<_>>()
        };
        let biases = |rows: usize| vec![0.0; if options.model.has_biases() { rows } else { 0 }];
        let mut layers = Vec::new();
        if options.model.has_network() {
            let mut inputs = options.user_dim + options.movie_dim;
            for (index, outputs) in options.hidden.iter().copied().chain([1]).enumerate() {
                let random = Random::new(options.seed, Stream::Layers, index as u64);
                let bound = (6.0 / (inputs + outputs) as f32).sqrt();
                layers.push(Layer {
                    inputs,
                    outputs,
                    weight: (0..(inputs * outputs) as u64)
                        .map(|position| random.symmetric(position, bound))
                        .collect(),
                    bias: vec![0.0; outputs],
                });
                inputs = outputs;
            }
        }
        Self {
            model: options.model,
            mean,
            scale: options.scale,
            users,
            movies,
            user_dim: options.user_dim,
            movie_dim: options.movie_dim,
            user_embedding: table(Stream::UserTable, users * options.user_dim),
            movie_embedding: table(Stream::MovieTable, movies * options.movie_dim),
            user_bias: biases(users),
            movie_bias: biases(movies),
            layers,
        }
    }

    /// How many numbers are learned.
    pub fn count(&self) -> usize {
        self.tables().into_iter().map(<[f32]>::len).sum()
    }

    /// All numbers that are learned: embeddings, biases, then each layer's weights and biases.
    pub fn tables(&self) -> Vec<&[f32]> {
        let layers = self.layers.iter();
        let tables = [
            &self.user_embedding[..],
            &self.movie_embedding,
            &self.user_bias,
            &self.movie_bias,
        ];
        let layers = layers.flat_map(|layer| [&layer.weight[..], &layer.bias]);
        tables.into_iter().chain(layers).collect()
    }

    /// As [`tables`](Self::tables), to be written to.
    pub fn tables_mut(&mut self) -> Vec<&mut [f32]> {
        let layers = self.layers.iter_mut();
        let tables = [
            &mut self.user_embedding[..],
            &mut self.movie_embedding,
            &mut self.user_bias,
            &mut self.movie_bias,
        ];
        let layers = layers.flat_map(|layer| [&mut layer.weight[..], &mut layer.bias]);
        tables.into_iter().chain(layers).collect()
    }

    /// A user's row.
    ///
    /// # Panics
    /// When there is no such row; the same holds for the next ones.
    pub fn user_row(&self, user: usize) -> &[f32] {
        &self.user_embedding[user * self.user_dim..][..self.user_dim]
    }

    /// A movie's row.
    pub fn movie_row(&self, movie: usize) -> &[f32] {
        &self.movie_embedding[movie * self.movie_dim..][..self.movie_dim]
    }

    /// What a user gives on the whole, in stars: the mean of all ratings and the user's bias.
    pub fn user_mean(&self, user: usize) -> f32 {
        match self.model.has_biases() {
            true => self.mean + self.user_bias[user],
            false => self.mean,
        }
    }

    /// The prediction in stars before clamping, in the order of operations of a device:
    /// `((mean + b_u) + b_m) + <p_u, q_m>) + MLP([p_u ; q_m])`, each sum from first to last.
    pub fn raw(&self, user: usize, movie: usize) -> f32 {
        let (p, q) = (self.user_row(user), self.movie_row(movie));
        let mut rating = self.user_mean(user);
        if self.model.has_biases() {
            rating += self.movie_bias[movie];
        }
        if self.model.has_dot() {
            let mut dot = 0.0;
            for (a, b) in p.iter().zip(q) {
                dot += a * b;
            }
            rating += dot;
        }
        if !self.layers.is_empty() {
            let mut input: Vec<f32> = p.iter().chain(q).copied().collect();
            let last = self.layers.len() - 1;
            for (index, layer) in self.layers.iter().enumerate() {
                let mut output = layer.bias.clone();
                for (value, weights) in input.iter().zip(layer.weight.chunks_exact(layer.outputs)) {
                    for (sum, weight) in output.iter_mut().zip(weights) {
                        *sum += value * weight;
                    }
                }
                if index < last {
                    for value in &mut output {
                        *value = if *value > 0.0 { *value } else { 0.0 };
                    }
                }
                input = output;
            }
            rating += input[0];
        }
        rating
    }

    /// The prediction in stars, clamped to the rating scale.
    pub fn predict(&self, user: usize, movie: usize) -> f32 {
        clamp(self.raw(user, movie), self.scale)
    }
}

/// `value` within `low..=high`, by compare and select as on a device.
pub fn clamp(value: f32, (low, high): (f32, f32)) -> f32 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lessons_network_has_the_lessons_number_of_parameters() {
        let p = Parameters::initial(&Options::default(), 671, 9066, 3.5);
        assert_eq!(
            p.count(),
            671 * 8 + 9066 * 8 + (16 * 32 + 32) + (32 * 4 + 4) + (4 + 1)
        );
        assert!(p.user_bias.is_empty());
    }

    #[test]
    fn a_prediction_adds_the_parts_that_its_kind_has() {
        for model in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
            let options = Options {
                model,
                user_dim: 2,
                movie_dim: 2,
                hidden: vec![2],
                ..Options::default()
            };
            let mut p = Parameters::initial(&options, 1, 1, 3.0);
            p.user_embedding = vec![0.5, -1.0];
            p.movie_embedding = vec![2.0, 0.25];
            if model.has_biases() {
                p.user_bias = vec![0.125];
                p.movie_bias = vec![-0.5];
            }
            if model.has_network() {
                p.layers[0].weight = vec![1.0, -1.0, 1.0, -1.0, 0.5, -0.5, 1.0, -1.0];
                p.layers[0].bias = vec![0.25, 0.25];
                p.layers[1].weight = vec![0.5, 64.0];
            }
            // dot = 1 - 0.25; hidden = relu(0.75 + 0.25), relu(-0.75 + 0.25); network = 0.5.
            let expected = match model {
                ModelKind::Mlp => 3.5,
                ModelKind::Mf => 3.0 - 0.375 + 0.75,
                ModelKind::Hybrid => 3.5 - 0.375 + 0.75,
            };
            assert_eq!(p.raw(0, 0), expected);
            p.scale = (0.5, 3.25);
            assert_eq!(p.predict(0, 0), 3.25);
        }
    }
}
