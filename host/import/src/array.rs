//! An array as another program wrote it: its shape, what its elements are, and its bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use half::{bf16, f16};

use crate::bytes::Bytes;

/// Arrays by name.
pub type Arrays = BTreeMap<String, Array>;

/// What an array's elements are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// Half precision.
    F16,
    /// Half precision with single precision's range.
    BF16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Signed integers of so many bytes.
    Signed(usize),
    /// Unsigned integers of so many bytes.
    Unsigned(usize),
    /// Texts of so many bytes, padded with zeros.
    Bytes(usize),
    /// Texts of so many characters of four bytes, padded with zeros.
    Characters(usize),
    /// Something else, by its name.
    Other(String),
}

impl Element {
    /// Bytes of an element; none where they aren't known.
    pub fn size(&self) -> Option<usize> {
        Some(match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Signed(bytes) | Self::Unsigned(bytes) | Self::Bytes(bytes) => *bytes,
            Self::Characters(count) => count.checked_mul(4)?,
            Self::Other(_) => return None,
        })
    }

    /// What a person calls it.
    fn name(&self) -> String {
        match self {
            Self::F16 => "half precision".into(),
            Self::BF16 => "bfloat16".into(),
            Self::F32 => "single precision".into(),
            Self::F64 => "double precision".into(),
            Self::Signed(bytes) => format!("integers of {bytes} bytes"),
            Self::Unsigned(bytes) => format!("unsigned integers of {bytes} bytes"),
            Self::Bytes(_) | Self::Characters(_) => "texts".into(),
            Self::Other(name) => name.clone(),
        }
    }
}

/// An array; its bytes may be a part of a file's.
#[derive(Clone, Debug)]
pub struct Array {
    /// Elements along each side.
    pub shape: Vec<usize>,
    element: Element,
    /// Whether the first side runs fastest.
    fortran: bool,
    big_endian: bool,
    bytes: Bytes,
    range: Range<usize>,
}

impl Array {
    /// The array whose elements are those bytes of `bytes`, the last side fastest, in little-endian order.
    ///
    /// # Errors
    /// Where shape and bytes disagree, in words that follow its name.
    pub fn new(
        shape: Vec<usize>,
        element: Element,
        bytes: Bytes,
        range: Range<usize>,
    ) -> Result<Array, String> {
        let count = shape
            .iter()
            .try_fold(1usize, |all, side| all.checked_mul(*side));
        let due = element
            .size()
            .map(|size| count.and_then(|count| count.checked_mul(size)));
        let has = range.len();
        if range.end > bytes.len()
            || range.start > range.end
            || due.is_some_and(|due| due != Some(has))
        {
            return Err(format!(
                "has the shape {shape:?} of {}, for which its {has} bytes are too few or too many",
                element.name()
            ));
        }
        Ok(Array {
            shape,
            element,
            fortran: false,
            big_endian: false,
            bytes,
            range,
        })
    }

    /// With its first side fastest, or its bytes in big-endian order.
    pub(crate) fn ordered(mut self, fortran: bool, big_endian: bool) -> Array {
        (self.fortran, self.big_endian) = (fortran && self.shape.len() > 1, big_endian);
        self
    }

