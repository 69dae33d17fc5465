//! A model that a board's firmware has no room for.

use anyhow::Result;
use pocketrec::wire::{Reply, Request, Status};
use pocketrec_checkpoint::Checkpoint;
use pocketrec_export::{Chosen, Movies, Precision, Users, build};
use pocketrec_train::{ModelKind, Options, Parameters};
use tests::firmware::{PROFILES, boot};

#[test]
fn a_firmware_without_room_for_a_models_rows_says_so_by_the_tables_name() -> Result<()> {
    let options = Options {
        model: ModelKind::Mf,
        user_dim: 16,
        movie_dim: 16,
        ..Options::default()
    };
    let parameters = Parameters::initial(&options, 2, 5, 3.5);
    let checkpoint = Checkpoint::of_parameters(parameters, options);
    let everything = Chosen {
        users: Users::All.rows(&checkpoint)?,
        movies: Movies::All.rows(&checkpoint)?,
        seen: None,
        facets: None,
    };
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(
        file.path(),
        build(&checkpoint, &everything, Precision::F16)?,
    )?;
    let mut connection = boot("microbit", PROFILES[1], Some(file.path()), &[])?;
    assert_eq!(connection.hello()?.status, Status::NoModel as u8);
    let answer = connection.ask(&Request::ModelInfo)?;
    let Some(Reply::Refused(why)) = answer.reply() else {
        anyhow::bail!("not refused: {:?}", answer.reply());
    };
    let text = why.to_string();
    // By the table, or by the feature that would make room.
    assert!(
        text.contains("movie_embedding") || text.contains("`wide`"),
        "{text}"
    );
    Ok(())
}
