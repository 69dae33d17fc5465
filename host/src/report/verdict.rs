//! Whether a model is worth anything: its errors beside those of each movie's mean, and whether its lists depend on the
//! person.

use crate::print::grouped;
use pocketrec_data::{Ratings, Split};
use pocketrec_metrics::baselines::Baselines;
use pocketrec_train::checkpoint::Validation;
use pocketrec_train::interest::Interest;
use pocketrec_train::{Parameters, validate};

/// Users and movies that are looked at, at most.
const LOOKED_AT: usize = 64;
/// Two users whose predictions rank movies alike differ by no more than this, in stars, beyond what one gives to all.
const ALIKE: f32 = 1e-3;

/// How good a model is; nothing where no rating was held out.
pub fn of(
    parameters: &Parameters,
    ratings: &Ratings,
    split: &Split,
    baselines: &Baselines,
    interest: &Option<Interest>,
) -> Option<Validation> {
    let (mse, _) = validate(parameters, ratings, &split.validation);
    (!split.validation.is_empty()).then(|| Validation {
        ratings: split.validation.len(),
        rmse: mse.sqrt(),
        movie_means: baselines.score_movies(ratings, split).rmse,
        personal: interest.is_some() || is_personal(parameters),
    })
}

/// Whether some users' predictions rank movies in another way than others'. Of one user alone it can't be told.
fn is_personal(p: &Parameters) -> bool {
    let some = |count: usize| (0..count).step_by(count.div_ceil(LOOKED_AT).max(1));
    let (users, movies): (Vec<usize>, Vec<usize>) =
        (some(p.users).collect(), some(p.movies).collect());
    let (Some((&first, users)), Some((&one, movies))) = (users.split_first(), movies.split_first())
    else {
        return true;
    };
    let beyond = |user: usize, movie: usize| {
        (p.raw(user, movie) - p.raw(user, one)) - (p.raw(first, movie) - p.raw(first, one))
    };
    let differs = |user: &usize| {
        movies
            .iter()
            .any(|&movie| beyond(*user, movie).abs() > ALIKE)
    };
    users.is_empty() || movies.is_empty() || users.iter().any(differs)
}

/// What is wrong with a model, and what to try: a sentence; nothing of one that is worth having.
pub fn warning(validation: Validation) -> Option<String> {
    let Validation {
        ratings,
        rmse,
        movie_means,
        personal,
    } = validation;
    let held = format!("the {} ratings that were held out", grouped(ratings as u64));
    faults(&held, rmse, movie_means, personal)
}

/// As [`warning`], of what an image tells.
pub fn warning_of_image(validation: pocketrec::model::Validation) -> Option<String> {
    faults(
        "the ratings that were held out",
        validation.rmse.into(),
        validation.movie_means.into(),
        validation.personal,
    )
}

fn faults(held: &str, rmse: f64, movie_means: f64, personal: bool) -> Option<String> {
    let mut faults = Vec::new();
    if rmse.is_nan() || rmse >= movie_means {
        faults.push(format!(
            "predicts {held} no better than each movie's mean does (RMSE {rmse:.4}, the means {movie_means:.4})"
        ));
    }
    if !personal {
        faults.push("gives everybody the same list".to_owned());
    }
    (!faults.is_empty()).then(|| {
        format!(
            "this model {}; train again with a lower --lr, more --epochs, another --model or more ratings",
            faults.join(" and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_train::{ModelKind, Options};

    const GOOD: Validation = Validation {
        ratings: 100,
        rmse: 0.9,
        movie_means: 1.0,
        personal: true,
    };

    #[test]
    fn no_better_than_the_movie_means_is_a_warning_and_so_is_no_number() {
        assert_eq!(warning(GOOD), None);
        for rmse in [1.0, 3.23, f64::NAN, f64::INFINITY] {
            let told = warning(Validation { rmse, ..GOOD }).unwrap();
            assert!(told.contains("no better than each movie's mean"), "{told}");
            assert!(told.contains("a lower --lr, more --epochs"), "{told}");
        }
        let told = warning(Validation {
            personal: false,
            ..GOOD
        });
        assert!(told.unwrap().contains("gives everybody the same list"));
    }

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
            assert!(is_personal(&p), "{model:?}");
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
            assert!(!is_personal(&dead), "{model:?}");
        }
        let one = Parameters::initial(&Options::default(), 1, 150, 3.0);
        assert!(is_personal(&one));
    }
}
