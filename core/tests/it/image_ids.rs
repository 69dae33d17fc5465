//! Ids in Elias-Fano code: what a writer makes is read, and nothing else.

use pocketrec::ids::{BLOCK_WORDS, MAX_RUN, MovieId, elias_fano_size, fill_elias_fano};
use pocketrec::image::{Element, ImageError, Table, TableKind};

use super::image::{Forged, answers_in_bounds, forge, is};

/// The example with its movies' ids in Elias-Fano code.
fn with_elias_fano(change: impl FnOnce(&mut Vec<u32>)) -> Forged {
    let ids = [10, 20, 300, 4000];
    let (size, low_bits) = elias_fano_size(&ids).unwrap();
    let mut words = vec![0; size];
    fill_elias_fano(&ids, low_bits, &mut words);
    change(&mut words);
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    forge(
        |table| !is(table, TableKind::MovieIdSorted),
        &[Table {
            kind: TableKind::MovieIdEliasFano.number(),
            index: 0,
            required: true,
            element: Element::U32.code(),
            rows: 1,
            columns: words.len() as u32,
            scale: 1.0,
            padding: &[],
            bytes: &bytes,
        }],
    )
}

#[test]
fn ids_in_elias_fano_code_answer_and_every_flip_is_refused_or_answers_in_bounds() {
    let original = with_elias_fano(|_| ());
    let model = crate::open(original.bytes()).unwrap();
    assert_eq!(model.movie_ids().form(), "Elias-Fano");
    for (row, id) in [10, 20, 300, 4000].into_iter().enumerate() {
        assert_eq!(model.movie_row(MovieId(id)), Ok(row as u32));
    }
    answers_in_bounds(&model);
    let (mut accepted, mut ids_refused) = (0, 0);
    for bit in 0..original.bytes().len() * 8 {
        let mut image = original.clone();
        image.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        assert!(crate::open(image.bytes()).is_err(), "bit {bit}");
        image.reseal();
        match crate::open(image.bytes()) {
            Ok(model) => {
                accepted += 1;
                answers_in_bounds(&model);
            }
            Err(ImageError::Ids(kind)) => {
                assert_eq!(kind, TableKind::MovieIdEliasFano);
                ids_refused += 1;
            }
            Err(_) => {}
        }
    }
    assert!(
        accepted > 500 && ids_refused > 300,
        "{accepted}, {ids_refused}"
    );
}

#[test]
fn elias_fano_code_of_more_ids_with_one_upper_part_than_a_look_up_should_meet_is_refused_by_name() {
    let index = |count: u32| {
        let ids: Vec<u32> = (0..count).collect();
        let mut words = vec![u32::MAX; 2 + (count as usize * 20).div_ceil(32) + BLOCK_WORDS];
        fill_elias_fano(&ids, 20, &mut words);
        with_elias_fano(|own| *own = words)
    };
    // The other tables have four rows: the ids are looked at before.
    for (count, due) in [
        (MAX_RUN, ImageError::Shape(TableKind::MovieEmbedding)),
        (MAX_RUN + 1, ImageError::Ids(TableKind::MovieIdEliasFano)),
    ] {
        assert_eq!(crate::open(index(count).bytes()).err(), Some(due));
    }
}

#[test]
fn elias_fano_code_that_is_not_as_a_writer_would_have_it_is_refused_by_name() {
    let kind = TableKind::MovieIdEliasFano;
    type Change = fn(&mut Vec<u32>);
    let changes: [(&str, Change); 8] = [
        ("one id fewer", |words| words[0] -= 1),
        ("one id more", |words| words[0] += 1),
        ("so many that their low bits wrap", |words| {
            words[0] = u32::MAX
        }),
        ("32 low bits", |words| words[1] = 32),
        ("a word less", |words| words.truncate(words.len() - 1)),
        ("a word more", |words| words.push(0)),
        ("a block more", |words| {
            words.extend([4, 0, 0, 0, 0, 0, 0, 0, 0])
        }),
        ("a count of bits", |words| {
            let at = words.len() - BLOCK_WORDS;
            words[at] = 1;
        }),
    ];
    for (what, change) in changes {
        let image = with_elias_fano(change);
        assert_eq!(
            crate::open(image.bytes()).err(),
            Some(ImageError::Ids(kind)),
            "{what}"
        );
    }
}
