//! The connection against a board in memory whose line is bad in every way that lines are.

use super::super::memory::MemoryBoard;
use super::*;
use pocketrec::image::{AlignedBytes, example};
use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::rank::Order;
use pocketrec::wire::Who;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// What a bad line does to the bytes on it.
#[derive(Default)]
struct Faults {
    /// Reads to swallow before any byte comes through.
    lose_reads: usize,
    /// Writes to swallow: a connection writes a frame at once.
    lose_writes: usize,
    /// Bytes that come ahead of the next read's.
    noise: Vec<u8>,
    /// The line is cut.
    cut: bool,
}

struct BadLine<'m> {
    board: MemoryBoard<'m>,
    faults: Faults,
    written: usize,
}

impl Write for BadLine<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.faults.cut {
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.written += usize::from(bytes != PREAMBLE);
        if self.faults.lose_writes > 0 {
            self.faults.lose_writes -= 1;
            return Ok(bytes.len());
        }
        self.board.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for BadLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.faults.cut {
            return Ok(0);
        }
        let noise = self.faults.noise.len().min(buffer.len());
        if noise > 0 {
            buffer[..noise].copy_from_slice(&self.faults.noise[..noise]);
            self.faults.noise.drain(..noise);
            return Ok(noise);
        }
        let count = self.board.read(buffer)?;
        if self.faults.lose_reads > 0 {
            self.faults.lose_reads -= 1;
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(count)
    }
}

fn connect(image: &AlignedBytes<256>, faults: Faults) -> Connection<BadLine<'_>> {
    let line = BadLine {
        board: MemoryBoard::new(Model::open(image.bytes())),
        faults,
        written: 0,
    };
    Connection::new(line, "a bad line", Timing::MEMORY)
}

const RATE: Request = Request::Rate {
    who: Who::Owner(0),
    movie: 10,
    stars: 5.0,
};

fn ratings<L: Read + Write>(connection: &mut Connection<L>) -> u32 {
    let who = Who::Owner(0);
    connection
        .ask_for(
            &Request::Profile { who },
            |_, _| (),
            |reply| match reply {
                Reply::Profile(profile) => Some(profile.ratings),
                _ => None,
            },
        )
        .unwrap()
}

#[test]
fn a_good_line_answers_at_the_first_try() {
    let image = example();
    let mut connection = connect(&image, Faults::default());
    connection.hello().unwrap();
    assert_eq!(connection.line.written, 1);
}

#[test]
fn a_lost_reply_is_asked_for_again_and_the_rating_applied_once() {
    let image = example();
    let mut connection = connect(
        &image,
        Faults {
            lose_reads: 1,
            ..Faults::default()
        },
    );
    let answer = connection.ask(&RATE).unwrap();
    assert!(matches!(
        answer.reply(),
        Some(Reply::Rated { ratings: 1, .. })
    ));
    assert_eq!(connection.line.written, 2, "sent twice");
    assert_eq!(ratings(&mut connection), 1);
}

#[test]
fn a_lost_request_is_sent_again() {
    let image = example();
    let mut connection = connect(
        &image,
        Faults {
            lose_writes: 1,
            ..Faults::default()
        },
    );
    connection.ask(&RATE).unwrap();
    assert_eq!(ratings(&mut connection), 1);
}

#[test]
fn noise_before_an_answer_costs_at_most_a_repetition() {
    let image = example();
    for noise in [
        vec![0],
        vec![7; 20],
        vec![3, 1, 4, 0, 1, 5, 9, 0],
        vec![255; 2000],
    ] {
        let mut connection = connect(
            &image,
            Faults {
                noise: noise.clone(),
                ..Faults::default()
            },
        );
        connection.ask(&RATE).unwrap();
        assert_eq!(ratings(&mut connection), 1, "{noise:?}");
    }
}

#[test]
fn half_a_frame_left_in_the_board_by_an_earlier_host_does_no_harm() {
    let image = example();
    let mut connection = connect(&image, Faults::default());
    connection.line.board.write_all(&[9, 9, 9, 9]).unwrap();
    connection.ask(&RATE).unwrap();
    assert_eq!(ratings(&mut connection), 1);
}

#[test]
fn an_answer_to_an_earlier_request_is_not_taken_for_this_ones() {
    let image = example();
    let mut connection = connect(&image, Faults::default());
    // The answer to a number that nobody waits for lies in the line.
    let mut frame = [0; MAX_FRAME];
    let length = encode_frame(VERSION, 1, &Request::ModelInfo, &mut frame).unwrap();
    connection.line.board.write_all(&frame[..length]).unwrap();
    connection.hello().unwrap();
}

/// A line that says what a test wants said, whatever is asked: a frame for each time it is asked.
struct Says {
    replies: VecDeque<Vec<u8>>,
    ready: VecDeque<u8>,
}

