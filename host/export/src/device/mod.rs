//! The bill before flashing: what an image takes of a board's flash, RAM and time, and whether it fits.
//!
//! `counts` and `sizes` are what the repository's tables say of kernels and firmware, `shape` is what decides what an
//! image's work costs, and `work` chooses the counts that hold for it. Nothing here runs on a board.

mod counts;
mod shape;
mod sizes;
mod work;

use std::fmt;

use pocketrec::{USUAL_DIM, USUAL_UNITS};
use serde::{Serialize, Serializer};
use serde_json::json;

pub use shape::Shape;
pub use work::Work;

use super::ImageBytes;
use boards::Board;
use counts::Counts;
use pocketrec_base::print::{Align, grouped, seconds, table};
pub use sizes::Firmware;

/// What a firmware and an image take of a board. Displays as tables, and `fits` in the last line where it does; where it
/// doesn't, [`refusal`](DeviceBill::refusal) says why.
#[derive(Clone, Debug)]
pub struct DeviceBill {
    board: Board,
    firmware: Option<Firmware>,
    shape: Shape,
    image: usize,
    works: Vec<Work>,
}

impl DeviceBill {
    /// The bill of an image that core can open, with the firmware that `cargo xtask firmware` builds for `board`.
    pub fn of(image: &ImageBytes, board: Board) -> Self {
        let shape = Shape::of(image);
        Self {
            board,
            firmware: Firmware::of(board),
            works: work::works(&shape, Counts::of(board.core), board.clock_hz),
            image: image.as_ref().len(),
            shape,
        }
    }

    /// The work that people wait for, and what it takes.
    pub fn works(&self) -> &[Work] {
        &self.works
    }

    /// What the board's usual firmware takes; `None` for a board whose hasn't been measured.
    pub fn firmware(&self) -> Option<Firmware> {
        self.firmware
    }

    /// Bytes of the image.
    pub fn bytes(&self) -> usize {
        self.image
    }

    /// Modelled seconds of a list of the best movies, as the board answers it; `None` where nothing like it was
    /// counted.
    pub fn ranking_seconds(&self) -> Option<f64> {
        let cycles = work::listed(
            &self.shape,
            Counts::of(self.board.core),
            self.board.clock_hz,
        )?;
        Some(cycles / f64::from(self.board.clock_hz))
    }

    /// Why the board can't take the image, in one sentence; `None` where it fits.
    pub fn refusal(&self) -> Option<String> {
        let Board {
            name, image_region, ..
        } = self.board;
        let mut why = Vec::new();
        if self.image > image_region {
            why.push(format!(
                "the image is {} bytes too large for {name}, whose region has {}",
                count(self.image - image_region),
                count(image_region)
            ));
        }
        why.extend(self.without_feature());
        (!why.is_empty()).then(|| why.join("; "))
    }

