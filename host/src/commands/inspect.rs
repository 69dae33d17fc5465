//! `host inspect`: what an image holds, after it was verified.

use std::path::Path;

use anyhow::{Result, bail};
use pocketrec::model::Model;
use serde::{Serialize, Serializer};
use serde_json::json;

use super::image::{ImageArgs, Loaded, TitlesArgs, held};
use crate::print::{self, Answer, count, grouped};
use crate::report::verdict;
use crate::{note, say, warn};
use boards::{self, Board};
use pocketrec_export::Precision;
use pocketrec_export::bill::Bill;
use pocketrec_export::device::DeviceBill;

/// Options of `host inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    image: ImageArgs,

    #[arg(long, value_name = "NAME|FILE", value_parser = boards::parse, help = board_help())]
    board: Option<Board>,

    /// Only print the additional firmware features that the image needs on this board, separated by commas
    #[arg(long, value_name = "BOARD", value_parser = boards::parse, conflicts_with = "board")]
    firmware_features: Option<Board>,
}

fn board_help() -> String {
    format!(
        "Also report the flash, RAM and time that it takes on this board, and fail if it doesn't fit: {}, or the path of a \
         board's own {}",
        boards::names(),
        boards::FILE
    )
}

/// Verifies and tells.
///
/// # Errors
/// [`BadInput`](pocketrec_base::error::BadInput) for an image that isn't one, naming the field at fault; an error for one that
/// doesn't fit `--board`.
pub fn run(args: &Args) -> Result<()> {
    let loaded = Loaded::read(args.image.path(), &TitlesArgs::default())?;
    let model = loaded.model()?;
    if let Some(board) = args.firmware_features {
        let needed = DeviceBill::of(&loaded.bytes, board).further_features();
        return print::answer(&Features { features: needed });
    }
    if let Some(warning) = model.validation().and_then(verdict::warning_of_image) {
        warn!("{warning}");
    }
    let bill = Bill::of(&loaded.bytes);
    let inspected = Inspected {
        path: &loaded.path,
        model: &model,
        bill: match args.board {
            Some(board) => bill.without(board),
            None => bill,
        },
        board: args.board.map(|board| DeviceBill::of(&loaded.bytes, board)),
    };
    print::answer(&inspected)?;
    match inspected.board.as_ref().and_then(DeviceBill::refusal) {
        Some(why) => bail!("{why}"),
        None => Ok(()),
    }
}

/// Features of a firmware.
#[derive(Debug, Serialize)]
struct Features {
    features: Vec<&'static str>,
}

impl Answer for Features {
    fn tell(&self) {
        say!("{}", self.features.join(","));
    }
}

/// What an image holds, and what it takes of a board where one was named.
struct Inspected<'a> {
    path: &'a Path,
    model: &'a Model<'a>,
    bill: Bill,
    board: Option<DeviceBill>,
}

/// Units of the dense layers, the first one's first; none without an MLP.
fn units(model: &Model<'_>) -> Vec<usize> {
    model.mlp().map_or_else(Vec::new, |mlp| {
        std::iter::once(mlp.units())
            .chain(mlp.later().iter().map(|layer| layer.units()))
            .collect()
    })
}

impl Serialize for Inspected<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let model = self.model;
        let (header, scale) = (model.header(), model.scale());
        let validation = model.validation().map(|measured| {
            json!({
                "rmse": measured.rmse,
                "movie_means": measured.movie_means,
                "personal": measured.personal,
            })
        });
        let users = model
            .user_ids()
            .map(|ids| json!({ "count": ids.len(), "ids": ids.form().to_string(), "dim": model.user_dim() }));
        json!({
            "image": self.path.to_string_lossy(),
            "name": header.name,
            "parts": model.parts().name(),
            "precision": Precision::of(model).name(),
            "fingerprint": format!("{:016x}", header.fingerprint),
            "licence": header.license,
            "format": header.format,
            "crc": format!("{:08x}", header.crc),
            "lowest": scale.lowest,
            "highest": scale.highest,
            "step": scale.step,
            "mean": scale.mean,
            "movies": {
                "count": model.movies(),
                "ids": model.movie_ids().form().to_string(),
                "dim": model.movie_dim(),
            },
            "users": users,
            "knows_what_users_rated": model.has_seen(),
            "dense_units": units(model),
            "validation": validation,
            "bill": self.bill,
            "board": self.board,
        })
        .serialize(to)
    }
}

impl Answer for Inspected<'_> {
    fn tell(&self) {
        let model = self.model;
        let (header, scale) = (model.header(), model.scale());
        say!("{}: verified", self.path.display());
        say!("Model: {} ({})", header.name, model.parts().name());
        say!(
            "Data: fingerprint {:016x}; licence: {}",
            header.fingerprint,
            header.license
        );
        say!(
            "Image: format {}, CRC-32 {:08x}, {}",
            header.format,
            header.crc,
            count(header.length, "byte")
        );
        say!(
            "Ratings: {} to {} by {}, mean {:.4}",
            scale.lowest,
            scale.highest,
            scale.step,
            scale.mean
        );
        say!(
            "Movies: {}, ids in {} form, rows of {} in {}",
            grouped(model.movies().into()),
            model.movie_ids().form(),
            model.movie_dim(),
            Precision::of(model).name()
        );
        match model.user_ids() {
            Some(ids) => {
                say!(
                    "Users: {}, ids in {} form, rows of {}",
                    grouped(ids.len().into()),
                    ids.form(),
                    model.user_dim()
                );
                say!("Lists for its users: {}", held(model.has_seen()));
            }
            None => say!("Users: none; an owner starts as the mean user"),
        }
        let units: Vec<String> = units(model).iter().map(ToString::to_string).collect();
        if !units.is_empty() {
            let stored = match model.stores_halves() {
                true => "; each movie's half of the first one is stored",
                false => "",
            };
            say!("Dense layers: {} units{stored}", units.join(", "));
        }
        match model.validation() {
            Some(measured) => say!(
                "On ratings held out of training: RMSE {:.4}, with each movie's mean {:.4}",
                measured.rmse,
                measured.movie_means
            ),
            None => say!("Measured: no; training held no ratings out, or wasn't by `train`"),
        }
        note!("");
        print::block(&self.bill.to_string());
        if let Some(bill) = &self.board {
            note!("");
            print::block(&bill.to_string());
        }
    }
}
