//! A device to whose image movies are added: what it answers, what it keeps, and what it refuses.

use crate::added::{self, USUAL, open};
use crate::again::{LOG, OWNERS, PAGE, plain};
use crate::deferred::{Stored, ask as ask_deferred};
use crate::device::Device;
use crate::mock::{Mock, Shared};
use pocketrec::grow::{MAX_ADDED, RECORDS};
use pocketrec::image::ImageError;
use pocketrec::model::{Model, Wanted};
use pocketrec::profile::{Log, UNDO_DEPTH};
use pocketrec::rank::{Agreement, Order};
use pocketrec::store::flash::{FlashLog, least_region};
use pocketrec::store::{InRam, Store};
use pocketrec::wire::{Capabilities, Entry, NoModel, Refusal, Reply, Request, Who};

type Board = Device<'static, OWNERS, LOG, FlashLog<Shared<PAGE>>>;

const OWNER: Who = Who::Owner(0);
const OTHER: Who = Who::Owner(1);
const HELD: usize = OWNERS * (LOG + UNDO_DEPTH) + RECORDS;

/// The image with all movies, and without so many.
fn models(added: usize) -> [Model<'static>; 2] {
    added::images(USUAL, added).map(|image| open(Box::leak(image.into_boxed_slice())))
}

fn add(full: &Model<'_>, less: &Model<'_>, row: u32) -> Request {
    Request::AddMovie {
        image: less.header().crc,
        entry: full.entry(row).unwrap(),
    }
}

fn id(row: u32) -> u32 {
    row * 3 + 1
}

fn rate(who: Who, row: u32, stars: f32) -> Request {
    Request::Rate {
        who,
        movie: id(row),
        stars,
    }
}

fn flash() -> Mock<PAGE> {
    let bytes = least_region(PAGE as u32, 4, HELD);
    Mock::new(bytes as usize / PAGE, 0xff)
}

fn start(model: Model<'static>, flash: Mock<PAGE>) -> (Board, Shared<PAGE>) {
    let flash = Shared::new(flash.restart(usize::MAX));
    let store = FlashLog::open(flash.clone(), HELD);
    (Device::new(Ok(model), store), flash)
}

/// What a board holds: its movies, each owner's ratings and way back, and the bits of row and bias.
type Held = (Vec<Entry>, Vec<(Log<LOG>, Vec<u32>)>);

fn held<S: Store>(board: &Device<'_, OWNERS, LOG, S>) -> Held {
    let added = board.service.added();
    let entries = (0..added.len()).map(|at| added.entry(at).unwrap().iter().copied().collect());
    let profiles = (0..OWNERS as u8).map(|owner| {
        let profile = board.service.profile(owner).unwrap();
        let private = profile.private();
        let floats = private.row.iter().chain([&private.bias]);
        (profile.log().clone(), floats.map(|x| x.to_bits()).collect())
    });
    (entries.collect(), profiles.collect())
}

fn ask<S: Store>(
    board: &mut Device<'static, OWNERS, LOG, S>,
    number: u32,
    request: Request,
) -> Reply<'static> {
    board.number = number - 1;
    plain(board.ask(request))
}

/// Everything that is asked of a model.
fn questions() -> Vec<Request> {
    let any = Wanted::ANY;
    let user = Who::ImageUser(2);
    let mut all = vec![Request::Owners];
    for who in [OWNER, OTHER, user] {
        all.push(Request::Ratings { who, first: 0 });
        for wanted in [any, Wanted { none_of: 1, ..any }] {
            all.push(Request::TopN {
                who,
                count: 20,
                include_rated: false,
                include_below: true,
                order: Order::Score,
                wanted,
            });
        }
        for row in [0, 40, 57, 58, 59, 60] {
            let movie = id(row);
            all.push(Request::Predict { who, movie });
            all.push(Request::Explain { who, movie });
            all.push(Request::Likely { who, movie });
            all.push(Request::Similar { movie, count: 9 });
        }
        all.push(Request::Profile { who });
        all.push(Request::Suggest { who, count: 20 });
        all.push(Request::Together {
            who,
            count: 20,
            with: OTHER,
            agreement: Agreement::Least,
            order: Order::Score,
            wanted: any,
        });
    }
    all
}

