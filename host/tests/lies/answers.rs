//! Single answers, each of which can't be right.

use super::*;

pub fn movies(list: &[(u32, f32)]) -> Reply<'static> {
    let ranked = list.iter().map(|(movie, stars)| Ranked {
        movie: *movie,
        score: *stars,
        stars: *stars,
    });
    Reply::Movies(ranked.collect())
}

pub fn page(total: u16, ratings: &[(u32, f32)]) -> Reply<'static> {
    let entries = ratings.iter().map(|(movie, stars)| RatingEntry {
        movie: *movie,
        stars: *stars,
        used: true,
    });
    Reply::Ratings(RatingsReply {
        total,
        ratings: entries.collect(),
    })
}

pub fn import(count: u8) -> Request {
    let mut ratings = [(0, 0.0); MAX_IMPORT];
    for (rating, movie) in ratings.iter_mut().zip([10, 20, 300]) {
        *rating = (movie, 4.0);
    }
    Request::Import {
        who: WHO,
        count,
        ratings,
    }
}

pub fn imported(taken: u8, refused: Option<Refusal>) -> Reply<'static> {
    Reply::Imported {
        taken,
        refused,
        ratings: 3,
    }
}

pub fn info(change: impl FnOnce(&mut ModelInfo<'static>)) -> Reply<'static> {
    let mut info = ModelInfo {
        name: "made up",
        license: "none",
        fingerprint: 0,
        length: 0,
        crc: 0,
        movies: 3,
        users: 0,
        user_dim: 4,
        movie_dim: 4,
        parts: 0,
        mean: 3.0,
        lowest: 0.5,
        highest: 5.0,
        step: 0.5,
        seen: false,
        facets: false,
        validation: None,
    };
    change(&mut info);
    Reply::ModelInfo(info)
}

pub fn explained(change: impl FnOnce(&mut Explained)) -> Reply<'static> {
    let mut explained = Explained {
        stars: 3.0,
        mean: 3.0,
        user_bias: 0.0,
        movie_bias: 0.0,
        dot: 0.0,
        mlp: 0.0,
        because: Default::default(),
    };
    change(&mut explained);
    Reply::Explained(explained)
}

pub fn owners(change: impl FnOnce(&mut Owners)) -> Reply<'static> {
    let mut owners = Owners {
        owners: 1,
        capacity: 64,
        ram: 0,
        flash: 0,
        ratings: [0; 8],
        unused: [0; 8],
    };
    change(&mut owners);
    Reply::Owners(owners)
}

pub fn storage(free: u16, records: u32) -> Reply<'static> {
    Reply::Storage(Storage {
        state: StorageState::Flash,
        bytes: 4096,
        pages: 4,
        free,
        records,
        capacity: 100,
        rounds: 0,
        torn: 0,
        bad_writes: 0,
    })
}

