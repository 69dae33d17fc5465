//! What a run's files say of it: which ratings it learns from, which of them are held out, and how it is trained.

use pocketrec_base::files;
use pocketrec_base::random::hash;
use pocketrec_data::{Dataset, Movie, Names, Reading, Titles};
use serde::{Deserialize, Serialize};

use pocketrec_train::options::{Options, Solver};
use pocketrec_train::sides;

/// Where the ratings came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataNote {
    /// A short name, such as `ml-latest-small-2016`.
    pub name: String,
    /// The path they were read from, [`BUILT_IN`], [`PIPE`] or [`IMPORTED`].
    pub source: String,
    /// How they were read.
    pub reading: Reading,
    /// Fingerprint of the ratings ([`Ratings::fingerprint`](pocketrec_data::ratings::Ratings)).
    pub fingerprint: u64,
    /// The line that says what the data, and so the model, may be used for.
    pub licence: String,
    /// What users are called, where their ids aren't the file's own numbers.
    pub user_names: Names,
    /// What movies are called by the file, where their ids aren't its own numbers.
    pub movie_names: Names,
    /// What was learned from besides ratings.
    pub sides: SidesNote,
    /// Movies that training never saw, which were added to the model.
    pub added: Vec<Added>,
}

/// What a model was learned from besides ratings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SidesNote {
    /// What was known: `age of users`, `genres of movies` and so on.
    pub known: Vec<String>,
    /// Of what was known of users ([`sides::fingerprints`]); 0 where that was nothing.
    #[serde(default)]
    pub users: u64,
    /// Of what was known of movies: their genres, years and table.
    #[serde(default)]
    pub movies: u64,
}

/// A movie that was added to a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// Its id.
    pub id: u32,
    /// Its title.
    pub title: String,
    /// Its genres.
    pub genres: Vec<String>,
}

/// The source of ratings that ship with the project.
pub const BUILT_IN: &str = "built-in";
/// The source of ratings that came from a pipe, which can't be read again.
pub const PIPE: &str = "a pipe";
/// The source of ratings that nobody knows: the model was imported without them.
pub const IMPORTED: &str = "another program";

impl DataNote {
    /// What there is to note of a data set; its path made absolute, so that later commands find it from any folder.
    pub fn of(data: &Dataset) -> DataNote {
        let source = match &data.source {
            Some(path) => {
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                files::name::text(&path)
            }
            None if data.is_built_in() => BUILT_IN.into(),
            None => PIPE.into(),
        };
        DataNote {
            name: data.name.clone(),
            source,
            reading: data.reading.clone(),
            fingerprint: data.fingerprint,
            licence: data.license.clone(),
            user_names: data.user_names.clone(),
            movie_names: data.movie_names.clone(),
            sides: SidesNote::default(),
            added: Vec::new(),
        }
    }

    /// As [`of`](Self::of), of a run with these options.
    pub fn of_run(data: &Dataset, options: &Options) -> DataNote {
        let learns = options.sides && options.solver == Solver::Gibbs;
        DataNote {
            sides: match learns {
                true => {
                    let [users, movies] = sides::fingerprints(data);
                    let known = sides::known(data);
                    SidesNote {
                        known,
                        users,
                        movies,
                    }
                }
                false => SidesNote::default(),
            },
            ..DataNote::of(data)
        }
    }

    /// Fingerprints of all that a run learns from.
    pub fn learned(&self) -> Learned {
        Learned {
            ratings: self.fingerprint,
            users: self.sides.users,
            movies: self.sides.movies,
        }
    }

    /// Titles with those of the movies that were added.
    pub fn with_added(&self, titles: Titles) -> Titles {
        if self.added.is_empty() {
            return titles;
        }
        let added = self.added.iter().map(|added| Movie {
            id: added.id,
            title: added.title.clone(),
            genres: added.genres.clone(),
            ratings: 0,
        });
        Titles::new(titles.movies().iter().cloned().chain(added).collect())
    }
}

