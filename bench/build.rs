//! Writes the images that the bench measures, from made-up numbers of a trained model's size.

use pocketrec::ids::{elias_fano_size, fill_elias_fano};
use pocketrec::image::TableKind as Kind;
use pocketrec::image::builder::{
    DenseLayer, OwnedTable, Title, code_halves, dense_tables, integer_tables, stored_halves, write,
};
use pocketrec::image::integers::{CodedNetwork, IntegerNetwork, Later, SingleNetwork};
use pocketrec::kernels::Precision;
use pocketrec::numeric::activation::Activation;
use std::error::Error;
use std::path::Path;

/// Movies of each image but those of lists: few enough for a trace.
const MOVIES: usize = 256;

/// Users of each image.
const USERS: usize = 4;

/// A model's shape: dimensions of a row, units of the hidden layers, and the precision of its tables.
struct Shape {
    name: &'static str,
    dim: usize,
    hidden: &'static [usize],
    precision: Precision,
}

const fn shape(
    name: &'static str,
    dim: usize,
    hidden: &'static [usize],
    precision: Precision,
) -> Shape {
    Shape {
        name,
        dim,
        hidden,
        precision,
    }
}

/// The images whose lists have interests, in the shape that `train` gives them, and how many movies they have: in a list of
/// so many few movies enter once it is full, as on a board. In bytes there are as many as a micro:bit takes.
const INTERESTED: [&str; 2] = ["lists", "lists_i8"];
const LISTED: [usize; 2] = [2048, 6912];

/// The image with stored halves of dense layer 0.
const STORED: &str = "lesson_half";

/// The images whose movies are sums of codewords, of 4 books of 256, without an MLP and with the lesson's, and how many
/// movies they have: as many as the built-in ratings, so that a ranking meets as few that enter the list.
const CODED: &str = "lists_codes";
const CODED_MLP: &str = "lesson_codes";
const CODED_MOVIES: usize = 9066;
const CODEWORDS: usize = 4 * 256;

/// Few such movies, of rows with an odd number of words and without what fame and interest add.
const CODED_FEW: &str = "few_codes";
const FEW: usize = 64;

/// How far the terms of each book spread, of the first one's: a book is of what those before it leave.
const SPREAD: [f32; 4] = [1.0, 0.15, 0.09, 0.06];

/// The confidence bytes of the built-in movies, every thirty-second of them in order, and what one of them counts in a
/// ranking: most are rated by few.
const KNOWN: [u8; 33] = [
    30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 48, 48, 48, 48, 48, 61, 61, 70, 70, 78, 78, 85, 96,
    101, 109, 118, 129, 137, 149, 164, 184, 255,
];
const FAME: f32 = 0.046;

/// The same in a model of the lesson's, whose fame is 1.
const FAME_OF_LESSON: f32 = 0.0229;

/// The levels of the built-in movies and stars for a likeness of 1.
const LEVELS: [u8; 64] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 84, 90, 96, 103, 109, 116, 122, 129,
    135, 141, 147, 153, 159, 165, 171, 176, 181, 186, 191, 195, 199, 203, 207, 211, 214, 217, 220,
    223, 225, 228, 230, 232, 234, 235, 237, 238, 240, 241, 242, 243, 244, 245, 246, 247, 247,
];
const WEIGHT: f32 = 32.0;

/// How far the codewords of each book of the built-in movies' directions reach: what a movie lacks of the first ones says
/// most.
const REACHES: [f32; 16] = [
    22.0, 21.0, 15.0, 13.0, 12.0, 13.0, 11.0, 10.0, 15.0, 14.0, 9.0, 11.0, 8.0, 11.0, 8.0, 11.0,
];

