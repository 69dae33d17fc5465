//! Emulated boards lose their power at random moments: the micro:bit, whose flash controller is real enough for that,
//! the Pico, whose flash is erased and programmed bit by bit, and a RISC-V machine whose flash is RAM that is written so.

use anyhow::{Context, Result, bail};
use pocketrec::ids::MovieId;
use pocketrec::model::{Model, Wanted};
use pocketrec::profile::{Log, Rating};
use pocketrec::rank::Order;
use pocketrec::wire::{
    FrameReader, MAX_FRAME, MAX_IMPORT, Reply, Request, StorageState, VERSION, Who, encode_frame,
};
use pocketrec_link::Connection;
use pocketrec_link::emulator::Emulator;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use tests::control::{Qmp, Waiting};
use tests::firmware::{PROFILES, VIRT, boot, known};
use tests::image::made_up;

const OWNER: Who = Who::Owner(0);
const MOVIES: u64 = 40;

struct Board {
    facts: boards::Board,
    connection: Connection<Emulator>,
    machine: Qmp,
    /// The image's file lives as long as the emulator that reads it.
    _image: tempfile::NamedTempFile,
}

impl Board {
    fn boot(name: &str) -> Result<Self> {
        let image = tempfile::NamedTempFile::new()?;
        std::fs::write(image.path(), made_up(1, MOVIES as u32)?)?;
        let waiting = Waiting::new()?;
        let connection = boot(name, PROFILES[1], Some(image.path()), &waiting.qmp()?)?;
        Ok(Self {
            facts: known(name)?,
            connection,
            machine: Qmp::take(waiting)?,
            _image: image,
        })
    }

