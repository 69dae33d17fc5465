//! Calls every public function of core with inputs that the compiler knows nothing about, so that `cargo xtask
//! no-panic` can show that none of them brings a symbol of `core::panicking` into a firmware. Never run.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;
use firmware::flash::{Controller, Region};
use pocketrec::grow::AddedMovies;
use pocketrec::ids::{BLOCK_WORDS, IdIndex};
use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::ImageError;
use pocketrec::image::{Element, Image, TableKind};
use pocketrec::kernels::{Costs, Kernels, Machine, Precision, Shape};
use pocketrec::learn::suggest::Suggest;
use pocketrec::learn::why::Influence;
use pocketrec::learn::{self, MAX_LEARNED};
use pocketrec::list::List;
use pocketrec::mlp::{Activations, Mlp};
use pocketrec::model::entry::Movie;
use pocketrec::model::interest::{Interest, least_liked};
use pocketrec::model::{Model, Opening, Parts, Wanted};
use pocketrec::numeric::activation::{Activation, relu};
use pocketrec::numeric::crc32::{Crc32, crc32};
use pocketrec::numeric::dot::{dot, dot_from};
use pocketrec::numeric::{clamp, f16, magnitude, square_root};
use pocketrec::profile::{Log, Private, Profile, Rating};
use pocketrec::rank::{Agreement, Nearest, Order, TopForTwo, TopN};
use pocketrec::service::{Board, Port, Service};
use pocketrec::store::deferred::{Deferred, Step};
use pocketrec::store::flash::{FlashLog, least_region};
use pocketrec::store::{Change, Record, Store, StoreError};
use pocketrec::table::{EmbeddingTable, Values};
use pocketrec::wire::{
    Capabilities, Entry, FrameReader, LinkCounters, MAX_FRAME, NoModel, Refusal, Reply, Request,
    Reset, encode_frame,
};
use pocketrec::{MAX_DIM, MAX_LAYERS, MAX_UNITS};

/// Evaluates calls, their inputs unknown and their results used.
macro_rules! calls {
    ($($call:expr;)*) => { $(let _ = black_box($call);)* };
}

#[cfg(target_arch = "arm")]
#[cortex_m_rt::entry]
fn main() -> ! {
    everything()
}

/// What a RISC-V's entry calls, and its traps.
#[cfg(target_arch = "riscv32")]
#[unsafe(no_mangle)]
extern "C" fn pocketrec_main() -> ! {
    everything()
}

#[cfg(target_arch = "riscv32")]
#[unsafe(no_mangle)]
extern "C" fn pocketrec_trap(_cause: usize, _address: usize) {}

fn everything() -> ! {
    #[cfg(feature = "planted-panic")]
    black_box(black_box(&[1_u8, 2, 3][..])[black_box(5)]);
    let bytes = black_box(&[0_u8; 64][..]);
    numbers();
    lists();
    choices();
    images(bytes);
    let mut opening = Opening::new(bytes);
    while opening.go_on(word()).is_none() {}
    if let Ok(model) = Model::open(bytes) {
        models(&model);
        if let Some(mlp) = model.mlp() {
            mlps(mlp);
        }
        learning(&model);
        rankings(&model);
        growing(&model);
    }
    wires();
    services(bytes);
    #[cfg(feature = "queue")]
    queues();
    loop {}
}

fn word() -> u32 {
    black_box(7)
}

fn size() -> usize {
    black_box(7)
}

fn float() -> f32 {
    black_box(7.0)
}

fn floats() -> &'static [f32] {
    black_box(&[1.0; 9])
}

fn numbers() {
    let mut crc = black_box(Crc32::new());
    crc.update(black_box(&[1, 2, 3]));
    calls! {
        crc.finish();
        crc32(black_box(&[1, 2, 3]));
        dot(floats(), floats());
        dot_from(float(), floats(), floats());
        square_root(float());
        clamp(float(), float(), float());
        magnitude(float());
        relu(float());
        f16::widen(word() as u16);
        Activation::from_code(word() as u8).map(|activation| (activation.code(), activation.apply(float())));
    }
}

fn lists() {
    let mut list = black_box(List::<u32, 5>::new());
    list.retain(|number| black_box(*number) != 7);
    calls! {
        list.push(word());
        list.is_full();
        list.pop();
        list.iter().last();
        list.clear();
        List::<u32, 5>::of(word());
    }
}

