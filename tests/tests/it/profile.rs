//! A profile is its owner's: saved from one board to a file and loaded into another, it gives the same bits.

use anyhow::{Context, Result, bail};
use host::commands::query::load::by_ids;
use host::commands::query::ratings::tell;
use pocketrec::model::Model;
use pocketrec::model::Wanted;
use pocketrec::rank::Order;
use pocketrec::wire::{Reply, Request, StorageState, Who};
use pocketrec_base::print::Target;
use pocketrec_data::Titles;
use pocketrec_link::memory::{MemoryBoard, OWNERS};
use pocketrec_link::{Connection, Timing};
use std::io::{Read, Write};
use std::path::Path;
use tests::control::{Qmp, Waiting};
use tests::firmware::{PROFILES, boot};
use tests::image::made_up;

const OWNER: Who = Who::Owner(0);
const MOVIES: u32 = 100;
/// The board that knows fewer movies knows these, 1 to so many.
const FEWER: u32 = 30;

/// Every bit that the board answers about `who`: row, bias and ratings, predictions of all movies, a list, a
/// suggestion, an explanation.
fn bits<L: Read + Write>(board: &mut Connection<L>, who: Who, movies: u32) -> Result<Vec<Vec<u8>>> {
    let mut requests = vec![
        Request::Profile { who },
        Request::Ratings { who, first: 0 },
        Request::Ratings { who, first: 30 },
        Request::TopN {
            who,
            count: 20,
            include_rated: false,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        },
        Request::Suggest { who, count: 20 },
        Request::Explain { who, movie: 2 },
    ];
    requests.extend((1..=movies).map(|movie| Request::Predict { who, movie }));
    let mut bits = Vec::new();
    for request in requests {
        let answer = board.ask(&request)?;
        match answer.reply() {
            Some(Reply::Refused(why)) => bail!("{request:?}: {why}"),
            None => bail!("{request:?}: no reply"),
            Some(_) => bits.push(answer.body().to_vec()),
        }
    }
    Ok(bits)
}

/// A session of ratings, second thoughts and regrets. With most of the movies, and more ratings than one request
/// of an import holds.
fn live<L: Read + Write>(board: &mut Connection<L>) -> Result<()> {
    let who = OWNER;
    for at in 0..60 {
        let movie = 1 + at * 37 % MOVIES;
        let stars = ((at * at) % 10 + 1) as f32 / 2.0;
        let mut requests = vec![Request::Rate { who, movie, stars }];
        match at % 10 {
            3 => requests.push(Request::Undo { who }),
            6 => requests.push(Request::Forget { who, movie }),
            8 => requests.push(Request::Rate {
                who,
                movie: 1 + (at / 2) * 37 % MOVIES,
                stars: 2.5,
            }),
            _ => {}
        }
        for request in requests {
            let answer = board.ask(&request)?;
            if let Some(Reply::Refused(why)) = answer.reply() {
                bail!("{request:?}: {why}");
            }
        }
    }
    Ok(())
}

fn save<L: Read + Write>(board: &mut Connection<L>, who: Who, path: &Path) -> Result<String> {
    let target = Target::from(path.as_os_str().to_owned());
    tell(board, who, &Titles::default(), Some(&target))?;
    std::fs::read_to_string(path).context("the saved profile")
}

/// Ratings and undoings that a board has room for.
fn limits<L: Read + Write>(board: &mut Connection<L>) -> Result<(u16, u8)> {
    let answer = board.ask(&Request::Limits)?;
    match answer.reply() {
        Some(Reply::Limits(limits)) => Ok((limits.ratings, limits.undo)),
        other => bail!("not limits: {other:?}"),
    }
}