    fn ask<T>(
        &mut self,
        request: &Request,
        take: impl FnOnce(Reply<'_>) -> Option<T>,
    ) -> Result<T> {
        eprintln!("ask {request:?}");
        let answer = self.connection.ask(request)?;
        let reply = answer.reply().context("a reply")?;
        let told = format!("{request:?}: {reply:?}");
        take(reply).context(told)
    }

    /// The owner's ratings: movies and stars.
    fn ratings(&mut self) -> Result<Vec<(u32, f32)>> {
        let mut all = Vec::new();
        loop {
            let first = all.len() as u16;
            let page = self.ask(
                &Request::Ratings { who: OWNER, first },
                |reply| match reply {
                    Reply::Ratings(page) => Some(page),
                    _ => None,
                },
            )?;
            all.extend(page.ratings.iter().map(|entry| (entry.movie, entry.stars)));
            if all.len() >= usize::from(page.total) {
                return Ok(all);
            }
        }
    }

    /// Sends a request under a number of its own, and doesn't wait.
    fn send(&mut self, number: u32, request: &Request) -> Result<()> {
        let mut frame = [0; MAX_FRAME];
        let length = encode_frame(VERSION, number, request, &mut frame).context("a frame")?;
        let line = self.connection.line();
        line.write_all(&frame[..length])?;
        Ok(line.flush()?)
    }

    /// Sends it again until it is answered, as a host does that heard nothing.
    fn send_again<T>(
        &mut self,
        number: u32,
        request: &Request,
        take: impl Fn(Reply<'_>) -> Option<T>,
    ) -> Result<T> {
        let until = Instant::now() + Duration::from_secs(60);
        let mut reader = FrameReader::new();
        let mut byte = [0];
        while Instant::now() < until {
            self.send(number, request)?;
            let silence = Instant::now() + Duration::from_secs(2);
            while Instant::now() < silence {
                match self.connection.line().read(&mut byte) {
                    Ok(0) => bail!("the emulator ended"),
                    Ok(_) => {}
                    Err(why)
                        if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                    {
                        continue;
                    }
                    Err(why) => return Err(why.into()),
                }
                let Some(Ok(frame)) = reader.push(byte[0]) else {
                    continue;
                };
                let reply: Reply<'_> = postcard::from_bytes(frame.body)?;
                if frame.number == number && !matches!(reply, Reply::Working { .. }) {
                    let told = format!("{request:?}: {reply:?}");
                    return take(reply).context(told);
                }
            }
        }
        bail!("{request:?} was not answered")
    }

    /// What is predicted for the owner, as bits.
    fn predict(&mut self, movie: u32) -> Result<u32> {
        let request = Request::Predict { who: OWNER, movie };
        self.ask(&request, |reply| match reply {
            Reply::Stars(stars) => Some(stars.to_bits()),
            _ => None,
        })
    }

    fn row(&mut self) -> Result<Vec<u32>> {
        self.ask(&Request::Profile { who: OWNER }, |reply| match reply {
            Reply::Profile(profile) => {
                let bits = profile.row.iter().chain([&profile.bias]);
                Some(bits.map(|x| x.to_bits()).collect())
            }
            _ => None,
        })
    }

    /// The region that keeps ratings.
    fn region(&mut self) -> Result<Vec<u8>> {
        let boards::Board {
            profile_address,
            profile_region,
            ..
        } = self.facts;
        self.machine.memory(profile_address, profile_region as u32)
    }

    /// Whether the region holds these bytes.
    fn holds(&mut self, needle: &[u8]) -> Result<bool> {
        let bytes = self.region()?;
        Ok(bytes.windows(needle.len()).any(|window| window == needle))
    }
}

/// Numbers that are the same on every run (Knuth's linear congruential generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// The log after a request, where there is something for it to change.
fn after<const LOG: usize>(log: &Log<LOG>, request: &Request) -> Option<Log<LOG>> {
    let mut log = log.clone();
    let done = match *request {
        Request::Rate { movie, stars, .. } => {
            let rating = Rating::new(MovieId(movie), stars, log.next_sequence())?;
            log.rate(rating)
        }
        Request::Undo { .. } => log.undo().map(drop),
        Request::Forget { movie, .. } => log.forget(MovieId(movie)),
        Request::ForgetMe { .. } | Request::Format => {
            log = Log::new();
            Ok(())
        }
        Request::Import { count, ratings, .. } => {
            for (movie, stars) in &ratings[..usize::from(count)] {
                let rating = Rating::new(MovieId(*movie), *stars, log.next_sequence())?;
                log.rate(rating).ok()?;
            }
            Ok(())
        }
        Request::Compact => Ok(()),
        _ => return None,
    };
    done.ok().map(|()| log)
}

fn pairs<const LOG: usize>(log: &Log<LOG>) -> Vec<(u32, f32)> {
    let ratings = log.ratings().iter();
    ratings
        .map(|rating| (rating.movie().0, rating.stars()))
        .collect()
}

#[test]
fn a_power_cut_at_any_moment_loses_at_most_the_change_in_flight() -> Result<()> {
    // Flash that was never touched reads 0 in QEMU, as something else's would.
    cut_at_random::<64>("microbit", StorageState::Formatted, 100)
}

#[test]
fn a_power_cut_of_a_risc_v_at_any_moment_loses_at_most_the_change_in_flight() -> Result<()> {
    // Its flash is RAM, which is all zeros at first.
    cut_at_random::<256>(VIRT, StorageState::Formatted, 50)
}

/// Cuts the power so often, on a board that remembers `LOG` ratings.
fn cut_at_random<const LOG: usize>(name: &str, fresh: StorageState, cuts: usize) -> Result<()> {
    let mut board = Board::boot(name)?;
    let state = board.ask(&Request::Storage, |reply| match reply {
        Reply::Storage(storage) => Some(storage.state),
        _ => None,
    })?;
    assert_eq!(state, fresh);
    let mut numbers = Numbers(5);
    let mut log = Log::<LOG>::new();
    let mut lost = 0;
    for cut in 0..cuts {
        // A few changes that are acknowledged, and one that the power goes in.
        for last in [false, false, true] {
            let movie = 1 + numbers.below(MOVIES) as u32;
            let request = match numbers.below(20) {
                0..13 => Request::Rate {
                    who: OWNER,
                    movie,
                    stars: (1 + numbers.below(10)) as f32 / 2.0,
                },
                13..16 => Request::Undo { who: OWNER },
                16..19 => Request::Forget { who: OWNER, movie },
                _ => Request::ForgetMe { who: OWNER },
            };
            let Some(changed) = after(&log, &request) else {
                continue;
            };
            if !last {
                eprintln!("{cut} {request:?}");
                let answer = board.connection.ask(&request)?;
                if let Some(Reply::Refused(why)) = answer.reply() {
                    bail!("{request:?}: {why}");
                }
                log = changed;
                continue;
            }
            board.send(1_000_000 + cut as u32, &request)?;
            std::thread::sleep(Duration::from_micros(numbers.below(12_000)));
            board.machine.reset()?;
            let found = board.ratings()?;
            if found == pairs(&changed) {
                log = changed;
            } else {
                lost += 1;
                assert_eq!(found, pairs(&log), "cut {cut}, {request:?}");
            }
        }
        if cut % 10 == 0 {
            let row = board.row()?;
            board.machine.reset()?;
            assert_eq!(
                board.row()?,
                row,
                "after a restart the row is the same bits"
            );
        }
    }
    println!("{lost} of {cuts} changes were lost in flight");
    Ok(())
}

#[test]
fn an_added_movie_is_ranked_and_learned_from_and_outlives_the_power_wherever_it_goes() -> Result<()>
{
    let mut board = Board::boot(VIRT)?;
    let bytes = made_up(1, MOVIES as u32)?;
    let model = Model::open(bytes.as_ref()).map_err(|why| anyhow::anyhow!("{why}"))?;
    let image = model.header().crc;
    // As good as movie 5, to the bit.
    let grown = |id: u32| {
        let mut entry = model.entry(4).expect("a movie of the image");
        entry[..4].copy_from_slice(&id.to_le_bytes());
        Request::AddMovie { image, entry }
    };
    let added = |board: &mut Board| {
        board.ask(&Request::Added { at: 0 }, |reply| match reply {
            Reply::Added(added) => Some(u64::from(added.movies)),
            _ => None,
        })
    };
    board.ask(&grown(MOVIES as u32 + 1), |reply| match reply {
        Reply::Added(added) => Some(added.movies),
        _ => None,
    })?;
    assert_eq!(board.predict(MOVIES as u32 + 1)?, board.predict(5)?);
    let top = Request::TopN {
        who: OWNER,
        count: 20,
        include_rated: true,
        include_below: true,
        order: Order::Score,
        wanted: Wanted::ANY,
    };
    let list = |board: &mut Board| {
        board.ask(&top, |reply| match reply {
            Reply::Movies(list) => Some(list.iter().map(|hit| hit.movie).collect::<Vec<_>>()),
            _ => None,
        })
    };
    let rate = Request::Rate {
        who: OWNER,
        movie: MOVIES as u32 + 1,
        stars: 5.0,
    };
    board.ask(&rate, |reply| {
        matches!(reply, Reply::Rated { .. }).then_some(())
    })?;
    let before = (list(&mut board)?, board.row()?);
    let places = [5, MOVIES as u32 + 1].map(|id| before.0.iter().position(|movie| *movie == id));
    assert!(
        matches!(places, [Some(one), Some(other)] if one + 1 == other),
        "{:?}",
        before.0
    );
    board.machine.reset()?;
    assert_eq!((list(&mut board)?, board.row()?), before);
    // Whole or not at all, and asked again it is there once.
    let mut numbers = Numbers(9);
    let mut there = 1;
    for cut in 0..20_u32 {
        let request = grown(MOVIES as u32 + 2);
        board.send(2_000_000 + cut, &request)?;
        std::thread::sleep(Duration::from_micros(numbers.below(12_000)));
        board.machine.reset()?;
        let found = added(&mut board)?;
        assert!(
            found == there || found == there + 1,
            "cut {cut}: {found} movies"
        );
        board.send_again(2_000_000 + cut, &request, |reply| match reply {
            Reply::Added(added) if u64::from(added.movies) == there + 1 => Some(()),
            _ => None,
        })?;
        let remove = Request::RemoveMovie {
            movie: MOVIES as u32 + 2,
        };
        board.ask(&remove, |reply| {
            matches!(reply, Reply::Added(_)).then_some(())
        })?;
        there = added(&mut board)?;
        assert_eq!((there, board.row()?), (1, before.1.clone()));
    }
    Ok(())
}

#[test]
fn what_was_asked_before_the_power_went_is_done_once_when_it_is_asked_again() -> Result<()> {
    ask_again::<64>("microbit", 120)
}

/// Cuts the power behind so many requests, on a board that remembers `LOG` ratings.
fn ask_again<const LOG: usize>(name: &str, cuts: u64) -> Result<()> {
    let mut board = Board::boot(name)?;
    let mut numbers = Numbers(7);
    let mut log = Log::<LOG>::new();
    for cut in 0..cuts {
        let movie = 1 + numbers.below(MOVIES) as u32;
        let stars = (1 + numbers.below(10)) as f32 / 2.0;
        let request = match cut % 12 {
            0 | 3 | 6 | 8 => Request::Rate {
                who: OWNER,
                movie,
                stars,
            },
            1 | 4 | 7 => Request::Undo { who: OWNER },
            2 => Request::Import {
                who: OWNER,
                count: 8,
                ratings: [0; MAX_IMPORT].map(|_| {
                    let movie = 1 + numbers.below(MOVIES) as u32;
                    (movie, (1 + numbers.below(10)) as f32 / 2.0)
                }),
            },
            5 => Request::Forget {
                who: OWNER,
                movie: log
                    .ratings()
                    .first()
                    .map_or(movie, |rating| rating.movie().0),
            },
            9 => Request::Compact,
            10 if cut % 24 == 10 => Request::ForgetMe { who: OWNER },
            11 if cut % 36 == 35 => Request::Format,
            _ => Request::Undo { who: OWNER },
        };
        let Some(changed) = after(&log, &request) else {
            continue;
        };
        let taken_back = log.last().ok();
        let before = board.predict(movie)?;
        let number = 3_000_000 + cut as u32;
        board.send(number, &request)?;
        // From the request's last byte to well after the answer's: the line takes a millisecond for a dozen bytes.
        std::thread::sleep(Duration::from_micros(numbers.below(16_000)));
        board.machine.reset()?;
        let left = changed.ratings().len() as u32;
        let (first, then) = board.send_again(number, &request, |reply| {
            let told = match reply {
                Reply::Rated {
                    before,
                    after,
                    ratings,
                } if ratings == left => (before.to_bits(), after.to_bits()),
                Reply::Undone {
                    movie,
                    stars,
                    ratings,
                } => {
                    let undo = taken_back?;
                    let due = undo
                        .before
                        .map(|tag| Rating::from_words(movie, tag).stars());
                    let right = (movie, stars, ratings) == (undo.movie.0, due, left);
                    right.then_some((0, 0))?
                }
                Reply::Imported {
                    taken: 8,
                    refused: None,
                    ratings,
                } if ratings == left => (0, 0),
                Reply::Forgotten { ratings } if ratings == left => (0, 0),
                Reply::Storage(_) => (0, 0),
                _ => return None,
            };
            Some(told)
        })?;
        if let Request::Rate { .. } = request {
            assert_eq!((first, then), (before, board.predict(movie)?), "cut {cut}");
        }
        assert_eq!(board.ratings()?, pairs(&changed), "cut {cut}, {request:?}");
        log = changed;
    }
    Ok(())
}

#[test]
fn pages_are_erased_ahead_while_no_request_waits() -> Result<()> {
    const PAGE: usize = 1024;
    let mut board = Board::boot("microbit")?;
    let rate = Request::Rate {
        who: OWNER,
        movie: 1,
        stars: 4.5,
    };
    let mut rounds = 0;
    // Each change is a record of 20 bytes: more than the region holds, so that each page is used again.
    for change in 0..700 {
        let request = if change % 2 == 0 {
            rate
        } else {
            Request::Undo { who: OWNER }
        };
        let answer = board.connection.ask(&request)?;
        if let Some(Reply::Refused(why)) = answer.reply() {
            bail!("{request:?}: {why}");
        }
        if change % 20 > 0 {
            continue;
        }
        let storage = board.ask(&Request::Storage, |reply| match reply {
            Reply::Storage(storage) => Some(storage),
            _ => None,
        })?;
        // Nobody asks now.
        std::thread::sleep(Duration::from_millis(20));
        let bytes = board.region()?;
        // A page that was erased says so in its first word.
        let ready = bytes
            .chunks(PAGE)
            .filter(|page| page.starts_with(b"PkL2") && page[4..].iter().all(|byte| *byte == 0xff));
        let (ready, free) = (ready.count(), usize::from(storage.free));
        assert!(free > 0, "change {change}: {storage:?}");
        assert_eq!(ready, free, "change {change}: {storage:?}");
        rounds = storage.rounds;
    }
    assert!(rounds > 0, "the region was never written to its end");
    Ok(())
}

#[test]
fn after_forget_me_no_record_is_left_in_flash_nor_after_a_cut_in_its_middle() -> Result<()> {
    let mut board = Board::boot("microbit")?;
    let movie = MOVIES as u32;
    let stars = 4.5;
    let record = |sequence| {
        let rating = Rating::new(MovieId(movie), stars, sequence).context("a rating")?;
        Ok::<_, anyhow::Error>([movie.to_le_bytes(), rating.tag().to_le_bytes()].concat())
    };
    let rate = Request::Rate {
        who: OWNER,
        movie,
        stars,
    };
    let rated = |reply: Reply<'_>| matches!(reply, Reply::Rated { .. }).then_some(());
    let forget = Request::ForgetMe { who: OWNER };
    for round in 0..10_u64 {
        board.ask(&rate, rated)?;
        assert!(board.holds(&record(0)?)?);
        if round < 2 {
            board.ask(&forget, |reply| {
                matches!(reply, Reply::Forgotten { ratings: 0 }).then_some(())
            })?;
        } else {
            board.send(2_000_000 + round as u32, &forget)?;
            std::thread::sleep(Duration::from_micros(round * 1_500));
            board.machine.reset()?;
        }
        let left = board.ratings()?;
        // Either it was never asked, or nothing is left.
        assert_eq!(board.holds(&record(0)?)?, !left.is_empty(), "round {round}");
        if !left.is_empty() {
            board.ask(&forget, |_| Some(()))?;
            assert!(!board.holds(&record(0)?)?);
        }
    }
    Ok(())
}

/// On an emulator that takes long for a restart.
mod slow {
    use super::*;

    #[test]
    fn a_power_cut_of_a_pico_at_any_moment_loses_at_most_the_change_in_flight() -> Result<()> {
        cut_at_random::<256>("pico", StorageState::Flash, 20)
    }

    #[test]
    fn what_a_pico_was_asked_before_the_power_went_is_done_once_when_it_is_asked_again()
    -> Result<()> {
        ask_again::<256>("pico", 24)
    }
}
