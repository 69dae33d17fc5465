//! Why a data set couldn't be read.

use std::fmt;
use std::path::{Path, PathBuf};

use pocketrec_base::error::BadInput;

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
    /// A bad line; `line` is shown with its control characters escaped and at most 80 characters of it.
    pub fn new(path: &Path, number: u64, line: &[u8], reason: impl fmt::Display) -> BadLine {
        let line = &line[..line.len().min(400)];
        let shown: String = String::from_utf8_lossy(line)
            .trim_end_matches(['\r', '\n'])
            .chars()
            .flat_map(|c| {
                if c.is_control() {
                    c.escape_default().collect()
                } else {
                    vec![c]
                }
            })
            .collect();
        let text = match shown.char_indices().nth(80) {
            Some((cut, _)) => format!("{}…", &shown[..cut]),
            None => shown,
        };
        BadLine {
            path: path.to_owned(),
            number,
            text,
            reason: reason.to_string(),
        }
    }
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
