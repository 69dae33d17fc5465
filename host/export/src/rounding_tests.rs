//! Right images are within their bounds, and wrong ones aren't.

use pocketrec::ids::MovieId;
use pocketrec_train::{ModelKind, Options, Parameters};

use super::*;
use crate::codes;
use crate::image::tests::{checkpoint, forged};
use crate::{Bytes, Chosen, ImageBytes, Precision, Storage, build};

/// A checkpoint whose rows of `dim` numbers are of the sizes that trained ones have.
fn trained(model: ModelKind, hidden: &[usize], dim: usize) -> Checkpoint {
    let options = Options {
        model,
        hidden: hidden.to_vec(),
        user_dim: dim,
        movie_dim: dim,
        ..Options::default()
    };
    let mut made = checkpoint(
        options,
        (1..40).collect(),
        (1..400).map(|id| id * 3).collect(),
    );
    let p = &mut made.parameters;
    for (at, x) in p
        .user_embedding
        .iter_mut()
        .chain(&mut p.movie_embedding)
        .enumerate()
    {
        // The first ones say most.
        *x /= 1.0 + (at % dim) as f32 / 3.0;
    }
    // So that codes hold three layers, too.
    let layers = p.layers.iter_mut();
    layers
        .flat_map(|layer| &mut layer.bias)
        .for_each(|x| *x /= 8.0);
    made
}

fn image(checkpoint: &Checkpoint, storage: impl Into<Storage>) -> ImageBytes {
    build(checkpoint, &Chosen::all(checkpoint), storage).unwrap()
}

/// The most that a prediction passes its bound by, less than 0 where none does; the largest bound; the largest difference.
fn beyond(checkpoint: &Checkpoint, image: &ImageBytes) -> [f64; 3] {
    let rounding = Rounding::of(checkpoint, image.as_ref()).unwrap();
    let model = Model::open(image.as_ref()).unwrap();
    let p = &checkpoint.parameters;
    let mut most = [f64::MIN, 0.0, 0.0];
    for (user, id) in checkpoint.user_ids.iter().enumerate() {
        let state = model.user(UserId(*id)).unwrap();
        for (movie, id) in checkpoint.movie_ids.iter().enumerate() {
            let row = model.movie_row(MovieId(*id)).unwrap();
            let off = f64::from(model.score(&state, row) - p.raw(user, movie)).abs();
            // The trainer's own sum is in single precision too.
            let bound = rounding.bound(user, movie) + 1e-6;
            let found = [off - bound, bound, off];
            for (most, x) in most.iter_mut().zip(found) {
                *most = x.max(*most);
            }
        }
    }
    most
}

const SHAPES: [(ModelKind, &[usize], usize); 4] = [
    (ModelKind::Mf, &[], 8),
    (ModelKind::Mf, &[], 24),
    (ModelKind::Mlp, &[32, 4], 8),
    (ModelKind::Hybrid, &[16, 4], 8),
];

#[test]
fn an_image_is_within_the_bounds_of_its_precision() {
    for (model, hidden, dim) in SHAPES {
        let checkpoint = trained(model, hidden, dim);
        let mut all = Precision::ALL.map(Storage::from).to_vec();
        for precision in [Precision::I16, Precision::I8] {
            all.push(Storage {
                precompute: !hidden.is_empty(),
                ..precision.into()
            });
        }
        for storage in all {
            let image = image(&checkpoint, storage);
            let rounding = Rounding::of(&checkpoint, image.as_ref()).unwrap();
            assert_eq!(rounding.astray(), None, "{model:?} {dim} {storage:?}");
            let [beyond, bound, off] = beyond(&checkpoint, &image);
            assert!(beyond <= 0.0, "{model:?} {dim} {storage:?}: {beyond}");
            // A bound that says something.
            assert!(
                bound < 30.0 * off + 1e-4,
                "{model:?} {dim} {storage:?}: {bound} {off}"
            );
        }
    }
}

