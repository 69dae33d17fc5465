//! Lists of the built-in movies that a person would call good: nothing below their own mean, only what was asked for, and
//! for two what both would like; on a PC, by a service and on an emulated board alike.

use anyhow::{Context, Result};
use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::{Model, Wanted};
#[cfg(feature = "emulator")]
use pocketrec::rank::Agreement;
use pocketrec::rank::{Order, TopN};
use pocketrec::wire::{MAX_LIST, Reply, Request, Who};
use pocketrec_data::{builtin, search};
use pocketrec_export::{
    Bytes, Chosen, Facets, ImageBytes, Movies, Precision, Storage, Users, build,
};
use pocketrec_link::filter::Filter;
use pocketrec_link::memory::MemoryBoard;
use pocketrec_link::twin::{Before, Verdict};
use pocketrec_link::{Connection, Timing};
use std::io::{Read, Write};
use std::sync::Arc;
use tests::trained;

/// The built-in movies with genres and years, and so many of the most active users.
fn image(storage: impl Into<Storage>, users: usize) -> Result<ImageBytes> {
    let data = builtin::load();
    let trained = trained::checkpoint()?;
    // The shape of the default model.
    let checkpoint = &trained::without_mlp(trained);
    let facets = Facets::new(&data.titles, &checkpoint.movie_ids);
    let facets = facets.map_err(anyhow::Error::msg)?;
    let chosen = Chosen {
        users: Users::MostActive(users).rows(checkpoint)?,
        movies: Movies::All.rows(checkpoint)?,
        seen: None,
        facets: facets.map(Arc::new),
    };
    Ok(build(checkpoint, &chosen, storage)?)
}

fn top(who: Who, include_below: bool, wanted: Wanted) -> Request {
    Request::TopN {
        who,
        count: MAX_LIST as u8,
        include_rated: false,
        include_below,
        order: Order::Score,
        wanted,
    }
}

fn list<L: Read + Write>(board: &mut Connection<L>, request: &Request) -> Result<Vec<u32>> {
    match board.ask(request)?.reply() {
        Some(Reply::Movies(list)) => Ok(list.iter().map(|ranked| ranked.movie).collect()),
        other => anyhow::bail!("no list but {other:?}"),
    }
}

/// Asks, and compares with the twin.
fn same<L: Read + Write>(
    board: &mut Connection<L>,
    model: Model<'_>,
    request: &Request,
) -> Result<()> {
    let before = Before::take(board, request)?;
    let body = board.ask(request)?.body().to_vec();
    let verdict = before.compare(model, request, &body, board)?;
    assert!(
        matches!(verdict, Verdict::Same(_)),
        "{request:?}: {verdict:?}"
    );
    Ok(())
}

#[test]
fn no_list_of_any_user_holds_a_movie_below_their_mean_on_a_pc_and_on_a_device() -> Result<()> {
    for precision in [Precision::F16, Precision::I8, Precision::Codes(Bytes::Four)] {
        let image = image(precision, usize::MAX)?;
        let model = Model::open(image.as_ref())?;
        let mut board = Connection::new(MemoryBoard::new(Ok(model)), "memory", Timing::MEMORY);
        let users = model.user_ids().context("users")?;
        let (mut below, mut all) = (0, 0);
        for id in (0..users.len()).filter_map(|row| users.id(row)) {
            let (user, who) = (model.user(UserId(id))?, Who::ImageUser(id));
            let interest = model.interest_of_user(UserId(id))?;
            let mut here = TopN::<MAX_LIST>::new().with_interest(interest);
            here.advance(&model, &user, |_| true, u32::MAX);
            let good = |movie: u32| -> Result<bool> {
                let row = model.movie_row(MovieId(movie))?;
                Ok(model.score(&user, row) >= user.mean())
            };
            for hit in here.hits() {
                assert!(
                    good(hit.movie.0)?,
                    "{precision:?}: movie {} for {id}",
                    hit.movie.0
                );
            }
            let here: Vec<u32> = here.hits().iter().map(|hit| hit.movie.0).collect();
            assert_eq!(list(&mut board, &top(who, false, Wanted::ANY))?, here);
            for movie in list(&mut board, &top(who, true, Wanted::ANY))? {
                below += usize::from(!good(movie)?);
                all += 1;
            }
        }
        println!("{precision:?}: {below} of {all} movies of whole lists are below the mean");
        assert!(below > 0);
    }
    Ok(())
}

#[test]
fn genres_and_years_choose_by_the_image_what_titles_say_on_a_device_too() -> Result<()> {
    let image = image(Precision::F16, 40)?;
    let model = Model::open(image.as_ref())?;
    let titles = builtin::load().titles;
    let names = model.genre_names().context("genres")?;
    let mut board = Connection::new(MemoryBoard::new(Ok(model)), "memory", Timing::MEMORY);
    for line in [
        "comedy",
        "film-noir -romance ..1959",
        "scifi horror 1979",
        "-drama -comedy 2000..",
    ] {
        let filter = Filter::read(line)?;
        let wanted = filter.wanted(names)?;
        let years = filter
            .years
            .map_or(0..=u16::MAX, |years| years.from..=years.to);
        let request = top(Who::Owner(0), true, wanted);
        let movies = list(&mut board, &request)?;
        assert!(!movies.is_empty(), "{line}");
        for id in movies {
            let movie = titles.get(id).context("a title")?;
            let has = |genre: &String| {
                let plain = pocketrec_link::filter::plain;
                movie.genres.iter().any(|own| plain(own) == plain(genre))
            };
            assert!(filter.all_of.iter().all(has), "{line}: {}", movie.title);
            assert!(!filter.none_of.iter().any(has), "{line}: {}", movie.title);
            let year = search::year(&movie.title).context("a year")?;
            assert!(years.contains(&year), "{line}: {}", movie.title);
        }
        same(&mut board, model, &request)?;
    }
    Ok(())
}

