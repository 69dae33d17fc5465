//! The file format that checkpoints and states have: tensors by name, and why a file of them is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
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
            Kind::Read(error) => matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::IsADirectory
            ),
            Kind::Write(_) => false,
            Kind::NotSafetensors(_) | Kind::Content(_) => true,
        }
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            Kind::Read(error) if error.kind() == io::ErrorKind::IsADirectory => write!(
                f,
                "{path} is a folder; it should be a checkpoint, a file that `host train` writes"
            ),
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

/// A tensor: its name, what its elements are, its shape and bytes.
pub(super) type Named<'a> = (String, Dtype, Vec<usize>, Cow<'a, [u8]>);

/// A file that is to be written: a function of what it is made of, which the format's own writer, with the metadata in the
/// order of a hash map, isn't.
#[derive(Debug)]
pub struct File<'a> {
    header: Vec<u8>,
    tensors: Vec<Cow<'a, [u8]>>,
}

impl<'a> File<'a> {
    /// Tensors, each of which has the bytes that its shape says, and metadata.
    pub(super) fn new(
        mut tensors: Vec<Named<'a>>,
        metadata: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<Self, String> {
        // The largest elements first, so that all begin where their type may.
        tensors.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let metadata: BTreeMap<&str, String> = metadata.into_iter().collect();
        let mut header = BTreeMap::from([("__metadata__", serde_json::json!(metadata))]);
        let mut start = 0;
        for (name, dtype, shape, bytes) in &tensors {
            TensorView::new(*dtype, shape.clone(), bytes).map_err(|error| error.to_string())?;
            let end = start + bytes.len();
            let info = serde_json::json!({
                "data_offsets": [start, end],
                "dtype": dtype,
                "shape": shape,
            });
            header.insert(name, info);
            start = end;
        }
        let mut header = serde_json::to_vec(&header).map_err(|error| error.to_string())?;
        header.resize(header.len().next_multiple_of(8), b' ');
        Ok(Self {
            header,
            tensors: tensors.into_iter().map(|tensor| tensor.3).collect(),
        })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write_to(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(&(self.header.len() as u64).to_le_bytes())?;
        to.write_all(&self.header)?;
        self.tensors
            .iter()
            .try_for_each(|tensor| to.write_all(tensor))
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let length = (self.header.len() as u64).to_le_bytes();
        let mut parts = vec![&length[..], &self.header];
        parts.extend(self.tensors.iter().map(|tensor| &tensor[..]));
        parts.concat()
    }
}
