//! A log in flash that loses its power after every single byte, wears out, or holds something else.
#![cfg(feature = "learn")]

use crate::mock::Mock;
use pocketrec::ids::MovieId;
use pocketrec::profile::{Log, Rating, UNDO_DEPTH};
use pocketrec::store::flash::{FlashLog, least_region};
use pocketrec::store::{Asked, Change, Record, Store, StoreError};
use pocketrec::wire::StorageState;
use proptest::prelude::*;

const OWNERS: usize = 2;
const LOG: usize = 6;
const RECORDS: usize = OWNERS * (LOG + UNDO_DEPTH);

type Logs = [Log<LOG>; OWNERS];

fn live(logs: &Logs) -> impl Iterator<Item = Record> + '_ {
    (0..).zip(logs).flat_map(|(owner, log)| {
        log.changes().map(move |change| Record {
            owner,
            change,
            asked: Asked::default(),
        })
    })
}

fn replay<S: Store>(store: &mut S) -> Logs {
    let mut logs = Logs::default();
    store.replay(&mut |record| logs[usize::from(record.owner)].apply(record.change));
    logs
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Rate(u8, u32, u8),
    Undo(u8),
    Forget(u8, u32),
    ForgetMe(u8),
    Compact,
    WorkAhead,
}

/// The change of an action, where there is something to change.
fn change_of(action: Action, logs: &Logs) -> Option<Record> {
    let (owner, change) = match action {
        Action::Rate(owner, movie, half) => {
            let log = &logs[usize::from(owner)];
            log.check(MovieId(movie)).ok()?;
            let rating =
                Rating::new(MovieId(movie), f32::from(half) / 2.0, log.next_sequence()).unwrap();
            (owner, Change::Rated(rating))
        }
        Action::Undo(owner) => {
            logs[usize::from(owner)].last().ok()?;
            (owner, Change::Undone)
        }
        Action::Forget(owner, movie) => {
            logs[usize::from(owner)]
                .knows(MovieId(movie))
                .then_some(())?;
            (owner, Change::Forgot(MovieId(movie)))
        }
        Action::ForgetMe(owner) => (owner, Change::ForgotAll),
        Action::Compact | Action::WorkAhead => return None,
    };
    Some(Record {
        owner,
        change,
        asked: Asked::default(),
    })
}

/// Does what a service does; `Err` with the change that was in flight when it failed.
fn act<S: Store>(store: &mut S, logs: &mut Logs, action: Action) -> Result<(), Option<Record>> {
    match action {
        Action::Compact => return store.compact(&mut live(logs)).map_err(|_| None),
        Action::WorkAhead => {
            store.work_ahead();
            return Ok(());
        }
        _ => {}
    }
    let Some(record) = change_of(action, logs) else {
        return Ok(());
    };
    let kept = match store.append(record) {
        Err(StoreError::Full) => store
            .make_room(&mut live(logs))
            .and_then(|()| store.append(record)),
        kept => kept,
    };
    kept.map_err(|_| Some(record))?;
    logs[usize::from(record.owner)].apply(record.change);
    if let Action::ForgetMe(_) = action {
        store.compact(&mut live(logs)).map_err(|_| None)?;
    }
    Ok(())
}

/// Starts as a service does.
fn start<const PAGE: usize, const WORD: usize>(
    flash: Mock<PAGE, WORD>,
) -> (FlashLog<Mock<PAGE, WORD>>, Logs) {
    let mut store = FlashLog::open(flash, RECORDS);
    let logs = replay(&mut store);
    if store.needs_compaction() {
        let _ = store.compact(&mut live(&logs));
    }
    (store, logs)
}

fn action() -> impl Strategy<Value = Action> {
    let owner = 0..OWNERS as u8;
    let movie = 100_u32..109;
    prop_oneof![
        12 => (owner.clone(), movie.clone(), 1_u8..=10).prop_map(|(o, m, s)| Action::Rate(o, m, s)),
        5 => owner.clone().prop_map(Action::Undo),
        3 => (owner.clone(), movie).prop_map(|(o, m)| Action::Forget(o, m)),
        1 => owner.prop_map(Action::ForgetMe),
        1 => Just(Action::Compact),
        2 => Just(Action::WorkAhead),
    ]
}

