//! The fast trainer: the mathematics of [`plain`](super::plain), arranged for a machine.
//!
//! [`layout`] says where each number lies, `block` computes samples by the tiles of `product`, `lesson`
//! those of `mlp`, `factors` those of plain matrix factorisation, [`rows`] moves rows
//! and [`kernels`] compiles all of these for each path; `ahead` asks for rows before they are wanted. [`slots`] cuts a
//! batch and gives slots to its movies, [`shares`] deals out what is to be done, [`gate`], made of `sync`, is where
//! threads meet. This file is the course of an epoch.
//!
//! A batch is sorted by user and has two halves. In the first, threads take shards of it, each a
//! stretch that has its users to itself: they compute gradients block by block, sum those of equal
//! movies, and move the users at once. In the second they move the movies, by the sums of all
//! shards, and the dense layers. Slots are given to the movies of the next batch beside that, and
//! by whoever has to wait for the end of the first half.
//! How a batch is cut depends on itself alone, a shard is summed in the order of its ratings by
//! whoever takes it, shards are summed in their order, and each row is moved by one thread: so a
//! run's bits don't depend on the number of threads, nor on which of them was quicker.

mod ahead;
mod block;
mod by_shape;
mod factors;
pub mod gate;
pub mod kernels;
pub mod layout;
mod lesson;
mod product;
pub mod rows;
mod scratch;
pub mod shard;
pub mod shares;
pub mod slots;
mod sync;
pub mod timing;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use self::gate::Gate;
use self::kernels::Kernels;
use self::layout::{Aligned, Shape, Table};
use self::rows::{Decays, Movies, RawDense, SlotSums, Step};
use self::scratch::Scratch;
use self::shard::{BLOCK, GROUP, Network, Outputs, Shard};
use self::shares::Shares;
use self::slots::{Batch, Places, SHARDS, shard_count};
use super::adam;
use super::options::{Optimiser, Options};
use super::parameters::Parameters;
use super::sample::Sample;
use super::simd::{Kernel, Numbers};
use pocketrec_base::threads;
use pocketrec_metrics::Errors;

/// Slots or rows that a thread takes at a time.
const RUN: usize = 128;
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
    places: Places,
    batches: [Batch; 2],
    user_gradients: Aligned,
    slopes: Aligned,
    /// Sums of the gradients of movies' rows and biases, and the dense vector's, shard by shard.
    movie_sums: Aligned,
    bias_sums: Aligned,
    dense_sums: Aligned,
    /// Slots that a shard has room for.
    room: usize,
    decays: Decays,
}

