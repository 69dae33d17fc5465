//! Getting a MovieLens release from where GroupLens keeps it: `download`, check, `unpack`.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "everything is printed by pocketrec_base::print, which escapes it"
)]

mod download;
mod part;
mod unpack;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use md5::{Digest, Md5};

use pocketrec_base::print;
use pocketrec_data::LoadProgress;
use pocketrec_data::release::Release;

/// Where GroupLens keeps the releases.
pub const GROUPLENS: &str = "https://files.grouplens.org/datasets/movielens";

/// How long nothing may come before a server is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a release couldn't be had; displays as one sentence.
#[derive(Debug)]
pub enum FetchError {
    /// The server can't be reached, or refuses.
    Network(String, Box<ureq::Error>),
    /// The connection broke off.
    Broken {
        /// The address.
        url: String,
        /// What the line or the server says.
        error: io::Error,
        /// How many bytes are there, where the next call goes on from them.
        goes_on: Option<u64>,
    },
    /// The disk refuses.
    Io(PathBuf, io::Error),
    /// What came isn't what GroupLens published.
    Sum {
        /// The file that was deleted again.
        path: PathBuf,
        /// Its MD5 sum.
        found: String,
        /// The published one.
        published: &'static str,
    },
    /// What the server sends, or where it sends us, isn't what was asked for: a sentence.
    Refused(String),
    /// Something else has the place of a file that would be written: a sentence.
    InTheWay(String),
    /// The zip is broken, or would write outside its folder: a sentence.
    Zip(String),
}

impl std::fmt::Display for FetchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FetchError::Network(url, error) => {
                write!(
                    f,
                    "can't fetch {url}: {error}; download it by hand and give `train --data` the zip"
                )
            }
            FetchError::Broken {
                url,
                error,
                goes_on: None,
            } => write!(f, "the download of {url} broke off ({error}); try again"),
            FetchError::Broken {
                url,
                error,
                goes_on: Some(got),
            } => write!(
                f,
                "the download of {url} broke off ({error}); the same command goes on behind the {} that came",
                print::bytes(*got)
            ),
            FetchError::Io(path, error) => write!(f, "can't write {}: {error}", path.display()),
            FetchError::Sum {
                path,
                found,
                published,
            } => write!(
                f,
                "{} has the MD5 sum {found}, where GroupLens published {published}: the download was broken, try again",
                path.display()
            ),
            FetchError::Refused(sentence)
            | FetchError::InTheWay(sentence)
            | FetchError::Zip(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for FetchError {}

/// A release that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The folder that holds the ratings.
    pub folder: PathBuf,
    /// Files of the release that somebody had changed, and that stay as they are; by their names in the folder.
    pub changed: Vec<String>,
    /// What else lies in the folder, and stays.
    pub others: Vec<String>,
}

/// Fetches a release's zip from `base`, checks its MD5 sum where GroupLens publishes one, and unzips it into `folder`.
///
/// A zip that is there already with the right sum isn't fetched again, and a download that broke off is gone on with.
/// Only files that an earlier call wrote are replaced; nothing is deleted.
///
/// # Errors
/// [`FetchError`]; nothing half-written stays but a part that the next call goes on from.
pub fn fetch(
    release: &Release,
    base: &str,
    folder: &Path,
    progress: &dyn LoadProgress,
) -> Result<Fetched, FetchError> {
    fetch_within(PATIENCE, release, base, folder, progress)
}

/// As [`fetch`], with a patience of one's own.
fn fetch_within(
    patience: Duration,
    release: &Release,
    base: &str,
    folder: &Path,
    progress: &dyn LoadProgress,
) -> Result<Fetched, FetchError> {
    fs::create_dir_all(folder).map_err(|error| FetchError::Io(folder.to_owned(), error))?;
    let zip = folder.join(format!("{}.zip", release.name));
    let there = sum_of(&zip).ok();
    match (release.md5, there) {
        (Some(md5), Some(sum)) if sum == md5 => {}
        (Some(_), Some(_)) => {
            return Err(FetchError::InTheWay(format!(
                "{} is there and isn't the zip that GroupLens published; move it away, or name another folder with --out",
                zip.display()
            )));
        }
        _ => {
            let url = format!("{}/{}.zip", base.trim_end_matches('/'), release.name);
            download::download(patience, release, &url, &zip, progress)?;
        }
    }
    unpack::unpack(release, &zip, folder)
}

/// The MD5 sum of a file.
fn sum_of(path: &Path) -> io::Result<String> {
    let (mut md5, mut file) = (Md5::new(), File::open(path)?);
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex(&md5.finalize())),
            count => md5.update(&block[..count]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod broken_tests;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
#[path = "../../data/src/zipped.rs"]
mod zipped;
