//! Damaged files of what a board keeps, says and is asked: each is read or refused in a sentence.

use proptest::prelude::*;

use crate::damage::{damaged, is_sentence, no_memory_is_claimed, some};
use crate::keep::Kept;
use crate::running::Running;
use crate::transcript::Transcript;

/// Bytes of a region of flash.
const REGION: usize = 512;

const RATINGS: &str = "owner,movieId,rating\n0,1,4.5\n0,318,5\n1,2571,0.5\n";

const TRANSCRIPT: &str = "pocketrec transcript 1\nimage 5ac3101f 184320\n> 00  Hello\n< 0561a66b40  an answer\n\
    > 01  ModelInfo\n< 00\n";

const RUNNING: &str =
    r#"{"board":"stm32f405","address":"127.0.0.1:41234","pid":4711,"image":"/model.img","crc":77}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_profiles_transcripts_and_notes_are_read_or_refused_in_a_sentence(damages in some()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile");
        let flash: Vec<u8> = (0..REGION).map(|at| (at * 37) as u8).collect();
        for whole in [RATINGS.as_bytes(), &flash] {
            let bytes = damaged(whole, &damages);
            std::fs::write(&path, &bytes).unwrap();
            match Kept::read(&path, REGION) {
                Ok(Some(Kept::Flash(bytes))) => assert_eq!(bytes.len(), REGION),
                Ok(Some(Kept::Text(learned))) => {
                    let mut ratings = learned.ratings.iter();
                    assert!(ratings.all(|rating| rating.stars.is_finite()));
                    assert!(learned.movies.iter().all(|movie| movie.entry.len() >= 4));
                }
                Ok(None) => assert!(bytes.is_empty(), "the file holds something"),
                Err(error) => is_sentence(&error.to_string(), "profile"),
            }
        }
        let text = String::from_utf8_lossy(&damaged(TRANSCRIPT.as_bytes(), &damages)).into_owned();
        if let Err(why) = Transcript::parse(&text) {
            is_sentence(&why, "line");
        }
        // A note that can't be read is none, and its board isn't found.
        let _ = serde_json::from_slice::<Running>(&damaged(RUNNING.as_bytes(), &damages));
        no_memory_is_claimed();
    }
}

#[test]
fn files_that_are_whole_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("profile");
    std::fs::write(&path, RATINGS).unwrap();
    let kept = Kept::read(&path, REGION).unwrap();
    assert!(matches!(kept, Some(Kept::Text(learned)) if learned.ratings.len() == 3));
    assert_eq!(Transcript::parse(TRANSCRIPT).unwrap().exchanges.len(), 2);
    assert_eq!(serde_json::from_str::<Running>(RUNNING).unwrap().pid, 4711);
}
