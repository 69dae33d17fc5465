//! Writes the images that the bench measures, from made-up numbers of a trained model's size.

use pocketrec::image::integers::{
    IntegerNetwork, Later, SingleNetwork, bias_scale, byte_table_scale, row_to_i8, table_scale,
    to_i16,
};
use pocketrec::image::{Element, ImageWriter, Table, TableKind as Kind, WriteError};
use std::path::Path;

/// Movies of each image: few enough for a trace. About one in six enters the list of the best ten here; in a
/// catalogue of 9,066 it is one in a hundred.
const MOVIES: usize = 256;

/// Users of each image.
const USERS: usize = 4;

/// A model's shape: dimensions of a row, units of the hidden layers, and the type of its tables.
struct Shape {
    name: &'static str,
    dim: usize,
    hidden: &'static [usize],
    element: Element,
}

const fn shape(
    name: &'static str,
    dim: usize,
    hidden: &'static [usize],
    element: Element,
) -> Shape {
    Shape {
        name,
        dim,
        hidden,
        element,
    }
}

/// The images whose lists have interests, in the shape that `train` gives them.
const INTERESTED: [&str; 2] = ["lists", "lists_i8"];

/// The image with stored halves of dense layer 0.
const STORED: &str = "lesson_half";

const SHAPES: [Shape; 13] = [
    shape("lesson", 8, &[32, 4], Element::F16),
    shape("lesson_i16", 8, &[32, 4], Element::I16),
    shape("lesson_i8", 8, &[32, 4], Element::I8),
    shape(STORED, 8, &[32, 4], Element::I16),
    shape("mf", 8, &[], Element::F16),
    shape("mf_i8", 8, &[], Element::I8),
    shape(INTERESTED[0], 8, &[], Element::F16),
    shape(INTERESTED[1], 8, &[], Element::I8),
    shape("dim4", 4, &[32, 4], Element::F16),
    shape("dim16", 16, &[32, 4], Element::F16),
    shape("dim32", 32, &[32, 4], Element::F16),
    shape("other", 10, &[24, 6], Element::F16),
    shape("other_i16", 10, &[24, 6], Element::I16),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=bench.x");
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    for shape in SHAPES {
        let mut buffer = vec![0; 128 * 1024];
        let length = image(&mut buffer, &shape).expect("the image fits its buffer");
        let path = out.join(format!("{}.image", shape.name));
        std::fs::write(path, &buffer[..length]).expect("the image is written");
    }
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        let mut map = std::fs::read_to_string("bench.x").expect("the memory map is read");
        // The micro:bit has 256 KB of flash and takes the fewest images; every other machine has 512 KB there.
        if !std::env::var("TARGET").is_ok_and(|target| target.starts_with("thumbv6m")) {
            map = map.replace("256K", "512K");
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

/// A table on its way into an image.
struct Column {
    kind: Kind,
    index: u8,
    element: Element,
    rows: usize,
    columns: usize,
    scale: f32,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Columns(Vec<Column>);

impl Columns {
    fn add(&mut self, kind: Kind, index: u8, element: Element, rows: usize, bytes: Vec<u8>) {
        let columns = bytes.len() / element.size() / rows;
        self.0.push(Column {
            kind,
            index,
            element,
            rows,
            columns,
            scale: 1.0,
            bytes,
        });
    }

    /// Gives the last table a scale.
    fn scaled(&mut self, scale: f32) {
        if let Some(table) = self.0.last_mut() {
            table.scale = scale;
        }
    }

    /// The numbers of a table of 16-bit integers.
    fn sixteen_bits(&self, kind: Kind) -> Vec<i16> {
        let table = self.0.iter().find(|table| table.kind == kind);
        let pairs = table.into_iter().flat_map(|table| table.bytes.chunks(2));
        pairs.map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
    }

    fn singles(&mut self, kind: Kind, index: u8, rows: usize, values: &[f32]) {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.add(kind, index, Element::F32, rows, bytes);
    }

    fn words(&mut self, kind: Kind, rows: usize, values: &[u32]) {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.add(kind, 0, Element::U32, rows, bytes);
    }

    /// An embedding table; returns its scale and its largest integer.
    fn embedding(
        &mut self,
        kinds: (Kind, Kind),
        element: Element,
        dim: usize,
        values: &[f32],
    ) -> (f32, u32) {
        let rows = values.len() / dim;
        let mut largest = 0;
        let (scale, bytes) = match element {
            Element::I16 => {
                let scale = table_scale(values);
                let numbers: Vec<i16> = values.iter().map(|x| to_i16(*x, scale)).collect();
                for number in &numbers {
                    largest = largest.max(u32::from(number.unsigned_abs()));
                }
                (
                    scale,
                    numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
                )
            }
            Element::I8 => {
                let scale = byte_table_scale(values);
                let mut numbers = vec![0; values.len()];
                let multipliers: Vec<u8> = values
                    .chunks(dim)
                    .zip(numbers.chunks_mut(dim))
                    .map(|(row, out)| {
                        let by = row_to_i8(row, scale, out);
                        for number in out {
                            largest = largest.max(u32::from(number.unsigned_abs()) * u32::from(by));
                        }
                        by
                    })
                    .collect();
                self.add(kinds.1, 0, Element::U8, rows, multipliers);
                (scale, numbers.iter().map(|x| *x as u8).collect())
            }
            _ => (1.0, halves(values)),
        };
        self.add(kinds.0, 0, element, rows, bytes);
        self.scaled(scale);
        (scale, largest)
    }

    fn bias(&mut self, kind: Kind, element: Element, values: &[f32]) {
        if element == Element::F16 {
            return self.add(kind, 0, element, values.len(), halves(values));
        }
        let scale = bias_scale(values);
        let bytes = values
            .iter()
            .flat_map(|x| to_i16(*x, scale).to_le_bytes())
            .collect();
        self.add(kind, 0, Element::I16, values.len(), bytes);
        self.scaled(scale);
    }
}

fn halves(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|x| {
            pocketrec::numeric::f16::round(*x)
                .expect("a small number")
                .to_le_bytes()
        })
        .collect()
}

fn image(buffer: &mut [u8], shape: &Shape) -> Result<usize, WriteError> {
    let mut numbers = Numbers(6);
    let (dim, hidden, element) = (shape.dim, shape.hidden, shape.element);
    let mut tables = Columns::default();
    let ids: Vec<u32> = (0..MOVIES as u32).map(|row| row * 3 + 1).collect();
    tables.singles(Kind::RatingScale, 0, 1, &[3.5, 0.5, 5.0, 0.5]);
    // Biases and dot product, and the MLP where there is one.
    let parts = if hidden.is_empty() { 3 } else { 7 };
    tables.add(Kind::Parts, 0, Element::U8, 1, vec![parts]);
    tables.words(Kind::MovieIdSorted, MOVIES, &ids);
    tables.words(Kind::UserIdRange, 1, &[1, USERS as u32]);
    let movies = numbers.take(MOVIES * dim, 0.5);
    let kinds = (Kind::MovieEmbedding, Kind::MovieRowMultiplier);
    let (movie_scale, movie_largest) = tables.embedding(kinds, element, dim, &movies);
    let users = numbers.take(USERS * dim, 0.5);
    let kinds = (Kind::UserEmbedding, Kind::UserRowMultiplier);
    tables.embedding(kinds, element, dim, &users);
    tables.bias(Kind::MovieBias, element, &numbers.take(MOVIES, 0.5));
    tables.bias(Kind::UserBias, element, &numbers.take(USERS, 0.5));
    tables.singles(Kind::MeanUser, 0, 1, &numbers.take(dim, 0.1));
    tables.singles(Kind::MeanUserBias, 0, 1, &[0.05]);

    if INTERESTED.contains(&shape.name) {
        interests(&mut tables, &mut numbers);
    }
    if !hidden.is_empty() {
        network(
            &mut tables,
            &mut numbers,
            shape,
            (movie_scale, movie_largest),
        );
    }

    let count = u16::try_from(tables.0.len()).expect("a few tables");
    let mut writer = ImageWriter::new(buffer, shape.name, 0, "none: made-up numbers", count)?;
    for table in &tables.0 {
        writer.raw(Table {
            kind: table.kind.number(),
            index: table.index,
            required: true,
            element: table.element.code(),
            rows: table.rows as u32,
            columns: table.columns as u32,
            scale: table.scale,
            padding: &[],
            bytes: &table.bytes,
        })?;
    }
    writer.finish()
}

/// The tables of what people look for: a codebook of 96 rows of 16 numbers.
fn interests(tables: &mut Columns, numbers: &mut Numbers) {
    const CODES: usize = 96;
    const DIM: usize = 16;
    let bytes = |values: Vec<f32>| values.iter().map(|x| (x * 127.0) as i8 as u8).collect();
    let known: Vec<u8> = (0..MOVIES).map(|movie| (movie * 37 % 256) as u8).collect();
    let codes: Vec<u8> = (0..MOVIES).map(|movie| (movie * 7 % CODES) as u8).collect();
    let levels: Vec<u8> = (0..64).map(|level| level * 4 + 3).collect();
    let spread: Vec<f32> = (0..DIM)
        .flat_map(|row| (0..=row).map(move |column| if row == column { 0.5 } else { 0.01 }))
        .collect();
    tables.add(Kind::MovieConfidence, 0, Element::U8, MOVIES, known);
    tables.scaled(1.0 / 512.0);
    tables.add(Kind::InterestCode, 0, Element::U8, MOVIES, codes);
    let codebook = bytes(numbers.take(CODES * DIM, 1.0));
    tables.add(Kind::InterestCodebook, 0, Element::I8, CODES, codebook);
    tables.scaled(1.0 / 128.0);
    tables.add(Kind::InterestLevels, 0, Element::U8, 1, levels);
    tables.singles(Kind::InterestSpread, 0, 1, &spread);
    tables.singles(Kind::InterestCourse, 0, 1, &[4.0, 0.875]);
}

/// The tables of the MLP; `movies` are scale and largest magnitude of the movies' integers.
fn network(tables: &mut Columns, numbers: &mut Numbers, shape: &Shape, movies: (f32, u32)) {
    let (dim, hidden, element) = (shape.dim, shape.hidden, shape.element);
    let (movie_scale, movie_largest) = movies;
    let first = hidden.first().copied().unwrap_or(1);
    let scale = (3.0 / (dim as f32)).sqrt();
    let user_weights = numbers.take(first * dim, scale);
    let movie_weights = numbers.take(first * dim, scale);
    let bias = numbers.take(first, 0.1);
    tables.singles(Kind::DenseUserWeights, 0, first, &user_weights);
    tables.singles(Kind::DenseMovieWeights, 0, first, &movie_weights);
    tables.singles(Kind::DenseBias, 0, 1, &bias);
    let mut inputs = first;
    let mut later = Vec::new();
    for units in hidden.iter().skip(1).chain(&[1]) {
        let scale = (3.0 / inputs as f32).sqrt();
        later.push((
            numbers.take(inputs * units, scale),
            numbers.take(*units, 0.1),
        ));
        inputs = *units;
    }
    for (index, (weights, bias)) in (1_u8..).zip(&later) {
        let rows = weights.len() / bias.len();
        tables.singles(Kind::DenseWeights, index, rows, weights);
        tables.singles(Kind::DenseBias, index, 1, bias);
    }
    let mut activations = vec![1; hidden.len()];
    activations.push(0);
    tables.add(Kind::Activations, 0, Element::U8, 1, activations);

    if element != Element::F16 {
        let user_largest: Vec<f32> = user_weights
            .chunks(dim)
            .zip(&bias)
            .map(|(row, bias)| bias.abs() + row.iter().map(|w| w.abs() * 0.5).sum::<f32>())
            .collect();
        let later: Vec<Later<'_>> = later
            .iter()
            .map(|(weights, bias)| (&weights[..], &bias[..]))
            .collect();
        let network = IntegerNetwork::new(&SingleNetwork {
            movie_weights: &movie_weights,
            movie_dim: dim,
            movie_scale,
            movie_largest,
            user_largest: &user_largest,
            later: &later,
        })
        .expect("the shapes have integer forms");
        let i16s = |numbers: &[i16]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let weights = i16s(network.movie_weights());
        tables.add(Kind::IntegerMovieWeights, 0, Element::I16, first, weights);
        tables.singles(Kind::IntegerSteps, 0, 1, network.steps());
        let mut inputs = first;
        for (index, layer) in (1_u8..).zip(network.later()) {
            let weights = i16s(layer.weights());
            tables.add(
                Kind::IntegerWeights,
                index,
                Element::I16,
                inputs / 2,
                weights,
            );
            let bias = layer.bias().iter().flat_map(|x| x.to_le_bytes()).collect();
            tables.add(Kind::IntegerBias, index, Element::I32, 1, bias);
            inputs = layer.bias().len();
        }
        let bits = vec![network.output_bits()];
        tables.add(Kind::IntegerOutputBits, 0, Element::U8, 1, bits);
        if shape.name == STORED {
            let mut halves = vec![0; MOVIES * first];
            for (row, half) in tables
                .sixteen_bits(Kind::MovieEmbedding)
                .chunks(dim)
                .zip(halves.chunks_mut(first))
            {
                network.movie_half(row, half);
            }
            let halves = i16s(&halves);
            tables.add(Kind::IntegerMovieHalves, 0, Element::I16, MOVIES, halves);
        }
    }
}