#[cfg(feature = "emulator")]
#[test]
fn an_emulated_board_filters_and_lists_for_an_owner_and_a_user_with_the_bits_of_a_pc() -> Result<()>
{
    let image = image(Precision::F16, 40)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.img");
    std::fs::write(&path, image.as_ref())?;
    let model = Model::open(image.as_ref())?;
    let board = boards::DEFAULT;
    let mut board = tests::firmware::boot(board.name, "firmware", Some(&path), &[])?;
    board.hello()?;
    let who = Who::Owner(0);
    for movie in [1, 588, 364] {
        let stars = 4.5;
        board.ask(&Request::Rate { who, movie, stars })?;
    }
    let names = model.genre_names().context("genres")?;
    let wanted = Filter::read("comedy -romance 1980..")?.wanted(names)?;
    assert!(list(&mut board, &top(who, false, wanted))?.len() > 5);
    let user = model
        .user_ids()
        .and_then(|ids| ids.id(5))
        .context("a user")?;
    for agreement in [Agreement::Least, Agreement::Mean] {
        for order in Order::ALL {
            let request = Request::Together {
                who,
                count: MAX_LIST as u8,
                with: Who::ImageUser(user),
                agreement,
                order,
                wanted,
            };
            same(&mut board, model, &request)?;
        }
    }
    same(&mut board, model, &top(who, false, wanted))?;
    same(&mut board, model, &top(who, true, Wanted::ANY))?;
    for who in [who, Who::ImageUser(user)] {
        for order in Order::ALL {
            for request in orders(who, order, wanted) {
                same(&mut board, model, &request)?;
            }
        }
    }
    Ok(())
}

/// Lists in this order, of good movies and of all.
fn orders(who: Who, order: Order, wanted: Wanted) -> [Request; 2] {
    [false, true].map(|include_below| Request::TopN {
        who,
        count: MAX_LIST as u8,
        include_rated: false,
        include_below,
        order,
        wanted,
    })
}

#[test]
fn each_order_lists_what_it_says_in_every_precision_and_a_device_lists_the_same() -> Result<()> {
    for precision in [Precision::F16, Precision::I8, Precision::Codes(Bytes::Four)] {
        let image = image(precision, 40)?;
        let model = Model::open(image.as_ref())?;
        let mut board = Connection::new(MemoryBoard::new(Ok(model)), "memory", Timing::MEMORY);
        let id = model.user_ids().and_then(|ids| ids.id(7)).context("user")?;
        let (user, everybody) = (model.user(UserId(id))?, model.mean_user());
        let mut lists = Vec::new();
        for order in Order::ALL {
            for request in orders(Who::ImageUser(id), order, Wanted::ANY) {
                same(&mut board, model, &request)?;
                let Some(Reply::Movies(list)) = board.ask(&request)?.reply() else {
                    anyhow::bail!("no list for {request:?}");
                };
                assert_eq!(list.len(), MAX_LIST);
                assert!(list.is_sorted_by(|one, next| one.score >= next.score));
                if order == Order::Score {
                    continue;
                }
                let good = matches!(
                    request,
                    Request::TopN {
                        include_below: false,
                        ..
                    }
                );
                let number = |row: u32| match order {
                    Order::Taste => {
                        let parts = model.explain(&user, row);
                        parts.dot + parts.mlp
                    }
                    Order::Fame => f32::from(model.confidence(row).unwrap_or(0)) * (1.0 / 255.0),
                    Order::Surprise => model.score(&user, row) - model.score(&everybody, row),
                    Order::Score | Order::Stars => model.score(&user, row),
                };
                let last = list.last().context("a movie")?.score;
                let above = (0..model.movies())
                    .filter(|row| !good || model.score(&user, *row) >= user.mean())
                    .filter(|row| number(*row) > last);
                let seen = model.seen(UserId(id));
                let above = above.filter(|row| {
                    let movie = model.movie_id(*row);
                    !movie.is_some_and(|movie| seen.is_some_and(|seen| seen.contains(movie)))
                });
                // Of those above the last one, none is missing.
                let of_list = list.iter().filter(|ranked| ranked.score > last);
                assert_eq!(above.count(), of_list.count(), "{precision:?}, {order:?}");
                for ranked in &*list {
                    let row = model.movie_row(MovieId(ranked.movie))?;
                    assert_eq!(ranked.score, number(row), "{precision:?}, {order:?}");
                }
            }
            let first = list(
                &mut board,
                &orders(Who::ImageUser(id), order, Wanted::ANY)[0],
            )?;
            assert!(!lists.contains(&first), "{order:?} is a list of its own");
            lists.push(first);
        }
    }
    Ok(())
}

/// On an emulator that takes long for a list.
#[cfg(feature = "emulator")]
mod slow {
    use super::*;

    #[test]
    fn an_emulated_board_without_a_floating_point_unit_sorts_with_the_bits_of_a_pc() -> Result<()> {
        let image = image(Precision::I8, 40)?;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("model.img");
        std::fs::write(&path, image.as_ref())?;
        let model = Model::open(image.as_ref())?;
        let mut board = tests::firmware::boot("pico", "firmware", Some(&path), &[])?;
        board.hello()?;
        let who = Who::Owner(0);
        let stars = 4.5;
        board.ask(&Request::Rate {
            who,
            movie: 1,
            stars,
        })?;
        for order in Order::ALL {
            for request in orders(who, order, Wanted::ANY) {
                same(&mut board, model, &request)?;
            }
        }
        Ok(())
    }
}
