//! Where ratings and titles lie: a file, a release's folder, or its zip.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::error::DataError;

/// Names of a ratings file, the release's own before copies'.
const RATINGS: [&str; 5] = [
    "ratings.csv",
    "ratings.dat",
    "u.data",
    "rating.csv",
    "ml-100k.inter",
];
/// Names of a titles file.
const TITLES: [&str; 4] = ["movies.csv", "movies.dat", "u.item", "movie.csv"];

/// A ratings file, and the titles file beside it if there is one.
#[derive(Debug)]
pub struct Source {
    /// What people call the data: the release's folder, or the file.
    pub name: String,
    /// The ratings file, or the zip that holds it.
    pub path: PathBuf,
    /// Entry names of ratings and titles within the zip.
    pub zipped: Option<(String, Option<String>)>,
    /// The titles file, outside a zip.
    pub titles: Option<PathBuf>,
}

impl Source {
    /// Finds the ratings at `path`.
    ///
    /// # Errors
    /// [`DataError::Input`] if there are none, or more than one folder has some.
    pub fn find(path: &Path) -> Result<Source, DataError> {
        let shown = path.display();
        let Ok(meta) = std::fs::metadata(path) else {
            return Err(DataError::Input(format!(
                "there is no {shown}; --data should name a ratings file, the folder of a MovieLens release or its zip"
            )));
        };
        if meta.is_dir() {
            return Source::in_folder(path);
        }
        let mut magic = [0; 4];
        let io = |error| DataError::Io(path.to_owned(), error);
        let mut file = File::open(path).map_err(io)?;
        let got = file.read(&mut magic).map_err(io)?;
        // The second is of a zip without an entry.
        let zip = [b"PK\x03\x04", b"PK\x05\x06"];
        if zip.iter().any(|zip| magic[..got].starts_with(*zip)) {
            return Source::in_zip(path);
        }
        let titles = first_of(path.parent().unwrap_or(Path::new("")), &TITLES);
        Ok(Source {
            name: stem(path),
            path: path.to_owned(),
            zipped: None,
            titles,
        })
    }

    fn in_folder(folder: &Path) -> Result<Source, DataError> {
        let found = |folder: &Path| {
            first_of(folder, &RATINGS).map(|path| Source {
                name: stem(folder),
                path,
                zipped: None,
                titles: first_of(folder, &TITLES),
            })
        };
        if let Some(source) = found(folder) {
            return Ok(source);
        }
        // Unzipped into a folder of the same name: the release lies one deeper.
        let entries =
            std::fs::read_dir(folder).map_err(|error| DataError::Io(folder.to_owned(), error))?;
        let mut deeper: Vec<Source> = entries
            .flatten()
            .filter_map(|entry| found(&entry.path()))
            .collect();
        match deeper.len() {
            1 => Ok(deeper.remove(0)),
            0 => Err(DataError::Input(format!(
                "{} holds no ratings; it should have one of {}",
                folder.display(),
                RATINGS[..4].join(", ")
            ))),
            _ => Err(DataError::Input(format!(
                "{} holds several data sets; --data should name one, such as {}",
                folder.display(),
                deeper[0].path.display()
            ))),
        }
    }

    fn in_zip(path: &Path) -> Result<Source, DataError> {
        let archive = open_zip(path)?;
        // The shallowest of a name; zips made on a Mac repeat every name under __MACOSX.
        let entries: Vec<String> = archive
            .file_names()
            .flatten()
            .map(String::from)
            .filter(|entry| !entry.starts_with("__MACOSX"))
            .collect();
        let find = |names: &[&str]| {
            let rank = |entry: &String| {
                names
                    .iter()
                    .position(|name| entry.rsplit('/').next() == Some(*name))
            };
            let found = entries
                .iter()
                .filter_map(|entry| Some((entry.matches('/').count(), rank(entry)?, entry)));
            found.min().map(|(_, _, entry)| entry.clone())
        };
        let Some(ratings) = find(&RATINGS) else {
            return Err(DataError::Input(format!(
                "{} holds no ratings; it should have one of {}",
                path.display(),
                RATINGS[..4].join(", ")
            )));
        };
        Ok(Source {
            name: stem(path),
            path: path.to_owned(),
            zipped: Some((ratings, find(&TITLES))),
            titles: None,
        })
    }

    /// What messages call the ratings file: `ml-20m.zip/ml-20m/ratings.csv` for one within a zip.
    pub fn ratings_path(&self) -> PathBuf {
        match &self.zipped {
            Some((entry, _)) => self.path.join(entry),
            None => self.path.clone(),
        }
    }
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
        zip::result::ZipError::Io(error) => DataError::Io(path.to_owned(), error),
        other => DataError::Input(format!(
            "{} is no whole zip file ({other}); unzip it by hand and name the folder, or fetch it again",
            path.display()
        )),
    }
}

fn first_of(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

fn stem(path: &Path) -> String {
    // A folder given as `.` or `..` has a name only once resolved.
    let resolved = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    resolved.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