/// The same long session for the same seed.
fn session(seed: u64, length: usize) -> Vec<Action> {
    let mut state = seed;
    let mut next = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..length)
        .map(|_| {
            let owner = next(OWNERS as u64) as u8;
            let movie = 100 + next(9) as u32;
            match next(100) {
                0..60 => Action::Rate(owner, movie, 1 + next(10) as u8),
                60..80 => Action::Undo(owner),
                80..94 => Action::Forget(owner, movie),
                94 => Action::ForgetMe(owner),
                95..97 => Action::Compact,
                _ => Action::WorkAhead,
            }
        })
        .collect()
}

/// The smallest region there can be: 28 live records in pages of 15 slots, so three pages for them, three for the
/// next compaction, and one.
const PAGE: usize = 256;
const PAGES: usize = 7;

/// Plays a session until the power goes, and checks what is there once it is back.
fn cut<const WORD: usize>(flash: Mock<PAGE, WORD>, session: &[Action]) -> Mock<PAGE, WORD> {
    let dead = flash.dead.clone();
    let before = start(flash.clone().restart(usize::MAX)).1;
    let (mut store, mut logs) = start(flash);
    let mut in_flight = None;
    if dead.get() {
        logs = before;
    }
    for action in session {
        if dead.get() {
            break;
        }
        if let Err(record) = act(&mut store, &mut logs, *action) {
            in_flight = record;
            break;
        }
    }
    let (store, found) = start(store.into_inner().restart(usize::MAX));
    let mut with = logs.clone();
    if let Some(record) = in_flight {
        with[usize::from(record.owner)].apply(record.change);
    }
    assert!(
        found == logs || found == with,
        "{found:?}\nfor {logs:?}\nor {with:?}"
    );
    store.into_inner()
}

/// Loses the power of a session again and again, each time `every` bytes later.
fn lose_power<const WORD: usize>(pages: usize, every: usize) {
    let session = session(1, 250);
    for backwards in [false, true] {
        let mut whole = Mock::<PAGE, WORD>::of_words(pages, 0xff);
        whole.backwards = backwards;
        let bytes = cut(whole.clone(), &session).used;
        let (mut store, mut logs) = start(whole.clone());
        for action in &session {
            act(&mut store, &mut logs, *action).unwrap();
        }
        let total = store.into_inner().used;
        assert!(total > 10_000, "{total} bytes");
        assert!(bytes <= total);
        for power in (0..=total).step_by(every) {
            let flash = cut(whole.clone().restart(power), &session);
            // The next session works.
            let (mut store, mut logs) = start(flash.restart(usize::MAX));
            for action in session.iter().take(20) {
                act(&mut store, &mut logs, *action).unwrap();
            }
            assert_eq!(start(store.into_inner()).1, logs);
        }
    }
}

#[test]
fn power_lost_after_any_byte_loses_at_most_the_change_in_flight() {
    lose_power::<4>(PAGES, 1);
}

/// The smallest region of such words.
fn pages<const WORD: usize>() -> usize {
    least_region(PAGE as u32, WORD as u32, RECORDS) as usize / PAGE
}

#[test]
fn power_lost_in_flash_of_words_of_1_to_32_bytes_loses_at_most_the_change_in_flight() {
    assert_eq!(pages::<4>(), PAGES);
    assert!(pages::<32>() > PAGES);
    lose_power::<1>(pages::<1>(), 31);
    lose_power::<2>(pages::<2>(), 31);
    lose_power::<8>(pages::<8>(), 13);
    lose_power::<16>(pages::<16>(), 13);
    lose_power::<32>(pages::<32>(), 13);
}

