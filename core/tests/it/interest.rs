//! Interest against plain readings of its formulas, and its tables against everything they must not hold.
#![cfg(feature = "learn")]

use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::builder::{OwnedTable, Title, room, write};
use pocketrec::image::{ImageError, TableKind as K};
use pocketrec::model::Model;
use pocketrec::model::interest::{Interest, LATEST};
use pocketrec::model::kin::{BOOKS, BYTES, LEVELS, NUMBERS, WORDS};
use pocketrec::profile::Rating;
use pocketrec::rank::TopN;
use proptest::prelude::*;

const MOVIES: usize = 60;
const SCALE: f64 = 1.0 / 256.0;
const WEIGHT: f64 = 24.0;
const FADE: f64 = 0.875;
/// What a movie may be off by: sixteen terms are rounded down to 2^-9 stars each, the fading counts are rounded, and so is
/// each number of the sum, to 2^-16 stars of a codeword's number.
fn off(movie: usize) -> f64 {
    let numbers: f64 = direction(movie).iter().map(|x| x.abs() / SCALE).sum();
    16.0 / 512.0 + 0.02 + numbers / 2.0 / 65_536.0
}

fn word(movie: usize, book: usize) -> usize {
    (movie * (7 + 2 * book) + movie / 11) % WORDS
}

fn number(book: usize, word: usize, at: usize) -> i8 {
    ((book * 31 + word * 17 + at * 5) * 7919 % 31) as i8 - 15
}

fn known(movie: usize) -> u8 {
    (movie * 37 % 256) as u8
}

fn level(byte: u8) -> u8 {
    (byte >> 2) * 4 + 3
}

/// The latest movies of user 7; user 8 has none.
const LAST: [usize; 3] = [41, 5, 17];

/// Interests of movies of even quality.
fn tables() -> Vec<OwnedTable> {
    let bias: Vec<f32> = (0..MOVIES).map(|movie| (movie % 4) as f32 / 64.0).collect();
    let bytes: Vec<u8> = (0..MOVIES).map(known).collect();
    let nibbles = |movie, pair| word(movie, 2 * pair) | word(movie, 2 * pair + 1) << 4;
    let codes: Vec<u8> = (0..MOVIES)
        .flat_map(|movie| (0..BYTES).map(move |pair| nibbles(movie, pair) as u8))
        .collect();
    let codebook: Vec<i8> = (0..BOOKS * WORDS * NUMBERS)
        .map(|at| number(at / NUMBERS / WORDS, at / NUMBERS % WORDS, at % NUMBERS))
        .collect();
    let levels: Vec<u8> = (0..LEVELS).map(|at| level(at as u8 * 4)).collect();
    let mut latest = vec![u8::MAX; 2 * LATEST * 2];
    for (bytes, row) in latest.chunks_exact_mut(2).zip(LAST) {
        bytes.copy_from_slice(&(row as u16).to_le_bytes());
    }
    vec![
        OwnedTable::of(K::RatingScale, 1, &[3.5_f32, 0.5, 5.0, 0.5]),
        OwnedTable::of(K::Parts, 1, &[1_u8]),
        OwnedTable::of(K::MovieIdRange, 1, &[1, MOVIES as u32]),
        OwnedTable::of(K::MovieEmbedding, MOVIES, &[0.0_f32; MOVIES]),
        OwnedTable::of(K::MovieBias, MOVIES, &bias),
        OwnedTable::of(K::UserIdRange, 1, &[7_u32, 2]),
        OwnedTable::of(K::UserEmbedding, 2, &[0.0_f32; 2]),
        OwnedTable::of(K::UserBias, 2, &[0.0_f32; 2]),
        OwnedTable::of(K::MeanUser, 1, &[0.0_f32]),
        OwnedTable::of(K::MeanUserBias, 1, &[0.0_f32]),
        OwnedTable::of(K::MovieConfidence, MOVIES, &bytes).with_scale(0.001),
        OwnedTable::of(K::KinCode, MOVIES, &codes),
        OwnedTable::of(K::KinCodebook, BOOKS * WORDS, &codebook).with_scale(SCALE as f32),
        OwnedTable::of(K::KinLevels, 1, &levels),
        OwnedTable::of(K::InterestCourse, 1, &[WEIGHT as f32, FADE as f32]),
        OwnedTable::of(K::UserLatest, 2, &latest),
    ]
}