#[test]
fn every_answer_that_cannot_be_right_is_told_by_what_is_wrong_with_it() {
    let nan = f32::NAN;
    let predict = Request::Predict {
        who: Who::ImageUser(2),
        movie: 10,
    };
    let similar = Request::Similar {
        movie: 10,
        count: 2,
    };
    let rated = |before, after, ratings| Reply::Rated {
        before,
        after,
        ratings,
    };
    let profile = |bias, row: &[f32]| {
        Reply::Profile(ProfileReply {
            ratings: 0,
            bias,
            row: row.iter().copied().collect(),
        })
    };
    let ratings = |first| Request::Ratings { who: WHO, first };
    let because = |movies: &[u32], moved| {
        explained(|explained| {
            explained.because = movies
                .iter()
                .map(|movie| Because {
                    movie: *movie,
                    stars: 4.0,
                    moved,
                })
                .collect();
        })
    };
    let explain = Request::Explain {
        who: WHO,
        movie: 10,
    };
    let limits = Reply::Limits(Limits {
        owners: 200,
        list: 20,
        dimensions: 64,
        units: 64,
        body: 288,
        image: 0,
        ratings: 64,
        undo: 8,
        storage: 0,
    });
    let image = example();
    let known = Known::of(&Model::open(image.bytes()).unwrap());
    for (request, reply, said) in [
        (TOP, Reply::Stars(3.0), "an answer to something else"),
        (Request::Hello, info(|_| ()), "an answer to something else"),
        (predict, Reply::Stars(nan), "NaN is among the numbers"),
        (predict, Reply::Stars(9.0), "9 stars are not between"),
        (
            TOP,
            movies(&[(10, 4.0), (20, 3.0), (300, 2.0)]),
            "there are 3 movies where 2",
        ),
        (
            TOP,
            movies(&[(10, 4.0), (10, 4.0)]),
            "movie 10 is named twice",
        ),
        (
            TOP,
            movies(&[(11, 4.0)]),
            "movie 11 is named, which its image",
        ),
        (
            TOP,
            movies(&[(10, f32::INFINITY)]),
            "inf is among the numbers",
        ),
        (TOP, movies(&[(10, 7.5)]), "7.5 stars are not between"),
        (similar, movies(&[(20, 1.5)]), "a likeness is beyond 1"),
        (similar, movies(&[(10, 1.0)]), "near itself"),
        (RATE, rated(3.0, nan, 1), "NaN"),
        (RATE, rated(-1.0, 3.0, 1), "-1 stars are not between"),
        (RATE, rated(3.0, 3.0, 0), "no rating behind it"),
        (RATE, rated(3.0, 3.0, u32::MAX), "more than any board holds"),
        (Request::Profile { who: WHO }, profile(nan, &[]), "NaN"),
        (
            Request::Profile { who: WHO },
            profile(0.0, &[1.0]),
            "a row of 1 number ",
        ),
        (
            Request::ForgetMe { who: WHO },
            Reply::Forgotten { ratings: 4 },
            "there are 4 ratings left",
        ),
        (
            ratings(0),
            page(0, &[(10, 4.0)]),
            "there is 1 rating where 0 should be left",
        ),
        (
            ratings(5),
            page(6, &[(10, 4.0), (20, 4.0)]),
            "there are 2 ratings where 1",
        ),
        (ratings(0), page(9, &[]), "nothing is told of 9 ratings"),
        (
            ratings(0),
            page(u16::MAX, &[]),
            "65535 ratings are more than any",
        ),
        (
            ratings(0),
            page(2, &[(10, 4.0), (10, 4.0)]),
            "movie 10 is named twice",
        ),
        (ratings(0), page(1, &[(10, nan)]), "NaN"),
        (
            ratings(0),
            page(1, &[(11, 4.0)]),
            "movie 11 is named, which its image",
        ),
        (
            import(3),
            imported(0, None),
            "0 of 3 ratings were taken in, and no reason",
        ),
        (import(3), imported(4, None), "4 of 3 ratings were taken in"),
        (
            import(3),
            imported(3, Some(Refusal::LogFull)),
            "all ratings were taken in and one",
        ),
        (
            import(3),
            imported(1, Some(Refusal::UnknownMovie(9))),
            "which nobody asked for",
        ),
        (
            import(3),
            imported(1, Some(Refusal::UnknownMovie(20))),
            "but its image has it",
        ),
        (
            TOP,
            Reply::Refused(Refusal::UnknownUser(7)),
            "which nobody asked for",
        ),
        (
            predict,
            Reply::Refused(Refusal::UnknownMovie(10)),
            "but its image has it",
        ),
        (
            predict,
            Reply::Refused(Refusal::UnknownUser(2)),
            "but its image has it",
        ),
        (
            RATE,
            Reply::Refused(Refusal::UnknownOwner(3)),
            "which nobody asked for",
        ),
        (Request::ModelInfo, info(|info| info.mean = nan), "NaN"),
        (
            Request::ModelInfo,
            info(|info| info.highest = 0.0),
            "is no scale",
        ),
        (
            Request::ModelInfo,
            info(|info| info.step = 0.0),
            "is no scale",
        ),
        (
            Request::ModelInfo,
            info(|info| info.movies = 0),
            "it has no movies",
        ),
        (explain, explained(|explained| explained.dot = nan), "NaN"),
        (
            explain,
            explained(|explained| explained.stars = 80.0),
            "80 stars",
        ),
        (explain, because(&[10, 10], 0.1), "movie 10 is named twice"),
        (explain, because(&[11], 0.1), "movie 11 is named"),
        (explain, because(&[10], nan), "NaN"),
        (
            Request::Limits,
            limits,
            "there are 200 owners, and not 1 to 8",
        ),
        (
            Request::Owners,
            owners(|owners| owners.owners = 9),
            "there are 9 owners, and not 1 to 8",
        ),
        (
            Request::Owners,
            owners(|owners| owners.owners = 0),
            "there are 0 owners",
        ),
        (
            Request::Owners,
            owners(|owners| owners.ratings[0] = 65),
            "room for 64",
        ),
        (
            Request::Owners,
            owners(|owners| owners.unused[0] = 1),
            "1 of them not for",
        ),
        (Request::Storage, storage(5, 0), "5 of 4 pages"),
        (Request::Compact, storage(0, 101), "101 of 100 records"),
    ] {
        let found = sense::check(&request, &reply, Some(&known)).unwrap_err();
        assert!(found.contains(said), "{request:?}, {reply:?}: {found}");
    }
}

#[test]
fn every_answer_of_cores_service_can_be_right() {
    let image = example();
    let model = Model::open(image.bytes()).unwrap();
    let known = Known::of(&model);
    let counts = pocketrec_link::questions::Counts {
        predictions: 20,
        ..pocketrec_link::questions::Counts::FULL
    };
    let mut questions = pocketrec_link::questions::of(&model, counts, 3);
    questions.extend([
        Request::Hello,
        Request::Limits,
        Request::LinkCounters,
        Request::Health,
        Request::Owners,
        Request::Storage,
        Request::Compact,
        import(3),
        import(0),
        Request::Ratings { who: WHO, first: 0 },
        Request::Ratings { who: WHO, first: 9 },
        Request::Suggest { who: WHO, count: 9 },
        Request::ForgetMe { who: WHO },
        Request::Undo { who: WHO },
        Request::Profile {
            who: Who::Owner(99),
        },
        Request::Rate {
            who: Who::ImageUser(2),
            movie: 10,
            stars: 4.0,
        },
    ]);
    let mut board = Connection::new(MemoryBoard::new(Ok(model)), "board", Timing::MEMORY);
    board.hold_to(known);
    for question in questions {
        if let Err(why) = board.ask_checked(&question, |_, _| ()) {
            panic!("{question:?}: {why}");
        }
    }
}
