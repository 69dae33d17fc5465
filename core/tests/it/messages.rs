//! What goes over a line and into flash, byte for byte: another version of either is told apart by a number, so no byte
//! changes without it.

use pocketrec::image::ImageError;
use pocketrec::list::List;
use pocketrec::model::Wanted;
use pocketrec::model::{Interval, Validation};
use pocketrec::rank::{Agreement, Order};
use pocketrec::wire::{
    Added, Because, Explained, FrameError, Health, Hello, Limits, LinkCounters, MAX_FRAME,
    MAX_IMPORT, MAX_OWNERS, ModelInfo, NoModel, Owners, ProfileReply, Ranked, RatingEntry,
    RatingsReply, Refusal, Reply, Request, Reset, Shared, Storage, StorageState, VERSION, Who,
    encode_frame,
};
use serde::{Deserialize, Serialize};
use std::fmt::{Debug, Write};

/// The bytes that this version has.
const PINNED: &str = include_str!("messages.txt");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes_of(message: &impl Serialize) -> Vec<u8> {
    let mut buffer = [0; 1000];
    postcard::to_slice(message, &mut buffer).unwrap().to_vec()
}

/// A line for each of `all`, and that there is one for every variant: those are told by their first byte, and each can be
/// read from zeros.
fn lines<'de, T: Serialize + Deserialize<'de> + Debug>(kind: &str, all: &[T]) -> Vec<String> {
    let all = all.iter().map(|one| (format!("{one:?}"), bytes_of(one)));
    let all = all.collect::<Vec<_>>();
    for code in 0..=127 {
        let bytes: &'static mut [u8] = Box::leak(Box::new([0; 400]));
        bytes[0] = code;
        if let Ok((one, _)) = postcard::take_from_bytes::<T>(bytes) {
            let there = all.iter().any(|(_, bytes)| bytes[0] == code);
            assert!(there, "no {kind} like {one:?} is pinned");
        }
    }
    let name = |text: &str| {
        let end = text.find(|c: char| !c.is_alphanumeric());
        text[..end.unwrap_or(text.len())].to_owned()
    };
    let line = |(text, bytes): (String, Vec<u8>)| format!("{kind} {} {}", name(&text), hex(&bytes));
    all.into_iter().map(line).collect()
}

fn requests() -> Vec<Request> {
    let (who, user) = (Who::Owner(1), Who::ImageUser(300));
    let (movie, count, stars) = (70_000, 10, 4.5);
    let mut ratings = [(0, 0.0); MAX_IMPORT];
    ratings[0] = (movie, stars);
    let wanted = Wanted {
        all_of: 1 << 31 | 1,
        none_of: 300,
        from: 1_990,
        to: u16::MAX,
    };
    vec![
        Request::Hello,
        Request::Limits,
        Request::ModelInfo,
        Request::Predict { who: user, movie },
        Request::TopN {
            who,
            count,
            include_rated: true,
            include_below: false,
            order: Order::Surprise,
            wanted,
        },
        Request::Similar { movie, count },
        Request::Rate { who, movie, stars },
        Request::Profile { who: user },
        Request::Cancel { number: 1 << 31 },
        Request::LinkCounters,
        Request::Health,
        Request::Undo { who },
        Request::Forget { who, movie },
        Request::ForgetMe { who },
        Request::Ratings { who, first: 500 },
        Request::Import {
            who,
            count: 1,
            ratings,
        },
        Request::Suggest { who, count },
        Request::Explain { who, movie },
        Request::Owners,
        Request::Storage,
        Request::Compact,
        Request::Format,
        Request::Together {
            who,
            count,
            with: user,
            agreement: Agreement::Mean,
            order: Order::Fame,
            wanted,
        },
        Request::Likely { who, movie },
        Request::AddMovie {
            image: 0xdead_beef,
            entry: (1..40).collect(),
        },
        Request::RemoveMovie { movie },
        Request::Added { at: 1 },
    ]
}

fn refusals() -> Vec<Refusal> {
    let frame = [
        FrameError::Cobs,
        FrameError::TooShort,
        FrameError::TooLong,
        FrameError::Crc,
        FrameError::Version { found: 9 },
        FrameError::Body,
    ];
    let mut all = vec![
        Refusal::UnknownMovie(300),
        Refusal::UnknownUser(300),
        Refusal::NoModel(NoModel {
            code: 1,
            a: 2,
            b: 300,
        }),
    ];
    all.extend(frame.map(Refusal::BadFrame));
    all.extend([
        Refusal::Busy,
        Refusal::Cancelled,
        Refusal::UnknownOwner(9),
        Refusal::NotAnOwner,
        Refusal::OffScale,
        Refusal::ListTooLong,
        Refusal::NotSupported,
        Refusal::LogFull,
        Refusal::NotRated(300),
        Refusal::NothingToUndo,
        Refusal::StorageFailed,
        Refusal::StorageUnsure,
        Refusal::NotErased,
        Refusal::StorageClosed,
        Refusal::NotFormatted,
        Refusal::StorageOfOtherVersion,
        Refusal::NoFacets,
        Refusal::OtherImage(0xdead_beef),
        Refusal::NoRoom(8),
        Refusal::MovieId(300),
        Refusal::MovieLength(300),
        Refusal::BadMovie(NoModel {
            code: 1,
            a: 2,
            b: 300,
        }),
        Refusal::NotAdded(300),
        Refusal::NoFame,
    ]);
    all
}