#[test]
fn a_device_answers_as_one_whose_image_has_had_the_movies_from_the_start() {
    let [full, less] = models(4);
    let mut due = Device::<OWNERS, LOG, _>::new(Ok(full), InRam);
    let mut board = Device::<OWNERS, LOG, _>::new(Ok(less), InRam);
    for (row, movies) in (57..61).zip(1..) {
        let reply = board.ask(add(&full, &less, row));
        let Reply::Added(added) = reply else {
            panic!("{reply:?}");
        };
        assert_eq!(
            (added.movies, added.room, added.dropped),
            (movies, MAX_ADDED as u8, 0)
        );
        assert_eq!(added.entry, full.entry(row).unwrap());
    }
    for at in 0..5 {
        let Reply::Added(added) = board.ask(Request::Added { at }) else {
            panic!("not answered");
        };
        assert_eq!(
            full.entry(57 + u32::from(at)).unwrap_or_default(),
            added.entry
        );
    }
    let rated = [
        rate(OWNER, 60, 5.0),
        rate(OWNER, 3, 1.0),
        rate(OTHER, 57, 2.0),
        rate(OWNER, 58, 4.5),
        Request::Undo { who: OWNER },
        rate(OWNER, 59, 0.5),
        Request::Forget {
            who: OWNER,
            movie: id(60),
        },
    ];
    for change in rated {
        assert_eq!(board.ask(change), due.ask(change), "{change:?}");
        for question in questions() {
            assert_eq!(board.ask(question), due.ask(question), "{question:?}");
        }
    }
    // Of an image it tells what that is, which a twin compares.
    let Reply::ModelInfo(info) = board.ask(Request::ModelInfo) else {
        panic!("not answered");
    };
    assert_eq!(info.movies, 57);
}

