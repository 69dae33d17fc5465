//! Which files commands leave behind, and how they are written whole or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

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
    let beside = path.with_file_name(name);
    let write = || {
        let mut file = io::BufWriter::with_capacity(1 << 16, File::create(&beside)?);
        fill(&mut file)?;
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_data()?;
        std::fs::rename(&beside, path)
    };
    write().inspect_err(|_| {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&beside);
    })
}

/// Writes `bytes` as [`write_with`] does.
///
/// # Errors
/// Those of the file system.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// Makes a folder if it isn't there, and makes sure that files can be written to it: better told before an hour of work
/// than after it.
///
/// # Errors
/// Those of the file system.
pub fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)?;
    let probe = path.join(format!("probe.{}.part", std::process::id()));
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
