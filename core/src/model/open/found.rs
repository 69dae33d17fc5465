//! The tables of an image as opening takes them: the first thing that is wrong is kept, and what was asked for is empty
//! then.

use core::cell::Cell;
use core::ops::Range;

use super::largest_of;
use crate::image::{Element, Feature, Image, ImageError, READ, Table, TableKind};
use crate::model::{Confidence, LIMIT, Parts, ROW_LIMIT, RatingScale};
use crate::numeric::pace::Pace;
use crate::table::{BadNumber, VALUE, check_f32};
use crate::{MAX_LAYERS, MAX_UNITS};

/// In place of a number of rows or columns: however many there are. No table has none.
pub(super) const ANY: u32 = 0;

/// The tables of an image, and what is wrong with it.
///
/// What is generic, such as whatever takes it, has the opt-level of the crate that opens an image. A firmware is compiled
/// for size, and core, for the sake of its kernels, for speed or less; so walks through many items are functions by
/// themselves.
pub(super) struct Found<'a, P> {
    pub(super) image: Image<'a>,
    /// What was found to be wrong first.
    pub(super) wrong: Cell<Option<ImageError>>,
    pub(super) pace: P,
}

/// Each of these is a call of few bytes wherever a table is asked for, so none is inlined. A table is looked for among
/// all of them each time: a few thousand instructions, and two kilobytes of stack less than a list of what is where.
impl<'a, P: Pace> Found<'a, P> {
    /// Does stage `number` with `work`, if its turn has come, and counts on. `None` if there is nothing more to do now.
    #[inline(always)]
    pub(super) fn stage(&self, number: &mut u8, work: impl FnOnce()) -> Option<()> {
        let mine = *number;
        *number = mine.wrapping_add(1);
        if !self.pace.begins(mine) {
            return Some(());
        }
        work();
        if P::CUTS && self.wrong.get().is_some() {
            return None;
        }
        self.pace.ends().then_some(())
    }

    #[cold]
    #[inline(never)]
    pub(super) fn refuse(&self, why: ImageError) {
        // What wasn't walked through to its end can't be judged by.
        if self.wrong.get().is_none() && !self.pace.is_short() {
            self.wrong.set(Some(why));
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn shape(&self, kind: TableKind) {
        self.refuse(ImageError::Shape(kind));
    }

    #[cold]
    #[inline(never)]
    pub(super) fn value(&self, kind: TableKind) {
        self.refuse(ImageError::Value(kind));
    }

    #[cold]
    #[inline(never)]
    pub(super) fn element(&self, kind: TableKind) {
        self.refuse(ImageError::Element(kind));
    }

    /// Rows or layers that are wider than [`MAX_DIM`] or [`MAX_UNITS`].
    #[cold]
    #[inline(never)]
    pub(super) fn too_wide(&self, kind: TableKind) {
        self.refuse(if cfg!(feature = "wide") {
            ImageError::Shape(kind)
        } else {
            ImageError::WithoutFeature(Feature::Wide)
        });
    }

    /// Looks at each table by itself.
    #[inline(never)]
    pub(super) fn walk(&self) {
        // The end of the tables is looked at too.
        let count = usize::from(self.image.header.tables).wrapping_add(1);
        // Each look at a table walks through those before it.
        let cycles = READ.wrapping_mul(count as u32);
        let seen = self.pace.walk(count, cycles, [0; 3], |part, sums| {
            let mut tables = self.image.tables();
            for _ in 0..part.start {
                tables.next();
            }
            for table in tables.take(part.end.wrapping_sub(part.start)) {
                self.look(table)?;
            }
            Ok(sums)
        });
        if let Err(why) = seen {
            self.refuse(why);
        }
    }

    fn look(&self, table: Result<Table<'a>, ImageError>) -> Result<(), ImageError> {
        let table = table?;
        match TableKind::from_number(table.kind) {
            Some(kind) => self.look_at(kind, &table),
            None if table.required => Err(ImageError::UnknownTable { kind: table.kind }),
            None => Ok(()),
        }
    }

    fn look_at(&self, kind: TableKind, table: &Table<'a>) -> Result<(), ImageError> {
        let Some(element) = Element::from_code(table.element) else {
            return Err(ImageError::Element(kind));
        };
        if table.rows == 0 || table.columns == 0 {
            return Err(ImageError::Shape(kind));
        }
        let count = u64::from(table.rows) * u64::from(table.columns);
        // Only the last factor could wrap.
        let fits = u32::try_from(count).is_ok_and(|count| {
            u64::from(count) * element.size() as u64 == table.bytes.len() as u64
        });
        if !fits {
            return Err(ImageError::Size(kind));
        }
        let places = match kind {
            TableKind::DenseWeights
            | TableKind::DenseBias
            | TableKind::IntegerWeights
            | TableKind::IntegerBias => MAX_LAYERS as u8,
            _ => 1,
        };
        if table.index >= places {
            return Err(ImageError::Shape(kind));
        }
        let first = self.nth(kind, table.index);
        if first.is_none_or(|first| first.bytes.as_ptr() != table.bytes.as_ptr()) {
            return Err(ImageError::Duplicate(kind));
        }
        Ok(())
    }

    /// The table of a kind and index, if there is one.
    #[inline(never)]
    pub(super) fn nth(&self, kind: TableKind, index: u8) -> Option<Table<'a>> {
        let tables = self.image.tables().map_while(Result::ok);
        self.pace
            .charge(u32::from(self.image.header.tables).wrapping_mul(READ));
        let mut those = tables.filter(|table| table.kind == kind.number());
        those.find(|table| table.index == index)
    }

    #[inline(never)]
    pub(super) fn has(&self, kind: TableKind) -> bool {
        self.nth(kind, 0).is_some()
    }

    /// The table of a kind and index, which must be there, of so many rows and columns.
    #[inline(never)]
    pub(super) fn need(&self, kind: TableKind, index: u8, rows: u32, columns: u32) -> Table<'a> {
        let Some(table) = self.nth(kind, index) else {
            self.refuse(ImageError::Missing(kind));
            return Table::EMPTY;
        };
        let fits = |wanted: u32, is: u32| wanted == ANY || wanted == is;
        if !fits(rows, table.rows) || !fits(columns, table.columns) {
            self.shape(kind);
            return Table::EMPTY;
        }
        table
    }

