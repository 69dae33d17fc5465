//! The service driven in memory, over its real frames, before any port exists.

use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::ImageError;
use pocketrec::image::{AlignedBytes, example};
use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::service::{Board, Port, Service};
use pocketrec::wire::FrameError;
use pocketrec::wire::{
    Capabilities, FrameReader, LinkCounters, MAX_BODY, MAX_FRAME, MAX_LIST, Refusal, Reply,
    Request, Reset, VERSION, Who, encode_frame,
};

#[derive(Default)]
pub struct Line {
    pub sent: Vec<u8>,
    now: std::cell::Cell<u32>,
    /// Milliseconds that a look at the clock takes.
    tick: u32,
    working: Vec<bool>,
}

impl Port for Line {
    fn send(&mut self, bytes: &[u8]) {
        self.sent.extend_from_slice(bytes);
    }

    fn now(&self) -> u32 {
        self.now.set(self.now.get().wrapping_add(self.tick));
        self.now.get()
    }

    fn counters(&self) -> LinkCounters {
        LinkCounters {
            received: 1000,
            while_working: 200,
            lost: 3,
            bad_frames: 0,
        }
    }

    fn working(&mut self, working: bool) {
        self.working.push(working);
    }
}

pub const BOARD: Board = Board {
    name: "in memory",
    firmware: [1, 2, 3],
    capabilities: Capabilities(Capabilities::LOG),
    image_region: 1024,
    reset: Reset::Power,
    at: 0,
    crashes: 0,
    poll_cycles: 1,
};

pub fn frame_of(version: u8, number: u32, request: &Request) -> Vec<u8> {
    let mut frame = [0; MAX_FRAME];
    let length = encode_frame(version, number, request, &mut frame).unwrap();
    frame[..length].to_vec()
}

struct Bench<'m> {
    service: Service<'m, 2>,
    line: Line,
}

impl<'m> Bench<'m> {
    fn new(model: Result<Model<'m>, ImageError>) -> Self {
        Self {
            service: Service::new(model, BOARD),
            line: Line {
                tick: 1,
                ..Line::default()
            },
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.service.receive(byte, &mut self.line);
        }
    }

    fn send(&mut self, number: u32, request: Request) {
        self.bytes(&frame_of(VERSION, number, &request));
    }

    fn work(&mut self) {
        while self.service.is_working() {
            self.service.poll(&mut self.line);
        }
    }

    /// What was sent since the last call: numbers and replies, with the model's texts made static.
    fn replies(&mut self) -> Vec<(u32, Reply<'static>)> {
        let mut reader = FrameReader::new();
        let mut replies = Vec::new();
        for byte in self.line.sent.drain(..) {
            if let Some(frame) = reader.push(byte) {
                let frame = frame.unwrap();
                let body: &'static [u8] = Box::leak(frame.body.to_vec().into_boxed_slice());
                replies.push((frame.number, postcard::from_bytes(body).unwrap()));
            }
        }
        replies
    }

    fn ask(&mut self, number: u32, request: Request) -> Reply<'static> {
        self.send(number, request);
        self.work();
        let replies = self.replies();
        let (answered, reply) = replies.into_iter().next_back().unwrap();
        assert_eq!(answered, number);
        reply
    }
}

