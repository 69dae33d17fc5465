//! Promises of the plain trainer: its gradients, its optimisers, and what it leaves alone.

use super::super::options::{ModelKind, Options};
use super::super::random::{Random, Stream};
use super::*;

fn options(model: ModelKind) -> Options {
    Options {
        model,
        user_dim: 3,
        movie_dim: 3,
        hidden: vec![5, 4],
        seed: 11,
        ..Options::default()
    }
}

/// Parameters large enough that every part of the model matters.
fn parameters(model: ModelKind) -> Parameters {
    let mut p = Parameters::initial(&options(model), 6, 7, 3.5);
    let random = Random::new(3, Stream::Order, 0);
    let mut position = 0;
    let mut fill = |values: &mut Vec<f32>| {
        for value in values {
            *value = random.symmetric(position, 1.0);
            position += 1;
        }
    };
    fill(&mut p.user_embedding);
    fill(&mut p.movie_embedding);
    fill(&mut p.user_bias);
    fill(&mut p.movie_bias);
    for layer in &mut p.layers {
        fill(&mut layer.weight);
        fill(&mut layer.bias);
    }
    p
}

fn batch(seed: u64, length: u64) -> Vec<Sample> {
    let random = Random::new(seed, Stream::Order, 9);
    (0..length)
        .map(|i| Sample {
            user: random.below(3 * i, 5) as u32,
            movie: random.below(3 * i + 1, 6) as u32,
            stars: 0.5 + 0.5 * random.below(3 * i + 2, 10) as f32,
        })
        .collect()
}

fn loss(parameters: &Parameters, batch: &[Sample], l2: f32) -> f64 {
    let sums = gradients(parameters, batch, l2, &mut Gradients::zero(parameters));
    (sums.errors.squared + sums.penalty) / batch.len() as f64
}

/// Calls `visit` for every parameter with a way to reach it and its gradient.
fn each(
    parameters: &Parameters,
    found: &Gradients,
    mut visit: impl FnMut(&dyn Fn(&mut Parameters) -> &mut f32, f64),
) {
    for i in 0..parameters.user_embedding.len() {
        visit(&|p| &mut p.user_embedding[i], found.user_embedding[i]);
    }
    for i in 0..parameters.movie_embedding.len() {
        visit(&|p| &mut p.movie_embedding[i], found.movie_embedding[i]);
    }
    for i in 0..parameters.user_bias.len() {
        visit(&|p| &mut p.user_bias[i], found.user_bias[i]);
    }
    for i in 0..parameters.movie_bias.len() {
        visit(&|p| &mut p.movie_bias[i], found.movie_bias[i]);
    }
    for (l, (weight, bias)) in found.layers.iter().enumerate() {
        for (i, gradient) in weight.iter().enumerate() {
            visit(&|p| &mut p.layers[l].weight[i], *gradient);
        }
        for (i, gradient) in bias.iter().enumerate() {
            visit(&|p| &mut p.layers[l].bias[i], *gradient);
        }
    }
}

#[test]
fn gradients_equal_finite_differences_of_the_loss_for_every_parameter() {
    for model in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
        let p = parameters(model);
        let batch = batch(1, 12);
        let l2 = 0.03;
        let mut found = Gradients::zero(&p);
        gradients(&p, &batch, l2, &mut found);
        let mut checked = 0;
        each(&p, &found, |at, gradient| {
            let (mut above, mut below) = (p.clone(), p.clone());
            *at(&mut above) += 1e-4;
            *at(&mut below) -= 1e-4;
            let width = f64::from(*at(&mut above)) - f64::from(*at(&mut below));
            let slope = (loss(&above, &batch, l2) - loss(&below, &batch, l2)) / width;
            assert!(
                (slope - gradient).abs() <= 1e-6 + 1e-4 * gradient.abs(),
                "{model:?}: {slope} {gradient}"
            );
            checked += 1;
        });
        assert_eq!(checked, p.count());
    }
}

