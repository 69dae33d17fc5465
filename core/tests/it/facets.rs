//! Genres and years, lists that are filtered by them, lists above the mean, lists in other orders, and lists for two, against
//! plain readings of what they promise.

use crate::device::Device;
use pocketrec::ids::MovieId;
use pocketrec::image::builder::{OwnedTable, Title, room, write};
use pocketrec::image::{ImageError, TableKind as K};
use pocketrec::model::interest::Interest;
use pocketrec::model::{Model, UserState, Wanted};
use pocketrec::rank::{Agreement, Order, TopForTwo, TopN};
use pocketrec::store::InRam;
use pocketrec::wire::{Refusal, Reply, Request, Who};

/// An odd number, so that the last pair is half empty.
const MOVIES: usize = 91;
const FIRST: u32 = 1_950;
const SETS: [u32; 5] = [0, 1, 2, 5, 1 << 3 | 4];

fn set(movie: usize) -> usize {
    movie * 7 % SETS.len()
}

/// None for some.
fn year(movie: usize) -> Option<u16> {
    let byte = movie * 37 % 200;
    (byte != 0).then(|| FIRST as u16 + byte as u16 - 1)
}

fn facets() -> Vec<u8> {
    let mut pairs = vec![0; MOVIES.div_ceil(2) * 5];
    for movie in 0..MOVIES {
        let pair = &mut pairs[movie / 2 * 5..][..5];
        pair[movie % 2 * 2] = (movie * 37 % 200) as u8;
        pair[movie % 2 * 2 + 1] = set(movie) as u8;
    }
    pairs
}

fn tables() -> Vec<OwnedTable> {
    let rows = (0..MOVIES * 2).map(|at| (at * 13 % 23) as f32 / 8.0 - 1.3);
    let rows: Vec<f32> = rows.collect();
    let bias: Vec<f32> = (0..MOVIES)
        .map(|at| (at * 5 % 11) as f32 / 10.0 - 0.5)
        .collect();
    let known: Vec<u8> = (0..MOVIES).map(|movie| (movie * 41 % 256) as u8).collect();
    let pairs = facets();
    vec![
        OwnedTable::of(K::RatingScale, 1, &[3.5_f32, 0.5, 5.0, 0.5]),
        OwnedTable::of(K::Parts, 1, &[3_u8]),
        OwnedTable::of(K::MovieIdRange, 1, &[1, MOVIES as u32]),
        OwnedTable::of(K::MovieEmbedding, MOVIES, &rows),
        OwnedTable::of(K::MovieBias, MOVIES, &bias),
        OwnedTable::of(K::UserIdRange, 1, &[1_u32, 3]),
        OwnedTable::of(
            K::UserEmbedding,
            3,
            &[0.5_f32, 0.25, -0.75, 0.5, 0.125, -1.0],
        ),
        OwnedTable::of(K::UserBias, 3, &[0.5_f32, -1.0, 0.0]),
        OwnedTable::of(K::MeanUser, 1, &[0.5_f32, 0.25]),
        OwnedTable::of(K::MeanUserBias, 1, &[0.125_f32]),
        OwnedTable::of(K::MovieConfidence, MOVIES, &known).with_scale(0.01),
        OwnedTable::of(K::MovieFacets, pairs.len() / 5, &pairs),
        OwnedTable::of(K::GenreSets, SETS.len(), &SETS),
        OwnedTable::of(K::GenreNames, 1, "Comedy|Dráma|War|Western".as_bytes()),
        OwnedTable::of(K::FirstYear, 1, &[FIRST]),
    ]
}

fn image(tables: &[OwnedTable]) -> Vec<u32> {
    let mut words = vec![0; room(tables).div_ceil(4)];
    let title = Title {
        name: "facets",
        fingerprint: 1,
        license: "none",
    };
    let bytes = bytemuck::cast_slice_mut(&mut words);
    write(title, tables, bytes).unwrap();
    words
}