fn image(tables: &[OwnedTable]) -> Vec<u32> {
    let mut words = vec![0; room(tables).div_ceil(4)];
    let title = Title {
        name: "interest",
        fingerprint: 1,
        license: "none",
    };
    write(title, tables, bytemuck::cast_slice_mut(&mut words)).unwrap();
    words
}

fn open(words: &[u32]) -> Result<Model<'_>, ImageError> {
    crate::open(bytemuck::cast_slice(words))
}

fn direction(movie: usize) -> [f64; NUMBERS] {
    std::array::from_fn(|at| {
        let number = |book| f64::from(number(book, word(movie, book), at));
        (0..BOOKS).map(number).sum::<f64>() * SCALE
    })
}

/// What a list adds to each movie for somebody who rated these, the last one last: in double precision.
fn plain(movies: &[usize]) -> Vec<f64> {
    let mut x = [0.0; NUMBERS];
    for (age, movie) in (0..).zip(movies.iter().rev().take(LATEST)) {
        for (x, c) in x.iter_mut().zip(direction(*movie)) {
            *x += FADE.powi(age) * c;
        }
    }
    let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    (0..MOVIES)
        .map(|movie| {
            let dot: f64 = x.iter().zip(direction(movie)).map(|(x, c)| x * c).sum();
            let level = f64::from(level(known(movie))) / 256.0;
            if length > 0.0 {
                WEIGHT * level * dot / length
            } else {
                0.0
            }
        })
        .collect()
}

fn log(movies: &[usize]) -> Vec<Rating> {
    (0..)
        .zip(movies)
        .map(|(at, movie)| Rating::new(MovieId(*movie as u32 + 1), 4.0, at).unwrap())
        .collect()
}

