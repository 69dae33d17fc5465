//! The rows of a side's table: in the file, where they lie there as they are needed, or in memory of their own.

use std::ops::Deref;

use pocketrec_base::threads;

use crate::array::Array;

/// Rows, one behind the other.
#[derive(Clone, Debug)]
pub enum Rows {
    /// An array's, which has them in order and in single precision ([`Array::plain`]).
    InFile(Array),
    /// Any others.
    Own(Vec<f32>),
}

impl Rows {
    /// Those of an array of rows of `dim` numbers, in another order.
    ///
    /// # Errors
    /// Where its elements are no numbers, in words that follow its name.
    pub(crate) fn ordered(array: Array, dim: usize, order: &[usize]) -> Result<Rows, String> {
        let as_it_is = order.iter().enumerate().all(|(to, from)| to == *from);
        if as_it_is
            && array
                .plain()
                .is_some_and(|rows| rows.len() == order.len() * dim)
        {
            return Ok(Rows::InFile(array));
        }
        Ok(Rows::Own(gathered(&array.floats()?, dim, order)))
    }

    /// The numbers in memory of their own.
    pub fn into_own(self) -> Vec<f32> {
        match self {
            Rows::Own(values) => values,
            Rows::InFile(_) => self.to_vec(),
        }
    }

    /// The first number that isn't finite: its row, of `dim` numbers, and what it is.
    pub(crate) fn not_finite(&self, dim: usize) -> Option<(usize, f32)> {
        let at = threads::not_finite(self)?;
        Some((at / dim.max(1), self[at]))
    }
}

impl Deref for Rows {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Rows::InFile(array) => array.plain().unwrap_or_default(),
            Rows::Own(values) => values,
        }
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Rows) -> bool {
        self[..] == other[..]
    }
}

impl From<Vec<f32>> for Rows {
    fn from(values: Vec<f32>) -> Rows {
        Rows::Own(values)
    }
}

/// Rows in another order, on all cores.
fn gathered(values: &[f32], dim: usize, order: &[usize]) -> Vec<f32> {
    /// Rows that a thread takes at a time.
    const PART: usize = 1 << 10;
    let mut table = vec![0.0; order.len() * dim];
    let parts: Vec<_> = table
        .chunks_mut(PART * dim)
        .zip(order.chunks(PART))
        .collect();
    threads::share(
        threads::for_memory(),
        parts,
        || (),
        |(), (table, order)| {
            for (to, row) in table.chunks_exact_mut(dim).zip(order) {
                to.copy_from_slice(&values[row * dim..][..dim]);
            }
        },
    );
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_order_stay_in_the_file_and_others_are_moved() {
        let array = || Array::of_floats(vec![3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let same = Rows::ordered(array(), 2, &[0, 1, 2]).unwrap();
        assert!(matches!(same, Rows::InFile(_)));
        assert_eq!(same[..], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let moved = Rows::ordered(array(), 2, &[2, 0, 1]).unwrap();
        assert_eq!(moved.into_own(), [5.0, 6.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(same.into_own().len(), 6);
    }

    #[test]
    fn a_number_that_is_not_finite_is_told_with_its_row() {
        let mut values = vec![0.5; 21];
        values[13] = f32::INFINITY;
        assert_eq!(Rows::Own(values).not_finite(7), Some((1, f32::INFINITY)));
    }
}
