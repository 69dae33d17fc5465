//! Damaged files beside an image, and of boards: each is read, left out with a note, or refused in a sentence.

use boards::BOARDS;
use pocketrec::image::example;
use proptest::prelude::*;

use crate::ImageBytes;
use crate::damage::{damaged, is_sentence, no_memory_is_claimed, some};
use crate::device::DeviceBill;
use crate::people::{self, People};
use crate::sidecar;

const TITLES: &str = "movieId,title,genres,ratings,ownId,image 00000007\n1,Toy Story (1995),Comedy|Drama,5,tt1,\n\
    7,\"Sabrina, or (1954)\",,0,tt7,\n";

const USERS: &str = "userId,name,image 00000007\n1,anna,\n2,\"b, c\",\n9,zoe,\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn damaged_lists_beside_an_image_are_read_or_told_in_a_sentence(damages in some()) {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("model.img");
        let (titles, users) = (sidecar::path_of(&image), people::path_of(&image));
        std::fs::write(&titles, damaged(TITLES.as_bytes(), &damages)).unwrap();
        std::fs::write(&users, damaged(USERS.as_bytes(), &damages)).unwrap();
        for crc in [Some(7), None] {
            for note in sidecar::read(&image, crc).notes {
                is_sentence(&note, "model.titles.csv");
            }
            let _ = (sidecar::own_ids(&image, crc), sidecar::item_of(&image, crc));
            match People::read(&image, crc) {
                Ok(people) => assert!(people.known("nobody at all").is_none()),
                Err(error) => is_sentence(&error.to_string(), "model.users.csv"),
            }
        }
        no_memory_is_claimed();
    }

    #[test]
    fn a_damaged_board_has_a_bill_or_is_refused_in_a_sentence(damages in some(), which in 0..BOARDS.len()) {
        let folder = tempfile::tempdir().unwrap();
        let file = std::path::Path::new(BOARDS[which].folder).join(boards::FILE);
        let place = folder.path().join("made-up");
        std::fs::create_dir(&place).unwrap();
        let path = place.join(boards::FILE);
        std::fs::write(&path, damaged(&std::fs::read(file).unwrap(), &damages)).unwrap();
        match boards::parse(path.to_str().unwrap()) {
            Ok(board) => {
                let image = ImageBytes::copy(example().bytes());
                let bill = DeviceBill::of(&image, board);
                let _ = (bill.works(), bill.ranking_seconds(), format!("{bill:?}"));
            }
            Err(sentence) => is_sentence(&sentence, "board.toml"),
        }
        no_memory_is_claimed();
    }
}

#[test]
fn lists_that_are_whole_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("model.img");
    std::fs::write(sidecar::path_of(&image), TITLES).unwrap();
    std::fs::write(people::path_of(&image), USERS).unwrap();
    let listed = sidecar::read(&image, Some(7));
    assert_eq!((listed.titles.movies().len(), listed.notes.len()), (2, 0));
    let people = People::read(&image, Some(7)).unwrap();
    assert_eq!(people.known("b, c"), Some(2));
}
