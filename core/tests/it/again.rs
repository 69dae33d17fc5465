//! A host that hears no answer asks again, also after the power went: what it asked for is done once, and the answer is
//! the same.

use crate::device::{BOARD, Device};
use crate::mock::{Mock, Shared};
use pocketrec::image::example;
use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::profile::{Log, UNDO_DEPTH};
use pocketrec::rank::Order;
use pocketrec::service::Service;
use pocketrec::store::flash::FlashLog;
use pocketrec::store::{InRam, Store};
use pocketrec::wire::{MAX_IMPORT, Refusal, Reply, Request, Storage, StorageState, Who};
use std::mem::MaybeUninit;

pub const OWNERS: usize = 2;
pub const LOG: usize = 3;
pub const PAGE: usize = 256;
/// The smallest region there can be for them.
pub const PAGES: usize = 7;
const OWNER: Who = Who::Owner(0);
const OTHER: Who = Who::Owner(1);

pub type Board = Device<'static, OWNERS, LOG, FlashLog<Shared<PAGE>>>;
/// What a board holds: each owner's ratings, way back, and the bits of row and bias.
pub type Held = Vec<(Log<LOG>, Vec<u32>)>;

pub fn model() -> Model<'static> {
    let image = Box::leak(Box::new(example()));
    crate::open(image.bytes()).unwrap()
}

/// A board that starts on this flash, whose power is back; and a hand on its flash.
pub fn start(model: Model<'static>, flash: Mock<PAGE>) -> (Board, Shared<PAGE>) {
    let flash = Shared::new(flash.restart(usize::MAX));
    let store = FlashLog::open(flash.clone(), OWNERS * (LOG + UNDO_DEPTH));
    (Device::new(Ok(model), store), flash)
}

pub fn held<S: Store>(board: &Device<'_, OWNERS, LOG, S>) -> Held {
    let profiles = (0..OWNERS as u8).map(|owner| board.service.profile(owner).unwrap());
    profiles
        .map(|profile| {
            let private = profile.private();
            let floats = private.row.iter().chain([&private.bias]);
            let bits = floats.map(|x| x.to_bits()).collect();
            (profile.log().clone(), bits)
        })
        .collect()
}

pub fn rate(who: Who, movie: u32, stars: f32) -> Request {
    Request::Rate { who, movie, stars }
}

fn top(who: Who, count: u8) -> Request {
    Request::TopN {
        who,
        count,
        include_rated: false,
        include_below: false,
        order: Order::Score,
        wanted: Wanted::ANY,
    }
}

pub fn import(who: Who, given: &[(u32, f32)]) -> Request {
    let mut ratings = [(0, 0.0); MAX_IMPORT];
    ratings[..given.len()].copy_from_slice(given);
    Request::Import {
        who,
        count: given.len() as u8,
        ratings,
    }
}

/// Every request that changes something, in every order that matters, and often enough that pages are compacted under
/// each of them.
pub fn session() -> Vec<Request> {
    let once = [
        rate(OWNER, 10, 4.5),
        rate(OTHER, 20, 1.0),
        rate(OWNER, 20, 3.0),
        rate(OWNER, 10, 2.0),
        Request::Undo { who: OWNER },
        Request::Undo { who: OWNER },
        import(OWNER, &[(300, 5.0), (20, 0.5), (300, 1.5), (10, 4.0)]),
        rate(OWNER, 300, 3.5),
        Request::Forget {
            who: OWNER,
            movie: 300,
        },
        // The fourth movie is one too many.
        import(OWNER, &[(20, 2.0), (4000, 2.5), (300, 1.0), (10, 1.0)]),
        Request::Undo { who: OTHER },
        Request::Undo { who: OWNER },
        rate(OTHER, 10, 5.0),
        Request::Undo { who: OWNER },
    ];
    let mut all = Vec::new();
    for round in 0..6 {
        all.extend(&once);
        // So that each of them meets the end of a page.
        let several = import(OTHER, &[(20, 2.0), (10, 1.0), (20, 4.0)]);
        all.extend(std::iter::repeat_n(several, round));
    }
    all.push(Request::Compact);
    all.push(Request::Undo { who: OWNER });
    all.push(Request::ForgetMe { who: OWNER });
    all.push(rate(OWNER, 10, 5.0));
    all.extend(&once[..9]);
    all.push(Request::Format);
    all.push(rate(OWNER, 10, 5.0));
    all
}

