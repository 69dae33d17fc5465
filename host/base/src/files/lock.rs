//! One run at a time in a folder.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

use crate::error::BadInput;

/// A folder that no other process works in meanwhile. However the process ends, the system gives the folder back.
#[derive(Debug)]
pub struct Lock {
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
        let file = match open(folder) {
            Ok(file) => file,
            Err(_) => return Ok(Lock { _file: None }),
        };
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(BadInput::new(format!(
                "{option} is {}, where another run is at work; wait for its end, or name another folder",
                folder.display()
            ))
            .into()),
            Err(TryLockError::Error(_)) => Ok(Lock { _file: None }),
        }
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
}
