//! The twin: the real firmware in the emulator answers every question with the bits of core on a PC.
#![cfg(feature = "emulator")]

use std::time::Instant;

use anyhow::{Context, Result, bail};
use host::export::Precision;
use host::export::boards;
use host::link::questions::{self, Counts};
use host::link::transcript::Transcript;
use pocketrec::error::{Feature, ImageError};
use pocketrec::model::Model;
use pocketrec::wire::{NoModel, Refusal, Reply, Request};
use tests::firmware::{boot, boot_with};
use tests::trained;

/// Boots a board with an image in `precision`, asks it everything, and compares every byte of the answers.
fn compare(
    (board, profile, features): (&str, &str, &[&str]),
    precision: Precision,
    counts: Counts,
) -> Result<()> {
    let region = boards::by_name(board)
        .context("a known board")?
        .image_region;
    let image = trained::image(precision, region)?;
    let model = Model::open(image.bytes.as_ref())?;
    let recorded = Transcript::record(model, questions::of(&model, counts, 1))?;
    // What is replayed is what a file holds, as `host selftest` replays it on a real board.
    let transcript = Transcript::parse(&recorded.to_text()).map_err(anyhow::Error::msg)?;
    assert_eq!(transcript, recorded);

    let mut connection = boot_with(board, profile, features, Some(&image.path), &[])?;
    connection.hello()?;
    let started = Instant::now();
    if let Some(difference) = transcript.replay(&mut connection, |_, _| ())? {
        bail!("{board}, {profile}, {}: {difference}", precision.name());
    }
    println!(
        "{board}, {profile}, {}: {} answers about {} movies in {:.1} s",
        precision.name(),
        transcript.exchanges.len(),
        model.movies(),
        started.elapsed().as_secs_f32()
    );
    Ok(())
}

/// A Cortex-M0 has no FPU, and the emulator takes seconds for each of its rankings.
const SMALL: Counts = Counts {
    tops: 2,
    ..Counts::FULL
};

#[test]
fn an_f405_built_for_speed_answers_from_f16_with_the_bits_of_a_pc() -> Result<()> {
    compare(("stm32f405", "firmware", &[]), Precision::F16, Counts::FULL)
}

#[test]
fn an_f405_built_for_size_answers_from_f32_with_the_bits_of_a_pc() -> Result<()> {
    compare(
        ("stm32f405", "firmware-s", &["shapes"]),
        Precision::F32,
        Counts::FULL,
    )
}

#[test]
fn an_f405_with_integers_answers_from_i16_with_the_bits_of_a_pc() -> Result<()> {
    compare(
        ("stm32f405", "firmware-s", &["integers"]),
        Precision::I16,
        Counts::FULL,
    )
}

#[test]
fn an_f405_refuses_a_model_by_the_feature_that_it_takes() -> Result<()> {
    for (precision, feature) in [
        (Precision::I16, Feature::Integers),
        (Precision::I8, Feature::Integers),
        (Precision::F32, Feature::Shapes),
    ] {
        let image = trained::image(precision, 896 * 1024)?;
        Model::open(image.bytes.as_ref())?;
        let mut connection = boot("stm32f405", "firmware-s", Some(&image.path), &[])?;
        let answer = connection.ask(&Request::ModelInfo)?;
        let why = NoModel::from(ImageError::WithoutFeature(feature));
        assert_eq!(answer.reply(), Some(Reply::Refused(Refusal::NoModel(why))));
        let text = Refusal::NoModel(why).to_string();
        assert!(text.contains(&format!("`{}`", feature.name())), "{text}");
    }
    Ok(())
}

#[test]
fn a_microbit_built_for_size_answers_from_f16_with_the_bits_of_a_pc() -> Result<()> {
    compare(("microbit", "firmware-s", &[]), Precision::F16, SMALL)
}

#[test]
fn a_microbit_built_for_speed_answers_from_f32_with_the_bits_of_a_pc() -> Result<()> {
    compare(("microbit", "firmware", &[]), Precision::F32, SMALL)
}