impl Write for Says {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes != PREAMBLE {
            let said = self.replies.pop_front();
            self.ready.extend(said.unwrap_or_default());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Says {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() {
            std::thread::sleep(Duration::from_millis(1));
            return Err(ErrorKind::TimedOut.into());
        }
        self.ready.read(buffer)
    }
}

fn says(replies: impl IntoIterator<Item = Vec<u8>>) -> Connection<Says> {
    let line = Says {
        replies: replies.into_iter().collect(),
        ready: VecDeque::new(),
    };
    let mut connection = Connection::new(line, "a line", Timing::MEMORY);
    connection.number = 41;
    connection
}

pub(super) fn frame(number: u32, reply: &Reply<'_>) -> Vec<u8> {
    let mut frame = [0; MAX_FRAME];
    let length = encode_frame(VERSION, number, reply, &mut frame).unwrap();
    frame[..length].to_vec()
}

const HELLO: Hello = Hello {
    magic: HELLO_MAGIC,
    oldest: VERSION,
    newest: VERSION,
    firmware: [0, 1, 0],
    status: 0,
    capabilities: 0,
    largest_frame: MAX_FRAME as u16,
};

#[test]
fn silence_garbage_a_cut_and_frames_without_an_answer_are_told_apart() {
    let silent = says([]).hello().unwrap_err();
    assert!(
        matches!(silent, LinkError::Silent { tries: 3, .. }),
        "{silent}"
    );
    let garbage = says([vec![0x55; 40], vec![0x55, 0, 1, 2]])
        .hello()
        .unwrap_err();
    assert!(
        matches!(garbage, LinkError::Garbage { bytes: 44, .. }),
        "{garbage}"
    );
    assert!(!garbage.to_string().contains("--baud"), "{garbage}");
    let garbage = says([vec![0xf8; 40]]).hello().unwrap_err();
    assert!(garbage.to_string().contains("--baud"), "{garbage}");
    // A board that was understood once has the right rate.
    let mut lost = says([frame(42, &Reply::Hello(HELLO)), vec![0xf8; 40]]);
    lost.hello().unwrap();
    let lost = lost.ask(&Request::Health).unwrap_err();
    assert!(matches!(lost, LinkError::NoAnswer { .. }), "{lost}");
    assert!(!lost.to_string().contains("--baud"), "{lost}");
    let other = says([frame(7, &Reply::Stars(1.0))]).hello().unwrap_err();
    assert!(matches!(other, LinkError::NoAnswer { .. }), "{other}");
    let image = example();
    let cut = connect(
        &image,
        Faults {
            cut: true,
            ..Faults::default()
        },
    )
    .hello()
    .unwrap_err();
    assert!(matches!(cut, LinkError::Gone { .. }), "{cut}");
}

#[test]
fn a_request_that_is_to_stop_is_cancelled_and_what_the_board_says_of_it_told() {
    let request = Request::TopN {
        who: Who::Owner(0),
        count: 10,
        include_rated: false,
        include_below: false,
        order: Order::Score,
        wanted: Wanted::ANY,
    };
    let working = frame(42, &Reply::Working { done: 1, total: 9 });
    for due in [Some(true), Some(false), None] {
        let said = due.map(|stopped| frame(43, &Reply::Cancelled(stopped)));
        let stop: &AtomicBool = Box::leak(Box::default());
        let mut connection = says([working.clone()].into_iter().chain(said));
        connection.heed(stop);
        let ended =
            connection.ask_with_progress(&request, |_, _| stop.store(true, Ordering::Relaxed));
        let Err(LinkError::Interrupted { stopped, .. }) = ended else {
            panic!("{ended:?}");
        };
        assert_eq!(stopped, due);
    }
}

#[test]
fn a_line_that_breaks_after_ctrl_c_is_an_interruption_and_no_failure() {
    let image = example();
    let cut = Faults {
        cut: true,
        ..Faults::default()
    };
    let mut connection = connect(&image, cut);
    let stop: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    connection.heed(stop);
    let gone = connection.ask(&Request::Health).unwrap_err();
    assert!(matches!(gone, LinkError::Gone { .. }), "{gone}");
    stop.store(true, Ordering::Relaxed);
    let ended = connection.ask(&Request::Health).unwrap_err().to_string();
    assert!(
        ended.ends_with("did not say that it has stopped"),
        "{ended}"
    );
}

#[test]
fn an_older_and_a_newer_firmware_and_a_stranger_are_named() {
    let old = Hello {
        oldest: 0,
        newest: 0,
        firmware: [0, 0, 9],
        ..HELLO
    };
    let text = says([frame(42, &Reply::Hello(old))])
        .hello()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("0.0.9")
            && text.contains("version 0 ")
            && text.contains("firmware is too old"),
        "{text}"
    );
    let new = Hello {
        oldest: VERSION + 1,
        newest: VERSION + 2,
        ..HELLO
    };
    let text = says([frame(42, &Reply::Hello(new))])
        .hello()
        .unwrap_err()
        .to_string();
    assert!(text.contains("this program is too old"), "{text}");
    let stranger = Hello {
        magic: *b"Abcd",
        ..HELLO
    };
    for reply in [Reply::Hello(stranger), Reply::Stars(3.0)] {
        let error = says([frame(42, &reply)]).hello().unwrap_err();
        assert!(matches!(error, LinkError::Stranger { .. }), "{error}");
    }
}

