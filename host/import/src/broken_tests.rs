//! Damaged files: whatever is in them, reading ends with a model or with a sentence.

use std::path::Path;

use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};

use crate::checkpoint::make;
use crate::found::{Found, Wishes};
use crate::spark;
use crate::tests::{BARE, Folder, bytes, numbers};

/// A change of a file, at a share of its length.
#[derive(Clone, Debug)]
enum Damage {
    /// Another byte.
    Byte(f64, u8),
    /// The end is missing.
    Cut(f64),
    /// Some bytes are missing.
    Gone(f64, usize),
    /// Some bytes are there twice.
    Twice(f64, usize),
    /// The nearest digit and those behind it are nines, and one more: a size that nobody has the memory for.
    Nines(f64),
}

impl Damage {
    fn any() -> impl Strategy<Value = Damage> {
        let at = 0.0..1.0;
        prop_oneof![
            4 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
            1 => at.clone().prop_map(Damage::Cut),
            1 => (at.clone(), 1_usize..40).prop_map(|(at, length)| Damage::Gone(at, length)),
            1 => (at.clone(), 1_usize..40).prop_map(|(at, length)| Damage::Twice(at, length)),
            2 => at.prop_map(Damage::Nines),
        ]
    }

    fn apply(&self, file: &mut Vec<u8>) {
        let place = |at: &f64| (at * file.len() as f64) as usize;
        match self {
            _ if file.is_empty() => {}
            Damage::Byte(at, byte) => {
                let at = place(at);
                file[at] = *byte;
            }
            Damage::Cut(at) => file.truncate(place(at)),
            Damage::Gone(at, length) => {
                let from = place(at);
                file.drain(from..file.len().min(from + length));
            }
            Damage::Twice(at, length) => {
                let from = place(at);
                let again = file[from..file.len().min(from + length)].to_vec();
                file.splice(from..from, again);
            }
            Damage::Nines(at) => {
                let digit = file.iter().skip(place(at)).position(u8::is_ascii_digit);
                let Some(from) = digit.map(|digit| digit + place(at)) else {
                    return;
                };
                let digits = file[from..].iter().take_while(|byte| byte.is_ascii_digit());
                let end = from + digits.count();
                file.splice(from..end, std::iter::repeat_n(b'9', end - from + 1));
            }
        }
    }
}

/// Reads what is at `path` and makes a checkpoint of it, or says in a sentence why not.
fn read(path: &Path) {
    let is_sentence =
        |sentence: &str| !sentence.is_empty() && sentence.len() < 600 && !sentence.contains('\n');
    match Found::read(path, &Wishes::default()) {
        Ok(found) => {
            if let Err(error) = make(found, &BARE) {
                assert!(is_sentence(&error.to_string()), "{error}");
            }
        }
        Err(error) => {
            let sentence = error.to_string();
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(is_sentence(&sentence), "{sentence:?}");
            assert!(
                sentence.contains(name),
                "{sentence:?} doesn't name the file"
            );
        }
    }
}

/// Numbers of two users and three movies, and a network's.
fn arrays() -> Vec<(&'static str, Vec<usize>, Vec<u8>)> {
    let array = |name, shape: &[usize], seed| {
        let values = numbers(shape.iter().product(), seed, 1.0);
        (name, shape.to_vec(), bytes(&values))
    };
    vec![
        array("user_embedding", &[2, 4], 1),
        array("movie_embedding", &[3, 4], 2),
        array("user_bias", &[2], 3),
        array("movie_bias", &[3], 4),
    ]
}

fn npz(folder: &Folder) -> Vec<u8> {
    let arrays: Vec<(&str, String, Vec<u8>)> = arrays()
        .into_iter()
        .map(|(name, shape, bytes)| {
            let shape: String = shape.iter().map(|length| format!("{length}, ")).collect();
            (name, format!("<f4 ({shape})"), bytes)
        })
        .collect();
    let arrays: Vec<(&str, &str, &[u8])> = arrays
        .iter()
        .map(|(name, form, bytes)| (*name, &form[..], &bytes[..]))
        .collect();
    std::fs::read(folder.npz(&arrays)).unwrap()
}

fn safetensors() -> Vec<u8> {
    let arrays = arrays();
    let views = arrays.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (*name, view)
    });
    safetensors::serialize(views, None).unwrap()
}

const LIBMF: &str =
    "f 0\nm 2\nn 2\nk 2\nb 3.5\np0 T 1 2 \np1 T 0.5 0 \nq0 T 1 1 \nq1 T 0.5 0.25 \n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_files_are_models_or_refused_in_a_sentence(
        damages in prop::collection::vec(Damage::any(), 1..4),
    ) {
        let folder = Folder::new();
        for (name, whole) in [
            ("model.npz", npz(&folder)),
            ("model.safetensors", safetensors()),
            ("model.txt", LIBMF.as_bytes().to_vec()),
        ] {
            let mut file = whole;
            damages.iter().for_each(|damage| damage.apply(&mut file));
            read(&folder.file(name, &file));
        }
    }

    #[test]
    fn damaged_folders_of_spark_are_models_or_refused_in_a_sentence(
        damages in prop::collection::vec(Damage::any(), 1..4),
        which in 0_usize..4,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("model");
        spark::tests::model(&model);
        let path = model.join([
            "metadata/part-00000",
            "userFactors/part-00000-c000.snappy.parquet",
            "itemFactors/part-00000-c000.snappy.parquet",
            "itemFactors/part-00001-c000.snappy.parquet",
        ][which]);
        let mut file = std::fs::read(&path).unwrap();
        damages.iter().for_each(|damage| damage.apply(&mut file));
        std::fs::write(&path, &file).unwrap();
        read(&model);
    }
}

#[test]
fn files_that_are_whole_are_read() {
    let folder = Folder::new();
    for (name, whole) in [
        ("model.npz", npz(&folder)),
        ("model.safetensors", safetensors()),
        ("model.txt", LIBMF.as_bytes().to_vec()),
    ] {
        let found = Found::read(&folder.file(name, &whole), &Wishes::default()).unwrap();
        make(found, &BARE).unwrap();
    }
}
