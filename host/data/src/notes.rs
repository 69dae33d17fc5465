//! What a reader found out, guessed or left out: a person is told of each, in a line.

use std::fmt;

use super::columns::Told;
use super::error::shortened;
use super::names::{Closed, Names};
use super::scale::{GivenScale, Scale};
use super::time::Unit;
use pocketrec_base::print;

/// Something that a person should know of how their ratings were read.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// Which columns were taken for what.
    Columns(String),
    /// The scale that the ratings were found to be on.
    Found(Scale),
    /// The scale that was given for them.
    Given(GivenScale),
    /// Most ratings by far are lower than the highest ones.
    FewAbove {
        /// How many are higher.
        count: usize,
        /// What the others don't exceed.
        most: f32,
        /// The highest.
        highest: f32,
    },
    /// Many ratings have the value that is the mark of no rating in many data sets.
    ManyLowest {
        /// How many, in percent.
        percent: usize,
        /// The scale with them.
        scale: Scale,
    },
    /// Ids are texts.
    Names {
        /// Whose: `user` or `movie`.
        what: &'static str,
        /// The line of the first that is not a plain number, and what it is.
        first: Option<(u64, String)>,
    },
    /// Ids are numbers that are written otherwise.
    Written {
        /// Whose: `user` or `movie`.
        what: &'static str,
        /// How one of them is written.
        text: String,
        /// What it was taken for.
        id: u32,
    },
    /// Ratings of a movie that the same user rated again.
    Duplicates {
        /// How many were dropped.
        count: usize,
        /// Whether it is known which is the latest.
        timed: bool,
    },
    /// Lines with the mark of no rating.
    Unrated(u64),
    /// Lines that repeat the header.
    Headers(u64),
    /// What times are counted in, if it isn't seconds.
    Unit(&'static str),
    /// Some ratings have no time.
    Untimed(u64),
    /// When ratings were given isn't known.
    NoTimes,
    /// Titles beside the ratings can't be read, and why.
    NoTitles(String),
    /// Something about titles that were read.
    Titles(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Columns(said) => f.write_str(said),
            Note::Found(scale) => write!(f, "Its ratings go from {scale}, as found from them; --scale states another scale"),
            Note::Given(scale) => write!(f, "Its ratings are on the scale {scale}, as --scale says"),
            Note::FewAbove { count, most, highest } => write!(
                f,
                "Only {count} of its ratings {} above {most}, up to {highest}: if {} wrong, --scale with {most} as the highest names the first by its line",
                if *count == 1 { "is" } else { "are" },
                if *count == 1 { "it is" } else { "they are" }
            ),
            Note::ManyLowest { percent, scale } => write!(
                f,
                "{percent} % of its ratings are {}: if that means that there is none, --scale {}..{} leaves them out",
                scale.min,
                scale.min.max(0.0) + scale.step.max(1.0),
                scale.max
            ),
            Note::Names { what, first } => {
                write!(f, "Its {what} ids are names, which are kept")?;
                match first {
                    Some((line, text)) => write!(f, ": `{}` in line {line} is not a plain number", shortened(text)),
                    None => Ok(()),
                }
            }
            Note::Written { what, text, id } => {
                write!(f, "Its {what} ids are written like `{}`, which is taken as {id}", shortened(text))
            }
            Note::Duplicates { count, timed } => write!(
                f,
                "{} of a movie that the same user rated again {} left out: the {} counts",
                counted(*count as u64, "rating"),
                were(*count as u64),
                if *timed { "latest" } else { "last in the file" }
            ),
            Note::Unrated(count) => write!(
                f,
                "{} whose rating is 0 or -1, below the scale, {} left out as not rated",
                counted(*count, "line"),
                were(*count)
            ),
            Note::Headers(count) => write!(
                f,
                "{} like the header {} left out",
                counted(*count, "line"),
                were(*count)
            ),
            Note::Unit(unit) => write!(f, "Its times are taken as {unit} since 1970"),
            Note::Untimed(count) => write!(
                f,
                "{} without a time {} taken as the earliest",
                counted(*count, "rating"),
                were(*count)
            ),
            Note::NoTitles(why) => write!(f, "Its movies have no titles: {why}"),
            Note::Titles(said) => f.write_str(said),
            Note::NoTimes => f.write_str(
                "It doesn't say when ratings were given: lists leave out what somebody's latest ratings show",
            ),
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    print::count(count as usize, what)
}

fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

/// What lines told, in notes; `count` ratings came of them.
pub(super) fn of_lines(told: Told, count: usize) -> Vec<Note> {
    let mut notes: Vec<Note> = told.guessed.map(Note::Columns).into_iter().collect();
    if told.headers > 0 {
        notes.push(Note::Headers(told.headers));
    }
    if told.unrated > 0 {
        notes.push(Note::Unrated(told.unrated));
    }
    for (unit, name) in [
        (Unit::Milliseconds, "milliseconds"),
        (Unit::Microseconds, "microseconds"),
        (Unit::Nanoseconds, "nanoseconds"),
    ] {
        if told.units & unit.bit() != 0 {
            notes.push(Note::Unit(name));
        }
    }
    if told.untimed > 0 && told.untimed < count as u64 {
        notes.push(Note::Untimed(told.untimed));
    }
    notes
}

/// Names of ids, and the note of them if there is one to make.
pub(super) fn of_ids(
    what: &'static str,
    closed: Closed,
    first: Option<(u64, String)>,
) -> (Names, Option<Note>) {
    match closed {
        Closed::Numbers(None) => (Names::default(), None),
        Closed::Numbers(Some((id, text))) => {
            (Names::default(), Some(Note::Written { what, text, id }))
        }
        Closed::Names(names) => (names, Some(Note::Names { what, first })),
    }
}

/// Whether many ratings are 0 or -1, and all others above 0.
pub(super) fn many_lowest(stars: &[f32], scale: Scale) -> Option<Note> {
    const MANY: usize = 20;
    let lowest = stars.iter().filter(|stars| **stars == scale.min).count();
    let percent = lowest * 100 / stars.len().max(1);
    let marked = scale.min == 0.0 || scale.min == -1.0;
    (marked && scale.max > 1.0 && percent >= MANY).then_some(Note::ManyLowest { percent, scale })
}

/// Whether some few ratings lie far above all others, as a slip of a digit does.
pub(super) fn few_above(stars: &[f32], scale: Scale) -> Option<Note> {
    const FEW: usize = 1000;
    let most = [5.0, 10.0, 100.0].into_iter().find(|most| {
        let above = stars.iter().filter(|stars| **stars > *most).count();
        above > 0 && above * FEW < stars.len()
    })?;
    let count = stars.iter().filter(|stars| **stars > most).count();
    Some(Note::FewAbove {
        count,
        most,
        highest: scale.max,
    })
}