/// A reply without what a board tells of itself.
pub fn plain(reply: Reply<'static>) -> Reply<'static> {
    match reply {
        Reply::Storage(Storage { state, bytes, .. }) => Reply::Storage(Storage {
            state,
            bytes,
            pages: 0,
            free: 0,
            records: 0,
            capacity: 0,
            rounds: 0,
            torn: 0,
            bad_writes: 0,
        }),
        reply => reply,
    }
}

/// Asks under the same number as before.
fn again(board: &mut Board, number: u32, request: Request) -> Reply<'static> {
    board.number = number - 1;
    plain(board.ask(request))
}

#[test]
fn power_lost_at_any_byte_of_a_change_or_before_its_answer_and_asked_again_it_is_done_once() {
    let model = model();
    let mut flash = Mock::<PAGE>::new(PAGES, 0xff);
    let mut compactions = Vec::new();
    for (number, request) in (1000_u32..).zip(session()) {
        // What is due.
        let (mut board, hand) = start(model, flash.clone());
        hand.0.borrow_mut().used = 0;
        let due = again(&mut board, number, request);
        assert!(!matches!(due, Reply::Refused(_)), "{request:?}: {due:?}");
        let after = held(&board);
        let bytes = hand.0.borrow().used;
        // Beside those that are asked for.
        if bytes > 200
            && !matches!(
                request,
                Request::Compact | Request::Format | Request::ForgetMe { .. }
            )
        {
            compactions.push(request);
        }
        // Every byte of a record, and so many of the pages of a compaction.
        let step = if bytes < 200 { 1 } else { 13 };
        let cuts = (0..bytes).step_by(step).chain([bytes, usize::MAX]);
        for power in cuts {
            let (mut board, hand) = start(model, flash.clone());
            hand.0.borrow_mut().power = power;
            board.number = number - 1;
            let _lost = board.ask(request);
            let left = hand.0.borrow().clone();
            // The board boots, and the host asks again; and once more, since that answer is lost too.
            let (mut board, hand) = start(model, left);
            let asked = format!("{request:?}, cut after {power} of {bytes} bytes");
            assert_eq!(again(&mut board, number, request), due, "{asked}");
            assert_eq!(held(&board), after, "{asked}");
            assert_eq!(again(&mut board, number, request), due, "{asked}");
            let (mut board, _) = start(model, hand.0.borrow().clone());
            assert_eq!(held(&board), after, "{asked}");
            assert_eq!(again(&mut board, number, request), due, "{asked}");
            assert_eq!(held(&board), after, "{asked}");
        }
        flash = hand.0.borrow().clone();
    }
    let met = |kind: fn(&Request) -> bool| compactions.iter().any(kind);
    assert!(
        met(|request| matches!(request, Request::Import { .. }))
            && met(|request| !matches!(request, Request::Import { .. })),
        "{compactions:?}"
    );
}

#[test]
fn a_change_is_done_once_however_often_the_power_goes_before_its_answer() {
    let model = model();
    let mut flash = Mock::<PAGE>::new(PAGES, 0xff);
    for (number, request) in (1000_u32..).zip(session()) {
        let (mut board, _) = start(model, flash.clone());
        let due = again(&mut board, number, request);
        let after = held(&board);
        let mut power = 0;
        loop {
            let (mut board, hand) = start(model, flash.clone());
            hand.0.borrow_mut().power = power;
            let reply = again(&mut board, number, request);
            flash = hand.0.borrow().clone();
            if !flash.dead.get() {
                assert_eq!((reply, held(&board)), (due, after), "{request:?}");
                break;
            }
            power += 37;
        }
    }
}

