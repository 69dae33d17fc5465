//! A list that is made on this PC: filtered, of a board whose image says no genres and years, or whose firmware doesn't read
//! them; or sorted, of a board whose firmware sorts by score alone. Core ranks here as it does there, from the same image and the ratings that the board tells.

use std::io::{Read, Write};

use anyhow::Result;
use pocketrec::ids::{MovieId, UserId};
use pocketrec::list::List;
use pocketrec::model::interest::Interest;
use pocketrec::profile::Rating;
use pocketrec::rank::{Order, TopN};
use pocketrec::wire::{MAX_LIST, Ranked, Reply, Request, Who};

use super::super::wanted::{WantedArgs, can_sort};
use super::Asked;
use crate::note;
use pocketrec_base::error::BadInput;
use pocketrec_link::{Connection, ratings};

/// Ranks what is `wanted` by titles in that order, and tells.
///
/// # Errors
/// [`BadInput`] where no image is at hand, or a list for two is asked for; else what went wrong on the line.
pub(super) fn tell<L: Read + Write>(
    asked: &mut Asked<'_>,
    board: &mut Connection<L>,
    request: &Request,
    (wanted, order): (&WantedArgs, Order),
) -> Result<()> {
    let Request::TopN {
        who,
        count,
        include_rated,
        include_below,
        ..
    } = *request
    else {
        return Err(BadInput::new(
            "the board can't filter a list for two: its image or firmware is without genres and years; `export --genres all` stores them",
        )
        .into());
    };
    let what = match wanted.is_open() {
        true => "--by",
        false => "--genre, --not and --year",
    };
    // Before the board is asked anything.
    asked.at_hand.needed(what)?;
    let rated = match who {
        Who::Owner(_) => ratings::all(board, who)?,
        Who::ImageUser(_) => Vec::new(),
    };
    let profile = match who {
        Who::ImageUser(_) => None,
        Who::Owner(_) => Some(board.ask_for(
            &Request::Profile { who },
            |_, _| (),
            |reply| match reply {
                Reply::Profile(profile) => Some(profile),
                _ => None,
            },
        )?),
    };
    asked.rated = asked.rated(board)?;
    let loaded = asked.at_hand.needed(what)?;
    let model = loaded.model()?;
    can_sort(&model, order)?;
    let is_filtered = !wanted.is_open();
    let wanted = wanted.of(&asked.titles)?;
    let (user, interest) = match (who, &profile) {
        (Who::ImageUser(id), _) => (
            model.user(UserId(id))?,
            model.interest_of_user(UserId(id)).unwrap_or_default(),
        ),
        (Who::Owner(_), Some(profile)) => {
            let log = (0..).zip(&rated);
            let log: Vec<Rating> = log
                .filter_map(|(at, one)| Rating::new(MovieId(one.movie), one.stars, at))
                .collect();
            (
                model.user_state(&profile.row, profile.bias),
                model.interest_of_ratings(&log),
            )
        }
        (Who::Owner(_), None) => (model.mean_user(), Interest::NONE),
    };
    let is_rated = |movie: MovieId| match who {
        _ if include_rated => false,
        Who::Owner(_) => rated.iter().any(|one| one.movie == movie.0),
        Who::ImageUser(id) => model
            .seen(UserId(id))
            .is_some_and(|seen| seen.contains(movie)),
    };
    let mut top = TopN::<MAX_LIST>::with_limit(count.into())
        .with_interest(interest)
        .with_order(order);
    if include_below {
        top = top.with_below_mean();
    }
    top.advance(
        &model,
        &user,
        |movie| wanted.has(movie.0) && !is_rated(movie),
        u32::MAX,
    );
    let mut list: List<Ranked, MAX_LIST> = List::new();
    for hit in top.hits() {
        // A ranking keeps at most a list's length.
        let _ = list.push(Ranked {
            movie: hit.movie.0,
            score: hit.score,
            stars: model.predict_for(&user, hit.movie)?,
        });
    }
    let (done, lacks) = match is_filtered {
        true => ("Filtered", "knows no genres and years"),
        false => ("Sorted", "sorts by score alone"),
    };
    note!(
        "{done} on this PC, by the image at hand and the ratings that the board tells: the board {lacks}"
    );
    asked.show(&Reply::Movies(list))
}
