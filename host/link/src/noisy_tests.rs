//! A line that carries more than frames: lines of a log before, between and inside of them, what a boot loader prints, and
//! bytes that get lost while a board starts.

use super::super::memory::MemoryBoard;
use super::*;
use pocketrec::image::example;
use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::rank::Order;
use pocketrec::wire::{LinkCounters, Who};
use std::collections::VecDeque;
use std::io;

const BOOT: &[u8] =
    b"ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\nrst:0x1 (POWERON),boot:0xc\r\n";
const LOG: &[u8] = b"[    0.213] INFO sensor: 21.5 C\r\n";

struct Line<'m> {
    board: MemoryBoard<'m>,
    /// Frames that the host wrote.
    asked: usize,
    /// Bytes on their way to the host.
    coming: VecDeque<u8>,
    /// Bytes that are lost on the way to the board, and to the host.
    lost: (usize, usize),
    /// What the board prints before each of its frames.
    before: &'static [u8],
    /// What it prints inside of a frame: after how many bytes since the last time, and until then.
    inside: Option<(usize, usize)>,
}

fn connect<'m>(model: Model<'m>, shape: impl FnOnce(&mut Line<'m>)) -> Connection<Line<'m>> {
    let mut line = Line {
        board: MemoryBoard::new(Ok(model)),
        asked: 0,
        coming: VecDeque::new(),
        lost: (0, 0),
        before: b"",
        inside: None,
    };
    shape(&mut line);
    Connection::new(line, "a line", Timing::MEMORY)
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.asked += usize::from(bytes != PREAMBLE);
        let lost = self.lost.0.min(bytes.len());
        self.lost.0 -= lost;
        self.board.write_all(&bytes[lost..])?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Line<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.coming.is_empty() {
            let mut from_board = [0; 1024];
            let count = self.board.read(&mut from_board)?;
            self.coming.extend(self.before);
            for byte in &from_board[..count] {
                self.coming.push_back(*byte);
                if let Some((every, left)) = &mut self.inside {
                    *left -= 1;
                    if *left == 0 {
                        *left = *every;
                        self.coming.extend(LOG);
                    }
                }
            }
            let lost = self.lost.1.min(self.coming.len());
            self.lost.1 -= lost;
            self.coming.drain(..lost);
        }
        if self.coming.is_empty() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.coming.read(buffer)
    }
}

/// Rates, takes back and lists; each answer is the one that a quiet line brings.
fn converse(connection: &mut Connection<Line<'_>>, model: Model<'_>) -> usize {
    let mut quiet = Connection::new(MemoryBoard::new(Ok(model)), "a quiet line", Timing::MEMORY);
    let who = Who::Owner(0);
    let rate = |movie, stars| Request::Rate { who, movie, stars };
    let top = Request::TopN {
        who,
        count: 4,
        include_rated: false,
        include_below: false,
        order: Order::Score,
        wanted: Wanted::ANY,
    };
    let requests = [
        Request::Hello,
        rate(10, 4.5),
        rate(20, 1.0),
        top,
        Request::Undo { who },
        Request::Profile { who },
        rate(300, 2.0),
        Request::Undo { who },
        Request::Undo { who },
        top,
    ];
    for request in &requests {
        let due = quiet.ask(request).unwrap();
        assert_eq!(connection.ask(request).unwrap(), due, "{request:?}");
    }
    requests.len()
}

#[test]
fn lines_of_a_log_before_and_between_frames_cost_nothing() {
    let image = example();
    let model = Model::open(image.bytes()).unwrap();
    let noise: &[u8] = &[0, 0xff, 3, 0, 0, 7, 9];
    for before in [BOOT, LOG, noise, &[0xf8; 1000]] {
        let mut connection = connect(model, |line| line.before = before);
        // The board hears text too: what a terminal typed, or an earlier host's half frame.
        connection.line.board.write_all(before).unwrap();
        connection.line.coming.extend(BOOT);
        let asked = converse(&mut connection, model);
        assert_eq!(connection.line.asked, asked);
    }
}

#[test]
fn a_line_of_a_log_inside_of_a_frame_costs_a_repetition_and_no_change_is_made_twice() {
    let image = example();
    let model = Model::open(image.bytes()).unwrap();
    let mut again = 0;
    for every in [211, 256, 331] {
        let mut connection = connect(model, |line| line.inside = Some((every, every)));
        let asked = converse(&mut connection, model);
        again += connection.line.asked - asked;
    }
    assert!(again > 0);
}

#[test]
fn bytes_that_are_lost_while_a_board_starts_cost_one_repetition() {
    let image = example();
    let model = Model::open(image.bytes()).unwrap();
    // The first byte is a zero that stands for nothing.
    for (lost, again) in [(1, 0), (2, 1), (7, 1), (64, 1)] {
        for lost in [(lost, 0), (0, lost)] {
            let mut connection = connect(model, |line| line.lost = lost);
            let asked = converse(&mut connection, model);
            assert_eq!(connection.line.asked, asked + again, "{lost:?}");
        }
    }
}

#[test]
fn text_that_a_board_hears_is_counted_and_answered_by_nothing_that_disturbs() {
    let image = example();
    let model = Model::open(image.bytes()).unwrap();
    let mut connection = connect(model, |_| ());
    for _ in 0..5 {
        connection.line.board.write_all(LOG).unwrap();
        connection.ask(&Request::Health).unwrap();
    }
    let answer = connection.ask(&Request::LinkCounters).unwrap();
    let Some(Reply::LinkCounters(LinkCounters { bad_frames, .. })) = answer.reply() else {
        panic!("{answer:?}")
    };
    assert_eq!(bad_frames, 5);
}