    /// The features of its firmware that the board's usual one is without and the model needs.
    pub fn further_features(&self) -> Vec<&'static str> {
        self.missing().map(|(feature, _)| feature).collect()
    }

    /// Why the board's usual firmware can't take the model, whatever its bytes, and what can.
    pub fn without_feature(&self) -> Option<String> {
        let name = self.board.name;
        let (feature, what) = self.missing().next()?;
        let all = self.further_features().join(",");
        Some(format!(
            "the image has {what}, and the usual firmware of {name} is without core's feature `{feature}` \
             (`cargo xtask firmware {name} --features {all}` builds one that has it, as `cargo xtask flash` and `query --emulator` do by themselves)"
        ))
    }

    /// What the model needs and the board's usual firmware is without: a feature, and what takes it.
    fn missing(&self) -> impl Iterator<Item = (&'static str, String)> {
        let shape = &self.shape;
        let (dim, units) = (shape.widest_row(), shape.widest_layer());
        let wide = match dim > USUAL_DIM {
            true => format!("rows of {dim}"),
            false => format!("a layer of {units} units"),
        };
        let features = self.board.features;
        [
            (dim > USUAL_DIM || units > USUAL_UNITS, "wide", wide),
            (
                shape.codes.is_some(),
                "codes",
                "movies as sums of codewords".into(),
            ),
            (
                shape.codes.is_some() && shape.has_mlp(),
                "codes-mlp",
                "an MLP behind movies as sums of codewords".into(),
            ),
            (
                shape.in_integers() && shape.codes.is_none(),
                "integers",
                "tables of integers".into(),
            ),
            (shape.interest, "interest", "tables of interest".into()),
            (
                !shape.is_lessons(),
                "shapes",
                "a shape or tables without a kernel".into(),
            ),
        ]
        .into_iter()
        .filter(|(needed, feature, _)| *needed && !features.contains(feature))
        .map(|(_, feature, what)| (feature, what))
    }

    fn memory(&self) -> String {
        let Board {
            firmware_flash,
            profile_region,
            image_region,
            ram,
            ..
        } = self.board;
        let row = |what: &str, used: Option<usize>, of: usize| {
            let used = used.map_or_else(|| "-".into(), count);
            vec![what.into(), used, count(of)]
        };
        let head = |what: &str| [what, "Bytes", "Of"].map(String::from).to_vec();
        let align = [Align::Left, Align::Right, Align::Right];
        let [code, variables, stack] = [
            self.firmware.map(|firmware| firmware.flash),
            self.firmware.map(|firmware| firmware.variables),
            self.firmware.and_then(|firmware| firmware.stack),
        ];
        let flash = table(
            &align,
            &[
                head("Flash"),
                row("firmware, with learning and logs", code, firmware_flash),
                row(
                    "profile, the owners' ratings",
                    Some(profile_region),
                    profile_region,
                ),
                row("image", Some(self.image), image_region),
            ],
        );
        let ram = table(
            &align,
            &[
                head("RAM"),
                row("variables", variables, ram),
                row("deepest stack", stack, ram - variables.unwrap_or(0)),
            ],
        );
        format!("{flash}\n{ram}")
    }

    fn time(&self) -> String {
        let mut rows = vec![
            ["Work", "Cycles", "Time", "From"]
                .map(String::from)
                .to_vec(),
        ];
        for Work { name, estimate } in &self.works {
            rows.push(match estimate {
                Some(estimate) => vec![
                    name.clone(),
                    grouped(estimate.cycles.round() as u64),
                    seconds(estimate.cycles / f64::from(self.board.clock_hz)),
                    estimate.to_string(),
                ],
                None => vec![name.clone(), "-".into(), "-".into(), "not counted".into()],
            });
        }
        table(
            &[Align::Left, Align::Right, Align::Right, Align::Left],
            &rows,
        )
    }
}

/// As `board`, `chip`, `clock_hz`, `fits`, `why_not`, `flash` and `ram` with the bytes that each part takes of how many,
/// and `work` with modelled cycles and seconds, nothing where they weren't counted.
impl Serialize for DeviceBill {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (board, firmware) = (&self.board, &self.firmware);
        let part = |bytes: Option<usize>, of: usize| json!({ "bytes": bytes, "of": of });
        let variables = firmware.map(|firmware| firmware.variables);
        let work = self.works.iter().map(|work| {
            let cycles = work.estimate.as_ref().map(|estimate| estimate.cycles);
            json!({
                "work": work.name,
                "cycles": cycles.map(f64::round),
                "seconds": cycles.map(|cycles| cycles / f64::from(board.clock_hz)),
                "from": work.estimate.as_ref().map(ToString::to_string),
            })
        });
        let why = self.refusal();
        json!({
            "board": board.name,
            "chip": board.chip,
            "clock_hz": board.clock_hz,
            "fits": why.is_none(),
            "why_not": why,
            "flash": {
                "firmware": part(firmware.map(|firmware| firmware.flash), board.firmware_flash),
                "profile": part(Some(board.profile_region), board.profile_region),
                "image": part(Some(self.image), board.image_region),
            },
            "ram": {
                "variables": part(variables, board.ram),
                "stack": part(firmware.and_then(|firmware| firmware.stack), board.ram - variables.unwrap_or(0)),
            },
            "work": work.collect::<Vec<_>>(),
        })
        .serialize(to)
    }
}

