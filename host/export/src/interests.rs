//! The tables of what people look for: optional, so that a reader that doesn't know them ranks without.

use pocketrec::image::{Element, TableKind as K};

use super::Chosen;
use super::image::{Column, normal, pick};
use pocketrec_base::error::BadInput;
use pocketrec_train::interest::{Interest, levels};

/// Adds the tables for movies with so many ratings, and for the chosen users.
pub(super) fn tables(
    interest: &Interest,
    counts: &[u32],
    chosen: &Chosen,
    tables: &mut Vec<Column>,
) -> Result<(), BadInput> {
    let dim = interest.dim;
    let codes = pick(&interest.codes, 1, &chosen.movies);
    tables.push(column(K::InterestCode, Element::U8, codes.len(), 1, codes));
    let (scale, bytes) = small(&interest.codebook, interest.scale);
    let rows = interest.codebook.len() / dim;
    tables.push(Column {
        scale,
        ..column(K::InterestCodebook, Element::I8, rows, dim, bytes)
    });
    let levels = levels(counts, interest.power).to_vec();
    tables.push(column(
        K::InterestLevels,
        Element::U8,
        1,
        levels.len(),
        levels,
    ));
    tables.push(floats(K::InterestSpread, &interest.spread));
    // A device multiplies by the root, for observation and noise alike.
    let course = [interest.weight, interest.fade.sqrt()];
    tables.push(floats(K::InterestCourse, &course));
    if !chosen.users.is_empty() {
        let users = pick(&interest.users, dim, &chosen.users);
        let most = users.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let (scale, bytes) = small(&users, most / 127.0);
        tables.push(Column {
            scale,
            ..column(K::UserInterest, Element::I8, chosen.users.len(), dim, bytes)
        });
    }
    Ok(())
}

/// The values as multiples of `scale`, which is held to what core takes.
fn small(values: &[f32], scale: f32) -> (f32, Vec<u8>) {
    let scale = scale.clamp(f32::MIN_POSITIVE, 1.0);
    let round = |x: &f32| (x / scale).round().clamp(-127.0, 127.0) as i8;
    let bytes = values.iter().map(|x| round(x).to_le_bytes()[0]).collect();
    (scale, bytes)
}

fn column(kind: K, element: Element, rows: usize, columns: usize, bytes: Vec<u8>) -> Column {
    Column {
        kind,
        index: 0,
        element,
        rows,
        columns,
        scale: 1.0,
        optional: true,
        bytes,
    }
}

fn floats(kind: K, values: &[f32]) -> Column {
    let bytes = values.iter().flat_map(|x| normal(*x).to_le_bytes());
    column(kind, Element::F32, 1, values.len(), bytes.collect())
}