fn with_model<T>(tables: &[OwnedTable], ask: impl FnOnce(Result<Model<'_>, ImageError>) -> T) -> T {
    let words = image(tables);
    ask(crate::open(bytemuck::cast_slice(&words)))
}

fn wanteds() -> [Wanted; 6] {
    let any = Wanted::ANY;
    [
        any,
        Wanted { all_of: 1, ..any },
        Wanted { all_of: 5, ..any },
        Wanted { none_of: 4, ..any },
        Wanted {
            from: 1_990,
            to: 2_020,
            ..any
        },
        Wanted {
            none_of: 1,
            to: 2_000,
            ..any
        },
    ]
}

fn is_wanted(wanted: Wanted, movie: usize) -> bool {
    let genres = SETS[set(movie)];
    let year = match (year(movie), wanted.from, wanted.to) {
        (_, 0, u16::MAX) => true,
        (None, ..) => false,
        (Some(year), from, to) => (from..=to).contains(&year),
    };
    genres & wanted.all_of == wanted.all_of && genres & wanted.none_of == 0 && year
}

/// Scores of a list for one, by row.
fn scores(model: &Model<'_>, user: &UserState) -> Vec<f32> {
    let rows = 0..MOVIES as u32;
    rows.map(|row| model.score(user, row) + model.confidence_stars(row))
        .collect()
}

/// Rows in the order of their scores, of those that `may` be listed.
fn best(scores: &[f32], may: impl Fn(usize) -> bool) -> Vec<u32> {
    let mut rows: Vec<usize> = (0..scores.len()).filter(|row| may(*row)).collect();
    rows.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    rows.iter().take(10).map(|row| *row as u32 + 1).collect()
}

#[test]
fn genres_and_years_are_read_as_they_were_written() {
    with_model(&tables(), |model| {
        let model = model.unwrap();
        assert_eq!(model.genre_names(), Some("Comedy|Dráma|War|Western"));
        for movie in 0..MOVIES {
            assert_eq!(model.facets(movie as u32), (SETS[set(movie)], year(movie)));
            for wanted in wanteds() {
                let due = is_wanted(wanted, movie);
                assert_eq!(
                    model.is_wanted(movie as u32, &wanted),
                    due,
                    "{movie}, {wanted:?}"
                );
            }
        }
        assert_eq!(model.facets(u32::MAX), (0, None));
    });
}

#[test]
fn a_list_holds_what_is_wanted_and_nothing_below_the_users_mean_but_where_that_is_asked_for() {
    with_model(&tables(), |model| {
        let model = model.unwrap();
        let mut left_out = 0;
        for user in [1, 2, 3].map(|id| model.user(pocketrec::ids::UserId(id)).unwrap()) {
            let scores = scores(&model, &user);
            for (wanted, slice) in wanteds().into_iter().zip([1, 5, 1_000].into_iter().cycle()) {
                let list = |mut top: TopN<10>| {
                    while !top.advance(&model, &user, |_| true, slice).is_done() {}
                    top.hits().iter().map(|hit| hit.movie.0).collect::<Vec<_>>()
                };
                let good = |row: usize| model.score(&user, row as u32) >= user.mean();
                let top = || TopN::<10>::new().with_wanted(wanted);
                let due = best(&scores, |row| is_wanted(wanted, row) && good(row));
                assert_eq!(list(top()), due, "{wanted:?}");
                let all = best(&scores, |row| is_wanted(wanted, row));
                assert_eq!(list(top().with_below_mean()), all, "{wanted:?}");
                left_out += usize::from(due != all);
            }
        }
        assert!(left_out > 5, "{left_out}");
    });
}

#[test]
fn a_list_for_two_is_by_what_each_gets_above_their_own_mean() {
    with_model(&tables(), |model| {
        let model = model.unwrap();
        let [one, other] = [1, 2].map(|id| model.user(pocketrec::ids::UserId(id)).unwrap());
        let both = [scores(&model, &one), scores(&model, &other)];
        let above = |row: usize| [both[0][row] - one.mean(), both[1][row] - other.mean()];
        let mut lists = Vec::new();
        for (agreement, slice) in [(Agreement::Least, 3), (Agreement::Mean, 1_000)] {
            let worth: Vec<f32> = (0..MOVIES)
                .map(|row| match (agreement, above(row)) {
                    (Agreement::Least, [a, b]) => {
                        if a < b {
                            a
                        } else {
                            b
                        }
                    }
                    (Agreement::Mean, [a, b]) => (a + b) * 0.5,
                })
                .collect();
            let wanted = Wanted {
                none_of: 2,
                ..Wanted::ANY
            };
            let good = |row: usize| {
                let row = row as u32;
                model.score(&one, row) >= one.mean() && model.score(&other, row) >= other.mean()
            };
            for below in [false, true] {
                let interests = [Interest::NONE, Interest::NONE];
                let mut top =
                    TopForTwo::<10>::with_limit(10, agreement, interests).with_wanted(wanted);
                if below {
                    top = top.with_below_mean();
                }
                let unseen = |movie| movie != MovieId(8);
                while !top.advance(&model, [&one, &other], unseen, slice).is_done() {}
                let list: Vec<u32> = top.hits().iter().map(|hit| hit.movie.0).collect();
                let may = |row: usize| row != 7 && is_wanted(wanted, row) && (below || good(row));
                assert_eq!(list, best(&worth, may), "{agreement:?}, {below}");
                lists.push(list);
            }
        }
        assert_ne!(lists[1], lists[3]);
    });
}

#[test]
fn a_device_answers_for_two_and_by_genre_what_core_ranks() {
    with_model(&tables(), |model| {
        let model = model.unwrap();
        let mut device = Device::<2, 8, _>::new(Ok(model), InRam);
        let wanted = Wanted {
            all_of: 1,
            ..Wanted::ANY
        };
        let who = Who::ImageUser(1);
        let mut top = TopN::<10>::new().with_wanted(wanted);
        let user = model.user(pocketrec::ids::UserId(1)).unwrap();
        top.advance(&model, &user, |_| true, u32::MAX);
        let request = Request::TopN {
            who,
            count: 10,
            include_rated: false,
            include_below: false,
            order: Order::Score,
            wanted,
        };
        let Reply::Movies(list) = device.ask(request) else {
            panic!()
        };
        let came: Vec<_> = list
            .iter()
            .map(|ranked| (ranked.movie, ranked.score))
            .collect();
        let due: Vec<_> = top
            .hits()
            .iter()
            .map(|hit| (hit.movie.0, hit.score))
            .collect();
        assert_eq!(came, due);
        let with = Who::ImageUser(2);
        let request = Request::Together {
            who,
            count: 10,
            with,
            agreement: Agreement::Least,
            order: Order::Score,
            wanted,
        };
        let other = model.user(pocketrec::ids::UserId(2)).unwrap();
        let interests = [Interest::NONE, Interest::NONE];
        let mut top =
            TopForTwo::<10>::with_limit(10, Agreement::Least, interests).with_wanted(wanted);
        top.advance(&model, [&user, &other], |_| true, u32::MAX);
        let reply = device.ask(request);
        if !cfg!(feature = "together") {
            assert_eq!(reply, Reply::Refused(Refusal::NotSupported));
            return;
        }
        let Reply::Together(list) = reply else {
            panic!("{reply:?}")
        };
        let came: Vec<_> = list
            .iter()
            .map(|shared| (shared.movie, shared.score, shared.stars))
            .collect();
        let due = top.hits().iter().map(|hit| {
            let stars = [&user, &other].map(|user| model.predict_for(user, hit.movie).unwrap());
            (hit.movie.0, hit.score, stars)
        });
        assert_eq!(came, due.collect::<Vec<_>>());
        assert!(!came.is_empty());
        let nobody = Request::Together {
            who,
            count: 10,
            with: Who::Owner(2),
            agreement: Agreement::Mean,
            order: Order::Score,
            wanted,
        };
        assert_eq!(device.ask(nobody), Reply::Refused(Refusal::UnknownOwner(2)));
    });
}

#[test]
fn a_list_in_another_order_is_sorted_by_that_and_told_with_it() {
    with_model(&tables(), |model| {
        let model = model.unwrap();
        let mut device = Device::<1, 8, _>::new(Ok(model), InRam);
        let wanted = wanteds()[3];
        for (order, below) in Order::ALL
            .into_iter()
            .zip([false, true].into_iter().cycle())
        {
            for id in [1, 2, 3] {
                let request = Request::TopN {
                    who: Who::ImageUser(id),
                    count: 10,
                    include_rated: false,
                    include_below: below,
                    order,
                    wanted,
                };
                let reply = device.ask(request);
                if !cfg!(feature = "orders") && order != Order::Score {
                    assert_eq!(reply, Reply::Refused(Refusal::NotSupported));
                    continue;
                }
                let Reply::Movies(list) = reply else {
                    panic!("{reply:?}")
                };
                let user = model.user(pocketrec::ids::UserId(id)).unwrap();
                let everybody = model.mean_user();
                let number = |row: u32| match order {
                    Order::Score => model.score(&user, row) + model.confidence_stars(row),
                    Order::Stars => model.score(&user, row),
                    Order::Taste => model.explain(&user, row).dot + model.explain(&user, row).mlp,
                    Order::Fame => f32::from(model.confidence(row).unwrap()) * (1.0 / 255.0),
                    Order::Surprise => model.score(&user, row) - model.score(&everybody, row),
                };
                let numbers: Vec<f32> = (0..MOVIES as u32).map(number).collect();
                let may = |row: usize| {
                    let is_good = model.score(&user, row as u32) >= user.mean();
                    is_wanted(wanted, row) && (below || is_good)
                };
                let came: Vec<u32> = list.iter().map(|ranked| ranked.movie).collect();
                assert_eq!(came, best(&numbers, may), "{order:?}");
                assert!(came.len() > 3, "{order:?}: {came:?}");
                for ranked in &*list {
                    let row = ranked.movie - 1;
                    assert_eq!(ranked.score, numbers[row as usize], "{order:?}");
                    let stars = model.predict_for(&user, MovieId(ranked.movie)).unwrap();
                    assert_eq!(ranked.stars, stars);
                }
            }
        }
    });
}

#[cfg(all(feature = "orders", feature = "together"))]
#[test]
fn a_list_for_two_in_another_order_goes_by_what_each_gets_and_a_device_answers_the_same() {
    with_model(&tables(), |model| {
        let model = model.unwrap();
        let mut device = Device::<1, 8, _>::new(Ok(model), InRam);
        let wanted = wanteds()[3];
        let both = [1, 2].map(|id| model.user(pocketrec::ids::UserId(id)).unwrap());
        let everybody = model.mean_user();
        let mut lists = Vec::new();
        for agreement in [Agreement::Least, Agreement::Mean] {
            for order in [Order::Stars, Order::Taste, Order::Fame, Order::Surprise] {
                let number = |row: u32| {
                    let [one, other] = both.each_ref().map(|user| match order {
                        Order::Score | Order::Stars => model.score(user, row) - user.mean(),
                        Order::Taste => model.explain(user, row).dot + model.explain(user, row).mlp,
                        Order::Fame => f32::from(model.confidence(row).unwrap()) * (1.0 / 255.0),
                        Order::Surprise => model.score(user, row) - model.score(&everybody, row),
                    });
                    match agreement {
                        Agreement::Least if one < other => one,
                        Agreement::Least => other,
                        Agreement::Mean => (one + other) * 0.5,
                    }
                };
                let numbers: Vec<f32> = (0..MOVIES as u32).map(number).collect();
                let is_good = |row: usize| {
                    let mut both = both.iter();
                    both.all(|user| model.score(user, row as u32) >= user.mean())
                };
                let due = best(&numbers, |row| is_wanted(wanted, row) && is_good(row));
                let reply = device.ask(Request::Together {
                    who: Who::ImageUser(1),
                    count: 10,
                    with: Who::ImageUser(2),
                    agreement,
                    order,
                    wanted,
                });
                let Reply::Together(list) = reply else {
                    panic!("{reply:?}")
                };
                let came: Vec<u32> = list.iter().map(|shared| shared.movie).collect();
                assert_eq!(came, due, "{order:?}, {agreement:?}");
                assert!(came.len() > 2, "{order:?}: {came:?}");
                for shared in &*list {
                    assert_eq!(
                        shared.score,
                        numbers[shared.movie as usize - 1],
                        "{order:?}"
                    );
                }
                let interests = [Interest::NONE, Interest::NONE];
                let mut all = TopForTwo::<10>::with_limit(10, agreement, interests)
                    .with_order(order)
                    .with_below_mean();
                let [one, other] = &both;
                while !all.advance(&model, [one, other], |_| true, 3).is_done() {}
                let all: Vec<u32> = all.hits().iter().map(|hit| hit.movie.0).collect();
                assert_eq!(all, best(&numbers, |_| true), "{order:?}, {agreement:?}");
                lists.push(came);
            }
        }
        lists.dedup();
        assert!(lists.len() > 4, "{lists:?}");
    });
}

#[cfg(feature = "orders")]
#[test]
fn no_list_is_by_fame_where_the_image_says_nothing_of_it() {
    let plain: Vec<OwnedTable> = tables().into_iter().take(10).collect();
    with_model(&plain, |model| {
        let mut device = Device::<1, 8, _>::new(Ok(model.unwrap()), InRam);
        let mut ask = |order| {
            device.ask(Request::TopN {
                who: Who::Owner(0),
                count: 3,
                include_rated: false,
                include_below: false,
                order,
                wanted: Wanted::ANY,
            })
        };
        assert_eq!(ask(Order::Fame), Reply::Refused(Refusal::NoFame));
        assert!(matches!(ask(Order::Surprise), Reply::Movies(_)));
    });
}

#[test]
fn an_image_without_genres_lists_everything_and_refuses_a_filter() {
    let plain: Vec<OwnedTable> = tables().into_iter().take(11).collect();
    with_model(&plain, |model| {
        let model = model.unwrap();
        assert!(!model.has_facets() && model.genre_names().is_none());
        assert!(model.is_wanted(0, &Wanted::ANY) && !model.is_wanted(0, &wanteds()[1]));
        let mut device = Device::<1, 8, _>::new(Ok(model), InRam);
        let request = |wanted| Request::TopN {
            who: Who::Owner(0),
            count: 3,
            include_rated: false,
            include_below: false,
            order: Order::Score,
            wanted,
        };
        assert!(matches!(device.ask(request(Wanted::ANY)), Reply::Movies(_)));
        let refused = device.ask(request(wanteds()[1]));
        assert_eq!(refused, Reply::Refused(Refusal::NoFacets));
    });
}

#[test]
fn tables_that_lack_one_or_name_a_genre_or_set_that_there_is_not_are_refused_by_name() {
    let refusal = |change: &dyn Fn(&mut Vec<OwnedTable>)| {
        let mut tables = tables();
        change(&mut tables);
        with_model(&tables, |model| model.err())
    };
    let at =
        |tables: &[OwnedTable], kind| tables.iter().position(|table| table.kind == kind).unwrap();
    assert_eq!(refusal(&|_| ()), None);
    for kind in [K::MovieFacets, K::GenreSets, K::GenreNames, K::FirstYear] {
        let without = refusal(&|tables| tables.retain(|table| table.kind != kind));
        assert_eq!(without, Some(ImageError::Missing(kind)));
    }
    let put = |kind, table: &OwnedTable| {
        refusal(&|tables| {
            let place = at(tables, kind);
            tables[place] = table.clone();
        })
    };
    let mut pairs = facets();
    pairs[6] = 5;
    let beyond = OwnedTable::of(K::MovieFacets, pairs.len() / 5, &pairs);
    assert_eq!(
        put(K::MovieFacets, &beyond),
        Some(ImageError::Value(K::MovieFacets))
    );
    let short = OwnedTable::of(K::MovieFacets, pairs.len() / 5 - 1, &pairs[5..]);
    assert_eq!(
        put(K::MovieFacets, &short),
        Some(ImageError::Shape(K::MovieFacets))
    );
    let sets = OwnedTable::of(K::GenreSets, 5, &[0_u32, 1, 2, 5, 16]);
    assert_eq!(
        put(K::GenreSets, &sets),
        Some(ImageError::Value(K::GenreSets))
    );
    let sets = OwnedTable::of(K::GenreSets, 4_097, &[0_u32; 4_097]);
    assert_eq!(
        put(K::GenreSets, &sets),
        Some(ImageError::Shape(K::GenreSets))
    );
    let names = OwnedTable::of(K::GenreNames, 1, &[b'a', 0xff]);
    assert_eq!(
        put(K::GenreNames, &names),
        Some(ImageError::Value(K::GenreNames))
    );
    let names = OwnedTable::of(K::GenreNames, 1, "|".repeat(32).as_bytes());
    assert_eq!(
        put(K::GenreNames, &names),
        Some(ImageError::Shape(K::GenreNames))
    );
    for first in [0_u32, 65_281] {
        let first = OwnedTable::of(K::FirstYear, 1, &[first]);
        assert_eq!(
            put(K::FirstYear, &first),
            Some(ImageError::Value(K::FirstYear))
        );
    }
}
