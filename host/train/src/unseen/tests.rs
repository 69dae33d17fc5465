//! What a row without training is worth: movies of the built-in ratings left out, and put back with none, 5 and 20 of
//! their ratings, against training with those.

use pocketrec_data::{Dataset, Split, builtin, search};

use super::*;
use crate::options::Options;
use crate::trained::{Recipe, train};
use crate::{ModelKind, recipe};

/// Movies with fewer ratings aren't left out: too few would be left to measure on.
const RATED: u32 = 40;
/// Of those every so many.
const EVERY: usize = 4;

fn fitted(data: &Dataset, train_on: Vec<u32>) -> Parameters {
    let options = Options {
        sweeps: Some(20),
        ..recipe::options(ModelKind::Hybrid)
    };
    let split = Split {
        train: train_on,
        validation: Vec::new(),
    };
    train(data, &split, Recipe::new(options, false), &mut ())
        .unwrap()
        .fit
        .parameters
}

fn counts(data: &Dataset, train_on: &[u32]) -> Vec<u32> {
    let mut counts = vec![0; data.ratings.movie_count()];
    for at in train_on {
        counts[data.ratings.movies[*at as usize] as usize] += 1;
    }
    counts
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "figures of the docs, seen with `--nocapture`"
)]
fn a_movie_left_out_of_training_gains_by_genres_and_by_each_rating_nearly_as_by_training_anew() {
    let data = builtin::load();
    let r = &data.ratings;
    let all: Vec<u32> = (0..r.len() as u32).collect();
    let rated = counts(&data, &all);
    let enough = (0..rated.len()).filter(|row| rated[*row] >= RATED);
    let out: Vec<usize> = enough.step_by(EVERY).collect();
    // Of each its ratings in an order that says nothing of them.
    let mut own: Vec<Vec<u32>> = vec![Vec::new(); rated.len()];
    all.iter()
        .for_each(|at| own[r.movies[*at as usize] as usize].push(*at));
    own.iter_mut()
        .for_each(|own| own.sort_by_key(|at| pocketrec_base::random::hash(u64::from(*at))));
    let is_out = |at: &u32| {
        out.binary_search(&(r.movies[*at as usize] as usize))
            .is_ok()
    };
    let others: Vec<u32> = all.iter().copied().filter(|at| !is_out(at)).collect();
    let with = |known: usize| {
        let more = out
            .iter()
            .flat_map(|row| own[*row][..known].iter().copied());
        let mut numbers: Vec<u32> = others.iter().copied().chain(more).collect();
        numbers.sort_unstable();
        numbers
    };
    let p = fitted(&data, others.clone());
    let traits: Vec<Traits> = r
        .movie_ids
        .iter()
        .map(|id| {
            data.titles
                .get(*id)
                .map_or_else(Traits::default, |movie| Traits {
                    genres: movie.genres.clone(),
                    year: search::year(&movie.title),
                })
        })
        .collect();
    let unseen = Unseen::learn(&p, &counts(&data, &others), &traits, 0.75).unwrap();
    // Errors on all but each one's first twenty ratings, for rows that are made so.
    let rmse = |of: &Parameters, row: &dyn Fn(usize) -> (f32, Vec<f32>)| {
        let (mut sum, mut count) = (0.0, 0);
        for movie in &out {
            let (bias, q) = row(*movie);
            for at in &own[*movie][20..] {
                let user = r.users[*at as usize] as usize;
                let dot: f32 = of.user_row(user).iter().zip(&q).map(|(a, b)| a * b).sum();
                let due = (of.mean + of.user_bias[user] + bias + dot).clamp(of.scale.0, of.scale.1);
                sum += f64::from(due - r.stars[*at as usize]).powi(2);
                count += 1;
            }
        }
        (sum / f64::from(count)).sqrt()
    };
    let folded = |known: usize| {
        let row = |movie: usize| {
            let ratings: Vec<(usize, f32)> = own[movie][..known]
                .iter()
                .map(|at| (r.users[*at as usize] as usize, r.stars[*at as usize]))
                .collect();
            unseen.row(&p, &traits[movie], &ratings)
        };
        rmse(&p, &row)
    };
    let anew = |known: usize| {
        let trained = fitted(&data, with(known));
        rmse(&trained, &|movie| {
            (trained.movie_bias[movie], trained.movie_row(movie).to_vec())
        })
    };
    let nothing = rmse(&p, &|_| (0.0, vec![0.0; p.movie_dim]));
    let [none, five, twenty] = [0, 5, 20].map(folded);
    // Without any of its ratings, training draws its row from what all movies are like.
    let anew_none = rmse(&p, &|movie| {
        (p.movie_bias[movie], p.movie_row(movie).to_vec())
    });
    let [anew_five, anew_twenty] = [5, 20].map(anew);
    println!(
        "{} movies left out; without a row {nothing:.4}; 0, 5, 20 ratings: folded in {none:.4} {five:.4} {twenty:.4}, \
         trained anew {anew_none:.4} {anew_five:.4} {anew_twenty:.4}",
        out.len()
    );
    assert!(none < nothing, "{none} {nothing}");
    assert!(none < anew_none + 0.03, "{none} {anew_none}");
    assert!(five < none, "{five} {none}");
    assert!(twenty < five, "{twenty} {five}");
    assert!(five < anew_five + 0.03, "{five} {anew_five}");
    assert!(twenty < anew_twenty + 0.03, "{twenty} {anew_twenty}");
}

