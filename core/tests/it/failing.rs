//! Flash that fails, or holds what can't be opened: what a board answers, what it holds, and what it holds after a restart
//! agree.

use crate::again::{
    Board, Held, LOG, OWNERS, PAGE, PAGES, held, import, model, plain, rate, session, start,
};
use crate::device::Device;
use crate::mock::{Mock, Shared};
use pocketrec::model::Model;
use pocketrec::numeric::crc32::Crc32;
use pocketrec::profile::UNDO_DEPTH;
use pocketrec::store::flash::FlashLog;
use pocketrec::wire::{Refusal, Reply, Request, Storage, StorageState, Who};

const OWNER: Who = Who::Owner(0);
const OTHER: Who = Who::Owner(1);

/// Ratings of nobody, with the rows of nobody.
fn nothing(model: Model<'static>) -> Held {
    held(&start(model, Mock::new(PAGES, 0xff)).0)
}

/// What a board holds when it is switched on with this flash, healthy.
fn found(model: Model<'static>, flash: &Mock<PAGE>) -> Held {
    held(&start(model, flash.clone()).0)
}

fn storage(board: &mut Board) -> Storage {
    match board.ask(Request::Storage) {
        Reply::Storage(storage) => storage,
        other => panic!("{other:?}"),
    }
}

/// How flash fails: from which call on, and for how many.
#[derive(Clone, Copy, Debug)]
struct Fault {
    call: usize,
    calls: usize,
    does_it_anyway: bool,
}

impl Fault {
    fn begin(self, flash: &mut Mock<PAGE>) {
        flash.calls = 0;
        flash.failing = self.call..self.call.saturating_add(self.calls);
        flash.does_it_anyway = self.does_it_anyway;
    }

    /// Every fault of work of so many calls.
    fn all(calls: usize) -> impl Iterator<Item = Self> {
        // Every call of a change, and so many of those that read whole pages.
        let step = if calls < 300 { 1 } else { 17 };
        (0..calls).step_by(step).flat_map(|call| {
            [1, 2, 20, usize::MAX].into_iter().flat_map(move |calls| {
                [false, true].map(|does_it_anyway| Self {
                    call,
                    calls,
                    does_it_anyway,
                })
            })
        })
    }
}

