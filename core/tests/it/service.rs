//! The service driven in memory, over its real frames, before any port exists.

use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::ImageError;
use pocketrec::image::{AlignedBytes, example};
use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::rank::Order;
use pocketrec::service::{Board, Port, Service};
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

pub struct Bench<'m> {
    service: Service<'m, 2>,
    pub line: Line,
}

impl<'m> Bench<'m> {
    pub fn new(model: Result<Model<'m>, ImageError>) -> Self {
        Self {
            service: Service::new(model, BOARD),
            line: Line {
                tick: 1,
                ..Line::default()
            },
        }
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.service.receive(byte, &mut self.line);
        }
    }

    pub fn send(&mut self, number: u32, request: Request) {
        self.bytes(&frame_of(VERSION, number, &request));
    }

    fn work(&mut self) {
        while self.service.is_working() {
            self.service.poll(&mut self.line);
        }
    }

    /// What was sent since the last call: numbers and replies, with the model's texts made static.
    pub fn replies(&mut self) -> Vec<(u32, Reply<'static>)> {
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

    pub fn ask(&mut self, number: u32, request: Request) -> Reply<'static> {
        self.send(number, request);
        self.work();
        let replies = self.replies();
        let (answered, reply) = replies.into_iter().next_back().unwrap();
        assert_eq!(answered, number);
        reply
    }
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
        let mut bench = Bench::new(crate::open(bytes.bytes()));
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
                order: Order::Score,
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
    let model = crate::open(image.bytes()).unwrap();
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
            order: Order::Score,
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
    let mut bench = Bench::new(crate::open(image.bytes()));
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
                order: Order::Score,
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
    let mut bench = Bench::new(crate::open(image.bytes()));
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
    let mut bench = Bench::new(crate::open(image.bytes()));
    let top = Request::TopN {
        who: Who::Owner(0),
        count: 4,
        include_rated: false,
        include_below: false,
        order: Order::Score,
        wanted: Wanted::ANY,
    };
    bench.send(1, top);
    bench.service.poll(&mut bench.line);
    bench.send(2, Request::Limits);
    bench.send(3, Request::Health);
    assert_eq!(bench.replies(), [(3, Reply::Refused(Refusal::Busy))]);
    // Asking again for what runs or waits starts nothing.
    bench.send(1, top);
    bench.send(2, Request::Limits);
    assert_eq!(bench.replies(), []);
    bench.work();
    let replies = bench.replies();
    assert!(
        matches!(
            replies[..],
            [
                (1, Reply::Working { .. }),
                (1, Reply::Movies(_)),
                (2, Reply::Limits(_))
            ]
        ),
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
fn a_long_request_that_is_asked_again_says_at_the_next_poll_how_far_it_is_whatever_the_clock() {
    let image = example();
    let mut bench = Bench::new(crate::open(image.bytes()));
    bench.line.tick = 0;
    let request = Request::Similar {
        movie: 20,
        count: 3,
    };
    bench.send(1, request);
    bench.service.poll(&mut bench.line);
    assert_eq!(bench.replies(), []);
    bench.send(1, request);
    assert_eq!(bench.replies(), []);
    bench.service.poll(&mut bench.line);
    let (done, total) = (2, 4);
    assert_eq!(bench.replies(), [(1, Reply::Working { done, total })]);
    // Once each time.
    bench.service.poll(&mut bench.line);
    assert_eq!(bench.replies(), []);
}

#[test]
fn a_long_request_is_heard_of_at_least_once_a_second() {
    let image = example();
    let mut bench = Bench::new(crate::open(image.bytes()));
    bench.line.tick = 450;
    bench.send(
        1,
        Request::TopN {
            who: Who::Owner(0),
            count: 4,
            include_rated: false,
            include_below: false,
            order: Order::Score,
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
