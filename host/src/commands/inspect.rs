//! `host inspect`: what an image holds, after it was verified.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::image::{DEFAULT, Loaded, held};
use crate::export::bill::Bill;
use crate::export::boards::{self, Board};
use crate::export::device::DeviceBill;
use crate::report::text::grouped;
use crate::report::verdict;

/// Options of `host inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The image
    #[arg(value_name = "IMAGE", default_value = DEFAULT)]
    image: PathBuf,

    /// Also say what it takes of a board's flash, RAM and time, and fail where it doesn't fit: stm32f405 or microbit
    #[arg(long, value_name = "NAME", value_parser = boards::parse)]
    board: Option<Board>,

    /// Only print which features beside the usual ones the firmware of a board needs for the image, commas between
    #[arg(long, value_name = "BOARD", value_parser = boards::parse, conflicts_with = "board")]
    firmware_features: Option<Board>,
}

/// Verifies and tells.
///
/// # Errors
/// [`BadInput`](crate::error::BadInput) for an image that isn't one, naming the field at fault; an error for one that
/// doesn't fit `--board`.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(&args.image)?;
    let model = loaded.model()?;
    if let Some(board) = args.firmware_features {
        let needed = DeviceBill::of(&loaded.bytes, board).missing_features();
        println!("{}", needed.join(","));
        return Ok(());
    }
    let (header, scale) = (model.header(), model.scale());
    println!("{}: verified", loaded.path.display());
    println!("Model: {} ({})", header.name, model.parts().name());
    println!(
        "Data: fingerprint {:016x}; licence: {}",
        header.fingerprint, header.license
    );
    println!(
        "Image: format {}, CRC-32 {:08x}, {} bytes",
        header.format,
        header.crc,
        grouped(header.length.into())
    );
    println!(
        "Ratings: {} to {} by {}, mean {:.4}",
        scale.lowest, scale.highest, scale.step, scale.mean
    );
    println!(
        "Movies: {}, ids in {} form, rows of {}",
        grouped(model.movies().into()),
        model.movie_ids().form(),
        model.movie_dim()
    );
    match model.user_ids() {
        Some(ids) => println!(
            "Users: {}, ids in {} form, rows of {}\nLists for its users: {}",
            grouped(ids.len().into()),
            ids.form(),
            model.user_dim(),
            held(model.has_seen())
        ),
        None => println!("Users: none; an owner starts as the mean user"),
    }
    if let Some(mlp) = model.mlp() {
        let units: Vec<String> = std::iter::once(mlp.units())
            .chain(mlp.later().iter().map(|layer| layer.units()))
            .map(|units| units.to_string())
            .collect();
        let stored = if model.stores_halves() {
            "; each movie's half of the first one is stored"
        } else {
            ""
        };
        println!("Dense layers: {} units{stored}", units.join(", "));
    }
    match model.validation() {
        Some(measured) => {
            println!(
                "Measured on ratings that were held out: RMSE {:.4}, each movie's mean {:.4}",
                measured.rmse, measured.movie_means
            );
            if let Some(warning) = verdict::warning_of_image(measured) {
                crate::warn!("{warning}");
            }
        }
        None => println!("Measured: no; training held no ratings out, or wasn't by `train`"),
    }
    let bill = Bill::of(&loaded.bytes);
    let Some(board) = args.board else {
        println!("\n{bill}");
        return Ok(());
    };
    println!("\n{}", bill.without(board));
    let bill = DeviceBill::of(&loaded.bytes, board);
    println!("{bill}");
    match bill.refusal() {
        Some(why) => bail!("{why}"),
        None => Ok(()),
    }
}
