//! What docs/SECURITY.md says of an image and of the files beside it.

use super::*;
use pocketrec::model::Model;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_export::ImageBytes;

/// Whether `bytes` has `part` somewhere.
fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn an_image_without_users_holds_nothing_of_them_and_one_without_seen_not_what_they_rated() {
    let place = Place::trained();
    let checkpoint = Checkpoint::read(&place.path("target/pocketrec/model.safetensors")).unwrap();
    let parameters = &checkpoint.parameters;
    let rows: Vec<Vec<u8>> = parameters
        .user_embedding
        .chunks(parameters.user_dim)
        .map(|row| row.iter().flat_map(|x| x.to_le_bytes()).collect())
        .collect();
    let exported = |arguments: &[&str]| {
        place.succeeds(
            &[
                &["export", "--precision", "f32", "--out", "x.img"],
                arguments,
            ]
            .concat(),
        );
        std::fs::read(place.path("x.img")).unwrap()
    };
    let kinds = |bytes: &[u8]| {
        let image = ImageBytes::copy(bytes);
        let model = Model::open(image.as_ref()).unwrap();
        (model.users(), model.has_seen())
    };
    let whole = exported(&["--users", "all", "--seen", "all"]);
    assert_eq!(kinds(&whole), (40, true));
    assert!(rows.iter().all(|row| has(&whole, row)));
    // The rows of three stand in it, and nobody else's.
    let some = exported(&["--users", "ids:1,7,40", "--seen", "none"]);
    assert_eq!(kinds(&some), (3, false));
    for (row, id) in rows.iter().zip(1..) {
        assert_eq!(has(&some, row), [1, 7, 40].contains(&id), "user {id}");
    }
    let none = exported(&["--users", "none"]);
    assert_eq!(kinds(&none), (0, false));
    for (row, id) in rows.iter().zip(1..) {
        assert!(!has(&none, row), "user {id}");
        // Nor the row's first numbers, wherever they might be.
        assert!(!has(&none, &row[..8]), "user {id}");
    }
}
