//! What a service does for its owners, over its real frames: rate, undo, forget, import, suggest, explain.
#![cfg(feature = "learn")]

use crate::device::Device;
use pocketrec::image::example;
use pocketrec::model::Model;
use pocketrec::model::Wanted;

use pocketrec::rank::Order;
use pocketrec::store::{InRam, Record, Store, StoreError};
use pocketrec::wire::{MAX_IMPORT, Refusal, Reply, Request, Storage, StorageState, Who};

const OWNER: Who = Who::Owner(0);

type Bench<'m> = Device<'m, 2, 3, InRam>;

impl Bench<'_> {
    fn rate(&mut self, movie: u32, stars: f32) -> Reply<'static> {
        self.ask(Request::Rate {
            who: OWNER,
            movie,
            stars,
        })
    }

    fn row(&mut self) -> Reply<'static> {
        self.ask(Request::Profile { who: OWNER })
    }
}

fn model() -> Model<'static> {
    let image = Box::leak(Box::new(example()));
    crate::open(image.bytes()).unwrap()
}

#[test]
fn undo_and_forget_bring_back_the_very_row_that_there_was() {
    let mut bench = Bench::new(Ok(model()), InRam);
    let nobody = bench.row();
    let Reply::Rated {
        before,
        after,
        ratings: 1,
    } = bench.rate(20, 5.0)
    else {
        panic!()
    };
    assert!(after > before);
    let one = bench.row();
    bench.rate(300, 1.0);
    let two = bench.row();
    bench.rate(20, 2.0);
    assert_eq!(
        bench.ask(Request::Undo { who: OWNER }),
        Reply::Undone {
            movie: 20,
            stars: Some(5.0),
            ratings: 2
        }
    );
    assert_eq!(bench.row(), two);
    assert_eq!(
        bench.ask(Request::Forget {
            who: OWNER,
            movie: 300
        }),
        Reply::Forgotten { ratings: 1 }
    );
    assert_eq!(bench.row(), one);
    // What was forgotten doesn't come back: the rating before it is undone next.
    assert_eq!(
        bench.ask(Request::Undo { who: OWNER }),
        Reply::Undone {
            movie: 20,
            stars: None,
            ratings: 0
        }
    );
    assert_eq!(bench.row(), nobody);
    assert_eq!(
        bench.ask(Request::Undo { who: OWNER }),
        Reply::Refused(Refusal::NothingToUndo)
    );
    bench.rate(10, 4.5);
    assert_eq!(
        bench.ask(Request::ForgetMe { who: OWNER }),
        Reply::Forgotten { ratings: 0 }
    );
    assert_eq!(bench.row(), nobody);
}

#[test]
fn what_cannot_be_is_refused_by_name_and_changes_nothing() {
    let mut bench = Bench::new(Ok(model()), InRam);
    bench.rate(10, 4.0);
    bench.rate(20, 1.0);
    bench.rate(300, 3.0);
    let before = bench.row();
    let user = Who::ImageUser(1);
    for (request, refusal) in [
        (
            Request::Rate {
                who: OWNER,
                movie: 4000,
                stars: 3.0,
            },
            Refusal::LogFull,
        ),
        (
            Request::Rate {
                who: OWNER,
                movie: 11,
                stars: 3.0,
            },
            Refusal::UnknownMovie(11),
        ),
        (
            Request::Rate {
                who: OWNER,
                movie: 10,
                stars: 5.5,
            },
            Refusal::OffScale,
        ),
        (
            Request::Rate {
                who: OWNER,
                movie: 10,
                stars: 3.25,
            },
            Refusal::OffScale,
        ),
        (
            Request::Rate {
                who: OWNER,
                movie: 10,
                stars: f32::NAN,
            },
            Refusal::OffScale,
        ),
        (
            Request::Rate {
                who: user,
                movie: 10,
                stars: 3.0,
            },
            Refusal::NotAnOwner,
        ),
        (
            Request::Rate {
                who: Who::Owner(2),
                movie: 10,
                stars: 3.0,
            },
            Refusal::UnknownOwner(2),
        ),
        (
            Request::Forget {
                who: OWNER,
                movie: 4000,
            },
            Refusal::NotRated(4000),
        ),
        (Request::Undo { who: Who::Owner(1) }, Refusal::NothingToUndo),
        (Request::Undo { who: user }, Refusal::NotAnOwner),
        (
            Request::ForgetMe { who: Who::Owner(9) },
            Refusal::UnknownOwner(9),
        ),
        (Request::ForgetMe { who: user }, Refusal::NotAnOwner),
        (
            Request::Ratings {
                who: user,
                first: 0,
            },
            Refusal::NotAnOwner,
        ),
        (
            Request::Ratings {
                who: Who::Owner(9),
                first: 0,
            },
            Refusal::UnknownOwner(9),
        ),
        (
            Request::Suggest {
                who: OWNER,
                count: 21,
            },
            Refusal::ListTooLong,
        ),
        (
            Request::Suggest {
                who: user,
                count: 1,
            },
            Refusal::NotAnOwner,
        ),
        (
            Request::Explain {
                who: OWNER,
                movie: 11,
            },
            Refusal::UnknownMovie(11),
        ),
        (
            Request::Explain {
                who: Who::ImageUser(9),
                movie: 10,
            },
            Refusal::UnknownUser(9),
        ),
    ] {
        assert_eq!(bench.ask(request), Reply::Refused(refusal), "{request:?}");
        assert_eq!(bench.row(), before, "{request:?}");
    }
    // A full log still takes another rating of a movie that it holds.
    assert!(matches!(
        bench.rate(10, 1.0),
        Reply::Rated { ratings: 3, .. }
    ));
    assert_ne!(bench.row(), before);
}

