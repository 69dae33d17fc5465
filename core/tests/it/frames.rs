//! Frames as bytes: of whatever version, among noise and text, and what is answered to them.

use crate::service::{Bench, Line, frame_of};
use pocketrec::image::example;
use pocketrec::service::Port;
use pocketrec::wire::{
    FrameError, FrameReader, LinkCounters, MAX_FRAME, Refusal, Reply, Request, VERSION,
};

#[test]
fn hello_is_frozen_for_ever() {
    let image = example();
    let mut bench = Bench::new(crate::open(image.bytes()));
    // Byte for byte, as the first release sent it: a later one must answer to these very bytes ...
    assert_eq!(frame_of(1, 7, &Request::Hello), HELLO_REQUEST);
    bench.bytes(&HELLO_REQUEST);
    // ... and answer with these, but for versions, status, capabilities and size.
    let learn = u8::from(cfg!(feature = "learn"));
    let grow = u8::from(cfg!(feature = "grow")) << 4;
    let orders = u8::from(cfg!(feature = "orders")) << 5;
    let together = u8::from(cfg!(feature = "together")) << 6;
    let mut plain = vec![
        VERSION,
        7,
        0,
        0,
        0,
        0,
        b'P',
        b'k',
        b'R',
        b'd',
        VERSION,
        VERSION,
        1,
        2,
        3,
        0,
        4 | learn | grow | orders | together,
        0,
        0,
        0,
    ];
    plain.extend((MAX_FRAME as u16).to_le_bytes());
    let crc = pocketrec::numeric::crc32::crc32(&plain);
    plain.extend(crc.to_le_bytes());
    assert_eq!(unstuff(&bench.line.sent), plain);
}

const HELLO_REQUEST: [u8; 13] = [0, 3, 1, 7, 1, 1, 1, 5, 0x16, 0xae, 0xbe, 0xc8, 0];

/// COBS undone, written apart from the crate's.
fn unstuff(frame: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    assert_eq!(frame[0], 0);
    let mut at = 1;
    while frame[at] != 0 {
        let code = frame[at] as usize;
        plain.extend_from_slice(&frame[at + 1..at + code]);
        at += code;
        if code != 0xff && frame[at] != 0 {
            plain.push(0);
        }
    }
    plain
}

#[test]
fn hello_is_answered_in_any_version_and_everything_else_in_ours_only() {
    let image = example();
    let mut bench = Bench::new(crate::open(image.bytes()));
    bench.bytes(&frame_of(99, 5, &Request::Hello));
    assert!(matches!(bench.replies()[..], [(5, Reply::Hello(_))]));
    bench.bytes(&frame_of(99, 6, &Request::Limits));
    let found = FrameError::Version { found: 99 };
    assert_eq!(
        bench.replies(),
        [(6, Reply::Refused(Refusal::BadFrame(found)))]
    );
}

#[test]
fn noise_and_broken_frames_are_counted_and_do_not_disturb_the_next() {
    let image = example();
    let mut bench = Bench::new(crate::open(image.bytes()));
    bench.bytes(&[0, 0, 9, 9, 0, 0x55]);
    let mut broken = frame_of(VERSION, 3, &Request::Limits);
    broken[2] ^= 0x40;
    bench.bytes(&broken);
    bench.bytes(&vec![7; 5000]);
    bench.bytes(&[0]);
    let refused = bench.replies();
    // Twice noise, the broken frame, and what was too long.
    assert_eq!(refused.len(), 4, "{refused:?}");
    assert!(
        refused
            .iter()
            .all(|(n, reply)| *n == 0 && matches!(reply, Reply::Refused(Refusal::BadFrame(_))))
    );
    // A body that is longer than its message, or none.
    for body in [&[1_u8, 0][..], &[0xee], &[]] {
        let mut plain = vec![VERSION, 9, 0, 0, 0];
        plain.extend_from_slice(body);
        plain.extend(pocketrec::numeric::crc32::crc32(&plain).to_le_bytes());
        bench.bytes(&stuff(&plain));
        assert_eq!(
            bench.replies(),
            [(9, Reply::Refused(Refusal::BadFrame(FrameError::Body)))]
        );
    }
    let Reply::LinkCounters(counters) = bench.ask(10, Request::LinkCounters) else {
        panic!()
    };
    assert_eq!(
        counters,
        LinkCounters {
            bad_frames: 7,
            ..Line::default().counters()
        }
    );
}

#[test]
fn a_host_of_an_earlier_version_is_greeted_and_refused_by_the_version() {
    // As such a host sent them, byte for byte.
    let hello = [0, 3, 1, 7, 1, 1, 1, 5, 0x16, 0xae, 0xbe, 0xc8, 0];
    let top = [
        0, 3, 1, 8, 1, 1, 2, 4, 1, 2, 10, 5, 0x1a, 0xef, 0xff, 0xb8, 0,
    ];
    let image = example();
    let mut bench = Bench::new(crate::open(image.bytes()));
    bench.bytes(&hello);
    let replies = bench.replies();
    let [(7, Reply::Hello(hello))] = &replies[..] else {
        panic!("{replies:?}");
    };
    assert_eq!((hello.oldest, hello.newest), (VERSION, VERSION));
    bench.bytes(&top);
    let found = FrameError::Version { found: 1 };
    assert_eq!(
        bench.replies(),
        [(8, Reply::Refused(Refusal::BadFrame(found)))]
    );
}

#[test]
fn text_on_the_line_costs_the_frame_behind_it_nothing() {
    let image = example();
    let mut bench = Bench::new(crate::open(image.bytes()));
    let lines = [
        &b"ESP-ROM:esp32c3-api1-20210207\r\nrst:0x1 (POWERON)\r\n"[..],
        b"I (23) boot: 2nd stage bootloader",
        &[0xff; 400],
        &[0],
        &[0, 0, 0],
        b"",
    ];
    for (number, text) in (1..).zip(lines) {
        bench.bytes(text);
        bench.send(number, Request::Limits);
        let replies = bench.replies();
        let (answered, answer) = replies.last().unwrap();
        assert_eq!(*answered, number);
        assert!(matches!(answer, Reply::Limits(_)), "{replies:?}");
    }
    // The board's own text before, between and behind its frames.
    let mut sent = Vec::new();
    for (number, text) in (10..).zip(lines) {
        bench.send(number, Request::Limits);
        sent.extend_from_slice(text);
        sent.append(&mut bench.line.sent);
    }
    sent.extend(b"bye");
    let mut reader = FrameReader::new();
    let mut numbers = Vec::new();
    for byte in sent {
        if let Some(Ok(frame)) = reader.push(byte) {
            numbers.push(frame.number);
        }
    }
    assert_eq!(numbers, [10, 11, 12, 13, 14, 15]);
}

/// COBS of a short message, written apart from the crate's.
fn stuff(plain: &[u8]) -> Vec<u8> {
    assert!(plain.len() < 254);
    let blocks = plain.split(|&byte| byte == 0);
    blocks
        .flat_map(|block| std::iter::once(block.len() as u8 + 1).chain(block.iter().copied()))
        .chain([0])
        .collect()
}
