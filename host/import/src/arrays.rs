//! The arrays of a file, by their names: safetensors, npz, npy, Keras's. What holds programs instead is refused, with the
//! lines of Python that write arrays.

use std::io::{Cursor, Read};
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use zip::ZipArchive;

use crate::array::{Array, Arrays, Element};
use crate::bytes::Bytes;
use crate::error::Failed;
use crate::hdf5::{self, Refused};
use crate::npy;

/// How much a deflated byte is at most.
const DEFLATED: u64 = 1032;

/// What the `format` of this program's own checkpoints begins with.
const OWN: &str = "pocketrec checkpoint";

/// All arrays of a file.
///
/// # Errors
/// [`Failed::Input`] for a file that isn't one of arrays or whose arrays aren't whole, [`Failed::Io`] where it can't be
/// read.
pub fn read(path: &Path) -> Result<Arrays, Failed> {
    of_bytes(Bytes::of(path)?, path).map_err(Failed::input)
}

pub(crate) fn of_bytes(bytes: Bytes, path: &Path) -> Result<Arrays, String> {
    let shown = path.display();
    if bytes.is_empty() {
        return Err(format!("{shown} is empty"));
    }
    if bytes.starts_with(npy::MAGIC) {
        let array = npy::read(bytes).map_err(|why| format!("{shown} {why}"))?;
        return Ok(Arrays::from([("array".into(), array)]));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return zipped(bytes, path);
    }
    if matches!(bytes[..], [0x80, 2..=5, ..]) {
        return Err(pickle(path));
    }
    if bytes.starts_with(hdf5::MAGIC) {
        return keras(bytes, path);
    }
    // A length, and then JSON.
    if bytes.get(8) == Some(&b'{') {
        return safetensors(bytes).map_err(|why| format!("{shown} {why}"));
    }
    Err(format!(
        "{shown} is none of what a model is imported from: safetensors, npz, Keras's files, LIBMF's text, or the folder \
         that Spark's ALSModel.save writes"
    ))
}

/// Why a pickle isn't read, and what to do.
fn pickle(path: &Path) -> String {
    let shown = path.display();
    let ends = |end: &str| {
        path.extension()
            .is_some_and(|own| own.eq_ignore_ascii_case(end))
    };
    let name = path.with_extension("safetensors");
    let name = name
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if ends("pkl") || ends("pickle") || ends("joblib") {
        let name = name.replace(".safetensors", ".npz");
        return format!(
            "{shown} is a pickle: a program that runs when it is read, so it isn't. Where it was made, write its arrays: \
             `import numpy as np, pickle; m = pickle.load(open(\"{}\", \"rb\"))` and `np.savez(\"{name}\", \
             user_factors=m.user_factors, item_factors=m.item_factors)`, with the names that the model has",
            path.file_name().unwrap_or_default().to_string_lossy()
        );
    }
    format!(
        "{shown} holds a pickle: a program that runs when it is read, so it isn't. Where it was made, write its tensors: \
         `import torch; from safetensors.torch import save_file` and `save_file({{k: v.contiguous() for k, v in \
         torch.load(\"{}\", weights_only=True).items()}}, \"{name}\")`",
        path.file_name().unwrap_or_default().to_string_lossy()
    )
}

/// The arrays in HDF5, or why they aren't read and what to do.
fn keras(bytes: Bytes, path: &Path) -> Result<Arrays, String> {
    let shown = path.display();
    hdf5::read(bytes).map_err(|why| match why {
        Refused::Damaged(why) => format!("{shown} {why}; copy or write it again"),
        Refused::Unknown(why) => format!(
            "{shown} {why}, which isn't read here. Where it was made, write its arrays: `import h5py, numpy as np; a = {{}}`, \
             `h5py.File(\"{}\").visititems(lambda k, v: a.update({{k: v[()]}}) if hasattr(v, \"shape\") else None)` and \
             `np.savez(\"model.npz\", **a)`",
            path.file_name().unwrap_or_default().to_string_lossy()
        ),
    })
}

fn safetensors(bytes: Bytes) -> Result<Arrays, String> {
    let not = |error| format!("is not a whole safetensors file ({error})");
    let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(not)?;
    let own = metadata.metadata().as_ref();
    if own.is_some_and(|own| {
        own.get("format")
            .is_some_and(|format| format.starts_with(OWN))
    }) {
        return Err(
            "is a checkpoint already: `export --checkpoint FILE` makes an image of it".into(),
        );
    }
    let start = header + 8;
    metadata
        .tensors()
        .into_iter()
        .map(|(name, info)| {
            let element = match info.dtype {
                Dtype::F16 => Element::F16,
                Dtype::BF16 => Element::BF16,
                Dtype::F32 => Element::F32,
                Dtype::F64 => Element::F64,
                Dtype::I8 => Element::Signed(1),
                Dtype::I16 => Element::Signed(2),
                Dtype::I32 => Element::Signed(4),
                Dtype::I64 => Element::Signed(8),
                Dtype::U8 => Element::Unsigned(1),
                Dtype::U16 => Element::Unsigned(2),
                Dtype::U32 => Element::Unsigned(4),
                Dtype::U64 => Element::Unsigned(8),
                other => Element::Other(format!("{other:?}")),
            };
            let (from, to) = info.data_offsets;
            let array = Array::new(
                info.shape.clone(),
                element,
                bytes.clone(),
                start + from..start + to,
            )
            .map_err(|why| format!("is cut or damaged: {name} {why}"))?;
            Ok((name, array))
        })
        .collect()
}