#[test]
fn a_profile_comes_back_from_the_list_of_its_ratings() {
    let mut bench = Bench::new(Ok(model()), InRam);
    for (movie, stars) in [(10, 4.0), (20, 1.0), (10, 2.5), (300, 3.0)] {
        bench.rate(movie, stars);
    }
    let row = bench.row();
    let Reply::Ratings(list) = bench.ask(Request::Ratings {
        who: OWNER,
        first: 0,
    }) else {
        panic!()
    };
    let pairs: Vec<_> = list
        .ratings
        .iter()
        .map(|entry| (entry.movie, entry.stars, entry.used))
        .collect();
    assert_eq!(list.total, 3);
    assert_eq!(pairs, [(20, 1.0, true), (10, 2.5, true), (300, 3.0, true)]);
    let Reply::Ratings(rest) = bench.ask(Request::Ratings {
        who: OWNER,
        first: 2,
    }) else {
        panic!()
    };
    assert_eq!((rest.total, &rest.ratings[..]), (3, &list.ratings[2..]));

    let mut another = Bench::new(Ok(model()), InRam);
    let mut ratings = [(0, 0.0); MAX_IMPORT];
    for (to, from) in ratings.iter_mut().zip(&list.ratings) {
        *to = (from.movie, from.stars);
    }
    let import = Request::Import {
        who: OWNER,
        count: 3,
        ratings,
    };
    assert_eq!(
        another.ask(import),
        Reply::Imported {
            taken: 3,
            refused: None,
            ratings: 3
        }
    );
    assert_eq!(another.row(), row);
    // As far as it goes, and why no further.
    ratings[0] = (20, 3.0);
    ratings[1] = (11, 1.0);
    let import = Request::Import {
        who: OWNER,
        count: 3,
        ratings,
    };
    let refused = Some(Refusal::UnknownMovie(11));
    assert_eq!(
        another.ask(import),
        Reply::Imported {
            taken: 1,
            refused,
            ratings: 3
        }
    );
    let import = Request::Import {
        who: OWNER,
        count: 9,
        ratings,
    };
    assert_eq!(another.ask(import), Reply::Refused(Refusal::ListTooLong));
}

#[test]
fn an_explanation_adds_up_and_names_the_ratings_that_moved_it() {
    let mut bench = Bench::new(Ok(model()), InRam);
    bench.rate(10, 4.0);
    bench.rate(20, 1.0);
    for who in [OWNER, Who::ImageUser(2)] {
        let Reply::Explained(why) = bench.ask(Request::Explain { who, movie: 300 }) else {
            panic!()
        };
        let Reply::Stars(stars) = bench.ask(Request::Predict { who, movie: 300 }) else {
            panic!()
        };
        assert_eq!(why.stars, stars);
        let sum = why.mean + why.user_bias + why.movie_bias + why.dot + why.mlp;
        assert!((sum - stars).abs() < 1e-5, "{sum} for {stars}");
        let movies: Vec<_> = why.because.iter().map(|because| because.movie).collect();
        if who == OWNER {
            assert_eq!(movies.len(), 2);
            assert!(why.because[0].moved.abs() >= why.because[1].moved.abs());
            assert!(movies.contains(&10) && movies.contains(&20));
        } else {
            assert!(movies.is_empty());
        }
    }
}

