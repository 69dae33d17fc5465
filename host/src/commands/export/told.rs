//! What an export came to: told as text, or as JSON.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::drive::Written;
use crate::print::{self, Answer, shell};
use crate::{note, say};
use boards::Board;
use pocketrec_export::Contents;
use pocketrec_export::bill::Bill;
use pocketrec_export::choice::Choices;
use pocketrec_export::device::DeviceBill;
use pocketrec_export::measure::Rounding;

/// An image that was written.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// What it was made of.
    #[serde(serialize_with = "print::path")]
    pub checkpoint: PathBuf,
    /// Its file; nothing where it went to standard output.
    pub image: Option<PathBuf>,
    /// What the file held before, where it was an image of other contents.
    pub replaced: Option<Contents>,
    /// The one file that flashes the board, where it was asked for.
    pub drive: Option<Written>,
    /// The file of its titles, where there are any.
    pub titles: Option<PathBuf>,
    /// The file of what its users are called, where they have names.
    pub user_names: Option<PathBuf>,
    /// Movies in it.
    pub movies: Held,
    /// Users in it.
    pub users: Held,
    /// Its element type.
    pub precision: &'static str,
    /// What it was chosen from, where a board was named and no precision.
    pub choices: Option<Choices>,
    /// What it costs.
    pub bill: Bill,
    /// What it takes of the board that was named.
    pub board: Option<DeviceBill>,
    /// That board.
    #[serde(skip)]
    pub named: Option<Board>,
    /// What storing it so costs.
    pub rounding: Rounding,
    /// What may be done with it.
    pub licence: String,
    /// Why nobody has measured how well the model predicts, where nobody has.
    #[serde(skip)]
    pub unmeasured: Option<&'static str>,
}

/// How many of so many are in an image.
#[derive(Debug, Serialize)]
pub struct Held {
    /// In the image.
    pub held: usize,
    /// In the checkpoint.
    pub of: usize,
}

impl Answer for Exported {
    fn tell(&self) {
        note!("");
        print::block(&self.bill.to_string());
        note!("");
        if let Some(bill) = &self.board {
            print::block(&bill.to_string());
            note!("");
        }
        note!("{}", self.rounding.sentence());
        note!("Licence of the data: {}", self.licence);
        if let Some(why) = self.unmeasured {
            note!("How well the model predicts was not measured: {why}");
        }
        let Some(image) = &self.image else {
            note!("Wrote the image to standard output, without titles");
            return;
        };
        if let Some(replaced) = &self.replaced {
            note!("Replaced an image of {replaced}");
        }
        if let Some(names) = &self.user_names {
            say!("Wrote {}, what the users are called", names.display());
        }
        match &self.titles {
            Some(titles) => say!("Wrote {} and {}", image.display(), titles.display()),
            None => say!("Wrote {}, without titles", image.display()),
        }
        if let (Some(drive), Some(board)) = (&self.drive, self.named) {
            say!("{}", drive.told(board));
        }
        print::next(&self.next(image));
    }
}

impl Exported {
    /// What to type next: a look at the image on the board that was meant, or else a list from it.
    fn next(&self, image: &Path) -> String {
        let emulated = |board: &Board| boards::parse_emulated(board.name).is_ok();
        let mut words = match self.named.filter(emulated) {
            Some(board) => vec![
                "query".to_owned(),
                format!("--emulator={}", board.name),
                "top".into(),
            ],
            None => vec!["recommend".to_owned()],
        };
        let usual = image == Path::new(super::super::image::DEFAULT);
        if !usual {
            words.push("--image".into());
        }
        let words = words.iter().map(OsStr::new);
        shell::command(words.chain((!usual).then_some(image.as_os_str())))
    }
}
