//! How sure a board is of its predictions: the bits of core on a PC.

use anyhow::{Context, Result, bail};
use pocketrec::ids::{MovieId, UserId};
use pocketrec::learn::FoldIn;
use pocketrec::model::{Interval, Model};
use pocketrec::profile::Rating;
use pocketrec::wire::{Capabilities, Reply, Request, Who};
use pocketrec_export::Precision;
use pocketrec_link::Connection;
use pocketrec_link::emulator::Emulator;
use tests::firmware::boot;
use tests::trained;

/// Movies that are asked about.
const MOVIES: u32 = 20;

fn asked(board: &mut Connection<Emulator>, who: Who, movie: u32) -> Result<Option<Interval>> {
    let answer = board.ask(&Request::Likely { who, movie })?;
    match answer.reply() {
        Some(Reply::Likely(likely)) => Ok(likely),
        other => bail!("no interval but {other:?}"),
    }
}

fn bits(interval: Option<Interval>) -> Option<[u32; 2]> {
    interval.map(|Interval { low, high }| [low, high].map(f32::to_bits))
}

#[test]
fn a_board_is_as_sure_as_a_pc_to_the_bit_and_surer_with_each_rating() -> Result<()> {
    let board = boards::DEFAULT;
    let image = trained::image(Precision::F16, board.image_region)?;
    let model = Model::open(image.bytes.as_ref())?;
    assert!(model.has_odds());
    let mut connection = boot(board.name, "firmware", Some(&image.path), &[])?;
    let hello = connection.hello()?;
    assert!(Capabilities(hello.capabilities).has(Capabilities::ODDS));

    let ids = (0..MOVIES).map(|row| model.movie_id(row * 7).map(|id| id.0));
    let movies: Vec<u32> = ids.collect::<Option<_>>().context("movies")?;
    for at in [0, 30] {
        let id = model.user_ids().and_then(|ids| ids.id(at));
        let id = id.context("users")?;
        let user = model.user(UserId(id))?;
        let deviation = model.deviation_of_user(UserId(id)).context("odds")?;
        for &movie in &movies {
            let due = model.interval(&user, model.movie_row(MovieId(movie))?, deviation);
            assert!(due.is_some_and(|due| due.low < due.high));
            let came = asked(&mut connection, Who::ImageUser(id), movie)?;
            assert_eq!(bits(came), bits(due), "user {id}, movie {movie}");
        }
    }

    let who = Who::Owner(0);
    let mut log = Vec::new();
    let mut before = f32::MAX;
    for (sequence, &movie) in (0..).zip(&movies[..6]) {
        let mut fold = FoldIn::new(&model);
        while !fold.advance(&model, &log, u32::MAX).is_done() {}
        let user = fold.private().state(&model);
        let mut sum = 0.0;
        for &movie in &movies {
            let row = model.movie_row(MovieId(movie))?;
            let deviation = fold.deviation(&model, row).context("odds")?;
            sum += deviation;
            let came = asked(&mut connection, who, movie)?;
            assert_eq!(
                bits(came),
                bits(model.interval(&user, row, deviation)),
                "{sequence} ratings, movie {movie}"
            );
        }
        assert!(sum < before, "{sequence} ratings: {sum} after {before}");
        before = sum;
        let stars = 3.5;
        let answer = connection.ask(&Request::Rate { who, movie, stars })?;
        assert!(matches!(answer.reply(), Some(Reply::Rated { .. })));
        log.push(Rating::new(MovieId(movie), stars, sequence).context("a rating")?);
    }
    Ok(())
}