/// Many changes, in the smallest region of such words.
fn fill_again_and_again<const WORD: usize>() {
    let (mut store, mut logs) = start(Mock::<PAGE, WORD>::of_words(pages::<WORD>(), 0xff));
    for action in session(9, 5_000) {
        act(&mut store, &mut logs, action).unwrap();
    }
    assert_eq!(replay(&mut store), logs);
    let report = store.report();
    assert!(report.rounds > 50 && report.bad_writes == 0 && report.torn == 0);
    assert_eq!(start(store.into_inner()).1, logs);
    // A page less is too small, and is found out.
    let (store, _) = start(Mock::<PAGE, WORD>::of_words(pages::<WORD>() - 1, 0xff));
    assert_eq!(store.report().state, StorageState::Failed);
}

#[test]
fn the_smallest_region_of_words_of_1_to_32_bytes_never_runs_out_of_space() {
    fill_again_and_again::<1>();
    fill_again_and_again::<2>();
    fill_again_and_again::<8>();
    fill_again_and_again::<16>();
    fill_again_and_again::<32>();
}

proptest! {
    #[test]
    fn power_lost_again_and_again_loses_at_most_the_change_in_flight(
        sessions in proptest::collection::vec((proptest::collection::vec(action(), 0..60), 0_usize..4000), 1..12),
        backwards: bool,
    ) {
        let mut flash = Mock::<PAGE>::new(PAGES, 0xff);
        flash.backwards = backwards;
        for (session, power) in sessions {
            // Also while a start repairs what the last cut left.
            let (before, after) = (power % 700, power);
            let known = start(flash.clone().restart(usize::MAX)).1;
            let (store, _) = start(flash.restart(before));
            flash = store.into_inner();
            prop_assert_eq!(&start(flash.clone().restart(usize::MAX)).1, &known);
            flash = cut(flash.restart(after), &session);
        }
    }

    #[test]
    fn whatever_a_region_holds_it_is_formatted_or_read_and_then_works(
        noise in proptest::collection::vec(any::<u8>(), PAGE * PAGES),
        from_log: bool,
        hits in proptest::collection::vec((0..PAGE * PAGES, any::<u8>()), 0..40),
    ) {
        let mut flash = Mock::<PAGE>::new(PAGES, 0xff);
        if from_log {
            let (mut store, mut logs) = start(flash);
            for action in session(3, 80) {
                act(&mut store, &mut logs, action).unwrap();
            }
            flash = store.into_inner();
            // Another version's log, which a marker's last byte tells, is left alone.
            for (at, byte) in hits.into_iter().filter(|(at, _)| at % PAGE != 3) {
                flash.bytes[at] = byte;
            }
        } else {
            flash.bytes = noise;
        }
        flash.written.fill(true);
        for (at, byte) in flash.bytes.iter().enumerate() {
            flash.written[at] = *byte != 0xff;
        }
        let (mut store, mut logs) = start(flash);
        if store.report().state == StorageState::OtherVersion {
            // One byte of a page's marker is all that tells.
            store.format().unwrap();
        }
        prop_assert!(matches!(store.report().state, StorageState::Flash | StorageState::Formatted));
        for action in session(4, 60) {
            act(&mut store, &mut logs, action).unwrap();
        }
        prop_assert_eq!(start(store.into_inner()).1, logs);
    }
}

#[test]
fn a_hundred_thousand_changes_never_run_out_of_space_and_match_a_plain_replay() {
    let (mut store, mut logs) = start(Mock::<PAGE>::new(PAGES, 0xff));
    for (number, action) in session(9, 100_000).into_iter().enumerate() {
        act(&mut store, &mut logs, action).unwrap();
        if number % 97 == 0 {
            assert_eq!(replay(&mut store), logs, "change {number}");
        }
    }
    let report = store.report();
    let flash = store.into_inner();
    let erasures = flash.erasures.borrow().clone();
    let (least, most) = (
        erasures.iter().min().unwrap(),
        erasures.iter().max().unwrap(),
    );
    assert!(
        most - least <= 1 + most / 50,
        "wear is spread: {erasures:?}"
    );
    assert!(report.rounds > 1000 && report.bad_writes == 0 && report.torn == 0);
    assert_eq!(start(flash).1, logs);
}

