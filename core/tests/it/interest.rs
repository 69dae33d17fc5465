//! Interest against plain readings of its formulas, and its tables against everything they must not hold.
#![cfg(feature = "learn")]

use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::ImageError;
use pocketrec::image::{AlignedBytes, Element, ImageWriter, Table, TableKind as K};
use pocketrec::model::Model;
use pocketrec::model::interest::{Interest, LATEST};
use pocketrec::profile::Rating;
use pocketrec::rank::TopN;
use proptest::prelude::*;

const MOVIES: usize = 60;
const CODES: usize = 5;
const DIM: usize = 3;
const SCALE: f32 = 0.0078125;
const WEIGHT: f32 = 24.0;
const FADE: f32 = 0.875;

/// A table that is left out, or put in another's place.
type Change<'a> = &'a dyn Fn(&mut Vec<Owned>);

struct Owned {
    kind: K,
    element: Element,
    rows: usize,
    columns: usize,
    scale: f32,
    bytes: Vec<u8>,
}

fn code(movie: usize) -> u8 {
    (movie * 7 % CODES) as u8
}

fn known(movie: usize) -> u8 {
    (movie * 37 % 256) as u8
}

fn direction(code: usize) -> [i8; DIM] {
    [
        [90, 5, -20],
        [-8, 100, 4],
        [7, -30, 120],
        [60, 60, 60],
        [-100, 20, 15],
    ][code]
}

fn level(byte: u8) -> u8 {
    (byte >> 2) * 4 + 3
}

fn prior() -> [[f64; DIM]; DIM] {
    [[2.0, 0.5, -0.25], [0.5, 1.5, 0.125], [-0.25, 0.125, 3.0]]
}

fn user(at: usize) -> [i8; DIM] {
    [[50, -20, 10], [0, 0, 0]][at]
}

/// The interest's tables, beside which stand movies of even quality.
fn tables() -> Vec<Owned> {
    let table = |kind, element, rows, columns, scale, bytes| Owned {
        kind,
        element,
        rows,
        columns,
        scale,
        bytes,
    };
    let f = |values: &[f32]| bytemuck::cast_slice::<f32, u8>(values).to_vec();
    let i = |values: Vec<i8>| values.iter().map(|x| *x as u8).collect::<Vec<u8>>();
    let (u8s, i8s, f32s, u32s) = (Element::U8, Element::I8, Element::F32, Element::U32);
    let triangle: Vec<f32> = (0..DIM)
        .flat_map(|row| (0..=row).map(move |column| prior()[row][column] as f32))
        .collect();
    let bias: Vec<f32> = (0..MOVIES).map(|movie| (movie % 4) as f32 / 64.0).collect();
    let codes = (0..MOVIES).map(code).collect();
    let bytes = (0..MOVIES).map(known).collect();
    vec![
        table(K::RatingScale, f32s, 1, 4, 1.0, f(&[3.5, 0.5, 5.0, 0.5])),
        table(K::Parts, u8s, 1, 1, 1.0, vec![1]),
        table(K::MovieIdRange, u32s, 1, 2, 1.0, {
            bytemuck::cast_slice(&[1_u32, MOVIES as u32]).to_vec()
        }),
        table(K::MovieEmbedding, f32s, MOVIES, 1, 1.0, f(&[0.0; MOVIES])),
        table(K::MovieBias, f32s, MOVIES, 1, 1.0, f(&bias)),
        table(K::UserIdRange, u32s, 1, 2, 1.0, {
            bytemuck::cast_slice(&[7_u32, 2]).to_vec()
        }),
        table(K::UserEmbedding, f32s, 2, 1, 1.0, f(&[0.0; 2])),
        table(K::UserBias, f32s, 2, 1, 1.0, f(&[0.0; 2])),
        table(K::MeanUser, f32s, 1, 1, 1.0, f(&[0.0])),
        table(K::MeanUserBias, f32s, 1, 1, 1.0, f(&[0.0])),
        table(K::MovieConfidence, u8s, MOVIES, 1, 0.001, bytes),
        table(K::InterestCode, u8s, MOVIES, 1, 1.0, codes),
        table(K::InterestCodebook, i8s, CODES, DIM, SCALE, {
            i((0..CODES).flat_map(direction).collect())
        }),
        table(K::InterestLevels, u8s, 1, 64, 1.0, {
            (0..64).map(|at| level(at * 4)).collect()
        }),
        table(
            K::InterestSpread,
            f32s,
            1,
            triangle.len(),
            1.0,
            f(&triangle),
        ),
        table(K::InterestCourse, f32s, 1, 2, 1.0, f(&[WEIGHT, FADE])),
        table(K::UserInterest, i8s, 2, DIM, 0.015625, {
            i((0..2).flat_map(user).collect())
        }),
    ]
}

