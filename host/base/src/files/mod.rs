//! Which files commands leave behind, and how they are written whole or not at all.
//!
//! [`write_with`] and [`Together`] write beside a file's place under a name that nobody else has, and rename when all is
//! there. [`check`] says beforehand whether a place can be written to, [`lock`] keeps a folder to one run at a time.

pub mod check;
pub mod lock;
pub mod name;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use check::{check_file, check_folder, check_kind};

/// Where commands write and look unless told otherwise with `--out`.
pub const FOLDER: &str = "target/pocketrec";
/// The trained model, within the folder.
pub const CHECKPOINT: &str = "model.safetensors";
/// What a run needs to go on, within the folder.
pub const STATE: &str = "state.safetensors";
/// Each epoch's errors as a table.
pub const HISTORY: &str = "history.csv";
/// Each epoch's errors as a picture.
pub const CURVE: &str = "history.svg";

/// Ratings as they were read, so that a second start needn't parse them.
pub const CACHE: &str = "ratings.cache";

/// How names of what isn't finished end.
const PART: &str = ".part";

/// Writes a file through `fill`, beside its place first and then renamed into it, so that nobody sees half of it.
///
/// A link is followed: the file that it leads to is replaced, and the link stays. A file that was there passes its
/// permissions on.
///
/// # Errors
/// The first error of `fill` or of the file system; the place is then as it was before. A device or a pipe isn't
/// written: renaming would put a file where it stood. Nor is a link that leads nowhere.
pub fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut together = Together::default();
    together.add(path, fill)?;
    together.commit().map_err(|(_, error)| error)
}

/// Writes `bytes` as [`write_with`] does.
///
/// # Errors
/// Those of the file system.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// Files that belong together: all are written before the first is put into its place. Dropped before
/// [`commit`](Self::commit) they are gone, and all places are as they were.
#[derive(Debug, Default)]
pub struct Together {
    parts: Vec<Part>,
    old: Vec<PathBuf>,
}

/// A whole file that isn't in its place yet.
#[derive(Debug)]
struct Part {
    beside: Unfinished,
    place: PathBuf,
}

impl Part {
    fn new(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Part> {
        let place = place(path)?;
        let name = place.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let (beside, file) = Unfinished::file(folder_of(&place), name)?;
        let mut file = BufWriter::with_capacity(1 << 16, file);
        fill(&mut file)?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        if let Ok(there) = std::fs::metadata(&place) {
            file.set_permissions(there.permissions())?;
        }
        file.sync_data()?;
        Ok(Part { beside, place })
    }
}

impl Together {
    /// Writes a file through `fill` beside its place, down to the disk.
    ///
    /// # Errors
    /// As [`write_with`].
    pub fn add(
        &mut self,
        path: &Path,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.parts.push(Part::new(path, fill)?);
        Ok(())
    }

    /// As [`add`](Self::add), but it comes into its place before those that were added earlier.
    ///
    /// # Errors
    /// As [`write_with`].
    pub fn add_ahead(
        &mut self,
        path: &Path,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.parts.insert(0, Part::new(path, fill)?);
        Ok(())
    }

    /// Has a file that belongs to what is replaced removed, if it is there, just before the last of the others comes
    /// into its place.
    pub fn remove(&mut self, path: &Path) {
        self.old.push(path.to_owned());
    }

    /// Puts each file into its place, in the order in which they were added: the last one is what says that all are
    /// there.
    ///
    /// # Errors
    /// The first place that can't be written, and why; those before it have their new files.
    pub fn commit(self) -> Result<(), (PathBuf, io::Error)> {
        // Held to the end: a signal doesn't come between.
        let mut unfinished = unfinished();
        let last = self.parts.len().saturating_sub(1);
        let mut failed = None;
        for (number, Part { beside, place }) in self.parts.iter().enumerate() {
            if number == last {
                let gone = self.old.iter().try_for_each(|old| {
                    let result = match std::fs::remove_file(old) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                        other => other,
                    };
                    result.map_err(|error| (old.clone(), error))
                });
                failed = gone.err();
            }
            if failed.is_none() {
                let renamed = std::fs::rename(beside.path(), place);
                failed = renamed.err().map(|error| (place.clone(), error));
            }
            if failed.is_some() {
                break;
            }
            unfinished.retain(|path| path != beside.path());
        }
        // What is left is removed as the parts go.
        drop(unfinished);
        failed.map_or(Ok(()), Err)
    }
}

/// The file that is written where `path` is named: itself, or what it links to.
fn place(path: &Path) -> io::Result<PathBuf> {
    let is_link = std::fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink());
    let place = match is_link {
        true => path.canonicalize()?,
        false => path.to_owned(),
    };
    if std::fs::metadata(&place).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return Err(io::Error::other("it is there, and no ordinary file"));
    }
    Ok(place)
}