#[test]
fn after_forget_me_no_old_record_is_in_flash_nor_after_a_cut_in_its_middle() {
    let movie = 0x00c0_ffee_u32;
    let fill = |flash| {
        let (mut store, mut logs) = start(flash);
        for round in 0..8 {
            act(&mut store, &mut logs, Action::Rate(0, movie, 1 + round)).unwrap();
            act(&mut store, &mut logs, Action::Rate(1, 555, 1 + round)).unwrap();
        }
        (store, logs)
    };
    let secret = movie.to_le_bytes();
    let kept = 555_u32.to_le_bytes();
    let (mut store, mut logs) = fill(Mock::<PAGE>::new(PAGES, 0xff));
    let before = store.report();
    assert!(before.records > 16);
    act(&mut store, &mut logs, Action::ForgetMe(0)).unwrap();
    let flash = store.into_inner();
    assert!(!flash.holds(&secret) && flash.holds(&kept));
    let total = flash.used;
    let start_of_it = {
        let (store, _) = fill(Mock::<PAGE>::new(PAGES, 0xff));
        store.into_inner().used
    };
    for backwards in [false, true] {
        for power in start_of_it..total {
            let mut flash = Mock::<PAGE>::new(PAGES, 0xff);
            flash.backwards = backwards;
            let (store, mut logs) = fill(flash);
            let flash = store.into_inner();
            let (mut store, _) = start(flash.restart(power - start_of_it));
            act(&mut store, &mut logs, Action::ForgetMe(0)).unwrap_err();
            let (store, found) = start(store.into_inner().restart(usize::MAX));
            let flash = store.into_inner();
            // Either it was never asked, or nothing is left.
            assert_eq!(
                found[0].ratings().is_empty(),
                !flash.holds(&secret),
                "{power}"
            );
            assert_eq!(found[1], logs[1]);
        }
    }
    // The same for one movie, once it is compacted.
    let (mut store, mut logs) = fill(Mock::<PAGE>::new(PAGES, 0xff));
    act(&mut store, &mut logs, Action::Forget(0, movie)).unwrap();
    act(&mut store, &mut logs, Action::Compact).unwrap();
    assert!(!store.into_inner().holds(&secret));
}

#[test]
fn worn_flash_is_passed_over_and_then_refused() {
    let (mut store, mut logs) = start(Mock::<PAGE>::new(PAGES, 0xff));
    act(&mut store, &mut logs, Action::Rate(0, 100, 3)).unwrap();
    let mut flash = store.into_inner();
    // The two slots behind the first record of page 0.
    flash.worn.extend(16 + 2 * 20..16 + 4 * 20);
    let (mut store, mut found) = start(flash);
    assert_eq!(found, logs);
    act(&mut store, &mut found, Action::Rate(0, 101, 5)).unwrap();
    assert_eq!(store.report().bad_writes, 2);
    let mut flash = store.into_inner();
    let (store, again) = start(flash.clone());
    assert_eq!(
        (again, store.report().state),
        (found.clone(), StorageState::Flash)
    );
    flash.worn.extend(0..PAGE * PAGES);
    let (mut store, logs) = start(flash);
    assert_eq!(logs, found);
    let refused = act(&mut store, &mut found, Action::Rate(0, 102, 5));
    assert!(refused.is_err());
    assert_eq!((replay(&mut store), &logs), (found, &logs));
}

#[test]
fn flash_that_drops_writes_is_found_out_at_the_start_and_profiles_live_in_ram() {
    for fill in [0xff, 0] {
        let mut flash = Mock::<PAGE>::new(PAGES, fill);
        flash.worn.extend(0..PAGE * PAGES);
        let (mut store, mut logs) = start(flash);
        let report = store.report();
        assert_eq!((report.state, report.records), (StorageState::Failed, 0));
        for action in session(2, 50) {
            act(&mut store, &mut logs, action).unwrap();
        }
        assert_ne!(logs, Logs::default());
        assert_eq!(start(store.into_inner()).1, Logs::default());
    }
    // So is a region that is too small.
    let (store, _) = start(Mock::<PAGE>::new(PAGES - 1, 0xff));
    assert_eq!(store.report().state, StorageState::Failed);
}

