//! Core's work in regions that `cargo xtask bench device` counts in an emulator: marks, names and stack use.
//!
//! Only for emulators: what it prints goes through semihosting, which faults on a board without a debugger.
#![no_std]
#![no_main]
#![deny(clippy::undocumented_unsafe_blocks, clippy::missing_safety_doc)]

// The firmware's, since it is part of what core's work costs there.
#[path = "../../firmware/src/arm/memory.rs"]
mod memory;
mod semihosting;
mod service;
mod stack;

use core::fmt::Write;
use core::hint::black_box;
use core::panic::PanicInfo;
use pocketrec::ids::{MovieId, UserId};
use pocketrec::kernels::Kernel;
use pocketrec::learn::{FoldIn, StepOptions, step};
use pocketrec::model::interest::Interest;
use pocketrec::model::{Model, Opening, UserState};
use pocketrec::profile::{Private, Rating};
use pocketrec::rank::{Nearest, TopN};
use semihosting::Console;

/// Bytes that start at an address divisible by 4.
#[repr(align(4))]
struct Aligned<T: ?Sized>(T);

/// Images, each once however many places measure with it, where `bench.x` has room for them.
macro_rules! images {
    ($($image:ident $name:literal,)*) => {
        mod images {
            use super::Aligned;

            $(
                pub static $image: &[u8] = {
                    const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".image"));
                    #[unsafe(link_section = ".images")]
                    static IMAGE: Aligned<[u8; BYTES.len()]> =
                        Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".image")));
                    &IMAGE.0
                };
            )*
        }
    };
}

images! {
    LESSON_I16 "lesson_i16",
    LESSON_I8 "lesson_i8",
    LESSON_HALF "lesson_half",
    OTHER_I16 "other_i16",
    MF "mf",
    MF_I8 "mf_i8",
    DIM4 "dim4",
    DIM16 "dim16",
    DIM32 "dim32",
    OTHER "other",
    LESSON "lesson",
    LISTS "lists",
    LISTS_I8 "lists_i8",
    LISTS_CODES "lists_codes",
    LESSON_CODES "lesson_codes",
    FEW_CODES "few_codes",
}

/// Rows that are compared with the plain form; one where floating point is software.
const CHECKED: usize = if cfg!(target_abi = "eabihf") { 12 } else { 1 };

/// The start of a region: the counting tool looks for this address.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn bench_begin() {
    semihosting::one_nop();
}

/// The end of a region.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn bench_end() {
    semihosting::two_nops();
}

/// Measures `work`, which does `units` of something.
#[inline(always)]
fn region<T>(name: &str, units: u32, work: impl FnOnce() -> T) -> T {
    stack::paint();
    bench_begin();
    let result = black_box(apart(work));
    bench_end();
    let stack = stack::used();
    let _ = writeln!(Console, "region {name} {units} {stack}");
    result
}

/// Calls `work` in a stack frame of its own, so that what it uses shows.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cortex_m_rt::entry]
fn main() -> ! {
    region("empty", 1, || ());
    let software = !cfg!(target_abi = "eabihf");
    lesson(software);
    integers("i16", images::LESSON_I16);
    integers("i8", images::LESSON_I8);
    integers("half", images::LESSON_HALF);
    shape("other_i16", images::OTHER_I16);
    shape("mf", images::MF);
    shape("mf_i8", images::MF_I8);
    learning();
    lists();
    few_codes();
    service::polls("poll_i8", open(images::LISTS_I8), 160);
    service::polls("poll_codes", open(images::LISTS_CODES), 400);
    service::answer(open(images::LISTS));
    if !software {
        for (name, bytes) in [
            ("dim4", images::DIM4),
            ("dim16", images::DIM16),
            ("dim32", images::DIM32),
            ("other", images::OTHER),
        ] {
            shape(name, bytes);
        }
    }
    opening("", images::LESSON);
    opening("_half", images::LESSON_HALF);
    opening("_lists", images::LISTS);
    semihosting::exit(true)
}

