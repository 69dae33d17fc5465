//! NumPy's archives: a zip of arrays, each a line of Python and its elements.

use std::io::{self, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Cells, Kind};

/// An array and its name.
#[derive(Debug, Clone)]
pub struct Array {
    name: String,
    shape: Vec<usize>,
    elements: Elements,
}

#[derive(Debug, Clone)]
enum Elements {
    Whole(Vec<i64>),
    Numbers(Vec<f32>),
    /// Texts, each of as many characters as the longest has.
    Texts(Vec<String>),
}

impl Array {
    /// The array of a column.
    pub(super) fn of(name: &str, kind: Kind, cells: Cells) -> Array {
        let length = cells.len();
        let elements = match cells {
            Cells::Whole(cells) => Elements::Whole(cells),
            Cells::Texts(cells) => Elements::Texts(cells),
            Cells::Numbers(cells) | Cells::Lists(cells) => Elements::Numbers(cells),
        };
        let shape = match kind {
            Kind::List(side) => vec![length / side.max(1), side],
            _ => vec![length],
        };
        Array {
            name: name.into(),
            shape,
            elements,
        }
    }

    /// Numbers of any shape; no side at all is one number.
    pub fn numbers(name: &str, shape: &[usize], numbers: Vec<f32>) -> Array {
        Array {
            name: name.into(),
            shape: shape.into(),
            elements: Elements::Numbers(numbers),
        }
    }

    /// Whole numbers in a row.
    pub fn whole(name: &str, numbers: Vec<i64>) -> Array {
        Array::of(name, Kind::Whole, Cells::Whole(numbers))
    }

    /// One text, without a side.
    pub fn text(name: &str, text: &str) -> Array {
        Array {
            shape: Vec::new(),
            ..Array::texts(name, vec![text.into()])
        }
    }

    /// Texts in a row.
    pub fn texts(name: &str, texts: Vec<String>) -> Array {
        Array::of(name, Kind::Text, Cells::Texts(texts))
    }
}

/// Writes arrays as `np.savez` does.
///
/// # Errors
/// Those of `out`.
pub fn write(arrays: impl IntoIterator<Item = Array>, out: &mut dyn Write) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(out);
    for array in arrays {
        let longest = match &array.elements {
            Elements::Texts(texts) => texts.iter().map(|text| text.chars().count()).max(),
            _ => None,
        };
        // NumPy knows no texts of no characters.
        let longest = longest.unwrap_or(0).max(1);
        let head = head(&array, longest);
        let count: usize = match &array.elements {
            Elements::Whole(cells) => cells.len() * 8,
            Elements::Numbers(cells) => cells.len() * 4,
            Elements::Texts(cells) => cells.len() * longest * 4,
        };
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(count + head.len() >= u32::MAX as usize);
        zip.start_file(format!("{}.npy", array.name), options)
            .map_err(io::Error::other)?;
        zip.write_all(&head)?;
        match &array.elements {
            Elements::Whole(cells) => in_blocks(&mut zip, cells, |cell, to| {
                to.extend_from_slice(&cell.to_le_bytes());
            })?,
            Elements::Numbers(cells) => in_blocks(&mut zip, cells, |cell, to| {
                to.extend_from_slice(&cell.to_le_bytes());
            })?,
            Elements::Texts(cells) => in_blocks(&mut zip, cells, |cell, to| {
                let end = to.len() + longest * 4;
                for letter in cell.chars() {
                    to.extend_from_slice(&u32::from(letter).to_le_bytes());
                }
                to.resize(end, 0);
            })?,
        }
    }
    zip.finish().map_err(io::Error::other)?;
    Ok(())
}

/// Writes elements some thousand at a time.
fn in_blocks<T>(
    out: &mut impl Write,
    cells: &[T],
    bytes: impl Fn(&T, &mut Vec<u8>),
) -> io::Result<()> {
    let mut block = Vec::new();
    for cells in cells.chunks(1 << 13) {
        block.clear();
        cells.iter().for_each(|cell| bytes(cell, &mut block));
        out.write_all(&block)?;
    }
    Ok(())
}

/// What stands before an array's elements, version 1.0.
fn head(array: &Array, longest: usize) -> Vec<u8> {
    let element = match &array.elements {
        Elements::Whole(_) => "<i8".to_owned(),
        Elements::Numbers(_) => "<f4".to_owned(),
        Elements::Texts(_) => format!("<U{longest}"),
    };
    let sides: String = array.shape.iter().map(|side| format!("{side},")).collect();
    let mut line =
        format!("{{'descr': '{element}', 'fortran_order': False, 'shape': ({sides}), }}");
    while !(10 + line.len() + 1).is_multiple_of(64) {
        line.push(' ');
    }
    line.push('\n');
    let mut head = b"\x93NUMPY\x01\x00".to_vec();
    head.extend_from_slice(&(line.len() as u16).to_le_bytes());
    head.extend_from_slice(line.as_bytes());
    head
}
