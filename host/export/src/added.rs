//! A movie that is added to a board's image: its row of a checkpoint as that image's tables would have it.

use pocketrec::MAX_DIM;
use pocketrec::grow::{AddedMovies, NotAdded};
use pocketrec::ids::MovieId;
use pocketrec::image::builder::OwnedTable;
use pocketrec::image::integers::{row_to_i8, to_i16};
use pocketrec::image::{ImageError, TableKind as K};
use pocketrec::model::Model;
use pocketrec::model::entry::Movie;
use pocketrec::model::facets::BETWEEN;
use pocketrec::table::{EmbeddingTable, Values};
use pocketrec::wire::Entry;
use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::{Movie as Title, search};
use pocketrec_train::interest::confidence_bytes;

use super::codes;

/// Movies of an image that are looked at to see whether it is a checkpoint's.
const LOOKED_AT: usize = 500;

/// An image of the same checkpoint leaves less than this share of its rows' squares over, whatever its precision.
const LEFT_OVER: f64 = 0.5;

/// How near to the largest number of an image's rows those of an added movie may come, where rounding passes it.
const SHARES: [f32; 4] = [1.0, 0.99, 0.97, 0.9];

/// A movie for a board, and the genres by which the image can't list it.
#[derive(Clone, Debug)]
pub struct ForBoard {
    /// What the board is sent.
    pub entry: Entry,
    /// Genres that go missing, since no movie of the image has just these.
    pub without: Vec<String>,
}

/// The movie of `row` of a checkpoint, which is called `title`, for the image of `model`.
///
/// # Errors
///
/// [`BadInput`] for an image that isn't of this checkpoint, or is of fewer dimensions, and for an id that isn't above its own.
pub fn for_board(
    model: &Model<'_>,
    checkpoint: &Checkpoint,
    row: usize,
    title: &Title,
) -> Result<ForBoard, BadInput> {
    let p = &checkpoint.parameters;
    is_of(model, checkpoint)?;
    let (genres, without) = genres_of(model, title);
    let (set, year) = model
        .facet_of(genres, search::year(&title.title))
        .unwrap_or_default();
    if model.genres_of_set(set) & !genres != 0 {
        return Err(BadInput::new(
            "the board's image has no movie of some of these genres and no others, so that its lists would show this one \
             under genres that it hasn't: say --genres as a movie of the image has them, or `export` an image with it",
        ));
    }
    let interest = checkpoint.interest.as_ref();
    let kin = interest.and_then(|interest| interest.kin_codes.as_chunks().0.get(row));
    let kin = kin.copied().unwrap_or_default();
    let confidence = confidence(model, checkpoint, row);
    let largest = model.largest();
    let near = |share: f32| -> Result<Entry, NotAdded> {
        let held = |x: f32, most: f32| {
            let x = if x.is_subnormal() { 0.0 } else { x };
            x.clamp(-most * share, most * share)
        };
        let bias = p.movie_bias.get(row).copied();
        let numbers: Vec<f32> = p.movie_row(row).to_vec();
        let codes = codes::nearest(model, checkpoint, bias, &numbers);
        let numbers: Vec<f32> = numbers.iter().map(|x| held(*x, largest.0)).collect();
        let bias = bias.map(|x| held(x, largest.1));
        let (own, multiplier) = match codes {
            Some(_) => (Vec::new(), 0),
            None => bytes(&model.movie_table(), &numbers),
        };
        let bias = match (&codes, model.movie_biases(), bias) {
            (None, Some(table), Some(bias)) => bytes(&table, &[bias]).0,
            _ => Vec::new(),
        };
        let movie = Movie {
            id: MovieId(title.id),
            row: &own,
            bias: &bias,
            codes: codes.as_deref().unwrap_or_default(),
            multiplier,
            kin,
            confidence,
            set,
            year,
        };
        let entry = movie.entry(model)?;
        AddedMovies::of(Some(model)).check(model, &entry)?;
        Ok(entry)
    };
    let mut last = None;
    for share in SHARES {
        match near(share) {
            Ok(entry) => return Ok(ForBoard { entry, without }),
            // What the row is held to is rounded beyond it.
            Err(NotAdded::Bad(ImageError::Value(K::MovieEmbedding | K::MovieBias))) => {}
            Err(why) => {
                last = Some(why);
                break;
            }
        }
    }
    Err(BadInput::new(match last {
        Some(why) => format!("the movie can't be added to the board's image: {why}"),
        None => "the movie's numbers are beyond those of the board's image".into(),
    }))
}