fn image(change: Change<'_>) -> AlignedBytes<1024> {
    let mut tables = tables();
    change(&mut tables);
    let mut storage = AlignedBytes::new();
    let count = tables.len() as u16;
    let mut w = ImageWriter::new(storage.bytes_mut(), "interest", 0, "none", count).unwrap();
    for table in &tables {
        w.raw(Table {
            kind: table.kind.number(),
            index: 0,
            required: true,
            element: table.element.code(),
            rows: table.rows as u32,
            columns: table.columns as u32,
            scale: table.scale,
            padding: &[],
            bytes: &table.bytes,
        })
        .unwrap();
    }
    let length = w.finish().unwrap();
    storage.truncate(length);
    storage
}

fn y(movie: usize) -> [f64; DIM] {
    let level = f64::from(level(known(movie))) / 256.0;
    direction(usize::from(code(movie))).map(|x| f64::from(x) * f64::from(SCALE) * level)
}

/// x of movies, the latest last: the normal equations of the ridge regression, by elimination in double precision.
fn person(movies: &[usize]) -> [f64; DIM] {
    let mut a = inverse(prior());
    let mut b = [0.0; DIM];
    let mut weight = 1.0;
    for &movie in movies.iter().rev().take(LATEST) {
        for i in 0..DIM {
            b[i] += weight * y(movie)[i];
            for (j, y) in y(movie).into_iter().enumerate() {
                a[i][j] += weight * self::y(movie)[i] * y;
            }
        }
        weight *= f64::from(FADE) * f64::from(FADE);
    }
    let inverse = inverse(a);
    std::array::from_fn(|i| (0..DIM).map(|j| inverse[i][j] * b[j]).sum())
}

fn inverse(mut a: [[f64; DIM]; DIM]) -> [[f64; DIM]; DIM] {
    let mut out: [[f64; DIM]; DIM] =
        std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    for i in 0..DIM {
        let pivot = a[i][i];
        for j in 0..DIM {
            a[i][j] /= pivot;
            out[i][j] /= pivot;
        }
        for k in (0..DIM).filter(|k| *k != i) {
            let factor = a[k][i];
            for j in 0..DIM {
                a[k][j] -= factor * a[i][j];
                out[k][j] -= factor * out[i][j];
            }
        }
    }
    out
}

