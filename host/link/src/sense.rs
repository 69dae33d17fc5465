//! Whether what a board says can be an answer to what it was asked.
//!
//! A frame that came whole may still say what no firmware of ours does: a board of another version, a broken one, or
//! one that lies. Every answer that a person gets to see goes through [`check`]; what an image alone knows is checked
//! where the board is known to hold it. So no loop over answers runs without end, and no number comes from nowhere.

use pocketrec::MAX_DIM;
use pocketrec::grow::MAX_ADDED;
use pocketrec::model::{Interval, Model, RatingScale};
use pocketrec::service::MAX_LOG;
use pocketrec::wire::{
    Added, Explained, Limits, MAX_OWNERS, ModelInfo, Owners, ProfileReply, Ranked, RatingsReply,
    Refusal, Reply, Request, Storage, StorageState, Who,
};
use pocketrec_base::print::number::{self, there};

use super::lists::Beside;

/// What the image that a board holds says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Ascending.
    movies: Vec<u32>,
    users: Vec<u32>,
    scale: RatingScale,
    user_dim: usize,
    genres: Option<String>,
    beside: Beside,
}

impl Known {
    /// What `model` says. O(movies and users).
    pub fn of(model: &Model<'_>) -> Self {
        let sorted = |mut ids: Vec<u32>| {
            ids.sort_unstable();
            ids
        };
        let movies = model.movie_ids();
        let users = model.user_ids();
        Self {
            movies: sorted(
                (0..model.movies())
                    .filter_map(|row| movies.id(row))
                    .collect(),
            ),
            users: sorted(
                users
                    .into_iter()
                    .flat_map(|ids| (0..ids.len()).filter_map(move |row| ids.id(row)))
                    .collect(),
            ),
            scale: model.scale(),
            user_dim: model.user_dim(),
            genres: model.genre_names().map(str::to_owned),
            beside: Beside::of(model),
        }
    }

    /// With movies that were added to the image, ascending and above all of it.
    pub fn with_added(mut self, ids: impl Iterator<Item = u32>) -> Self {
        self.movies.extend(ids);
        self
    }

    /// Ids of its movies, ascending.
    pub fn movies(&self) -> &[u32] {
        &self.movies
    }

    /// Whether it has a movie.
    pub fn has_movie(&self, id: u32) -> bool {
        self.movies.binary_search(&id).is_ok()
    }

    /// What its scores count beside predicted stars.
    pub fn beside(&self) -> Beside {
        self.beside
    }

    /// The genres by which it can filter, as [`Model::genre_names`] has them.
    pub fn genres(&self) -> Option<&str> {
        self.genres.as_deref()
    }

    /// Which stars it knows.
    pub fn scale(&self) -> RatingScale {
        self.scale
    }

    /// Whether it has a user.
    pub fn has_user(&self, id: u32) -> bool {
        self.users.binary_search(&id).is_ok()
    }
}

/// What a request is for, in the words of a sentence about its answer.
pub fn words(request: &Request) -> &'static str {
    match request {
        Request::Hello => "who is there",
        Request::Limits => "its limits",
        Request::ModelInfo => "its model",
        Request::Predict { .. } => "a prediction",
        Request::TopN { .. } => "the best movies",
        Request::Similar { .. } => "similar movies",
        Request::Rate { .. } => "a new rating",
        Request::Profile { .. } => "a profile",
        Request::Cancel { .. } => "an end to a request",
        Request::LinkCounters => "its counters",
        Request::Health => "its health",
        Request::Undo { .. } => "the last rating to be undone",
        Request::Forget { .. } => "a rating to be forgotten",
        Request::ForgetMe { .. } => "all ratings to be forgotten",
        Request::Ratings { .. } => "ratings",
        Request::Import { .. } => "several new ratings",
        Request::Suggest { .. } => "movies to rate",
        Request::Explain { .. } => "an explanation",
        Request::Owners => "its owners",
        Request::Storage => "its storage",
        Request::Compact => "a compaction",
        Request::Format => "an erased region",
        Request::Together { .. } => "the best movies for two",
        Request::Likely { .. } => "how sure a prediction is",
        Request::AddMovie { .. } => "a movie to be added",
        Request::RemoveMovie { .. } => "a movie to be taken out",
        Request::Added { .. } => "its added movies",
    }
}

