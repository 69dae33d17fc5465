//! How sure a board is of a prediction: asked, and in words.

use std::io::{Read, Write};

use pocketrec::model::Interval;
use pocketrec::wire::{Capabilities, Reply, Request, Who};
use pocketrec_base::print::number::fixed;

use super::{Connection, LinkError};

/// Whether a board that was greeted says how sure it is.
pub fn is_known<L: Read + Write>(board: &Connection<L>) -> bool {
    let able = board.greeted().map_or(0, |hello| hello.capabilities);
    Capabilities(able).has(Capabilities::ODDS)
}

/// Between which stars somebody's rating of a movie is likely to be; nothing where the board doesn't know it.
///
/// # Errors
/// What went wrong on the line, or the board's refusal.
pub fn ask<L: Read + Write>(
    board: &mut Connection<L>,
    who: Who,
    movie: u32,
) -> Result<Option<Interval>, LinkError> {
    if !is_known(board) {
        return Ok(None);
    }
    board.ask_for(
        &Request::Likely { who, movie },
        |_, _| (),
        |reply| match reply {
            Reply::Likely(likely) => Some(likely),
            _ => None,
        },
    )
}

/// Both ends: `3.1 to 4.6`.
pub fn ends(Interval { low, high }: Interval) -> String {
    format!("{} to {}", fixed(low, 1), fixed(high, 1))
}

/// What follows predicted stars: `, likely 3.1 to 4.6`, or nothing where it isn't known.
pub fn clause(interval: Option<Interval>) -> String {
    interval.map_or_else(String::new, |interval| {
        format!(", likely {}", ends(interval))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_reads_as_stars_with_a_decimal() {
        let interval = Interval {
            low: 3.04,
            high: 5.0,
        };
        assert_eq!(clause(Some(interval)), ", likely 3.0 to 5.0");
        assert_eq!(clause(None), "");
    }
}