#[test]
fn a_change_whose_answer_another_reply_has_replaced_is_done_once() {
    let model = model();
    let (mut board, _) = start(model, Mock::new(PAGES, 0xff));
    for (number, request) in (1000_u32..).zip(session()) {
        let due = again(&mut board, number, request);
        let after = held(&board);
        // Another host, or a person who looks what has become of it.
        let who = OWNER;
        for (number, between) in (5000..).zip([Request::Health, top(who, 3)]) {
            again(&mut board, number, between);
        }
        assert_eq!(again(&mut board, number, request), due, "{request:?}");
        assert_eq!(held(&board), after, "{request:?}");
    }
}

#[test]
fn a_request_waits_behind_the_one_that_waits_and_its_repetition_is_not_carried_out() {
    let model = model();
    // What waits behind a list is answered at once, or begins long work itself.
    for second in [
        Request::Predict {
            who: OWNER,
            movie: 10,
        },
        rate(OWNER, 300, 2.0),
        Request::Similar {
            movie: 20,
            count: 2,
        },
    ] {
        let mut board = Device::<OWNERS, LOG, _>::new(Ok(model), InRam);
        board.ask(rate(OWNER, 10, 4.0));
        board.ask(rate(OWNER, 20, 2.0));
        board.send(Request::Similar {
            movie: 10,
            count: 2,
        });
        board.send(second);
        while board.line.is_empty() {
            board.service.poll(&mut board.line);
        }
        assert!(matches!(board.replies()[..], [Reply::Movies(_)]));
        // Between the answer and the next look at what waits.
        board.send(Request::Undo { who: OWNER });
        while board.service.is_working() {
            board.service.poll(&mut board.line);
        }
        let replies = board.replies();
        let undone = replies.last().unwrap().clone();
        assert!(
            replies.len() == 2 && matches!(undone, Reply::Undone { .. }),
            "{replies:?}"
        );
        let log = board.service.profile(0).unwrap().log().clone();
        board.number -= 1;
        assert_eq!(board.ask(Request::Undo { who: OWNER }), undone);
        assert_eq!(*board.service.profile(0).unwrap().log(), log);
    }
}

#[test]
fn a_number_that_comes_with_another_body_is_another_request() {
    let (mut board, _) = start(model(), Mock::new(PAGES, 0xff));
    for movie in [10, 20, 300] {
        again(&mut board, 7, rate(OWNER, movie, 4.0));
    }
    assert_eq!(held(&board)[0].0.ratings().len(), 3);
    let taken_back = again(&mut board, 7, Request::Undo { who: OWNER });
    assert!(matches!(taken_back, Reply::Undone { movie: 300, .. }));
    let other = again(&mut board, 7, Request::Undo { who: OTHER });
    assert_eq!(other, Reply::Refused(Refusal::NothingToUndo));
    // Also while the first one runs.
    board.number = 7;
    board.send(top(OWNER, 1));
    board.number = 7;
    board.send(Request::Undo { who: OWNER });
    while board.service.is_working() {
        board.service.poll(&mut board.line);
    }
    assert!(matches!(
        board.replies()[..],
        [Reply::Movies(_), Reply::Undone { movie: 20, .. }]
    ));
}

#[test]
fn the_numbers_0_and_the_largest_are_like_any_other() {
    let model = model();
    for number in [0, u32::MAX] {
        let (mut board, hand) = start(model, Mock::new(PAGES, 0xff));
        for movie in [10, 20, 300] {
            board.number = number.wrapping_sub(1).wrapping_sub(movie);
            board.send(rate(OWNER, movie, 4.0));
            while board.service.is_working() {
                board.service.poll(&mut board.line);
            }
        }
        board.replies();
        let ask = |board: &mut Board| {
            board.number = number.wrapping_sub(1);
            board.ask(Request::Undo { who: OWNER })
        };
        let due = ask(&mut board);
        let (mut board, _) = start(model, hand.0.borrow().clone());
        assert_eq!(ask(&mut board), due);
        assert_eq!(held(&board)[0].0.ratings().len(), 2);
    }
}