/// What a request may have changed although no answer came, and what tells; `None` for one that changes nothing.
pub fn change(request: &Request) -> Option<&'static str> {
    Some(match request {
        Request::Rate { .. } => {
            "the rating may have been taken all the same: `query ratings` tells"
        }
        Request::Undo { .. } => {
            "the last rating may have been undone all the same: `query ratings` tells"
        }
        Request::Forget { .. } => {
            "the rating may have been forgotten all the same: `query ratings` tells"
        }
        Request::ForgetMe { .. } => {
            "ratings may have been forgotten all the same: `query ratings` tells, and to ask again does no harm"
        }
        Request::Import { .. } => {
            "ratings may have been taken in all the same: `query ratings` tells"
        }
        Request::AddMovie { .. } => {
            "the movie may have been added all the same; to ask again does no harm"
        }
        Request::RemoveMovie { .. } => {
            "the movie may have been taken out all the same: `query added` tells"
        }
        Request::Compact => {
            "the flash may have been compacted all the same; to ask again does no harm"
        }
        Request::Format => {
            "all ratings may have been erased all the same: `query owners` tells, and to ask again does no harm"
        }
        _ => return None,
    })
}

/// What a firmware lacks that doesn't carry a request out, and what to do: the sentence in place of a refusal that only says so.
pub fn lacks(request: &Request) -> Option<&'static str> {
    Some(match request {
        Request::Together { .. } => {
            "this board's firmware makes no lists for two, for which it has no room; `query top --with` makes them on this \
             PC, by the board's image"
        }
        Request::TopN { .. } => {
            "this board's firmware sorts lists by score alone, having no room for more; `query top --by` sorts them on this \
             PC, by the board's image"
        }
        Request::Rate { .. }
        | Request::Import { .. }
        | Request::Undo { .. }
        | Request::Forget { .. }
        | Request::ForgetMe { .. }
        | Request::Suggest { .. } => {
            "this board's firmware doesn't learn from ratings: it was built without the feature `learn`"
        }
        Request::Likely { .. } => "this board's firmware doesn't know how sure its predictions are",
        _ => return None,
    })
}

