//! The twin: the real firmware in the emulator answers every question with the bits of core on a PC.

use pocketrec::ids::UserId;
use pocketrec::model::Wanted;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use pocketrec::image::{Feature, ImageError};
use pocketrec::model::Model;
use pocketrec::rank::Order;
use pocketrec::wire::{NoModel, Refusal, Reply, Request, Who};
use pocketrec_export::{Bytes, Precision, Storage};
use pocketrec_link::questions::{self, Counts};
use pocketrec_link::transcript::Transcript;
use tests::firmware::{VIRT, boot, boot_with, known};
use tests::trained;

/// Boots a board with an image of that storage, asks it everything, and compares every byte of the answers.
fn compare(
    firmware: (&str, &str, &[&str]),
    storage: impl Into<Storage>,
    counts: Counts,
) -> Result<()> {
    compare_in(firmware, storage, counts, &[])
}

/// As [`compare`], with further arguments for the emulator.
fn compare_in(
    (board, profile, features): (&str, &str, &[&str]),
    storage: impl Into<Storage>,
    counts: Counts,
    arguments: &[String],
) -> Result<()> {
    let storage = storage.into();
    let name = storage.precision.name();
    let image = trained::image(storage, region(board)?)?;
    compare_image(
        (board, profile, features),
        (name, &image),
        counts,
        arguments,
    )
}

/// Bytes of the largest image that a board is compared with.
fn region(board: &str) -> Result<usize> {
    // An emulated Cortex-M0 verifies a larger image for longer than it takes to compare answers.
    let known = known(board)?;
    Ok(match (known.core, known.emulator) {
        (_, Some(boards::Emulator::Node { .. })) => known.image_region.min(FEW_MOVIES),
        ("M0", _) => known.image_region.min(LARGEST),
        _ => known.image_region,
    })
}

/// As [`compare_in`], with this image.
fn compare_image(
    (board, profile, features): (&str, &str, &[&str]),
    (name, image): (&str, &trained::Image),
    counts: Counts,
    arguments: &[String],
) -> Result<()> {
    let model = Model::open(image.bytes.as_ref())?;
    let recorded = Transcript::record(model, questions::of(&model, counts, 1))?;
    // What is replayed is what a file holds, as `host selftest` replays it on a real board.
    let transcript = Transcript::parse(&recorded.to_text()).map_err(anyhow::Error::msg)?;
    assert_eq!(transcript, recorded);

    let mut connection = boot_with(board, profile, features, Some(&image.path), arguments)?;
    connection.hello()?;
    let started = Instant::now();
    if let Some(difference) = transcript.replay(&mut connection, |_, _| ())? {
        bail!("{board}, {profile}, {name}: {difference}");
    }
    println!(
        "{board}, {profile}, {name}: {} answers about {} movies in {:.1} s",
        transcript.exchanges.len(),
        model.movies(),
        started.elapsed().as_secs_f32()
    );
    Ok(())
}

/// Bytes of the largest image for a Cortex-M0: the micro:bit's region.
const LARGEST: usize = 188 * 1024;

/// The same for an emulator that isn't QEMU: some seconds a ranking.
const FEW_MOVIES: usize = 32 * 1024;

/// A Cortex-M0 has no FPU, and takes the emulator longest.
const SMALL: Counts = Counts {
    predictions: 500,
    tops: 2,
    similar: 4,
    ratings: 12,
};

/// The Pico's emulator is slower than the others.
const FEW: Counts = Counts {
    predictions: 100,
    tops: 1,
    similar: 2,
    ratings: 8,
};

#[test]
fn an_f405_built_for_speed_answers_from_f16_with_the_bits_of_a_pc() -> Result<()> {
    compare(("stm32f405", "firmware", &[]), Precision::F16, Counts::FULL)
}

/// Boots a board with an image of the lesson's network in codes, and compares its answers.
fn compare_network(firmware: (&str, &str, &[&str]), counts: Counts) -> Result<()> {
    let image = trained::image_with_mlp(Precision::CODES, region(firmware.0)?)?;
    assert!(Model::open(image.bytes.as_ref())?.mlp().is_some());
    compare_image(firmware, ("a network in codes", &image), counts, &[])
}

#[test]
fn an_f405_built_for_speed_answers_from_a_network_in_codes_with_the_bits_of_a_pc() -> Result<()> {
    compare_network(("stm32f405", "firmware", &["codes-mlp"]), Counts::FULL)
}

#[test]
fn a_microbit_built_for_speed_answers_from_codes_with_the_bits_of_a_pc() -> Result<()> {
    compare(("microbit", "firmware", &[]), Precision::CODES, SMALL)
}

