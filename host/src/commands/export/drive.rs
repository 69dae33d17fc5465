//! `--uf2`, `--hex`, `--elf` and `--bin`: one file of firmware and image, to drop on a board's USB drive or to write to its flash.
//! The task runner, which builds the firmware, makes it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::print::shell;
use boards::Board;
use pocketrec_base::error::BadInput;
use pocketrec_base::files;
use pocketrec_link::firmware::{self, OneFile};

/// Options about that file.
#[derive(Debug, clap::Args)]
pub struct DriveArgs {
    /// Also write firmware and image as one .uf2, to drop on the USB drive of the board
    #[arg(long, value_name = "FILE", requires = "board", conflicts_with_all = ["hex", "elf", "bin"])]
    uf2: Option<PathBuf>,

    /// As --uf2, in Intel HEX, for boards whose drive takes that
    #[arg(long, value_name = "FILE", requires = "board", conflicts_with_all = ["elf", "bin"])]
    hex: Option<PathBuf>,

    /// As --uf2, for boards that a debug probe flashes: the firmware's ELF file, symbols included, with the image as a
    /// section more, for probe-rs, OpenOCD or GDB
    #[arg(
        long,
        value_name = "FILE",
        requires = "board",
        conflicts_with_all = ["bin", "image_only"]
    )]
    elf: Option<PathBuf>,

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
        let files = [
            (&self.uf2, "uf2"),
            (&self.hex, "hex"),
            (&self.elf, "elf"),
            (&self.bin, "bin"),
        ];
        let mut wanted = files.into_iter();
        wanted.find_map(|(path, ending)| Some((path.as_deref()?, ending)))
    }

    /// Makes sure that the board is flashed by what is wanted, and that the image, `out`, is to be a file.
    ///
    /// # Errors
    /// [`BadInput`] where it isn't so.
    pub fn check(&self, board: Board, out: Option<&Path>) -> Result<()> {
        let Some((path, wanted)) = self.wanted() else {
            return match self.image_only {
                true => Err(BadInput::new("--image-only is about --uf2 or --hex; name one").into()),
                false => Ok(()),
            };
        };
        let why = match (board.check_one_file(wanted), out) {
            (Err(why), _) => why,
            // It is built by name.
            _ if boards::by_name(board.name).is_none() => {
                format!("{} has no firmware here for --{wanted}", board.name)
            }
            (_, None) => format!("--{wanted} takes the image from its file; give --out one"),
            (_, Some(out)) if out == path => {
                format!(
                    "--{wanted} is --out, {}, too; name another file",
                    path.display()
                )
            }
            _ => {
                let option = format!("--{wanted}");
                files::check_kind(&option, path, &format!("a .{wanted} is written"), &[wanted])?;
                return files::check_file(&option, path);
            }
        };
        Err(BadInput::new(why).into())
    }

    /// Writes the file where one is wanted.
    ///
    /// # Errors
    /// When the firmware doesn't build, or something can't be read or written.
    pub fn write(&self, board: Board, image: &Path, features: &[&str]) -> Result<Option<Written>> {
        let Some((path, extension)) = self.wanted() else {
            return Ok(None);
        };
        let made = firmware::one_file(
            board,
            &OneFile {
                extension,
                image,
                image_only: self.image_only,
                features,
            },
        )?;
        let failed = || format!("can't write {}", path.display());
        let bytes = std::fs::read(made).with_context(failed)?;
        files::write(path, &bytes).with_context(failed)?;
        Ok(Some(Written {
            file: path.to_owned(),
            extension,
        }))
    }
}

/// The file that was written; its path in JSON.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Written {
    file: PathBuf,
    /// What it is, as an ending.
    #[serde(skip)]
    extension: &'static str,
}

impl Written {
    /// What to do with it.
    pub fn told(&self, board: Board) -> String {
        let (title, quoted) = (board.title, shell::quoted(self.file.as_os_str()));
        let use_of_it = match self.extension {
            "elf" => format!(
                "firmware and image for a debug probe of {title}: `probe-rs run --chip {} {quoted}` flashes and starts it",
                board.probe.unwrap_or("CHIP")
            ),
            "bin" => {
                format!("all of the flash of {title}: `espflash write-bin 0x0 {quoted}` writes it")
            }
            _ => format!("to drop on the USB drive of {title}"),
        };
        format!("Wrote {}, {use_of_it}", self.file.display())
    }
}