fn is(model: &Model<'_>, interest: &Interest, due: &[f64]) {
    for (row, due) in (0..).zip(due) {
        let found = f64::from(model.interest_stars(interest, row));
        assert!(
            (found - due).abs() < off(row as usize),
            "{row}: {found}, not {due}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_term_is_what_the_fading_sum_of_the_latest_ratings_says(
        movies in prop::collection::vec(0..MOVIES, 1..LATEST + 9)
    ) {
        let words = image(&tables());
        let model = open(&words).unwrap();
        is(&model, &model.interest_of_ratings(&log(&movies), 4.0), &plain(&movies));
    }

    #[test]
    fn a_ranking_is_by_score_confidence_and_interest(
        movies in prop::collection::vec(0..MOVIES, 0..9), fame in -3.0_f32..3.0
    ) {
        let words = image(&tables());
        let model = open(&words).unwrap();
        let interest = model.interest_of_ratings(&log(&movies), 4.0);
        let user = model.mean_user();
        let mut plain: Vec<(f32, u32)> = (0..MOVIES as u32)
            .map(|row| {
                let fame = fame * 0.001 * f32::from(known(row as usize));
                (model.score(&user, row) + fame + model.interest_stars(&interest, row), row + 1)
            })
            .collect();
        plain.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut top = TopN::<10>::new().with_fame(fame).with_interest(interest);
        while !top.advance(&model, &user, |_| true, 7).is_done() {}
        let found: Vec<f32> = top.hits().iter().map(|hit| hit.score).collect();
        for ((score, _), found) in plain.iter().zip(&found) {
            prop_assert!((score - found).abs() < 1e-5);
        }
        prop_assert_eq!(top.hits().len(), 10);
    }
}

#[test]
fn an_image_user_is_known_by_the_movies_of_the_image_and_a_stranger_by_none() {
    let words = image(&tables());
    let model = open(&words).unwrap();
    let interest = model.interest_of_user(UserId(7)).unwrap();
    let mut first = LAST;
    first.reverse();
    is(&model, &interest, &plain(&first));
    assert_eq!(interest, model.interest_of_ratings(&log(&first), 4.0));
    let nobody = model.interest_of_user(UserId(8)).unwrap();
    assert_eq!(nobody, Interest::NONE);
    assert!((0..MOVIES as u32).all(|row| model.interest_stars(&nobody, row) == 0.0));
    assert!(model.interest_of_user(UserId(9)).is_err());
    assert_eq!(model.interest_of_ratings(&[], 4.0), Interest::NONE);
    // Movies that the model doesn't have say nothing, and take no place among the latest.
    let mut ratings = log(&[3, 5]);
    let known = model.interest_of_ratings(&ratings, 4.0);
    ratings.extend((0..40).map(|at| Rating::new(MovieId(900 + at), 4.0, 50 + at).unwrap()));
    assert_eq!(model.interest_of_ratings(&ratings, 4.0), known);
    // Nor do those that were rated more than a star below what somebody gives on the whole.
    ratings.extend((0..40).map(|at| Rating::new(MovieId(at + 1), 2.5, 90 + at).unwrap()));
    assert_eq!(model.interest_of_ratings(&ratings, 4.0), known);
    let harsh = model.interest_of_ratings(&ratings, 3.5);
    is(&model, &harsh, &plain(&(0..40).collect::<Vec<_>>()));
    assert_eq!(model.interest_of_ratings(&ratings, 5.5), Interest::NONE);
}

#[test]
fn an_image_without_interests_ranks_without() {
    let words = image(&tables()[..14]);
    let model = open(&words).unwrap();
    assert!(model.has_kin() && !model.has_interest());
    assert_eq!(model.interest_of_user(UserId(7)).unwrap(), Interest::NONE);
    assert_eq!(model.interest_of_ratings(&log(&[1]), 4.0), Interest::NONE);
    let of_another = image(&tables());
    let interest = open(&of_another)
        .unwrap()
        .interest_of_ratings(&log(&[1]), 4.0);
    assert_eq!(model.interest_stars(&interest, 3), 0.0);
}

/// Opens an image with a change to the table of `kind`.
fn broken(kind: K, change: impl Fn(&mut OwnedTable)) -> Option<ImageError> {
    let mut tables = tables();
    change(tables.iter_mut().find(|table| table.kind == kind).unwrap());
    open(&image(&tables)).err()
}

#[test]
fn what_the_tables_must_not_hold_is_refused_by_name() {
    for kind in [K::MovieConfidence, K::KinCode, K::InterestCourse] {
        let mut tables = tables();
        tables.retain(|table| table.kind != kind);
        // Without its codes a kin has nothing to stand for either.
        tables.retain(|table| {
            kind != K::KinCode || !matches!(table.kind, K::KinCodebook | K::KinLevels)
        });
        assert_eq!(open(&image(&tables)).err(), Some(ImageError::Missing(kind)));
    }
    let without_users = tables()
        .into_iter()
        .filter(|table| table.kind != K::UserLatest);
    assert!(open(&image(&without_users.collect::<Vec<_>>())).is_ok());

    let float = |at: usize, x: f32| {
        move |table: &mut OwnedTable| table.bytes[at * 4..][..4].copy_from_slice(&x.to_le_bytes())
    };
    for (at, x) in [(0, -1.0), (0, 0.0), (0, 5_000.0), (1, 1.5), (1, -0.5)] {
        let refused = broken(K::InterestCourse, float(at, x));
        assert_eq!(refused, Some(ImageError::Value(K::InterestCourse)), "{x}");
    }
    let refused = broken(K::InterestCourse, float(0, f32::NAN));
    assert_eq!(refused, Some(ImageError::NotFinite(K::InterestCourse)));
    for row in [MOVIES as u16, u16::MAX - 1] {
        let refused = broken(K::UserLatest, |table| {
            table.bytes[2..4].copy_from_slice(&row.to_le_bytes());
        });
        assert_eq!(refused, Some(ImageError::Value(K::UserLatest)), "{row}");
    }

    for (kind, rows, columns) in [
        (K::InterestCourse, 1, 3),
        (K::UserLatest, 3, 2 * LATEST),
        (K::UserLatest, 2, 2 * LATEST + 1),
        (K::UserLatest, 2, 3 * LATEST),
    ] {
        let refused = broken(kind, |table| {
            (table.rows, table.columns) = (rows, columns);
            table.bytes.resize(rows * columns * table.element.size(), 0);
        });
        assert_eq!(refused, Some(ImageError::Shape(kind)), "{rows} x {columns}");
    }
}