impl fmt::Display for DeviceBill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Board {
            name,
            chip,
            clock_hz,
            core,
            ..
        } = self.board;
        writeln!(f, "On {name} ({chip}, {} MHz):\n", clock_hz / 1_000_000)?;
        writeln!(f, "{}", self.memory())?;
        writeln!(f, "{}", self.time())?;
        writeln!(
            f,
            "Times are modelled, and promise no milliseconds: instructions counted on an emulated {core}, cycles by its\n\
             manual at zero wait states (bench/snapshot.txt has the counts that stand under From; `about` is scaled from\n\
             them). Flash, variables and stack are those of the firmware as built for bench/size.txt."
        )?;
        if self.firmware.is_none() {
            writeln!(
                f,
                "The firmware of {name} was not measured: `cargo xtask size --bless` writes its line in bench/size.txt."
            )?;
        }
        if !self.shape.unknown.is_empty() {
            let tables = self.shape.unknown.join(", ");
            writeln!(f, "What these tables change was not counted: {tables}")?;
        }
        match self.refusal() {
            // Whoever shows the bill says why.
            Some(_) => Ok(()),
            None => writeln!(f, "\nfits"),
        }
    }
}

fn count(number: usize) -> String {
    grouped(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use boards::BOARDS;

    fn bill(board: Board) -> DeviceBill {
        DeviceBill::of(
            &ImageBytes::copy(pocketrec::image::example().bytes()),
            board,
        )
    }

    #[test]
    fn a_small_image_fits_every_board_and_the_last_line_says_so() {
        for board in BOARDS {
            // The image's rows are of no usual shape.
            let features = &["interest", "shapes"];
            let bill = bill(Board { features, ..*board });
            let text = bill.to_string();
            assert_eq!(text.lines().last(), Some("fits"), "{text}");
            assert!(bill.refusal().is_none());
            for part in ["zero wait states", "a fold-in of 20 ratings", board.chip] {
                assert!(text.contains(part), "no `{part}` in: {text}");
            }
        }
    }

    #[test]
    fn what_is_too_large_or_lacks_a_feature_is_told_by_its_measure() {
        let mut bill = bill(boards::by_name("microbit").unwrap());
        bill.image = bill.board.image_region + 1_234;
        assert!(!bill.to_string().contains("fits"));
        let refusal = bill.refusal().unwrap();
        assert!(refusal.contains("1,234 bytes too large for microbit"));
        bill.image = bill.board.image_region;
        assert!(bill.refusal().is_none());
        bill.shape.units = vec![64, 1];
        assert!(bill.refusal().unwrap().contains("a layer of 64 units"));
        bill.shape.units = Vec::new();
        bill.shape.element = pocketrec::image::Element::I8;
        bill.board.features = &["shapes"];
        let refusal = bill.refusal().unwrap();
        assert!(refusal.contains("tables of integers"), "{refusal}");
        assert!(refusal.contains("without core's feature `integers`"));
        assert!(refusal.contains("--features integers`"), "{refusal}");
        assert_eq!(bill.further_features(), ["integers"]);
        bill.shape.movie_dim = 16;
        assert!(bill.refusal().unwrap().contains("rows of 16"));
        bill.shape.codes = Some(pocketrec::table::MAX_BOOKS);
        assert_eq!(bill.further_features(), ["wide", "codes"]);
        bill.shape.units = vec![32, 4, 1];
        assert_eq!(bill.further_features(), ["wide", "codes", "codes-mlp"]);
    }
}
