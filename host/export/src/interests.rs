//! The tables of what people look for: optional, so that a reader that doesn't know them ranks without.

use pocketrec::image::TableKind as K;
use pocketrec::image::builder::OwnedTable;

use super::Chosen;
use super::pick::pick;
use pocketrec::model::kin;
use pocketrec_base::error::BadInput;
use pocketrec_train::interest::{Interest, kin_levels, levels};

/// The smallest scale of the codewords of movies that belong together; core wants a power of two from 2^-16 on.
const LEAST_SCALE: f32 = 1.0 / 32_768.0;

/// Adds the tables for movies with so many ratings, and for the chosen users; those of which movies belong together if
/// wanted.
pub(super) fn tables(
    interest: &Interest,
    counts: &[u32],
    chosen: &Chosen,
    with_kin: bool,
    tables: &mut Vec<OwnedTable>,
) -> Result<(), BadInput> {
    let dim = interest.dim;
    let codes = pick(&interest.codes, 1, &chosen.movies);
    let mut add = |table: OwnedTable| tables.push(table.optional());
    add(OwnedTable::of(K::InterestCode, codes.len(), &codes));
    let (scale, codebook) = small(&interest.codebook, interest.scale);
    let rows = codebook.len() / dim;
    add(OwnedTable::of(K::InterestCodebook, rows, &codebook).with_scale(scale));
    let levels = levels(counts, interest.power);
    add(OwnedTable::of(K::InterestLevels, 1, &levels));
    add(OwnedTable::of(K::InterestSpread, 1, &interest.spread));
    // A device multiplies by the root, for observation and noise alike.
    let course = [interest.weight, interest.fade.sqrt()];
    add(OwnedTable::of(K::InterestCourse, 1, &course));
    if with_kin {
        let codes = pick(&interest.kin_codes, kin::BYTES, &chosen.movies);
        add(OwnedTable::of(K::KinCode, chosen.movies.len(), &codes));
        let largest = (interest.kin_codebook.iter()).fold(0.0f32, |most, x| most.max(x.abs()));
        let mut scale = 1.0;
        while scale > LEAST_SCALE && largest <= scale * 63.5 {
            scale /= 2.0;
        }
        let (scale, codebook) = small(&interest.kin_codebook, scale);
        let words = kin::BOOKS * kin::WORDS;
        add(OwnedTable::of(K::KinCodebook, words, &codebook).with_scale(scale));
        add(OwnedTable::of(K::KinLevels, 1, &kin_levels(counts)));
    }
    if !chosen.users.is_empty() {
        let users = pick(&interest.users, dim, &chosen.users);
        let most = users.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let (scale, rows) = small(&users, most / 127.0);
        let table = OwnedTable::of(K::UserInterest, chosen.users.len(), &rows);
        add(table.with_scale(scale));
    }
    Ok(())
}

/// The values as multiples of `scale`, which is held to what core takes.
fn small(values: &[f32], scale: f32) -> (f32, Vec<i8>) {
    let scale = scale.clamp(f32::MIN_POSITIVE, 1.0);
    let round = |x: &f32| (x / scale).round().clamp(-127.0, 127.0) as i8;
    (scale, values.iter().map(round).collect())
}