#[test]
fn rows_that_no_rating_touches_keep_their_bits_unless_adam_is_dense() {
    for optimiser in [Optimiser::Lazy, Optimiser::Decayed, Optimiser::Dense] {
        let start = parameters(ModelKind::Hybrid);
        let mut plain = Plain::new(start.clone(), optimiser, 0.01);
        let everyone = [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (5, 6)];
        let all: Vec<_> = everyone
            .iter()
            .map(|&(user, movie)| Sample {
                user,
                movie,
                stars: 4.0,
            })
            .collect();
        plain.step(&all, 0.01, 0.01);
        let before = plain.parameters().clone();
        for seed in 0..4 {
            // Users 0 to 4 and movies 0 to 5 only.
            plain.step(&batch(seed, 8), 0.01, 0.01);
        }
        let after = plain.parameters();
        let same = before.user_row(5) == after.user_row(5)
            && before.movie_row(6) == after.movie_row(6)
            && before.user_bias[5] == after.user_bias[5]
            && before.movie_bias[6] == after.movie_bias[6];
        assert_eq!(same, optimiser != Optimiser::Dense, "{optimiser:?}");
        assert_ne!(start, before);
    }
}

#[test]
fn sparse_adam_is_scalar_adam_on_each_touched_row_alone() {
    let start = parameters(ModelKind::Mf);
    let mut plain = Plain::new(start.clone(), Optimiser::Lazy, 0.0);
    let (mut value, mut m, mut v) = (start.user_embedding[3], 0.0, 0.0);
    for step in 1..=10 {
        // User 1 is in every other batch.
        let batch = if step % 2 == 0 {
            batch(step, 9)
        } else {
            vec![Sample {
                user: 0,
                movie: 2,
                stars: 1.0,
            }]
        };
        let mut found = Gradients::zero(plain.parameters());
        gradients(plain.parameters(), &batch, 0.0, &mut found);
        if found.users.contains(&1) {
            let size = adam::step_size(0.02, step);
            adam::update(
                &mut value,
                &mut m,
                &mut v,
                found.user_embedding[3] as f32,
                size,
            );
        }
        plain.step(&batch, 0.01, 0.02);
        assert_eq!(plain.parameters().user_embedding[3], value, "step {step}");
    }
    assert_ne!(value, start.user_embedding[3]);
}

#[test]
fn decayed_adam_has_the_moments_that_dense_adam_has() {
    let mut decayed = Plain::new(parameters(ModelKind::Mf), Optimiser::Decayed, 0.0);
    let mut dense = Plain::new(parameters(ModelKind::Mf), Optimiser::Dense, 0.0);
    let other = [Sample {
        user: 0,
        movie: 0,
        stars: 2.0,
    }];
    let rare = [Sample {
        user: 5,
        movie: 6,
        stars: 5.0,
    }];
    decayed.step(&rare, 0.001, 0.001);
    dense.step(&rare, 0.001, 0.001);
    for _ in 0..6 {
        decayed.step(&other, 0.001, 0.001);
        dense.step(&other, 0.001, 0.001);
    }
    // A gradient of zero, so that the moments alone show.
    let rows = &mut decayed.tables[1];
    let step = Step {
        number: 8,
        size: 0.0,
        optimiser: Optimiser::Decayed,
    };
    let zeros = vec![0.0; 21];
    rows.step(&mut [0.0; 21], &zeros, &[6], step);
    let step = Step {
        number: 8,
        size: 0.0,
        optimiser: Optimiser::Dense,
    };
    dense.tables[1].step(&mut [0.0; 21], &zeros, &[], step);
    for at in 18..21 {
        let (a, b) = (decayed.tables[1].m[at], dense.tables[1].m[at]);
        assert!((a - b).abs() <= 1e-5 * b.abs() && b != 0.0, "{a} {b}");
        let (a, b) = (decayed.tables[1].v[at], dense.tables[1].v[at]);
        assert!((a - b).abs() <= 1e-5 * b.abs() && b != 0.0, "{a} {b}");
    }
}