/// Every request that changes something, and movies so often that pages are compacted under them.
fn session([full, less]: &[Model<'_>; 2]) -> Vec<Request> {
    let add = |row| add(full, less, row);
    let remove = |row| Request::RemoveMovie { movie: id(row) };
    let mut all = vec![add(57), rate(OWNER, 57, 4.5), rate(OTHER, 3, 2.0), add(58)];
    for _ in 0..30 {
        all.extend([
            add(59),
            rate(OTHER, 59, 1.0),
            remove(59),
            Request::Undo { who: OTHER },
        ]);
    }
    all.extend([
        rate(OTHER, 58, 2.5),
        rate(OWNER, 58, 3.5),
        remove(58),
        add(58),
    ]);
    all.extend([
        Request::Compact,
        remove(57),
        Request::ForgetMe { who: OWNER },
    ]);
    all.extend([
        add(60),
        rate(OWNER, 60, 5.0),
        Request::Format,
        add(58),
        rate(OTHER, 58, 1.0),
    ]);
    all
}

#[test]
fn power_lost_at_any_byte_leaves_a_movie_whole_or_not_at_all_and_asked_again_it_is_added_once() {
    let models = models(4);
    let less = models[1];
    let mut flash = flash();
    let mut compacted = 0;
    let session = session(&models);
    for (number, request) in (1000_u32..).zip(session.iter().copied()) {
        let (mut board, hand) = start(less, flash.clone());
        let before = held(&board).0;
        hand.0.borrow_mut().used = 0;
        let due = ask(&mut board, number, request);
        assert!(!matches!(due, Reply::Refused(_)), "{request:?}: {due:?}");
        let after = held(&board);
        let bytes = hand.0.borrow().used;
        let is_add = matches!(
            request,
            Request::AddMovie { .. } | Request::RemoveMovie { .. }
        );
        compacted += usize::from(is_add && bytes > 300);
        let step = if bytes < 300 { 1 } else { 13 };
        // What was cut twice is cut again only where a page ends.
        let before_this = &session[..number as usize - 1000];
        let times = before_this
            .iter()
            .filter(|earlier| **earlier == request)
            .count();
        let cuts = if times < 2 || bytes > 300 { bytes } else { 0 };
        for power in (0..cuts).step_by(step).chain([bytes, usize::MAX]) {
            let (mut board, hand) = start(less, flash.clone());
            hand.0.borrow_mut().power = power;
            board.number = number - 1;
            let _lost = board.ask(request);
            let left = hand.0.borrow().clone();
            let (mut board, hand) = start(less, left);
            let asked = format!("{request:?}, cut after {power} of {bytes} bytes");
            let found = held(&board).0;
            assert!(found == before || found == after.0, "{asked}");
            assert_eq!(board.service.added().dropped(), 0, "{asked}");
            // The host asks again, and once more, since that answer is lost too.
            assert_eq!(ask(&mut board, number, request), due, "{asked}");
            assert_eq!(held(&board), after, "{asked}");
            assert_eq!(ask(&mut board, number, request), due, "{asked}");
            let (mut board, _) = start(less, hand.0.borrow().clone());
            assert_eq!(held(&board), after, "{asked}");
            assert_eq!(ask(&mut board, number, request), due, "{asked}");
            assert_eq!(held(&board), after, "{asked}");
        }
        flash = hand.0.borrow().clone();
    }
    assert!(
        compacted > 1,
        "{compacted} pages were compacted under a movie"
    );
}

#[test]
fn a_movie_that_was_cut_off_makes_way_for_another() {
    let models = models(4);
    let [full, less] = models;
    for power in 0..100 {
        let (mut board, hand) = start(less, flash());
        hand.0.borrow_mut().power = power;
        board.send(add(&full, &less, 57));
        let left = hand.0.borrow().clone();
        let (mut board, hand) = start(less, left);
        let had = board.service.added().len();
        board.ask(add(&full, &less, 59));
        for _ in 0..2 {
            let added = board.service.added();
            assert_eq!(added.len(), had + 1, "cut after {power} bytes");
            assert_eq!(added.entry(had), Some(&full.entry(59).unwrap()[..]));
            (board, _) = start(less, hand.0.borrow().clone());
        }
    }
}

#[test]
fn a_store_that_is_awaited_keeps_movies_as_one_that_blocks() {
    let models = models(4);
    let less = models[1];
    let mut due = Device::<OWNERS, LOG, _>::new(Ok(less), InRam);
    let mut stored = Stored::with_room(HELD);
    let mut board = stored.start(less);
    let anywhere = |reply| match reply {
        Reply::Storage(_) => Reply::Cancelled(true),
        reply => reply,
    };
    for (number, request) in (1000_u32..).zip(session(&models)) {
        // The power goes before every step and behind it, and the host asks again.
        let (mut now, mut whole) = (stored.clone(), stored.start(less));
        now.steps = 0;
        let told = ask_deferred(&mut whole, &mut now, number, request);
        let after = held(&whole);
        for cut in 0..now.steps {
            let (mut left, mut board) = (stored.clone(), stored.start(less));
            left.steps = 0;
            board.number = number - 1;
            board.send(request);
            while left.steps < cut && crate::deferred::round(&mut board, &mut left) {}
            let mut board = left.start(less);
            let asked = format!("{request:?}, cut before step {cut} of {}", now.steps);
            assert_eq!(
                ask_deferred(&mut board, &mut left, number, request),
                told,
                "{asked}"
            );
            assert_eq!(held(&board), after, "{asked}");
            assert_eq!(held(&left.start(less)), after, "{asked}");
        }
        due.number = number - 1;
        let due_reply = anywhere(plain(due.ask(request)));
        let reply = ask_deferred(&mut board, &mut stored, number, request);
        assert_eq!(anywhere(reply), due_reply, "{request:?}");
        assert_eq!(held(&board), held(&due), "{request:?}");
        assert_eq!(held(&stored.start(less)), held(&board), "{request:?}");
    }
}

#[test]
fn a_movie_that_cannot_be_added_is_refused_with_the_reason_and_nothing_changes() {
    let [full, less] = models(4);
    let mut board = Device::<OWNERS, LOG, _>::new(Ok(less), InRam);
    board.ask(add(&full, &less, 58));
    let before = held(&board);
    let image = less.header().crc;
    let refused = |board: &mut Device<'static, OWNERS, LOG, InRam>, image, entry| {
        let reply = board.ask(Request::AddMovie { image, entry });
        let Reply::Refused(why) = reply else {
            panic!("{reply:?}");
        };
        assert_eq!(held(board), before);
        why
    };
    let good = full.entry(59).unwrap();
    let other = full.header().crc;
    assert_eq!(refused(&mut board, other, good), Refusal::OtherImage(image));
    let last = Refusal::MovieId(id(58));
    assert_eq!(refused(&mut board, image, full.entry(57).unwrap()), last);
    assert_eq!(refused(&mut board, image, full.entry(3).unwrap()), last);
    let short = good.iter().copied().take(9).collect();
    let length = Refusal::MovieLength(good.len() as u16);
    assert_eq!(refused(&mut board, image, short), length);
    let mut bad = good;
    bad[5] = 0x7c;
    let why = NoModel::from(ImageError::NotFinite(
        pocketrec::image::TableKind::MovieEmbedding,
    ));
    assert_eq!(refused(&mut board, image, bad), Refusal::BadMovie(why));
    for (row, movie) in [(59, id(59)), (3, id(3))] {
        let reply = board.ask(Request::RemoveMovie { movie });
        assert_eq!(reply, Reply::Refused(Refusal::NotAdded(movie)), "row {row}");
    }
    assert_eq!(held(&board), before);

    let mut board = Device::<OWNERS, LOG, _>::new(Ok(less), InRam);
    let mut entry = good;
    for at in 0..MAX_ADDED as u32 + 1 {
        entry[..4].copy_from_slice(&(9_000 + at).to_le_bytes());
        let reply = board.ask(Request::AddMovie { image, entry });
        match at < MAX_ADDED as u32 {
            true => assert!(matches!(reply, Reply::Added(_)), "{reply:?}"),
            false => assert_eq!(reply, Reply::Refused(Refusal::NoRoom(MAX_ADDED as u8))),
        }
    }

    let mut board = Device::<OWNERS, LOG, _>::new(Err(ImageError::Magic), InRam);
    let reply = board.ask(add(&full, &less, 58));
    let none = Refusal::NoModel(ImageError::Magic.into());
    assert_eq!(reply, Reply::Refused(none));
}

