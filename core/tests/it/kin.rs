//! Movies that belong together, against plain readings of the formulas, and the tables against what they must not hold.

use pocketrec::ids::MovieId;
use pocketrec::image::builder::{OwnedTable, Title, room, write};
use pocketrec::image::{ImageError, TableKind as K};
use pocketrec::model::kin::{BOOKS, BYTES, LEVELS, NUMBERS, WORDS};
use pocketrec::rank::{Hit, Nearest};

const MOVIES: usize = 90;
const SCALE: f32 = 1.0 / 128.0;

/// The codeword of a movie in a book.
fn word(movie: usize, book: usize) -> usize {
    (movie * (7 + 2 * book) + movie / 11) % WORDS
}

/// Number `at` of a codeword; some are the least that a byte holds.
fn number(book: usize, word: usize, at: usize) -> i8 {
    match (book * 31 + word * 17 + at * 5) * 7919 % 257 {
        256 => -128,
        x => ((x as i32 - 128) / 8) as i8,
    }
}

fn known(movie: usize) -> u8 {
    (movie * 37 % 256) as u8
}

/// 0 for the least known ones.
fn level(at: usize) -> u8 {
    (at * 4).saturating_sub(24) as u8
}

fn tables() -> Vec<OwnedTable> {
    let rows: Vec<f32> = (0..MOVIES * 2).map(|at| (at % 7) as f32 - 3.0).collect();
    let known: Vec<u8> = (0..MOVIES).map(known).collect();
    let nibbles = |movie, pair| word(movie, 2 * pair) | word(movie, 2 * pair + 1) << 4;
    let codes: Vec<u8> = (0..MOVIES)
        .flat_map(|movie| (0..BYTES).map(move |pair| nibbles(movie, pair) as u8))
        .collect();
    let codebook: Vec<i8> = (0..BOOKS * WORDS * NUMBERS)
        .map(|at| number(at / NUMBERS / WORDS, at / NUMBERS % WORDS, at % NUMBERS))
        .collect();
    let levels: Vec<u8> = (0..LEVELS).map(level).collect();
    vec![
        OwnedTable::of(K::RatingScale, 1, &[3.5_f32, 0.5, 5.0, 0.5]),
        OwnedTable::of(K::Parts, 1, &[2_u8]),
        OwnedTable::of(K::MovieIdRange, 1, &[1, MOVIES as u32]),
        OwnedTable::of(K::MovieEmbedding, MOVIES, &rows),
        OwnedTable::of(K::MeanUser, 1, &[0.5_f32, 0.25]),
        OwnedTable::of(K::MovieConfidence, MOVIES, &known).with_scale(0.001),
        OwnedTable::of(K::KinCode, MOVIES, &codes),
        OwnedTable::of(K::KinCodebook, BOOKS * WORDS, &codebook).with_scale(SCALE),
        OwnedTable::of(K::KinLevels, 1, &levels),
    ]
}

fn image(tables: &[OwnedTable]) -> Vec<u32> {
    let mut words = vec![0; room(tables).div_ceil(4)];
    let title = Title {
        name: "kin",
        fingerprint: 1,
        license: "none",
    };
    write(title, tables, bytemuck::cast_slice_mut(&mut words)).unwrap();
    words
}

/// How much two movies belong together, from the formula in whole numbers.
fn plain(movie: usize, other: usize) -> f32 {
    let number = |movie, book, at| i64::from(number(book, word(movie, book), at));
    let term = |book| {
        let products = (0..NUMBERS).map(|at| {
            let own: i64 = (0..BOOKS).map(|book| number(movie, book, at)).sum();
            own * number(other, book, at)
        });
        (products.sum::<i64>() >> 2).clamp(1 - (1 << 14), (1 << 14) - 1)
    };
    let sum: i64 = (0..BOOKS).map(term).sum();
    let key = (sum * i64::from(level(usize::from(known(other)) / 4))) >> 2;
    (key as f64 * f64::from(SCALE * SCALE) / 16.0) as f32
}

