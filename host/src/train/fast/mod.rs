//! The fast trainer: the mathematics of [`plain`](super::plain), arranged for a machine.
//!
//! [`layout`] says where each number lies, [`block`] computes samples by the tiles of `product`, [`rows`] moves rows and
//! [`kernels`] compiles both for each path. [`slots`] finds the rows of a batch, [`gate`] is
//! where threads meet. This file is the course of an epoch.
//!
//! A batch has two halves. In the first, threads take groups of samples and compute gradients;
//! beside that one of them finds the slots of the next batch. In the second they take runs of
//! slots and move the rows. How samples are grouped depends on the batch's size alone, groups
//! and chains are summed in their order, and each row is moved by whoever takes it: so a run's
//! bits don't depend on the number of threads, nor on which of them was quicker.

pub mod block;
pub mod gate;
pub mod kernels;
pub mod layout;
mod product;
pub mod rows;
pub mod slots;
pub mod timing;

use std::cell::UnsafeCell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::block::{Network, Outputs, RawTable, Scratch, Sums};
use self::gate::Gate;
use self::kernels::Kernels;
use self::layout::{Aligned, Shape, Table};
use self::rows::{Decays, RawDense, Step, Touched};
use self::slots::{Marks, Slots};
use super::simd::Kernel;
use super::{Optimiser, Options, Parameters, Sample, adam};

/// Samples that a group has, about.
const GROUP: usize = 512;
/// Most groups a batch.
const GROUPS: usize = 64;
/// Slots that a thread takes at a time.
const RUN: usize = 256;
/// Ratings whose errors are summed apart when measuring.
const MEASURE: usize = 8192;

/// The learning rates of a step: of the dense layers and of the tables.
pub type Rates<'a> = &'a (dyn Fn(u64) -> (f32, f32) + Sync);

/// A model in training.
#[derive(Debug)]
pub struct Fast {
    kernels: Kernels,
    threads: usize,
    optimiser: Optimiser,
    l2: f32,
    weight_decay: f32,
    batch: usize,
    like: Parameters,
    shape: Shape,
    users: Table,
    movies: Table,
    dense: [Aligned; 3],
    step: u64,
    marks: [Marks; 2],
    slots: [[Slots; 2]; 2],
    user_gradients: Aligned,
    movie_gradients: Aligned,
    slopes: Aligned,
    group_gradients: Aligned,
    group_stride: usize,
    decays: Decays,
}

/// How many groups a batch of that size is cut into: a matter of its size alone.
fn group_count(batch: usize) -> usize {
    let groups = (batch / GROUP).clamp(1, GROUPS);
    if groups > 8 { groups / 8 * 8 } else { groups }
}

/// The samples of a group.
fn group_range(batch: usize, groups: usize, group: usize) -> Range<usize> {
    let length = batch.div_ceil(groups).next_multiple_of(16);
    (group * length).min(batch)..((group + 1) * length).min(batch)
}

