//! The bytes of a file, shared by the arrays in it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::error::Failed;

/// Bytes, mapped into memory where they are a file's; a clone is of the same.
#[derive(Clone, Debug)]
pub struct Bytes(Arc<Kept>);

#[derive(Debug)]
enum Kept {
    Read(Vec<u8>),
    Mapped(Mmap),
}

impl Bytes {
    /// All bytes of a file. An ordinary one is mapped: tables take most of it, and go through the processor from where the
    /// system keeps them, without a copy.
    ///
    /// # Errors
    /// [`Failed::Input`] where there is none, [`Failed::Io`] where it can't be read.
    pub(crate) fn of(path: &Path) -> Result<Bytes, Failed> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => Failed::input(format!("there is no file {}", path.display())),
            ErrorKind::IsADirectory => {
                Failed::input(format!("{} is a folder, not a file", path.display()))
            }
            _ => Failed::Io(path.to_owned(), error),
        };
        let mut file = File::open(path).map_err(failed)?;
        let there = file.metadata().map_err(failed)?;
        if there.is_file() && there.len() > 0 {
            // SAFETY: nobody may write to the file while it is mapped, as IMPORT.md says: numbers would change under their
            // readers, and one who made it shorter would end this program. Files are replaced by a rename, here and
            // in what writes models, which changes nothing that is mapped.
            if let Ok(map) = unsafe { Mmap::map(&file) } {
                return Ok(Bytes(Arc::new(Kept::Mapped(map))));
            }
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes.into())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes(Arc::new(Kept::Read(bytes)))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &*self.0 {
            Kept::Read(bytes) => bytes,
            Kept::Mapped(map) => map,
        }
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