fn choices() {
    let shape = black_box(Shape {
        movies: Precision::I8,
        movie_bias: None,
        movie_dim: size(),
        user_dim: size(),
        dot: true,
        units: &[32, 4, 1],
        relu: true,
        stored: true,
        codes: false,
    });
    let kernels = Kernels::of(&shape, black_box(Machine::HERE));
    calls! {
        shape.movies.is_integer();
        shape.has_lessons_network();
        shape.is_lessons();
        kernels.rank.is_general();
        kernels.rank.symbol();
        Costs::of(&shape, black_box(Machine::HERE));
        Costs::slice(word(), word());
    }
}

fn images(bytes: &'static [u8]) {
    if let Ok(image) = Image::parse(bytes) {
        calls! {
            image.bytes();
            image.tables().last();
        }
    }
    if let Some(kind) = TableKind::from_number(word() as u16) {
        calls! {
            kind.number();
            kind.name();
        }
    }
    if let Some(element) = Element::from_code(word() as u8) {
        calls! {
            element.code();
            element.size();
            element.name();
            element.precision();
        }
    }
    let indexes = [
        IdIndex::range(word(), word()),
        IdIndex::bitmap(black_box(&[[1; BLOCK_WORDS]; 2])),
        IdIndex::sorted(black_box(&[1, 2, 3])),
        IdIndex::elias_fano(black_box(&[1; 20])),
    ];
    for index in black_box(indexes).into_iter().flatten() {
        calls! {
            index.len();
            index.row(word());
            index.id(word());
            index.form();
        }
    }
    let tables = [
        Values::F16(black_box(&[1; 9])),
        Values::F32(floats()),
        Values::I16(black_box(&[1; 9])),
    ];
    for values in tables {
        let table = EmbeddingTable::new(black_box(values), size()).with_scale(float());
        let mut row = black_box([0.0; 9]);
        table.read(size(), &mut row);
        calls! {
            row;
            table.columns();
            table.values();
            table.first(size());
            table.codes();
            values.precision();
        }
    }
    if let Some(error) = ImageError::from_numbers(word() as u8, word(), word()) {
        calls! {
            error.to_numbers();
            NoModel::from(error);
        }
    }
}

fn models(model: &Model<'_>) {
    let user = model.user_state(floats(), float());
    let vector = model.movie_vector(word());
    let mut scores = black_box([0.0; 20]);
    model.score_rows(&user, word(), &mut scores);
    model.similarity_rows(&vector, word(), &mut scores);
    calls! {
        scores;
        model.header();
        model.scale().clamp(float());
        model.scale().contains(float());
        model.parts().bits();
        model.parts().name();
        Parts::from_bits(word() as u8);
        model.movie_ids();
        model.user_ids();
        model.movie_table();
        model.user_table();
        model.user_spread();
        model.kernels();
        model.costs().with_kin().with_interest();
        model.movie_id(word());
        model.movies();
        model.users();
        model.user_dim();
        model.movie_dim();
        model.confidence(word());
        model.has_confidence();
        model.validation();
        model.has_seen();
        model.seen(UserId(word())).map(|seen| seen.contains(MovieId(word())));
        model.stores_halves();
        model.confidence_stars(word());
        model.has_interest();
        least_liked(float(), (float(), float()));
        model.interest_of_user(UserId(word()));
        model.interest_stars(&black_box(Interest::NONE), word());
        black_box(Interest::NONE).any();
        model.predict_rows(word(), word());
        model.movie_row(MovieId(word()));
        model.user(UserId(word()));
        model.user_row(UserId(word()));
        model.mean_row();
        model.mean_user().row();
        model.predict(UserId(word()), MovieId(word()));
        model.predict_for(&user, MovieId(word()));
        model.score(&user, word());
        model.explain(&user, word());
        model.similarity(word(), word());
        model.similarity_to(&vector, word());
        model.has_kin();
        model.has_odds();
        model.deviation(float());
        model.deviation_of_user(UserId(word()));
        model.interval(&user, word(), float());
        black_box(model.kin_terms(word()));
        model.kinship(word(), word());
    }
}

