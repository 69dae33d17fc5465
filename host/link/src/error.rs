//! What goes wrong between a host and a board, a sentence each.

use std::fmt;
use std::time::Duration;

use pocketrec::wire::{Refusal, Request, VERSION};
use pocketrec_base::print::number;

/// Why a board did not answer as it should.
#[derive(Debug)]
pub enum LinkError {
    /// The line can't be opened.
    Open {
        /// What was to be opened.
        line: String,
        /// What the system says, and what might be meant.
        why: String,
    },
    /// Nothing is there: no port of this name, or a socket that nothing listens at. Bad input, where the other errors
    /// are failures.
    NoPort {
        /// The name.
        line: String,
        /// What the system says, and what to do or which ports there are.
        why: String,
    },
    /// The line broke: an unplugged cable, an emulator that ended.
    Gone {
        /// Its name.
        line: String,
        /// What the system says.
        why: std::io::Error,
    },
    /// Not a byte came.
    Silent {
        /// The line's name.
        line: String,
        /// How often the request was sent.
        tries: u32,
        /// How long each of them waited.
        waited: Duration,
    },
    /// Bytes came, but never a frame: another baud rate, or another program.
    Garbage {
        /// The line's name.
        line: String,
        /// How many bytes.
        bytes: u64,
        /// Whether they are text.
        text: bool,
    },
    /// Frames came, now or earlier, but no answer to this request.
    NoAnswer {
        /// The line's name.
        line: String,
        /// How often the request was sent.
        tries: u32,
    },
    /// Something answers that isn't pocketrec's firmware.
    Stranger {
        /// The line's name.
        line: String,
    },
    /// The firmware speaks other versions of frames.
    Version {
        /// The firmware's version.
        firmware: [u8; 3],
        /// Oldest version that it speaks.
        oldest: u8,
        /// Newest version that it speaks.
        newest: u8,
    },
    /// The answer can't be understood, or isn't one to this request.
    Answer {
        /// What was asked for.
        request: String,
    },
    /// The board works, but gets nowhere.
    Stalled {
        /// The line's name.
        line: String,
        /// How much it says is done.
        done: u32,
        /// Of how much.
        total: u32,
        /// Since when it was asked.
        waited: Duration,
    },
    /// The line broke and was opened again, and another image is behind it.
    OtherBoard {
        /// The line's name.
        line: String,
    },
    /// What the board says can't be an answer to this request.
    Nonsense {
        /// The line's name.
        line: String,
        /// What was asked for, in words.
        request: &'static str,
        /// Why it can't.
        what: String,
    },
    /// No answer came to a request that changes ratings, so nobody knows whether it does.
    Unsure {
        /// What may have happened, and what tells.
        what: &'static str,
        /// Why no answer came.
        why: Box<LinkError>,
    },
    /// The board refuses.
    Refused(Refusal),
    /// The firmware was built without what a request needs: what that is, and what to do.
    Lacks(&'static str),
    /// Somebody pressed Ctrl-C while the board was being asked.
    Interrupted {
        /// The line's name.
        line: String,
        /// Whether the board ended the request; `None` where it didn't say.
        stopped: Option<bool>,
    },
}

impl LinkError {
    /// A board's refusal of `request`: by what its firmware lacks, where that is why.
    pub fn refused(request: &Request, why: Refusal) -> Self {
        match (why, super::sense::lacks(request)) {
            (Refusal::NotSupported, Some(what)) => Self::Lacks(what),
            _ => Self::Refused(why),
        }
    }

    /// This error of `request`: with what may have happened all the same, where the request changes ratings and may have
    /// reached the board.
    pub fn of(self, request: &Request) -> Self {
        match (super::sense::change(request), self) {
            // The board said that it does nothing of the kind.
            (
                _,
                sure @ (Self::Refused(_)
                | Self::Lacks(_)
                | Self::Interrupted {
                    stopped: Some(true),
                    ..
                }),
            ) => sure,
            (_, told @ Self::Unsure { .. }) => told,
            (Some(what), why) => Self::Unsure {
                what,
                why: Box::new(why),
            },
            (None, why) => why,
        }
    }

