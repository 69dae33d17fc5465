//! The movies that were added to a board's image.

use std::io::{Read, Write};

use pocketrec::wire::{Capabilities, Entry, Reply, Request};

use super::{Connection, LinkError};

/// Them, and how many fit.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedMovies {
    /// Their entries, ascending by id.
    pub entries: Vec<Entry>,
    /// How many fit in all.
    pub room: u8,
    /// How many the board keeps for another image, none of them in use.
    pub dropped: u8,
}

impl AddedMovies {
    /// Their ids, ascending.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries.iter().filter_map(id)
    }
}

/// The id of an entry.
pub fn id(entry: &Entry) -> Option<u32> {
    entry.first_chunk().map(|id| u32::from_le_bytes(*id))
}

/// Whether a board that was greeted takes added movies.
pub fn grows<L: Read + Write>(board: &Connection<L>) -> bool {
    let hello = board.greeted();
    hello.is_some_and(|hello| Capabilities(hello.capabilities).has(Capabilities::GROW))
}

/// All of them; `None` of a board that takes none.
///
/// # Errors
///
/// [`LinkError`] where the board doesn't answer.
pub fn all<L: Read + Write>(board: &mut Connection<L>) -> Result<Option<AddedMovies>, LinkError> {
    if !grows(board) {
        return Ok(None);
    }
    let mut all = AddedMovies {
        entries: Vec::new(),
        room: 0,
        dropped: 0,
    };
    loop {
        let at = all.entries.len() as u8;
        let added = board.ask_for(
            &Request::Added { at },
            |_, _| (),
            |reply| match reply {
                Reply::Added(added) => Some(added),
                _ => None,
            },
        )?;
        (all.room, all.dropped) = (added.room, added.dropped);
        // No more than fit, of which no board has many.
        if at >= added.movies {
            return Ok(Some(all));
        }
        all.entries.push(added.entry);
    }
}
