//! What `host train` is given.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::commands::data::DataArgs;
use crate::commands::model::ModelArgs;
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_train::recipe;

/// Options of `host train`; what isn't given is the recipe's.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct Args {
    #[command(flatten)]
    pub(super) data: DataArgs,

    /// Folder to write the checkpoint and the learning curves to
    #[arg(long, value_name = "FOLDER", default_value = files::FOLDER)]
    pub out: PathBuf,

    /// Fraction of the ratings to hold out for validation
    #[arg(long, value_name = "SHARE", default_value_t = recipe::VALIDATION)]
    pub validation: f64,

    /// Resume the run whose files are in --out, if it was stopped or --epochs is now higher; data and options must be
    /// the same
    #[arg(long)]
    pub resume: bool,

    /// Save the run this often, so that --resume can continue from there after a crash
    #[arg(long, value_name = "MINUTES", default_value_t = 5.0)]
    pub keep_every: f64,

    /// Instead of training, write the ratings and the validation split to this folder as plain columns for other
    /// programs
    #[arg(long, value_name = "FOLDER", conflicts_with = "resume")]
    pub write_split: Option<PathBuf>,

    /// With --write-split: also write the order in which Adam would visit the training ratings, for this many epochs
    #[arg(
        long,
        value_name = "EPOCHS",
        requires = "write_split",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub write_orders: usize,

    #[command(flatten)]
    pub(super) model: ModelArgs,
}

impl Args {
    /// How often the run is written before its end.
    ///
    /// # Errors
    /// [`BadInput`] for what is no time.
    pub fn keep_every(&self) -> Result<Duration> {
        Duration::try_from_secs_f64(self.keep_every * 60.0).map_err(|_| {
            let every = self.keep_every;
            BadInput::new(format!(
                "--keep-every is {every}; it should be a number of minutes, for instance 5"
            ))
            .into()
        })
    }

    /// # Errors
    /// [`BadInput`] for a share that leaves too little to learn from.
    pub fn check_validation(&self) -> Result<()> {
        if (0.0..=0.9).contains(&self.validation) {
            return Ok(());
        }
        Err(BadInput::new(format!(
            "--validation is {}; it should be a share from 0 to 0.9, for instance 0.05",
            self.validation
        ))
        .into())
    }
}