#[test]
fn an_image_of_other_numbers_is_told_by_its_worst_row() {
    let kept = [
        Precision::F32,
        Precision::F16,
        Precision::I16,
        Precision::I8,
        Precision::CODES,
        Precision::Codes(Bytes::One),
    ];
    type Wrong = (&'static str, fn(&mut Parameters), &'static str);
    let wrong: [Wrong; 4] = [
        (
            "two movies swapped",
            |p| {
                let dim = p.movie_dim;
                let (a, b) = p.movie_embedding.split_at_mut(10 * dim);
                a[4 * dim..][..dim].swap_with_slice(&mut b[..dim]);
            },
            "of movie ",
        ),
        (
            "all users one on",
            |p| p.user_embedding.rotate_right(p.user_dim),
            "of user ",
        ),
        (
            "a movie turned around",
            |p| {
                let dim = p.movie_dim;
                p.movie_embedding[dim..2 * dim]
                    .iter_mut()
                    .for_each(|x| *x = -*x);
            },
            "of movie 6 ",
        ),
        (
            "a user's number lost",
            |p| p.user_embedding[3 * p.user_dim] = 0.0,
            "of user 4 ",
        ),
    ];
    for (model, hidden, dim) in [SHAPES[0], SHAPES[2]] {
        let checkpoint = trained(model, hidden, dim);
        for (what, change, due) in wrong {
            let mut other = checkpoint.clone();
            change(&mut other.parameters);
            for precision in kept {
                let image = image(&other, precision);
                let told = Rounding::of(&checkpoint, image.as_ref()).unwrap().astray();
                let told =
                    told.unwrap_or_else(|| panic!("{what} in {precision:?} of {model:?} {dim}"));
                assert!(
                    told.contains(due),
                    "{what} in {precision:?} of {model:?} {dim}: {told}"
                );
            }
        }
        if model.has_biases() {
            let mut other = checkpoint.clone();
            other.parameters.movie_bias[7] += 0.25;
            for precision in kept {
                let image = image(&other, precision);
                let told = Rounding::of(&checkpoint, image.as_ref()).unwrap().astray();
                assert!(
                    told.is_some_and(|told| told.contains("of movie 24 ")),
                    "{precision:?}"
                );
            }
        }
    }
}

#[test]
fn a_network_of_other_weights_is_beyond_the_bounds() {
    for (model, hidden, dim) in &SHAPES[2..] {
        let checkpoint = trained(*model, hidden, *dim);
        for layer in 0..checkpoint.parameters.layers.len() {
            let mut other = checkpoint.clone();
            for weight in &mut other.parameters.layers[layer].weight {
                *weight *= 0.75;
            }
            for precision in [
                Precision::F16,
                Precision::I16,
                Precision::I8,
                Precision::CODES,
            ] {
                let [beyond, ..] = beyond(&checkpoint, &image(&other, precision));
                assert!(
                    beyond > 0.0,
                    "layer {layer} of {model:?} in {precision:?}: {beyond}"
                );
            }
        }
    }
}

/// The image of all movies in codes by the codewords that an image of the first few of them has.
fn by_words_of(few: usize, checkpoint: &Checkpoint, precision: Precision) -> ImageBytes {
    let all = Chosen::all(checkpoint);
    let chosen = Chosen {
        movies: (0..few).collect(),
        ..all.clone()
    };
    let part = build(checkpoint, &chosen, precision).unwrap();
    let whole = build(checkpoint, &all, precision).unwrap();
    let p = &checkpoint.parameters;
    let model = Model::open(part.as_ref()).unwrap();
    let codes: Vec<u8> = (0..p.movies)
        .flat_map(|row| {
            let bias = p.movie_bias.get(row).copied();
            codes::nearest(&model, checkpoint, bias, p.movie_row(row)).unwrap()
        })
        .collect();
    let words = [
        TableKind::MovieEmbedding,
        TableKind::MovieRowMultiplier,
        TableKind::MovieBias,
    ];
    forged(&whole, |table, bytes| {
        if let Some(kind) = words.iter().find(|kind| kind.number() == table.kind) {
            let other = super::table(part.as_ref(), *kind).unwrap();
            (table.element, table.rows, table.columns) = (other.element, other.rows, other.columns);
            table.scale = other.scale;
            *bytes = other.bytes.to_vec();
        } else if table.kind == TableKind::MovieCode.number() {
            bytes.clone_from(&codes);
        }
    })
}

#[test]
fn codewords_of_a_few_movies_are_told_though_every_code_is_the_best_among_them() {
    for dim in [2, 8, 24] {
        let checkpoint = trained(ModelKind::Mf, &[], dim);
        for bytes in [Bytes::Four, Bytes::Three, Bytes::Two] {
            let precision = Precision::Codes(bytes);
            let image = by_words_of(12, &checkpoint, precision);
            let rounding = Rounding::of(&checkpoint, image.as_ref()).unwrap();
            let lost = rounding.lost_by_codes().unwrap();
            let told = rounding.astray().unwrap_or_else(|| panic!("{dim} {lost}"));
            assert!(told.starts_with("its codes lose "), "{told}");
            let [beyond, ..] = beyond(&checkpoint, &image);
            assert!(beyond <= 0.0, "{beyond}: no prediction tells it");
        }
    }
}

#[test]
fn an_image_of_other_ids_is_refused() {
    let checkpoint = trained(ModelKind::Mf, &[], 8);
    let mut other = checkpoint.clone();
    other.movie_ids[0] = 2;
    let image = image(&other, Precision::F16);
    assert!(Rounding::of(&checkpoint, image.as_ref()).is_err());
}