fn mlps(mlp: &Mlp<'_>) {
    let mut half = black_box([0.0; MAX_UNITS]);
    let mut kept: Activations = black_box([[0.0; MAX_UNITS]; MAX_LAYERS]);
    let mut gradient = black_box([0.0; MAX_DIM]);
    mlp.user_half(floats(), &mut half);
    calls! {
        mlp.layers();
        mlp.units();
        mlp.later().iter().map(|layer| layer.units()).last();
        mlp.forward(&half, floats());
        mlp.forward_keeping(&half, floats(), &mut kept);
    }
    mlp.backward_user(&kept, float(), &mut gradient[..size().min(MAX_DIM)]);
    let mut deltas = black_box(kept);
    mlp.backward_keeping(&kept, &mut deltas);
    mlp.backward_to_user(&deltas[0], &mut gradient);
    black_box(gradient);
}

fn learning(model: &Model<'_>) {
    let mut private = black_box(Private::mean(model));
    let user = private.state(model);
    let mut profile = black_box(Profile::<16>::new(black_box(Some(model))));
    calls! {
        learn::step(model, &mut private, word(), float(), black_box(learn::StepOptions::default()));
        learn::gradient(model, &user, word());
        profile.private();
        profile.unused(model);
        profile.learn(model);
        profile.set_private(black_box(private));
        logs(profile.log_mut());
        profile.log();
    }
    if let Some(rating) = Rating::new(MovieId(word()), float(), word()) {
        calls! {
            rating.movie();
            rating.tag();
            rating.stars();
            rating.sequence();
            rating.row(model);
        }
    }
    let mut fold = black_box(learn::FoldIn::new(model));
    calls! {
        fold.advance(model, profile.log().ratings(), word());
        fold.private();
        fold.deviation(model, word());
        fold.total(model, profile.log().ratings());
        fold.belief().variance(black_box(&[1.0; MAX_LEARNED]));
        fold.belief().times(black_box(&[1.0; MAX_LEARNED]));
        learn::Belief::prior(model);
        Influence::on(model, &fold, word()).of(model, &fold, Rating::from_words(word(), word()));
    }
    let mut suggest = Suggest::<10>::with_limit(size());
    calls! {
        suggest.advance(model, &fold, |movie| black_box(movie) != MovieId(7), word());
        suggest.hits();
    }
}

fn logs(log: &mut Log<16>) {
    let rating = Rating::from_words(word(), word());
    calls! {
        Log::<16>::new();
        log.ratings();
        log.undoable();
        log.get(MovieId(word()));
        log.next_sequence();
        log.check(MovieId(word()));
        log.rate(rating);
        log.last();
        log.undo();
        log.forget(MovieId(word()));
        log.restore(rating);
        log.knows(MovieId(word()));
        log.changes().last();
        log.apply(black_box(Change::Forgot(MovieId(word()))));
    }
    if let Ok(undo) = log.last() {
        log.remember(undo);
    }
}

fn rankings(model: &Model<'_>) {
    let mut top = TopN::<10>::with_limit(size())
        .with_fame(float())
        .with_order(black_box(Order::Taste))
        .with_below_mean()
        .with_wanted(black_box(Wanted::ANY))
        .with_interest(model.interest_of_ratings(black_box(&[]), float()));
    black_box(Nearest::<10>::by_taste(size(), model, word()));
    let mut nearest = Nearest::<10>::with_limit(size(), model, word());
    let interests = [(); 2].map(|()| model.interest_of_ratings(black_box(&[]), float()));
    let mut two = TopForTwo::<10>::with_limit(size(), black_box(Agreement::Mean), interests)
        .with_order(black_box(Order::Surprise))
        .with_below_mean()
        .with_wanted(black_box(Wanted::ANY));
    let users = [(); 2].map(|()| model.mean_user());
    let [one, other] = &users;
    calls! {
        two.advance(model, [one, other], |movie| black_box(movie) != MovieId(7), word()).is_done();
        two.hits();
        one.mean();
        model.has_facets();
        model.genre_names();
        model.facets(word());
        model.is_wanted(word(), &black_box(Wanted::ANY));
        Wanted::ANY.has(word(), black_box(None));
        TopN::<10>::new();
        top.advance(model, &model.mean_user(), |movie| black_box(movie) != MovieId(7), word()).is_done();
        top.hits();
        nearest.advance(model, word());
        nearest.hits();
    }
}

