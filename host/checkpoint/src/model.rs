//! The checkpoint: a trained model, and what was said of its data and of its run.

use std::borrow::Cow;
use std::path::Path;

use super::note::{Added, DataNote, RunNote, SplitNote};
use super::tensors::{CheckpointError, Kind};
use pocketrec::model::interest::LATEST;
use pocketrec::model::kin;
use pocketrec_base::threads;
use pocketrec_train::Validation;
use pocketrec_train::drift::Drift;
use pocketrec_train::interest::Interest;
use pocketrec_train::odds::Odds;
use pocketrec_train::options::{ModelKind, Options};
use pocketrec_train::parameters::Parameters;

/// Everything that export needs to know of a training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What was learned.
    pub parameters: Parameters,
    /// MovieLens id of each user row.
    pub user_ids: Vec<u32>,
    /// MovieLens id of each movie row.
    pub movie_ids: Vec<u32>,
    /// How many ratings each user has in the data, validation included.
    pub user_counts: Vec<u32>,
    /// How many ratings each movie has in the data, validation included.
    pub movie_counts: Vec<u32>,
    /// Where the ratings came from.
    pub data: DataNote,
    /// Which were held out.
    pub split: SplitNote,
    /// How the model was trained.
    pub options: Options,
    /// The epoch that the parameters are from, 1 for the first.
    pub best_epoch: usize,
    /// Bias, then row, of somebody new; else they start as the mean user.
    pub newcomer: Option<Vec<f32>>,
    /// Where users' biases have come to. The biases of `parameters` are those over all ratings.
    pub drift: Option<Drift>,
    /// How sure predictions are, where ratings were held out to find it by.
    pub odds: Option<Odds>,
    /// What people look for, where it was found.
    pub interest: Option<Interest>,
    /// How good it is, where ratings were held out to measure on.
    pub validation: Option<Validation>,
}

impl Checkpoint {
    /// A model of these parameters, of which nothing else is known: ids are from 1 on, and each has one rating.
    pub fn of_parameters(parameters: Parameters, options: Options) -> Self {
        let users = parameters.user_embedding.len() / parameters.user_dim;
        let movies = parameters.movie_embedding.len() / parameters.movie_dim;
        let ids = |count: usize| (1..).take(count).collect();
        Self {
            parameters,
            user_ids: ids(users),
            movie_ids: ids(movies),
            user_counts: vec![1; users],
            movie_counts: vec![1; movies],
            data: DataNote::default(),
            split: SplitNote::default(),
            options,
            best_epoch: 1,
            newcomer: None,
            drift: None,
            odds: None,
            interest: None,
            validation: None,
        }
    }

