//! Shape, repeatability and floor of synthetic ratings.

use super::super::{columns, rows};
use super::*;
use crate::Reading;
use std::path::Path;

fn made(shape: &Shape, seed: u64, threads: usize) -> (Vec<u8>, Made) {
    let mut text = Vec::new();
    let made = write(shape, seed, threads, Format::Csv, &mut text, |_| ()).unwrap();
    assert_eq!(made.bytes, text.len() as u64);
    (text, made)
}

#[test]
fn a_table_of_parquet_has_the_ratings_of_the_csv_file() {
    let shape = Shape::named("ml-100k").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let read = |format: Format| {
        let path = folder.path().join(format!("ratings.{}", format.name()));
        let mut bytes = Vec::new();
        let made = write(&shape, 7, 2, format, &mut bytes, |_| ()).unwrap();
        assert_eq!(made.bytes, bytes.len() as u64);
        std::fs::write(&path, bytes).unwrap();
        let data = crate::Dataset::load(&path, &crate::Silent).unwrap();
        (made.floor, data.has_times, data.ratings)
    };
    let (text, table) = (read(Format::Csv), read(Format::Parquet));
    assert_eq!(text.2.len(), 100_000);
    assert!(text.1);
    assert_eq!(text, table);
}

#[test]
fn the_ratings_have_the_shape_that_was_asked_for() {
    let shape = Shape::named("ml-100k").unwrap();
    let (text, made) = made(&shape, 1, 2);
    let columns = columns::read(
        &text[..],
        made.bytes,
        Path::new("ratings.csv"),
        &Reading::default(),
        2,
        &|| (),
    )
    .unwrap();
    let rows::Dense {
        ratings, dropped, ..
    } = rows::dense(columns, 2);
    assert_eq!(dropped, 0);
    assert_eq!(
        (ratings.len(), ratings.user_count(), ratings.movie_count()),
        (100_000, 943, 1_682)
    );
    assert_eq!((ratings.movie_ids[0], ratings.movie_ids[1_681]), (1, 1_682));
    let count = |rows: &[u32], len: usize| {
        let mut counts = vec![0u32; len];
        rows.iter().for_each(|&row| counts[row as usize] += 1);
        counts.sort_unstable();
        counts
    };
    let (users, movies) = (count(&ratings.users, 943), count(&ratings.movies, 1_682));
    assert!(
        users[0] >= 20 && users[942] <= 740,
        "{} to {}",
        users[0],
        users[942]
    );
    assert!(
        users[942] > 5 * users[471],
        "the most active user is far above the median"
    );
    assert!(
        movies[1_681] > 300 && movies[840] < 60,
        "{} and {}",
        movies[1_681],
        movies[840]
    );
    let mean: f64 = ratings.stars.iter().map(|&s| f64::from(s)).sum::<f64>() / 1e5;
    assert!((3.3..3.7).contains(&mean), "{mean}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let shape = Shape {
        users: 1_500,
        movies: 400,
        ratings: 40_000,
        top_movie: 9_000,
    };
    let (one, one_made) = made(&shape, 7, 1);
    let (three, three_made) = made(&shape, 7, 3);
    assert!(one == three);
    assert!((one_made.floor - three_made.floor).abs() < 1e-12);
    assert!(one != made(&shape, 8, 1).0);
}

#[test]
fn the_floor_is_the_error_of_who_knows_the_signal() {
    // Draw a million ratings of each of some signals: their variance is the cell's.
    for signal in [-1.0, 0.9, 3.53, 4.6, 6.5] {
        let cell = Cell::at(signal);
        let mut random = random(3, 9, 0);
        let (mut sum, mut square, count) = (0.0, 0.0, 1_000_000);
        for _ in 0..count {
            let noisy = signal + NOISE * normal(&mut random);
            let stars = ((noisy * 2.0).round() / 2.0).clamp(0.5, 5.0);
            sum += stars;
            square += stars * stars;
        }
        let mean = sum / f64::from(count);
        let variance = square / f64::from(count) - mean * mean;
        assert!(
            (variance - cell.variance).abs() < 0.003,
            "{signal}: {variance} and {}",
            cell.variance
        );
    }
}

#[test]
fn a_shape_that_cannot_be_is_refused_with_what_could() {
    let shape = Shape::named("ml-100k").unwrap();
    for (wrong, said) in [
        (Shape { users: 0, ..shape }, "too few"),
        (
            Shape {
                ratings: 18_859,
                ..shape
            },
            "give 18860 to",
        ),
        (
            Shape {
                ratings: 943 * 741,
                ..shape
            },
            "and at most 740",
        ),
        (
            Shape {
                movies: 9_431,
                top_movie: 9_431,
                ..shape
            },
            "at most 9,430 movies",
        ),
        (
            Shape {
                top_movie: 1_681,
                ..shape
            },
            "at least 1682",
        ),
    ] {
        let error = wrong.check().unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    shape.check().unwrap();
}