const SHAPES: [Shape; 16] = [
    shape("lesson", 8, &[32, 4], Precision::F16),
    shape("lesson_i16", 8, &[32, 4], Precision::I16),
    shape("lesson_i8", 8, &[32, 4], Precision::I8),
    shape(STORED, 8, &[32, 4], Precision::I16),
    shape("mf", 8, &[], Precision::F16),
    shape("mf_i8", 8, &[], Precision::I8),
    shape(INTERESTED[0], 8, &[], Precision::F16),
    shape(INTERESTED[1], 8, &[], Precision::I8),
    shape(CODED, 24, &[], Precision::I8),
    shape(CODED_MLP, 8, &[32, 4], Precision::I8),
    shape(CODED_FEW, 12, &[], Precision::I8),
    shape("dim4", 4, &[32, 4], Precision::F16),
    shape("dim16", 16, &[32, 4], Precision::F16),
    shape("dim32", 32, &[32, 4], Precision::F16),
    shape("other", 10, &[24, 6], Precision::F16),
    shape("other_i16", 10, &[24, 6], Precision::I16),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=bench.x");
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    for shape in SHAPES {
        let mut buffer = vec![0; 256 * 1024];
        let length = image(&mut buffer, &shape).expect("the image fits its buffer");
        let path = out.join(format!("{}.image", shape.name));
        std::fs::write(path, &buffer[..length]).expect("the image is written");
    }
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let mut map = std::fs::read_to_string("bench.x").expect("the memory map is read");
        // Behind this machine's flash is nothing.
        println!("cargo::rerun-if-env-changed=BENCH_IMAGES");
        if let Ok(at) = std::env::var("BENCH_IMAGES") {
            map = map.replace("0x00080000", &at);
        }
        // Its machine starts from the secure side, where memory lies elsewhere.
        if std::env::var("TARGET").is_ok_and(|target| target.starts_with("thumbv8m")) {
            map = map
                .replace("0x00000000", "0x10000000")
                .replace("0x00080000", "0x10080000")
                .replace("0x20000000", "0x38000000");
        }
        std::fs::write(out.join("memory.x"), map).expect("the memory map is written");
        println!("cargo::rustc-link-search={}", out.display());
        println!("cargo::rustc-link-arg-bins=--nmagic");
        println!("cargo::rustc-link-arg-bins=-Tlink.x");
    }
}

/// Numbers between -1 and 1, the same on every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    }

    fn take(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.next() * scale).collect()
    }
}

fn image(buffer: &mut [u8], shape: &Shape) -> Result<usize, Box<dyn Error>> {
    let mut numbers = Numbers(6);
    let (dim, hidden) = (shape.dim, shape.hidden);
    let precision = shape.precision;
    let lessons = shape.name == CODED_MLP;
    let few = shape.name == CODED_FEW;
    let coded = shape.name == CODED || lessons || few;
    // Movies, rows of their tables, and what users are in.
    let (count, rows, of_users) = match coded {
        true if few => (FEW, CODEWORDS, Precision::F16),
        true => (CODED_MOVIES, CODEWORDS, Precision::F16),
        false if shape.name == INTERESTED[0] => (LISTED[0], LISTED[0], precision),
        false if shape.name == INTERESTED[1] => (LISTED[1], LISTED[1], precision),
        false => (MOVIES, MOVIES, precision),
    };
    let ids: Vec<u32> = (0..count as u32).map(|row| row * 3 + 1).collect();
    // Biases and dot product, and the MLP where there is one; that alone as `train --model mlp` trains it.
    let parts: u8 = match hidden {
        [] => 3,
        _ if lessons => 4,
        _ => 7,
    };
    let mut tables = vec![
        OwnedTable::of(Kind::RatingScale, 1, &[3.5_f32, 0.5, 5.0, 0.5]),
        OwnedTable::of(Kind::Parts, 1, &[parts]),
        match count {
            MOVIES | FEW => OwnedTable::of(Kind::MovieIdSorted, count, &ids),
            _ => catalogue(count),
        },
        OwnedTable::of(Kind::UserIdRange, 1, &[1, USERS as u32]),
    ];
    let mut values = numbers.take(rows * dim, if coded { 0.25 } else { 0.5 });
    if coded {
        by_book(&mut values);
    }
    let movies = OwnedTable::embedding(Kind::MovieEmbedding, dim, &values, precision)?;
    let values = numbers.take(USERS * dim, 0.5);
    let users = OwnedTable::embedding(Kind::UserEmbedding, dim, &values, of_users)?;
    let integers = movies.0.integers(movies.1.as_ref());
    let scale = movies.0.scale;
    for (rows, multipliers) in [movies, users] {
        tables.extend(multipliers);
        tables.push(rows);
    }
    let biases = [
        (Kind::MovieBias, rows, precision),
        (Kind::UserBias, USERS, of_users),
    ];
    for (kind, count, precision) in biases.into_iter().filter(|_| !lessons) {
        let mut values = numbers.take(count, 0.5);
        if coded && kind == Kind::MovieBias {
            by_book(&mut values);
        }
        tables.push(OwnedTable::biases(kind, &values, precision)?);
    }
    let mean = numbers.take(dim, 0.1);
    tables.push(OwnedTable::of(Kind::MeanUser, 1, &mean));
    if !lessons {
        tables.push(OwnedTable::of(Kind::MeanUserBias, 1, &[0.05_f32]));
    }

    if coded {
        let codes = numbers.take(4 * count, 128.0);
        let codes: Vec<u8> = codes.iter().map(|x| x.floor() as i8 as u8).collect();
        tables.push(OwnedTable::of(Kind::MovieCode, count, &codes));
    }
    if lessons {
        tables.push(confidence(count).with_scale(FAME_OF_LESSON));
    } else if shape.name == CODED || INTERESTED.contains(&shape.name) {
        tables.extend(interests(count));
    }
    if !hidden.is_empty() {
        tables.extend(network(&mut numbers, shape, scale, &integers));
    }
    let title = Title {
        name: shape.name,
        fingerprint: 0,
        license: "none: made-up numbers",
    };
    Ok(write(title, &tables, buffer)?)
}