fn open(bytes: &'static [u8]) -> Model<'static> {
    match Model::open(black_box(bytes)) {
        Ok(model) => model,
        Err(error) => {
            let _ = writeln!(Console, "{error}");
            semihosting::exit(false)
        }
    }
}

/// What opening takes, a byte of the image, at one go and in slices of 20,000 cycles.
fn opening(name: &str, bytes: &'static [u8]) {
    let mut names = [const { Name::new() }; 2];
    let [whole, slices] = &mut names;
    let _ = write!(whole, "open{name}");
    let _ = write!(slices, "open_slices{name}");
    let count = bytes.len() as u32;
    region(whole.as_str(), count, || {
        black_box(&Model::open(black_box(bytes)));
    });
    region(slices.as_str(), count, || {
        let mut opening = Opening::new(black_box(bytes));
        while opening.go_on(20_000).is_none() {}
    });
}

/// Tells the task runner which kernel core chose for the work of a region: it looks whether that was executed there.
fn expect(name: &str, kernel: Kernel) {
    if let Some(symbol) = kernel.symbol() {
        let _ = writeln!(Console, "expect {name} {symbol}");
    }
}

/// Everything a device does, with the lesson's model.
#[inline(never)]
fn lesson(software: bool) {
    let model = open(images::LESSON);
    let movies = model.movies();
    let kernels = model.kernels();
    for (work, kernel) in [
        ("predict", kernels.predict),
        ("predict_rows", kernels.predict),
        ("rank", kernels.rank),
        ("similar", kernels.similar),
        ("step", kernels.gradient),
        ("fold_in", kernels.gradient),
    ] {
        expect(work, kernel);
    }
    let _ = region("predict", 1, || {
        model.predict(black_box(UserId(2)), black_box(MovieId(301)))
    });
    region("predict_rows", 1, || {
        model.predict_rows(black_box(1), black_box(100))
    });
    let user = region("user_state", 1, || model.user(black_box(UserId(3))));
    let Ok(user) = user else {
        semihosting::exit(false)
    };
    let _ = region("predict_for", 1, || {
        model.predict_for(&user, black_box(MovieId(301)))
    });
    // In software floating point a movie takes so long that a few must do.
    let ranked = if software { 16 } else { movies };
    region("rank", ranked, || ranking(&model, &user, ranked));
    check(&model, &user, ranked);
    region("similar", ranked, || {
        let mut nearest = Nearest::<10>::with_limit(10, &model, 5);
        nearest.advance(&model, ranked);
        nearest
    });
    let mut private = Private::mean(&model);
    region("step", 1, || {
        step(
            &model,
            &mut private,
            black_box(7),
            4.5,
            StepOptions::DEFAULT,
        )
    });
    let ratings = if software { 2 } else { 20 };
    let log = Ratings::new(&model, ratings);
    region("fold_in", ratings, || log.fold(&model, ratings));
    if !software {
        // What is left to do once a rating of these 20 is gone.
        region("forget", 1, || log.fold(&model, ratings - 1));
    }
    step(&model, &mut private, 9, 1.5, StepOptions::DEFAULT);
    step(&model, &mut private, 12, 5.0, StepOptions::DEFAULT);
    let log = Ratings::new(&model, 1);
    region("fold_in_1", 1, || log.fold(&model, 1));
    let _ = writeln!(Console, "bits f16 {:08x}", fingerprint(&model, &user));
    let _ = writeln!(Console, "bits step {:08x}", mix(&private.row));
}

/// A ranking of the first `movies`. It is large, so it isn't handed on.
fn ranking(model: &Model<'_>, user: &UserState, movies: u32) {
    let mut top = TopN::<10>::new();
    top.advance(model, user, |_| true, movies);
    black_box(&top);
}

/// Ratings of the first movies, as a profile holds them.
struct Ratings([Rating; 20]);

impl Ratings {
    fn new(model: &Model<'_>, count: u32) -> Self {
        let mut ratings = [Rating::from_words(0, 0); 20];
        for (rating, row) in ratings.iter_mut().zip(0..count) {
            let movie = model.movie_ids().id(row).unwrap_or_default();
            let stars = 2.0 + (row % 5) as f32 / 2.0;
            *rating = Rating::new(MovieId(movie), stars, row).unwrap_or(*rating);
        }
        Self(ratings)
    }

    /// A fold-in of the first `count`.
    fn fold(&self, model: &Model<'_>, count: u32) -> Private {
        let log = self.0.get(..count as usize).unwrap_or_default();
        let mut fold = FoldIn::new(model);
        while !fold.advance(model, log, u32::MAX).is_done() {}
        fold.private()
    }
}

/// What learning takes with a model without an MLP, the default.
#[inline(never)]
fn learning() {
    let model = open(images::MF);
    let ratings = 20;
    let log = Ratings::new(&model, ratings);
    let learned = region("fold_in_mf", ratings, || log.fold(&model, ratings));
    // What is left to do once a rating of these 20 is gone.
    region("forget_mf", 1, || log.fold(&model, ratings - 1));
    let _ = writeln!(Console, "bits fold_in_mf {:08x}", mix(&learned.row));
}

/// What ranking takes with the lesson's model in integers.
#[inline(never)]
fn integers(name: &str, bytes: &'static [u8]) {
    let model = open(bytes);
    let user = model.user(black_box(UserId(3)));
    let Ok(user) = user else {
        semihosting::exit(false)
    };
    let movies = model.movies();
    let mut names = Name::new();
    let _ = write!(names, "rank_{name}");
    expect(names.as_str(), model.kernels().rank);
    region(names.as_str(), movies, || ranking(&model, &user, movies));
    names = Name::new();
    let _ = write!(names, "predict_{name}");
    expect(names.as_str(), model.kernels().predict);
    let _ = region(names.as_str(), 1, || {
        model.predict(black_box(UserId(2)), black_box(MovieId(301)))
    });
    check(&model, &user, movies);
    names = Name::new();
    let _ = write!(names, "step_{name}");
    expect(names.as_str(), model.kernels().gradient);
    let mut private = Private::mean(&model);
    region(names.as_str(), 1, || {
        step(
            &model,
            &mut private,
            black_box(7),
            4.5,
            StepOptions::DEFAULT,
        )
    });
    let ratings = if cfg!(target_abi = "eabihf") { 20 } else { 2 };
    let log = Ratings::new(&model, ratings);
    names = Name::new();
    let _ = write!(names, "fold_in_{name}");
    region(names.as_str(), ratings, || log.fold(&model, ratings));
    names = Name::new();
    let _ = write!(names, "fold_in_1_{name}");
    let learned = region(names.as_str(), 1, || log.fold(&model, 1));
    let _ = writeln!(Console, "bits fold_in_1_{name} {:08x}", mix(&learned.row));
    let _ = writeln!(Console, "bits step_{name} {:08x}", mix(&private.row));
    let _ = writeln!(Console, "bits {name} {:08x}", fingerprint(&model, &user));
}

/// What lists take of models without an MLP, in half precision and in bytes.
fn lists() {
    let interest = interest(&open(images::LISTS));
    list("", images::LISTS, &interest);
    list("_i8", images::LISTS_I8, &interest);
    kin(&open(images::LISTS));
    codes(images::LISTS_CODES, &interest);
    codes_mlp(images::LESSON_CODES);
}

/// The movies that belong together with one, in integers on every core.
fn kin(model: &Model<'_>) {
    let movies = model.movies();
    region("similar_kin", movies, || {
        let mut nearest = Nearest::<10>::with_limit(10, model, black_box(5));
        nearest.advance(model, movies);
        nearest
    });
}

/// What an owner looks for.
#[inline(never)]
fn interest(model: &Model<'_>) -> Interest {
    let log = Ratings::new(model, 20);
    region("interest", 1, || {
        model.interest_of_ratings(black_box(&log.0), black_box(model.scale().mean))
    })
}

/// Movies at the beginning of a list, of which many enter: about one in six, and later one in fifty.
const FIRST: u32 = 256;

/// A prediction, a step, a fold-in of a rating, and a ranking without an owner's interest and with it.
#[inline(never)]
fn list(tables: &str, bytes: &'static [u8], interest: &Interest) {
    let model = open(bytes);
    let mut names = [const { Name::new() }; 9];
    let works = [
        "predict_mf",
        "predict_for_mf",
        "step_mf",
        "fold_in_1_mf",
        "list_first",
        "list",
        "list_interest_first",
        "list_interest",
        "bits interest",
    ];
    for (name, work) in names.iter_mut().zip(works) {
        let _ = write!(name, "{work}{tables}");
    }
    let [predict, predict_for, step_name, fold_in, lists @ .., bits] = &names;
    let _ = region(predict.as_str(), 1, || {
        model.predict(black_box(UserId(2)), black_box(MovieId(301)))
    });
    let user = model.mean_user();
    let _ = region(predict_for.as_str(), 1, || {
        model.predict_for(&user, black_box(MovieId(301)))
    });
    let mut private = Private::mean(&model);
    let options = StepOptions::DEFAULT;
    region(step_name.as_str(), 1, || {
        step(&model, &mut private, black_box(7), 4.5, options)
    });
    let log = Ratings::new(&model, 1);
    region(fold_in.as_str(), 1, || log.fold(&model, 1));
    let left = model.movies() - FIRST;
    let mut top = TopN::<10>::new();
    for (at, name) in lists.iter().enumerate() {
        if at == 2 {
            top = TopN::<10>::new().with_interest(interest.clone());
        }
        let movies = if at % 2 == 0 { FIRST } else { left };
        expect(name.as_str(), model.kernels().rank);
        region(name.as_str(), movies, || {
            top.advance(&model, &user, |_| true, movies)
        });
    }
    let mut scores = [0.0; 10];
    for (score, hit) in scores.iter_mut().zip(top.hits()) {
        *score = hit.score;
    }
    let _ = writeln!(Console, "{} {:08x}", bits.as_str(), mix(&scores));
}

/// What lists take where movies are sums of codewords, whose rows have 24 dimensions: the table of a user's terms, then
/// a movie; and a prediction.
#[inline(never)]
fn codes(bytes: &'static [u8], interest: &Interest) {
    let model = open(bytes);
    let _ = region("predict_codes", 1, || {
        model.predict(black_box(UserId(2)), black_box(MovieId(301)))
    });
    let user = model.mean_user();
    let _ = region("predict_for_codes", 1, || {
        model.predict_for(&user, black_box(MovieId(301)))
    });
    let left = model.movies() - 1;
    expect("list_codes", model.kernels().rank);
    expect("list_interest_codes", Kernel::CodeGate);
    let mut top = TopN::<10>::new();
    region("table_codes", 1, || top.advance(&model, &user, |_| true, 1));
    region("list_codes", left, || {
        top.advance(&model, &user, |_| true, left)
    });
    let mut top = TopN::<10>::new().with_interest(interest.clone());
    region("table_interest_codes", 1, || {
        top.advance(&model, &user, |_| true, 1)
    });
    region("list_interest_codes", left, || {
        top.advance(&model, &user, |_| true, left)
    });
    let mut scores = [0.0; 10];
    for (score, hit) in scores.iter_mut().zip(top.hits()) {
        *score = hit.score;
    }
    let _ = writeln!(Console, "bits interest_codes {:08x}", mix(&scores));
    let _ = writeln!(Console, "bits codes {:08x}", fingerprint(&model, &user));
}

/// Ends the run unless a list, by the table of a user's terms, is of the movies whose own scores are highest, to the bit, where a
/// codeword has an odd number of words.
#[inline(never)]
fn few_codes() {
    let model = open(images::FEW_CODES);
    let user = model.mean_user();
    let mut top = TopN::<10>::new();
    top.advance(&model, &user, |_| true, u32::MAX);
    let score = |row| {
        let mut score = [0.0];
        model.score_rows(&user, row, &mut score);
        score[0]
    };
    let rows = || 0..model.movies();
    let mut last = f32::INFINITY;
    let same = top.hits().iter().all(|hit| {
        let before = core::mem::replace(&mut last, hit.score);
        let movie = |row: &u32| model.movie_ids().id(*row) == Some(hit.movie.0);
        let own = rows().find(movie).map(score);
        own.map(f32::to_bits) == Some(hit.score.to_bits()) && hit.score <= before
    });
    let above = rows().filter(|row| score(*row) > last).count();
    if !same || top.hits().len() != 10 || above >= 10 {
        let _ = writeln!(Console, "the list by codewords isn't that of single scores");
        semihosting::exit(false);
    }
}

/// The same where they go into the lesson's MLP: what bounds the score of each codeword, then a movie; scores of movies that
/// nothing is left out of; and a prediction.
#[inline(never)]
fn codes_mlp(bytes: &'static [u8]) {
    let model = open(bytes);
    expect("predict_codes_mlp", model.kernels().predict);
    let _ = region("predict_codes_mlp", 1, || {
        model.predict(black_box(UserId(2)), black_box(MovieId(301)))
    });
    let user = model.mean_user();
    let _ = region("predict_for_codes_mlp", 1, || {
        model.predict_for(&user, black_box(MovieId(301)))
    });
    let left = model.movies() - 1;
    expect("list_codes_mlp", model.kernels().rank);
    expect("score_codes_mlp", model.kernels().predict);
    let mut top = TopN::<10>::new();
    region("table_codes_mlp", 1, || {
        top.advance(&model, &user, |_| true, 1)
    });
    region("list_codes_mlp", left, || {
        while !top.advance(&model, &user, |_| true, left).is_done() {}
    });
    let movies = 64;
    expect("score_codes_mlp", model.kernels().predict);
    region("score_codes_mlp", movies, || {
        let mut scores = [0.0; 16];
        for first in (0..movies).step_by(scores.len()) {
            model.score_rows(&user, first, &mut scores);
            black_box(&scores);
        }
    });
    check(&model, &user, movies);
    let mut scores = [0.0; 10];
    for (score, hit) in scores.iter_mut().zip(top.hits()) {
        *score = hit.score;
    }
    let _ = writeln!(Console, "bits list_codes_mlp {:08x}", mix(&scores));
    let _ = writeln!(Console, "bits codes_mlp {:08x}", fingerprint(&model, &user));
}

/// A number that changes with any bit of the first scores: the same on every core.
fn fingerprint(model: &Model<'_>, user: &UserState) -> u32 {
    let mut scores = [0.0; 16];
    model.score_rows(user, 0, &mut scores);
    mix(&scores)
}

/// A number that changes with any bit of `numbers`.
fn mix(numbers: &[f32]) -> u32 {
    numbers.iter().fold(0, |sum: u32, number| {
        sum.rotate_left(5).wrapping_mul(0x9e37_79b1) ^ number.to_bits()
    })
}

/// A short text.
struct Name {
    bytes: [u8; 24],
    length: usize,
}

impl Name {
    const fn new() -> Self {
        Self {
            bytes: [0; 24],
            length: 0,
        }
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Name {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            *self.bytes.get_mut(self.length).ok_or(core::fmt::Error)? = byte;
            self.length += 1;
        }
        Ok(())
    }
}

/// A ranking with a model of another shape.
#[inline(never)]
fn shape(name: &str, bytes: &'static [u8]) {
    let model = open(bytes);
    let user = model.mean_user();
    let movies = 64;
    expect(name, model.kernels().rank);
    region(name, movies, || {
        let mut scores = [0.0; 16];
        for first in (0..movies).step_by(scores.len()) {
            model.score_rows(&user, first, &mut scores);
            black_box(&scores);
        }
    });
    check(&model, &user, movies);
    let _ = writeln!(Console, "bits {name} {:08x}", fingerprint(&model, &user));
}

/// Ends the run unless the fast kernels give the bits of the plain form.
fn check(model: &Model<'_>, user: &UserState, movies: u32) {
    let parts = model.parts();
    // Few: the emulator writes down each instruction. From odd rows too, so that pairs and single movies take
    // turns.
    let same = (0..movies).take(CHECKED).all(|row| {
        let mut scores = [0.0; 5];
        model.score_rows(user, row, &mut scores);
        (row..model.movies()).zip(scores).all(|(row, score)| {
            let plain = model.explain(user, row);
            let mut sum = plain.base;
            if parts.biases {
                sum += plain.movie_bias;
            }
            if parts.dot {
                sum += plain.dot;
            }
            if parts.mlp {
                sum += plain.mlp;
            }
            score.to_bits() == sum.to_bits()
        })
    });
    let same = same
        && model.predict(UserId(2), MovieId(301))
            == model
                .user(UserId(2))
                .and_then(|user| model.predict_for(&user, MovieId(301)));
    let vector = model.movie_vector(3);
    let mut cosines = [0.0; CHECKED];
    model.similarity_rows(&vector, 1, &mut cosines);
    let alike = (1..)
        .zip(cosines)
        .all(|(row, cosine)| model.similarity_to(&vector, row).to_bits() == cosine.to_bits());
    if !same || !alike {
        let _ = writeln!(Console, "a kernel and its plain form differ");
        semihosting::exit(false)
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let _ = writeln!(Console, "{info}");
    semihosting::exit(false)
}
