//! Predictions of many users and movies at a time, to the bits of one at a time.
//!
//! [`LANES`] of them go through the layers side by side. Each sum keeps its order and no product is fused with it, so
//! wider vectors make it quicker and change no bit.

use super::parameters::Parameters;

/// Predictions that go through a network side by side.
const LANES: usize = 16;

impl Parameters {
    /// [`raw`](Self::raw) of each pair of a user and a movie.
    ///
    /// # Panics
    /// When `out` isn't as long as there are pairs, or a row isn't there.
    pub fn raw_many(&self, pairs: impl ExactSizeIterator<Item = (usize, usize)>, out: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: this machine has the instructions.
            unsafe { self.wide(pairs, out) };
            return;
        }
        self.plain(pairs, out);
    }

    /// [`raw_many`](Self::raw_many) of a user and every movie.
    pub fn raw_list(&self, user: usize, out: &mut [f32]) {
        self.raw_many((0..out.len()).map(|movie| (user, movie)), out);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn wide(&self, pairs: impl ExactSizeIterator<Item = (usize, usize)>, out: &mut [f32]) {
        self.plain(pairs, out);
    }

    #[inline(always)]
    fn plain(&self, mut pairs: impl ExactSizeIterator<Item = (usize, usize)>, out: &mut [f32]) {
        assert_eq!(pairs.len(), out.len(), "a place for each pair");
        let inputs = self.user_dim + self.movie_dim;
        let (mut input, mut output) = (vec![[0.0; LANES]; inputs], Vec::new());
        for out in out.chunks_mut(LANES) {
            let mut ratings = [self.mean; LANES];
            input.resize(inputs, [0.0; LANES]);
            for (lane, (user, movie)) in pairs.by_ref().take(out.len()).enumerate() {
                let (p, q) = (self.user_row(user), self.movie_row(movie));
                for (lanes, value) in input.iter_mut().zip(p.iter().chain(q)) {
                    lanes[lane] = *value;
                }
                if self.model.has_biases() {
                    ratings[lane] += self.user_bias[user];
                    ratings[lane] += self.movie_bias[movie];
                }
            }
            if self.model.has_dot() {
                let (p, q) = input.split_at(self.user_dim);
                let mut dot = [0.0; LANES];
                for (a, b) in p.iter().zip(q) {
                    for ((sum, a), b) in dot.iter_mut().zip(a).zip(b) {
                        *sum += a * b;
                    }
                }
                for (rating, dot) in ratings.iter_mut().zip(&dot) {
                    *rating += dot;
                }
            }
            for (index, layer) in self.layers.iter().enumerate() {
                output.clear();
                for unit in 0..layer.outputs {
                    let mut sums = [layer.bias[unit]; LANES];
                    let weights = layer.weight[unit..].iter().step_by(layer.outputs);
                    for (lanes, weight) in input.iter().zip(weights) {
                        for (sum, value) in sums.iter_mut().zip(lanes) {
                            *sum += value * weight;
                        }
                    }
                    if index + 1 < self.layers.len() {
                        sums = sums.map(|sum| if sum > 0.0 { sum } else { 0.0 });
                    }
                    output.push(sums);
                }
                std::mem::swap(&mut input, &mut output);
            }
            if !self.layers.is_empty() {
                for (rating, network) in ratings.iter_mut().zip(&input[0]) {
                    *rating += network;
                }
            }
            out.copy_from_slice(&ratings[..out.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::{ModelKind, Options};
    use super::super::random::{Random, Stream};
    use super::*;

    #[test]
    fn many_predictions_have_the_bits_of_each() {
        for model in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
            for hidden in [vec![], vec![7], vec![32, 4]] {
                let options = Options {
                    model,
                    user_dim: 5,
                    movie_dim: 5,
                    hidden,
                    ..Options::default()
                };
                let mut p = Parameters::initial(&options, 3, 37, 3.0);
                let random = Random::new(1, Stream::UserTable, 9);
                let biases = p.user_bias.iter_mut().chain(&mut p.movie_bias);
                let layers = p.layers.iter_mut().flat_map(|layer| &mut layer.bias);
                for (i, bias) in (0..).zip(biases.chain(layers)) {
                    *bias = random.symmetric(i, 1.0);
                }
                for user in 0..3 {
                    let mut out = vec![0.0; 37];
                    p.raw_list(user, &mut out);
                    let due: Vec<f32> = (0..37).map(|movie| p.raw(user, movie)).collect();
                    assert_eq!(out, due, "{options:?}");
                    p.plain((0..37).map(|movie| (user, movie)), &mut out);
                    assert_eq!(out, due, "{options:?}");
                }
            }
        }
    }
}
