//! Whether the movies that a device suggests teach more than random popular ones.
//!
//! Half of a person's ratings, drawn at random, are what may be asked for, as far as the movies are among the
//! [`POPULAR`] most rated; predictions are measured on the other half. One device asks for [`ASKED`] movies, one by
//! one, as `suggest` ranks them; the other for as many at random.

use anyhow::{Context, Result};
use pocketrec::ids::MovieId;
use pocketrec::learn::FoldIn;
use pocketrec::learn::suggest::Suggest;
use pocketrec::model::Model;
use pocketrec::profile::{Profile, Rating};

use super::people::{self, Held};
use pocketrec_base::random::Sequence;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_metrics::Errors;

/// The most rated movies of training that may be asked for.
pub const POPULAR: usize = 500;

/// Ratings asked for.
pub const ASKED: usize = 5;

/// What may be asked of a person, at least.
const CHOICE: usize = 2 * ASKED;

/// One person's errors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trial {
    /// Before any rating.
    pub before: Errors,
    /// After ratings of suggested movies.
    pub suggested: Errors,
    /// After ratings of random popular movies.
    pub random: Errors,
}

/// Asks everybody who has rated enough popular movies.
///
/// # Errors
/// Where a rating isn't one that a profile holds.
pub fn ask(model: &Model<'_>, trained: &Checkpoint, held: &Held, seed: u64) -> Result<Vec<Trial>> {
    let mut by_count: Vec<usize> = (0..trained.movie_ids.len()).collect();
    by_count.sort_by_key(|row| std::cmp::Reverse(trained.movie_counts[*row]));
    let mut popular: Vec<u32> = by_count
        .iter()
        .take(POPULAR)
        .map(|row| trained.movie_ids[*row])
        .collect();
    popular.sort_unstable();
    let mut random = Sequence::new(seed ^ 0x0061_736b); // "ask"
    let mut trials = Vec::new();
    for person in &held.people {
        let mut all: Vec<people::Rating> =
            person.given.iter().chain(&person.rest).copied().collect();
        random.shuffle(&mut all);
        let test = all.split_off(all.len() / 2);
        all.retain(|rating| popular.binary_search(&rating.movie).is_ok());
        if all.len() < CHOICE {
            continue;
        }
        let measure = |asked: &[people::Rating]| -> Result<Errors> {
            let state = learned(model, asked)?.private().state(model);
            let mut errors = Errors::default();
            for rating in &test {
                errors.add(
                    model.predict_for(&state, MovieId(rating.movie))?,
                    rating.stars,
                );
            }
            Ok(errors)
        };
        let mut asked = Vec::new();
        while asked.len() < ASKED {
            let next = suggestion(model, &asked, &all)?;
            asked.push(next);
        }
        // They are in random order already.
        trials.push(Trial {
            before: measure(&[])?,
            suggested: measure(&asked)?,
            random: measure(&all[..ASKED])?,
        });
    }
    Ok(trials)
}

fn learned(model: &Model<'_>, ratings: &[people::Rating]) -> Result<Profile<ASKED>> {
    let mut profile = Profile::new(Some(model));
    for (sequence, rating) in (0..).zip(ratings) {
        let rating = Rating::new(MovieId(rating.movie), rating.stars, sequence)
            .with_context(|| format!("{} stars are no multiple of a quarter", rating.stars))?;
        let log = profile.log_mut();
        log.rate(rating)
            .ok()
            .context("a log of five ratings is full")?;
    }
    profile.learn(model);
    Ok(profile)
}

/// What a device that knows `asked` suggests, of those in `choice`.
fn suggestion(
    model: &Model<'_>,
    asked: &[people::Rating],
    choice: &[people::Rating],
) -> Result<people::Rating> {
    let profile = learned(model, asked)?;
    let mut fold = FoldIn::new(model);
    while !fold
        .advance(model, profile.log().ratings(), u32::MAX)
        .is_done()
    {}
    let mut search = Suggest::<1>::with_limit(1);
    let may = |movie: MovieId| {
        choice.iter().any(|rating| rating.movie == movie.0) && profile.log().get(movie).is_none()
    };
    while !search.advance(model, &fold, may, u32::MAX).is_done() {}
    let hit = search
        .hits()
        .first()
        .context("nothing is left to ask for")?;
    let found = choice.iter().find(|rating| rating.movie == hit.movie.0);
    found.copied().context("a suggestion that was left out")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate;
    use pocketrec_checkpoint::by_recipe;
    use pocketrec_data::builtin;
    use pocketrec_export::Precision;
    use pocketrec_train::recipe;

    #[test]
    fn five_suggested_ratings_teach_about_as_much_as_five_of_random_popular_movies() {
        let data = builtin::load();
        let held = Held::draw(&data.ratings, 200, 0);
        let rest = held.ratings_with(&data.ratings, 0);
        let trained = by_recipe(&data, rest, recipe::MODEL, 0).unwrap();
        let image = simulate::image(&trained, Precision::F16).unwrap();
        let model = image.open(std::path::Path::new("in memory")).unwrap();
        let trials = ask(&model, &trained, &held, 0).unwrap();
        assert!(trials.len() > 150, "{}", trials.len());
        let rmse = |of: fn(&Trial) -> Errors| trials.iter().map(of).sum::<Errors>().rmse();
        let (before, suggested, random) = (
            rmse(|t| t.before),
            rmse(|t| t.suggested),
            rmse(|t| t.random),
        );
        // Of 200 people, the two differ by less than chance does.
        assert!(
            suggested < before - 0.03
                && random < before - 0.03
                && (suggested - random).abs() < 0.01,
            "{before}, {suggested}, {random}"
        );
    }
}
