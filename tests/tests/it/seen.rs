//! What the users of the image of the built-in ratings have rated is in no list of theirs.

use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::Wanted;
use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, Result};
use pocketrec::model::Model;
use pocketrec::rank::{Order, TopN};
use pocketrec::wire::{MAX_LIST, Reply, Request, Who};
use pocketrec_data::builtin;
use pocketrec_export::{Chosen, Movies, Precision, Rated, Users, build};
use pocketrec_link::memory::MemoryBoard;
use pocketrec_link::twin::{Before, Verdict};
use pocketrec_link::{Connection, Timing};
use tests::trained;

#[test]
fn no_list_of_any_user_holds_a_movie_that_they_have_rated_on_a_pc_and_on_a_device() -> Result<()> {
    let ratings = builtin::load().ratings;
    let mut rated = vec![HashSet::new(); ratings.user_count()];
    for (user, movie) in ratings.users.iter().zip(&ratings.movies) {
        rated[*user as usize].insert(ratings.movie_ids[*movie as usize]);
    }
    let checkpoint = trained::checkpoint()?;
    let chosen = Chosen {
        users: Users::All.rows(checkpoint)?,
        movies: Movies::All.rows(checkpoint)?,
        seen: Some(Arc::new(Rated::new(&ratings))),
        facets: None,
    };
    let image = build(checkpoint, &chosen, Precision::F16)?;
    let model = Model::open(image.as_ref())?;
    let board = || Connection::new(MemoryBoard::new(Ok(model)), "memory", Timing::MEMORY);
    let mut device = board();
    let mut without = 0;
    for (row, rated) in rated.iter().enumerate() {
        let id = ratings.user_ids[row];
        let seen = model.seen(UserId(id)).context("the image tells")?;
        for movie in &ratings.movie_ids {
            assert_eq!(
                seen.contains(MovieId(*movie)),
                rated.contains(movie),
                "{movie} by {id}"
            );
        }
        let interest = model.interest_of_user(UserId(id))?;
        let mut top = TopN::<MAX_LIST>::new().with_interest(interest);
        let user = model.user(UserId(id))?;
        top.advance(&model, &user, |movie| !seen.contains(movie), u32::MAX);
        let here: Vec<u32> = top.hits().iter().map(|hit| hit.movie.0).collect();
        assert!(here.iter().all(|movie| !rated.contains(movie)), "user {id}");

        let request = |include_rated| Request::TopN {
            who: Who::ImageUser(id),
            count: MAX_LIST as u8,
            include_rated,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        };
        let mut list = |include_rated| match device.ask(&request(include_rated))?.reply() {
            Some(Reply::Movies(list)) => {
                Ok(list.iter().map(|ranked| ranked.movie).collect::<Vec<u32>>())
            }
            other => anyhow::bail!("no list but {other:?}"),
        };
        assert_eq!(list(false)?, here, "user {id}");
        // A tenth of them is enough to see that the lists would name what was rated.
        if row.is_multiple_of(10) {
            without += usize::from(list(true)?.iter().any(|movie| rated.contains(movie)));
            let before = Before::take(&mut device, &request(false))?;
            let body = device.ask(&request(false))?.body().to_vec();
            let verdict = before.compare(model, &request(false), &body, &mut device)?;
            assert!(matches!(verdict, Verdict::Same(_)), "{verdict:?}");
        }
    }
    assert!(without > 30, "{without}");
    Ok(())
}
