//! Why a data set couldn't be read.

use std::fmt;
use std::path::{Path, PathBuf};

use pocketrec_base::error::BadInput;
use pocketrec_base::print;

/// A line that isn't what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The file it is in.
    pub path: PathBuf,
    /// Counted from 1.
    pub number: u64,
    /// The line itself, shortened if it is long.
    pub text: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl BadLine {
    /// A bad line; of `line` at most 80 columns are shown.
    pub fn new(path: &Path, number: u64, line: &[u8], reason: impl fmt::Display) -> BadLine {
        let line = &line[..line.len().min(400)];
        let text = String::from_utf8_lossy(line);
        BadLine {
            path: path.to_owned(),
            number,
            text: print::shown(text.trim_end_matches(['\r', '\n']), 80),
            reason: reason.to_string(),
        }
    }
}

/// A name as a sentence shows it.
pub(crate) fn shortened(name: &str) -> String {
    print::shown(name, 40)
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, line {}: `{}`: {}",
            self.path.display(),
            self.number,
            self.text,
            self.reason
        )
    }
}

/// Why a data set couldn't be read.
#[derive(Debug)]
pub enum DataError {
    /// A line is wrong.
    Line(BadLine),
    /// Something else about the input is wrong: one sentence.
    Input(String),
    /// Reading failed.
    Io(PathBuf, std::io::Error),
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataError::Line(line) => line.fmt(f),
            DataError::Input(sentence) => f.write_str(sentence),
            DataError::Io(path, error) => write!(f, "can't read {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for DataError {}

impl DataError {
    /// As an error of a command: [`BadInput`] unless the machine failed.
    pub fn into_anyhow(self) -> anyhow::Error {
        match self {
            DataError::Io(..) => anyhow::Error::new(self),
            _ => anyhow::Error::new(BadInput::new(self)),
        }
    }
}