/// Which ratings were held out for validation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SplitNote {
    /// Seed of the random split.
    pub seed: u64,
    /// Share of the ratings that were held out.
    pub share: f64,
}

/// Fingerprints of what a run learns from; 0 of what there isn't.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// Of the ratings.
    pub ratings: u64,
    /// Of what is known of users.
    pub users: u64,
    /// Of what is known of movies.
    pub movies: u64,
}

impl Learned {
    /// What differs from another, in words; nothing where they are the same.
    pub fn difference(&self, other: &Learned) -> Option<String> {
        let parts = [
            (self.ratings != other.ratings, "ratings"),
            (self.users != other.users, "table of users"),
            (
                self.movies != other.movies,
                "genres, years or table of movies",
            ),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(is, what)| is.then_some(what));
        let parts: Vec<&str> = parts.collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// One of all of them.
    fn all(&self) -> u64 {
        match (self.users, self.movies) {
            (0, 0) => self.ratings,
            (users, movies) => hash(hash(self.ratings ^ users) ^ movies),
        }
    }
}

/// Which run a file is of: the ratings, which of them were held out, and the options.
#[derive(Clone, Debug, PartialEq)]
pub struct RunNote {
    /// A short name of the ratings.
    pub data: String,
    /// What it learns from.
    pub learned: Learned,
    /// Which were held out.
    pub split: SplitNote,
    /// How the model is trained.
    pub options: Options,
}

impl RunNote {
    /// The run's name in each of its files: 16 hexadecimal digits, the same for runs that differ in nothing but the number
    /// of epochs or threads, or what the data are called.
    pub fn id(&self) -> String {
        let options = Options {
            epochs: 0,
            threads: None,
            fame: None,
            ..self.options.clone()
        };
        let text = format!(
            "{:016x} {} {} {options:?}",
            self.learned.all(),
            self.split.seed,
            self.split.share
        );
        let sum = text
            .bytes()
            .fold(0, |sum, byte| hash(sum ^ u64::from(byte)));
        format!("{sum:016x}")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn run() -> RunNote {
        RunNote {
            data: "made up".into(),
            learned: Learned {
                ratings: 77,
                users: 5,
                movies: 0,
            },
            split: SplitNote {
                seed: 3,
                share: 0.05,
            },
            options: Options::default(),
        }
    }

    #[test]
    fn what_differs_between_two_runs_is_named() {
        let of = |ratings, users, movies| Learned {
            ratings,
            users,
            movies,
        };
        let told = |other| of(1, 2, 3).difference(&other);
        assert_eq!(told(of(1, 2, 3)), None);
        assert_eq!(told(of(7, 2, 3)).as_deref(), Some("ratings"));
        assert_eq!(told(of(1, 0, 3)).as_deref(), Some("table of users"));
        let both = told(of(1, 7, 0));
        assert_eq!(
            both.as_deref(),
            Some("table of users, genres, years or table of movies")
        );
    }

    #[test]
    fn a_run_keeps_its_name_for_more_epochs_and_has_another_for_all_else() {
        let named = |change: &dyn Fn(&mut RunNote)| {
            let mut run = run();
            change(&mut run);
            run.id()
        };
        let name = run().id();
        assert_eq!(name.len(), 16);
        assert_eq!(named(&|run| run.options.epochs += 1), name);
        assert_eq!(named(&|run| run.options.threads = Some(3)), name);
        assert_eq!(named(&|run| run.options.fame = Some(0.1)), name);
        assert_eq!(named(&|run| run.data = "elsewhere".into()), name);
        for other in [
            named(&|run| run.options.seed += 1),
            named(&|run| run.options.learning_rate *= 2.0),
            named(&|run| run.learned.ratings += 1),
            named(&|run| run.learned.users = 0),
            named(&|run| run.learned.movies = 5),
            named(&|run| (run.learned.users, run.learned.movies) = (0, 5)),
            named(&|run| run.split.seed += 1),
            named(&|run| run.split.share = 0.1),
        ] {
            assert_ne!(other, name);
        }
    }
}