/// Makes sure that `reply` can be an answer to `request`, by a board that holds what is `known`.
///
/// # Errors
///
/// What is wrong with it, as the end of a sentence.
pub fn check(request: &Request, reply: &Reply<'_>, known: Option<&Known>) -> Result<(), String> {
    match (request, reply) {
        (_, Reply::Refused(why)) => refusal(request, why, known),
        (Request::Hello, Reply::Hello(_))
        | (Request::Cancel { .. }, Reply::Cancelled(_))
        | (Request::LinkCounters, Reply::LinkCounters(_))
        | (Request::Health, Reply::Health(_))
        | (Request::Forget { .. }, Reply::Forgotten { .. }) => Ok(()),
        (Request::Limits, Reply::Limits(limits)) => check_limits(limits),
        (Request::ModelInfo, Reply::ModelInfo(info)) => check_model(info),
        (Request::Predict { .. }, Reply::Stars(stars)) => check_stars(*stars, known),
        (Request::TopN { count, .. } | Request::Suggest { count, .. }, Reply::Movies(list)) => {
            check_list(list, *count, known)?;
            list.iter()
                .try_for_each(|ranked| check_stars(ranked.stars, known))
        }
        (Request::Together { count, .. }, Reply::Together(list)) => {
            check_length(list.len(), *count)?;
            unique(list.iter().map(|shared| shared.movie))?;
            list.iter().try_for_each(|shared| {
                check_movie(shared.movie, known)?;
                let mut stars = shared.stars.into_iter();
                stars.try_for_each(|stars| check_stars(stars, known))
            })
        }
        (Request::Similar { count, movie }, Reply::Movies(list)) => {
            check_list(list, *count, known)?;
            let alike = list.iter().all(|ranked| ranked.stars.abs() <= 1.001);
            ensure(alike, || "a likeness is beyond 1".into())?;
            let other = list.iter().all(|ranked| ranked.movie != *movie);
            ensure(other, || format!("movie {movie} is said to be near itself"))
        }
        (
            Request::Rate { .. },
            Reply::Rated {
                before,
                after,
                ratings,
            },
        ) => {
            check_stars(*before, known)?;
            check_stars(*after, known)?;
            ensure(*ratings > 0, || "there is no rating behind it".into())?;
            check_total(*ratings)
        }
        (Request::Profile { .. }, Reply::Profile(profile)) => check_profile(profile, known),
        (Request::Undo { .. }, Reply::Undone { stars, ratings, .. }) => {
            stars.map_or(Ok(()), finite)?;
            check_total(*ratings)
        }
        (Request::ForgetMe { .. }, Reply::Forgotten { ratings }) => ensure(*ratings == 0, || {
            format!("{} left", there(*ratings, "rating"))
        }),
        (Request::Ratings { first, .. }, Reply::Ratings(page)) => check_page(page, *first, known),
        (
            Request::Import { count, ratings, .. },
            Reply::Imported {
                taken,
                refused,
                ratings: total,
            },
        ) => {
            check_total(*total)?;
            ensure(taken <= count, || {
                format!("{taken} of {count} ratings were taken in")
            })?;
            match refused {
                None => ensure(taken == count, || {
                    format!("{taken} of {count} ratings were taken in, and no reason is given")
                }),
                Some(why) => {
                    let next = ratings.get(usize::from(*taken)).filter(|_| taken < count);
                    let (movie, stars) = next.ok_or("all ratings were taken in and one refused")?;
                    let who = who(request).unwrap_or(Who::Owner(0));
                    let (movie, stars) = (*movie, *stars);
                    refusal(&Request::Rate { who, movie, stars }, why, known)
                }
            }
        }
        (Request::Likely { .. }, Reply::Likely(likely)) => {
            let Some(Interval { low, high }) = *likely else {
                return Ok(());
            };
            check_stars(low, known)?;
            check_stars(high, known)?;
            ensure(low <= high, || {
                format!("{low} to {high} stars is no interval")
            })
        }
        (Request::Explain { .. }, Reply::Explained(explained)) => check_explained(explained, known),
        (Request::Owners, Reply::Owners(owners)) => check_owners(owners),
        (Request::Storage | Request::Compact | Request::Format, Reply::Storage(storage)) => {
            check_storage(storage)
        }
        (
            Request::AddMovie { .. } | Request::RemoveMovie { .. } | Request::Added { .. },
            Reply::Added(added),
        ) => check_added(request, added),
        _ => Err("it is an answer to something else".into()),
    }
}

fn check_added(request: &Request, added: &Added) -> Result<(), String> {
    let (movies, room) = (added.movies, added.room);
    ensure(movies <= room && usize::from(room) <= MAX_ADDED, || {
        format!("{} where {room} fit", there(movies, "added movie"))
    })?;
    let due = match request {
        Request::Added { at } => *at < movies,
        _ => movies > 0,
    };
    let is = added.entry.len() >= 4;
    ensure(due == is, || {
        format!("a movie of {} bytes is told", added.entry.len())
    })?;
    match request {
        Request::AddMovie { entry, .. } => {
            ensure(added.entry == *entry, || "another movie was added".into())
        }
        _ => Ok(()),
    }
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    match holds {
        true => Ok(()),
        false => Err(what()),
    }
}