    /// Without what may have happened.
    pub fn why(&self) -> &Self {
        match self {
            Self::Unsure { why, .. } => why.why(),
            why => why,
        }
    }
}

/// A clause as a sentence of its own.
fn sentence(clause: &str) -> String {
    let (first, rest) = clause.split_at(clause.chars().next().map_or(0, char::len_utf8));
    first.to_uppercase() + rest
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { line, why } | Self::NoPort { line, why } => {
                write!(f, "{line} can't be opened: {why}")
            }
            Self::Gone { line, why } => write!(
                f,
                "{line} is gone ({why}): was the board unplugged, or did the emulator end?"
            ),
            Self::Silent {
                line,
                tries,
                waited,
            } => write!(
                f,
                "nothing answers at {line} (asked {}, waited {} each): is it the right port, is the board powered, and does it run pocketrec's firmware?",
                number::count(*tries, "time"),
                number::seconds(waited.as_secs_f64())
            ),
            Self::Garbage {
                line,
                bytes,
                text: true,
            } => write!(
                f,
                "{line} prints text and answers nothing ({} of it): is it the right port, and does the board run pocketrec's firmware?",
                number::count(*bytes, "byte")
            ),
            Self::Garbage { line, bytes, .. } => write!(
                f,
                "{line} sends {} that make no frame: is `--baud` right? The boards' firmware speaks 115200",
                number::count(*bytes, "byte")
            ),
            Self::NoAnswer { line, tries } => write!(
                f,
                "{line} speaks as pocketrec's firmware does, but no answer to this request came (asked {}): is the line noisy?",
                number::count(*tries, "time")
            ),
            Self::Stranger { line } => {
                write!(f, "what answers at {line} is not pocketrec's firmware")
            }
            Self::Version {
                firmware: [major, minor, patch],
                oldest,
                newest,
            } => {
                let versions = match oldest == newest {
                    true => format!("version {newest}"),
                    false => format!("versions {oldest} to {newest}"),
                };
                let way_on = if *newest < VERSION {
                    "the firmware is too old, and `cargo xtask flash BOARD` brings it up to date; a program of its day saves its owners' ratings first (`query ratings --save FILE`)"
                } else {
                    "this program is too old, and a build of the firmware's day speaks it"
                };
                write!(
                    f,
                    "the board's firmware ({major}.{minor}.{patch}) speaks {versions} of the messages, and this program version {VERSION}: {way_on}"
                )
            }
            Self::Answer { request } => {
                write!(
                    f,
                    "the board was asked for {request}, and its answer can't be understood; does it run pocketrec's firmware of this version?"
                )
            }
            Self::Stalled {
                line,
                done,
                total,
                waited,
            } => write!(
                f,
                "{line} says that it works, but gets nowhere ({done} of {total} after {}): it was told to stop, and its reset button does if that doesn't",
                number::seconds(waited.as_secs_f64())
            ),
            Self::OtherBoard { line } => write!(
                f,
                "{line} broke, and a board with another image answers there now"
            ),
            Self::Nonsense {
                line,
                request,
                what,
            } => write!(
                f,
                "{line} was asked for {request}, and its answer can't be right: {what}; does it run pocketrec's firmware of this version?"
            ),
            Self::Unsure { what, why } => match why.to_string() {
                question if question.ends_with('?') => write!(f, "{question} {}", sentence(what)),
                why => write!(f, "{why}; {what}"),
            },
            Self::Refused(Refusal::NoModel(why)) => write!(
                f,
                "{}; `cargo xtask flash BOARD --image FILE` puts one there",
                Refusal::NoModel(*why)
            ),
            Self::Refused(why) => {
                let way_on = match why {
                    Refusal::StorageFailed | Refusal::StorageClosed | Refusal::NotFormatted => {
                        "; `query storage` tells how flash is, and `query format` erases all ratings and starts over"
                    }
                    Refusal::StorageOfOtherVersion => {
                        "; `query ratings --save FILE` saves them with that version on the board, and `query format` erases them"
                    }
                    Refusal::StorageUnsure => "; that is `query ratings`",
                    Refusal::NotErased => "; that is `query compact`",
                    _ => "",
                };
                write!(f, "{why}{way_on}")
            }
            Self::Lacks(what) => f.write_str(what),
            Self::Interrupted { line, stopped } => match stopped {
                Some(true) => write!(f, "interrupted: {line} was told to stop, and has stopped"),
                Some(false) => write!(
                    f,
                    "interrupted: {line} was told to stop, but had ended already or was changing ratings, which it finishes"
                ),
                None => write!(f, "interrupted: {line} did not say that it has stopped"),
            },
        }
    }
}

impl std::error::Error for LinkError {}
