//! An owner's ratings, a page after the other.

use std::io::{Read, Write};

use pocketrec::wire::{RatingEntry, RatingsReply, Reply, Request, Who};

use super::{Connection, LinkError};

/// All of an owner's ratings, in the order in which they count.
///
/// # Errors
///
/// [`LinkError`] where the board doesn't answer, or where its pages don't make one list: it tells another number of
/// ratings on the way, one movie twice, or another first page once it has told the last: they were changed meanwhile, or
/// another board answers.
pub fn all<L: Read + Write>(
    board: &mut Connection<L>,
    who: Who,
) -> Result<Vec<RatingEntry>, LinkError> {
    let mut all: Vec<RatingEntry> = Vec::new();
    let mut told = None;
    loop {
        let page = page(board, who, all.len() as u16)?;
        let total = *told.get_or_insert(page.total);
        let request = Request::Ratings { who, first: 0 };
        if total != page.total {
            let what = format!(
                "it has {total} ratings at first and {} behind {} of them",
                page.total,
                all.len()
            );
            return Err(board.nonsense(&request, what));
        }
        for rating in &page.ratings {
            if all.iter().any(|other| other.movie == rating.movie) {
                let what = format!("movie {} is named twice", rating.movie);
                return Err(board.nonsense(&request, what));
            }
            all.push(*rating);
        }
        // No page but the last is empty, and none goes beyond the number told: so this ends.
        if all.len() < usize::from(total) {
            continue;
        }
        if all.len() > page.ratings.len() {
            let again = self::page(board, who, 0)?;
            if again.total != total || !all.starts_with(&again.ratings) {
                let what = "they were changed while they were told, or another board answers now";
                return Err(board.nonsense(&request, what.into()));
            }
        }
        return Ok(all);
    }
}

fn page<L: Read + Write>(
    board: &mut Connection<L>,
    who: Who,
    first: u16,
) -> Result<RatingsReply, LinkError> {
    board.ask_for(
        &Request::Ratings { who, first },
        |_, _| (),
        |reply| match reply {
            Reply::Ratings(page) => Some(page),
            _ => None,
        },
    )
}