fn storage(state: StorageState) -> Storage {
    Storage {
        state,
        bytes: 16_384,
        pages: 16,
        free: 12,
        records: 70,
        capacity: 200,
        rounds: 300,
        torn: 1,
        bad_writes: 2,
    }
}

fn health(reset: Reset) -> Health<'static> {
    Health {
        board: "a board",
        reset,
        at: 300,
        crashes: 1,
        uptime: 70_000,
    }
}

fn list<T: Copy + Debug, const N: usize>(one: T) -> List<T, N> {
    let mut list = List::of(one);
    list.push(one).unwrap();
    list
}

fn replies() -> Vec<Reply<'static>> {
    let (movie, stars, ratings) = (70_000, 4.5, 300);
    vec![
        Reply::Hello(Hello {
            magic: *b"PkRd",
            oldest: 1,
            newest: 2,
            firmware: [3, 4, 5],
            status: 1,
            capabilities: 6,
            largest_frame: 301,
        }),
        Reply::Refused(Refusal::Busy),
        Reply::Working {
            done: 300,
            total: movie,
        },
        Reply::Limits(Limits {
            owners: 1,
            list: 20,
            dimensions: 8,
            units: 32,
            body: 288,
            image: 300_000,
            ratings: 256,
            undo: 8,
            storage: 16_384,
        }),
        Reply::ModelInfo(ModelInfo {
            name: "é",
            license: "of the data",
            fingerprint: 0x0123_4567_89ab_cdef,
            length: 300,
            crc: 0xdead_beef,
            movies: 9_066,
            users: 671,
            user_dim: 8,
            movie_dim: 7,
            parts: 3,
            mean: 3.5,
            lowest: 0.5,
            highest: 5.0,
            step: 0.25,
            seen: true,
            facets: true,
            validation: Some(Validation {
                rmse: 0.875,
                movie_means: 1.0,
                personal: true,
            }),
        }),
        Reply::Stars(stars),
        Reply::Movies(list(Ranked {
            movie,
            score: 5.5,
            stars,
        })),
        Reply::Rated {
            before: 3.5,
            after: stars,
            ratings,
        },
        Reply::Profile(ProfileReply {
            ratings,
            bias: -0.5,
            row: list(0.25),
        }),
        Reply::Cancelled(true),
        Reply::LinkCounters(LinkCounters {
            received: 300,
            while_working: 3,
            lost: 2,
            bad_frames: 1,
        }),
        Reply::Health(health(Reset::Power)),
        Reply::Undone {
            movie,
            stars: Some(stars),
            ratings,
        },
        Reply::Forgotten { ratings },
        Reply::Ratings(RatingsReply {
            total: 300,
            ratings: list(RatingEntry {
                movie,
                stars,
                used: true,
            }),
        }),
        Reply::Imported {
            taken: 3,
            refused: Some(Refusal::LogFull),
            ratings,
        },
        Reply::Explained(Explained {
            stars,
            mean: 3.5,
            user_bias: 0.25,
            movie_bias: -0.25,
            dot: 1.0,
            mlp: 0.0,
            because: list(Because {
                movie,
                stars,
                moved: -0.125,
            }),
        }),
        Reply::Owners(Owners {
            owners: 2,
            capacity: 256,
            ram: 2_288,
            flash: 5_280,
            ratings: [3; MAX_OWNERS],
            unused: [1; MAX_OWNERS],
        }),
        Reply::Storage(storage(StorageState::Flash)),
        Reply::Together(list(Shared {
            movie,
            score: 0.75,
            stars: [stars, 3.5],
        })),
        Reply::Likely(Some(Interval {
            low: 3.5,
            high: stars,
        })),
        Reply::Added(Added {
            movies: 2,
            room: 8,
            dropped: 1,
            entry: (1..40).collect(),
        }),
    ]
}

fn states() -> [StorageState; 6] {
    [
        StorageState::Absent,
        StorageState::Flash,
        StorageState::Formatted,
        StorageState::Failed,
        StorageState::Closed,
        StorageState::OtherVersion,
    ]
}

fn frame_of(number: u32, message: &impl Serialize) -> String {
    let mut frame = [0; MAX_FRAME];
    let length = encode_frame(VERSION, number, message, &mut frame).unwrap();
    hex(&frame[..length])
}

/// Everything that a host and a firmware of one version agree on.
fn all() -> Vec<String> {
    let mut all = vec![format!("version {VERSION}")];
    all.push(format!("frame Hello {}", frame_of(7, &Request::Hello)));
    all.push(format!("frame Stars {}", frame_of(7, &Reply::Stars(4.5))));
    all.extend(lines("request", &requests()));
    all.extend(lines("reply", &replies()));
    all.extend(lines("refusal", &refusals()));
    all.extend(lines("state", &states()));
    let resets = [Reset::Power, Reset::Panic, Reset::Fault, Reset::Arithmetic];
    all.extend(lines("reset", &resets));
    for code in 0..=u8::MAX {
        if let Some(why) = ImageError::from_numbers(code, 1, 2) {
            all.push(format!("no model {code}: {why:?}"));
        }
    }
    all
}

#[test]
fn released_messages_bytes_are_pinned() {
    let (now, pinned) = (all(), PINNED.lines().collect::<Vec<_>>());
    for (now, pinned) in now.iter().zip(&pinned) {
        assert_eq!(
            now, pinned,
            "a message's bytes changed: raise wire::VERSION, and write the new ones into messages.txt"
        );
    }
    assert_eq!(now.len(), pinned.len());
}
