//! The fast trainer: the mathematics of [`plain`](super::plain), arranged for a machine.
//!
//! [`layout`] says where each number lies, [`block`] computes samples by the tiles of `product`, [`rows`] moves rows and
//! [`kernels`] compiles both for each path. [`slots`] finds the rows of a batch, [`shares`] deals
//! out what is to be done, [`gate`] is where threads meet. This file is the course of an epoch.
//!
//! A batch is sorted by user and has two halves. In the first, threads take groups of samples,
//! compute gradients and move the users whose ratings all lie in the group, which nobody else
//! reads; beside that one of them finds the slots of the next batch. In the second they move the
//! movies, the dense layers and the users that two groups share. How samples are grouped depends
//! on the batch's size alone, groups and slots are summed in their order, and each row is moved by
//! whoever takes it: so a run's bits don't depend on the number of threads, nor on which of them
//! was quicker.

pub mod block;
pub mod gate;
pub mod kernels;
pub mod layout;
mod lesson;
mod product;
pub mod rows;
pub mod shares;
pub mod slots;
pub mod timing;

use std::cell::UnsafeCell;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::block::{Ahead, BLOCK, Network, Outputs, RawTable, Scratch, Sums};
use self::gate::Gate;
use self::kernels::Kernels;
use self::layout::{Aligned, Shape, Table};
use self::rows::{Decays, RawDense, Step, Touched};
use self::shares::Shares;
use self::slots::{Batch, Counts};
use super::simd::Kernel;
use super::{Optimiser, Options, Parameters, Sample, adam};

/// Samples that a group has: some blocks.
const GROUP: usize = 2 * BLOCK;
/// Most groups a batch; beyond, they have more samples.
const GROUPS: usize = 64;
/// Slots or rows that a thread takes at a time.
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
    counts: Counts,
    batches: [Batch; 2],
    user_gradients: Aligned,
    movie_gradients: Aligned,
    slopes: Aligned,
    group_gradients: Aligned,
    group_stride: usize,
    decays: Decays,
}

/// How many groups a batch of that size is cut into: a matter of its size alone.
fn group_count(batch: usize) -> usize {
    batch.div_ceil(GROUP).clamp(1, GROUPS)
}

