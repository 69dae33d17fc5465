//! A board that `emulate` holds: several programs ask it, and what it learns outlives it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use host::commands::emulate::Held;
use pocketrec::wire::{Request, Who};
use pocketrec_link::{Connection, Line, Timing, port, ratings};
use tests::image::made_up;

const OWNER: Who = Who::Owner(0);

/// What the board of that name has of its owner's ratings when it comes up with what `profile` kept; it is then given
/// those of `given`, and ended.
fn evening(
    board: &str,
    image: &Path,
    profile: Option<&Path>,
    given: &[(u32, f32)],
) -> Result<Vec<(u32, f32)>> {
    let stop: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    let Some(board) = boards::by_name(board) else {
        bail!("no such board");
    };
    let held = Held::boot((board, None), image, profile, 0, stop)?;
    let name = held.running.port();
    std::thread::scope(|scope| {
        let staying = scope.spawn(|| held.stay(stop));
        let open = || -> Result<Connection<Box<dyn Line>>> {
            Ok(Connection::new(
                port::open(&name, port::BAUD)?,
                &*name,
                Timing::EMULATOR,
            ))
        };
        let asked = (|| {
            // Both at once, as a console and a query are.
            let (mut one, mut other) = (open()?, open()?);
            one.hello()?;
            let before = ratings::all(&mut other, OWNER)?;
            for (movie, stars) in given.iter().copied() {
                let who = OWNER;
                one.ask(&Request::Rate { who, movie, stars })?;
            }
            let now = ratings::all(&mut other, OWNER)?;
            assert_eq!(now.len(), before.len() + given.len());
            Ok(before
                .iter()
                .map(|rating| (rating.movie, rating.stars))
                .collect())
        })();
        stop.store(true, Ordering::Relaxed);
        match staying.join() {
            Ok(end) => end.and(asked),
            Err(_) => bail!("it panicked"),
        }
    })
}

#[test]
fn an_emulated_board_without_a_profile_keeps_nothing() -> Result<()> {
    let place = tempfile::tempdir()?;
    let image = place.path().join("model.img");
    std::fs::write(&image, made_up(3, 100)?)?;
    for given in [&[(7, 4.5)][..], &[]] {
        assert_eq!(evening("stm32f405", &image, None, given)?, []);
    }
    let files = std::fs::read_dir(place.path())?.count();
    assert_eq!(files, 1, "the image alone");
    Ok(())
}

#[test]
fn what_an_emulated_board_learns_outlives_it_in_flash_or_as_ratings() -> Result<()> {
    let place = tempfile::tempdir()?;
    let image = place.path().join("model.img");
    std::fs::write(&image, made_up(3, 100)?)?;
    for board in ["microbit", "stm32f405"] {
        let profile = place.path().join(format!("{board}.profile"));
        let first = [(7, 4.5), (3, 1.0), (90, 5.0)];
        assert_eq!(evening(board, &image, Some(&profile), &first)?, []);
        assert_eq!(
            evening(board, &image, Some(&profile), &[(4, 2.0)])?,
            first,
            "{board}"
        );
        let all = evening(board, &image, Some(&profile), &[])?;
        assert_eq!(all, [&first[..], &[(4, 2.0)]].concat(), "{board}");
    }
    // The micro:bit's emulated flash takes writes, and is kept as it is.
    let region = boards::by_name("microbit").map(|board| board.profile_region as u64);
    let kept = std::fs::metadata(place.path().join("microbit.profile"))?.len();
    assert_eq!(Some(kept), region);
    let text = std::fs::read_to_string(place.path().join("stm32f405.profile"))?;
    assert_eq!(
        text,
        "owner,movieId,rating\n0,7,4.5\n0,3,1\n0,90,5\n0,4,2\n"
    );
    Ok(())
}
