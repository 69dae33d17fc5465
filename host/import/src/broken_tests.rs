//! Damaged files: whatever is in them, reading ends with a model or with a sentence.

use std::ops::Range;
use std::path::Path;

use pocketrec::ids::{MovieId, UserId};
use pocketrec_checkpoint::Checkpoint;
use pocketrec_export::{Chosen, ImageBytes, Precision, Storage, build};
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};

use crate::check::Due;
use crate::checkpoint::make;
use crate::damage::{damaged, is_sentence, no_memory_is_claimed, some};
use crate::found::{Found, Wishes};
use crate::npy;
use crate::spark;
use crate::tests::{BARE, Folder, bytes, numbers};

/// Reads what is at `path` and makes a checkpoint of it, or says in a sentence why not.
fn read(path: &Path) {
    match Found::read(path, &Wishes::default()) {
        Ok(found) => {
            if let Err(error) = make(found, &BARE) {
                is_sentence(&error.to_string(), "");
            }
        }
        Err(error) => {
            let name = path.file_name().unwrap().to_str().unwrap();
            is_sentence(&error.to_string(), name);
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

/// Keras's files, and an array alone: no model, whole or not.
fn others() -> [(&'static str, Vec<u8>); 5] {
    [
        ("model.keras", include_bytes!("keras/layers.keras").to_vec()),
        ("model.h5", include_bytes!("keras/layers.h5").to_vec()),
        ("latest.h5", include_bytes!("keras/latest.h5").to_vec()),
        ("packed.h5", include_bytes!("keras/packed.h5").to_vec()),
        (
            "model.npy",
            npy::written("<f4", "(2, 4)", &bytes(&numbers(8, 1, 1.0))),
        ),
    ]
}

/// Ids of the model's two users in every form.
fn ids() -> Vec<(&'static str, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    spark::tests::model(folder.path());
    let part = folder
        .path()
        .join("userFactors/part-00000-c000.snappy.parquet");
    let numbers: Vec<u8> = [5i64, 1 << 40]
        .into_iter()
        .flat_map(i64::to_le_bytes)
        .collect();
    vec![
        ("numbers.npy", npy::written("<i8", "(2,)", &numbers)),
        ("names.npy", npy::written("|S4", "(2,)", b"zoe\0adam")),
        ("wide.npy", npy::written("<U1", "(2,)", b"a\0\0\0b\0\0\0")),
        ("ids.csv", b"row,userId\n1,12\n0,7\n".to_vec()),
        ("ids.parquet", std::fs::read(part).unwrap()),
    ]
}

const PREDICTIONS: &str = "userId,movieId,prediction\n0,0,0.5\n1,2,-0.25\n1,0,0.125\n0,1,1e-3\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_files_are_models_or_refused_in_a_sentence(
        damages in some(),
    ) {
        let folder = Folder::new();
        for (name, whole) in [
            ("model.npz", npz(&folder)),
            ("model.safetensors", safetensors()),
            ("model.txt", LIBMF.as_bytes().to_vec()),
        ].into_iter().chain(others()) {
            read(&folder.file(name, &damaged(&whole, &damages)));
        }
        no_memory_is_claimed();
    }

    #[test]
    fn damaged_folders_of_spark_are_models_or_refused_in_a_sentence(
        damages in some(),
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
        let file = damaged(&std::fs::read(&path).unwrap(), &damages);
        std::fs::write(&path, file).unwrap();
        read(&model);
        no_memory_is_claimed();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damaged_ids_and_predictions_are_taken_or_refused_in_a_sentence(damages in some()) {
        let folder = Folder::new();
        let model = folder.file("model.safetensors", &safetensors());
        for (name, whole) in ids() {
            let path = folder.file(name, &damaged(&whole, &damages));
            let wishes = Wishes { user_ids: Some(&path), ..Wishes::default() };
            match Found::read(&model, &wishes) {
                Ok(found) => prop_assert_eq!(found.users.ids.len(), 2),
                Err(error) => is_sentence(&error.to_string(), name),
            }
        }
        let made = make(Found::read(&model, &Wishes::default()).unwrap(), &BARE).unwrap();
        let path = folder.file("predictions.csv", &damaged(PREDICTIONS.as_bytes(), &damages));
        match Due::read(&path, &made.checkpoint) {
            Ok(due) => {
                let compared = due.with_image(&made.checkpoint, Precision::F32).unwrap();
                prop_assert!(compared.count + due.left_out() <= PREDICTIONS.len());
            }
            Err(error) => is_sentence(&error.to_string(), "predictions.csv"),
        }
        no_memory_is_claimed();
    }
}

/// An image with the checksum that its bytes have.
fn sealed(mut image: Vec<u8>) -> Vec<u8> {
    const SUM: Range<usize> = 9..13;
    if image.len() > SUM.end {
        let bytes = image[..SUM.start].iter().chain(&image[SUM.end..]);
        let sum = bytes.fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| match sum & 1 {
                0 => sum >> 1,
                _ => sum >> 1 ^ 0xedb8_8320,
            })
        });
        image[SUM].copy_from_slice(&(!sum).to_le_bytes());
    }
    image
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damaged_checkpoints_and_images_are_opened_or_refused_in_a_sentence(damages in some()) {
        let folder = Folder::new();
        let model = folder.file("model.safetensors", &safetensors());
        let whole = make(Found::read(&model, &Wishes::default()).unwrap(), &BARE).unwrap().checkpoint;
        let storage = Storage::from(Precision::F16);
        let path = folder.file("kept.safetensors", &damaged(&whole.file().unwrap().to_bytes(), &damages));
        match Checkpoint::read(&path) {
            // What isn't fit for a device is refused there.
            Ok(read) => if let Err(error) = build(&read, &Chosen::all(&read), storage) {
                is_sentence(&error.to_string(), "");
            },
            Err(error) => is_sentence(&error.to_string(), "kept.safetensors"),
        }
        let image = build(&whole, &Chosen::all(&whole), storage).unwrap().as_ref().to_vec();
        prop_assert_eq!(&sealed(image.clone()), &image);
        let path = folder.file("model.img", &damaged(&image, &damages));
        let bytes = ImageBytes::read(&path).unwrap();
        match bytes.open(&path) {
            // What is behind its end in a region of flash is none of it.
            Ok(_) => prop_assert!(bytes.as_ref().starts_with(&image), "a checksum that fits"),
            Err(error) => is_sentence(&error.to_string(), "model.img"),
        }
        // Somebody's own, whose checksum is right.
        let bytes = ImageBytes::copy(&sealed(damaged(&image, &damages)));
        match bytes.open(&path) {
            Ok(model) => for user in 0..2 {
                for movie in 0..3 {
                    let rating = model.predict(UserId(user), MovieId(movie));
                    prop_assert!(rating.is_ok_and(|rating| rating.is_finite()) || rating.is_err());
                }
            },
            Err(error) => is_sentence(&error.to_string(), "model.img"),
        }
        no_memory_is_claimed();
    }
}

#[test]
fn ids_and_predictions_that_are_whole_are_taken() {
    let folder = Folder::new();
    let model = folder.file("model.safetensors", &safetensors());
    for (name, whole) in ids() {
        let path = folder.file(name, &whole);
        let wishes = Wishes {
            user_ids: Some(&path),
            ..Wishes::default()
        };
        Found::read(&model, &wishes).unwrap();
    }
    let made = make(Found::read(&model, &Wishes::default()).unwrap(), &BARE).unwrap();
    let due = Due::read(
        &folder.file("predictions.csv", PREDICTIONS.as_bytes()),
        &made.checkpoint,
    );
    assert_eq!(due.unwrap().left_out(), 0);
}

#[test]
fn files_that_are_whole_are_read() {
    let folder = Folder::new();
    for (name, whole) in [
        ("model.npz", npz(&folder)),
        ("model.safetensors", safetensors()),
        ("model.txt", LIBMF.as_bytes().to_vec()),
    ]
    .into_iter()
    .chain(others().into_iter().take(4))
    {
        let found = Found::read(&folder.file(name, &whole), &Wishes::default()).unwrap();
        make(found, &BARE).unwrap();
    }
}
