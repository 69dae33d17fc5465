//! A board's lists follow what its owner rated on it, and an image's users what they look for.

use anyhow::{Context, Result};
use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::Wanted;
use pocketrec::model::interest::Interest;
use pocketrec::model::{Model, UserState};
use pocketrec::profile::{Profile, Rating};
use pocketrec::rank::{Order, TopN};
use pocketrec::wire::{Reply, Request, Who};
use pocketrec_export::Precision;
use pocketrec_link::Connection;
use pocketrec_link::emulator::Emulator;
use tests::firmware::boot;
use tests::trained;

const LENGTH: u8 = 10;

/// A board's list: movies, best first.
fn asked(board: &mut Connection<Emulator>, who: Who) -> Result<Vec<u32>> {
    let answer = board.ask(&Request::TopN {
        who,
        count: LENGTH,
        include_rated: false,
        include_below: false,
        order: Order::Score,
        wanted: Wanted::ANY,
    })?;
    match answer.reply() {
        Some(Reply::Movies(list)) => Ok(list.iter().map(|ranked| ranked.movie).collect()),
        other => anyhow::bail!("no list but {other:?}"),
    }
}

/// The same from its parts, by sorting.
fn plain(model: &Model<'_>, user: &UserState, interest: &Interest, rated: &[u32]) -> Vec<u32> {
    let mut movies: Vec<(f32, u32)> = (0..model.movies())
        .filter(|row| model.score(user, *row) >= user.mean())
        .map(|row| {
            let known = model.confidence_stars(row);
            let score = model.score(user, row) + known + model.interest_stars(interest, row);
            (score, model.movie_ids().id(row).unwrap_or_default())
        })
        .filter(|(_, movie)| !rated.contains(movie))
        .collect();
    movies.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    movies
        .iter()
        .take(LENGTH.into())
        .map(|(_, movie)| *movie)
        .collect()
}

/// The list that there is without interests.
fn without(model: &Model<'_>, user: &UserState, rated: &[u32]) -> Vec<u32> {
    let mut top = TopN::<10>::new();
    top.advance(model, user, |movie| !rated.contains(&movie.0), u32::MAX);
    top.hits().iter().map(|hit| hit.movie.0).collect()
}

#[test]
fn a_list_follows_what_the_owner_rated_on_the_board() -> Result<()> {
    let board = boards::DEFAULT;
    let image = trained::image(Precision::F16, board.image_region)?;
    let model = Model::open(image.bytes.as_ref())?;
    assert!(model.has_interest());
    let mut connection = boot(board.name, "firmware", Some(&image.path), &[])?;
    connection.hello()?;

    // An image's user, by the vector that the image holds.
    let id = model
        .user_ids()
        .and_then(|ids| ids.id(3))
        .context("users")?;
    let (user, interest) = (model.user(UserId(id))?, model.interest_of_user(UserId(id))?);
    let list = asked(&mut connection, Who::ImageUser(id))?;
    let seen = model.seen(UserId(id)).context("what they have rated")?;
    let rated: Vec<u32> = (0..model.movies())
        .filter_map(|row| model.movie_ids().id(row))
        .filter(|movie| seen.contains(MovieId(*movie)))
        .collect();
    assert!(rated.len() > 100);
    assert_eq!(list, plain(&model, &user, &interest, &rated));
    assert_ne!(list, without(&model, &user, &rated));

    // An owner: Toy Story and its like, and one star for Alien, by core's fold-in of the very ratings.
    let who = Who::Owner(0);
    let mut profile = Profile::<8>::new(Some(&model));
    let mut rated = Vec::new();
    let likes = [1, 588, 364, 595, 2355].map(|movie| (movie, 4.5));
    for (sequence, (movie, stars)) in (0..).zip(likes.into_iter().chain([(1214, 1.0)])) {
        let answer = connection.ask(&Request::Rate { who, movie, stars })?;
        anyhow::ensure!(
            matches!(answer.reply(), Some(Reply::Rated { .. })),
            "{movie}"
        );
        let rating = Rating::new(MovieId(movie), stars, sequence).context("a rating")?;
        profile
            .log_mut()
            .rate(rating)
            .map_err(|why| anyhow::anyhow!("{why:?}"))?;
        rated.push(movie);
    }
    profile.learn(&model);
    let user = profile.private().state(&model);
    let (log, mean) = (profile.log().ratings(), user.mean());
    let interest = model.interest_of_ratings(log, mean);
    let liked = log.split_last().context("ratings")?.1;
    assert_eq!(interest, model.interest_of_ratings(liked, mean));
    let list = asked(&mut connection, who)?;
    assert_eq!(list, plain(&model, &user, &interest, &rated));
    assert_ne!(list, without(&model, &user, &rated));
    Ok(())
}