/// The numbers of a row as a table has them, and what a row of 8 bits is multiplied by.
fn bytes(table: &EmbeddingTable<'_>, row: &[f32]) -> (Vec<u8>, u8) {
    let scale = table.scale();
    match table.values() {
        Values::F16(_) => {
            let halves = OwnedTable::halves(K::MovieEmbedding, 1, row);
            // They are held to what the table has.
            (halves.map(|halves| halves.bytes).unwrap_or_default(), 0)
        }
        Values::F32(_) => (row.iter().flat_map(|x| x.to_le_bytes()).collect(), 0),
        Values::I16(_) => {
            let words = row.iter().map(|x| to_i16(*x, scale));
            (words.flat_map(i16::to_le_bytes).collect(), 0)
        }
        Values::I8 { .. } => {
            let mut out = vec![0; row.len()];
            let by = row_to_i8(row, scale, &mut out);
            (out.into_iter().map(|x| x as u8).collect(), by)
        }
    }
}

/// Makes sure that an image's rows are those of the checkpoint.
fn is_of(model: &Model<'_>, checkpoint: &Checkpoint) -> Result<(), BadInput> {
    let p = &checkpoint.parameters;
    if model.movie_dim() != p.movie_dim {
        return Err(BadInput::new(format!(
            "the board's image has rows of {} dimensions and the checkpoint of {}: a movie can't be added to it; `export` without \
             `--dim` writes one to which one can",
            model.movie_dim(),
            p.movie_dim
        )));
    }
    let (mut left, mut all) = (0.0, 0.0);
    let mut known = 0;
    let step = (model.movies() as usize / LOOKED_AT).max(1);
    for row in (0..model.movies()).step_by(step) {
        let id = model.movie_id(row).unwrap_or_default().0;
        let Ok(own) = checkpoint.movie_ids.binary_search(&id) else {
            continue;
        };
        known += 1;
        let mut place = [0.0; MAX_DIM];
        model.movie_table().read(row as usize, &mut place);
        for (is, due) in place.iter().zip(p.movie_row(own)) {
            left += f64::from(is - due).powi(2);
            all += f64::from(*due).powi(2);
        }
    }
    if known == 0 || left > LEFT_OVER * all {
        return Err(BadInput::new(
            "the board's image isn't of this checkpoint, so that a row of the one says nothing in the other: name the image's \
             with --checkpoint, or export this one's to the board",
        ));
    }
    Ok(())
}

/// The genres that the image can list the movie by, as bits, and those that are missing.
fn genres_of(model: &Model<'_>, title: &Title) -> (u32, Vec<String>) {
    let Some(names) = model.genre_names() else {
        return (0, Vec::new());
    };
    let names: Vec<&str> = names.split(BETWEEN).collect();
    let bit = |genre: &String| {
        let at = names.iter().position(|name| name == genre);
        at.map_or(0, |at| 1_u32 << at)
    };
    let wanted = title.genres.iter().map(bit).fold(0, |all, bit| all | bit);
    let (set, _) = model.facet_of(wanted, None).unwrap_or_default();
    let held = model.genres_of_set(set);
    let without = title.genres.iter().filter(|genre| {
        let bit = bit(genre);
        bit == 0 || held & bit == 0
    });
    (wanted, without.cloned().collect())
}

