//! Images of synthetic numbers, in the shape of a trained `hybrid` model and of any number of movies.

use anyhow::Result;
use pocketrec::image::{Element, ImageWriter, Table, TableKind as Kind};
use pocketrec_export::bytes::ImageBytes;

/// Dimensions of a row, and units of the two hidden layers.
const SHAPE: (usize, usize, usize) = (8, 32, 4);

/// Numbers in a vector of interest: as many as there can be.
const INTEREST: usize = pocketrec::model::interest::MAX_INTEREST;

/// An image of `users` and `movies` with ids from 1, in half precision.
///
/// # Errors
/// When the writer refuses a number.
pub fn made_up(users: u32, movies: u32) -> Result<ImageBytes> {
    let (dim, first, second) = SHAPE;
    let mut numbers = Numbers(u64::from(users) << 32 | u64::from(movies));
    let mut tables = Vec::new();
    let mut add = |kind, index, element, rows, columns, bytes: Vec<u8>| {
        tables.push((kind, index, element, rows, columns, bytes));
    };
    let singles = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let words = |values: &[u32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let (user_rows, movie_rows) = (users as usize, movies as usize);
    add(
        Kind::RatingScale,
        0,
        Element::F32,
        1,
        4,
        singles(&[3.5, 0.5, 5.0, 0.5]),
    );
    add(Kind::Parts, 0, Element::U8, 1, 1, vec![7]);
    add(
        Kind::MovieIdRange,
        0,
        Element::U32,
        1,
        2,
        words(&[1, movies]),
    );
    add(Kind::UserIdRange, 0, Element::U32, 1, 2, words(&[1, users]));
    add(
        Kind::MovieEmbedding,
        0,
        Element::F16,
        movie_rows,
        dim,
        numbers.halves(movie_rows * dim, 0.5)?,
    );
    add(
        Kind::UserEmbedding,
        0,
        Element::F16,
        user_rows,
        dim,
        numbers.halves(user_rows * dim, 0.5)?,
    );
    add(
        Kind::MovieBias,
        0,
        Element::F16,
        movie_rows,
        1,
        numbers.halves(movie_rows, 0.5)?,
    );
    add(
        Kind::UserBias,
        0,
        Element::F16,
        user_rows,
        1,
        numbers.halves(user_rows, 0.5)?,
    );
    add(
        Kind::MeanUser,
        0,
        Element::F32,
        1,
        dim,
        numbers.singles(dim, 0.1),
    );
    add(Kind::MeanUserBias, 0, Element::F32, 1, 1, singles(&[0.05]));
    add(
        Kind::DenseUserWeights,
        0,
        Element::F32,
        first,
        dim,
        numbers.singles(first * dim, 0.6),
    );
    add(
        Kind::DenseMovieWeights,
        0,
        Element::F32,
        first,
        dim,
        numbers.singles(first * dim, 0.6),
    );
    add(
        Kind::DenseBias,
        0,
        Element::F32,
        1,
        first,
        numbers.singles(first, 0.1),
    );
    add(
        Kind::DenseWeights,
        1,
        Element::F32,
        first,
        second,
        numbers.singles(first * second, 0.3),
    );
    add(
        Kind::DenseBias,
        1,
        Element::F32,
        1,
        second,
        numbers.singles(second, 0.1),
    );
    add(
        Kind::DenseWeights,
        2,
        Element::F32,
        second,
        1,
        numbers.singles(second, 0.8),
    );
    add(
        Kind::DenseBias,
        2,
        Element::F32,
        1,
        1,
        numbers.singles(1, 0.1),
    );
    add(Kind::Activations, 0, Element::U8, 1, 3, vec![1, 1, 0]);

    let codes = (0..movies).map(|movie| (movie % 8) as u8).collect();
    let known = (0..movies).map(|movie| (movie * 37 % 256) as u8).collect();
    add(Kind::MovieConfidence, 0, Element::U8, movie_rows, 1, known);
    add(Kind::InterestCode, 0, Element::U8, movie_rows, 1, codes);
    let codebook = numbers.bytes(8 * INTEREST);
    add(
        Kind::InterestCodebook,
        0,
        Element::I8,
        8,
        INTEREST,
        codebook,
    );
    let levels = (0..64).map(|level| level * 4 + 3).collect();
    add(Kind::InterestLevels, 0, Element::U8, 1, 64, levels);
    let spread: Vec<f32> = (0..INTEREST)
        .flat_map(|row| (0..=row).map(move |column| f32::from(u8::from(row == column))))
        .collect();
    add(
        Kind::InterestSpread,
        0,
        Element::F32,
        1,
        spread.len(),
        singles(&spread),
    );
    add(
        Kind::InterestCourse,
        0,
        Element::F32,
        1,
        2,
        singles(&[4.0, 0.875]),
    );
    let users = numbers.bytes(user_rows * INTEREST);
    add(
        Kind::UserInterest,
        0,
        Element::I8,
        user_rows,
        INTEREST,
        users,
    );

    let room = tables.iter().map(|table| table.5.len() + 32).sum::<usize>() + 512;
    let mut image = ImageBytes::zeroed(room);
    let license = "none: made-up numbers";
    let mut writer = ImageWriter::new(
        image.as_mut(),
        "made-up",
        7,
        license,
        u16::try_from(tables.len())?,
    )?;
    for (kind, index, element, rows, columns, bytes) in &tables {
        writer.raw(Table {
            kind: kind.number(),
            index: *index,
            required: true,
            element: element.code(),
            rows: u32::try_from(*rows)?,
            columns: u32::try_from(*columns)?,
            // Powers of two, and 1 where an element is no integer.
            scale: match kind {
                Kind::MovieConfidence | Kind::UserInterest => 1.0 / 512.0,
                Kind::InterestCodebook => 1.0 / 128.0,
                _ => 1.0,
            },
            padding: &[],
            bytes,
        })?;
    }
    let length = writer.finish()?;
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

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count)
            .flat_map(|_| ((self.next() * 127.0) as i8).to_le_bytes())
            .collect()
    }

    fn halves(&mut self, count: usize, scale: f32) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(count * 2);
        for _ in 0..count {
            let half = pocketrec::numeric::f16::round(self.next() * scale);
            bytes.extend(
                half.ok_or_else(|| anyhow::anyhow!("too large a number"))?
                    .to_le_bytes(),
            );
        }
        Ok(bytes)
    }

    fn singles(&mut self, count: usize, scale: f32) -> Vec<u8> {
        (0..count)
            .flat_map(|_| (self.next() * scale).to_le_bytes())
            .collect()
    }
}