/// What this process is writing.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file or a folder that is worth nothing unless it is finished and renamed: what still has its first name is removed
/// when this value goes, and when a signal ends the program.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// A new file in `folder`, open, whose name begins with `name` and is nobody else's.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn file(folder: &Path, name: &OsStr) -> io::Result<(Self, File)> {
        let mut unfinished = unfinished();
        let made = tempfile::Builder::new()
            .prefix(&prefix(name))
            .suffix(PART)
            .make_in(folder, |path| File::create_new(path))?;
        let (file, path) = made.keep().map_err(|error| error.error)?;
        unfinished.push(path.clone());
        Ok((Self(path), file))
    }

    /// A new folder in `folder` whose name begins with `name` and is nobody else's.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn folder(folder: &Path, name: &OsStr) -> io::Result<Self> {
        let mut unfinished = unfinished();
        let made = tempfile::Builder::new()
            .prefix(&prefix(name))
            .suffix(PART)
            .tempdir_in(folder)?;
        let path = made.keep();
        unfinished.push(path.clone());
        Ok(Self(path))
    }

    /// What `make` makes at `path`, a name that nothing has yet. A signal that comes meanwhile finds it made and named here,
    /// or neither.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn made<T>(
        path: PathBuf,
        make: impl FnOnce(&Path) -> io::Result<T>,
    ) -> io::Result<(Self, T)> {
        let mut unfinished = unfinished();
        let made = make(&path)?;
        unfinished.push(path.clone());
        Ok((Self(path), made))
    }

    /// A file that is there under a name of its own.
    pub fn there(path: PathBuf) -> Self {
        unfinished().push(path.clone());
        Self(path)
    }

    /// Lets it stay, whatever comes.
    pub fn stay(self) {
        unfinished().retain(|path| *path != self.0);
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// What a name begins with before what nobody can know beforehand.
fn prefix(name: &OsStr) -> OsString {
    let mut prefix = name.to_owned();
    prefix.push(".");
    prefix
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut unfinished = unfinished();
        if let Some(at) = unfinished.iter().position(|path| *path == self.0) {
            remove(&self.0);
            unfinished.swap_remove(at);
        }
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

/// Takes away what is half-written, where nobody is at it just now and without more memory than there is.
pub(crate) fn abandon() {
    if let Ok(unfinished) = UNFINISHED.try_lock() {
        unfinished.iter().for_each(|path| remove(path));
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

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_named_before_a_signal_can_look_and_what_is_not_made_is_not_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.part");
        let is_named = || UNFINISHED.lock().unwrap().contains(&path);
        let made = Unfinished::made(path.clone(), |path| {
            assert!(UNFINISHED.try_lock().is_err());
            File::create_new(path)
        });
        assert!(is_named());
        assert!(Unfinished::made(path.clone(), |path| File::create_new(path)).is_err());
        drop(made.unwrap());
        assert!(!is_named() && !path.exists());
    }

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

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_that_belong_together_are_all_new_or_all_old_when_one_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let three = ["a", "b", "c"];
        for name in three {
            write(&at(name), b"old").unwrap();
        }
        for failing in 0..=3 {
            let mut together = Together::default();
            together.remove(&at("d"));
            write(&at("d"), b"of the old ones").unwrap();
            let written = (0..).zip(three).try_for_each(|(number, name)| {
                together.add(&at(name), |file| {
                    file.write_all(b"new")?;
                    match number == failing {
                        true => Err(io::Error::from(io::ErrorKind::StorageFull)),
                        false => Ok(()),
                    }
                })
            });
            if failing < 3 {
                assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
                drop(together);
                assert!(
                    three
                        .iter()
                        .all(|name| std::fs::read(at(name)).unwrap() == b"old")
                );
                assert_eq!(names(folder.path()), ["a", "b", "c", "d"]);
            } else {
                together.commit().unwrap();
            }
        }
        assert!(
            three
                .iter()
                .all(|name| std::fs::read(at(name)).unwrap() == b"new")
        );
        assert_eq!(names(folder.path()), three);
    }

    #[test]
    fn files_come_into_their_places_in_order_and_the_last_only_after_all_others() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("b/full")).unwrap();
        write(&at("c"), b"old").unwrap();
        let mut together = Together::default();
        for name in ["a", "b", "c"] {
            together
                .add(&at(name), |file| file.write_all(b"new"))
                .unwrap();
        }
        let (place, _) = together.commit().unwrap_err();
        assert_eq!(place, at("b"));
        assert_eq!(std::fs::read(at("a")).unwrap(), b"new");
        assert_eq!(std::fs::read(at("c")).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a", "b", "c"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_written_through_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("elsewhere")).unwrap();
        std::fs::write(at("elsewhere/real"), "old").unwrap();
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(at("elsewhere/real"), mode(0o640)).unwrap();
        symlink("elsewhere/real", at("link")).unwrap();
        write(&at("link"), b"new").unwrap();
        assert!(at("link").symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read(at("elsewhere/real")).unwrap(), b"new");
        let there = std::fs::metadata(at("elsewhere/real")).unwrap();
        assert_eq!(there.permissions().mode() & 0o777, 0o640);
        // What is new has what the system gives to new files.
        std::fs::write(at("plain"), "").unwrap();
        write(&at("new"), b"new").unwrap();
        let mode = |name: &str| std::fs::metadata(at(name)).unwrap().permissions().mode();
        assert_eq!(mode("new"), mode("plain"));

        symlink("missing", at("dangling")).unwrap();
        assert!(write(&at("dangling"), b"new").is_err());
        assert_eq!(names(&at("elsewhere")), ["real"]);
        assert_eq!(
            names(folder.path()),
            ["dangling", "elsewhere", "link", "new", "plain"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link_that_lies_where_a_part_would() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        std::fs::write(&victim, "mine").unwrap();
        let place = folder.path().join("a.csv");
        let planted = format!("a.csv.{}.part", std::process::id());
        std::os::unix::fs::symlink(&victim, folder.path().join(planted)).unwrap();
        let mut seen = Vec::new();
        for _ in 0..2 {
            let (part, _file) = Unfinished::file(folder.path(), OsStr::new("a.csv")).unwrap();
            let name = part.path().file_name().unwrap().to_owned();
            assert!(!seen.contains(&name), "a name can be known beforehand");
            seen.push(name);
        }
        write(&place, b"new").unwrap();
        assert_eq!(std::fs::read(&victim).unwrap(), b"mine");
        assert_eq!(std::fs::read(&place).unwrap(), b"new");
    }
}
