//! A list that is made on this PC: filtered, of a board whose image says no genres and years, or whose firmware doesn't read
//! them; sorted, of a board whose firmware sorts by score alone; or for two, of one whose firmware lists for one. Core ranks
//! here as it does there, from the same image and the ratings that the board tells.

use std::io::{Read, Write};

use anyhow::Result;
use pocketrec::ids::{MovieId, UserId};
use pocketrec::list::List;
use pocketrec::model::interest::Interest;
use pocketrec::model::{Model, UserState};
use pocketrec::profile::Rating;
use pocketrec::rank::{Order, TopForTwo, TopN};
use pocketrec::wire::{MAX_LIST, ProfileReply, Ranked, RatingEntry, Reply, Request, Shared, Who};

use super::super::wanted::{WantedArgs, can_sort};
use super::Asked;
use crate::note;
use pocketrec_link::{Connection, ratings};

/// What the board tells of somebody: nothing of a user of the image, who is in the image at hand too.
struct Told {
    who: Who,
    rated: Vec<RatingEntry>,
    profile: Option<ProfileReply>,
}

impl Told {
    fn by<L: Read + Write>(board: &mut Connection<L>, who: Who) -> Result<Self> {
        let (rated, profile) = match who {
            Who::ImageUser(_) => (Vec::new(), None),
            Who::Owner(_) => {
                let rated = ratings::all(board, who)?;
                let ask = Request::Profile { who };
                let profile = board.ask_for(
                    &ask,
                    |_, _| (),
                    |reply| match reply {
                        Reply::Profile(profile) => Some(profile),
                        _ => None,
                    },
                )?;
                (rated, Some(profile))
            }
        };
        Ok(Self {
            who,
            rated,
            profile,
        })
    }

    fn state(&self, model: &Model<'_>) -> Result<(UserState, Interest)> {
        Ok(match (self.who, &self.profile) {
            (Who::ImageUser(id), _) => (
                model.user(UserId(id))?,
                model.interest_of_user(UserId(id)).unwrap_or_default(),
            ),
            (Who::Owner(_), Some(profile)) => {
                let log = (0..).zip(&self.rated);
                let log: Vec<Rating> = log
                    .filter_map(|(at, one)| Rating::new(MovieId(one.movie), one.stars, at))
                    .collect();
                let user = model.user_state(&profile.row, profile.bias);
                let interest = model.interest_of_ratings(&log, user.mean());
                (user, interest)
            }
            (Who::Owner(_), None) => (model.mean_user(), Interest::NONE),
        })
    }

    fn has_rated(&self, model: &Model<'_>, movie: MovieId) -> bool {
        match self.who {
            Who::Owner(_) => self.rated.iter().any(|one| one.movie == movie.0),
            Who::ImageUser(id) => model
                .seen(UserId(id))
                .is_some_and(|seen| seen.contains(movie)),
        }
    }
}

/// What a board lacks for a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacks {
    /// Genres and years in its image.
    Genres,
    /// A firmware that reads them.
    Filter,
    /// A firmware that sorts by anything but the score.
    Orders,
    /// A firmware that lists for two.
    Together,
}

impl Lacks {
    /// The options that ask for it, what is done on this PC instead, and why.
    fn told(self) -> [&'static str; 3] {
        let wanted = "a list by --genre, --not or --year";
        match self {
            Self::Genres => [
                wanted,
                "Filtered",
                "the board's image stores no genres and years; `export --genres all` stores them, for a firmware that filters",
            ],
            Self::Filter => [
                wanted,
                "Filtered",
                "the board's image stores genres and years, but its firmware is built without what filters by them",
            ],
            Self::Orders => [
                "--by",
                "Sorted",
                "the board's firmware sorts lists by their score only",
            ],
            Self::Together => [
                "--with",
                "Made",
                "the board's firmware makes lists for one person only",
            ],
        }
    }
}

/// Ranks what is `wanted` by titles in that order, and tells.
///
/// # Errors
/// [`BadInput`](pocketrec_base::error::BadInput) where no image is at hand; else what went wrong on the line.
pub(super) fn tell<L: Read + Write>(
    asked: &mut Asked<'_>,
    board: &mut Connection<L>,
    request: &Request,
    (wanted, order): (&WantedArgs, Order),
    lacks: Lacks,
) -> Result<()> {
    let [what, done, why] = lacks.told();
    // Before the board is asked anything.
    asked.at_hand.needed(what)?;
    let (who, with) = match *request {
        Request::Together { who, with, .. } => (who, Some(with)),
        Request::TopN { who, .. } => (who, None),
        _ => return Ok(()),
    };
    let told = Told::by(board, who)?;
    let other = match with {
        Some(with) => Some(Told::by(board, with)?),
        None => None,
    };
    asked.rated = asked.rated(board)?;
    let loaded = asked.at_hand.needed(what)?;
    let model = loaded.model()?;
    can_sort(&model, order)?;
    let wanted = wanted.of(&asked.titles)?;
    let (user, interest) = told.state(&model)?;
    note!("{done} on this PC, by the image at hand and the ratings that the board tells: {why}");
    match (*request, other) {
        (
            Request::Together {
                count, agreement, ..
            },
            Some(other),
        ) => {
            let (their, theirs) = other.state(&model)?;
            let may = |movie: MovieId| {
                let mut both = [&told, &other].into_iter();
                wanted.has(movie.0) && !both.any(|one| one.has_rated(&model, movie))
            };
            let interests = [interest, theirs];
            let mut top = TopForTwo::<MAX_LIST>::with_limit(count.into(), agreement, interests)
                .with_order(order);
            top.advance(&model, [&user, &their], may, u32::MAX);
            let mut list: List<Shared, MAX_LIST> = List::new();
            for hit in top.hits() {
                let of = |user: &UserState| model.predict_for(user, hit.movie);
                // A ranking keeps at most a list's length.
                let _ = list.push(Shared {
                    movie: hit.movie.0,
                    score: hit.score,
                    stars: [of(&user)?, of(&their)?],
                });
            }
            asked.reasons = asked.reasons(board, request, &list)?;
            asked.show(&Reply::Together(list))
        }
        (
            Request::TopN {
                count,
                include_rated,
                include_below,
                ..
            },
            _,
        ) => {
            let may = |movie: MovieId| {
                wanted.has(movie.0) && (include_rated || !told.has_rated(&model, movie))
            };
            let mut top = TopN::<MAX_LIST>::with_limit(count.into())
                .with_interest(interest)
                .with_order(order);
            if include_below {
                top = top.with_below_mean();
            }
            top.advance(&model, &user, may, u32::MAX);
            let mut list: List<Ranked, MAX_LIST> = List::new();
            for hit in top.hits() {
                // A ranking keeps at most a list's length.
                let _ = list.push(Ranked {
                    movie: hit.movie.0,
                    score: hit.score,
                    stars: model.predict_for(&user, hit.movie)?,
                });
            }
            asked.show(&Reply::Movies(list))
        }
        _ => Ok(()),
    }
}
