//! The fast trainer against the plain one, path by path and thread by thread.

use super::super::options::ModelKind;
use super::super::plain::Plain;
use super::super::random::{Random, Stream};
use super::*;

fn samples(users: u64, movies: u64, count: u64) -> Vec<Sample> {
    let random = Random::new(17, Stream::Order, 1);
    (0..count)
        .map(|i| {
            // Popular movies are met several times a batch.
            let skew = random.below(5 * i, movies) * random.below(5 * i + 1, movies) / movies;
            Sample {
                user: random.below(5 * i + 2, users) as u32,
                movie: skew as u32,
                stars: 0.5 + 0.5 * random.below(5 * i + 3, 10) as f32,
            }
        })
        .collect()
}

fn options(model: ModelKind, dim: usize, hidden: &[usize], batch: usize) -> Options {
    Options {
        model,
        user_dim: dim,
        movie_dim: dim,
        hidden: hidden.to_vec(),
        batch,
        l2: 0.01,
        seed: 9,
        ..Options::default()
    }
}

fn paths() -> Vec<Kernel> {
    let runs = |kernel: &Kernel| kernel.is_available();
    Kernel::ALL.into_iter().filter(runs).collect()
}

const RATES: (f32, f32) = (0.005, 0.01);

fn train(
    options: &Options,
    kernel: Kernel,
    threads: usize,
    samples: &[Sample],
) -> (Parameters, Errors) {
    let start = Parameters::initial(options, 50, 40, 3.0);
    let mut fast = Fast::new(&start, options, kernel, threads);
    let sums = fast.epoch(samples, &|_| RATES, &mut |_| true);
    (fast.parameters(), sums.unwrap())
}

/// The largest distance of any two numbers, and the mean distance.
fn distance(a: &Parameters, b: &Parameters) -> (f32, f32) {
    let all = |p: &Parameters| {
        let mut all = [
            &p.user_embedding,
            &p.movie_embedding,
            &p.user_bias,
            &p.movie_bias,
        ]
        .into_iter()
        .flatten()
        .copied()
        .collect::<Vec<f32>>();
        for layer in &p.layers {
            all.extend(&layer.weight);
            all.extend(&layer.bias);
        }
        all
    };
    let (a, b) = (all(a), all(b));
    assert_eq!(a.len(), b.len());
    let apart: Vec<f32> = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).collect();
    let most = apart.iter().copied().fold(0.0, f32::max);
    (most, apart.iter().sum::<f32>() / apart.len() as f32)
}

#[test]
fn every_path_and_shape_learns_what_the_plain_trainer_learns() {
    let samples = samples(50, 40, 2_000);
    let shapes: [(ModelKind, usize, &[usize]); 6] = [
        (ModelKind::Mlp, 8, &[32, 4]),
        (ModelKind::Hybrid, 8, &[32, 4]),
        (ModelKind::Mf, 8, &[]),
        (ModelKind::Hybrid, 3, &[7]),
        (ModelKind::Mlp, 11, &[6, 5, 3]),
        (ModelKind::Hybrid, 16, &[]),
    ];
    for (model, dim, hidden) in shapes {
        for optimiser in [Optimiser::Lazy, Optimiser::Decayed, Optimiser::Dense] {
            let options = Options {
                optimiser,
                ..options(model, dim, hidden, 150)
            };
            let start = Parameters::initial(&options, 50, 40, 3.0);
            let mut plain = Plain::new(start, optimiser, options.l2);
            let mut due = Errors::default();
            for batch in samples.chunks(150) {
                due += plain.step(batch, RATES.0, RATES.1).errors;
            }
            for kernel in paths() {
                let (found, sums) = train(&options, kernel, 1, &samples);
                // A step is at most about a rate long, whatever its gradient, so a gradient that
                // is nothing but rounding can part two trainers by a few steps in a number or
                // two; all others stay within rounding.
                let (most, mean) = distance(&found, plain.parameters());
                let name = (kernel, model, dim, optimiser);
                assert!(most < 2e-2 && mean < 2e-5, "{name:?}: {most} {mean}");
                let apart = (sums.squared - due.squared).abs() / due.squared;
                assert!(apart < 1e-5, "{name:?}: {apart}");
                let apart = (sums.absolute - due.absolute).abs() / due.absolute;
                assert!(apart < 1e-5, "{name:?}: {apart}");
            }
        }
    }
}

