//! Why a model can't be imported.

use std::fmt;
use std::path::PathBuf;

use pocketrec_base::error::BadInput;
use pocketrec_base::print;

/// Why a model can't be imported.
#[derive(Debug)]
pub enum Failed {
    /// What was given can't be used: a sentence.
    Input(BadInput),
    /// A file can't be read.
    Io(PathBuf, std::io::Error),
}

impl Failed {
    /// What was given can't be used.
    pub(crate) fn input(sentence: impl fmt::Display) -> Failed {
        Failed::Input(BadInput::new(sentence))
    }

    /// As an error of a command: [`BadInput`] unless the machine failed.
    pub fn into_anyhow(self) -> anyhow::Error {
        match self {
            Failed::Input(why) => anyhow::Error::new(why),
            Failed::Io(..) => anyhow::Error::new(self),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Input(why) => why.fmt(f),
            Failed::Io(path, error) => write!(f, "can't read {}: {error}", path.display()),
        }
    }
}

// Its sentence tells the disk's error too: a source would be told twice.
impl std::error::Error for Failed {}

/// A cell as a sentence shows it.
pub(crate) fn shown(cell: &str) -> String {
    print::shown(cell, 80)
}