#[test]
fn kin_are_listed_in_the_order_of_the_formula_and_without_little_known_movies() {
    let words = image(&tables());
    let model = crate::open(bytemuck::cast_slice(&words)).unwrap();
    assert!(model.has_kin());
    for movie in 0..MOVIES {
        let mut all: Vec<Hit> = (0..MOVIES)
            .filter(|other| *other != movie && plain(movie, *other) > 0.0)
            .map(|other| Hit {
                movie: MovieId(other as u32 + 1),
                score: plain(movie, other),
            })
            .collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.movie.cmp(&b.movie)));
        assert!(all.len() > 20);
        for (keep, slice) in [(8, 7), (3, 1), (8, u32::MAX)] {
            let mut nearest = Nearest::<8>::with_limit(keep, &model, movie as u32);
            while !nearest.advance(&model, slice).is_done() {}
            assert_eq!(nearest.hits(), &all[..keep]);
        }
        for other in 0..MOVIES {
            let kinship = model.kinship(movie as u32, other as u32);
            assert_eq!(kinship.to_bits(), plain(movie, other).to_bits());
        }
        // All of them, where the list has room: none at 0, so none that hardly anybody rated.
        let mut nearest = Nearest::<MOVIES>::with_limit(MOVIES, &model, movie as u32);
        nearest.advance(&model, u32::MAX);
        assert_eq!(nearest.hits(), &all);
    }
    // A row outside the table is like nobody.
    assert_eq!(model.kinship(0, MOVIES as u32), 0.0);
    assert_eq!(model.kinship(MOVIES as u32, 0), 0.0);
}

#[test]
fn by_taste_and_in_an_image_without_kin_movies_are_compared_by_their_rows() {
    let with = image(&tables());
    let without = image(&tables()[..6]);
    let [with, without] = [&with, &without].map(|words| {
        let bytes: &[u8] = bytemuck::cast_slice(words);
        crate::open(bytes).unwrap()
    });
    assert!(!without.has_kin());
    assert_eq!(without.kin_terms(3), None);
    assert_eq!(without.kinship(3, 4), 0.0);
    let mut asked = Nearest::<8>::by_taste(8, &with, 3);
    asked.advance(&with, u32::MAX);
    let mut usual = Nearest::<8>::with_limit(8, &without, 3);
    usual.advance(&without, u32::MAX);
    assert_eq!(asked.hits(), usual.hits());
    assert_eq!(usual.hits()[0].score, 1.0);
}

#[test]
fn what_the_tables_of_kin_must_not_hold_is_refused_by_name() {
    let refused = |change: &dyn Fn(&mut Vec<OwnedTable>)| {
        let mut tables = tables();
        change(&mut tables);
        crate::open(bytemuck::cast_slice(&image(&tables))).err()
    };
    assert_eq!(refused(&|_| ()), None);
    for at in 5..9 {
        let kind = tables()[at].kind;
        let missing = refused(&|tables| drop(tables.remove(at)));
        assert_eq!(missing, Some(ImageError::Missing(kind)));
    }
    for scale in [0.0, -0.5, 0.75, 2.0, 1e-6, f32::NAN, f32::INFINITY] {
        let refused = refused(&|tables| tables[7].scale = scale);
        assert_eq!(refused, Some(ImageError::Value(K::KinCodebook)), "{scale}");
    }
    for (at, rows, columns) in [
        (6, MOVIES - 1, BYTES),
        (6, MOVIES, BYTES - 1),
        (7, BOOKS * WORDS - 1, NUMBERS),
        (7, BOOKS * WORDS, NUMBERS + 1),
        (8, 1, LEVELS - 1),
        (8, 1, LEVELS + 1),
    ] {
        let kind = tables()[at].kind;
        let refused = refused(&|tables| {
            let table = &mut tables[at];
            (table.rows, table.columns) = (rows, columns);
            table.bytes.resize(rows * columns, 0);
        });
        assert_eq!(refused, Some(ImageError::Shape(kind)), "{rows} x {columns}");
    }
}
