//! A release's zip unzipped into its folder, where only what an earlier call wrote is replaced.
//!
//! Beside the files lies a list of them, [`LIST`], with the sum that each had when it was written: what differs from it
//! now is somebody's own work.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::{FetchError, Fetched, sum_of};
use pocketrec_base::files::{self, Unfinished};
use pocketrec_data::release::Release;
use pocketrec_data::{broken_zip, open_zip};

/// The list of the files that were written, as `md5sum` writes and checks it.
const LIST: &str = ".fetched.md5";

/// The most entries of a zip: the largest release has about 30.
const MOST_ENTRIES: usize = 1_000;

/// Sums of files by their names, with `/` between, within a release's folder.
type Sums = BTreeMap<String, String>;

/// Unzips into a folder beside and then moves each file into its place.
pub(super) fn unpack(release: &Release, zip: &Path, folder: &Path) -> Result<Fetched, FetchError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| FetchError::Io(path, error)
    };
    let place = folder.join(release.folder);
    if place.symlink_metadata().is_ok() && !place.is_dir() {
        return Err(FetchError::InTheWay(format!(
            "{} is there and no folder; move it away, or name another folder with --out",
            place.display()
        )));
    }
    let name = zip.file_name().unwrap_or_default();
    let beside = Unfinished::folder(folder, name).map_err(io(folder))?;
    let new = unzip(release, zip, beside.path())?;
    let from = beside.path().join(release.folder);
    if place.symlink_metadata().is_err() {
        write_list(&from, &new).map_err(io(&from))?;
        fs::rename(&from, &place).map_err(io(&place))?;
        return Ok(Fetched {
            folder: place,
            changed: Vec::new(),
            others: Vec::new(),
        });
    }
    let ours = read_list(&place);
    let mut listed = ours.clone();
    let mut changed = Vec::new();
    for (name, sum) in &new {
        let to = place.join(name);
        if to.symlink_metadata().is_ok() {
            let is = sum_of(&to).ok();
            if is.as_ref() == Some(sum) {
                listed.insert(name.clone(), sum.clone());
                continue;
            }
            let is_ours = is.is_some() && is.as_ref() == ours.get(name);
            if !is_ours || to.is_symlink() {
                changed.push(name.clone());
                continue;
            }
        }
        let parent = to.parent().unwrap_or(&place);
        // A link among the folders would lead out of the release's.
        if leads_out(&place, parent) {
            changed.push(name.clone());
            continue;
        }
        fs::create_dir_all(parent).map_err(io(parent))?;
        fs::rename(from.join(name), &to).map_err(io(&to))?;
        listed.insert(name.clone(), sum.clone());
    }
    write_list(&place, &listed).map_err(io(&place))?;
    let others = others(&place, &new, &ours).map_err(io(&place))?;
    Ok(Fetched {
        folder: place,
        changed,
        others,
    })
}

/// Whether a folder of `place` that a file should come into is, on the way, a link or no folder.
fn leads_out(place: &Path, parent: &Path) -> bool {
    parent
        .ancestors()
        .take_while(|folder| *folder != place)
        .any(|folder| folder.symlink_metadata().is_ok_and(|there| !there.is_dir()))
}

/// What lies in the folder and was never the release's, by name.
fn others(place: &Path, new: &Sums, ours: &Sums) -> io::Result<Vec<String>> {
    let tops = |name: &String| name.split('/').next().map(str::to_owned);
    let known: Vec<String> = new.keys().chain(ours.keys()).filter_map(tops).collect();
    let mut others = Vec::new();
    for entry in fs::read_dir(place)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != LIST && !known.contains(&name) {
            others.push(name);
        }
    }
    others.sort();
    Ok(others)
}

fn write_list(folder: &Path, sums: &Sums) -> io::Result<()> {
    let lines = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n"));
    files::write(&folder.join(LIST), lines.collect::<String>().as_bytes())
}

/// What was listed; nothing of a folder without a list.
fn read_list(folder: &Path) -> Sums {
    let text = fs::read_to_string(folder.join(LIST)).unwrap_or_default();
    let line = |line: &str| {
        let (sum, name) = line.split_once("  ")?;
        Some((name.to_owned(), sum.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// Unzips the release's folder into `beside`; the sums of its files.
fn unzip(release: &Release, zip: &Path, beside: &Path) -> Result<Sums, FetchError> {
    let broken = |error| FetchError::Zip(broken_zip(zip, error).to_string());
    let refuse = |name: &str, why: &str| {
        FetchError::Zip(format!(
            "{}: the entry `{}` {why}",
            zip.display(),
            name.escape_default()
        ))
    };
    let mut archive = open_zip(zip).map_err(|error| FetchError::Zip(error.to_string()))?;
    if archive.len() > MOST_ENTRIES {
        return Err(FetchError::Zip(format!(
            "{} has {} entries, more than any release",
            zip.display(),
            archive.len()
        )));
    }
    let mut sums = Sums::new();
    let mut left = release.most_unzipped();
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(broken)?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let Some(path) = plain_path(&name) else {
            return Err(refuse(&name, "would be written outside its folder"));
        };
        if path.starts_with("__MACOSX") {
            continue;
        }
        let Ok(within) = path.strip_prefix(release.folder) else {
            let why = format!("isn't in a folder {}, as the release's are", release.folder);
            return Err(refuse(&name, &why));
        };
        if entry.is_symlink() {
            return Err(refuse(&name, "is a link, which a release has none of"));
        }
        let place = beside.join(&path);
        let io = |error| FetchError::Io(place.clone(), error);
        if entry.is_dir() {
            fs::create_dir_all(&place).map_err(io)?;
            continue;
        }
        let within: Vec<_> = within
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        let within = within.join("/");
        if within.is_empty() || within == LIST || name.contains(['\n', '\r']) {
            return Err(refuse(&name, "is not a file that a release has"));
        }
        fs::create_dir_all(place.parent().unwrap_or(beside)).map_err(io)?;
        let mut file = File::create_new(&place).map_err(io)?;
        let count = io::copy(&mut entry.by_ref().take(left + 1), &mut file).map_err(io)?;
        left = left
            .checked_sub(count)
            .ok_or_else(|| refuse(&name, "makes it larger than the release can be"))?;
        file.sync_data().map_err(io)?;
        sums.insert(within, sum_of(&place).map_err(io)?);
    }
    if sums.is_empty() {
        return Err(FetchError::Zip(format!("{} is empty", zip.display())));
    }
    Ok(sums)
}

/// The path of an entry, if it stays below the folder that it is unzipped into on every system.
fn plain_path(name: &str) -> Option<PathBuf> {
    if name.contains(['\\', ':', '\0']) {
        return None;
    }
    let path = PathBuf::from(name);
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
        .then_some(path)
}
