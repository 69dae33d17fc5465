//! The file format that checkpoints and states have: tensors by name, and why a file of them is refused.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Why a checkpoint could not be read or written; displays as one sentence that names the file.
#[derive(Debug)]
pub struct CheckpointError {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Read(std::io::Error),
    Write(std::io::Error),
    NotSafetensors(String),
    Content(String),
}

impl CheckpointError {
    /// Whether the file's content is to blame, and not the disk.
    pub fn is_bad_input(&self) -> bool {
        match &self.kind {
            Kind::Read(error) => error.kind() == std::io::ErrorKind::NotFound,
            Kind::Write(_) => false,
            Kind::NotSafetensors(_) | Kind::Content(_) => true,
        }
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            Kind::Read(error) => write!(f, "{path} could not be read: {error}"),
            Kind::Write(error) => write!(f, "{path} could not be written: {error}"),
            Kind::NotSafetensors(why) => write!(
                f,
                "{path} is not a whole safetensors file ({why}); `host train` writes one"
            ),
            Kind::Content(why) => write!(f, "{path} is not a checkpoint that can be used: {why}"),
        }
    }
}

// Its sentence tells the disk's error too: a source would be told twice.
impl std::error::Error for CheckpointError {}

pub(super) fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("its {name} is {text:?}, which is not a number"))
}

pub(super) fn tensor<'a>(
    file: &SafeTensors<'a>,
    name: &str,
    dtype: Dtype,
) -> Result<TensorView<'a>, String> {
    let tensor = file
        .tensor(name)
        .map_err(|_| format!("it has no tensor {name}"))?;
    if tensor.dtype() != dtype {
        return Err(format!(
            "{name} holds {:?} and not {dtype:?}",
            tensor.dtype()
        ));
    }
    Ok(tensor)
}

pub(super) fn floats(
    file: &SafeTensors<'_>,
    name: &str,
    sides: usize,
) -> Result<(Vec<usize>, Vec<f32>), String> {
    let tensor = tensor(file, name, Dtype::F32)?;
    if tensor.shape().len() != sides {
        return Err(format!(
            "{name} has shape {:?} and not {sides} sides",
            tensor.shape()
        ));
    }
    let (values, _) = tensor.data().as_chunks::<4>();
    let values = values
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    Ok((tensor.shape().to_vec(), values))
}

pub(super) fn integers(file: &SafeTensors<'_>, name: &str) -> Result<Vec<u32>, String> {
    let tensor = tensor(file, name, Dtype::U32)?;
    let (values, _) = tensor.data().as_chunks::<4>();
    Ok(values
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect())
}

/// Numbers' bytes in little-endian order.
pub(super) fn little_end<T: bytemuck::NoUninit>(values: &[T]) -> Cow<'_, [u8]> {
    let bytes = bytemuck::cast_slice(values);
    if cfg!(target_endian = "little") {
        return Cow::Borrowed(bytes);
    }
    let numbers = bytes.chunks_exact(size_of::<T>());
    numbers
        .flat_map(|number| number.iter().rev().copied())
        .collect()
}

/// Rewrites the header with sorted keys: the format's own writer leaves the metadata in the
/// order of a hash map, and the same checkpoint must be the same bytes.
pub(super) fn canonical(mut bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or("no header")?;
    let length = u64::from_le_bytes(*length) as usize;
    let header = rest.get(..length).ok_or("no header")?;
    let header: std::collections::BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(header).map_err(|error| error.to_string())?;
    let mut header = serde_json::to_vec(&header).map_err(|error| error.to_string())?;
    header.resize(header.len().next_multiple_of(8), b' ');
    // As long as it was: what is behind stays where it is.
    let start = (header.len() as u64)
        .to_le_bytes()
        .into_iter()
        .chain(header);
    bytes.splice(..8 + length, start);
    Ok(bytes)
}