/// How well known the movie is among those of the image, as its confidence byte.
fn confidence(model: &Model<'_>, checkpoint: &Checkpoint, row: usize) -> u8 {
    let counts = &checkpoint.movie_counts;
    let of = |id: u32| {
        let at = checkpoint.movie_ids.binary_search(&id).ok()?;
        counts.get(at).copied()
    };
    let ids = (0..model.movies()).filter_map(|row| model.movie_id(row));
    let mut all: Vec<u32> = ids.filter_map(|id| of(id.0)).collect();
    let most = all.iter().copied().max().unwrap_or_default();
    all.push(counts.get(row).copied().unwrap_or_default().min(most));
    confidence_bytes(&all).last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::{checkpoint, options};
    use crate::{Bytes, Chosen, Precision, build};
    use pocketrec::rank::TopN;
    use pocketrec_checkpoint::Added;
    use pocketrec_train::ModelKind;

    const ALL: [Precision; 5] = [
        Precision::F16,
        Precision::F32,
        Precision::I16,
        Precision::I8,
        Precision::Codes(Bytes::Four),
    ];

    /// A movie whose row is that of row 3, less a little.
    fn grown(checkpoint: &Checkpoint) -> Checkpoint {
        let mut grown = checkpoint.clone();
        let p = &checkpoint.parameters;
        let row: Vec<f32> = p.movie_row(3).iter().map(|x| x * 0.9).collect();
        let id = checkpoint.movie_ids.last().unwrap() + 5;
        let added = Added {
            id,
            title: "New One (2030)".into(),
            genres: Vec::new(),
        };
        grown.append(added, (p.movie_bias[3] * 0.9, &row), 2, 3);
        grown
    }

    #[test]
    fn a_movie_on_a_board_is_predicted_as_the_checkpoint_predicts_it_in_every_precision() {
        let before = checkpoint(options(ModelKind::Mf, &[]), vec![3, 5], (1..300).collect());
        let after = grown(&before);
        let row = before.movie_ids.len();
        let title = Title {
            id: after.movie_ids[row],
            title: "New One (2030)".into(),
            genres: Vec::new(),
            ratings: 0,
        };
        for precision in ALL {
            let image = build(&before, &Chosen::all(&before), precision).unwrap();
            let model = Model::open(image.as_ref()).unwrap();
            let found = for_board(&model, &after, row, &title).unwrap();
            let mut added = AddedMovies::of(Some(&model));
            added.add(&model, &found.entry).unwrap();
            let tables = added.tables(&model);
            let part = tables.part(&model);
            let joint = model.with_more(part.as_ref());
            let user = joint.user(pocketrec::ids::UserId(3)).unwrap();
            let p = &after.parameters;
            let products = p.user_row(0).iter().zip(p.movie_row(row));
            let due = p.mean + p.user_bias[0] + p.movie_bias[row];
            let due = products.fold(due, |sum, (a, b)| sum + a * b);
            let score = joint.score(&user, joint.movies() - 1);
            let near = match precision {
                Precision::F16 | Precision::F32 | Precision::I16 => 0.01,
                Precision::I8 => 0.05,
                // Random rows have no order that a few bytes could hold.
                Precision::Codes(_) => 1.0,
            };
            assert!(
                (score - due).abs() < near,
                "{precision:?}: {score} for {due}"
            );
            let mut top = TopN::<20>::new().with_below_mean();
            while !top
                .advance(&joint, &user, |movie| movie.0 == title.id, 1000)
                .is_done()
            {}
            assert_eq!(top.hits().len(), 1, "{precision:?}");
        }
    }

    #[test]
    fn an_image_of_another_checkpoint_is_refused() {
        let before = checkpoint(options(ModelKind::Mf, &[]), vec![3, 5], (1..40).collect());
        let mut other = before.clone();
        for x in &mut other.parameters.movie_embedding {
            *x = -*x;
        }
        let image = build(&other, &Chosen::all(&other), Precision::F16).unwrap();
        let model = Model::open(image.as_ref()).unwrap();
        let after = grown(&before);
        let row = before.movie_ids.len();
        let title = Title {
            id: after.movie_ids[row],
            title: "New One".into(),
            genres: Vec::new(),
            ratings: 0,
        };
        let why = for_board(&model, &after, row, &title)
            .unwrap_err()
            .to_string();
        assert!(why.contains("isn't of this checkpoint"), "{why}");
        // One whose id the image has, or passes.
        let image = build(&before, &Chosen::all(&before), Precision::F16).unwrap();
        let model = Model::open(image.as_ref()).unwrap();
        let title = Title { id: 0, ..title };
        let why = for_board(&model, &after, row, &title)
            .unwrap_err()
            .to_string();
        assert!(why.contains("needs an id above"), "{why}");
    }
}
