//! Predictions of many users and movies at a time, to the bits of one at a time.
//!
//! [`LANES`] of them go through the layers side by side. Each sum keeps its order and no product is fused with it, so
//! wider vectors make it quicker and change no bit.

use pocketrec_base::threads::share;

use super::parameters::Parameters;

/// Predictions that go through a network side by side.
const LANES: usize = 16;

type Lanes = [f32; LANES];

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

    /// [`raw`](Self::raw) of each of some users for each of some movies, user by user, on all cores.
    ///
    /// # Panics
    /// When a row isn't there.
    pub fn raw_grid(&self, users: &[usize], movies: &[usize], threads: usize) -> Vec<f32> {
        /// Users that a thread takes at a time.
        const PART: usize = 32;
        if users.is_empty() || movies.is_empty() {
            return Vec::new();
        }
        let mut out = vec![0.0; users.len() * movies.len()];
        let is_product = self.model.has_dot() && self.layers.is_empty();
        // The movies' rows beside each other, once for all users.
        let groups: Vec<Vec<Lanes>> = match is_product {
            true => movies.chunks(LANES).map(|some| self.beside(some)).collect(),
            false => Vec::new(),
        };
        let parts = users
            .chunks(PART)
            .zip(out.chunks_mut(PART * movies.len()))
            .collect::<Vec<_>>();
        share(
            threads,
            parts,
            || (),
            |(), (users, out)| {
                let rows = users.iter().zip(out.chunks_exact_mut(movies.len()));
                if !is_product {
                    for (&user, out) in rows {
                        self.raw_many(movies.iter().map(|&movie| (user, movie)), out);
                    }
                    return;
                }
                let mut rows: Vec<_> = rows.collect();
                for ((at, movies), group) in
                    (0..).step_by(LANES).zip(movies.chunks(LANES)).zip(&groups)
                {
                    for (user, out) in &mut rows {
                        let products = dots(self.user_row(**user), group);
                        for ((out, &movie), product) in
                            out[at..].iter_mut().zip(movies).zip(products)
                        {
                            let mut rating = self.mean;
                            if self.model.has_biases() {
                                rating += self.user_bias[**user];
                                rating += self.movie_bias[movie];
                            }
                            *out = rating + product;
                        }
                    }
                }
            },
        );
        out
    }

    /// The rows of up to [`LANES`] movies beside each other, zeros where there are none.
    fn beside(&self, movies: &[usize]) -> Vec<Lanes> {
        let mut beside = vec![[0.0; LANES]; self.movie_dim];
        for (lane, &movie) in movies.iter().enumerate() {
            for (lanes, value) in beside.iter_mut().zip(self.movie_row(movie)) {
                lanes[lane] = *value;
            }
        }
        beside
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

/// The products of a row with each of those that lie beside each other, each sum from first to last.
fn dots(row: &[f32], beside: &[Lanes]) -> Lanes {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: this machine has the instructions.
        return unsafe { wide_dots(row, beside) };
    }
    plain_dots(row, beside)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn wide_dots(row: &[f32], beside: &[Lanes]) -> Lanes {
    plain_dots(row, beside)
}

#[inline(always)]
fn plain_dots(row: &[f32], beside: &[Lanes]) -> Lanes {
    let mut sums = [0.0; LANES];
    for (a, lanes) in row.iter().zip(beside) {
        for (sum, b) in sums.iter_mut().zip(lanes) {
            *sum += a * b;
        }
    }
    sums
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
                let (users, movies) = ([2, 0, 1], (0..37).rev().collect::<Vec<_>>());
                let each = users
                    .iter()
                    .flat_map(|&u| movies.iter().map(move |&m| (u, m)));
                let each: Vec<u32> = each.map(|(u, m)| p.raw(u, m).to_bits()).collect();
                for threads in [1, 3] {
                    let grid = p.raw_grid(&users, &movies, threads);
                    assert!(grid.iter().map(|x| x.to_bits()).eq(each.iter().copied()));
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