#[test]
fn after_every_failure_of_flash_the_answer_ram_and_flash_agree() {
    let model = model();
    let nobody = nothing(model);
    let mut flash = Mock::<PAGE>::new(PAGES, 0xff);
    let mut seen = std::collections::BTreeSet::new();
    for (number, request) in (1000_u32..).zip(session()) {
        let (mut board, hand) = start(model, flash.clone());
        let before = held(&board);
        let ask = |board: &mut Board| {
            board.number = number - 1;
            plain(board.ask(request))
        };
        hand.0.borrow_mut().calls = 0;
        let due = ask(&mut board);
        let after = held(&board);
        let calls = hand.0.borrow().calls;
        for fault in Fault::all(calls) {
            let told = format!("{request:?}, {fault:?}");
            let (mut board, hand) = start(model, flash.clone());
            fault.begin(&mut hand.0.borrow_mut());
            let reply = ask(&mut board);
            hand.0.borrow_mut().failing = 0..0;
            let (ram, left) = (held(&board), hand.0.borrow().clone());
            let kept = found(model, &left);
            let refused = match &reply {
                Reply::Refused(why) => Some(*why),
                Reply::Imported { refused, .. } => *refused,
                _ => None,
            };
            seen.insert(format!("{refused:?}"));
            match refused {
                None => {
                    assert_eq!((&reply, &ram, &kept), (&due, &after, &after), "{told}");
                }
                Some(Refusal::NotErased) => {
                    assert_eq!((&ram, &kept), (&after, &after), "{told}");
                }
                Some(Refusal::NotFormatted) => {
                    assert_eq!(ram, nobody, "{told}");
                    assert!([&before, &nobody].contains(&&kept), "{told}");
                }
                Some(Refusal::StorageFailed) => {
                    assert_eq!(ram, kept, "{told}");
                    if matches!(reply, Reply::Refused(_)) {
                        assert_eq!(ram, before, "{told}");
                    }
                }
                Some(Refusal::StorageUnsure) => {
                    if let Reply::Refused(_) = reply {
                        assert_eq!(ram, before, "{told}");
                        assert!([&before, &after].contains(&&kept), "{told}");
                    }
                }
                // As it would have been without a fault.
                Some(Refusal::LogFull) => assert_eq!(ram, after, "{told}"),
                Some(other) => panic!("{told}: {other}"),
            }
            // Whatever happened, the next change that is acknowledged is there after a restart and nothing else is lost.
            let next = board.ask(rate(OTHER, 300, 4.0));
            let (ram, left) = (held(&board), hand.0.borrow().clone());
            let state = storage(&mut board).state;
            if state == StorageState::Flash {
                assert!(matches!(next, Reply::Rated { .. }), "{told}: {next:?}");
                assert_eq!(found(model, &left), ram, "{told}");
            } else {
                assert_eq!(refused, Some(Refusal::NotFormatted), "{told}: {state:?}");
            }
        }
        // After a restart the host asks again, and it is done, once.
        for fault in Fault::all(calls).step_by(5) {
            let (mut board, hand) = start(model, flash.clone());
            fault.begin(&mut hand.0.borrow_mut());
            ask(&mut board);
            let left = hand.0.borrow().clone();
            if found(model, &left) == nobody && after != nobody {
                // What was wiped has to be given anew.
                continue;
            }
            let (mut board, _) = start(model, left);
            assert_eq!(ask(&mut board), due, "{request:?}, {fault:?}");
            assert_eq!(held(&board), after, "{request:?}, {fault:?}");
        }
        flash = hand.0.borrow().clone();
    }
    for refusal in [
        "StorageFailed",
        "StorageUnsure",
        "NotErased",
        "NotFormatted",
    ] {
        assert!(seen.contains(&format!("Some({refusal})")), "{seen:?}");
    }
}

#[test]
fn a_start_on_failing_flash_loses_no_rating_and_takes_none_that_it_could_lose() {
    let model = model();
    let mut flash = Mock::<PAGE>::new(PAGES, 0xff);
    let mut closed = 0;
    for (number, request) in session().into_iter().enumerate().take(60) {
        if number % 9 == 0 {
            let (board, hand) = start(model, flash.clone());
            let before = held(&board);
            // A start's own calls begin with the store's.
            let calls = {
                let shared = Shared::new(flash.clone().restart(usize::MAX));
                boot(model, &shared);
                shared.0.borrow().calls
            };
            drop((board, hand));
            for fault in Fault::all(calls) {
                let shared = Shared::new(flash.clone().restart(usize::MAX));
                fault.begin(&mut shared.0.borrow_mut());
                let mut board = boot(model, &shared);
                shared.0.borrow_mut().failing = 0..0;
                let told = format!("{number}, {fault:?}");
                let state = storage(&mut board).state;
                if state == StorageState::Closed {
                    closed += 1;
                    assert!(held(&board).iter().all(|(log, _)| log.ratings().is_empty()));
                    let refused = Reply::Refused(Refusal::StorageClosed);
                    for request in [rate(OWNER, 10, 4.0), Request::ForgetMe { who: OWNER }] {
                        assert_eq!(board.ask(request), refused, "{told}");
                    }
                } else {
                    assert_eq!(held(&board), before, "{told}, {state:?}");
                }
                let left = shared.0.borrow().clone();
                assert_eq!(found(model, &left), before, "{told}");
            }
        }
        let (mut board, hand) = start(model, flash.clone());
        board.ask(request);
        flash = hand.0.borrow().clone();
    }
    assert!(closed > 0);
}

