//! Where ratings and titles lie: a file, a pipe, a release's folder, or its zip.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::error::DataError;
use super::error::shortened;
use super::magic::{self, Kind};
use super::open;
use super::parquet;

/// Names of a ratings file in lower case, a release's own before copies'.
const RATINGS: [&str; 9] = [
    "ratings.csv",
    "ratings.dat",
    "u.data",
    "rating.csv",
    "ratings_small.csv",
    "user_ratedmovies-timestamps.dat",
    "bx-book-ratings.csv",
    "ratings.tsv",
    "ratings.txt",
];
/// Names of a titles file in lower case.
const TITLES: [&str; 4] = ["movies.csv", "movies.dat", "u.item", "movie.csv"];
/// Names of a table of users in lower case.
const USERS: [&str; 2] = ["u.user", "users.dat"];
/// Endings of what may be ratings under another name.
const TABLES: [&str; 8] = [
    ".csv", ".dat", ".tsv", ".txt", ".data", ".json", ".jsonl", ".ndjson",
];
/// What is unpacked on the way.
const PACKED: [&str; 2] = [".gz", ".zst"];
/// The largest titles file that is read: a release's has 4 MB.
pub const MOST_TITLES: u64 = 1 << 26;

/// Standard input, as `--data` says it.
pub const STDIN: &str = "-";

/// A ratings file that is open, and the titles file beside it if there is one.
pub struct Source {
    /// What people call the data: the release's folder, or the file.
    pub name: String,
    /// What messages call the ratings file: `ml-20m.zip/ml-20m/ratings.csv` for one within a zip.
    pub shown: PathBuf,
    /// Where it can be opened again; nowhere if it is a pipe.
    pub path: Option<PathBuf>,
    /// The ratings file, or the zip that holds it.
    pub(super) input: Input,
    /// The titles file.
    pub(super) titles: Option<TitlesFile>,
}

/// An input that is open.
pub(super) enum Input {
    /// A stream with its first bytes, and its length if that is known.
    Stream(Vec<u8>, Box<dyn Read + Send>, u64),
    /// A zip file and the name of the entry.
    Zip(ZipArchive<File>, String),
    /// Parquet files, which are read from their ends.
    Parquet(Vec<PathBuf>),
}

/// Where titles lie.
#[derive(Debug, Clone)]
pub(super) enum TitlesFile {
    /// In a file.
    File(PathBuf),
    /// In the zip of the ratings.
    Zipped(String),
}

impl Source {
    /// Finds and opens the ratings at `path`, once: what isn't an ordinary file can't be read twice.
    ///
    /// # Errors
    /// [`DataError::Input`] if there are none, or more than one folder has some.
    pub fn find(path: &Path) -> Result<Source, DataError> {
        if path.as_os_str() == STDIN {
            return Source::stream("standard input".into(), path, std::io::stdin());
        }
        let shown = path.display();
        let Ok(meta) = std::fs::metadata(path) else {
            let parts = parquet::parts(path);
            if !parts.is_empty() {
                return Ok(Source::of_parts(path, parts));
            }
            return Err(DataError::Input(format!(
                "there is no {shown}; --data should name a ratings file, the folder of a MovieLens release or its zip, Parquet files as in 'part-*.parquet', or be - for standard input"
            )));
        };
        if meta.is_dir() {
            return Source::in_folder(path);
        }
        let io = |error| DataError::Io(path.to_owned(), error);
        let mut file = File::open(path).map_err(io)?;
        // Of what is open, not of what now has that name.
        let meta = file.metadata().map_err(io)?;
        if !meta.is_file() {
            return Source::stream("a pipe".into(), path, file);
        }
        if parquet::is_parquet(path) {
            return Ok(Source::of_parts(path, vec![path.to_owned()]));
        }
        let head = open::head(&mut file).map_err(io)?;
        if magic::of(&head) == Kind::Zip {
            return Source::in_zip(path, file);
        }
        Ok(Source {
            name: stem(path),
            shown: path.to_owned(),
            path: Some(path.to_owned()),
            input: Input::Stream(head, Box::new(file), meta.len()),
            titles: first_of(path.parent().unwrap_or(Path::new("")), &TITLES).map(TitlesFile::File),
        })
    }

    /// Parquet files, which `path` names or holds.
    fn of_parts(path: &Path, parts: Vec<PathBuf>) -> Source {
        let beside = match path.is_dir() {
            true => path,
            false => path.parent().unwrap_or(Path::new("")),
        };
        Source {
            name: stem(path),
            shown: path.to_owned(),
            path: Some(path.to_owned()),
            input: Input::Parquet(parts),
            titles: first_of(beside, &TITLES).map(TitlesFile::File),
        }
    }

