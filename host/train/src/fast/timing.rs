//! How long each kernel takes on its own, for benchmarks; changes when a kernel is added.

use std::time::Instant;

use super::super::simd::Kernel;
use super::factors;
use super::kernels::{CHAINS, Kernels};
use super::rows::{Movies, RawDense, SlotSums, Step, Users};
use super::scratch::Scratch;
use super::shard::{GROUP, Network, Outputs, Part, Shard};
use super::{Aligned, Fast, Sample};

/// Billions of multiply-adds a second that one core does when it does nothing else, on a path:
/// the best of many runs of about a millisecond, short enough that some are undisturbed.
pub fn peak(kernel: Kernel) -> f64 {
    let kernels = Kernels::of(kernel);
    let rounds = 400_000;
    let work = rounds as f64 * (CHAINS * kernels.lanes) as f64;
    let mut best = f64::MAX;
    for _ in 0..100 {
        let clock = Instant::now();
        std::hint::black_box(kernels.peak(rounds));
        best = best.min(clock.elapsed().as_secs_f64());
    }
    work / best / 1e9
}

/// A kernel's share of a rating.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// What it is.
    pub name: &'static str,
    /// Multiply-adds that it does a rating; 0 when that isn't what it is for.
    pub multiply_adds: usize,
    /// Nanoseconds a rating, the median over the batches, on one core.
    pub nanoseconds: f64,
}

impl Fast {
    /// Times each kernel over the batches of `samples`, one thread, and leaves the model spoilt.
    pub fn time_kernels(&mut self, samples: &[Sample]) -> Vec<Share> {
        self.check(samples);
        let mut scratch = Scratch::new(&self.shape);
        // SAFETY: nothing but this function touches the trainer, on one thread and through these alone.
        let start = |memory: &mut Aligned| unsafe { memory.places() };
        let width = self.shape.movie_width;
        let mut movie_gradients = Aligned::zero(GROUP * width);
        let outputs = Outputs {
            user: start(&mut self.user_gradients),
            movie: start(&mut movie_gradients),
            slope: start(&mut self.slopes),
            dense: start(&mut self.dense_sums),
        };
        let sums = SlotSums {
            rows: start(&mut self.movie_sums),
            biases: start(&mut self.bias_sums),
            room: self.room,
        };
        let shards = super::shard_count(self.batch);
        let biased = self.shape.biases;
        let layers = self.shape.layers.iter();
        let products: usize = layers.map(|layer| layer.inputs * layer.outputs).sum();
        let mut dense_parts = [
            ("forward", products),
            ("backward", products),
            ("weight gradient", products),
        ];
        if self.kernels.lanes_are_units && super::lesson::fits(&self.shape) {
            // The first part goes back through all layers but the first.
            let first = self.shape.layers[0].inputs * self.shape.layers[0].outputs;
            dense_parts = [
                ("forward, later layers back", 3 * products - 2 * first),
                ("first layer back", first),
                ("its weight gradient", first),
            ];
        }
        let mut times: Vec<(&'static str, usize, Vec<f64>)> = Vec::new();
        let dense_length = self.shape.dense.next_multiple_of(16);
        let dense = self.dense.each_mut().map(start);
        let dense = RawDense {
            value: dense[0],
            m: dense[1],
            v: dense[2],
            length: dense_length,
        };
        for batch in samples.chunks_exact(self.batch) {
            let mut at = 0;
            let mut timed = |name, multiply_adds, work: &mut dyn FnMut()| {
                let clock = Instant::now();
                work();
                let each = clock.elapsed().as_secs_f64() / batch.len() as f64 * 1e9;
                if at == times.len() {
                    times.push((name, multiply_adds, Vec::new()));
                }
                times[at].2.push(each);
                at += 1;
            };
            let prepared = &mut self.batches[0];
            timed("find slots", 0, &mut || {
                prepared.prepare(batch, &mut self.places);
            });
            let batch = prepared.samples(batch);
            // SAFETY: as above.
            let tables = unsafe { [self.users.raw(), self.movies.raw()] };
            let network = Network {
                users: tables[0],
                movies: tables[1],
                dense: dense.value,
                shape: &self.shape,
                mean: self.like.mean,
                scale: self.like.scale,
            };
            // Steps of nothing: the same work, and numbers that stay numbers.
            let step = Step {
                number: 1,
                size: 0.0,
                keep: 1.0,
                shrink: 0.0,
                stamped: false,
            };
            let users = Users {
                samples: batch,
                gradients: outputs.user,
                slopes: outputs.slope,
                biased,
            };
            let movies = Movies {
                rows: prepared.movies(),
                counts: prepared.counts(),
                sums,
                given: prepared.given(),
                biased,
            };
            let part_of = |shard, only| Shard {
                samples: batch,
                slots: prepared.slots(),
                outputs,
                sums: sums.shard(shard, width),
                decays: None,
                step,
                only,
            };
            let clear = |shard: usize, sums: &SlotSums| {
                sums.clear(prepared.given()[shard + 1], width, biased)
            };
            let all_movies = 0..movies.rows.len();
            if factors::fits(&self.shape) {
                timed("errors, sums, update users", 0, &mut || {
                    for shard in 0..shards {
                        let of = part_of(shard, None);
                        clear(shard, &of.sums);
                        let range = prepared.shard(shard);
                        self.kernels.shard(&network, &of, range, &mut scratch);
                    }
                });
                timed("update movies", 0, &mut || {
                    let all = all_movies.clone();
                    self.kernels
                        .update_movies(&tables[1], movies, all, None, step);
                });
                continue;
            }
            for (part, name, work) in [
                (Part::Gather, "gather rows", 0),
                (Part::Forward, dense_parts[0].0, dense_parts[0].1),
                (Part::Backward, dense_parts[1].0, dense_parts[1].1),
                (Part::WeightGradient, dense_parts[2].0, dense_parts[2].1),
                (Part::Scatter, "scatter slopes", 0),
            ] {
                timed(name, work, &mut || {
                    for shard in 0..shards {
                        let of = part_of(shard, Some(part));
                        let range = prepared.shard(shard);
                        self.kernels.shard(&network, &of, range, &mut scratch);
                    }
                });
            }
            timed("sum movies", 0, &mut || {
                for shard in 0..shards {
                    let sums = sums.shard(shard, width);
                    clear(shard, &sums);
                    let slots = &prepared.slots()[prepared.shard(shard)];
                    for slots in slots.chunks(GROUP) {
                        let (rows, slopes) = (outputs.movie, outputs.slope);
                        self.kernels
                            .add_rows(slots, rows, slopes, sums, width, biased);
                    }
                }
            });
            timed("update rows", 0, &mut || {
                let all = 0..batch.len();
                self.kernels
                    .update_users(&tables[0], users, all, None, step);
                let all = all_movies.clone();
                self.kernels
                    .update_movies(&tables[1], movies, all, None, step);
            });
            timed("update layers", 0, &mut || {
                self.kernels
                    .update_dense(&dense, outputs.dense, dense_length, shards, step);
            });
        }
        times
            .into_iter()
            .map(|(name, multiply_adds, mut times)| {
                times.sort_by(f64::total_cmp);
                Share {
                    name,
                    multiply_adds,
                    nanoseconds: times.get(times.len() / 2).copied().unwrap_or(0.0),
                }
            })
            .collect()
    }
}