fn boot(model: Model<'static>, flash: &Shared<PAGE>) -> Board {
    let store = FlashLog::open(flash.clone(), OWNERS * (LOG + UNDO_DEPTH));
    Device::new(Ok(model), store)
}

/// Flash with ratings of both owners in it.
fn filled(model: Model<'static>) -> Mock<PAGE> {
    let (mut board, hand) = start(model, Mock::new(PAGES, 0xff));
    board.ask(import(OWNER, &[(10, 4.5), (20, 3.0)]));
    board.ask(rate(OTHER, 300, 1.0));
    hand.0.borrow().clone()
}

#[test]
fn a_log_that_does_not_fit_is_not_forgotten_by_halves_and_can_be_formatted() {
    let model = model();
    let secret = 10_u32.to_le_bytes();
    let mut flash = filled(model);
    // One page less: the same log under another memory map, or of a firmware with room for more ratings.
    flash.bytes.truncate((PAGES - 1) * PAGE);
    let (mut board, hand) = start(model, flash);
    assert_eq!(storage(&mut board).state, StorageState::Closed);
    let refused = Reply::Refused(Refusal::StorageClosed);
    for request in [
        Request::ForgetMe { who: OWNER },
        Request::Forget {
            who: OWNER,
            movie: 10,
        },
        Request::Compact,
        rate(OWNER, 300, 4.0),
        Request::Undo { who: OWNER },
    ] {
        let reply = board.ask(request);
        let nothing_there = [
            Reply::Refused(Refusal::NotRated(10)),
            Reply::Refused(Refusal::NothingToUndo),
        ];
        assert!(
            reply == refused || nothing_there.contains(&reply),
            "{request:?}: {reply:?}"
        );
        assert!(hand.0.borrow().holds(&secret), "{request:?}");
    }
    let Reply::Storage(formatted) = board.ask(Request::Format) else {
        panic!()
    };
    // There is nothing left that RAM would leave out.
    assert_eq!(formatted.state, StorageState::Failed);
    assert!(!hand.0.borrow().holds(&secret));
    assert!(matches!(
        board.ask(rate(OWNER, 300, 4.0)),
        Reply::Rated { ratings: 1, .. }
    ));
    assert_eq!(
        board.ask(Request::ForgetMe { who: OWNER }),
        Reply::Forgotten { ratings: 0 }
    );
}

/// The same log as a firmware of another version may have written it: the last byte of each page's marker is another.
fn of_version(flash: &Mock<PAGE>, version: u8) -> Mock<PAGE> {
    let mut flash = flash.clone();
    for page in flash.bytes.chunks_mut(PAGE) {
        if page.starts_with(b"PkL") {
            page[3] = version;
        }
    }
    flash
}

#[test]
fn a_log_of_another_version_is_left_as_it_is_and_told_until_it_is_formatted() {
    let model = model();
    let flash = filled(model);
    let before = found(model, &flash);
    // An older one, and one that is to come.
    for version in [b'g', b'3'] {
        let other = of_version(&flash, version);
        let (mut board, hand) = start(model, other.clone());
        assert_eq!(storage(&mut board).state, StorageState::OtherVersion);
        assert_eq!(held(&board), nothing(model));
        let refused = Reply::Refused(Refusal::StorageOfOtherVersion);
        for request in [
            rate(OWNER, 300, 4.0),
            import(OWNER, &[(10, 4.5)]),
            Request::Compact,
            Request::ForgetMe { who: OWNER },
        ] {
            match board.ask(request) {
                Reply::Imported { taken, refused, .. } => assert_eq!(
                    (taken, refused),
                    (0, Some(Refusal::StorageOfOtherVersion)),
                    "{request:?}"
                ),
                reply => assert_eq!(reply, refused, "{request:?}"),
            }
        }
        // Whatever was asked, and however often it is switched on, the other firmware finds all of it.
        while board.service.idle() {}
        let left = hand.0.borrow().clone();
        assert_eq!(left.bytes, other.bytes);
        assert_eq!(found(model, &of_version(&left, b'2')), before);
        let Reply::Storage(formatted) = board.ask(Request::Format) else {
            panic!()
        };
        assert_eq!(formatted.state, StorageState::Flash);
        assert!(!hand.0.borrow().holds(&300_u32.to_le_bytes()));
        board.ask(rate(OWNER, 10, 4.0));
        assert_eq!(found(model, &hand.0.borrow()), held(&board));
    }
}

