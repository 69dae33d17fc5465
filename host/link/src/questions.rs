//! The questions of a self-test: a seeded choice over the users and movies of a model.

use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::rank::Order;
use pocketrec::wire::{Request, Who};
use pocketrec_base::random::Sequence;

/// How many of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Predictions of random users for random movies.
    pub predictions: usize,
    /// Lists of the 10 best movies, for random users.
    pub tops: usize,
    /// Lists of the 10 nearest movies, to random movies.
    pub similar: usize,
    /// Ratings of the owner; the whole row and bias, a prediction and a list follow them.
    pub ratings: usize,
}

impl Counts {
    /// What a board is compared with in full.
    pub const FULL: Self = Self {
        predictions: 2000,
        tops: 20,
        similar: 20,
        ratings: 50,
    };
}

/// The questions about `model`, the same for the same seed: predictions, lists and similar movies; unknown users and
/// movies; then ratings by owner 0, who must have none, with the row and bias that they lead to. Where the image has
/// no users, the owner is asked about instead.
pub fn of(model: &Model<'_>, counts: Counts, seed: u64) -> Vec<Request> {
    let mut random = Sequence::new(seed);
    let mut below = |limit: u32| random.below(limit as usize) as u32;
    let owner = Who::Owner(0);
    let users = model.user_ids();
    let movie_ids = model.movie_ids();
    // Rows come from below the index's length, so each has an id.
    let movie = |row| movie_ids.id(row).unwrap_or_default();
    let user = |row| {
        users
            .and_then(|ids| ids.id(row))
            .map_or(owner, Who::ImageUser)
    };
    let mut questions = vec![Request::ModelInfo];
    for _ in 0..counts.predictions {
        let who = user(below(model.users()));
        let movie = movie(below(model.movies()));
        questions.push(Request::Predict { who, movie });
    }
    for at in 0..counts.tops {
        let who = user(below(model.users()));
        questions.push(Request::TopN {
            who,
            count: 10,
            // Every fifth list is a whole one.
            include_rated: at % 5 == 4,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        });
    }
    for _ in 0..counts.similar {
        let movie = movie(below(model.movies()));
        questions.push(Request::Similar { movie, count: 10 });
    }
    let strangers = [0, u32::MAX, unknown(model)];
    for movie in strangers {
        questions.push(Request::Predict { who: owner, movie });
        questions.push(Request::Similar { movie, count: 10 });
    }
    for id in strangers {
        let who = Who::ImageUser(id);
        questions.push(Request::Predict {
            who,
            movie: movie(0),
        });
        questions.push(Request::TopN {
            who,
            count: 1,
            include_rated: false,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        });
    }
    questions.push(Request::Profile { who: owner });
    let scale = model.scale();
    let steps = ((scale.highest - scale.lowest) / scale.step).round() as u32 + 1;
    for _ in 0..counts.ratings {
        questions.push(Request::Rate {
            who: owner,
            movie: movie(below(model.movies())),
            stars: scale.lowest + below(steps) as f32 * scale.step,
        });
    }
    let profile = Request::Profile { who: owner };
    questions.push(profile);
    // The way back: each row has to be that of somebody with the ratings that are left.
    let again = movie(below(model.movies()));
    for stars in [scale.lowest, scale.highest] {
        questions.push(Request::Rate {
            who: owner,
            movie: again,
            stars,
        });
    }
    for back in [
        Request::Undo { who: owner },
        Request::Forget {
            who: owner,
            movie: again,
        },
        Request::Undo { who: owner },
    ] {
        questions.extend([back, profile]);
    }
    questions.push(Request::Explain {
        who: owner,
        movie: movie(0),
    });
    questions.push(Request::Predict {
        who: owner,
        movie: movie(0),
    });
    questions.push(Request::TopN {
        who: owner,
        count: 1,
        include_rated: false,
        include_below: false,
        order: Order::Score,
        wanted: Wanted::ANY,
    });
    questions
}

/// An id that neither a user nor a movie of the model has.
fn unknown(model: &Model<'_>) -> u32 {
    (1..u32::MAX)
        .find(|id| {
            let user = model.user_ids().and_then(|ids| ids.row(*id));
            user.is_none() && model.movie_ids().row(*id).is_none()
        })
        .unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Transcript;
    use pocketrec::image::example;
    use pocketrec::wire::{Refusal, Reply};

    #[test]
    fn the_questions_are_the_same_for_a_seed_and_meet_every_kind_of_answer() {
        let image = example();
        let model = Model::open(image.bytes()).unwrap();
        let counts = Counts {
            predictions: 30,
            ..Counts::FULL
        };
        let questions = of(&model, counts, 1);
        assert_eq!(questions, of(&model, counts, 1));
        assert_ne!(questions, of(&model, counts, 2));
        let transcript = Transcript::record(model, questions).unwrap();
        let replies: Vec<Reply<'_>> = transcript
            .exchanges
            .iter()
            .map(|exchange| postcard::from_bytes(&exchange.reply).unwrap())
            .collect();
        let count = |test: fn(&Reply<'_>) -> bool| replies.iter().filter(|r| test(r)).count();
        assert_eq!(count(|r| matches!(r, Reply::Stars(_))), 30 + 1);
        assert_eq!(count(|r| matches!(r, Reply::Movies(_))), 20 + 20 + 1);
        assert_eq!(count(|r| matches!(r, Reply::Rated { .. })), 50 + 2);
        assert_eq!(count(|r| matches!(r, Reply::Undone { .. })), 2);
        assert_eq!(count(|r| matches!(r, Reply::Forgotten { .. })), 1);
        let refused = |r: &Reply<'_>| {
            matches!(
                r,
                Reply::Refused(Refusal::UnknownMovie(_) | Refusal::UnknownUser(_))
            )
        };
        assert_eq!(count(refused), 12);
        let profiles: Vec<&Reply<'_>> = replies
            .iter()
            .filter(|r| matches!(r, Reply::Profile(_)))
            .collect();
        assert!(profiles.len() == 5 && profiles[0] != profiles[1]);
    }
}