fn log(movies: &[usize]) -> Vec<Rating> {
    (0..)
        .zip(movies)
        .map(|(at, movie)| Rating::new(MovieId(*movie as u32 + 1), 4.0, at).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_term_is_what_the_ridge_regression_of_the_latest_ratings_says(
        movies in prop::collection::vec(0..MOVIES, 1..LATEST + 9)
    ) {
        let image = image(&|_| ());
        let model = Model::open(image.bytes()).unwrap();
        let interest = model.interest_of_ratings(&log(&movies));
        let x = person(&movies);
        for movie in 0..MOVIES {
            let plain: f64 = y(movie).iter().zip(&x).map(|(y, x)| x * y).sum();
            let term = f64::from(model.interest_stars(&interest, movie as u32));
            // A code's product is rounded to 2^-9 stars.
            prop_assert!((term - f64::from(WEIGHT) * plain).abs() < 0.002, "{term} {plain}");
        }
    }

    #[test]
    fn a_ranking_is_by_score_confidence_and_interest(
        movies in prop::collection::vec(0..MOVIES, 0..9), fame in -3.0_f32..3.0
    ) {
        let image = image(&|_| ());
        let model = Model::open(image.bytes()).unwrap();
        let interest = model.interest_of_ratings(&log(&movies));
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
fn an_image_user_has_the_row_of_the_image_and_a_stranger_none() {
    let image = image(&|_| ());
    let model = Model::open(image.bytes()).unwrap();
    let interest = model.interest_of_user(UserId(7)).unwrap();
    for movie in 0..MOVIES {
        let x = user(0).map(|x| f64::from(x) / 64.0);
        let plain: f64 = y(movie).iter().zip(&x).map(|(y, x)| x * y).sum();
        let term = f64::from(model.interest_stars(&interest, movie as u32));
        assert!((term - f64::from(WEIGHT) * plain).abs() < 0.002);
    }
    let nobody = model.interest_of_user(UserId(8)).unwrap();
    assert!((0..MOVIES as u32).all(|row| model.interest_stars(&nobody, row) == 0.0));
    assert!(model.interest_of_user(UserId(9)).is_err());
    assert_eq!(model.interest_of_ratings(&[]), Interest::NONE);
    // Movies that the model doesn't have say nothing, and take no place among the latest.
    let mut ratings = log(&[3, 5]);
    let known = model.interest_of_ratings(&ratings);
    ratings.extend((0..40).map(|at| Rating::new(MovieId(900 + at), 4.0, 50 + at).unwrap()));
    assert_eq!(model.interest_of_ratings(&ratings), known);
}

#[test]
fn an_image_without_interests_ranks_without() {
    let image = image(&|tables| tables.truncate(11));
    let model = Model::open(image.bytes()).unwrap();
    assert!(!model.has_interest());
    assert_eq!(model.interest_of_user(UserId(7)).unwrap(), Interest::NONE);
    assert_eq!(model.interest_of_ratings(&log(&[1])), Interest::NONE);
}

/// Opens an image with a change to the table of `kind`.
fn broken(kind: K, change: impl Fn(&mut Owned)) -> Option<ImageError> {
    let image = image(&|tables| {
        let table = tables.iter_mut().find(|table| table.kind == kind);
        change(table.unwrap());
    });
    Model::open(image.bytes()).err()
}

#[test]
fn what_the_tables_must_not_hold_is_refused_by_name() {
    for kind in [
        K::MovieConfidence,
        K::InterestCode,
        K::InterestCodebook,
        K::InterestLevels,
        K::InterestSpread,
        K::InterestCourse,
    ] {
        let image = image(&|tables| tables.retain(|table| table.kind != kind));
        assert_eq!(
            Model::open(image.bytes()).err(),
            Some(ImageError::Missing(kind))
        );
    }
    let without_users = image(&|tables| tables.retain(|table| table.kind != K::UserInterest));
    assert!(Model::open(without_users.bytes()).is_ok());

    let value = |kind, change: &dyn Fn(&mut Owned)| {
        assert_eq!(broken(kind, change), Some(ImageError::Value(kind)));
    };
    value(K::InterestCode, &|table| table.bytes[9] = CODES as u8);
    for scale in [0.0, -0.1, 1.5, f32::NAN, f32::INFINITY] {
        value(K::InterestCodebook, &|table| table.scale = scale);
        value(K::UserInterest, &|table| table.scale = scale);
    }
    let float = |at: usize, x: f32| {
        move |table: &mut Owned| table.bytes[at * 4..][..4].copy_from_slice(&x.to_le_bytes())
    };
    value(K::InterestCourse, &float(0, -1.0));
    value(K::InterestCourse, &float(0, 5_000.0));
    value(K::InterestCourse, &float(1, 1.5));
    value(K::InterestCourse, &float(1, -0.5));
    value(K::InterestSpread, &float(0, -1.0));
    value(K::InterestSpread, &float(1, 70_000.0));
    for kind in [K::InterestCourse, K::InterestSpread] {
        let refused = broken(kind, float(0, f32::NAN));
        assert_eq!(refused, Some(ImageError::NotFinite(kind)));
    }

    let shape = |kind, rows, columns| {
        let refused = broken(kind, |table| {
            (table.rows, table.columns) = (rows, columns);
            table.bytes.resize(rows * columns * table.element.size(), 0);
        });
        assert_eq!(refused, Some(ImageError::Shape(kind)));
    };
    shape(K::InterestCode, MOVIES - 1, 1);
    shape(K::InterestCodebook, 129, DIM);
    shape(K::InterestCodebook, CODES, 17);
    shape(K::InterestLevels, 1, 63);
    shape(K::InterestSpread, 1, 5);
    shape(K::InterestCourse, 1, 3);
    shape(K::UserInterest, 3, DIM);
    shape(K::UserInterest, 2, DIM + 1);
}
