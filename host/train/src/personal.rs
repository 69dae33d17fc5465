//! Whether a model tells people apart.

use super::parameters::Parameters;

/// Users and movies that are looked at, at most.
const LOOKED_AT: usize = 64;
/// Two users whose predictions rank movies alike differ by no more than this, in stars, beyond what one gives to all.
const ALIKE: f32 = 1e-3;

impl Parameters {
    /// Whether some users' predictions rank movies in another way than others'. Of one user alone it can't be told.
    pub fn are_personal(&self) -> bool {
        let some = |count: usize| (0..count).step_by(count.div_ceil(LOOKED_AT).max(1));
        let (users, movies): (Vec<usize>, Vec<usize>) =
            (some(self.users).collect(), some(self.movies).collect());
        let (Some((&first, users)), Some((&one, movies))) =
            (users.split_first(), movies.split_first())
        else {
            return true;
        };
        let beyond = |user: usize, movie: usize| {
            (self.raw(user, movie) - self.raw(user, one))
                - (self.raw(first, movie) - self.raw(first, one))
        };
        let differs = |user: &usize| {
            movies
                .iter()
                .any(|&movie| beyond(*user, movie).abs() > ALIKE)
        };
        users.is_empty() || movies.is_empty() || users.iter().any(differs)
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::{ModelKind, Options};
    use super::*;

    #[test]
    fn a_model_whose_users_rank_movies_alike_is_not_personal() {
        for model in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
            let options = Options {
                model,
                ..Options::default()
            };
            let mut p = Parameters::initial(&options, 200, 150, 3.0);
            p.user_embedding.iter_mut().for_each(|x| *x *= 20.0);
            p.movie_embedding.iter_mut().for_each(|x| *x *= 20.0);
            assert!(p.are_personal(), "{model:?}");
            let mut dead = p.clone();
            if let Some((_, hidden)) = dead.layers.split_last_mut() {
                // No unit of a hidden layer ever wakes.
                hidden.iter_mut().for_each(|layer| layer.bias.fill(-1e6));
            }
            // Users differ by their biases alone.
            let row = p.user_row(3).to_vec();
            for user in dead.user_embedding.chunks_exact_mut(row.len()) {
                user.copy_from_slice(&row);
            }
            for (at, bias) in dead.user_bias.iter_mut().enumerate() {
                *bias = at as f32 * 0.01;
            }
            assert!(!dead.are_personal(), "{model:?}");
        }
        let one = Parameters::initial(&Options::default(), 1, 150, 3.0);
        assert!(one.are_personal());
    }
}
