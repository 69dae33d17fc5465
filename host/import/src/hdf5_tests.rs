//! Files as h5py and Keras write them are read, and damaged ones told.

use super::*;

fn arrays(bytes: &[u8]) -> Arrays {
    read(bytes.to_vec().into()).unwrap()
}

#[test]
fn a_model_saved_whole_as_keras_did_before_has_its_weights_by_their_names() {
    let arrays = arrays(include_bytes!("keras/layers.h5"));
    let found: Vec<(&str, &[usize])> = arrays
        .iter()
        .map(|(name, array)| (&name[..], &array.shape[..]))
        .collect();
    assert_eq!(
        found,
        [
            ("hidden/bias", &[3][..]),
            ("hidden/kernel", &[4, 3]),
            ("movie_embedding/embeddings", &[3, 2]),
            ("stars/bias", &[1]),
            ("stars/kernel", &[3, 1]),
            ("user_embedding/embeddings", &[4, 2]),
        ]
    );
}

#[test]
fn other_elements_and_groups_of_the_latest_format_are_read() {
    let arrays = arrays(include_bytes!("keras/latest.h5"));
    let eighths = |count: u8| (0..count).map(|at| f32::from(at) / 8.0).collect::<Vec<_>>();
    assert_eq!(arrays["user_factors"].floats().unwrap(), eighths(8));
    // Double precision, the most significant byte first; then half precision.
    assert_eq!(arrays["item_factors"].floats().unwrap(), eighths(6));
    assert_eq!(arrays["item_factors"].shape, [3, 2]);
    assert_eq!(arrays["user_bias"].floats().unwrap()[..], [0.25; 4]);
    assert_eq!(arrays["item_ids"].integers().unwrap(), [7, 5, 9]);
}

#[test]
fn arrays_in_chunks_are_read_as_they_are_or_out_of_gzip() {
    let arrays = arrays(include_bytes!("keras/packed.h5"));
    let by = |parts: f32, count: u8| {
        (0..count)
            .map(|at| f32::from(at) / parts)
            .collect::<Vec<_>>()
    };
    // Shuffled, and more chunks than a node of their tree holds.
    assert_eq!(arrays["user_factors"].shape, [70, 2]);
    assert_eq!(arrays["user_factors"].floats().unwrap(), by(8.0, 140));
    // Of the last chunks some is outside.
    assert_eq!(arrays["item_factors"].floats().unwrap(), by(8.0, 14));
    assert_eq!(arrays["user_bias"].floats().unwrap(), by(4.0, 70));
    assert_eq!(arrays["item_bias"].floats().unwrap(), by(4.0, 7));
}

#[test]
fn a_file_that_is_cut_anywhere_or_holds_itself_is_refused() {
    for whole in [
        &include_bytes!("keras/layers.h5")[..],
        include_bytes!("keras/latest.h5"),
        include_bytes!("keras/packed.h5"),
    ] {
        let due = arrays(whole);
        for length in 0..whole.len() {
            // What is behind the last array says nothing of the arrays.
            if let Ok(found) = read(whole[..length].to_vec().into()) {
                assert_eq!(found.len(), due.len());
            }
        }
        read(whole[..whole.len() / 2].to_vec().into()).unwrap_err();
    }
    // An array of sides that nobody can count.
    let mut many = include_bytes!("keras/latest.h5").to_vec();
    let shape: Vec<u8> = [3u64, 2].into_iter().flat_map(u64::to_le_bytes).collect();
    let at = many.windows(16).position(|bytes| bytes == shape).unwrap();
    many[at - 3] = 65;
    let told = Refused::Damaged("is cut or damaged: `item_factors` has 65 sides".into());
    assert_eq!(read(many.into()).unwrap_err(), told);
    // Its outermost group's tree has that group for its only member.
    let mut ring = include_bytes!("keras/layers.h5").to_vec();
    let node = ring.windows(4).position(|bytes| bytes == b"SNOD").unwrap();
    let root = ring[64..72].to_vec();
    ring[node + 16..node + 24].copy_from_slice(&root);
    assert!(matches!(read(ring.into()), Err(Refused::Damaged(_))));
}