/// The samples of a group.
fn group_range(batch: usize, groups: usize, group: usize) -> Range<usize> {
    let length = batch.div_ceil(groups).next_multiple_of(BLOCK);
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
        let filled = batch.next_multiple_of(lesson::FULL);
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
            counts: Counts::new(movies.rows),
            batches: [(); 2].map(|()| Batch::new(batch)),
            user_gradients: Aligned::zero(filled * shape.user_width),
            movie_gradients: Aligned::zero(filled * shape.movie_width),
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
        self.batches[0].prepare(first, &mut self.counts);
        let epoch = Epoch::new(self, samples, rates);
        std::thread::scope(|scope| {
            for thread in 1..threads {
                let epoch = &epoch;
                scope.spawn(move || epoch.work(thread, &mut |_| ()));
            }
            epoch.work(0, progress);
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
    /// How many threads have come to prepare the next batch: the first does.
    prepared: AtomicUsize,
    groups: Shares,
    /// The next task of the second half, and of what dense Adam has after it.
    tasks: [AtomicUsize; 2],
    total: Shared<UnsafeCell<Sums>>,
}

/// The memory of an epoch. In the first half of a batch the movies and the dense vector are read
/// by all; a group's outputs and sums, and the rows of users that only it has, are written by who
/// takes the group, and the next batch and the counts by who takes that task. In the second half a
/// slot's row is written by who takes the slot, the dense vector by who takes that task, and all
/// else is read.
struct Raw<'a> {
    network: Network<'a>,
    dense: RawDense,
    outputs: Outputs,
    group_stride: usize,
    sums: [UnsafeCell<Sums>; GROUPS],
    batches: [UnsafeCell<&'a mut Batch>; 2],
    counts: UnsafeCell<&'a mut Counts>,
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
        let groups = Shares::new(fast.threads);
        groups.deal(group_count(samples.len().min(fast.batch)));
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
            prepared: AtomicUsize::new(0),
            groups,
            tasks: [0; 2].map(AtomicUsize::new),
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
                batches: fast.batches.each_mut().map(UnsafeCell::new),
                counts: UnsafeCell::new(&mut fast.counts),
                rows,
            }),
        }
    }

    /// One thread's share of the epoch.
    fn work(&self, thread: usize, progress: &mut dyn FnMut(usize)) {
        let raw = self.raw.get();
        let mut scratch = Scratch::new(raw.network.shape);
        let mut chunks = self.samples.chunks(self.batch).peekable();
        let (mut index, mut done) = (0, 0);
        while let Some(chunk) = chunks.next() {
            let next = chunks.peek().copied().unwrap_or_default();
            let groups = group_count(chunk.len());
            let steps = self.steps(index, chunk.len());
            self.prepare(index, next);
            self.compute(index, thread, groups, steps[1], &mut scratch);
            self.gate.pass(|| {
                self.prepared.store(0, Ordering::Relaxed);
                self.groups.deal(group_count(next.len()));
            });
            self.step(index, groups, steps);
            self.look_ahead(index, thread, next.len());
            self.gate.pass(|| {
                for tasks in &self.tasks {
                    tasks.store(0, Ordering::Relaxed);
                }
                // SAFETY: every other thread waits at the gate.
                unsafe {
                    for sums in &raw.sums[..groups] {
                        *self.total.get().get() += *sums.get();
                    }
                }
            });
            index += 1;
            done += chunk.len();
            if index % 32 == 0 || next.is_empty() {
                progress(done);
            }
        }
    }

    /// What the step after the `index`-th batch does to the dense vector and to tables.
    fn steps(&self, index: usize, length: usize) -> [Step; 2] {
        let number = self.first_step + index as u64 + 1;
        let (rate, table_rate) = (self.rates)(number);
        [(rate, 0.0), (table_rate, self.l2)].map(|(rate, l2)| Step {
            number: number as u32,
            size: adam::step_size(rate, number),
            keep: 1.0 - rate * self.weight_decay,
            shrink: 2.0 * l2 / length as f32,
        })
    }

    fn decays(&self) -> Option<&Decays> {
        rows::makes_up(self.optimiser).then_some(self.decays)
    }

    /// Finds the slots of the batch after the `index`-th, if nobody does so yet.
    fn prepare(&self, index: usize, next: &[Sample]) {
        if next.is_empty() || self.prepared.fetch_add(1, Ordering::Relaxed) > 0 {
            return;
        }
        let raw = self.raw.get();
        // SAFETY: see `Raw`; nobody else comes here until the next gate.
        unsafe {
            let batch = &mut *raw.batches[(index + 1) % 2].get();
            batch.prepare(next, &mut *raw.counts.get());
        }
    }

    /// The users' side of a batch.
    fn touched_users<'b>(&self, batch: &'b Batch) -> Touched<'b> {
        let raw = self.raw.get();
        Touched {
            slots: batch.users(),
            order: None,
            gradients: raw.outputs.user,
            slopes: raw.outputs.slope,
            biased: raw.network.shape.biases,
        }
    }

    /// The first half of a batch.
    fn compute(
        &self,
        index: usize,
        thread: usize,
        groups: usize,
        step: Step,
        scratch: &mut Scratch,
    ) {
        let raw = self.raw.get();
        // SAFETY: see `Raw`; samples have been checked against the tables.
        unsafe {
            let batch = &**raw.batches[index % 2].get();
            let (samples, users) = (batch.samples(), self.touched_users(batch));
            while let Some(group) = self.groups.take(thread) {
                let range = group_range(samples.len(), groups, group);
                let outputs = Outputs {
                    dense: raw.outputs.dense.add(group * raw.group_stride),
                    ..raw.outputs
                };
                let own = batch.users_within(range.clone());
                *raw.sums[group].get() =
                    (self.kernels.group)(&raw.network, samples, range, &outputs, scratch);
                (self.kernels.update_rows)(&raw.network.users, users, own, self.decays(), step);
            }
        }
    }

    /// The second half of a batch.
    fn step(&self, index: usize, groups: usize, [dense_step, step]: [Step; 2]) {
        let raw = self.raw.get();
        let take = |tasks: usize| self.tasks[tasks].fetch_add(1, Ordering::Relaxed);
        let tables = [&raw.network.users, &raw.network.movies];
        let biased = raw.network.shape.biases;
        let decays = self.decays();
        // SAFETY: see `Raw`; the slots are those of this batch.
        unsafe {
            let batch = &**raw.batches[index % 2].get();
            let movies = Touched {
                slots: batch.movies(),
                order: Some(batch.order()),
                gradients: raw.outputs.movie,
                slopes: raw.outputs.slope,
                biased,
            };
            loop {
                let task = take(0);
                if task == 0 {
                    let (gradients, stride) = (raw.outputs.dense, raw.group_stride);
                    (self.kernels.update_dense)(&raw.dense, gradients, stride, groups, dense_step);
                    let length = batch.samples().len();
                    let border = |group| group_range(length, groups, group).start;
                    let mut last = None;
                    for slot in (1..groups).filter_map(|group| batch.user_across(border(group))) {
                        if last != Some(slot) {
                            let users = self.touched_users(batch);
                            let range = slot..slot + 1;
                            (self.kernels.update_rows)(tables[0], users, range, decays, step);
                        }
                        last = Some(slot);
                    }
                    continue;
                }
                let start = (task - 1) * RUN;
                if start >= movies.slots.len() {
                    break;
                }
                let range = start..(start + RUN).min(movies.slots.len());
                (self.kernels.update_rows)(tables[1], movies, range, decays, step);
            }
            if self.optimiser != Optimiser::Dense {
                return;
            }
            // Touched rows carry the step's number now; the others drift.
            self.gate.pass(|| ());
            let runs = raw.rows.map(|rows| rows.div_ceil(RUN));
            loop {
                let (side, run) = match take(1) {
                    run if run < runs[0] => (0, run),
                    run if run < runs[0] + runs[1] => (1, run - runs[0]),
                    _ => break,
                };
                let range = run * RUN..((run + 1) * RUN).min(raw.rows[side]);
                (self.kernels.drift_rows)(tables[side], biased, range, step);
            }
        }
    }

    /// Asks for the rows of the samples that the thread will begin the next batch with.
    fn look_ahead(&self, index: usize, thread: usize, length: usize) {
        let raw = self.raw.get();
        let groups = group_count(length);
        let start = group_range(length, groups, self.groups.of(thread, groups).start).start;
        // SAFETY: see `Raw`; what is asked for is not read.
        unsafe {
            let samples = (**raw.batches[(index + 1) % 2].get()).samples();
            let end = length.min(start + BLOCK);
            if samples.len() == length {
                Ahead::new(&raw.network, &samples[start..end], true).ask_all();
            }
        }
    }
}

#[cfg(test)]
#[path = "fast_tests.rs"]
mod tests;
