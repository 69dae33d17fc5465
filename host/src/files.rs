//! Which files commands leave behind, and how they are written whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use anyhow::{Context, Result};

use crate::error::{BadInput, INTERRUPTED};

/// Where commands write and look unless told otherwise with `--out`.
pub const FOLDER: &str = "target/pocketrec";
/// The trained model, within the folder.
pub const CHECKPOINT: &str = "model.safetensors";
/// What an Adam run needs to go on, within the folder.
pub const STATE: &str = "state.safetensors";
/// Each epoch's errors as a table.
pub const HISTORY: &str = "history.csv";
/// Each epoch's errors as a picture.
pub const CURVE: &str = "history.svg";

/// Ratings as they were read, so that a second start needn't parse them.
pub const CACHE: &str = "ratings.cache";

/// Writes a file through `fill`, beside its place first and then renamed into it, so that nobody sees half of it.
///
/// # Errors
/// The first error of `fill` or of the file system; the place is then as it was before. A device or a pipe isn't
/// written: renaming would put a file where it stood.
pub fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return Err(io::Error::other("it is there, and no ordinary file"));
    }
    let mut name = path
        .file_name()
        .ok_or(io::ErrorKind::InvalidInput)?
        .to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = Unfinished::new(path.with_file_name(name));
    let mut file = io::BufWriter::with_capacity(1 << 16, File::create(beside.path())?);
    fill(&mut file)?;
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_data()?;
    std::fs::rename(beside.path(), path)
}

/// What this process is writing.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file or a folder that is worth nothing unless it is finished and renamed: what still has its first name is removed
/// when this value goes, and when Ctrl-C ends the program.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// To be asked for before anything is there.
    pub fn new(path: PathBuf) -> Self {
        static WATCH: Once = Once::new();
        // Where Ctrl-C is watched for already, or can't be, it does what it did.
        WATCH.call_once(|| drop(ctrlc::set_handler(|| end(INTERRUPTED))));
        unfinished().push(path.clone());
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut unfinished = unfinished();
        remove(&self.0);
        unfinished.retain(|path| *path != self.0);
    }
}

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes a file or a folder; there is mostly none.
fn remove(path: &Path) {
    if std::fs::remove_file(path).is_err() {
        let _ = std::fs::remove_dir_all(path);
    }
}

/// Ends the program with an exit code, from whichever thread, and leaves nothing half-written.
pub fn end(code: u8) -> ! {
    // Held to the end: nothing new is begun.
    let unfinished = unfinished();
    for path in unfinished.iter() {
        remove(path);
        // What another thread was putting into a folder meanwhile.
        remove(path);
    }
    std::process::exit(code.into())
}

/// Writes `bytes` as [`write_with`] does.
///
/// # Errors
/// Those of the file system.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// Makes sure that [`write_with`] will be able to write the file that a person named behind `option`: better told
/// before an hour of work than after it. Nothing is left behind.
///
/// # Errors
/// [`BadInput`] for a folder, for what is no ordinary file, and for a place in a folder that isn't there; else what the
/// file system says.
pub fn check_file(option: &str, path: &Path) -> Result<()> {
    let refuse = |why: &str| -> Result<()> {
        Err(BadInput::new(format!("{option} is {}, {why}", path.display())).into())
    };
    let ends_as_a_folder = path.to_string_lossy().ends_with(std::path::is_separator);
    match std::fs::metadata(path) {
        Ok(there) if there.is_dir() => return refuse("which is a folder; it should name a file"),
        Ok(there) if !there.is_file() => {
            return refuse("which is no ordinary file; it should name one");
        }
        _ if ends_as_a_folder || path.file_name().is_none() => {
            return refuse("which names no file; it should");
        }
        _ => {}
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        let folder = folder.display();
        return refuse(&format!(
            "and there is no folder {folder}; make it first, or name another file"
        ));
    }
    probe(folder).with_context(|| format!("can't write {}", path.display()))
}

/// Makes sure that a folder can be written to, or made, as [`check_file`] does of a file. It isn't made yet: what is
/// refused for another reason should leave nothing behind.
///
/// # Errors
/// [`BadInput`] where a file is in the way; else what the file system says.
pub fn check_folder(option: &str, path: &Path) -> Result<()> {
    // Of a path that is there in part, what is there decides.
    let there = path
        .ancestors()
        .map(|part| {
            if part.as_os_str().is_empty() {
                Path::new(".")
            } else {
                part
            }
        })
        .find(|part| part.exists())
        .unwrap_or(path);
    if path.as_os_str().is_empty() || there.exists() && !there.is_dir() {
        let why = match there == path {
            true => "which is there and no folder".into(),
            false if path.as_os_str().is_empty() => "which is nothing".into(),
            false => format!("and {} is no folder", there.display()),
        };
        return Err(BadInput::new(format!(
            "{option} is {}, {why}; it should name a folder to write to",
            path.display()
        ))
        .into());
    }
    probe(there).with_context(|| format!("can't write to {}", path.display()))
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes a file to a folder and takes it away again.
fn probe(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!("probe.{}.part", std::process::id()));
    File::create(&probe)?;
    std::fs::remove_file(&probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_no_ordinary_file_is_not_replaced_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(write(&path, b"image").is_err());
        assert!(!std::fs::metadata(&path).unwrap().is_file());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_refused_by_its_option_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "there").unwrap();
        for (name, said) in [
            ("", "which is a folder; it should name a file"),
            ("missing/a.csv", "and there is no folder"),
            ("file/a.csv", "and there is no folder"),
            ("new/", "which names no file"),
        ] {
            let error = check_file("--csv", &at(name)).unwrap_err();
            assert_eq!(crate::error::exit_code(&error), 2, "{name}");
            let error = error.to_string();
            assert!(
                error.starts_with("--csv is ") && error.contains(said),
                "{error}"
            );
        }
        for name in ["file", "new"] {
            check_file("--csv", &at(name)).unwrap();
        }
        assert_eq!(std::fs::read(at("file")).unwrap(), b"there");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_checked_by_what_of_its_path_is_there_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "in the way").unwrap();
        for name in ["file", "file/x", "file/x/y"] {
            let error = check_folder("--out", &at(name)).unwrap_err();
            assert_eq!(crate::error::exit_code(&error), 2, "{name}");
            assert!(error.to_string().starts_with("--out is "), "{error}");
        }
        assert!(check_folder("--out", Path::new("")).is_err());
        for name in ["", "new", "new/deeper"] {
            check_folder("--out", &at(name)).unwrap();
        }
        check_folder("--out", Path::new("nowhere/yet")).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |file| {
            file.write_all(b"half of the n")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        write(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