    /// The same with users' biases where they have come to after their last rating: what future ratings are predicted
    /// from. Ratings in the midst of those that were learned from are predicted better without.
    pub fn as_of_last(&self) -> Cow<'_, Self> {
        let Some(drift) = &self.drift else {
            return Cow::Borrowed(self);
        };
        let mut moved = self.clone();
        for (bias, by) in moved.parameters.user_bias.iter_mut().zip(&drift.users) {
            *bias += by;
        }
        moved.drift = None;
        Cow::Owned(moved)
    }

    /// Writes the file, first beside `path` and then in its place, so that it is never half there.
    /// The bytes are a function of the checkpoint.
    ///
    /// # Errors
    /// When the disk refuses, or when the lengths of the tables and of the ids disagree.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let fail = |kind| CheckpointError {
            path: path.to_owned(),
            kind,
        };
        let file = self.file().map_err(|why| fail(Kind::Content(why)))?;
        pocketrec_base::files::write_with(path, |to| file.write_to(to))
            .map_err(|error| fail(Kind::Write(error)))
    }

    /// Reads a file that [`Checkpoint::write`] wrote.
    ///
    /// # Errors
    /// When the file can't be read, is cut or isn't a checkpoint, or when a tensor or a metadata
    /// entry is missing or has not the form it must have; the sentence names it.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let fail = |kind| CheckpointError {
            path: path.to_owned(),
            kind,
        };
        let bytes = std::fs::read(path).map_err(|error| fail(Kind::Read(error)))?;
        Self::from_bytes(&bytes).map_err(fail)
    }

    /// Puts a movie behind the others: its bias and row, how many ratings it has, and the row of the movie whose place it
    /// takes among what people look for and among what belongs together.
    ///
    /// # Panics
    /// If the row isn't as long as the others, or there is no row `like`.
    pub fn append(&mut self, movie: Added, (bias, row): (f32, &[f32]), ratings: u32, like: usize) {
        let p = &mut self.parameters;
        assert!(
            row.len() == p.movie_dim && like < p.movies,
            "a row as the others"
        );
        p.movie_embedding.extend_from_slice(row);
        p.movie_bias.push(bias);
        if let Some(interest) = &mut self.interest {
            let each = interest.kin_codes.len() / p.movies;
            interest
                .kin_codes
                .extend_from_within(like * each..(like + 1) * each);
        }
        p.movies += 1;
        self.movie_ids.push(movie.id);
        self.movie_counts.push(ratings);
        self.data.added.push(movie);
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let p = &self.parameters;
        let length = |name: &str, found: usize, wanted: usize| {
            if found == wanted {
                return Ok(());
            }
            Err(format!("{name} has {found} numbers where {wanted} are due"))
        };
        length("user_ids", self.user_ids.len(), p.users)?;
        length("movie_ids", self.movie_ids.len(), p.movies)?;
        length("user_counts", self.user_counts.len(), p.users)?;
        length("movie_counts", self.movie_counts.len(), p.movies)?;
        length(
            "user_embedding",
            p.user_embedding.len(),
            p.users * p.user_dim,
        )?;
        length(
            "movie_embedding",
            p.movie_embedding.len(),
            p.movies * p.movie_dim,
        )?;
        let biased = usize::from(p.model.has_biases());
        length("user_bias", p.user_bias.len(), p.users * biased)?;
        length("movie_bias", p.movie_bias.len(), p.movies * biased)?;
        let mut inputs = p.user_dim + p.movie_dim;
        for (i, layer) in p.layers.iter().enumerate() {
            length(
                &format!("the first side of dense_{i}.weight"),
                layer.inputs,
                inputs,
            )?;
            length(
                &format!("dense_{i}.weight"),
                layer.weight.len(),
                inputs * layer.outputs,
            )?;
            length(&format!("dense_{i}.bias"), layer.bias.len(), layer.outputs)?;
            inputs = layer.outputs;
        }
        // A hybrid without layers is one whose solver found that it needs none.
        let bare = p.model == ModelKind::Hybrid && p.layers.is_empty();
        if p.model.has_network() && !bare && (p.layers.is_empty() || inputs != 1) {
            return Err("the dense layers don't end in one unit".into());
        }
        if p.model.has_dot() && p.user_dim != p.movie_dim {
            return Err(format!(
                "a {} model needs rows of one size, not {} and {}",
                p.model.name(),
                p.user_dim,
                p.movie_dim
            ));
        }
        if let Some(newcomer) = &self.newcomer {
            length("newcomer", newcomer.len(), p.user_dim + 1)?;
        }
        if let Some(drift) = &self.drift {
            length("user_drift", drift.users.len(), p.user_bias.len())?;
        }
        if let Some(odds) = &self.odds {
            length("user_odds", odds.users.len(), p.users)?;
        }
        if let Some(interest) = &self.interest {
            length("user_latest", interest.latest.len(), p.users * LATEST)?;
            let beyond = |row: &u32| *row != u32::MAX && *row as usize >= p.movies;
            if let Some(row) = interest.latest.iter().find(|row| beyond(row)) {
                return Err(format!(
                    "user_latest names the movie row {row} of {}",
                    p.movies
                ));
            }
            length("kin_code", interest.kin_codes.len(), p.movies * kin::BYTES)?;
            let words = kin::BOOKS * kin::WORDS * kin::NUMBERS;
            length("kin_codebook", interest.kin_codebook.len(), words)?;
        }
        for (what, ids, names) in [
            ("user", &self.user_ids, &self.data.user_names),
            ("movie", &self.movie_ids, &self.data.movie_names),
        ] {
            let unnamed = |id: &&u32| !names.is_empty() && names.of(**id).is_none();
            if let Some(id) = ids.iter().find(unnamed) {
                return Err(format!(
                    "{what} {id} has no name among the {} of {what}_names",
                    names.all().len()
                ));
            }
        }
        for (name, ids) in [("user_ids", &self.user_ids), ("movie_ids", &self.movie_ids)] {
            if !ids.is_sorted_by(|a, b| a < b) {
                return Err(format!("{name} don't ascend"));
            }
        }
        let mut numbers = vec![
            &p.user_embedding,
            &p.movie_embedding,
            &p.user_bias,
            &p.movie_bias,
        ];
        numbers.extend(&self.newcomer);
        numbers.extend(self.drift.as_ref().map(|drift| &drift.users));
        numbers.extend(self.odds.as_ref().map(|odds| &odds.users));
        let layers = p
            .layers
            .iter()
            .flat_map(|layer| [&layer.weight, &layer.bias]);
        if !p.mean.is_finite()
            || numbers
                .into_iter()
                .chain(layers)
                .any(|values| threads::not_finite(values).is_some())
        {
            return Err("it holds a number that isn't finite".into());
        }
        Ok(())
    }

    /// The run that it is of.
    pub fn run(&self) -> RunNote {
        RunNote {
            data: self.data.name.clone(),
            learned: self.data.learned(),
            split: self.split,
            options: self.options.clone(),
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
