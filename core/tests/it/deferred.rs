//! Changes that somebody else stores in their own time: every step before the answer, and a power cut around each.

use crate::again::{LOG, OWNERS, held, model, plain, rate, session};
use crate::device::Device;
use pocketrec::model::Model;
use pocketrec::profile::{Change, Record, UNDO_DEPTH};
use pocketrec::store::deferred::{Deferred, Step};
use pocketrec::store::{InRam, StoreError};
use pocketrec::wire::{Refusal, Reply, Request, Who};

pub type Board = Device<'static, OWNERS, LOG, Deferred>;

const OWNER: Who = Who::Owner(0);
/// Records that there is room for: a compaction's, and some more.
const ROOM: usize = OWNERS * (LOG + UNDO_DEPTH) + 6;

/// Storage that is awaited: records as bytes, and a replacement that isn't committed yet.
#[derive(Clone)]
pub struct Stored {
    records: Vec<[u8; 16]>,
    next: Option<Vec<[u8; 16]>>,
    room: usize,
    /// Steps so far.
    pub steps: usize,
    replaced: usize,
    /// Whether it takes anything, and what it says of a step that it did or didn't.
    fails: bool,
    says: Option<StoreError>,
}

impl Default for Stored {
    fn default() -> Self {
        Self::with_room(ROOM)
    }
}

impl Stored {
    /// Of so many records.
    pub fn with_room(room: usize) -> Self {
        Self {
            records: Vec::new(),
            next: None,
            room,
            steps: 0,
            replaced: 0,
            fails: false,
            says: None,
        }
    }

    fn carry_out(&mut self, step: Step) -> Result<(), StoreError> {
        self.steps += 1;
        if self.fails {
            return Err(self.says.unwrap_or(StoreError::Failed));
        }
        match step {
            Step::Append(record) if self.records.len() < self.room => {
                self.records.push(record.to_bytes());
            }
            Step::Append(_) => return Err(StoreError::Full),
            Step::Begin => self.next = Some(Vec::new()),
            Step::Add(record) => self.next.as_mut().unwrap().push(record.to_bytes()),
            Step::Commit => {
                self.records = self.next.take().unwrap();
                self.replaced += 1;
            }
        }
        self.says.map_or(Ok(()), Err)
    }

    pub fn start(&self, model: Model<'static>) -> Board {
        let mut board = Device::new(Ok(model), Deferred::new(4096, self.room as u32));
        for bytes in &self.records {
            board.service.restore(Record::from_bytes(bytes).unwrap());
        }
        board.service.recall();
        board
    }
}

/// One round of a main loop: `false` where it may wait for bytes.
pub fn round(board: &mut Board, stored: &mut Stored) -> bool {
    if let Some(step) = board.service.step() {
        let done = stored.carry_out(step);
        board.service.acknowledge(done);
    }
    if board.service.is_working() {
        board.service.poll(&mut board.line);
        return true;
    }
    board.service.idle()
}

/// Asks under this number, and waits for the answer.
pub fn ask(
    board: &mut Board,
    stored: &mut Stored,
    number: u32,
    request: Request,
) -> Reply<'static> {
    board.number = number - 1;
    board.send(request);
    while round(board, stored) {}
    plain(board.replies().pop().unwrap())
}

