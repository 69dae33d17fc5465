//! Which form of an id index an image gets.

use pocketrec::ids::{BLOCK_WORDS, elias_fano_size, fill_bitmap, fill_elias_fano};

/// The four forms; an image has a kind of table for each, for movies and for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Range,
    Bitmap,
    Sorted,
    EliasFano,
}

/// An id index on its way into an image: u32 \[rows\]\[words / rows\].
#[derive(Debug)]
pub(super) struct IdTable {
    pub(super) form: Form,
    pub(super) rows: usize,
    pub(super) words: Vec<u32>,
}

/// The index of `ids`, which ascend strictly and aren't empty: a range if there are no gaps, or else the smaller of
/// bitmap and sorted ids. They answer faster than Elias–Fano code, which is taken where it saves a quarter or more.
pub(super) fn smallest(ids: &[u32]) -> IdTable {
    let (first, last) = (ids[0], ids[ids.len() - 1]);
    let table = |form, rows, words| IdTable { form, rows, words };
    if (last - first) as usize == ids.len() - 1 {
        return table(Form::Range, 1, vec![first, ids.len() as u32]);
    }
    let blocks = (last / 256) as usize + 1;
    let plain = ids.len().min(blocks * BLOCK_WORDS);
    if let Some((size, low_bits)) = elias_fano_size(ids)
        && size <= plain / 4 * 3
    {
        let mut words = vec![0; size];
        fill_elias_fano(ids, low_bits, &mut words);
        return table(Form::EliasFano, 1, words);
    }
    if blocks * BLOCK_WORDS < ids.len() {
        let mut bits = vec![[0; BLOCK_WORDS]; blocks];
        fill_bitmap(ids, &mut bits);
        return table(Form::Bitmap, blocks, bits.into_flattened());
    }
    table(Form::Sorted, ids.len(), ids.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec::ids::IdIndex;

    #[test]
    fn the_built_in_movies_ids_take_a_third_of_a_bitmap() {
        let ids = &pocketrec_data::builtin::load().ratings.movie_ids;
        let bitmap = (ids[ids.len() - 1] as usize / 256 + 1) * BLOCK_WORDS * 4;
        let table = smallest(ids);
        assert_eq!((table.form, table.rows), (Form::EliasFano, 1));
        let bytes = table.words.len() * 4;
        assert!(bytes * 3 < bitmap, "{bytes} bytes, {bitmap} as a bitmap");
        let index = IdIndex::elias_fano(&table.words).unwrap();
        assert_eq!(index.len() as usize, ids.len());
        for (row, id) in (0..).zip(ids) {
            assert_eq!((index.id(row), index.row(*id)), (Some(*id), Some(row)));
        }
        let found = (0..200_000).filter(|id| index.row(*id).is_some()).count();
        assert_eq!(found, ids.len());
    }
}