impl Fast {
    /// Starts from `parameters` with zero moments, on a path that the machine runs and with so
    /// many threads (at least one).
    pub fn new(parameters: &Parameters, options: &Options, kernel: Kernel, threads: usize) -> Self {
        let shape = Shape::new(options);
        let users = layout::user_table(parameters);
        let movies = layout::movie_table(parameters);
        let group_stride = shape.dense.next_multiple_of(16);
        let mut dense = [0; 3].map(|_| Aligned::zero(group_stride));
        dense[0].numbers_mut()[..shape.dense].copy_from_slice(&shape.pack(&parameters.layers));
        let batch = options.batch;
        let like = Parameters {
            user_embedding: Vec::new(),
            movie_embedding: Vec::new(),
            user_bias: Vec::new(),
            movie_bias: Vec::new(),
            layers: Vec::new(),
            ..parameters.clone()
        };
        Self {
            kernels: Kernels::of(kernel),
            threads: threads.max(1),
            optimiser: options.optimiser,
            l2: options.l2,
            weight_decay: options.weight_decay,
            batch,
            like,
            marks: [users.rows, movies.rows].map(|rows| Marks::new(rows, batch)),
            slots: [(); 2].map(|()| [(); 2].map(|()| Slots::new(batch))),
            user_gradients: Aligned::zero(batch * shape.user_width),
            movie_gradients: Aligned::zero(batch * shape.movie_width),
            slopes: Aligned::zero(batch),
            group_gradients: Aligned::zero(GROUPS * group_stride),
            group_stride,
            decays: Decays::new(),
            step: 0,
            dense,
            users,
            movies,
            shape,
        }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// Everything that the next step depends on: the memory of both tables, then the dense
    /// vector and its two moments.
    pub fn memory(&self) -> [&[f32]; 5] {
        let [value, m, v] = self.dense.each_ref().map(Aligned::numbers);
        [self.users.memory(), self.movies.memory(), value, m, v]
    }

    /// Goes on from another trainer's memory and steps, if they are of this shape.
    pub fn restore(&mut self, memory: [&[f32]; 5], steps: u64) -> bool {
        let lengths = self.memory().map(<[f32]>::len);
        if memory.map(<[f32]>::len) != lengths {
            return false;
        }
        let [users, movies, value, m, v] = memory;
        self.users.memory_mut().copy_from_slice(users);
        self.movies.memory_mut().copy_from_slice(movies);
        for (dense, from) in self.dense.iter_mut().zip([value, m, v]) {
            dense.numbers_mut().copy_from_slice(from);
        }
        self.step = steps;
        true
    }

    /// The parameters as they are now.
    pub fn parameters(&self) -> Parameters {
        Parameters {
            user_embedding: self.users.values(),
            movie_embedding: self.movies.values(),
            user_bias: self.users.biases(),
            movie_bias: self.movies.biases(),
            layers: self.shape.unpack(self.dense[0].numbers()),
            ..self.like.clone()
        }
    }

    /// Passes once over `samples`, a step a batch, and returns the sums of the errors that each
    /// sample had before its own step. `progress` hears how many samples are done, now and then.
    ///
    /// # Panics
    /// When a sample names a row that the tables don't have.
    pub fn epoch(
        &mut self,
        samples: &[Sample],
        rates: Rates<'_>,
        progress: &mut dyn FnMut(usize),
    ) -> Sums {
        self.check(samples);
        if samples.is_empty() {
            return Sums::default();
        }
        let threads = self.threads;
        let batch = self.batch;
        let first = &samples[..batch.min(samples.len())];
        let [user_marks, movie_marks] = &mut self.marks;
        self.slots[0][0].find(user_marks, first.len(), |i| first[i].user);
        self.slots[0][1].find(movie_marks, first.len(), |i| first[i].movie);
        let epoch = Epoch::new(self, samples, rates);
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| epoch.work(&mut |_| ()));
            }
            epoch.work(progress);
        });
        let sums = epoch.total.into_inner();
        self.step += samples.len().div_ceil(batch) as u64;
        sums
    }

    /// Sums of the errors of clamped predictions of `samples`.
    ///
    /// # Panics
    /// When a sample names a row that the tables don't have.
    pub fn measure(&mut self, samples: &[Sample]) -> Sums {
        self.check(samples);
        let chunks: Vec<&[Sample]> = samples.chunks(MEASURE).collect();
        let results: Vec<UnsafeCell<Sums>> =
            chunks.iter().map(|_| Sums::default().into()).collect();
        let (kernels, threads) = (self.kernels, self.threads);
        let shared = Shared((self.network(), &results));
        let next = AtomicUsize::new(0);
        let work = || {
            let (network, results) = shared.get();
            let mut scratch = Scratch::new(network.shape);
            loop {
                let chunk = next.fetch_add(1, Ordering::Relaxed);
                let Some(samples) = chunks.get(chunk) else {
                    break;
                };
                // SAFETY: the rows have been checked, nothing is written but this chunk's
                // result, and the path runs here.
                unsafe {
                    *results[chunk].get() = (kernels.measure)(network, samples, &mut scratch)
                };
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(chunks.len()) {
                scope.spawn(work);
            }
            work();
        });
        let mut total = Sums::default();
        for result in results {
            total += result.into_inner();
        }
        total
    }

    fn check(&self, samples: &[Sample]) {
        let (users, movies) = (self.users.rows as u32, self.movies.rows as u32);
        let inside = |sample: &Sample| sample.user < users && sample.movie < movies;
        assert!(
            samples.iter().all(inside),
            "a sample names a row that no table has"
        );
    }

    fn network(&mut self) -> Network<'_> {
        let raw = |table: &mut Table| RawTable {
            base: table.base(),
            stride: table.stride,
            width: table.width,
        };
        Network {
            users: raw(&mut self.users),
            movies: raw(&mut self.movies),
            dense: self.dense[0].numbers().as_ptr(),
            shape: &self.shape,
            mean: self.like.mean,
            scale: self.like.scale,
        }
    }
}