/// The user or owner that a request is about.
pub fn who(request: &Request) -> Option<Who> {
    match *request {
        Request::Predict { who, .. }
        | Request::TopN { who, .. }
        | Request::Rate { who, .. }
        | Request::Profile { who }
        | Request::Undo { who }
        | Request::Forget { who, .. }
        | Request::ForgetMe { who }
        | Request::Ratings { who, .. }
        | Request::Import { who, .. }
        | Request::Suggest { who, .. }
        | Request::Explain { who, .. }
        | Request::Together { who, .. }
        | Request::Likely { who, .. } => Some(who),
        _ => None,
    }
}

/// Whether a request is about somebody; a list for two is about both.
fn is_about(request: &Request, somebody: Who) -> bool {
    let with = match *request {
        Request::Together { with, .. } => Some(with),
        _ => None,
    };
    who(request) == Some(somebody) || with == Some(somebody)
}

/// Which movie a request is about.
pub fn movie(request: &Request) -> Option<u32> {
    match *request {
        Request::Predict { movie, .. }
        | Request::Similar { movie, .. }
        | Request::Rate { movie, .. }
        | Request::Forget { movie, .. }
        | Request::Explain { movie, .. }
        | Request::Likely { movie, .. } => Some(movie),
        _ => None,
    }
}

/// A refusal names what was asked for, and refuses no movie or user that the image has.
fn refusal(request: &Request, why: &Refusal, known: Option<&Known>) -> Result<(), String> {
    let is_about = match *why {
        Refusal::UnknownMovie(id) | Refusal::NotRated(id) => movie(request) == Some(id),
        Refusal::UnknownUser(id) => is_about(request, Who::ImageUser(id)),
        Refusal::UnknownOwner(owner) => is_about(request, Who::Owner(owner)),
        _ => true,
    };
    ensure(is_about, || {
        format!("it is refused since {why}, which nobody asked for")
    })?;
    let denied = known.is_some_and(|known| match *why {
        Refusal::UnknownMovie(id) => known.has_movie(id),
        Refusal::UnknownUser(id) => known.has_user(id),
        _ => false,
    });
    ensure(!denied, || {
        format!("it is refused since {why}, but its image has it")
    })
}

fn finite(number: f32) -> Result<(), String> {
    ensure(number.is_finite(), || {
        format!("{number} is among the numbers")
    })
}

/// Stars are a number, on the scale where that is known.
fn check_stars(stars: f32, known: Option<&Known>) -> Result<(), String> {
    finite(stars)?;
    let Some(scale) = known.map(|known| known.scale) else {
        return Ok(());
    };
    ensure(scale.contains(stars), || {
        format!(
            "{stars} stars are not between {} and {}",
            scale.lowest, scale.highest
        )
    })
}

fn check_movie(id: u32, known: Option<&Known>) -> Result<(), String> {
    ensure(known.is_none_or(|known| known.has_movie(id)), || {
        format!("movie {id} is named, which its image doesn't have")
    })
}

/// No id stands twice.
fn unique(ids: impl Iterator<Item = u32>) -> Result<(), String> {
    let mut ids: Vec<u32> = ids.collect();
    ids.sort_unstable();
    match ids.windows(2).find(|two| two[0] == two[1]) {
        Some(two) => Err(format!("movie {} is named twice", two[0])),
        None => Ok(()),
    }
}

/// No list is longer than was asked for.
fn check_length(length: usize, count: u8) -> Result<(), String> {
    ensure(length <= count.into(), || {
        format!("{} where {count} were asked for", there(length, "movie"))
    })
}

fn check_list(list: &[Ranked], count: u8, known: Option<&Known>) -> Result<(), String> {
    check_length(list.len(), count)?;
    unique(list.iter().map(|ranked| ranked.movie))?;
    list.iter().try_for_each(|ranked| {
        check_movie(ranked.movie, known)?;
        finite(ranked.score)?;
        finite(ranked.stars)
    })
}

