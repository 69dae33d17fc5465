//! Where a file that somebody asked for goes: to its place, or to standard output, which is called `-`.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, anyhow};

use super::{Escaped, TAKEN, is_json, take_stdout};
use crate::error::BadInput;
use crate::files;

/// A file to write, or standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `-`.
    Stdout,
    /// Any other name; `./-` is a file that is called so.
    File(PathBuf),
}

impl From<OsString> for Target {
    fn from(name: OsString) -> Self {
        match name == "-" {
            true => Self::Stdout,
            false => Self::File(name.into()),
        }
    }
}

impl Target {
    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path),
        }
    }

    /// As [`claim`](Self::claim), of a file whose name says no other kind, as [`files::check_kind`] does.
    ///
    /// # Errors
    /// As both.
    pub fn claim_kind(&self, option: &str, what: &str, own: &[&str]) -> Result<()> {
        if let Self::File(path) = self {
            files::check_kind(option, path, what, own)?;
        }
        self.claim(option)
    }

    /// Makes sure, before any work, that text can be written here. Standard output is then this file's alone: what is
    /// printed from now on goes to standard error.
    ///
    /// # Errors
    /// [`BadInput`] where two things are to go to standard output, and as [`files::check_file`].
    pub fn claim(&self, option: &str) -> Result<()> {
        match self {
            Self::File(path) => files::check_file(option, path),
            Self::Stdout if TAKEN.load(Ordering::Relaxed) => {
                let other = match is_json() {
                    true => "--json",
                    false => "another option",
                };
                Err(BadInput::new(format!(
                    "{option} is -, and {other} writes to standard output already; it should name a file"
                ))
                .into())
            }
            Self::Stdout => {
                take_stdout();
                Ok(())
            }
        }
    }

    /// As [`claim`](Self::claim), of what is no text and would garble a terminal.
    ///
    /// # Errors
    /// As [`claim`](Self::claim), and where standard output is a terminal.
    pub fn claim_for_bytes(&self, option: &str) -> Result<()> {
        if *self == Self::Stdout && io::stdout().is_terminal() {
            return Err(BadInput::new(format!(
                "{option} is -, and standard output is a terminal, which can't show bytes; send it on with `>` or `|`"
            ))
            .into());
        }
        self.claim(option)
    }

    /// Writes all of it; a file beside its place first, as [`files::write`] does.
    ///
    /// # Errors
    /// What the disk or the reader of standard output says.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        self.write_with(|out| out.write_all(bytes))
    }

    /// Writes it through `fill`.
    ///
    /// # Errors
    /// The first error of `fill`, the disk or the reader of standard output.
    pub fn write_with(&self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let written = match self {
            Self::File(path) => files::write_with(path, fill),
            Self::Stdout => {
                let mut out = io::BufWriter::new(io::stdout().lock());
                fill(&mut out).and_then(|()| out.flush())
            }
        };
        written.with_context(|| format!("can't write {self}"))
    }
}

/// Writes files that belong together, or none of them; what goes to standard output is written last.
///
/// # Errors
/// What the disk or the reader of standard output says.
pub fn write_all(targets: &[(&Target, &[u8])]) -> Result<()> {
    let mut together = files::Together::default();
    for (target, bytes) in targets {
        if let Target::File(path) = target {
            together
                .add(path, |file| file.write_all(bytes))
                .with_context(|| format!("can't write {target}; nothing was changed"))?;
        }
    }
    together
        .commit()
        .map_err(|(path, error)| anyhow!("can't write {}: {error}", path.display()))?;
    let mut stdout = targets
        .iter()
        .filter(|(target, _)| **target == Target::Stdout);
    stdout.try_for_each(|(target, bytes)| target.write(bytes))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => Escaped(path.display()).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_standard_output_and_a_path_to_one_is_a_file() {
        assert_eq!(Target::from(OsString::from("-")), Target::Stdout);
        for name in ["./-", "--", "-.csv", "a"] {
            let target = Target::from(OsString::from(name));
            assert_eq!(target.file(), Some(Path::new(name)));
        }
    }
}