/// A reply without where ratings are stored.
fn anywhere(reply: Reply<'static>) -> Reply<'static> {
    match reply {
        Reply::Storage(_) => Reply::Cancelled(true),
        reply => reply,
    }
}

#[test]
fn answers_and_profiles_are_those_of_a_store_that_blocks() {
    let model = model();
    let mut plain_board = Device::<OWNERS, LOG, _>::new(Ok(model), InRam);
    let mut stored = Stored::default();
    let mut board = stored.start(model);
    for (number, request) in (1000_u32..).zip(session()) {
        plain_board.number = number - 1;
        let due = anywhere(plain_board.ask(request));
        let told = anywhere(ask(&mut board, &mut stored, number, request));
        assert_eq!(told, due, "{request:?}");
        assert_eq!(held(&board), held(&plain_board), "{request:?}");
        assert_eq!(held(&stored.start(model)), held(&board), "{request:?}");
        assert!(stored.records.len() <= ROOM);
    }
    assert!(
        stored.replaced > 3,
        "room was made {} times",
        stored.replaced
    );
}

#[test]
fn power_lost_before_or_behind_any_step_and_asked_again_a_change_is_done_once() {
    let model = model();
    let mut stored = Stored::default();
    for (number, request) in (1000_u32..).zip(session()) {
        let (mut now, mut board) = (stored.clone(), stored.start(model));
        now.steps = 0;
        let due = ask(&mut board, &mut now, number, request);
        assert!(!matches!(due, Reply::Refused(_)), "{request:?}: {due:?}");
        let after = held(&board);
        for cut in 0..=now.steps {
            let (mut left, mut board) = (stored.clone(), stored.start(model));
            left.steps = 0;
            board.number = number - 1;
            board.send(request);
            while left.steps < cut && round(&mut board, &mut left) {}
            // Behind the step, whose acknowledgement is lost, or before the next one.
            for acknowledged in [true, false] {
                let mut left = left.clone();
                if !acknowledged && let Some(step) = board.service.step() {
                    let _lost = left.carry_out(step);
                }
                left.next = None;
                let asked = format!("{request:?}, cut after {cut} of {} steps", now.steps);
                let mut board = left.start(model);
                assert_eq!(ask(&mut board, &mut left, number, request), due, "{asked}");
                assert_eq!(held(&board), after, "{asked}");
                assert_eq!(held(&left.start(model)), after, "{asked}");
            }
        }
        stored = now;
    }
}

#[test]
fn a_change_that_is_not_stored_yet_is_neither_answered_nor_cancelled_nor_asked_twice() {
    let model = model();
    let mut stored = Stored::default();
    let mut board = stored.start(model);
    board.send(rate(OWNER, 10, 4.0));
    let step = board.service.step();
    assert!(matches!(
        step,
        Some(Step::Append(Record {
            owner: 0,
            change: Change::Rated(_),
            ..
        }))
    ));
    for _ in 0..3 {
        board.service.poll(&mut board.line);
    }
    assert!(board.replies().is_empty() && board.service.is_working());
    assert!(held(&board)[0].0.ratings().is_empty());
    // Again, as a host that hears nothing does; then something else, and a cancel.
    board.number -= 1;
    board.send(rate(OWNER, 10, 4.0));
    assert!(board.replies().is_empty());
    board.send(Request::Owners);
    assert_eq!(board.replies(), [Reply::Refused(Refusal::Busy)]);
    let number = board.number - 1;
    board.send(Request::Cancel { number });
    assert_eq!(board.replies(), [Reply::Cancelled(false)]);
    assert_eq!(board.service.step(), step);
    while round(&mut board, &mut stored) {}
    assert!(matches!(board.replies()[..], [Reply::Rated { .. }]));
    assert_eq!((stored.records.len(), stored.steps), (1, 1));
}

#[test]
fn what_storage_does_not_take_is_refused_and_changes_nothing() {
    let model = model();
    let mut stored = Stored::default();
    let mut board = stored.start(model);
    ask(&mut board, &mut stored, 1000, rate(OWNER, 10, 4.0));
    let before = held(&board);
    for (number, says, due) in [
        (2000, StoreError::Failed, Refusal::StorageFailed),
        (2001, StoreError::Full, Refusal::StorageFailed),
        (2002, StoreError::Unsure, Refusal::StorageUnsure),
    ] {
        (stored.fails, stored.says) = (true, Some(says));
        let told = ask(&mut board, &mut stored, number, rate(OWNER, 20, 1.0));
        assert_eq!(told, Reply::Refused(due), "{says:?}");
        assert_eq!(held(&board), before, "{says:?}");
    }
    (stored.fails, stored.says) = (false, None);
    let told = ask(&mut board, &mut stored, 2002, rate(OWNER, 20, 1.0));
    assert!(
        matches!(told, Reply::Refused(_)),
        "the answer is kept: {told:?}"
    );
    let told = ask(&mut board, &mut stored, 2003, rate(OWNER, 20, 1.0));
    assert!(matches!(told, Reply::Rated { .. }), "{told:?}");
    assert_eq!(held(&stored.start(model)), held(&board));
    // All is forgotten, though the old records may still lie there.
    board.send(Request::ForgetMe { who: OWNER });
    while {
        let is_commit = board.service.step() == Some(Step::Commit);
        stored.says = is_commit.then_some(StoreError::NotErased);
        round(&mut board, &mut stored)
    } {}
    let told = board.replies().pop();
    assert_eq!(told, Some(Reply::Refused(Refusal::NotErased)));
    assert!(held(&board)[0].0.ratings().is_empty());
}

#[test]
fn records_that_a_cut_left_of_what_was_forgotten_go_when_nobody_asks() {
    let model = model();
    let mut stored = Stored::default();
    let mut board = stored.start(model);
    ask(&mut board, &mut stored, 1000, rate(OWNER, 10, 4.0));
    board.send(Request::ForgetMe { who: OWNER });
    let forgotten = board.service.step().unwrap();
    stored.carry_out(forgotten).unwrap();
    // The power goes here.
    assert_eq!(stored.records.len(), 2);
    let mut board = stored.start(model);
    while round(&mut board, &mut stored) {}
    assert_eq!(stored.replaced, 1);
    assert!(stored.records.iter().all(|bytes| {
        let change = Record::from_bytes(bytes).unwrap().change;
        matches!(change, Change::Did(_))
    }));
    // Where storage refuses, it isn't tried on and on.
    ask(&mut board, &mut stored, 3000, rate(OWNER, 10, 4.0));
    board.send(Request::ForgetMe { who: OWNER });
    let forgotten = board.service.step().unwrap();
    stored.carry_out(forgotten).unwrap();
    let mut board = stored.start(model);
    stored.fails = true;
    let steps = stored.steps;
    while round(&mut board, &mut stored) {}
    while round(&mut board, &mut stored) {}
    assert_eq!(stored.steps, steps + 2);
}
