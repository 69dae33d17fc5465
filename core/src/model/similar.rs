//! How near movies are to each other: cosines of their rows.

use super::Model;
use crate::MAX_DIM;
use crate::kernels::{Kernel, ran};
use crate::numeric::dot::dot;
use crate::numeric::{clamp, square_root};

/// A movie's row and its length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MovieVector {
    values: [f32; MAX_DIM],
    length: f32,
}

impl Model<'_> {
    /// The cosine of the angle between the rows of two movies, from -1 to 1; 0 where a row is all zeros.
    /// Sums run in the order of the columns.
    pub fn similarity(&self, row: u32, other: u32) -> f32 {
        self.similarity_to(&self.movie_vector(row), other)
    }

    /// A movie's row and its length, to compare many others with.
    pub fn movie_vector(&self, row: u32) -> MovieVector {
        let (part, row) = self.part_of(row);
        let mut values = [0.0; MAX_DIM];
        part.movie_table.read(row as usize, &mut values);
        let length = square_root(dot(&values, &values));
        MovieVector { values, length }
    }

    /// As [`similarity`](Self::similarity), with one side ready.
    pub fn similarity_to(&self, movie: &MovieVector, other: u32) -> f32 {
        let other = self.movie_vector(other);
        let lengths = movie.length * other.length;
        if lengths > 0.0 {
            clamp(dot(&movie.values, &other.values) / lengths, -1.0, 1.0)
        } else {
            0.0
        }
    }

    /// As [`similarity_to`](Self::similarity_to), for rows `first`, `first + 1`, …, one for each place of `cosines`.
    pub fn similarity_rows(&self, movie: &MovieVector, first: u32, cosines: &mut [f32]) {
        self.in_parts(first, cosines, |part, first, cosines| {
            part.similarity_own_rows(movie, first, cosines);
        });
    }

    #[inline(always)]
    fn similarity_own_rows(&self, movie: &MovieVector, first: u32, cosines: &mut [f32]) {
        #[cfg(cortex_m_float)]
        if self.kernels.similar == Kernel::FloatCosines
            && self.similarity_rows_by_assembly(movie, first, cosines)
        {
            return;
        }
        ran(Kernel::Cosine);
        for (row, cosine) in (first..=u32::MAX).zip(cosines) {
            *cosine = self.similarity_to(movie, row);
        }
    }

    /// By the kernel for rows of 8 in half precision; false where a row is outside the table.
    #[cfg(cortex_m_float)]
    fn similarity_rows_by_assembly(
        &self,
        movie: &MovieVector,
        first: u32,
        cosines: &mut [f32],
    ) -> bool {
        use crate::kernels::float::{self, COLUMNS};
        let crate::table::Values::F16(values) = self.movie_table.values() else {
            return false;
        };
        let (rows, _) = values.as_chunks::<COLUMNS>();
        match (rows.get(first as usize..), movie.values.first_chunk()) {
            (Some(rows), Some(vector)) if rows.len() >= cosines.len() => {
                float::cosines(rows, vector, movie.length, cosines)
            }
            _ => false,
        }
    }
}