    /// The array of single numbers.
    ///
    /// # Errors
    /// As [`Array::new`].
    pub(crate) fn of_floats(shape: Vec<usize>, values: &[f32]) -> Result<Array, String> {
        let bytes: Vec<u8> = match cfg!(target_endian = "little") {
            true => bytemuck::cast_slice(values).to_vec(),
            false => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        let range = 0..bytes.len();
        Array::new(shape, Element::F32, bytes.into(), range)
    }

    /// The array of short texts.
    ///
    /// # Errors
    /// As [`Array::new`].
    pub(crate) fn of_texts(texts: &[String]) -> Result<Array, String> {
        let width = texts
            .iter()
            .map(String::len)
            .max()
            .unwrap_or_default()
            .max(1);
        let mut bytes = vec![0; width * texts.len()];
        for (cell, text) in bytes.chunks_exact_mut(width).zip(texts) {
            cell[..text.len()].copy_from_slice(text.as_bytes());
        }
        let range = 0..bytes.len();
        Array::new(
            vec![texts.len()],
            Element::Bytes(width),
            bytes.into(),
            range,
        )
    }

    /// Some of its first side.
    ///
    /// # Errors
    /// Where there aren't so many, in words that follow its name.
    pub(crate) fn rows(&self, part: Range<usize>) -> Result<Array, String> {
        let rows = self.shape.first().copied().unwrap_or_default();
        let to = if part.end == usize::MAX {
            rows
        } else {
            part.end
        };
        if part.start >= to || to > rows {
            return Err(format!(
                "has {rows} rows, not those from {} to {to}",
                part.start
            ));
        }
        if self.fortran {
            return Err(
                "lies column by column, and no part of it is taken; save it by rows".into(),
            );
        }
        let each = self.range.len() / rows;
        let mut array = self.clone();
        array.range = self.range.start + part.start * each..self.range.start + to * each;
        array.shape[0] = to - part.start;
        Ok(array)
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether its elements are fractions.
    pub fn is_float(&self) -> bool {
        use Element as E;
        matches!(self.element, E::F16 | E::BF16 | E::F32 | E::F64)
    }

    /// Its elements' bytes, the least significant first; no element but a whole one.
    fn elements(&self) -> impl Iterator<Item = [u8; 8]> {
        let size = self.element.size().unwrap_or(1).clamp(1, 8);
        self.bytes[self.range.clone()]
            .chunks_exact(size)
            .map(move |bytes| {
                let mut all = [0; 8];
                all[..size].copy_from_slice(bytes);
                if self.big_endian {
                    all[..size].reverse();
                }
                all
            })
    }

    /// The file's own bytes as numbers in single precision, the last side fastest, where they are such already.
    pub fn plain(&self) -> Option<&[f32]> {
        let plain = self.element == Element::F32 && !self.fortran && !self.big_endian;
        let bytes = &self.bytes[self.range.clone()];
        // None where they don't begin where a number may.
        let values = || bytemuck::try_cast_slice(bytes).ok();
        (plain && cfg!(target_endian = "little")).then(values)?
    }

    /// Its numbers in single precision, the last side fastest: [`plain`](Self::plain) ones where they are.
    ///
    /// # Errors
    /// Where its elements are no numbers, in words that follow its name.
    pub fn floats(&self) -> Result<Cow<'_, [f32]>, String> {
        if let Some(values) = self.plain() {
            return Ok(Cow::Borrowed(values));
        }
        fn low<const N: usize>(bytes: [u8; 8]) -> [u8; N] {
            std::array::from_fn(|at| bytes[at])
        }
        let of = |number: fn([u8; 8]) -> f32| self.elements().map(number).collect::<Vec<_>>();
        let values = match self.element {
            Element::F16 => of(|bytes| f16::from_le_bytes(low(bytes)).to_f32()),
            Element::BF16 => of(|bytes| bf16::from_le_bytes(low(bytes)).to_f32()),
            Element::F32 => of(|bytes| f32::from_le_bytes(low(bytes))),
            Element::F64 => of(|bytes| f64::from_le_bytes(bytes) as f32),
            Element::Signed(_) | Element::Unsigned(_) => {
                let numbers = self.integers().unwrap_or_default();
                numbers.into_iter().map(|number| number as f32).collect()
            }
            _ => return Err(format!("holds {}, not numbers", self.element.name())),
        };
        match (self.fortran, &self.shape[..]) {
            (false, _) => Ok(values.into()),
            (true, &[rows, columns]) => Ok(transposed(&values, columns, rows).into()),
            (true, _) => Err("has more than two sides in Fortran's order".into()),
        }
    }

    /// Its integers; none where its elements are none.
    pub fn integers(&self) -> Option<Vec<i128>> {
        let (bytes, signed) = match self.element {
            Element::Signed(bytes) => (bytes, true),
            Element::Unsigned(bytes) => (bytes, false),
            _ => return None,
        };
        let shift = 64 - 8 * bytes as u32;
        Some(
            self.elements()
                .map(|all| match signed {
                    true => i128::from(i64::from_le_bytes(all) << shift >> shift),
                    false => u64::from_le_bytes(all).into(),
                })
                .collect(),
        )
    }

    /// Its integers, where all are ones of 32 bits from 0 on.
    pub fn small(&self) -> Option<Vec<u32>> {
        let (bytes, signed) = match self.element {
            Element::Signed(bytes) => (bytes, true),
            Element::Unsigned(bytes) => (bytes, false),
            _ => return None,
        };
        // What is negative is none as an unsigned number either: of its bytes the last begins with a one.
        let most = if signed {
            (1 << (8 * bytes - 1)) - 1
        } else {
            u64::MAX
        };
        let number = |all| Some(u64::from_le_bytes(all)).filter(|number| *number <= most);
        self.elements()
            .map(|all| number(all)?.try_into().ok())
            .collect()
    }

    /// Its elements as texts, where they are texts or integers: for ids.
    pub fn texts(&self) -> Option<Vec<String>> {
        if let Some(integers) = self.integers() {
            return Some(integers.iter().map(ToString::to_string).collect());
        }
        let size = self.element.size().filter(|size| *size > 0)?;
        let rows = self.bytes[self.range.clone()].chunks_exact(size);
        match self.element {
            Element::Bytes(_) => Some(
                rows.map(|row| {
                    let end = row.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
                    String::from_utf8_lossy(&row[..end]).into_owned()
                })
                .collect(),
            ),
            Element::Characters(_) => {
                let text = |row: &[u8]| {
                    let (fours, _) = row.as_chunks::<4>();
                    let number = |four: &[u8; 4]| match self.big_endian {
                        true => u32::from_be_bytes(*four),
                        false => u32::from_le_bytes(*four),
                    };
                    let characters = fours.iter().map(number).take_while(|number| *number != 0);
                    characters
                        .map(|number| char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
                        .collect()
                };
                Some(rows.map(text).collect())
            }
            _ => None,
        }
    }
}

/// A table of `rows` rows turned, so that its columns are the rows.
pub fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for column in 0..columns {
        out.extend((0..rows).map(|row| values[row * columns + column]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(element: Element, shape: &[usize], bytes: &[u8]) -> Array {
        Array::new(
            shape.to_vec(),
            element,
            bytes.to_vec().into(),
            0..bytes.len(),
        )
        .unwrap()
    }

    #[test]
    fn elements_of_every_kind_are_the_numbers_they_write() {
        let halves = [f16::from_f32(1.5), f16::from_f32(-2.0)].map(f16::to_le_bytes);
        assert_eq!(
            array(Element::F16, &[2], halves.as_flattened()).floats(),
            Ok(vec![1.5, -2.0].into())
        );
        let bytes = bf16::from_f32(3.0).to_le_bytes();
        assert_eq!(
            array(Element::BF16, &[1], &bytes).floats(),
            Ok(vec![3.0].into())
        );
        let bytes = 0.1f64.to_le_bytes();
        assert_eq!(
            array(Element::F64, &[], &bytes).floats(),
            Ok(vec![0.1].into())
        );
        assert_eq!(
            array(Element::Signed(2), &[2], &[0xff, 0xff, 1, 0]).integers(),
            Some(vec![-1, 1])
        );
        assert_eq!(
            array(Element::Unsigned(1), &[1], &[255]).integers(),
            Some(vec![255])
        );
        let big = u64::MAX.to_le_bytes();
        assert_eq!(
            array(Element::Unsigned(8), &[1], &big).texts().unwrap(),
            [u64::MAX.to_string()]
        );
        assert_eq!(
            array(Element::Bytes(3), &[2], b"ab\0xyz").texts().unwrap(),
            ["ab", "xyz"]
        );
        let wide: Vec<u8> = ['t', 'é', '\0']
            .iter()
            .flat_map(|c| u32::from(*c).to_le_bytes())
            .collect();
        assert_eq!(
            array(Element::Characters(3), &[1], &wide).texts().unwrap(),
            ["té"]
        );
        let big_endian = array(Element::F32, &[1], &2.5f32.to_be_bytes()).ordered(false, true);
        assert_eq!(big_endian.floats(), Ok(vec![2.5].into()));
    }

    #[test]
    fn columns_that_lie_first_become_rows() {
        let bytes: Vec<u8> = [1.0f32, 4.0, 2.0, 5.0, 3.0, 6.0]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let array = array(Element::F32, &[2, 3], &bytes).ordered(true, false);
        assert_eq!(&*array.floats().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn a_shape_that_its_bytes_do_not_fill_is_refused() {
        for shape in [vec![3], vec![usize::MAX, 2], vec![0]] {
            let told = Array::new(shape, Element::F32, vec![0; 8].into(), 0..8).unwrap_err();
            assert!(told.contains("8 bytes are too few or too many"), "{told}");
        }
    }
}