#[test]
fn power_lost_while_another_versions_log_is_formatted_leaves_one_that_is_told_or_none() {
    let model = model();
    for backwards in [false, true] {
        let flash = Mock {
            backwards,
            ..of_version(&filled(model), b'g')
        };
        let (mut board, hand) = start(model, flash.clone());
        board.ask(Request::Format);
        let bytes = hand.0.borrow().used;
        let mut told = 0;
        for power in 0..bytes {
            let (mut board, hand) = start(model, flash.clone());
            hand.0.borrow_mut().power = power;
            board.ask(Request::Format);
            let left = hand.0.borrow().clone();
            let (mut board, _) = start(model, left);
            told += match storage(&mut board).state {
                StorageState::OtherVersion => 1,
                StorageState::Flash | StorageState::Formatted => 0,
                other => panic!("{power} of {bytes}: {other:?}"),
            };
            board.ask(Request::Format);
            let reply = board.ask(rate(OWNER, 10, 4.0));
            assert!(
                matches!(reply, Reply::Rated { ratings: 1, .. }),
                "{reply:?}"
            );
        }
        assert!(told > 0 && told < bytes);
    }
}

/// The log of a firmware that keeps fewer ratings, in as many pages as it takes.
fn cramped(model: Model<'static>) -> Mock<PAGE> {
    let flash = Shared::new(Mock::<PAGE>::new(PAGES, 0xff));
    let store = FlashLog::open(flash.clone(), 6);
    let mut board = Device::<'_, OWNERS, LOG, _>::new(Ok(model), store);
    board.ask(rate(OTHER, 300, 1.0));
    board.ask(rate(OWNER, 20, 1.0));
    while storage(&mut board).free > 1 {
        board.ask(rate(OWNER, 10, 4.0));
        board.ask(Request::Undo { who: OWNER });
    }
    board.ask(rate(OWNER, 10, 4.0));
    flash.0.borrow().clone()
}

#[test]
fn the_log_of_a_firmware_with_less_to_keep_is_compacted_at_the_start() {
    let model = model();
    let flash = cramped(model);
    let before = held(&{
        let shared = Shared::new(flash.clone());
        let store = FlashLog::open(shared, 6);
        Device::new(Ok(model), store)
    });
    // What is live takes a page, and that is free.
    let (mut board, hand) = start(model, flash);
    assert_eq!(held(&board), before);
    let report = storage(&mut board);
    assert_eq!(report.state, StorageState::Flash);
    assert!(report.free >= 3, "{report:?}");
    for request in session() {
        let reply = board.ask(request);
        assert!(
            !matches!(reply, Reply::Refused(Refusal::StorageFailed)),
            "{request:?}"
        );
    }
    let ram = held(&board);
    assert_eq!(found(model, &hand.0.borrow()), ram);
}

/// A log with its last page open: no power cut makes one, but another firmware, or damage, may.
fn full_ring(model: Model<'static>) -> Mock<PAGE> {
    let mut flash = cramped(model);
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
    let (newest, generation) = (0..PAGES)
        .filter_map(|page| {
            let head = &flash.bytes[page * PAGE..][..16];
            (head[4..8] != [0xff; 4]).then(|| (page, word(&head[4..8])))
        })
        .max_by_key(|(_, generation)| *generation)
        .unwrap();
    let next = (newest + 1) % PAGES;
    let mut head = Vec::new();
    head.extend((generation + 1).to_le_bytes());
    let mut crc = Crc32::new();
    crc.update(&head);
    head.extend(0_u32.to_le_bytes());
    crc.update(&[0; 4]);
    head.extend(crc.finish().to_le_bytes());
    flash.bytes[next * PAGE + 4..][..12].copy_from_slice(&head);
    // No slot is free: what isn't a record is torn.
    for byte in &mut flash.bytes[next * PAGE + 16..][..PAGE - 16] {
        *byte = 0x5a;
    }
    flash.written.fill(true);
    flash
}