fn growing(model: &Model<'_>) {
    let mut added = AddedMovies::of(black_box(Some(model)));
    let entry = black_box(Entry::new());
    let movie = black_box(Movie {
        id: MovieId(word()),
        row: &[],
        bias: &[],
        codes: &[],
        multiplier: 0,
        kin: [0; 8],
        confidence: 0,
        set: 0,
        year: 0,
    });
    calls! {
        movie.entry(model);
        model.entry(word());
        model.largest();
        model.movie_biases().is_some();
        model.facet_of(word(), black_box(Some(word() as u16)));
        model.genres_of_set(word() as u16);
        added.check(model, &entry);
        added.add(model, &entry);
        added.remove(MovieId(word()));
        added.len();
        added.is_empty();
        added.room();
        added.dropped();
        added.entry(size());
        added.id(size());
        added.has(&entry);
    }
    let tables = added.tables(model);
    let part = tables.part(model);
    let model = &model.with_more(part.as_ref());
    models(model);
    learning(model);
    rankings(model);
}

fn wires() {
    let mut reader = black_box(FrameReader::new());
    calls! {
        reader.push(word() as u8);
        Capabilities(word()).has(word());
    }
    let mut frame = [0; MAX_FRAME];
    for reply in [Reply::Stars(float()), Reply::Refused(Refusal::Busy)] {
        calls! {
            encode_frame(word() as u8, word(), &black_box(reply), &mut frame);
        }
    }
    calls! {
        encode_frame(word() as u8, word(), &black_box(Request::Hello), &mut frame);
        frame;
    }
}

fn services(bytes: &'static [u8]) {
    let board = Board {
        name: "no-panic",
        firmware: [0; 3],
        capabilities: Capabilities(word()),
        image_region: word(),
        reset: black_box(Reset::Power),
        at: word(),
        crashes: word(),
        poll_cycles: word(),
    };
    calls! {
        least_region(word(), word(), size());
        FlashLog::open(region::<4>(), size()).into_inner();
        Service::<2>::new(Model::open(bytes), black_box(board)).model();
    }
    let store = FlashLog::open(region::<4>(), size());
    let model = Model::open(bytes);
    serve(&mut Service::<2, 16, _>::with_store(
        model,
        black_box(board),
        store,
    ));
    let store = FlashLog::open(region::<8>(), size());
    let mut place = core::mem::MaybeUninit::uninit();
    let service = Service::<1, 64, _>::before_recall_in(&mut place, model, black_box(board), store);
    service.recall();
    serve(service);
    deferred(Service::with_store(
        model,
        black_box(board),
        Deferred::new(word(), word()),
    ));
}

fn deferred(mut service: Service<'_, 2, 16, Deferred>) {
    while let Some(step) = service.step() {
        let done = match step {
            Step::Append(record) | Step::Add(record) => Record::from_bytes(&record.to_bytes())
                .map(|record| service.restore(record))
                .ok_or(StoreError::Failed),
            Step::Begin | Step::Commit => Ok(()),
        };
        service.acknowledge(done);
        serve(&mut service);
    }
    let mut recall = service.begin_recall();
    while service.go_on_recalling(&mut recall, word()) {}
}

fn serve<S: Store, const OWNERS: usize, const LOG: usize>(
    service: &mut Service<'_, OWNERS, LOG, S>,
) {
    while service.is_working() {
        service.receive(word() as u8, &mut Nowhere);
        service.poll(&mut Nowhere);
        calls! {
            service.model();
            service.profile(word() as u8);
            service.store();
            service.added();
            service.idle();
        }
    }
}

#[cfg(feature = "queue")]
fn queues() {
    let mut port = black_box(pocketrec::service::QueuedPort::<700>::new());
    port.send(black_box(&[1, 2, 3]));
    port.set_now(word());
    calls! {
        port.count_received(word());
        port.count_lost(word());
        port.waiting().last();
        port.sent(size());
        port.dropped();
        port.counters();
    }
}

fn region<const WORD: usize>() -> Region<Nothing, WORD> {
    // SAFETY: it is never run.
    unsafe { Region::new(Nothing, (word(), 8 * 1024)) }
}

struct Nothing;

impl<const WORD: usize> Controller<WORD> for Nothing {
    const PAGE: usize = 1024;

    fn erase(&mut self, address: u32) -> bool {
        black_box(address) == 7
    }

    fn program(&mut self, address: u32, word: [u8; WORD]) -> bool {
        black_box(address) == u32::from(black_box(word).is_empty())
    }
}

struct Nowhere;

impl Port for Nowhere {
    fn send(&mut self, bytes: &[u8]) {
        black_box(bytes);
    }

    fn now(&self) -> u32 {
        word()
    }

    fn counters(&self) -> LinkCounters {
        LinkCounters::default()
    }

    fn working(&mut self, working: bool) {
        black_box(working);
    }
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {}
}