    fn stream(
        name: String,
        path: &Path,
        mut read: impl Read + Send + 'static,
    ) -> Result<Source, DataError> {
        let shown = match path.as_os_str() == STDIN {
            true => PathBuf::from("standard input"),
            false => path.to_owned(),
        };
        let head = open::head(&mut read).map_err(|error| DataError::Io(shown.clone(), error))?;
        Ok(Source {
            name,
            shown,
            path: None,
            input: Input::Stream(head, Box::new(read), 0),
            titles: None,
        })
    }

    fn in_folder(folder: &Path) -> Result<Source, DataError> {
        let mut found = candidates(folder, &names_in(folder)?)?;
        let mut deeper = Vec::new();
        if found.is_none() {
            // Unzipped into a folder of the same name: the release lies one deeper.
            for name in names_in(folder)?
                .iter()
                .filter_map(|name| name.strip_suffix('/'))
            {
                let inner = folder.join(name);
                if let Some(path) = names_in(&inner)
                    .ok()
                    .and_then(|names| candidates(&inner, &names).ok().flatten())
                {
                    deeper.push((inner, path));
                }
            }
            if deeper.len() > 1 {
                return Err(DataError::Input(format!(
                    "{} holds several data sets; --data should name one, such as {}",
                    folder.display(),
                    deeper[0].1.display()
                )));
            }
        }
        let named = match deeper.pop() {
            Some((inner, path)) => {
                found = Some(path);
                inner
            }
            None => folder.to_owned(),
        };
        let Some(path) = found else {
            let parts = parquet::parts(folder);
            if !parts.is_empty() {
                return Ok(Source::of_parts(folder, parts));
            }
            let names = names_in(folder)?;
            return Err(
                packed_ratings(folder, &names).unwrap_or_else(|| nothing_in(folder, &names))
            );
        };
        let source = Source::find(&path)?;
        let within = source.path.as_ref().is_some_and(|path| path.is_file());
        Ok(Source {
            name: if within { stem(&named) } else { source.name },
            titles: (source.titles).or_else(|| first_of(&named, &TITLES).map(TitlesFile::File)),
            ..source
        })
    }

    fn in_zip(path: &Path, mut file: File) -> Result<Source, DataError> {
        file.rewind()
            .map_err(|error| DataError::Io(path.to_owned(), error))?;
        let archive = ZipArchive::new(file).map_err(|error| broken_zip(path, error))?;
        // Zips made on a Mac repeat every name under __MACOSX.
        let entries: Vec<String> = archive
            .file_names()
            .flatten()
            .map(String::from)
            .filter(|entry| !entry.starts_with("__MACOSX") && !entry.ends_with('/'))
            .collect();
        for (entry, name) in [
            ("xl/workbook.xml", "an Excel workbook"),
            ("xl/workbook.bin", "an Excel workbook"),
            ("word/document.xml", "a Word document"),
            ("content.xml", "an OpenDocument file"),
        ] {
            if entries.iter().any(|other| other == entry) {
                return Err(open::refusal(path, name, "save its sheet as CSV"));
            }
        }
        if entries.iter().any(|entry| entry.ends_with(".npy")) {
            return Err(open::refusal(path, "a NumPy archive", "make a CSV of it"));
        }
        // The likeliest name, then the shallowest.
        let find = |rank: &dyn Fn(&str) -> Option<usize>| {
            let found = entries.iter().filter_map(|entry| {
                let name = entry.rsplit('/').next().unwrap_or(entry);
                Some((rank(name)?, entry.matches('/').count(), entry))
            });
            let mut found: Vec<_> = found.collect();
            found.sort();
            found
        };
        let ratings = find(&rank);
        let Some(&(best, depth, entry)) = ratings.first() else {
            let names: Vec<String> = entries.clone();
            return Err(nothing_in(path, &names));
        };
        if let Some((_, _, other)) = ratings
            .get(1)
            .filter(|other| (other.0, other.1) == (best, depth))
        {
            return Err(several(path, &[entry, other]));
        }
        let titles = find(&|name| {
            TITLES
                .iter()
                .position(|title| name.eq_ignore_ascii_case(title))
        });
        Ok(Source {
            name: stem(path),
            shown: path.join(entry),
            path: Some(path.to_owned()),
            titles: titles
                .first()
                .map(|(_, _, entry)| TitlesFile::Zipped((*entry).clone())),
            input: Input::Zip(archive, entry.clone()),
        })
    }
}

/// The table of users beside ratings in a file or a folder.
pub(super) fn users_beside(path: &Path) -> Option<PathBuf> {
    match path.is_dir() {
        true => first_of(path, &USERS),
        false => first_of(path.parent()?, &USERS),
    }
}

/// The name of a zip's table of users.
pub(super) fn users_in(archive: &ZipArchive<File>) -> Option<String> {
    let is_one = |name: &String| {
        let last = name.rsplit('/').next().unwrap_or(name);
        !name.starts_with("__MACOSX") && USERS.iter().any(|user| last.eq_ignore_ascii_case(user))
    };
    let mut names = archive.file_names().flatten().map(String::from);
    names.find(is_one)
}

