//! From what was trained to its checkpoint.

use pocketrec_data::{Dataset, Ratings, Split};
use pocketrec_train::{Error, ModelKind, Recipe, Trained, recipe, train};

use super::model::Checkpoint;
use super::note::{DataNote, SplitNote};

impl Checkpoint {
    /// The checkpoint of what was trained on `ratings`. People and movies are told to have as many ratings as are among those with the numbers
    /// `counted`, or among all; `held` says which were held out.
    pub fn of(
        trained: &Trained,
        data: DataNote,
        ratings: &Ratings,
        counted: Option<&[u32]>,
        held: SplitNote,
    ) -> Self {
        let counts = |rows: &[u32], length: usize| {
            let mut counts = vec![0; length];
            let mut count = |row: u32| counts[row as usize] += 1;
            match counted {
                None => rows.iter().copied().for_each(&mut count),
                Some(numbers) => {
                    let rows = numbers.iter().map(|&number| rows[number as usize]);
                    rows.for_each(&mut count);
                }
            }
            counts
        };
        Self {
            parameters: trained.fit.parameters.clone(),
            user_counts: counts(&ratings.users, ratings.user_count()),
            movie_counts: counts(&ratings.movies, ratings.movie_count()),
            user_ids: ratings.user_ids.clone(),
            movie_ids: ratings.movie_ids.clone(),
            data,
            split: held,
            options: trained.options.clone(),
            best_epoch: trained.fit.best_epoch,
            newcomer: trained.newcomer.clone(),
            drift: trained.drift.clone(),
            odds: trained.odds.clone(),
            interest: trained.interest.clone(),
            validation: trained.validation,
        }
    }
}

/// The recipe of `model` trained on all of `ratings`; titles, scale and licence are those of `data`. Nothing that lists
/// add is found.
///
/// # Errors
/// As [`train`](train()).
pub fn by_recipe(
    data: &Dataset,
    ratings: Ratings,
    model: ModelKind,
    seed: u64,
) -> Result<Checkpoint, Error> {
    let mut options = recipe::options(model);
    options.seed = seed;
    (options.scale, options.step) = ((data.scale.min, data.scale.max), data.scale.step);
    let data = Dataset {
        sides: data.sides.clone(),
        ..Dataset::new(
            data.name.clone(),
            ratings,
            data.titles.clone(),
            data.license.clone(),
        )
    };
    // Gradients need validation ratings to stop early; the sampler doesn't, but one rule is simpler to tell.
    let held = SplitNote {
        seed,
        share: recipe::VALIDATION,
    };
    let split = Split::random(data.ratings.len(), held.share, seed);
    let trained = train(&data, &split, Recipe::new(options, false), &mut ())?;
    let note = DataNote {
        source: String::new(),
        ..DataNote::of_run(&data, &trained.options)
    };
    Ok(Checkpoint::of(&trained, note, &data.ratings, None, held))
}
