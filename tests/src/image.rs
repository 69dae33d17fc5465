//! Images of synthetic numbers, in the shape of a trained `hybrid` model and of any number of movies.

use anyhow::Result;
use pocketrec::image::TableKind as Kind;
use pocketrec::image::builder::{self, DenseLayer, OwnedTable, Title, dense_tables};
use pocketrec::kernels::Lesson;
use pocketrec::model::interest::LATEST;
use pocketrec::model::kin::{BOOKS, BYTES, NUMBERS, WORDS};
use pocketrec::numeric::activation::Activation;
use pocketrec_export::bytes::ImageBytes;

/// An image of `users` and `movies` with ids from 1, in half precision.
///
/// # Errors
/// When the writer refuses a number.
pub fn made_up(users: u32, movies: u32) -> Result<ImageBytes> {
    const DIM: usize = Lesson::DIM;
    let mut numbers = Numbers(u64::from(users) << 32 | u64::from(movies));
    let (user_rows, movie_rows) = (users as usize, movies as usize);
    let mut tables = vec![
        OwnedTable::of(Kind::RatingScale, 1, &[3.5_f32, 0.5, 5.0, 0.5]),
        OwnedTable::of(Kind::Parts, 1, &[7_u8]),
        OwnedTable::of(Kind::MovieIdRange, 1, &[1, movies]),
        OwnedTable::of(Kind::UserIdRange, 1, &[1, users]),
    ];
    for (kind, rows, columns) in [
        (Kind::MovieEmbedding, movie_rows, DIM),
        (Kind::UserEmbedding, user_rows, DIM),
        (Kind::MovieBias, movie_rows, 1),
        (Kind::UserBias, user_rows, 1),
    ] {
        let values = numbers.take(rows * columns, 0.5);
        tables.push(OwnedTable::halves(kind, rows, &values)?);
    }
    let mean = numbers.take(DIM, 0.1);
    tables.push(OwnedTable::of(Kind::MeanUser, 1, &mean));
    tables.push(OwnedTable::of(Kind::MeanUserBias, 1, &[0.05_f32]));
    let mut layer = |inputs: usize, units: usize, scale| {
        (
            numbers.take(inputs * units, scale),
            numbers.take(units, 0.1),
        )
    };
    let layers = [
        layer(2 * DIM, Lesson::UNITS, 0.6),
        layer(Lesson::UNITS, Lesson::SECOND, 0.3),
        layer(Lesson::SECOND, 1, 0.8),
    ];
    let activations = [Activation::Relu, Activation::Relu, Activation::Linear];
    let dense = layers.iter().zip(activations);
    let dense = dense.map(|((weights, bias), activation)| DenseLayer {
        weights,
        bias,
        activation,
    });
    tables.extend(dense_tables(&dense.collect::<Vec<_>>(), DIM));

    let known: Vec<u8> = (0..movies).map(|movie| (movie * 37 % 256) as u8).collect();
    let codes: Vec<u8> = (0..movie_rows * BYTES)
        .map(|at| (at * 89 % 251) as u8)
        .collect();
    let codebook = numbers.bytes(BOOKS * WORDS * NUMBERS);
    let levels: Vec<u8> = (0..64).map(|level| level * 4 + 3).collect();
    let width = if movies < 1 << 16 { 2 } else { 3 };
    let latest: Vec<u8> = (0..users)
        .flat_map(|user| (0..LATEST as u32).map(move |nth| (user * 31 + nth * 7) % movies))
        .flat_map(|row| row.to_le_bytes().into_iter().take(width))
        .collect();
    // Scales are powers of two.
    tables.extend([
        OwnedTable::of(Kind::MovieConfidence, movie_rows, &known).with_scale(1.0 / 512.0),
        OwnedTable::of(Kind::KinCode, movie_rows, &codes),
        OwnedTable::of(Kind::KinCodebook, BOOKS * WORDS, &codebook).with_scale(1.0 / 256.0),
        OwnedTable::of(Kind::KinLevels, 1, &levels),
        OwnedTable::of(Kind::InterestCourse, 1, &[4.0_f32, 0.875]),
        OwnedTable::of(Kind::UserLatest, user_rows, &latest),
    ]);

    let mut image = ImageBytes::zeroed(builder::room(&tables));
    let title = Title {
        name: "made-up",
        fingerprint: 7,
        license: "none: made-up numbers",
    };
    let length = builder::write(title, &tables, image.as_mut())?;
    image.truncate(length);
    Ok(image)
}

/// Numbers between -1 and 1, the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        // Knuth's linear congruential generator (MMIX); its high bits are good enough for weights.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    }

    fn bytes(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| (self.next() * 127.0) as i8).collect()
    }

    fn take(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.next() * scale).collect()
    }
}
