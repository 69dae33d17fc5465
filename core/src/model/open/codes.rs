//! Movies as sums of codewords: their codes found and checked, and the sums taken into what bounds a prediction.

use super::{ANY, Found, Largest};
use crate::image::{Element, TableKind};
#[cfg(not(feature = "codes-mlp"))]
use crate::image::{Feature, ImageError};
use crate::model::Model;
use crate::numeric::pace::{Pace, walked};
use crate::table::{Codes, MAX_BOOKS, Values};

/// The most codewords of a book.
const MOST: u32 = 256;

/// Cycles that looking at a code takes at most, on a Cortex-M0.
const CODE: u32 = 12;

fn are_below(codes: &[u8], codewords: u32) -> bool {
    walked(codes.len(), CODE);
    codes.iter().all(|code| u32::from(*code) < codewords)
}

/// The codes of the movies, each of a codeword that is there; `None` where the image has none.
#[inline(never)]
pub(super) fn open<'a, P: Pace>(found: &Found<'a, P>, movies: u32) -> Option<Codes<'a>> {
    let kind = TableKind::MovieCode;
    let books = found.nth(kind, 0)?.columns;
    if books == 0 || books as usize > MAX_BOOKS {
        found.shape(kind);
        return None;
    }
    let codes = found.bytes_of((kind, 0), Element::U8, movies, books);
    let of = TableKind::MovieEmbedding;
    let rows = found.need(of, 0, ANY, ANY).rows;
    let codewords = rows / books;
    if codewords.wrapping_mul(books) != rows || codewords == 0 || codewords > MOST {
        found.shape(of);
    }
    let below = found.pace.over(codes, CODE, [0; 3], |part, sums| {
        are_below(part, codewords).then_some(sums).ok_or(())
    });
    if below.is_err() {
        found.value(kind);
    }
    Some(Codes {
        codes,
        books: books as usize,
        codewords: codewords as usize,
    })
}

/// How many rows the tables of movies have.
pub(super) fn rows(codes: &Option<Codes<'_>>, movies: u32) -> u32 {
    match codes {
        Some(codes) => (codes.books as u32).wrapping_mul(codes.codewords as u32),
        None => movies,
    }
}

/// Makes the model's rows and biases sums of codewords.
#[inline(never)]
pub(super) fn take<'a, P: Pace>(
    model: &mut Model<'a>,
    found: &Found<'a, P>,
    codes: Codes<'a>,
    largest: &mut Largest,
) {
    if !matches!(
        model.movie_table.values(),
        Values::I16(_) | Values::I8 { .. }
    ) {
        found.element(TableKind::MovieEmbedding);
    }
    #[cfg(not(feature = "codes-mlp"))]
    if model.parts.mlp {
        found.refuse(ImageError::WithoutFeature(Feature::CodesMlp));
    }
    model.movie_table = model.movie_table.with_codes(Some(codes));
    model.movie_bias = model.movie_bias.map(|table| table.with_codes(Some(codes)));
    let books = codes.books as f32;
    largest.movie_row.largest *= books;
    largest.movie_bias.largest *= books;
}