/// No owner has more ratings than any log holds.
fn check_total(ratings: u32) -> Result<(), String> {
    ensure(ratings as usize <= MAX_LOG, || {
        format!("{ratings} ratings are more than any board holds")
    })
}

fn check_page(page: &RatingsReply, first: u16, known: Option<&Known>) -> Result<(), String> {
    check_total(page.total.into())?;
    let left = page.total.saturating_sub(first);
    let count = page.ratings.len();
    ensure(count <= left.into(), || {
        format!("{} where {left} should be left", there(count, "rating"))
    })?;
    ensure(count > 0 || left == 0, || {
        format!(
            "nothing is told of {} that should be left",
            number::count(left, "rating")
        )
    })?;
    unique(page.ratings.iter().map(|rating| rating.movie))?;
    page.ratings.iter().try_for_each(|rating| {
        finite(rating.stars)?;
        match rating.used {
            true => {
                check_movie(rating.movie, known).and_then(|()| check_stars(rating.stars, known))
            }
            false => Ok(()),
        }
    })
}

fn check_model(info: &ModelInfo<'_>) -> Result<(), String> {
    [info.mean, info.lowest, info.highest, info.step]
        .into_iter()
        .try_for_each(finite)?;
    ensure(info.lowest < info.highest && info.step > 0.0, || {
        format!(
            "{} to {} in steps of {} is no scale",
            info.lowest, info.highest, info.step
        )
    })?;
    ensure(info.movies > 0, || "it has no movies".into())
}

fn check_limits(limits: &Limits) -> Result<(), String> {
    let most = MAX_OWNERS as u8;
    ensure((1..=most).contains(&limits.owners), || {
        format!("{}, and not 1 to {most}", there(limits.owners, "owner"))
    })
}

fn check_profile(profile: &ProfileReply, known: Option<&Known>) -> Result<(), String> {
    check_total(profile.ratings)?;
    finite(profile.bias)?;
    profile.row.iter().copied().try_for_each(finite)?;
    let due = known.map_or(profile.row.len(), |known| known.user_dim);
    ensure(profile.row.len() == due && due <= MAX_DIM, || {
        format!(
            "a row of {} is not one of {due}",
            number::count(profile.row.len(), "number")
        )
    })
}

fn check_explained(explained: &Explained, known: Option<&Known>) -> Result<(), String> {
    check_stars(explained.stars, known)?;
    let parts = [
        explained.mean,
        explained.user_bias,
        explained.movie_bias,
        explained.dot,
        explained.mlp,
    ];
    parts.into_iter().try_for_each(finite)?;
    unique(explained.because.iter().map(|because| because.movie))?;
    explained.because.iter().try_for_each(|because| {
        finite(because.stars)?;
        finite(because.moved)?;
        check_movie(because.movie, known)
    })
}

fn check_owners(owners: &Owners) -> Result<(), String> {
    let count = usize::from(owners.owners);
    ensure((1..=MAX_OWNERS).contains(&count), || {
        format!("{}, and not 1 to {MAX_OWNERS}", there(count, "owner"))
    })?;
    let each = owners.ratings.iter().zip(&owners.unused).take(count);
    each.enumerate().try_for_each(|(owner, (ratings, unused))| {
        ensure(unused <= ratings && *ratings <= owners.capacity, || {
            format!(
                "owner {owner} has {}, {unused} of them not for this model, and room for {}",
                number::count(*ratings, "rating"),
                owners.capacity
            )
        })
    })
}

fn check_storage(storage: &Storage) -> Result<(), String> {
    ensure(storage.free <= storage.pages, || {
        format!("{} of {} pages are erased", storage.free, storage.pages)
    })?;
    let counts = matches!(storage.state, StorageState::Flash | StorageState::Formatted);
    ensure(!counts || storage.records <= storage.capacity, || {
        format!(
            "{} of {} records are in use",
            storage.records, storage.capacity
        )
    })
}
