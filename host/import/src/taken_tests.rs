//! What of a file of another program's is taken for what, and what is refused, in a sentence.

use std::io::{Read, Write};

use pocketrec_export::Precision;
use pocketrec_train::ModelKind;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::check::Due;
use crate::found::{Found, Wishes};
use crate::npy;
use crate::tests::{BARE, Folder, bytes, imported, numbers, refused, small};

/// Whether one of the notes has these words.
fn says(notes: &[String], words: &str) -> bool {
    notes.iter().any(|note| note.contains(words))
}

#[test]
fn what_does_not_fit_together_is_refused_in_a_sentence() {
    let folder = Folder::new();
    let (two, three) = (bytes(&[1.0; 4]), bytes(&[1.0; 6]));
    let tables: [(&str, &str, &[u8]); 2] = [
        ("user_factors", "<f4 (2, 2)", &two),
        ("item_factors", "<f4 (3, 2)", &three),
    ];
    let with = |more: &[(&str, &str, &[u8])]| {
        refused(
            &folder.npz(&[&tables[..], more].concat()),
            &Wishes::default(),
        )
    };
    let ids = |ids: &[i32]| {
        ids.iter()
            .flat_map(|id| id.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let told = with(&[("item_ids", "<i4 (2,)", &ids(&[4, 5]))]);
    assert!(
        told.ends_with("`item_ids` has 2 ids, and `item_factors` has 3 rows, one for each movie"),
        "{told}"
    );
    let told = with(&[("item_ids", "<i4 (3,)", &ids(&[4, 5, 4]))]);
    assert!(
        told.ends_with("the movie id 4 is there twice: rows 0 and 2, counted from 0"),
        "{told}"
    );
    let told = with(&[("item_bias", "<f4 (2,)", &bytes(&[0.0; 2]))]);
    assert!(told.contains("`item_bias` has 2 numbers"), "{told}");
    for (shape, why) in [
        (
            "(0, 2)",
            "`item_factors` has no rows, as its shape is [0, 2]",
        ),
        ("(3, 0)", "the rows of `item_factors` hold no numbers"),
    ] {
        let none = [
            tables[0],
            ("item_factors", &format!("<f4 {shape}"), &[][..]),
        ];
        let told = refused(&folder.npz(&none), &Wishes::default());
        assert!(told.contains(why), "{told}");
    }
    let told = with(&[("mu", "<f4 ()", &bytes(&[f32::NAN]))]);
    assert!(told.contains("`mu` is to be the mean"), "{told}");
    let broken = bytes(&[1.0, 1.0, f32::NAN, 1.0]);
    let path = folder.npz(&[("user_factors", "<f4 (2, 2)", &broken), tables[1]]);
    let told = refused(&path, &Wishes::default());
    assert!(
        told.ends_with(
            "the row of user 1 in `user_factors` holds NaN; a factor is a finite number"
        ),
        "{told}"
    );
    let path = folder.npz(&[("user_factors", "<f4 (2, 3)", &three), tables[1]]);
    let told = refused(&path, &Wishes::default());
    assert!(
        told.contains("users have 3 numbers each and movies 2"),
        "{told}"
    );
    let wishes = Wishes {
        model: Some(ModelKind::Mlp),
        ..Wishes::default()
    };
    let told = refused(&folder.npz(&tables), &wishes);
    assert!(
        told.contains("--kind mlp has dense layers, and none are found"),
        "{told}"
    );
    let told = refused(&folder.path().join("nowhere.npz"), &Wishes::default());
    assert!(told.starts_with("there is no file"), "{told}");
    let told = refused(
        &folder.file("x.csv", b"userId,movieId,rating\n1,2,3\n"),
        &Wishes::default(),
    );
    assert!(
        told.contains("is none of what a model is imported from"),
        "{told}"
    );
}

#[test]
fn a_number_that_changed_in_a_zip_is_not_taken_for_what_was_saved() {
    let folder = Folder::new();
    let rows = bytes(&numbers(8, 1, 1.0));
    let path = folder.path().join("model.npz");
    let mut writer = ZipWriter::new(std::fs::File::create(&path).unwrap());
    // As numpy.savez writes them: not packed, so that any byte can be one.
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for name in ["user_embedding.npy", "movie_embedding.npy"] {
        let array = npy::written("<f4", "(2, 4)", &rows);
        writer.start_file(name, stored).unwrap();
        writer.write_all(&array).unwrap();
    }
    writer.finish().unwrap();
    let mut file = std::fs::read(&path).unwrap();
    assert!(Found::read(&path, &Wishes::default()).is_ok());
    let at = file.windows(4).position(|bytes| bytes == &rows[4..8]);
    file[at.unwrap()] ^= 1;
    std::fs::write(&path, &file).unwrap();
    let why = refused(&path, &Wishes::default());
    assert!(why.contains("cut or damaged (user_embedding"), "{why}");
}

/// What Keras predicts of `keras/layers.keras`, made by Keras 3.15 with embeddings `user_embedding` (4 rows of 2) and
/// `movie_embedding` (3 rows of 2), concatenated, and layers `hidden` (3 units, relu) and `stars`: users after users.
const OF_KERAS: [f32; 12] = [
    0.039396524,
    -0.53659016,
    -0.057142764,
    -0.30138177,
    -0.54961973,
    -0.3956383,
    -0.17799494,
    -0.5687233,
    -0.27225152,
    -0.09588626,
    -0.63593125,
    -0.19014278,
];

#[test]
fn models_that_keras_saved_predict_what_keras_predicts() {
    let folder = Folder::new();
    let mut table = "userId,movieId,prediction\n".to_owned();
    for (at, due) in OF_KERAS.iter().enumerate() {
        table += &format!("{},{},{due}\n", at / 3, at % 3);
    }
    let table = folder.file("predictions.csv", table.as_bytes());
    let whole = include_bytes!("keras/layers.keras");
    // What `save_weights` writes is what `save` puts into the archive.
    let mut archive = ZipArchive::new(std::io::Cursor::new(whole)).unwrap();
    let mut weights = Vec::new();
    let mut entry = archive.by_name("model.weights.h5").unwrap();
    entry.read_to_end(&mut weights).unwrap();
    for (name, bytes) in [
        ("net.keras", &whole[..]),
        ("net.h5", include_bytes!("keras/layers.h5")),
        ("net.weights.h5", &weights),
    ] {
        let path = folder.file(name, bytes);
        let made = imported(&path, &Wishes::default(), &BARE);
        assert_eq!(made.checkpoint.parameters.model, ModelKind::Mlp);
        let due = Due::read(&table, &made.checkpoint).unwrap();
        let exact = due.with_image(&made.checkpoint, Precision::F32).unwrap();
        assert!(exact.holds && exact.count == 12, "{name}: {exact:?}");
    }
}

#[test]
fn names_given_beside_a_spark_model_are_those_of_its_ids() {
    let folder = Folder::new();
    let model = folder.path().join("als");
    // Rows of users 12, 2, 31 and 7, in this order.
    crate::spark::tests::model(&model);
    let mut names = String::from("user\n");
    (0..32).for_each(|id| names += &format!("u{id:02}\n"));
    let names = folder.file("users.csv", names.as_bytes());
    let wishes = Wishes {
        user_ids: Some(&names),
        ..Wishes::default()
    };
    let plain = Found::read(&model, &Wishes::default()).unwrap();
    let found = Found::read(&model, &wishes).unwrap();
    assert_eq!(found.users.names.all(), ["u02", "u07", "u12", "u31"]);
    assert_eq!(plain.users.ids, [2, 7, 12, 31]);
    assert_eq!(found.users.table, plain.users.table);
    assert!(says(&found.notes, "names them: the first line 0"));
    let few = folder.file("few.csv", b"user\na\nb\nc\nd\n");
    let wishes = Wishes {
        user_ids: Some(&few),
        ..Wishes::default()
    };
    let told = refused(&model, &wishes);
    assert!(told.contains("few.csv names 4 users"), "{told}");
    let map = ["user_ids=none".parse().unwrap()];
    let wishes = Wishes {
        map: &map,
        ..wishes
    };
    let found = Found::read(&model, &wishes).unwrap();
    assert_eq!(found.users.names.all(), ["a", "b", "c", "d"]);
}

#[test]
fn our_own_checkpoint_is_no_foreign_model_and_its_arrays_keep_their_scale() {
    let folder = Folder::new();
    let scale = [bytes(&[-10.0]), bytes(&[10.0])];
    let path = small(
        &folder,
        &[
            ("scale_low", "<f4 ()", &scale[0]),
            ("scale_high", "<f4 ()", &scale[1]),
        ],
    );
    let made = imported(&path, &Wishes::default(), &BARE);
    assert_eq!(made.checkpoint.parameters.scale, (-10.0, 10.0));
    assert!(!says(&made.notes, "No scale is given"));
    let own = made.checkpoint.file().unwrap().to_bytes();
    let path = folder.file("model.safetensors", &own);
    let told = refused(&path, &Wishes::default());
    assert!(
        told.contains("model.safetensors is a checkpoint already: `export"),
        "{told}"
    );
}

#[test]
fn a_weight_that_fits_the_rows_is_used_or_told() {
    let folder = Folder::new();
    let with =
        |shape: &str, weight: &[f32]| small(&folder, &[("out.weight", shape, &bytes(weight))]);
    let path = with("<f4 (1, 8)", &numbers(8, 3, 1.0));
    let found = Found::read(&path, &Wishes::default()).unwrap();
    assert_eq!(found.model, ModelKind::Mlp);
    assert_eq!(found.layers[0].bias, [0.0]);
    let path = with("<f4 (1, 4)", &numbers(4, 3, 1.0));
    let told = refused(&path, &Wishes::default());
    assert!(
        told.contains("`out.weight` [1, 4] fits the rows' numbers"),
        "{told}"
    );
    let wishes = Wishes {
        model: Some(ModelKind::Mf),
        ..Wishes::default()
    };
    let found = Found::read(&path, &wishes).unwrap();
    assert!(says(&found.notes, "makes no use of `out.weight`"));
}

#[test]
fn every_array_that_is_taken_is_told_where_one_was_guessed() {
    let folder = Folder::new();
    let (two, three) = (bytes(&[1.0; 4]), bytes(&[1.0; 6]));
    let path = folder.npz(&[
        ("user_factors", "<f4 (2, 2)", &two),
        ("item_factors", "<f4 (3, 2)", &three),
        ("user_bias", "<f4 (2,)", &bytes(&[0.5; 2])),
        ("item_bias", "<f4 (3,)", &bytes(&[0.5; 3])),
    ]);
    let found = Found::read(&path, &Wishes::default()).unwrap();
    assert!(
        says(
            &found.notes,
            "it takes `user_factors` as user_embedding, `item_factors` as movie_embedding, `user_bias`, `item_bias` as movie_bias"
        ),
        "{:?}",
        found.notes
    );
}