/// The ids of a catalogue, dense at first and then as sparse as those of MovieLens, in the form that export gives them.
fn catalogue(movies: usize) -> OwnedTable {
    const DENSE: usize = 1024;
    let mut numbers = Numbers(9);
    let mut last = 0;
    let ids: Vec<u32> = (0..movies)
        .map(|row| {
            last += match row < DENSE {
                true => 1 + u32::from(row > 0) * 2,
                false => ((numbers.next() + 1.0) * 20.0) as u32 + 1,
            };
            last
        })
        .collect();
    let (size, low_bits) = elias_fano_size(&ids).expect("the ids have this form");
    let mut words = vec![0; size];
    fill_elias_fano(&ids, low_bits, &mut words);
    OwnedTable::of(Kind::MovieIdEliasFano, 1, &words)
}

/// Scales what is of codewords by how far their books' terms spread.
fn by_book(values: &mut [f32]) {
    let each = values.len() / SPREAD.len();
    for (book, spread) in values.chunks_mut(each).zip(SPREAD) {
        for x in book {
            *x *= spread;
        }
    }
}

/// How well known movies are.
fn confidence(movies: usize) -> OwnedTable {
    let mut numbers = Numbers(7);
    let known: Vec<u8> = (0..movies)
        .map(|_| {
            let place = (numbers.next() + 1.0) * 16.0;
            let at = (place as usize).min(31);
            let [low, high] = [KNOWN[at], KNOWN[at + 1]].map(f32::from);
            (low + (high - low) * (place - at as f32)) as u8
        })
        .collect();
    OwnedTable::of(Kind::MovieConfidence, movies, &known)
}

/// The tables of which movies belong together and what people look for, whatever the precision of the others.
fn interests(movies: usize) -> [OwnedTable; 5] {
    let mut numbers = Numbers(8);
    let codes = numbers.take(movies * 8, 128.0);
    let codes: Vec<u8> = codes.iter().map(|x| x.floor() as i8 as u8).collect();
    let codebook = REACHES
        .iter()
        .flat_map(|reach| numbers.take(16 * 64, *reach));
    let codebook: Vec<i8> = codebook.map(|x| x as i8).collect();
    [
        confidence(movies).with_scale(FAME),
        OwnedTable::of(Kind::KinCode, movies, &codes),
        OwnedTable::of(Kind::KinCodebook, 256, &codebook).with_scale(1.0 / 256.0),
        OwnedTable::of(Kind::KinLevels, 1, &LEVELS),
        OwnedTable::of(Kind::InterestCourse, 1, &[WEIGHT, 0.707]),
    ]
}