/// Small, for Miri: what it finds is a number that is read or written where it isn't, or by two threads at a time.
#[test]
fn a_few_batches_of_every_kernel_touch_nothing_but_their_own() {
    // It takes minutes for what takes milliseconds here: there, one batch and a half of a few ratings.
    let (ratings, batch) = if cfg!(miri) { (24, 16) } else { (90, 40) };
    let samples = samples(9, 7, ratings);
    let shapes: [(ModelKind, usize, &[usize]); 4] = [
        (ModelKind::Mlp, 8, &[32, 4]),
        (ModelKind::Mf, 8, &[]),
        (ModelKind::Hybrid, 3, &[5]),
        (ModelKind::Hybrid, 9, &[]),
    ];
    for (model, dim, hidden) in shapes {
        for optimiser in [Optimiser::Lazy, Optimiser::Decayed, Optimiser::Dense] {
            let options = Options {
                optimiser,
                ..options(model, dim, hidden, batch)
            };
            let start = Parameters::initial(&options, 9, 7, 3.0);
            let [one, two] = [1, 2].map(|threads| {
                let mut fast = Fast::new(&start, &options, Kernel::Portable, threads);
                let sums = fast.epoch(&samples, &|_| RATES, &mut |_| true);
                (fast.parameters(), sums, fast.measure(&samples))
            });
            assert_eq!(one, two, "{model:?} {optimiser:?}");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let samples = samples(50, 40, 9_000);
    for model in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
        for optimiser in [Optimiser::Lazy, Optimiser::Decayed, Optimiser::Dense] {
            let options = Options {
                optimiser,
                ..options(model, 8, &[32, 4], 4_000)
            };
            for kernel in paths() {
                let one = train(&options, kernel, 1, &samples);
                for threads in [2, 3, 5] {
                    let found = train(&options, kernel, threads, &samples);
                    assert_eq!(found, one, "{model:?} {optimiser:?} {kernel:?}");
                }
            }
        }
    }
}

#[test]
fn a_table_whose_rows_lie_together_learns_the_bits_of_one_that_keeps_values_apart() {
    let samples = samples(50, 40, 3_000);
    for model in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
        for optimiser in [Optimiser::Lazy, Optimiser::Decayed, Optimiser::Dense] {
            let options = Options {
                optimiser,
                ..options(model, 8, &[32, 4], 700)
            };
            for kernel in paths() {
                // The same first rows; the many that no sample names make the tables too large.
                let [small, large] = [(50, 40), (40_000, 40_000)].map(|(users, movies)| {
                    let start = Parameters::initial(&options, users, movies, 3.0);
                    let epoch = |fast: &mut Fast| fast.epoch(&samples, &|_| RATES, &mut |_| true);
                    let mut first = Fast::new(&start, &options, kernel, 2);
                    epoch(&mut first);
                    // Goes on elsewhere, from what is kept to resume.
                    let mut fast = Fast::new(&start, &options, kernel, 2);
                    assert!(fast.restore(first.memory(), first.steps()));
                    let sums = epoch(&mut fast);
                    (fast.parameters(), sums, fast.memory()[1].is_empty())
                });
                assert_eq!([small.2, large.2], [false, true], "which lie together");
                assert_eq!(small.1, large.1, "{model:?} {optimiser:?} {kernel:?}");
                let (few, many) = (&small.0, &large.0);
                assert_eq!(few.layers, many.layers);
                for (few, many) in [
                    (&few.user_embedding, &many.user_embedding),
                    (&few.movie_embedding, &many.movie_embedding),
                    (&few.user_bias, &many.user_bias),
                    (&few.movie_bias, &many.movie_bias),
                ] {
                    assert_eq!(few[..], many[..few.len()], "{model:?} {optimiser:?}");
                }
            }
        }
    }
}

#[test]
fn rows_that_no_sample_touches_keep_their_bits_unless_adam_is_dense() {
    let samples: Vec<Sample> = samples(50, 40, 3_000)
        .into_iter()
        .filter(|sample| sample.user != 7 && sample.movie != 2)
        .collect();
    for optimiser in [Optimiser::Lazy, Optimiser::Decayed, Optimiser::Dense] {
        let options = Options {
            optimiser,
            ..options(ModelKind::Hybrid, 8, &[4], 100)
        };
        let start = Parameters::initial(&options, 50, 40, 3.0);
        let mut fast = Fast::new(&start, &options, Kernel::best(), 2);
        // Gives every row moments first.
        let all: Vec<Sample> = (0..50)
            .map(|i| Sample {
                user: i,
                movie: i % 40,
                stars: 5.0,
            })
            .collect();
        fast.epoch(&all, &|_| RATES, &mut |_| true);
        let before = fast.parameters();
        fast.epoch(&samples, &|_| RATES, &mut |_| true);
        let after = fast.parameters();
        let same = before.user_row(7) == after.user_row(7)
            && before.movie_row(2) == after.movie_row(2)
            && before.user_bias[7] == after.user_bias[7]
            && before.movie_bias[2] == after.movie_bias[2];
        assert_eq!(same, optimiser != Optimiser::Dense, "{optimiser:?}");
        assert_ne!(before.user_row(6), after.user_row(6));
    }
}

#[test]
fn measuring_gives_the_errors_of_clamped_predictions_on_every_path() {
    let samples = samples(50, 40, 777);
    for model in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
        let options = Options {
            scale: (2.9, 3.1),
            ..options(model, 8, &[32, 4], 64)
        };
        let start = Parameters::initial(&options, 50, 40, 3.0);
        for kernel in paths() {
            let mut fast = Fast::new(&start, &options, kernel, 2);
            fast.epoch(&samples, &|_| (0.05, 0.05), &mut |_| true);
            let p = fast.parameters();
            let pairs = samples.iter().map(|sample| {
                let predicted = p.predict(sample.user as usize, sample.movie as usize);
                (predicted, sample.stars)
            });
            let due: Errors = pairs.collect();
            let found = fast.measure(&samples);
            let near = |a: f64, b: f64| (a - b).abs() < 1e-4 * b;
            let name = (kernel, model);
            assert!(near(found.squared, due.squared), "{name:?}");
            assert!(near(found.absolute, due.absolute), "{name:?}");
            assert_eq!(found.count, due.count, "{name:?}");
        }
    }
}

