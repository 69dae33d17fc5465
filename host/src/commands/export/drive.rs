//! `--uf2`, `--hex` and `--bin`: one file of firmware and image, to drop on a board's USB drive or to write to its flash. The
//! task runner, which builds the firmware, makes it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use boards::Board;
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_link::firmware::{self, OnDrive};

/// Options about that file.
#[derive(Debug, clap::Args)]
pub struct DriveArgs {
    /// Also write firmware and image as one .uf2, to drop on the USB drive of the board
    #[arg(long, value_name = "FILE", requires = "board", conflicts_with_all = ["hex", "bin"])]
    uf2: Option<PathBuf>,

    /// As --uf2, in Intel HEX, for boards whose drive takes that
    #[arg(long, value_name = "FILE", requires = "board", conflicts_with = "bin")]
    hex: Option<PathBuf>,

    /// As --uf2, for a board with an ESP32: all of its flash, which espflash or esptool write from 0 on
    #[arg(
        long,
        value_name = "FILE",
        requires = "board",
        conflicts_with = "image_only"
    )]
    bin: Option<PathBuf>,

    /// Leave the firmware out of --uf2 or --hex: the image alone, for a board that has its firmware
    #[arg(long)]
    image_only: bool,
}

impl DriveArgs {
    /// The file and the ending that it stands for, if one is wanted.
    fn wanted(&self) -> Option<(&Path, &'static str)> {
        let files = [(&self.uf2, "uf2"), (&self.hex, "hex"), (&self.bin, "bin")];
        let mut wanted = files.into_iter();
        wanted.find_map(|(path, ending)| Some((path.as_deref()?, ending)))
    }

    /// Makes sure that the board's drive takes what is wanted, and that the image, `out`, is to be a file.
    ///
    /// # Errors
    /// [`BadInput`] where it isn't so.
    pub fn check(&self, board: Board, out: Option<&Path>) -> Result<()> {
        let Some((path, wanted)) = self.wanted() else {
            return match self.image_only {
                true => {
                    Err(BadInput::new("--image-only is about a --uf2 or a --hex; name one").into())
                }
                false => Ok(()),
            };
        };
        let takes = board.one_file();
        let why = match (takes, out) {
            (takes, _) if takes != Some(wanted) => match takes {
                Some(takes) => {
                    format!(
                        "{} is flashed by a --{takes}, not by a --{wanted}",
                        board.name
                    )
                }
                None => format!("{} is not flashed by a --{wanted}", board.name),
            },
            // It is built by name.
            _ if boards::by_name(board.name).is_none() => {
                format!("{} has no firmware here for a --{wanted}", board.name)
            }
            (_, None) => format!("--{wanted} takes the image from its file; give --out one"),
            (_, Some(out)) if out == path => {
                format!(
                    "--{wanted} is --out, {}, too; name another file",
                    path.display()
                )
            }
            _ => return files::check_file(&format!("--{wanted}"), path),
        };
        Err(BadInput::new(why).into())
    }

    /// Writes the file where one is wanted; its path.
    ///
    /// # Errors
    /// When the firmware doesn't build, or something can't be read or written.
    pub fn write(&self, board: Board, image: &Path, features: &[&str]) -> Result<Option<PathBuf>> {
        let Some((path, extension)) = self.wanted() else {
            return Ok(None);
        };
        let made = firmware::for_drive(
            board,
            &OnDrive {
                extension,
                image,
                image_only: self.image_only,
                features,
            },
        )?;
        let failed = || format!("can't write {}", path.display());
        let bytes = std::fs::read(made).with_context(failed)?;
        files::write(path, &bytes).with_context(failed)?;
        Ok(Some(path.to_owned()))
    }
}
