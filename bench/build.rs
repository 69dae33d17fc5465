//! Writes the images that the bench measures, from made-up numbers of a trained model's size.

use pocketrec::image::{Element, ImageWriter, TableKind as Kind, WriteError};
use std::path::Path;

/// Movies of each image: few enough for a trace. About one in six enters the list of the best ten here; in a
/// catalogue of 9,066 it is one in a hundred.
const MOVIES: usize = 256;

/// Users of each image.
const USERS: usize = 4;

/// A model's shape: dimensions of a row, and units of the hidden layers.
struct Shape {
    name: &'static str,
    dim: usize,
    hidden: &'static [usize],
}

const SHAPES: [Shape; 5] = [
    Shape {
        name: "lesson",
        dim: 8,
        hidden: &[32, 4],
    },
    Shape {
        name: "dim4",
        dim: 4,
        hidden: &[32, 4],
    },
    Shape {
        name: "dim16",
        dim: 16,
        hidden: &[32, 4],
    },
    Shape {
        name: "dim32",
        dim: 32,
        hidden: &[32, 4],
    },
    Shape {
        name: "other",
        dim: 10,
        hidden: &[24, 6],
    },
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
        std::fs::copy("bench.x", out.join("memory.x")).expect("the memory map is copied");
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

    fn halves(&mut self, count: usize, scale: f32) -> Vec<u8> {
        (0..count)
            .flat_map(|_| {
                pocketrec::numeric::f16::round(self.next() * scale)
                    .expect("a small number")
                    .to_le_bytes()
            })
            .collect()
    }

    fn singles(&mut self, count: usize, scale: f32) -> Vec<u8> {
        (0..count)
            .flat_map(|_| (self.next() * scale).to_le_bytes())
            .collect()
    }
}

fn image(buffer: &mut [u8], shape: &Shape) -> Result<usize, WriteError> {
    let mut numbers = Numbers(6);
    let (dim, hidden) = (shape.dim, shape.hidden);
    let mut tables = Vec::new();
    let mut add = |kind, index, element, rows, columns, bytes: Vec<u8>| {
        tables.push((kind, index, element, rows, columns, bytes));
    };
    let f32s = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let u32s = |values: &[u32]| values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let ids: Vec<u32> = (0..MOVIES as u32).map(|row| row * 3 + 1).collect();
    add(
        Kind::RatingScale,
        0,
        Element::F32,
        1,
        4,
        f32s(&[3.5, 0.5, 5.0, 0.5]),
    );
    add(Kind::Parts, 0, Element::U8, 1, 1, vec![7]);
    add(Kind::MovieIdSorted, 0, Element::U32, MOVIES, 1, u32s(&ids));
    add(
        Kind::UserIdRange,
        0,
        Element::U32,
        1,
        2,
        u32s(&[1, USERS as u32]),
    );
    let rows = numbers.halves(MOVIES * dim, 0.5);
    add(Kind::MovieEmbedding, 0, Element::F16, MOVIES, dim, rows);
    let rows = numbers.halves(USERS * dim, 0.5);
    add(Kind::UserEmbedding, 0, Element::F16, USERS, dim, rows);
    let bias = numbers.halves(MOVIES, 0.5);
    add(Kind::MovieBias, 0, Element::F16, MOVIES, 1, bias);
    let bias = numbers.halves(USERS, 0.5);
    add(Kind::UserBias, 0, Element::F16, USERS, 1, bias);
    let mean = numbers.singles(dim, 0.1);
    add(Kind::MeanUser, 0, Element::F32, 1, dim, mean);
    add(Kind::MeanUserBias, 0, Element::F32, 1, 1, f32s(&[0.05]));

    let first = hidden.first().copied().unwrap_or(1);
    let scale = (3.0 / (dim as f32)).sqrt();
    let weights = numbers.singles(first * dim, scale);
    add(Kind::DenseUserWeights, 0, Element::F32, first, dim, weights);
    let weights = numbers.singles(first * dim, scale);
    add(
        Kind::DenseMovieWeights,
        0,
        Element::F32,
        first,
        dim,
        weights,
    );
    let bias = numbers.singles(first, 0.1);
    add(Kind::DenseBias, 0, Element::F32, 1, first, bias);
    let mut inputs = first;
    for (index, units) in (1_u8..).zip(hidden.iter().skip(1).chain(&[1])) {
        let weights = numbers.singles(inputs * units, (3.0 / inputs as f32).sqrt());
        add(
            Kind::DenseWeights,
            index,
            Element::F32,
            inputs,
            *units,
            weights,
        );
        let bias = numbers.singles(*units, 0.1);
        add(Kind::DenseBias, index, Element::F32, 1, *units, bias);
        inputs = *units;
    }
    let mut activations = vec![1; hidden.len()];
    activations.push(0);
    let layers = activations.len();
    add(Kind::Activations, 0, Element::U8, 1, layers, activations);

    let count = u16::try_from(tables.len()).expect("a few tables");
    let mut writer = ImageWriter::new(buffer, shape.name, 0, "none: made-up numbers", count)?;
    for (kind, index, element, rows, columns, bytes) in &tables {
        writer.table(*kind, *index, *element, *rows, *columns, bytes)?;
    }
    writer.finish()
}
