//! An image in memory, at an address divisible by 4 as core wants it.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use pocketrec::model::Model;

use pocketrec_base::error::BadInput;

/// The bytes of an image, 4-byte aligned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageBytes {
    words: Vec<u32>,
    length: usize,
}

impl ImageBytes {
    /// `length` zeros.
    pub fn zeroed(length: usize) -> Self {
        Self {
            words: vec![0; length.div_ceil(4)],
            length,
        }
    }

    /// A copy of `bytes`.
    pub fn copy(bytes: &[u8]) -> Self {
        let mut own = Self::zeroed(bytes.len());
        own.as_mut().copy_from_slice(bytes);
        own
    }

    /// Reads a file whole; what it holds is not looked at.
    ///
    /// # Errors
    ///
    /// [`BadInput`] where there is no such file or a folder, anything else where the disk refuses.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Self::copy(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(BadInput::new(format!(
                "{} does not exist; `cargo run -p host -- export` writes an image",
                path.display()
            ))
            .into()),
            Err(error) if error.kind() == ErrorKind::IsADirectory => Err(BadInput::new(format!(
                "{} is a folder; it should be an image, which `cargo run -p host -- export` writes",
                path.display()
            ))
            .into()),
            Err(error) => {
                Err(error).with_context(|| format!("{} could not be read", path.display()))
            }
        }
    }

    /// Verifies the image and borrows it.
    ///
    /// # Errors
    ///
    /// [`BadInput`] that names `path` and the field or table at fault.
    pub fn open(&self, path: &Path) -> anyhow::Result<Model<'_>> {
        let refused = |why| {
            BadInput::new(format!(
                "{} is not an image that can be used: {why}; `cargo run -p host -- export` writes one",
                path.display()
            ))
        };
        Ok(Model::open(self.as_ref()).map_err(refused)?)
    }

    /// Keeps the first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }
}

impl AsRef<[u8]> for ImageBytes {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }
}

impl AsMut<[u8]> for ImageBytes {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.length]
    }
}