#[test]
#[should_panic(expected = "a row that no table has")]
fn a_sample_of_a_row_that_is_not_there_is_never_followed() {
    let options = options(ModelKind::Mf, 8, &[], 10);
    let sample = Sample {
        user: 50,
        movie: 0,
        stars: 3.0,
    };
    train(&options, Kernel::Portable, 1, &[sample]);
}

#[test]
fn an_epoch_that_is_stopped_ends_on_every_thread_and_gives_no_sums() {
    let samples = samples(50, 40, 20_000);
    let options = options(ModelKind::Hybrid, 8, &[4], 50);
    let start = Parameters::initial(&options, 50, 40, 3.0);
    for threads in [1, 2, 3] {
        let mut fast = Fast::new(&start, &options, Kernel::best(), threads);
        let mut heard = Vec::new();
        let sums = fast.epoch(&samples, &|_| RATES, &mut |done| {
            heard.push(done);
            done < 3_000
        });
        assert_eq!(
            (sums, heard.len()),
            (None, 2),
            "{threads} threads: {heard:?}"
        );
    }
    // Who is stopped behind the last batch has done all of it.
    let mut fast = Fast::new(&start, &options, Kernel::best(), 2);
    let sums = fast.epoch(&samples, &|_| RATES, &mut |done| done < 20_000);
    assert!(sums.is_some());
}

#[test]
fn a_part_that_is_done_alone_leaves_all_rows_and_other_parts_results_alone() {
    use super::rows::{SlotSums, Step};
    use super::scratch::Scratch;
    use super::shard::{GROUP, Network, Outputs, Part, Shard};
    let samples = samples(50, 40, 150);
    let options = options(ModelKind::Hybrid, 3, &[7], 150);
    let start = Parameters::initial(&options, 50, 40, 3.0);
    for kernel in paths() {
        let mut fast = Fast::new(&start, &options, kernel, 1);
        fast.batches[0].prepare(&samples, &mut fast.places);
        let mut scratch = Scratch::new(&fast.shape);
        let width = fast.shape.movie_width;
        let mut movie_gradients = Aligned::zero(GROUP * width);
        for memory in [
            &mut fast.user_gradients,
            &mut movie_gradients,
            &mut fast.dense_sums,
        ] {
            memory.numbers_mut().fill(7.0);
        }
        let mut before = None;
        for part in [
            Part::Gather,
            Part::Forward,
            Part::Backward,
            Part::WeightGradient,
            Part::Scatter,
        ] {
            // SAFETY: nothing else touches the trainer until the shard is done, on one thread.
            let places = |memory: &mut Aligned| unsafe { memory.places() };
            let outputs = Outputs {
                user: places(&mut fast.user_gradients),
                movie: places(&mut movie_gradients),
                slope: places(&mut fast.slopes),
                dense: places(&mut fast.dense_sums),
            };
            let sums = SlotSums {
                rows: places(&mut fast.movie_sums),
                biases: places(&mut fast.bias_sums),
                room: fast.room,
            };
            let dense = places(&mut fast.dense[0]);
            // SAFETY: as above.
            let [users, movies] = unsafe { [fast.users.raw(), fast.movies.raw()] };
            let network = Network {
                shape: &fast.shape,
                dense,
                users,
                movies,
                mean: fast.like.mean,
                scale: fast.like.scale,
            };
            let prepared = &fast.batches[0];
            let shard = Shard {
                samples: prepared.samples(&samples),
                slots: prepared.slots(),
                outputs,
                sums: sums.shard(0, width),
                decays: None,
                step: Step {
                    number: 1,
                    size: 1.0,
                    keep: 1.0,
                    shrink: 0.0,
                    stamped: false,
                },
                only: Some(part),
            };
            let range = prepared.shard(0);
            fast.kernels.shard(&network, &shard, range, &mut scratch);
            let after = [&fast.user_gradients, &movie_gradients, &fast.dense_sums]
                .map(|memory| memory.numbers().to_vec());
            if let Some(before) = before.replace(after.clone()) {
                let [users, movies, dense] = [0, 1, 2].map(|at| before[at] == after[at]);
                let name = (kernel, part);
                assert_eq!(users, part != Part::Scatter, "{name:?}");
                assert_eq!(movies, part != Part::Scatter, "{name:?}");
                assert!(dense || part == Part::WeightGradient, "{name:?}");
            }
            assert!(fast.movie_sums.numbers().iter().all(|x| *x == 0.0));
            assert_eq!(fast.parameters(), start, "{kernel:?} {part:?}");
        }
    }
}