#[test]
fn a_saved_profile_gives_another_board_and_another_owner_the_same_bits() -> Result<()> {
    let place = tempfile::tempdir()?;
    let (image, file) = (place.path().join("a.img"), place.path().join("mine.csv"));
    let bytes = made_up(3, MOVIES)?;
    std::fs::write(&image, &bytes)?;

    let waiting = Waiting::new()?;
    let mut old = boot("microbit", PROFILES[1], Some(&image), &waiting.qmp()?)?;
    let mut machine = Qmp::take(waiting)?;
    assert_eq!(limits(&mut old)?, (64, 8));
    live(&mut old)?;
    let saved = save(&mut old, OWNER, &file)?;
    assert_eq!(saved.lines().count(), 1 + 48);
    let due = bits(&mut old, OWNER, MOVIES)?;
    machine.reset()?;
    assert_eq!(save(&mut old, OWNER, &file)?, saved, "after a restart");

    // A board with another processor, and the last of its owners.
    let mut new = boot("stm32f405", PROFILES[0], Some(&image), &[])?;
    new.hello()?;
    assert_eq!(limits(&mut new)?, (256, 8));
    let owners = new.ask(&Request::Owners)?;
    let Some(Reply::Owners(owners)) = owners.reply() else {
        bail!("not owners: {:?}", owners.reply());
    };
    let last = Who::Owner(owners.owners - 1);
    // Its emulator drops writes to flash, which the firmware finds out and tells.
    let storage = new.ask(&Request::Storage)?;
    let Some(Reply::Storage(storage)) = storage.reply() else {
        bail!("not storage: {:?}", storage.reply());
    };
    assert_eq!((storage.state, owners.flash), (StorageState::Failed, 0));
    by_ids(&mut new, last, &file)?;
    assert!(bits(&mut new, last, MOVIES)? == due, "the stm32f405");
    assert_eq!(save(&mut new, last, &file)?, saved);

    // The board that it came from, once it has forgotten, and an owner of a board in this process.
    old.ask(&Request::ForgetMe { who: OWNER })?;
    assert!(bits(&mut old, OWNER, MOVIES)? != due);
    by_ids(&mut old, OWNER, &file)?;
    assert!(bits(&mut old, OWNER, MOVIES)? == due, "the microbit");
    let model = Model::open(bytes.as_ref())?;
    let mut twin = Connection::new(MemoryBoard::new(Ok(model)), "the twin", Timing::MEMORY);
    let who = Who::Owner(OWNERS as u8 - 1);
    by_ids(&mut twin, who, &file)?;
    assert!(bits(&mut twin, who, MOVIES)? == due, "this PC");
    Ok(())
}

#[test]
fn a_board_that_knows_fewer_movies_learns_from_those_of_a_saved_profile_that_it_knows() -> Result<()>
{
    let place = tempfile::tempdir()?;
    let (whole, part) = (place.path().join("a.img"), place.path().join("b.img"));
    let (all, known) = (place.path().join("all.csv"), place.path().join("known.csv"));
    std::fs::write(&whole, made_up(3, MOVIES)?)?;
    std::fs::write(&part, made_up(3, FEWER)?)?;

    let mut old = boot("stm32f405", PROFILES[1], Some(&whole), &[])?;
    live(&mut old)?;
    let saved = save(&mut old, OWNER, &all)?;
    let is_known = |line: &&str| {
        let id = line.split(',').next().and_then(|id| id.parse::<u32>().ok());
        id.is_none_or(|id| id <= FEWER)
    };
    let lines: Vec<&str> = saved.lines().filter(is_known).collect();
    assert!(lines.len() > 10 && lines.len() < 25, "{lines:?}");
    std::fs::write(&known, lines.join("\n"))?;

    let mut new = boot("stm32f405", PROFILES[1], Some(&part), &[])?;
    by_ids(&mut new, OWNER, &all)?;
    let mut other = boot("microbit", PROFILES[0], Some(&part), &[])?;
    by_ids(&mut other, OWNER, &known)?;
    let row = |board: &mut Connection<_>| -> Result<Vec<u8>> {
        Ok(board.ask(&Request::Profile { who: OWNER })?.body().to_vec())
    };
    assert_eq!(row(&mut new)?, row(&mut other)?);
    let (again, there) = (place.path().join("c.csv"), place.path().join("d.csv"));
    let left = save(&mut new, OWNER, &again)?;
    assert_eq!(left, save(&mut other, OWNER, &there)?);
    assert_eq!(left.lines().collect::<Vec<_>>(), lines);
    Ok(())
}
