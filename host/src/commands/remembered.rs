//! What is remembered of the last board that was asked, in a small file of the person's own.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::warn;
use pocketrec_base::{files, folders};

/// The last board, and what it was asked with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// As `--port` takes it: a port, or the name of a board that `emulate` holds.
    #[serde(rename = "port")]
    pub name: String,
    /// The image that was named with it.
    pub image: Option<PathBuf>,
    /// The owner who was.
    #[serde(default)]
    pub owner: u8,
}

/// Where it is, where the system names a folder for such files.
fn path() -> Option<PathBuf> {
    Some(folders::config()?.join("board.json"))
}

impl Remembered {
    /// What is remembered, if anything is. What can't be read is as if nothing were.
    pub fn read() -> Option<Self> {
        Self::read_from(&path()?)
    }

    fn read_from(path: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }

    /// Remembers it, with a warning where that can't be.
    pub fn write(&self) {
        let Some(path) = path() else {
            return;
        };
        if Self::read_from(&path).as_ref() == Some(self) {
            return;
        }
        if let Err(error) = self.write_to(&path) {
            warn!(
                "{} can't be written, so the board isn't remembered: {error:#}",
                path.display()
            );
        }
    }

    fn write_to(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(files::write(path, &serde_json::to_vec_pretty(self)?)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::damage::{damaged, no_memory_is_claimed, some};

    #[test]
    fn what_is_remembered_comes_back_and_a_broken_file_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/board.json");
        assert_eq!(Remembered::read_from(&path), None);
        let board = Remembered {
            name: "/dev/ttyACM0".into(),
            image: Some("/model.img".into()),
            owner: 2,
        };
        board.write_to(&path).unwrap();
        assert_eq!(Remembered::read_from(&path), Some(board));
        std::fs::write(&path, "{").unwrap();
        assert_eq!(Remembered::read_from(&path), None);
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_as_none_or_names_a_port(damages in some()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("board.json");
            let whole = br#"{"port": "/dev/ttyACM0", "image": "/model.img", "owner": 2}"#;
            std::fs::write(&path, damaged(whole, &damages)).unwrap();
            if let Some(board) = Remembered::read_from(&path) {
                prop_assert!(board.name.len() < 100);
            }
            no_memory_is_claimed();
        }
    }
}