/// The names in a folder, sorted, folders with a slash behind.
fn names_in(folder: &Path) -> Result<Vec<String>, DataError> {
    let io = |error| DataError::Io(folder.to_owned(), error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let slash = if entry.path().is_dir() { "/" } else { "" };
        names.push(format!("{}{slash}", entry.file_name().to_string_lossy()));
    }
    names.sort();
    Ok(names)
}

/// How unlikely a name is to be that of the ratings; `None` for what is none.
fn rank(name: &str) -> Option<usize> {
    let lower = name.to_ascii_lowercase();
    let bare = PACKED
        .iter()
        .find_map(|packed| lower.strip_suffix(packed))
        .unwrap_or(&lower);
    if let Some(at) = RATINGS.iter().position(|name| *name == bare) {
        return Some(at);
    }
    let table = TABLES.iter().any(|ending| bare.ends_with(ending));
    if bare.ends_with(".inter") {
        Some(RATINGS.len())
    } else if table && bare.contains("rating") {
        Some(RATINGS.len() + 1)
    } else {
        None
    }
}

/// The ratings file of a folder whose names are known, if there is one.
fn candidates(folder: &Path, names: &[String]) -> Result<Option<PathBuf>, DataError> {
    let mut ranked: Vec<(usize, &String)> = names
        .iter()
        .filter_map(|name| Some((rank(name)?, name)))
        .collect();
    ranked.sort();
    match ranked.as_slice() {
        [] => Ok(None),
        // One of several known names is the release's; of unknown ones there is no telling.
        [(first, name), (second, other), ..] if first == second && *first >= RATINGS.len() => {
            Err(several(folder, &[name, other]))
        }
        [(_, name), ..] => Ok(Some(folder.join(name))),
    }
}

/// What a folder's file of ratings is, by its name, that isn't text.
fn packed_ratings(folder: &Path, names: &[String]) -> Option<DataError> {
    let named =
        |name: &&String| name.to_ascii_lowercase().contains("rating") && !name.ends_with('/');
    names.iter().filter(named).find_map(|name| {
        let path = folder.join(name);
        let head = open::head(&mut File::open(&path).ok()?).ok()?;
        match magic::of(&head) {
            Kind::Other(name, way) => Some(open::refusal(&path, name, way)),
            Kind::Zip => Some(DataError::Input(format!(
                "{} holds no ratings file but {}; --data should name that",
                folder.display(),
                path.display()
            ))),
            _ => None,
        }
    })
}

fn several(place: &Path, names: &[&String]) -> DataError {
    let names: Vec<String> = names.iter().map(|name| shortened(name)).collect();
    DataError::Input(format!(
        "{} holds several files that may be the ratings: {}; --data should name one",
        place.display(),
        names.join(" and ")
    ))
}

/// What a person is told of a folder or a zip without ratings: what was seen there.
fn nothing_in(place: &Path, names: &[String]) -> DataError {
    const SHOWN: usize = 8;
    let shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| shortened(name))
        .collect();
    let seen = match names.len() {
        0 => "it is empty".to_owned(),
        count if count > SHOWN => format!("it has {} and {} more", shown.join(", "), count - SHOWN),
        _ => format!("it has {}", shown.join(", ")),
    };
    DataError::Input(format!(
        "{} holds no ratings file by a known name, such as {}: {seen}; --data may name the file itself, whatever it is called",
        place.display(),
        RATINGS[..3].join(", ")
    ))
}

/// Opens a zip file.
///
/// # Errors
/// [`DataError::Input`] if it is none, [`DataError::Io`] if it can't be read.
pub fn open_zip(path: &Path) -> Result<ZipArchive<File>, DataError> {
    let file = File::open(path).map_err(|error| DataError::Io(path.to_owned(), error))?;
    ZipArchive::new(file).map_err(|error| broken_zip(path, error))
}

/// A zip file's error as ours.
pub fn broken_zip(path: &Path, error: zip::result::ZipError) -> DataError {
    match error {
        zip::result::ZipError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            DataError::Io(path.to_owned(), error)
        }
        other => DataError::Input(format!(
            "{} is no whole zip file ({other}); unzip it by hand and name the folder, or fetch it again",
            path.display()
        )),
    }
}

/// The first of some names that a folder has, whatever the case.
fn first_of(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let there = names_in(folder).ok()?;
    let found = names
        .iter()
        .find_map(|name| there.iter().find(|other| other.eq_ignore_ascii_case(name)))?;
    Some(folder.join(found))
}

fn stem(path: &Path) -> String {
    // A folder given as `.` or `..` has a name only once resolved.
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    resolved.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