#[test]
fn a_firmware_of_the_first_version_is_told_in_one_sentence_from_the_bytes_it_sends() {
    let reply = [
        0x00, 0x03, 0x01, 0x2a, 0x01, 0x01, 0x01, 0x07, 0x50, 0x6b, 0x52, 0x64, 0x01, 0x01, 0x02,
        0x01, 0x01, 0x02, 0x03, 0x01, 0x01, 0x07, 0x2d, 0x01, 0x49, 0xf3, 0xaa, 0x29, 0x00,
    ];
    let told = says([reply.to_vec()]).hello().unwrap_err().to_string();
    assert_eq!(
        told,
        format!(
            "the board's firmware (0.1.0) speaks version 1 of the messages, and this program version {VERSION}: the firmware is too old, and `cargo xtask flash BOARD` brings it up to date; a program of its day saves its owners' ratings first (`query ratings --save FILE`)"
        )
    );
}

#[test]
fn a_busy_board_is_asked_again_until_it_has_time() {
    let busy = || frame(42, &Reply::Refused(Refusal::Busy));
    let mut connection = says([
        busy(),
        busy(),
        busy(),
        busy(),
        frame(42, &Reply::Stars(2.0)),
    ]);
    let answer = connection.ask(&Request::ModelInfo).unwrap();
    assert_eq!(answer.reply(), Some(Reply::Stars(2.0)));
}

#[test]
fn a_damaged_request_is_sent_again_before_the_silence_is_over() {
    use pocketrec::wire::FrameError;
    let bad = frame(0, &Reply::Refused(Refusal::BadFrame(FrameError::Crc)));
    let mut connection = says([bad, frame(42, &Reply::Stars(2.0))]);
    // After damage a quarter of the silence is waited, so this is long enough for a slow machine.
    connection.timing.silence = Duration::from_secs(2);
    let answer = connection.ask(&Request::ModelInfo).unwrap();
    assert_eq!(answer.reply(), Some(Reply::Stars(2.0)));
}

#[test]
fn a_refusal_is_a_sentence_for_people() {
    let image = example();
    let mut connection = connect(&image, Faults::default());
    let request = Request::Predict {
        who: Who::ImageUser(99),
        movie: 10,
    };
    let refused = connection
        .ask_for(&request, |_, _| (), |_| Some(()))
        .unwrap_err();
    assert_eq!(refused.to_string(), "user 99 is not in the device's model");
    let mut broken = example();
    broken.bytes_mut()[0] = 0;
    let mut connection = connect(&broken, Faults::default());
    connection.hello().unwrap();
    let refused = connection
        .ask_for(&Request::ModelInfo, |_, _| (), |_| Some(()))
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("no model") && refused.contains("flash"),
        "{refused}"
    );
}

/// A line that never has room, as that of a board which doesn't take bytes in.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        std::thread::sleep(Duration::from_millis(1));
        Err(ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Full {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        std::thread::sleep(Duration::from_millis(1));
        Err(ErrorKind::TimedOut.into())
    }
}

#[test]
fn a_line_without_room_for_a_request_is_silence_and_not_a_wait_for_ever() {
    let error = Connection::new(Full, "a full line", Timing::MEMORY)
        .hello()
        .unwrap_err();
    assert!(matches!(error, LinkError::Silent { .. }), "{error}");
}

#[test]
fn a_board_that_never_stops_talking_does_not_keep_a_request_for_ever() {
    /// Says that it can't read a frame, without end.
    struct Babble(Vec<u8>);
    impl Write for Babble {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Read for Babble {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer[..self.0.len()].copy_from_slice(&self.0);
            Ok(self.0.len())
        }
    }
    let why = Refusal::BadFrame(pocketrec::wire::FrameError::Cobs);
    let babble = Babble(frame(0, &Reply::Refused(why)));
    let error = Connection::new(babble, "a babbling line", Timing::MEMORY)
        .hello()
        .unwrap_err();
    assert!(matches!(error, LinkError::NoAnswer { .. }), "{error}");
}
