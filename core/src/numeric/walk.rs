//! Walks over numbers that bring no panic however they are compiled: what the standard library has for them divides, or
//! counts with a check, wherever it isn't inlined.

/// The rows of a table: so many of its values at a time. Values that make no whole row are left over.
#[derive(Clone, Debug)]
pub(crate) struct Rows<'a, T> {
    rest: &'a [T],
    columns: usize,
}

/// Rows of `columns` values, which a row of none has one of.
#[inline]
pub(crate) fn rows<T>(values: &[T], columns: usize) -> Rows<'_, T> {
    Rows {
        rest: values,
        columns: columns.max(1),
    }
}

impl<'a, T> Rows<'a, T> {
    /// What is left behind the rows so far.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [T] {
        self.rest
    }
}

impl<'a, T> Iterator for Rows<'a, T> {
    type Item = &'a [T];

    #[inline]
    fn next(&mut self) -> Option<&'a [T]> {
        let (row, rest) = self.rest.split_at_checked(self.columns)?;
        self.rest = rest;
        Some(row)
    }
}

/// Items with their numbers.
#[derive(Clone, Debug)]
pub(crate) struct Numbered<I> {
    items: I,
    next: usize,
}

/// Items with their numbers from `first` on.
#[inline]
pub(crate) fn numbered<I: IntoIterator>(items: I, first: usize) -> Numbered<I::IntoIter> {
    Numbered {
        items: items.into_iter(),
        next: first,
    }
}

impl<I: Iterator> Iterator for Numbered<I> {
    type Item = (usize, I::Item);

    #[inline]
    fn next(&mut self) -> Option<(usize, I::Item)> {
        let item = self.items.next()?;
        let number = self.next;
        self.next = number.wrapping_add(1);
        Some((number, item))
    }
}

/// The sum of counts that fits 32 bits, as the caller knows.
#[inline]
pub(crate) fn total(counts: impl Iterator<Item = u32>) -> u32 {
    counts.fold(0, u32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn rows_are_those_of_exact_chunks_and_numbers_those_of_enumerate() {
        let values: Vec<u32> = (0..23).collect();
        for columns in 1..30 {
            let chunks = values.chunks_exact(columns);
            let mut walk = rows(&values, columns);
            assert!(chunks.clone().eq(walk.by_ref()));
            assert_eq!(walk.rest(), chunks.remainder());
        }
        assert_eq!(rows(&values, 0).count(), values.len());
        assert!(numbered(&values, 0).eq(values.iter().enumerate()));
        assert_eq!(numbered(&values, 5).next(), Some((5, &0)));
        assert_eq!(total(values.iter().copied()), values.iter().sum());
    }
}