#[test]
fn suggestions_and_recommendations_leave_out_what_the_owner_rated() {
    let mut bench = Bench::new(Ok(model()), InRam);
    bench.rate(20, 1.0);
    for request in [
        Request::Suggest {
            who: OWNER,
            count: 4,
        },
        Request::TopN {
            who: OWNER,
            count: 4,
            include_rated: false,
            include_below: false,
            order: Order::Score,
            wanted: Wanted::ANY,
        },
    ] {
        let Reply::Movies(list) = bench.ask(request) else {
            panic!()
        };
        let mut movies: Vec<_> = list.iter().map(|ranked| ranked.movie).collect();
        movies.sort_unstable();
        assert_eq!(movies, [10, 300, 4000]);
    }
}

#[test]
fn owners_are_apart_and_what_each_costs_is_told() {
    let mut bench = Bench::new(Ok(model()), InRam);
    bench.rate(20, 1.0);
    bench.ask(Request::Rate {
        who: Who::Owner(1),
        movie: 10,
        stars: 5.0,
    });
    bench.rate(300, 1.0);
    let Reply::Owners(owners) = bench.ask(Request::Owners) else {
        panic!()
    };
    assert_eq!((owners.owners, owners.capacity), (2, 3));
    assert_eq!(owners.ratings, [2, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(owners.unused, [0; 8]);
    assert_eq!(
        usize::from(owners.ram),
        size_of::<pocketrec::profile::Profile<3>>()
    );
    let Reply::Limits(limits) = bench.ask(Request::Limits) else {
        panic!()
    };
    assert_eq!(
        (limits.owners, limits.ratings, limits.undo, limits.storage),
        (2, 3, 8, 0)
    );
    let Reply::Storage(storage) = bench.ask(Request::Storage) else {
        panic!()
    };
    assert_eq!(storage.state, StorageState::Absent);
    bench.ask(Request::ForgetMe { who: Who::Owner(1) });
    let Reply::Owners(owners) = bench.ask(Request::Owners) else {
        panic!()
    };
    assert_eq!(owners.ratings, [2, 0, 0, 0, 0, 0, 0, 0]);
}

/// A store with so many pages to erase.
struct Chores(u32);

impl Store for Chores {
    fn replay(&mut self, _: &mut dyn FnMut(Record)) {}

    fn append(&mut self, _: Record) -> Result<(), StoreError> {
        Ok(())
    }

    fn compact(&mut self, _: &mut dyn Iterator<Item = Record>) -> Result<(), StoreError> {
        Ok(())
    }

    fn work_ahead(&mut self) -> bool {
        let some = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        some
    }

    fn report(&self) -> Storage {
        InRam.report()
    }
}

#[test]
fn work_ahead_waits_until_no_request_is_under_way() {
    let mut device = Device::<1, 3, _>::new(Ok(model()), Chores(2));
    assert!(device.service.idle());
    device.send(Request::TopN {
        who: OWNER,
        count: 2,
        include_rated: false,
        include_below: false,
        order: Order::Score,
        wanted: Wanted::ANY,
    });
    while device.service.is_working() {
        assert!(!device.service.idle());
        device.service.poll(&mut device.line);
    }
    assert_eq!(device.service.store().0, 1);
    assert!(device.service.idle() && !device.service.idle());
}

#[test]
fn a_change_cannot_be_cancelled_halfway_and_a_question_can() {
    let mut bench = Bench::new(Ok(model()), InRam);
    bench.rate(10, 1.0);
    bench.send(Request::Rate {
        who: OWNER,
        movie: 20,
        stars: 5.0,
    });
    let number = bench.number;
    bench.send(Request::Cancel { number });
    assert_eq!(bench.replies(), [Reply::Cancelled(false)]);
    while bench.service.is_working() {
        bench.service.poll(&mut bench.line);
    }
    assert!(matches!(
        bench.replies()[..],
        [Reply::Rated { ratings: 2, .. }]
    ));
    bench.send(Request::Explain {
        who: OWNER,
        movie: 20,
    });
    let number = bench.number;
    bench.send(Request::Cancel { number });
    let replies = bench.replies();
    assert_eq!(
        replies,
        [Reply::Refused(Refusal::Cancelled), Reply::Cancelled(true)]
    );
    assert!(!bench.service.is_working());
}