/// Something that threads share by agreement and not by the compiler's leave.
struct Shared<T>(T);

// SAFETY: only used for the values of `Epoch` and `measure`, whose halves say who may touch what.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    fn get(&self) -> &T {
        &self.0
    }
}

/// What the threads of an epoch share.
struct Epoch<'a> {
    samples: &'a [Sample],
    rates: Rates<'a>,
    batch: usize,
    optimiser: Optimiser,
    l2: f32,
    weight_decay: f32,
    kernels: Kernels,
    first_step: u64,
    decays: &'a Decays,
    raw: Shared<Raw<'a>>,
    gate: Gate,
    /// The next task of the half that is going on; the other half's counter rests.
    tasks: [AtomicUsize; 3],
    total: Shared<UnsafeCell<Sums>>,
}

/// The memory of an epoch. In the first half of a batch the tables and the dense vector are read
/// by all; a group's outputs and sums are written by who takes the group, and the slots and marks
/// of the next batch by who takes that task. In the second half a slot's row is written by who
/// takes the slot, the dense vector by who takes that task, and all else is read.
struct Raw<'a> {
    network: Network<'a>,
    dense: RawDense,
    outputs: Outputs,
    group_stride: usize,
    sums: [UnsafeCell<Sums>; GROUPS],
    slots: [[UnsafeCell<&'a mut Slots>; 2]; 2],
    marks: [UnsafeCell<&'a mut Marks>; 2],
    rows: [usize; 2],
}

impl<T> Shared<UnsafeCell<T>> {
    fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<'a> Epoch<'a> {
    fn new(fast: &'a mut Fast, samples: &'a [Sample], rates: Rates<'a>) -> Self {
        let raw = |table: &mut Table| RawTable {
            base: table.base(),
            stride: table.stride,
            width: table.width,
        };
        let start = |memory: &mut Aligned| memory.numbers_mut().as_mut_ptr();
        let rows = [fast.users.rows, fast.movies.rows];
        let [value, m, v] = &mut fast.dense;
        let length = value.numbers().len();
        let dense = RawDense {
            value: start(value),
            m: start(m),
            v: start(v),
            length,
        };
        let [now, next] = &mut fast.slots;
        let [user_marks, movie_marks] = &mut fast.marks;
        Self {
            samples,
            rates,
            batch: fast.batch,
            optimiser: fast.optimiser,
            l2: fast.l2,
            weight_decay: fast.weight_decay,
            kernels: fast.kernels,
            first_step: fast.step,
            decays: &fast.decays,
            gate: Gate::new(fast.threads),
            tasks: [0; 3].map(AtomicUsize::new),
            total: Shared(UnsafeCell::new(Sums::default())),
            raw: Shared(Raw {
                network: Network {
                    users: raw(&mut fast.users),
                    movies: raw(&mut fast.movies),
                    dense: dense.value,
                    shape: &fast.shape,
                    mean: fast.like.mean,
                    scale: fast.like.scale,
                },
                dense,
                outputs: Outputs {
                    user: start(&mut fast.user_gradients),
                    movie: start(&mut fast.movie_gradients),
                    slope: start(&mut fast.slopes),
                    dense: start(&mut fast.group_gradients),
                },
                group_stride: fast.group_stride,
                sums: [(); GROUPS].map(|()| UnsafeCell::new(Sums::default())),
                slots: [
                    now.each_mut().map(UnsafeCell::new),
                    next.each_mut().map(UnsafeCell::new),
                ],
                marks: [UnsafeCell::new(user_marks), UnsafeCell::new(movie_marks)],
                rows,
            }),
        }
    }

    fn take(&self, half: usize) -> usize {
        self.tasks[half].fetch_add(1, Ordering::Relaxed)
    }

    fn reset(&self, half: usize) {
        self.tasks[half].store(0, Ordering::Relaxed);
    }

    /// One thread's share of the epoch.
    fn work(&self, progress: &mut dyn FnMut(usize)) {
        let raw = self.raw.get();
        let mut scratch = Scratch::new(raw.network.shape);
        let mut batches = self.samples.chunks(self.batch).peekable();
        let (mut index, mut done) = (0, 0);
        while let Some(batch) = batches.next() {
            let next = batches.peek().copied().unwrap_or_default();
            let groups = group_count(batch.len());
            self.compute(index, batch, next, groups, &mut scratch);
            self.gate.pass(|| self.reset(1));
            self.step(index, batch.len(), groups);
            self.gate.pass(|| {
                self.reset(0);
                self.reset(2);
                // SAFETY: every other thread waits at the gate.
                unsafe {
                    for sums in &raw.sums[..groups] {
                        *self.total.get().get() += *sums.get();
                    }
                }
            });
            index += 1;
            done += batch.len();
            if index % 32 == 0 || next.is_empty() {
                progress(done);
            }
        }
    }

    /// The first half of a batch.
    fn compute(
        &self,
        index: usize,
        batch: &[Sample],
        next: &[Sample],
        groups: usize,
        scratch: &mut Scratch,
    ) {
        let raw = self.raw.get();
        loop {
            let task = self.take(0);
            // SAFETY: see `Raw`; samples have been checked against the tables.
            unsafe {
                match task {
                    0 => {
                        let slots = &mut *raw.slots[(index + 1) % 2][0].get();
                        slots.find(&mut *raw.marks[0].get(), next.len(), |i| next[i].user);
                    }
                    1 => {
                        let slots = &mut *raw.slots[(index + 1) % 2][1].get();
                        slots.find(&mut *raw.marks[1].get(), next.len(), |i| next[i].movie);
                    }
                    task if task < groups + 2 => {
                        let group = task - 2;
                        let range = group_range(batch.len(), groups, group);
                        let outputs = Outputs {
                            dense: raw.outputs.dense.add(group * raw.group_stride),
                            ..raw.outputs
                        };
                        *raw.sums[group].get() =
                            (self.kernels.group)(&raw.network, batch, range, &outputs, scratch);
                    }
                    _ => break,
                }
            }
        }
    }

    /// The second half of a batch of `length` samples.
    fn step(&self, index: usize, length: usize, groups: usize) {
        let raw = self.raw.get();
        let number = self.first_step + index as u64 + 1;
        let (rate, table_rate) = (self.rates)(number);
        let step = |rate: f32, l2: f32| Step {
            number: number as u32,
            size: adam::step_size(rate, number),
            keep: 1.0 - rate * self.weight_decay,
            shrink: 2.0 * l2 / length as f32,
        };
        let (dense_step, table_step) = (step(rate, 0.0), step(table_rate, self.l2));
        let tables = [
            (&raw.network.users, raw.outputs.user),
            (&raw.network.movies, raw.outputs.movie),
        ];
        let biased = raw.network.shape.biases;
        let decays = rows::makes_up(self.optimiser).then_some(self.decays);
        // SAFETY: see `Raw`; the slots are those of this batch.
        unsafe {
            let slots = [0, 1].map(|side| &**raw.slots[index % 2][side].get());
            let runs = slots.map(|slots| slots.len().div_ceil(RUN));
            loop {
                let task = self.take(1);
                if task == 0 {
                    let (gradients, stride) = (raw.outputs.dense, raw.group_stride);
                    (self.kernels.update_dense)(&raw.dense, gradients, stride, groups, dense_step);
                    continue;
                }
                let (side, run) = match task - 1 {
                    run if run < runs[0] => (0, run),
                    run if run < runs[0] + runs[1] => (1, run - runs[0]),
                    _ => break,
                };
                let range = run * RUN..((run + 1) * RUN).min(slots[side].len());
                let (table, gradients) = tables[side];
                let touched = Touched {
                    slots: slots[side],
                    gradients,
                    slopes: raw.outputs.slope,
                    biased,
                };
                (self.kernels.update_rows)(table, touched, range, decays, table_step);
            }
            if self.optimiser != Optimiser::Dense {
                return;
            }
            // Touched rows carry the step's number now; the others drift.
            self.gate.pass(|| ());
            let runs = raw.rows.map(|rows| rows.div_ceil(RUN));
            loop {
                let (side, run) = match self.take(2) {
                    run if run < runs[0] => (0, run),
                    run if run < runs[0] + runs[1] => (1, run - runs[0]),
                    _ => break,
                };
                let range = run * RUN..((run + 1) * RUN).min(raw.rows[side]);
                (self.kernels.drift_rows)(tables[side].0, biased, range, table_step);
            }
        }
    }
}

#[cfg(test)]
#[path = "fast_tests.rs"]
mod tests;
