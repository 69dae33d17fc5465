//! Whether a search is to end.

/// Says whether the search should end; once it has said so it goes on saying so.
pub type Stop<'a> = &'a (dyn Fn() -> bool + Sync);
