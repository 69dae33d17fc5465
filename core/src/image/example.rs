//! A tiny image for examples and tests: feature `write`.

use super::builder::{self, DenseLayer, OwnedTable, Title, dense_tables};
use super::kind::TableKind;
use super::writer::{AlignedBytes, WriteError};
use crate::numeric::activation::Activation;
use alloc::vec;

/// A tiny image, of a hybrid model of 2 dimensions with 3 users (ids 1 to 3) and 4 movies (ids 10, 20, 300 and
/// 4000), for examples and tests. Its numbers mean nothing.
pub fn example() -> AlignedBytes<256> {
    let mut storage = AlignedBytes::new();
    let length = write_example(storage.bytes_mut()).unwrap_or_default();
    storage.truncate(length);
    storage
}

fn write_example(buffer: &mut [u8]) -> Result<usize, WriteError> {
    use TableKind as K;
    let of = |kind, rows, values: &[f32]| OwnedTable::of(kind, rows, values);
    // Each of the numbers is one of half precision, so none is left out.
    let halves = |kind, rows, values: &[f32]| OwnedTable::halves(kind, rows, values).ok();
    let dense = |weights, bias, activation| DenseLayer {
        weights,
        bias,
        activation,
    };
    let layers = [
        dense(
            // A row of 3 units an input: 2 of the user's row, 2 of the movie's.
            &[
                0.5, 0.25, -1.0, -0.5, 1.0, 0.75, 0.25, -0.25, 1.0, 0.5, 0.5, -0.5,
            ],
            &[0.0, 0.125, -0.125],
            Activation::Relu,
        ),
        dense(&[0.5, -0.25, 0.125], &[0.0625], Activation::Linear),
    ];
    let mut tables = vec![
        of(K::RatingScale, 1, &[3.5, 0.5, 5.0, 0.5]),
        OwnedTable::of(K::Parts, 1, &[7_u8]),
        OwnedTable::of(K::MovieIdSorted, 4, &[10_u32, 20, 300, 4000]),
        OwnedTable::of(K::UserIdRange, 1, &[1_u32, 3]),
    ];
    let movies = [0.5, -0.25, -0.75, 1.0, 0.125, 0.5, -0.5, -1.0];
    tables.extend(halves(K::MovieEmbedding, 4, &movies));
    tables.extend(halves(
        K::UserEmbedding,
        3,
        &[0.25, 0.5, -0.5, 0.25, 1.0, -1.0],
    ));
    tables.extend(halves(K::MovieBias, 4, &[0.25, -0.5, 0.0, 0.125]));
    tables.extend(halves(K::UserBias, 3, &[0.125, 0.0, -0.25]));
    tables.push(of(K::MeanUser, 1, &[0.25, -0.0625]));
    tables.push(of(K::MeanUserBias, 1, &[-0.03125]));
    tables.extend(dense_tables(&layers, 2));
    let title = Title {
        name: "example",
        fingerprint: 0x0123_4567_89ab_cdef,
        license: "none: made-up numbers",
    };
    builder::write(title, &tables, buffer)
}
