//! `host fetch`: a MovieLens release from GroupLens, ready to train on.

use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::print::{self, Answer, progress, shell};
use crate::{note, say};
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_data::release::{RELEASES, Release};
use pocketrec_fetch::{FetchError, GROUPLENS, fetch};

/// Options of `host fetch`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The release: ml-100k, ml-1m, ml-10m, ml-20m, ml-25m, ml-32m, ml-latest-small or ml-latest
    #[arg(value_name = "RELEASE")]
    release: String,

    /// Folder to download and unzip into
    #[arg(long, value_name = "FOLDER", default_value = files::FOLDER)]
    out: PathBuf,

    /// Where the zips lie
    #[arg(long, value_name = "URL", default_value = GROUPLENS, hide = true)]
    from: String,
}

/// Downloads, checks and unzips.
///
/// # Errors
/// [`BadInput`] for a name that is no release; else what failed.
pub fn run(args: &Args) -> Result<()> {
    let release = Release::named(&args.release).ok_or_else(|| {
        let names: Vec<&str> = RELEASES.iter().map(|release| release.name).collect();
        BadInput::new(format!(
            "there is no release `{}`; it should be one of {}",
            args.release,
            names.join(", ")
        ))
    })?;
    files::check_folder("--out", &args.out)?;
    note!("{}", release.license());
    note!("{ACKNOWLEDGE}");
    let bar = progress::Bytes::new("fetching");
    let fetched = fetch(release, &args.from, &args.out, &bar);
    bar.finish();
    let fetched = fetched.map_err(|error| match error {
        FetchError::InTheWay(_) => anyhow::Error::new(BadInput::new(error)),
        other => other.into(),
    })?;
    print::answer(&Fetched {
        release: release.name,
        folder: fetched.folder,
        changed: fetched.changed,
        others: fetched.others,
        licence: release.license(),
        checked: release.md5.is_some(),
    })
}

/// What the people who made the data ask whoever publishes to name.
const ACKNOWLEDGE: &str = "Please acknowledge: F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: \
    History and Context. ACM Transactions on Interactive Intelligent Systems 5, 4: 19:1-19:19.";

/// A release that was fetched.
#[derive(Debug, Serialize)]
struct Fetched {
    release: &'static str,
    /// Where its files are.
    #[serde(serialize_with = "print::path")]
    folder: PathBuf,
    /// Files of the release that weren't written, since somebody had changed them or put them there.
    changed: Vec<String>,
    /// What else lies in the folder.
    others: Vec<String>,
    licence: String,
    /// Whether it has the sum that its makers published; nobody has one of a release that they change.
    checked: bool,
}

impl Answer for Fetched {
    fn tell(&self) {
        if !self.checked {
            note!("GroupLens changes this release, so there was no sum to check it against");
        }
        if !self.changed.is_empty() {
            say!(
                "Left as they are, since they were changed or weren't fetched: {}",
                self.changed.join(", ")
            );
        }
        if !self.others.is_empty() {
            say!(
                "Left too, since they aren't the release's: {}",
                self.others.join(", ")
            );
        }
        say!("Wrote {}", self.folder.display());
        let words = [
            OsStr::new("train"),
            OsStr::new("--data"),
            self.folder.as_os_str(),
        ];
        print::next(&shell::command(words));
    }
}