#[test]
fn a_ring_without_a_free_page_is_read_refuses_changes_and_is_formatted() {
    let model = model();
    let flash = full_ring(model);
    let (mut board, hand) = start(model, flash.clone());
    let report = storage(&mut board);
    assert_eq!((report.state, report.free), (StorageState::Flash, 0));
    assert!(report.torn > 0, "{report:?}");
    let before = held(&board);
    // The ratings can be saved ...
    assert!(before.iter().all(|(log, _)| !log.ratings().is_empty()));
    let refused = Reply::Refused(Refusal::StorageFailed);
    for request in [
        rate(OWNER, 300, 4.0),
        Request::Undo { who: OWNER },
        Request::ForgetMe { who: OWNER },
        Request::Compact,
    ] {
        assert_eq!(board.ask(request), refused, "{request:?}");
        assert_eq!(held(&board), before, "{request:?}");
        assert_eq!(found(model, &hand.0.borrow()), before, "{request:?}");
    }
    // ... and there is a way back.
    let Reply::Storage(formatted) = board.ask(Request::Format) else {
        panic!()
    };
    assert_eq!(formatted.state, StorageState::Flash);
    assert_eq!(held(&board), nothing(model));
    assert!(!hand.0.borrow().holds(&300_u32.to_le_bytes()));
    for request in session() {
        let reply = board.ask(request);
        assert!(
            !matches!(reply, Reply::Refused(_)),
            "{request:?}: {reply:?}"
        );
    }
    assert_eq!(found(model, &hand.0.borrow()), held(&board));
}

#[test]
fn an_only_owner_is_forgotten_even_where_no_change_has_room() {
    let model = model();
    let (mut board, hand) = start(model, full_ring(model));
    // The other one's rating must not go with it.
    assert_eq!(
        board.ask(Request::ForgetMe { who: OWNER }),
        Reply::Refused(Refusal::StorageFailed)
    );
    let mut flash = hand.0.borrow().clone();
    for at in 0..flash.bytes.len() / 4 {
        // Take the other one out, damaged as it were.
        if flash.bytes[at * 4..][..4] == 300_u32.to_le_bytes() {
            flash.bytes[at * 4] = 0;
        }
    }
    let (mut board, hand) = start(model, flash);
    assert!(held(&board)[1].0.ratings().is_empty());
    assert_eq!(
        board.ask(Request::ForgetMe { who: OWNER }),
        Reply::Forgotten { ratings: 0 }
    );
    assert!(!hand.0.borrow().holds(&10_u32.to_le_bytes()));
    assert!(matches!(
        board.ask(rate(OWNER, 10, 4.0)),
        Reply::Rated { ratings: 1, .. }
    ));
}

#[test]
fn power_lost_while_it_formats_leaves_the_log_as_it_was_or_nothing() {
    let model = model();
    let flash = filled(model);
    let before = found(model, &flash);
    let nobody = nothing(model);
    let (mut board, hand) = start(model, flash.clone());
    board.ask(Request::Format);
    let bytes = hand.0.borrow().used;
    let mut whole = 0;
    for power in 0..bytes {
        let (mut board, hand) = start(model, flash.clone());
        hand.0.borrow_mut().power = power;
        board.ask(Request::Format);
        let left = hand.0.borrow().clone();
        let now = found(model, &left);
        assert!(now == before || now == nobody, "{power} of {bytes}");
        whole += usize::from(now == before);
    }
    assert!(whole > 0 && whole < bytes);
}