#[test]
fn an_f405_refuses_a_model_by_the_feature_that_it_takes() -> Result<()> {
    for (precision, feature) in [
        (Precision::I16, Feature::Integers),
        (Precision::I8, Feature::Integers),
        (Precision::F32, Feature::Shapes),
        (Precision::CODES, Feature::Codes),
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

/// Each movie's half of dense layer 0 stored beside its row.
const STORED: Storage = Storage {
    precision: Precision::I16,
    precompute: true,
    dim: None,
    without_kin: false,
};

#[test]
fn a_microbit_built_for_size_answers_from_f16_with_the_bits_of_a_pc() -> Result<()> {
    compare(("microbit", "firmware-s", &[]), Precision::F16, SMALL)
}

#[test]
fn a_pico_answers_over_usb_with_the_bits_of_a_pc() -> Result<()> {
    let usb = ["-line", "usb"].map(String::from);
    compare_in(("pico", "firmware-s", &[]), Precision::F16, FEW, &usb)
}

#[test]
fn a_risc_v_built_for_speed_answers_from_f16_with_the_bits_of_a_pc() -> Result<()> {
    compare((VIRT, "firmware", &[]), Precision::F16, SMALL)
}

#[test]
fn a_risc_v_built_for_size_answers_from_codes_with_the_bits_of_a_pc() -> Result<()> {
    compare((VIRT, "firmware-s", &[]), Precision::CODES, SMALL)
}

/// With firmware that nothing else boots, or on an emulator that takes long, and of each board beyond one build for speed and
/// one for size.
mod slow {
    use super::*;

    #[test]
    fn a_black_pill_answers_from_f16_with_the_bits_of_a_pc() -> Result<()> {
        let counts = Counts {
            predictions: 500,
            ..Counts::FULL
        };
        compare(("blackpill-f411", "firmware", &[]), Precision::F16, counts)
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
    fn an_f405_built_for_speed_answers_from_codes_with_the_bits_of_a_pc() -> Result<()> {
        compare(
            ("stm32f405", "firmware", &["codes"]),
            Precision::CODES,
            Counts::FULL,
        )
    }

    #[test]
    fn an_f405_built_for_size_answers_from_codes_of_3_bytes_with_the_bits_of_a_pc() -> Result<()> {
        compare(
            ("stm32f405", "firmware-s", &["codes"]),
            Precision::Codes(Bytes::Three),
            Counts::FULL,
        )
    }

    #[test]
    fn a_pico_built_for_size_answers_from_a_network_in_codes_with_the_bits_of_a_pc() -> Result<()> {
        compare_network(("pico", "firmware-s", &[]), FEW)
    }

    #[test]
    fn a_pico_built_for_size_answers_from_codes_with_the_bits_of_a_pc() -> Result<()> {
        compare(("pico", "firmware-s", &[]), Precision::CODES, FEW)
    }

    #[test]
    fn a_pico_built_for_size_answers_from_i8_with_the_bits_of_a_pc() -> Result<()> {
        compare(("pico", "firmware-s", &[]), Precision::I8, FEW)
    }

    #[test]
    fn a_pico_built_for_speed_answers_from_f16_with_the_bits_of_a_pc() -> Result<()> {
        compare(("pico", "firmware", &[]), Precision::F16, FEW)
    }

    #[test]
    fn a_microbit_built_for_size_answers_from_codes_of_2_bytes_with_the_bits_of_a_pc() -> Result<()>
    {
        compare(
            ("microbit", "firmware-s", &[]),
            Precision::Codes(Bytes::Two),
            SMALL,
        )
    }

    #[test]
    fn a_microbit_built_for_speed_answers_from_f32_with_the_bits_of_a_pc() -> Result<()> {
        compare(("microbit", "firmware", &[]), Precision::F32, SMALL)
    }

    #[test]
    fn an_f405_built_for_speed_answers_from_stored_halves_with_the_bits_of_a_pc() -> Result<()> {
        compare(
            ("stm32f405", "firmware", &["integers"]),
            STORED,
            Counts::FULL,
        )
    }

    /// A board's lists with stored halves are those of the rows, and nearly those of an image without.
    #[test]
    fn an_f405_ranks_the_same_from_stored_halves_as_from_rows() -> Result<()> {
        let board = boards::DEFAULT;
        let stored = trained::image(STORED, board.image_region)?;
        let plain = trained::image(Precision::I16, board.image_region)?;
        let model = Model::open(stored.bytes.as_ref())?;
        assert!(model.stores_halves());
        let ids = model.user_ids().context("users")?;
        let [mut with, mut without] = [
            boot_with(
                board.name,
                "firmware",
                &["integers"],
                Some(&stored.path),
                &[],
            )?,
            boot_with(
                board.name,
                "firmware",
                &["integers"],
                Some(&plain.path),
                &[],
            )?,
        ];
        for connection in [&mut with, &mut without] {
            connection.hello()?;
        }
        for row in (0..model.users()).step_by(13) {
            let id = ids.id(row).context("a user")?;
            let (user, interest) = (model.user(UserId(id))?, model.interest_of_user(UserId(id))?);
            // `explain` reads the movie's row.
            let mut by_row: Vec<(f32, u32)> = (0..model.movies())
                .map(|row| {
                    let parts = model.explain(&user, row);
                    let score = parts.base + parts.movie_bias + parts.dot + parts.mlp;
                    let added = model.confidence_stars(row) + model.interest_stars(&interest, row);
                    (score + added, model.movie_ids().id(row).unwrap_or_default())
                })
                .collect();
            by_row.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let request = Request::TopN {
                who: Who::ImageUser(id),
                count: 10,
                include_rated: true,
                include_below: true,
                order: Order::Score,
                wanted: Wanted::ANY,
            };
            let [with, without] = [&mut with, &mut without].map(|connection| {
                let answer = connection.ask(&request)?;
                match answer.reply() {
                    Some(Reply::Movies(list)) => Ok(list.to_vec()),
                    other => bail!("no list but {other:?}"),
                }
            });
            let (with, without) = (with?, without?);
            let movies: Vec<u32> = with.iter().map(|ranked| ranked.movie).collect();
            let due: Vec<u32> = by_row.iter().take(10).map(|(_, movie)| *movie).collect();
            assert_eq!(movies, due);
            for (a, b) in with.iter().zip(&without) {
                assert!((a.stars - b.stars).abs() < 0.002 || a.movie != b.movie);
            }
            let both = without.iter().filter(|b| movies.contains(&b.movie)).count();
            assert!(both >= 9, "{with:?} {without:?}");
        }
        Ok(())
    }
}
