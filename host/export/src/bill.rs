//! What an image costs: bytes of flash by table, RAM of the device, and the boards that have both.

use std::fmt;

use pocketrec::image::{Element, Image, TableKind};
use pocketrec::service::Service;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use super::ImageBytes;
use boards::{BOARDS, Board};
use pocketrec_base::print::{Align, count, grouped, item, table};

/// A table of an image and its cost.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TableCost {
    /// Its kind's name, with the dense layer's number where there is more than one.
    pub name: String,
    /// Its element type's name.
    pub element: &'static str,
    /// Rows and columns.
    #[serde(rename = "rows_columns")]
    pub shape: (u32, u32),
    /// Bytes of its elements.
    pub bytes: usize,
}

/// The cost of an image. Displays as a table and a line for each board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Each table, in the image's order.
    pub tables: Vec<TableCost>,
    /// Header, the tables' own fields and padding.
    pub around: usize,
    /// Bytes of the whole image.
    pub total: usize,
    /// The boards whose flash is compared with it: all but one whose own bill stands beside this one.
    boards: Vec<Board>,
}

impl Bill {
    /// The cost of an image, which need not be one that core can read.
    pub fn of(image: &ImageBytes) -> Self {
        let total = image.as_ref().len();
        let mut tables = Vec::new();
        if let Ok(image) = Image::parse(image.as_ref()) {
            for table in image.tables().flatten() {
                let kind = TableKind::from_number(table.kind);
                let name = match kind {
                    Some(kind @ (TableKind::DenseWeights | TableKind::DenseBias)) => {
                        format!("{kind} {}", table.index)
                    }
                    Some(kind) => kind.to_string(),
                    None => format!("kind {}", table.kind),
                };
                tables.push(TableCost {
                    name,
                    element: Element::from_code(table.element).map_or("?", Element::name),
                    shape: (table.rows, table.columns),
                    bytes: table.bytes.len(),
                });
            }
        }
        let inside: usize = tables.iter().map(|table| table.bytes).sum();
        Self {
            tables,
            around: total - inside,
            total,
            boards: BOARDS.to_vec(),
        }
    }

    /// As it is, without a word of the flash of `board`, of which a [`DeviceBill`](super::device::DeviceBill) tells.
    pub fn without(mut self, board: Board) -> Self {
        self.boards.retain(|other| *other != board);
        self
    }
}

/// Bytes of RAM that core's service takes on a device with one owner: its size on this machine, whose pointers are
/// at least as long as a board's, so a board takes no more. The stack comes on top.
pub fn device_ram() -> usize {
    size_of::<Service<'static, 1>>()
}

/// As `tables`, `around`, `bytes` of the whole, and `boards` with what each one's region spares; below 0 where it
/// doesn't fit.
impl Serialize for Bill {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let boards = BOARDS.iter().map(|board| {
            json!({
                "board": board.name,
                "region_bytes": board.image_region,
                "spare_bytes": board.image_region as i64 - self.total as i64,
            })
        });
        let mut map = to.serialize_map(Some(5))?;
        map.serialize_entry("bytes", &self.total)?;
        map.serialize_entry("tables", &self.tables)?;
        map.serialize_entry("around_bytes", &self.around)?;
        map.serialize_entry("service_ram_bytes", &device_ram())?;
        map.serialize_entry("boards", &boards.collect::<Vec<_>>())?;
        map.end()
    }
}

impl fmt::Display for Bill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |name: &str, element: &str, shape: &str, bytes: usize| {
            vec![
                name.into(),
                element.into(),
                shape.into(),
                grouped(bytes as u64),
            ]
        };
        let mut rows = vec![
            ["Table", "Element", "Shape", "Bytes"]
                .map(String::from)
                .to_vec(),
        ];
        for table in &self.tables {
            let shape = format!("{} x {}", table.shape.0, table.shape.1);
            rows.push(row(
                &item::in_names(&table.name),
                table.element,
                &shape,
                table.bytes,
            ));
        }
        rows.push(row("header and fields", "", "", self.around));
        rows.push(row("image", "", "", self.total));
        let align = [Align::Left, Align::Left, Align::Right, Align::Right];
        f.write_str(&table(&align, &rows))?;
        writeln!(
            f,
            "\nRAM: at most {} for the service with one owner, and a stack of a few KB (`--board` measures a board's)",
            count(device_ram(), "byte")
        )?;
        for board in &self.boards {
            let region = board.image_region;
            write!(f, "Flash of {} ({}): ", board.name, board.chip)?;
            match region.checked_sub(self.total) {
                Some(spare) => {
                    writeln!(
                        f,
                        "fits, {} of {} to spare",
                        grouped(spare as u64),
                        count(region, "byte")
                    )?;
                }
                None => writeln!(
                    f,
                    "does not fit, {} too many for {}",
                    count(self.total - region, "byte"),
                    grouped(region as u64)
                )?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bill_adds_up_to_the_image() {
        let example = pocketrec::image::example();
        let image = ImageBytes::copy(example.bytes());
        let bill = Bill::of(&image);
        assert_eq!(bill.tables.len(), 16);
        let inside: usize = bill.tables.iter().map(|table| table.bytes).sum();
        assert_eq!(inside + bill.around, image.as_ref().len());
        let text = bill.to_string();
        let line = text.lines().find(|line| line.contains("movie_embedding"));
        let words: Vec<&str> = line.unwrap().split_whitespace().collect();
        assert_eq!(words, ["movie_embedding", "f16", "4", "x", "2", "16"]);
        for board in BOARDS {
            assert!(text.contains(board.name), "{text}");
        }
    }
}
