//! One run at a time in a folder, and one program at a time that keeps a file.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Unfinished;
use crate::error::BadInput;

/// A folder that no other process works in meanwhile, or a file that none keeps. However the process ends, the system
/// gives it back.
#[derive(Debug)]
pub struct Lock {
    /// What stands beside a file as long as it is kept. Taken away while it is still locked: who opened it meanwhile then
    /// sees that it is no more.
    _beside: Option<Unfinished>,
    /// None where the file system knows no locks.
    _file: Option<File>,
}

impl Lock {
    /// Takes the folder that a person named behind `option`, and makes it if it isn't there.
    ///
    /// # Errors
    /// [`BadInput`] where another process has it; else what the file system says.
    pub fn take(option: &str, folder: &Path) -> Result<Lock> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("can't create {}", folder.display()))?;
        Self::of(open(folder), None, || {
            format!(
                "{option} is {}, where another run is at work; wait for its end, or name another folder",
                folder.display()
            )
        })
    }

    /// Takes the file that a person named behind `option`, which needn't be there yet and may be replaced meanwhile: what
    /// is locked is an empty file beside it, of its name with `.lock` behind it, which is gone afterwards.
    ///
    /// # Errors
    /// [`BadInput`] where another program has it.
    pub fn keep(option: &str, path: &Path) -> Result<Lock> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let beside = PathBuf::from(name);
        let kept = || {
            format!(
                "{option} is {}, which is in use by another program; end that one, or name another file",
                path.display()
            )
        };
        loop {
            let lock = Self::of(File::create(&beside), Some(&beside), kept)?;
            // Whoever had it may have taken it away between opening and locking.
            if lock._file.is_none() || beside.exists() {
                return Ok(lock);
            }
        }
    }

    fn of(
        file: io::Result<File>,
        beside: Option<&Path>,
        taken: impl FnOnce() -> String,
    ) -> Result<Lock> {
        let Ok(file) = file else {
            return Ok(Lock {
                _beside: None,
                _file: None,
            });
        };
        let (locked, beside) = match file.try_lock() {
            Ok(()) => (Some(file), beside),
            Err(TryLockError::WouldBlock) => return Err(BadInput::new(taken()).into()),
            Err(TryLockError::Error(_)) => (None, beside),
        };
        Ok(Lock {
            _beside: beside.map(|path| Unfinished::there(path.to_owned())),
            _file: locked,
        })
    }
}

/// The folder itself, so that nothing is left behind.
#[cfg(unix)]
fn open(folder: &Path) -> io::Result<File> {
    File::open(folder)
}

/// A file in the folder, where folders can't be opened.
#[cfg(not(unix))]
fn open(folder: &Path) -> io::Result<File> {
    File::create(folder.join("run.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_run_at_a_time_and_is_free_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new/out");
        let first = Lock::take("--out", &place).unwrap();
        let error = Lock::take("--out", &place).unwrap_err();
        assert_eq!(crate::error::exit_code(&error), 2);
        assert!(
            error.to_string().contains("another run is at work"),
            "{error}"
        );
        Lock::take("--out", folder.path()).unwrap();
        drop(first);
        Lock::take("--out", &place).unwrap();
    }

    #[test]
    fn a_file_has_one_keeper_at_a_time_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.profile");
        let first = Lock::keep("--profile", &path).unwrap();
        let error = Lock::keep("--profile", &path).unwrap_err();
        assert_eq!(crate::error::exit_code(&error), 2);
        assert!(
            error
                .to_string()
                .contains("model.profile, which is in use by")
        );
        // Another file in the same folder is free, and one that is replaced meanwhile isn't.
        Lock::keep("--profile", &folder.path().join("other.profile")).unwrap();
        super::super::write(&path, b"replaced").unwrap();
        Lock::keep("--profile", &path).unwrap_err();
        drop(first);
        Lock::keep("--profile", &path).unwrap();
        let left = std::fs::read_dir(folder.path()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["model.profile"]);
    }
}