/// The tables of the MLP; `integers` are the movies', times `scale`.
fn network(
    numbers: &mut Numbers,
    shape: &Shape,
    movie_scale: f32,
    integers: &[i16],
) -> Vec<OwnedTable> {
    let (dim, hidden) = (shape.dim, shape.hidden);
    let first = hidden.first().copied().unwrap_or(1);
    let scale = (3.0 / (dim as f32)).sqrt();
    // A row of weights a unit.
    let user_weights = numbers.take(first * dim, scale);
    let movie_weights = numbers.take(first * dim, scale);
    let bias = numbers.take(first, 0.1);
    let by_input = |weights: &[f32]| -> Vec<f32> {
        (0..dim)
            .flat_map(|input| weights.iter().skip(input).step_by(dim).copied())
            .collect()
    };
    let mut layers = vec![(
        [by_input(&user_weights), by_input(&movie_weights)].concat(),
        bias.clone(),
    )];
    let mut inputs = first;
    for units in hidden.iter().skip(1).chain(&[1]) {
        let scale = (3.0 / inputs as f32).sqrt();
        layers.push((
            numbers.take(inputs * units, scale),
            numbers.take(*units, 0.1),
        ));
        inputs = *units;
    }
    let dense: Vec<DenseLayer<'_>> = layers
        .iter()
        .enumerate()
        .map(|(at, (weights, bias))| DenseLayer {
            weights,
            bias,
            activation: if at + 1 < layers.len() {
                Activation::Relu
            } else {
                Activation::Linear
            },
        })
        .collect();
    let mut tables = dense_tables(&dense, dim);
    if shape.name == CODED_MLP {
        let later: Vec<Later<'_>> = layers[1..]
            .iter()
            .map(|(weights, bias)| (&weights[..], &bias[..]))
            .collect();
        tables.extend(coded(movie_scale, integers, (&movie_weights, dim), &later));
    } else if shape.precision.is_integer() {
        let user_largest: Vec<f32> = user_weights
            .chunks(dim)
            .zip(&bias)
            .map(|(row, bias)| bias.abs() + row.iter().map(|w| w.abs() * 0.5).sum::<f32>())
            .collect();
        let later: Vec<Later<'_>> = layers[1..]
            .iter()
            .map(|(weights, bias)| (&weights[..], &bias[..]))
            .collect();
        let largest = integers.iter().map(|x| x.unsigned_abs()).max();
        let network = IntegerNetwork::new(&SingleNetwork {
            movie_weights: &movie_weights,
            movie_dim: dim,
            movie_scale,
            movie_largest: largest.unwrap_or_default().into(),
            user_largest: &user_largest,
            later: &later,
        })
        .expect("the shapes have integer forms");
        tables.extend(integer_tables(&network));
        if shape.name == STORED {
            tables.push(stored_halves(&network, integers, dim));
        }
    }
    tables
}

/// The tables of the MLP behind codewords: their halves of dense layer 0 in counts that are as fine as fits a byte.
fn coded(
    scale: f32,
    integers: &[i16],
    (weights, dim): (&[f32], usize),
    later: &[Later<'_>],
) -> Vec<OwnedTable> {
    let units = weights.len() / dim;
    let half = |row: &[i16], weights: &[f32]| -> f32 {
        let products = row.iter().zip(weights);
        scale * products.map(|(x, w)| f32::from(*x) * w).sum::<f32>()
    };
    let halves: Vec<f32> = integers
        .chunks(dim)
        .flat_map(|row| weights.chunks(dim).map(move |weights| half(row, weights)))
        .collect();
    let each = halves.len() / SPREAD.len();
    let mut bytes = vec![0; halves.len()];
    let (mut counts, mut offsets, mut most) = (Vec::new(), Vec::new(), Vec::new());
    for unit in 0..units {
        let ends: Vec<(f32, f32)> = halves
            .chunks(each)
            .map(|book| {
                let all = book.iter().skip(unit).step_by(units);
                all.fold((f32::MAX, f32::MIN), |(low, high), x| {
                    (low.min(*x), high.max(*x))
                })
            })
            .collect();
        let count = ends.iter().map(|(low, high)| high - low).sum::<f32>() / 250.0;
        let mut offset = 0;
        for (book, (low, _)) in ends.iter().enumerate() {
            let low = (low / count).round() as i32;
            offset -= low;
            for at in (book * each + unit..(book + 1) * each).step_by(units) {
                bytes[at] = ((halves[at] / count).round() as i32 - low) as u8;
            }
        }
        counts.push(count);
        offsets.push(offset as i16);
        most.push(1000);
    }
    let network = IntegerNetwork::of_codes(&CodedNetwork {
        counts: &counts,
        most: &most,
        later,
    })
    .expect("the lesson's network has an integer form");
    let mut tables = integer_tables(&network);
    tables.extend(code_halves(&bytes, &offsets, &most));
    tables
}