/// An npz, or something else that is zipped.
fn zipped(bytes: Bytes, path: &Path) -> Result<Arrays, String> {
    let shown = path.display();
    let broken = |error: &dyn std::fmt::Display| format!("{shown} is cut or damaged ({error})");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let names = archive.file_names().map(|name| name.map(String::from));
    let names: Vec<String> = names
        .collect::<Result<_, _>>()
        .map_err(|error| broken(&error))?;
    if names.iter().any(|name| name.ends_with("data.pkl")) {
        return Err(pickle(path));
    }
    let mut arrays = Arrays::new();
    for name in names {
        let (plain, is_keras) = match (name.strip_suffix(".npy"), name.ends_with(".weights.h5")) {
            (Some(plain), _) => (plain, false),
            (None, true) => (&name[..], true),
            (None, false) => continue,
        };
        let entry = archive.by_name(&name).map_err(|error| broken(&error))?;
        // The entry's claim, and no more than what is packed can hold.
        let most = entry
            .size()
            .min(entry.compressed_size().saturating_mul(DEFLATED));
        let mut bytes = Vec::new();
        // One byte more, so that its end is reached, where its checksum is compared.
        entry
            .take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| broken(&format!("{plain}: {error}")))?;
        if bytes.len() as u64 > most {
            return Err(broken(&format!("{plain} is longer than it says")));
        }
        if is_keras {
            arrays.extend(keras(bytes.into(), path)?);
            continue;
        }
        let array = npy::read(bytes.into()).map_err(|why| format!("{shown}: {plain} {why}"))?;
        arrays.insert(plain.to_owned(), array);
    }
    match arrays.is_empty() {
        false => Ok(arrays),
        true => Err(format!(
            "{shown} is a zip file without arrays of NumPy's or Keras's in it"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn npz(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn what_is_not_read_is_refused_with_the_lines_that_convert_it() {
        for (bytes, name, line) in [
            (
                npz(&[("m/data.pkl", b"\x80\x02.")]),
                "m.pt",
                "save_file({k: v.contiguous()",
            ),
            (b"\x80\x02}".to_vec(), "m.bin", "weights_only=True"),
            (
                b"\x80\x05}".to_vec(),
                "m.pkl",
                "np.savez(\"m.npz\", user_factors=",
            ),
            (
                include_bytes!("keras/chunks.h5").to_vec(),
                "m.h5",
                "has `user_factors` in chunks packed with lzf, which isn't read here. Where it was made",
            ),
            (
                npz(&[("model.weights.h5", include_bytes!("keras/chunks.h5"))]),
                "m.keras",
                "`np.savez(\"model.npz\", **a)`",
            ),
            (
                [hdf5::MAGIC, b"\x07"].concat(),
                "m.h5",
                "m.h5 has version 7 of HDF5 (0 to 3 are known), which isn't read here. Where",
            ),
            (
                npz(&[("model.weights.h5", b"x")]),
                "m.keras",
                "m.keras is cut or damaged: it ends early; copy or write it again",
            ),
        ] {
            let told = of_bytes(bytes.into(), Path::new(name)).unwrap_err();
            assert!(told.contains(line), "{told}");
        }
    }

    #[test]
    fn a_file_that_is_cut_anywhere_is_refused() {
        let floats = npy::written("<f4", "(2, 2)", &[0; 16]);
        let whole = npz(&[("user_factors.npy", &floats), ("item_factors.npy", &floats)]);
        let arrays = of_bytes(whole.clone().into(), Path::new("m.npz")).unwrap();
        assert_eq!(arrays["item_factors"].shape, [2, 2]);
        for length in 0..whole.len() {
            of_bytes(whole[..length].to_vec().into(), Path::new("m.npz")).unwrap_err();
        }
        let view = safetensors::tensor::TensorView::new(Dtype::F32, vec![1, 2], &[0; 8]).unwrap();
        let whole = safetensors::serialize([("a", view)], None).unwrap();
        assert_eq!(
            of_bytes(whole.clone().into(), Path::new("m")).unwrap()["a"].shape,
            [1, 2]
        );
        for length in 0..whole.len() {
            let told = of_bytes(whole[..length].to_vec().into(), Path::new("m")).unwrap_err();
            assert!(told.starts_with("m "), "{told}");
        }
    }
}
