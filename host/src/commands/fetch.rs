//! `host fetch`: a MovieLens release from GroupLens, ready to train on.

use std::path::PathBuf;

use anyhow::Result;

use crate::data::fetch::{GROUPLENS, fetch};
use crate::data::release::{RELEASES, Release};
use crate::error::BadInput;
use crate::files;
use crate::report::progress;

/// Options of `host fetch`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// ml-100k, ml-1m, ml-10m, ml-20m, ml-25m, ml-32m, ml-latest-small or ml-latest
    #[arg(value_name = "RELEASE")]
    release: String,

    /// Where to put the zip and the folder that it holds
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
    println!("{}", release.license());
    println!(
        "Please acknowledge: F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and"
    );
    println!("Context. ACM Transactions on Interactive Intelligent Systems 5, 4: 19:1-19:19.");
    let bar = progress::Bytes::new("fetching");
    let fetched = fetch(release, &args.from, &args.out, &bar);
    bar.finish();
    let folder = fetched?;
    if release.md5.is_none() {
        println!("GroupLens changes this release, so there was no sum to check it against");
    }
    println!(
        "Wrote {}; train on it with `host train --data {}`",
        folder.display(),
        folder.display()
    );
    Ok(())
}