impl Fast {
    /// Starts from `parameters` with zero moments, on a path that the machine runs and with so
    /// many threads (at least one).
    pub fn new(parameters: &Parameters, options: &Options, kernel: Kernel, threads: usize) -> Self {
        let shape = Shape::new(options);
        let users = layout::user_table(parameters);
        let movies = layout::movie_table(parameters);
        let length = shape.dense.next_multiple_of(16);
        let mut dense = [0; 3].map(|_| Aligned::zero(length));
        dense[0].numbers_mut()[..shape.dense].copy_from_slice(&shape.pack(&parameters.layers));
        let batch = options.batch;
        let (shards, room) = (shard_count(batch), batch.min(movies.rows));
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
            places: Places::new(movies.rows),
            batches: [(); 2].map(|()| Batch::new(batch, options.l2 != 0.0)),
            user_gradients: Aligned::zero(batch * shape.user_width),
            slopes: Aligned::zero(batch),
            movie_sums: Aligned::zero(shards * room * shape.movie_width),
            bias_sums: Aligned::zero(if shape.biases { shards * room } else { 0 }),
            dense_sums: Aligned::zero(shards * length),
            room,
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

    /// Everything that the next step depends on: the memories of the users, of the movies (see
    /// [`Table::memory`]), then the dense vector and its two moments.
    pub fn memory(&self) -> [&[f32]; 9] {
        let [a, b, c] = self.users.memory();
        let [d, e, f] = self.movies.memory();
        let [value, m, v] = self.dense.each_ref().map(Aligned::numbers);
        [a, b, c, d, e, f, value, m, v]
    }

    /// Goes on from another trainer's memory and steps, if they are of this shape.
    pub fn restore(&mut self, memory: [&[f32]; 9], steps: u64) -> bool {
        let lengths = self.memory().map(<[f32]>::len);
        if memory.map(<[f32]>::len) != lengths {
            return false;
        }
        let tables = [&mut self.users, &mut self.movies].map(Table::memory_mut);
        let dense = self.dense.iter_mut().map(Aligned::numbers_mut);
        for (to, from) in tables.into_iter().flatten().chain(dense).zip(memory) {
            to.copy_from_slice(from);
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
    /// sample had before its own step. `progress` hears how many samples are done, now and then, and says whether to
    /// go on. Where it doesn't, nothing is returned, and the trainer is good for nothing but
    /// [`parameters`](Self::parameters), which are those of somewhere within the epoch.
    ///
    /// # Panics
    /// When a sample names a row that the tables don't have.
    pub fn epoch(
        &mut self,
        samples: &[Sample],
        rates: Rates<'_>,
        progress: &mut dyn FnMut(usize) -> bool,
    ) -> Option<Errors> {
        self.check(samples);
        if samples.is_empty() {
            return Some(Errors::default());
        }
        let batch = self.batch;
        let first = &samples[..batch.min(samples.len())];
        self.batches[0].prepare(first, &mut self.places);
        self.batches[1].begin();
        let epoch = Epoch::new(self, samples, rates);
        epoch.gate.run(
            || epoch.work(0, progress),
            |thread| epoch.work(thread, &mut |_| true),
        );
        let stopped = epoch.stopped.into_inner();
        let sums = whole(epoch.total.into_inner());
        self.step += samples.len().div_ceil(batch) as u64;
        (!stopped).then_some(sums)
    }

    /// Sums of the errors of clamped predictions of `samples`.
    ///
    /// # Panics
    /// When a sample names a row that the tables don't have.
    pub fn measure(&mut self, samples: &[Sample]) -> Errors {
        self.check(samples);
        let (kernels, threads) = (self.kernels, self.threads);
        // SAFETY: nothing else touches the trainer before this returns, and nothing of it is written.
        let network = unsafe { self.network() };
        let measured = threads::share(
            threads,
            samples.chunks(MEASURE),
            || Scratch::new(network.shape),
            |scratch, samples| kernels.measure(&network, samples, scratch),
        );
        measured.into_iter().sum()
    }

    fn check(&self, samples: &[Sample]) {
        let (users, movies) = (self.users.rows as u32, self.movies.rows as u32);
        let inside = |sample: &Sample| sample.user < users && sample.movie < movies;
        assert!(
            samples.iter().all(inside),
            "a sample names a row that no table has"
        );
    }

    /// # Safety
    /// As for [`simd::Numbers::new`](super::simd::Numbers::new): what threads do with it, they must agree on.
    unsafe fn network(&mut self) -> Network<'_> {
        // SAFETY: by the caller's promise; all of it is borrowed as long as the network is.
        unsafe {
            Network {
                users: self.users.raw(),
                movies: self.movies.raw(),
                dense: self.dense[0].places(),
                shape: &self.shape,
                mean: self.like.mean,
                scale: self.like.scale,
            }
        }
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
    raw: Raw<'a>,
    gate: Gate,
    shards: Shares,
    /// The tasks of the second half: the next batch, the dense vector, and runs of slots.
    runs: Shares,
    /// The next task of what dense Adam has after it.
    drifts: AtomicUsize,
    total: Mutex<Errors>,
    /// Whether somebody wants the epoch to end.
    unwanted: AtomicBool,
    /// Whether it ends here. Written only while all threads are at a gate, so that all leave behind the same batch.
    stopped: AtomicBool,
}

/// The memory of an epoch. In the first half of a batch the movies and the dense vector are read
/// by all; a shard's outputs, sums and users are written by who takes the shard. In the second half a
/// slot's row is written by who takes the slot, the dense vector by who takes that task, and all
/// else is read. Nobody is in two halves at a time: that is what the gate is for.
///
/// What the halves don't decide is behind locks: they are taken a few times a batch, and nobody waits at one but for
/// the places.
struct Raw<'a> {
    network: Network<'a>,
    dense: RawDense,
    user_gradients: Numbers,
    slopes: Numbers,
    movie_sums: SlotSums,
    dense_sums: Numbers,
    errors: [Mutex<Errors>; SHARDS],
    /// Read by all, and the next one written by who has the places.
    batches: [RwLock<&'a mut Batch>; 2],
    /// Who has this has the next batch too, to prepare it.
    places: Mutex<&'a mut Places>,
    rows: [usize; 2],
}

/// A lock's value, whoever panicked while they had it: the epoch's sums are lost then in any case.
fn whole<T>(lock: Result<T, PoisonError<T>>) -> T {
    lock.unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Epoch<'a> {
    fn new(fast: &'a mut Fast, samples: &'a [Sample], rates: Rates<'a>) -> Self {
        // SAFETY: the trainer is borrowed as long as the epoch is there, and threads touch its memory as `Raw` says.
        let place = |memory: &mut Aligned| unsafe { memory.places() };
        let rows = [fast.users.rows, fast.movies.rows];
        let length = fast.dense[0].numbers().len();
        let [value, m, v] = fast.dense.each_mut().map(place);
        let dense = RawDense {
            value,
            m,
            v,
            length,
        };
        // SAFETY: as above.
        let tables = unsafe { [fast.users.raw(), fast.movies.raw()] };
        let shards = Shares::new(fast.threads);
        shards.deal(shard_count(samples.len().min(fast.batch)));
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
            shards,
            runs: Shares::new(fast.threads),
            drifts: AtomicUsize::new(0),
            total: Mutex::default(),
            unwanted: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            raw: Raw {
                network: Network {
                    users: tables[0],
                    movies: tables[1],
                    dense: dense.value,
                    shape: &fast.shape,
                    mean: fast.like.mean,
                    scale: fast.like.scale,
                },
                dense,
                user_gradients: place(&mut fast.user_gradients),
                slopes: place(&mut fast.slopes),
                movie_sums: SlotSums {
                    rows: place(&mut fast.movie_sums),
                    biases: place(&mut fast.bias_sums),
                    room: fast.room,
                },
                dense_sums: place(&mut fast.dense_sums),
                errors: Default::default(),
                batches: fast.batches.each_mut().map(RwLock::new),
                places: Mutex::new(&mut fast.places),
                rows,
            },
        }
    }

    /// One thread's share of the epoch.
    fn work(&self, thread: usize, progress: &mut dyn FnMut(usize) -> bool) {
        let raw = &self.raw;
        let mut scratch = Scratch::new(raw.network.shape);
        let mut movie_gradients = Aligned::zero(GROUP * raw.network.shape.movie_width);
        // SAFETY: the memory is this thread's own, and is used through this alone.
        let movies = unsafe { movie_gradients.places() };
        let mut chunks = self.samples.chunks(self.batch).peekable();
        let (mut index, mut done) = (0, 0);
        while let Some(chunk) = chunks.next() {
            let next = chunks.peek().copied().unwrap_or_default();
            let steps = self.steps(index, chunk.len());
            self.compute(index, thread, chunk, steps[1], &mut scratch, movies);
            self.gate.pass_busy(
                || {
                    self.shards.deal(shard_count(next.len()));
                    let movies = whole(raw.batches[index % 2].read()).movies().len();
                    self.runs.deal(2 + movies.div_ceil(RUN));
                },
                || self.prepare_some(index + 1, next),
            );
            self.step(index, thread, next, steps);
            self.look_ahead(thread, next);
            self.gate.pass(|| {
                self.drifts.store(0, Ordering::Relaxed);
                let unwanted = self.unwanted.load(Ordering::Relaxed);
                self.stopped.store(unwanted, Ordering::Relaxed);
                let mut total = whole(self.total.lock());
                for errors in &raw.errors[..shard_count(chunk.len())] {
                    *total += *whole(errors.lock());
                }
                // Its place is that of the batch after the next.
                whole(raw.batches[index % 2].write()).begin();
            });
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            index += 1;
            done += chunk.len();
            if (index % 32 == 0 || next.is_empty()) && !progress(done) {
                self.unwanted.store(true, Ordering::Relaxed);
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
            stamped: self.optimiser != Optimiser::Lazy,
        })
    }

    fn decays(&self) -> Option<&Decays> {
        rows::makes_up(self.optimiser).then_some(self.decays)
    }

    /// The first half of a batch, `given` as the epoch has it. `movie_gradients` is the thread's
    /// own, for a group.
    fn compute(
        &self,
        index: usize,
        thread: usize,
        given: &[Sample],
        step: Step,
        scratch: &mut Scratch,
        movie_gradients: Numbers,
    ) {
        let raw = &self.raw;
        let Network { shape, .. } = raw.network;
        let width = shape.movie_width;
        let batch = whole(raw.batches[index % 2].read());
        while let Some(shard) = self.shards.take(thread) {
            let sums = raw.movie_sums.shard(shard, width);
            sums.clear(batch.given()[shard + 1], width, shape.biases);
            let outputs = Outputs {
                user: raw.user_gradients,
                movie: movie_gradients,
                slope: raw.slopes,
                dense: raw.dense_sums.add(shard * raw.dense.length),
            };
            outputs.dense.clear(raw.dense.length);
            let of = Shard {
                samples: batch.samples(given),
                slots: batch.slots(),
                outputs,
                sums,
                decays: self.decays(),
                step,
                only: None,
            };
            let range = batch.shard(shard);
            let errors = self.kernels.shard(&raw.network, &of, range, scratch);
            *whole(raw.errors[shard].lock()) = errors;
        }
    }

    /// Does a piece of what prepares the `index`-th batch, unless somebody else is at it, and returns
    /// whether more is left to do.
    fn prepare_some(&self, index: usize, samples: &[Sample]) -> bool {
        let raw = &self.raw;
        let Ok(mut places) = raw.places.try_lock() else {
            return false;
        };
        whole(raw.batches[index % 2].write()).go_on(samples, &mut places)
    }

    /// Does what is left of it.
    fn prepare_all(&self, index: usize, samples: &[Sample]) {
        let raw = &self.raw;
        // Who has the places may have lost its core: waiting asleep offers it this one.
        let mut places = whole(raw.places.lock());
        let mut batch = whole(raw.batches[index % 2].write());
        while batch.go_on(samples, &mut places) {}
    }

    /// The second half of a batch, and the slots of the next.
    fn step(&self, index: usize, thread: usize, next: &[Sample], [dense_step, step]: [Step; 2]) {
        let raw = &self.raw;
        let tables = [&raw.network.users, &raw.network.movies];
        let biased = raw.network.shape.biases;
        let decays = self.decays();
        let batch = whole(raw.batches[index % 2].read());
        let movies = Movies {
            rows: batch.movies(),
            counts: batch.counts(),
            sums: raw.movie_sums,
            given: batch.given(),
            biased,
        };
        // The longest task first, so that it doesn't end alone. The last slots are the last
        // shard's alone, and so mostly in the cache of the thread that takes them.
        while let Some(task) = self.runs.take(thread) {
            match task {
                0 => self.prepare_all(index + 1, next),
                1 => {
                    let (sums, stride) = (raw.dense_sums, raw.dense.length);
                    let shards = batch.given().len() - 1;
                    let kernels = &self.kernels;
                    kernels.update_dense(&raw.dense, sums, stride, shards, dense_step);
                }
                run => {
                    let start = (run - 2) * RUN;
                    let range = start..(start + RUN).min(movies.rows.len());
                    self.kernels
                        .update_movies(tables[1], movies, range, decays, step);
                }
            }
        }
        if self.optimiser != Optimiser::Dense {
            return;
        }
        // Touched rows carry the step's number now; the others drift.
        self.gate.pass(|| ());
        let runs = raw.rows.map(|rows| rows.div_ceil(RUN));
        loop {
            let (side, run) = match self.drifts.fetch_add(1, Ordering::Relaxed) {
                run if run < runs[0] => (0, run),
                run if run < runs[0] + runs[1] => (1, run - runs[0]),
                _ => break,
            };
            let range = run * RUN..((run + 1) * RUN).min(raw.rows[side]);
            self.kernels.drift_rows(tables[side], biased, range, step);
        }
    }

    /// Asks for the rows of the samples that the thread will begin the next batch with.
    fn look_ahead(&self, thread: usize, next: &[Sample]) {
        let raw = &self.raw;
        let shards = shard_count(next.len());
        let start = next.len() * self.shards.of(thread, shards).start / shards;
        let end = next.len().min(start + BLOCK);
        ahead::ask_for(&raw.network, &next[start..end]);
    }
}

#[cfg(test)]
#[path = "fast_tests.rs"]
mod tests;