#[test]
fn many_ratings_settle_a_row_whatever_is_expected_of_it() {
    // Two dimensions, users on a circle, a movie that differs from all others.
    let users = 400;
    let angle = |user: usize| user as f32 * 0.7;
    let p = Parameters {
        user_embedding: (0..users)
            .flat_map(|u| [angle(u).cos(), angle(u).sin()])
            .collect(),
        movie_embedding: (0..40)
            .flat_map(|m| {
                [
                    0.4 * ((m * 3 % 7) as f32 - 3.0),
                    0.4 * ((m * 5 % 7) as f32 - 3.0),
                ]
            })
            .collect(),
        user_bias: vec![0.0; users],
        layers: Vec::new(),
        movie_bias: (0..40)
            .map(|m| 0.6 * (m % 2) as f32 + 0.3 * ((m * 7 % 5) as f32 - 2.0))
            .collect(),
        ..Parameters::initial(
            &Options {
                user_dim: 2,
                movie_dim: 2,
                ..recipe::options(ModelKind::Hybrid)
            },
            users,
            40,
            3.0,
        )
    };
    let traits: Vec<Traits> = (0..40)
        .map(|m| Traits {
            genres: vec![["Drama", "Comedy"][m % 2].into()],
            year: (m % 5 > 0).then_some(1990 + m as u16),
        })
        .collect();
    let known = Unseen::learn(&p, &[50; 40], &traits, 0.25).unwrap();
    let comedy = known.expected(&traits[1])[0];
    assert!(comedy > known.expected(&traits[0])[0] + 0.2, "{comedy}");
    let ratings: Vec<(usize, f32)> = (0..users)
        .map(|u| (u, 3.0 - 0.5 + 0.9 * angle(u).cos() + 0.4 * angle(u).sin()))
        .collect();
    let (bias, row) = known.row(&p, &traits[0], &ratings);
    assert!((bias + 0.5).abs() < 0.05, "{bias}");
    assert!(
        (row[0] - 0.9).abs() < 0.2 && (row[1] - 0.4).abs() < 0.2,
        "{row:?}"
    );
    let unknown = Traits {
        genres: vec!["Western".into()],
        year: None,
    };
    assert!(known.expected(&unknown).iter().all(|x| x.is_finite()));
}