    /// The bytes of such a table of `element`.
    #[inline(never)]
    pub(super) fn bytes_of(
        &self,
        (kind, index): (TableKind, u8),
        element: Element,
        rows: u32,
        columns: u32,
    ) -> &'a [u8] {
        let table = self.need(kind, index, rows, columns);
        if table.element != element.code() {
            self.element(kind);
            return &[];
        }
        table.bytes
    }

    #[inline(never)]
    pub(super) fn bytes(&self, kind: TableKind, rows: u32, columns: u32) -> &'a [u8] {
        self.bytes_of((kind, 0), Element::U8, rows, columns)
    }

    /// The single-precision numbers of a table, none of them infinite, a NaN or subnormal.
    #[inline(never)]
    pub(super) fn floats(&self, kind: TableKind, rows: u32, columns: u32) -> &'a [f32] {
        self.floats_of(kind, 0, rows, columns)
    }

    #[inline(never)]
    pub(super) fn floats_of(
        &self,
        kind: TableKind,
        index: u8,
        rows: u32,
        columns: u32,
    ) -> &'a [f32] {
        let values = cast(self.bytes_of((kind, index), Element::F32, rows, columns));
        let checked = self.pace.over(values, VALUE, [0; 3], |part, sums| {
            check_f32(part).map(|_| sums)
        });
        if let Err(bad) = checked {
            self.bad_number(bad, kind);
        }
        values
    }

    #[cold]
    #[inline(never)]
    pub(super) fn bad_number(&self, bad: BadNumber, kind: TableKind) {
        self.refuse(match bad {
            BadNumber::NotFinite => ImageError::NotFinite(kind),
            BadNumber::Subnormal => ImageError::Subnormal(kind),
        });
    }

    /// Tables of a kind that would never be used, since they are of none of the `layers`, are a mistake of the writer's.
    #[inline(never)]
    pub(super) fn stray(&self, kind: TableKind, layers: Range<usize>) {
        let mut tables = self.image.tables().map_while(Result::ok);
        let is_stray = |table: Table<'a>| {
            table.kind == kind.number() && !layers.contains(&usize::from(table.index))
        };
        if tables.any(is_stray) {
            self.shape(kind);
        }
    }

    /// The biases of dense layer `index`.
    #[inline(never)]
    pub(super) fn layer_bias(&self, index: u8) -> &'a [f32] {
        let kind = TableKind::DenseBias;
        if self.need(kind, index, 1, ANY).columns as usize > MAX_UNITS {
            self.too_wide(kind);
        }
        self.floats_of(kind, index, 1, ANY)
    }

    pub(super) fn parts(&self) -> Parts {
        let kind = TableKind::Parts;
        let bits = self.bytes(kind, 1, 1).first().copied().unwrap_or_default();
        Parts::from_bits(bits).unwrap_or_else(|| {
            self.value(kind);
            Parts::NONE
        })
    }

    pub(super) fn scale(&self) -> RatingScale {
        let kind = TableKind::RatingScale;
        let values = self.floats(kind, ANY, ANY);
        let [mean, lowest, highest, step] = *values else {
            self.shape(kind);
            return RatingScale::NONE;
        };
        if lowest >= highest || step <= 0.0 || largest_of(values) > LIMIT {
            self.value(kind);
        }
        RatingScale {
            mean,
            lowest,
            highest,
            step,
        }
    }

    pub(super) fn confidence(&self, movies: u32) -> Option<Confidence<'a>> {
        let kind = TableKind::MovieConfidence;
        let scale = self.nth(kind, 0)?.scale;
        let bytes = self.bytes(kind, movies, 1);
        // Positive and finite, written so that a NaN is refused too; no movie is lifted by more than a row's limit.
        if !(0.0..=ROW_LIMIT / 256.0).contains(&scale) || scale.is_subnormal() {
            self.value(kind);
        }
        Some(Confidence { bytes, scale })
    }
}

/// The numbers of bytes, which `walk` has found to be as many as there should be, and aligned.
pub(super) fn cast<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> &[T] {
    bytemuck::try_cast_slice(bytes).unwrap_or_default()
}