#[test]
fn a_region_that_held_something_else_says_so_once() {
    let (store, _) = start(Mock::<PAGE>::new(PAGES, 0xff));
    assert_eq!(store.report().state, StorageState::Flash);
    let (store, _) = start(Mock::<PAGE>::new(PAGES, 0));
    assert_eq!(store.report().state, StorageState::Formatted);
    let (store, logs) = start(store.into_inner());
    assert_eq!(
        (store.report().state, logs),
        (StorageState::Flash, Logs::default())
    );
}

#[test]
fn pages_are_erased_ahead_so_that_no_change_waits_for_it() {
    let flash = Mock::<PAGE>::new(PAGES, 0xff);
    let erasures = flash.erasures.clone();
    let count = || erasures.borrow().iter().sum::<u32>();
    let (mut store, mut logs) = start(flash);
    let mut ahead = 0;
    for action in session(5, 2000) {
        if matches!(action, Action::ForgetMe(_) | Action::Compact) {
            continue;
        }
        let before = count();
        act(&mut store, &mut logs, action).unwrap();
        if !matches!(action, Action::WorkAhead) {
            assert_eq!(count(), before, "{action:?}");
        }
        while store.work_ahead() {
            ahead += 1;
        }
    }
    assert!(ahead > 50, "{ahead}");
}

#[test]
fn the_bytes_of_a_log_are_pinned() {
    let mut store = FlashLog::open(Mock::<256>::new(7, 0xff), RECORDS);
    store.replay(&mut |_| ());
    let record = |change| Record {
        owner: 1,
        change,
        asked: Asked {
            number: 0x0102_0304,
            check: 0x0506,
        },
    };
    let rating = Rating::new(MovieId(300), 4.5, 7).unwrap();
    for change in [
        Change::Rated(rating),
        Change::Undone,
        Change::Forgot(MovieId(300)),
    ] {
        store.append(record(change)).unwrap();
    }
    let flash = store.into_inner();
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    // A change here is another version: raise the marker's last byte.
    assert_eq!(hex(&flash.bytes[..16]), "506b4c32010000000100000092b83411");
    let records = flash.bytes[16..].chunks(20).take(4).map(hex);
    assert_eq!(
        records.collect::<Vec<_>>(),
        [
            "01000000000000000000000000080000e260c9ca",
            "2c01000012700000040302010101060581301127",
            "0000000000000000040302010102060515dcb032",
            "2c0100000000000004030201010306057fc5943a"
        ]
    );
    assert_eq!(
        hex(&flash.bytes[256..272]),
        "506b4c32ffffffffffffffffffffffff"
    );
}

proptest! {
    #[test]
    fn power_cuts_alone_never_fill_the_ring(
        actions in proptest::collection::vec(action(), 30..90),
        cuts in proptest::collection::vec((0_usize..700, any::<bool>()), 40)
    ) {
        const PAGE: usize = 256;
        let pages = least_region(PAGE as u32, 4, RECORDS) / PAGE as u32;
        // What the largest compaction takes.
        let reserve = (pages - 1) / 2;
        let mut flash = Mock::<PAGE>::new(pages as usize, 0xff);
        let mut actions = actions.iter().cycle();
        for (power, backwards) in cuts {
            flash.backwards = backwards;
            // Often the power goes while it starts, which repairs what the last cut left.
            let (mut store, mut logs) = start(flash.restart(power));
            for action in actions.by_ref().take(12) {
                let _ = act(&mut store, &mut logs, *action);
            }
            flash = store.into_inner().restart(usize::MAX);
            let (mut store, mut logs) = start(flash.clone());
            let report = store.report();
            prop_assert!(u32::from(report.free) >= reserve, "{report:?}");
            let kept = act(&mut store, &mut logs, Action::ForgetMe(0));
            prop_assert!(kept.is_ok(), "{kept:?}");
            prop_assert!(act(&mut store, &mut logs, Action::Rate(0, 100, 9)).is_ok());
        }
    }
}
