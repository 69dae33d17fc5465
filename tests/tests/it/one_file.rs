//! The file of firmware and image for a debug probe, in the emulators: they load it as a probe does.

use anyhow::Result;
use pocketrec::ids::{MovieId, UserId};
use pocketrec::wire::{Reply, Request, Who};
use pocketrec_link::emulator::Emulator;
use pocketrec_link::firmware::{OneFile, one_file};
use pocketrec_link::{Connection, Timing};
use tests::firmware::{DEBUGGED, known};
use tests::image::made_up;

#[test]
fn a_board_that_is_flashed_with_an_elf_file_of_both_answers_from_the_image_in_it() -> Result<()> {
    answers(&DEBUGGED)
}

/// On an emulator that takes long to start.
mod slow {
    use super::*;

    #[test]
    fn a_pico_that_is_flashed_with_an_elf_file_of_both_answers_from_the_image_in_it() -> Result<()>
    {
        answers(&["pico"])
    }
}

fn answers(boards: &[&str]) -> Result<()> {
    let image = tempfile::NamedTempFile::new()?;
    let bytes = made_up(3, 100)?;
    std::fs::write(image.path(), &bytes)?;
    let model = pocketrec::model::Model::open(bytes.as_ref()).map_err(anyhow::Error::msg)?;
    for &name in boards {
        let board = known(name)?;
        let file = OneFile {
            extension: "elf",
            image: image.path(),
            image_only: false,
            features: &[],
        };
        let elf = one_file(board, &file)?;
        let emulator = Emulator::boot(board, &elf, None)?;
        let mut connection = Connection::new(emulator, name, Timing::EMULATOR);
        let (user, movie) = (2, 50);
        let who = Who::ImageUser(user);
        let answer = connection.ask(&Request::Predict { who, movie })?;
        let due = model.predict(UserId(user), MovieId(movie));
        let due = due.map_err(anyhow::Error::msg)?;
        assert_eq!(answer.reply(), Some(Reply::Stars(due)), "{name}");
    }
    Ok(())
}