#[test]
fn movies_for_another_image_are_left_out_counted_and_gone_with_the_next_compaction() {
    let [full, less] = models(4);
    let (mut board, hand) = start(less, flash());
    board.ask(rate(OWNER, 3, 4.0));
    board.ask(add(&full, &less, 57));
    board.ask(add(&full, &less, 58));
    board.ask(rate(OWNER, 58, 5.0));
    let [_, other] = models(5);
    let counts = |board: &mut Board| match board.ask(Request::Added { at: 0 }) {
        Reply::Added(added) => (added.movies, added.dropped, added.entry.len()),
        reply => panic!("{reply:?}"),
    };
    for image in [other, full] {
        let (mut board, _) = start(image, hand.0.borrow().clone());
        assert_eq!(counts(&mut board), (0, 2, 0));
        // Ratings are kept, and the one that the image has no movie for isn't used.
        let Reply::Owners(owners) = board.ask(Request::Owners) else {
            panic!("not answered");
        };
        let unused = u16::from(image.movies() == other.movies());
        assert_eq!((owners.ratings[0], owners.unused[0]), (2, unused));
    }
    // Back under the old image they are there again.
    let (mut board, hand) = start(less, hand.0.borrow().clone());
    assert_eq!(counts(&mut board).0, 2);
    let (mut board, hand) = start(other, hand.0.borrow().clone());
    board.ask(Request::Compact);
    let (mut board, hand) = start(other, hand.0.borrow().clone());
    assert_eq!(counts(&mut board), (0, 0, 0));
    let (mut board, _) = start(less, hand.0.borrow().clone());
    assert_eq!(counts(&mut board), (0, 0, 0));
}

#[test]
fn ratings_of_a_movie_count_from_when_it_is_added_until_it_is_taken_out() {
    let [full, less] = models(4);
    let (mut board, hand) = start(full, flash());
    for change in [
        rate(OWNER, 58, 5.0),
        rate(OWNER, 3, 1.0),
        rate(OTHER, 58, 0.5),
    ] {
        board.ask(change);
    }
    let (_, due) = held(&board);
    let (mut board, hand) = start(less, hand.0.borrow().clone());
    let (_, without) = held(&board);
    assert_ne!(without, due);
    // Other requests wait while all who have rated it learn.
    board.send(add(&full, &less, 58));
    assert!(board.service.is_working());
    board.send(Request::Profile { who: OTHER });
    while board.service.is_working() {
        board.service.poll(&mut board.line);
    }
    let replies = board.replies();
    assert!(
        matches!(&replies[..], [.., Reply::Added(_), Reply::Profile(profile)] if profile.ratings == 1),
        "{replies:?}"
    );
    assert_eq!(held(&board).1, due);
    let (mut board, _) = start(less, hand.0.borrow().clone());
    assert_eq!(held(&board).1, due);
    board.ask(Request::RemoveMovie { movie: id(58) });
    assert_eq!(held(&board).1, without);
}

#[test]
fn a_device_says_whether_movies_can_be_added() {
    let [_, less] = models(4);
    let grows = |model| {
        let mut board = Device::<OWNERS, LOG, _>::new(model, InRam);
        match board.ask(Request::Hello) {
            Reply::Hello(hello) => Capabilities(hello.capabilities).has(Capabilities::GROW),
            reply => panic!("{reply:?}"),
        }
    };
    assert!(grows(Ok(less)) && !grows(Err(ImageError::Magic)));
}