#[test]
fn hello_is_frozen_for_ever() {
    let image = example();
    let mut bench = Bench::new(Model::open(image.bytes()));
    // Byte for byte, as the first release sent it: a later one must answer to these very bytes ...
    assert_eq!(frame_of(1, 7, &Request::Hello), HELLO_REQUEST);
    bench.bytes(&HELLO_REQUEST);
    // ... and answer with these, but for versions, status, capabilities and size.
    let learn = u8::from(cfg!(feature = "learn"));
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
        4 | learn,
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
    let mut bench = Bench::new(Model::open(image.bytes()));
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
fn without_a_model_hello_says_so_and_requests_say_why() {
    for (bytes, why) in [
        (AlignedBytes::<64>::new(), ImageError::Magic),
        (
            {
                let mut cut = AlignedBytes::new();
                cut.bytes_mut().copy_from_slice(&example().bytes()[..256]);
                cut
            },
            ImageError::Length {
                stated: example().bytes().len() as u32,
                have: 256,
            },
        ),
    ] {
        let mut bench = Bench::new(Model::open(bytes.bytes()));
        let Reply::Hello(hello) = bench.ask(1, Request::Hello) else {
            panic!()
        };
        assert_eq!(hello.status, 1);
        let who = Who::Owner(0);
        for request in [
            Request::ModelInfo,
            Request::Predict { who, movie: 10 },
            Request::TopN {
                who,
                count: 1,
                include_rated: false,
                include_below: false,
                wanted: Wanted::ANY,
            },
        ] {
            assert_eq!(
                bench.ask(2, request),
                Reply::Refused(Refusal::NoModel(why.into()))
            );
            bench.ask(1, Request::Limits);
        }
    }
}

#[test]
fn answers_are_the_models_own() {
    let image = example();
    let model = Model::open(image.bytes()).unwrap();
    let mut bench = Bench::new(Ok(model));
    for (user, movie) in [(1, 10), (2, 20), (3, 4000)] {
        let reply = bench.ask(
            user,
            Request::Predict {
                who: Who::ImageUser(user),
                movie,
            },
        );
        assert_eq!(
            reply,
            Reply::Stars(model.predict(UserId(user), MovieId(movie)).unwrap())
        );
    }
    let Reply::Movies(list) = bench.ask(
        10,
        Request::TopN {
            who: Who::ImageUser(1),
            count: 20,
            include_rated: false,
            include_below: true,
            wanted: Wanted::ANY,
        },
    ) else {
        panic!()
    };
    assert_eq!(list.len(), 4);
    for hit in &list {
        assert_eq!(
            hit.stars,
            model.predict(UserId(1), MovieId(hit.movie)).unwrap()
        );
    }
    assert!(list.windows(2).all(|w| w[0].score >= w[1].score));
    let Reply::Movies(list) = bench.ask(
        11,
        Request::Similar {
            movie: 10,
            count: 2,
        },
    ) else {
        panic!()
    };
    assert!(list.len() == 2 && list.iter().all(|hit| hit.movie != 10));
    let Reply::ModelInfo(info) = bench.ask(12, Request::ModelInfo) else {
        panic!()
    };
    assert_eq!((info.name, info.movies, info.users), ("example", 4, 3));
    assert_eq!(info.crc, model.header().crc);
}

#[test]
fn wrong_requests_are_refused_by_name() {
    let image = example();
    let mut bench = Bench::new(Model::open(image.bytes()));
    let owner = Who::Owner(0);
    let cases = [
        (
            Request::Predict {
                who: owner,
                movie: 11,
            },
            Refusal::UnknownMovie(11),
        ),
        (
            Request::Predict {
                who: Who::ImageUser(4),
                movie: 10,
            },
            Refusal::UnknownUser(4),
        ),
        (
            Request::Predict {
                who: Who::Owner(2),
                movie: 10,
            },
            Refusal::UnknownOwner(2),
        ),
        (
            Request::TopN {
                who: owner,
                count: MAX_LIST as u8 + 1,
                include_rated: false,
                include_below: false,
                wanted: Wanted::ANY,
            },
            Refusal::ListTooLong,
        ),
        (
            Request::Similar { movie: 0, count: 1 },
            Refusal::UnknownMovie(0),
        ),
    ];
    for (number, (request, refusal)) in (1..).zip(cases) {
        assert_eq!(bench.ask(number, request), Reply::Refused(refusal));
    }
}

#[cfg(feature = "learn")]
#[test]
fn a_repeated_number_gets_the_kept_reply_and_is_not_applied_again() {
    let image = example();
    let mut bench = Bench::new(Model::open(image.bytes()));
    let rate = Request::Rate {
        who: Who::Owner(1),
        movie: 20,
        stars: 5.0,
    };
    let first = bench.ask(77, rate);
    let row = *bench.service.profile(1).unwrap().private();
    for _ in 0..3 {
        assert_eq!(bench.ask(77, rate), first);
    }
    assert_eq!(*bench.service.profile(1).unwrap().private(), row);
    // Another owner is another row. Another number is another rating; of the same movie it replaces the first.
    assert_ne!(*bench.service.profile(0).unwrap().private(), row);
    bench.ask(78, rate);
    assert_eq!(*bench.service.profile(1).unwrap().private(), row);
    let other = Request::Rate {
        who: Who::Owner(1),
        movie: 300,
        stars: 1.0,
    };
    bench.ask(79, other);
    assert_ne!(*bench.service.profile(1).unwrap().private(), row);
}

#[test]
fn one_request_waits_a_further_one_is_busy_and_a_long_one_can_be_cancelled() {
    let image = example();
    let mut bench = Bench::new(Model::open(image.bytes()));
    let top = Request::TopN {
        who: Who::Owner(0),
        count: 4,
        include_rated: false,
        include_below: false,
        wanted: Wanted::ANY,
    };
    bench.send(1, top);
    bench.service.poll(&mut bench.line);
    bench.send(2, Request::Limits);
    bench.send(3, Request::Health);
    assert_eq!(bench.replies(), [(3, Reply::Refused(Refusal::Busy))]);
    // Asking again for what runs or waits changes nothing.
    bench.send(1, top);
    bench.send(2, Request::Limits);
    assert_eq!(bench.replies(), []);
    bench.work();
    let replies = bench.replies();
    assert!(
        matches!(replies[..], [(1, Reply::Movies(_)), (2, Reply::Limits(_))]),
        "{replies:?}"
    );
    // A busy request was not carried out: asked again, it is.
    assert!(matches!(bench.ask(3, Request::Health), Reply::Health(_)));

    bench.send(4, top);
    bench.service.poll(&mut bench.line);
    bench.send(5, Request::Cancel { number: 4 });
    assert_eq!(
        bench.replies(),
        [
            (4, Reply::Refused(Refusal::Cancelled)),
            (5, Reply::Cancelled(true))
        ]
    );
    assert!(!bench.service.is_working());
    assert_eq!(
        bench.ask(6, Request::Cancel { number: 4 }),
        Reply::Cancelled(false)
    );
    assert_eq!(bench.line.working, [true, false, true, false]);
}

#[test]
fn a_long_request_is_heard_of_at_least_once_a_second() {
    let image = example();
    let mut bench = Bench::new(Model::open(image.bytes()));
    bench.line.tick = 450;
    bench.send(
        1,
        Request::TopN {
            who: Who::Owner(0),
            count: 4,
            include_rated: false,
            include_below: false,
            wanted: Wanted::ANY,
        },
    );
    bench.work();
    let replies = bench.replies();
    let heard: Vec<_> = replies
        .iter()
        .filter(|(_, reply)| matches!(reply, Reply::Working { .. }))
        .collect();
    assert_eq!(heard.len(), 3, "{replies:?}");
    assert_eq!(*heard[0], (1, Reply::Working { done: 1, total: 4 }));
}

#[test]
fn noise_and_broken_frames_are_counted_and_do_not_disturb_the_next() {
    let image = example();
    let mut bench = Bench::new(Model::open(image.bytes()));
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
    let mut bench = Bench::new(Model::open(image.bytes()));
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
    let mut bench = Bench::new(Model::open(image.bytes()));
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

#[test]
fn every_reply_fits_the_largest_body_at_its_longest() {
    use pocketrec::wire::{Health, ModelInfo, ProfileReply, Ranked};
    let text = "x".repeat(pocketrec::image::MAX_TEXT);
    let mut list = pocketrec::list::List::new();
    let mut row = pocketrec::list::List::new();
    for _ in 0..MAX_LIST {
        list.push(Ranked {
            movie: u32::MAX,
            score: 1.0,
            stars: 1.0,
        })
        .unwrap();
    }
    for _ in 0..pocketrec::MAX_DIM {
        row.push(1.0).unwrap();
    }
    let replies = [
        Reply::Movies(list),
        Reply::Profile(ProfileReply {
            ratings: u32::MAX,
            bias: 1.0,
            row,
        }),
        Reply::Health(Health {
            board: &text,
            reset: Reset::Fault,
            at: u32::MAX,
            crashes: u32::MAX,
            uptime: u32::MAX,
        }),
        Reply::ModelInfo(ModelInfo {
            seen: true,
            facets: false,
            validation: Some(pocketrec::model::Validation {
                rmse: 1.0,
                movie_means: 1.0,
                personal: true,
            }),
            name: &text,
            license: &text,
            fingerprint: u64::MAX,
            length: u32::MAX,
            crc: u32::MAX,
            movies: u32::MAX,
            users: u32::MAX,
            user_dim: 255,
            movie_dim: 255,
            parts: 255,
            mean: 1.0,
            lowest: 1.0,
            highest: 1.0,
            step: 1.0,
        }),
    ];
    for reply in replies {
        let mut buffer = [0; 1000];
        let length = postcard::to_slice(&reply, &mut buffer).unwrap().len();
        assert!(length <= MAX_BODY, "{length} bytes: {reply:?}");
    }
}