#[test]
fn a_cancel_that_is_asked_again_gets_the_answer_that_it_had() {
    let mut board = Device::<OWNERS, LOG, _>::new(Ok(model()), InRam);
    board.send(top(OWNER, 2));
    board.service.poll(&mut board.line);
    let number = board.number;
    for round in 0..3 {
        board.number = number;
        board.send(Request::Cancel { number });
        let replies = board.replies();
        let due = [Reply::Refused(Refusal::Cancelled), Reply::Cancelled(true)];
        assert_eq!(replies, due[usize::from(round > 0)..], "round {round}");
    }
    // One that comes too late finds nothing to end, and what it was to end stays done once.
    board.ask(rate(OWNER, 10, 4.0));
    board.ask(rate(OWNER, 20, 4.0));
    let undone = board.ask(Request::Undo { who: OWNER });
    let number = board.number;
    for _ in 0..2 {
        board.number = number;
        assert_eq!(
            board.ask(Request::Cancel { number }),
            Reply::Cancelled(false)
        );
    }
    board.number = number - 1;
    assert_eq!(board.ask(Request::Undo { who: OWNER }), undone);
    assert_eq!(board.service.profile(0).unwrap().log().ratings().len(), 1);
}

#[test]
fn a_request_that_was_refused_for_now_is_carried_out_when_it_is_asked_again() {
    let mut board = Device::<OWNERS, LOG, _>::new(Ok(model()), InRam);
    board.ask(rate(OWNER, 10, 4.0));
    for _ in 0..2 {
        board.send(top(OWNER, 2));
    }
    board.send(Request::Undo { who: OWNER });
    let number = board.number;
    assert_eq!(board.replies(), [Reply::Refused(Refusal::Busy)]);
    while board.service.is_working() {
        board.service.poll(&mut board.line);
    }
    board.replies();
    for _ in 0..2 {
        board.number = number - 1;
        let reply = board.ask(Request::Undo { who: OWNER });
        assert!(
            matches!(reply, Reply::Undone { movie: 10, .. }),
            "{reply:?}"
        );
    }
}

#[test]
fn a_rating_that_was_taken_back_leaves_flash_with_the_next_compaction() {
    let (mut board, hand) = start(model(), Mock::new(PAGES, 0xff));
    board.ask(rate(OWNER, 4000, 5.0));
    board.ask(Request::Undo { who: OWNER });
    let reply = board.ask(Request::Compact);
    let Reply::Storage(storage) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(storage.state, StorageState::Flash);
    assert!(!hand.0.borrow().holds(&4000_u32.to_le_bytes()));
}

#[test]
fn a_recall_in_slices_gives_every_owner_the_same_bits() {
    let model = model();
    let (mut board, hand) = start(model, Mock::new(PAGES, 0xff));
    for (number, request) in (1000_u32..).zip(session().into_iter().take(7)) {
        again(&mut board, number, request);
    }
    let flash = hand.0.borrow().clone();
    let (board, hand) = start(model, flash);
    let store = FlashLog::open(hand, OWNERS * (LOG + UNDO_DEPTH));
    let mut place = MaybeUninit::uninit();
    let service = Service::<OWNERS, LOG, _>::before_recall_in(&mut place, Ok(model), BOARD, store);
    let mut recall = service.begin_recall();
    let mut slices = 0;
    while service.go_on_recalling(&mut recall, 1) {
        slices += 1;
    }
    for owner in 0..OWNERS as u8 {
        let due = board.service.profile(owner).unwrap();
        assert!(!due.log().ratings().is_empty());
        assert_eq!(service.profile(owner), Some(due), "{owner}");
    }
    let ratings: usize = held(&board)
        .iter()
        .map(|(log, _)| log.ratings().len())
        .sum();
    assert!(
        slices + 1 >= ratings,
        "{slices} slices of {ratings} ratings"
    );
    assert!(!service.go_on_recalling(&mut recall, 1));
}
