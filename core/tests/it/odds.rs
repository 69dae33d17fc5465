//! How sure predictions are, against plain readings of the formulas.

use crate::device::Device;
use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::builder::{self, OwnedTable, Title};
use pocketrec::image::{AlignedBytes, ImageError, TableKind as K};
use pocketrec::learn::{FoldIn, gradient};
use pocketrec::model::Interval;
use pocketrec::numeric::square_root;
use pocketrec::profile::Rating;
use pocketrec::store::InRam;
use pocketrec::wire::{Capabilities, Refusal, Reply, Request, Who};

/// Unit, noise, slope, lower and upper end, and a step of 1/64 star.
const NUMBERS: [f32; 6] = [0.5, 0.75, -0.25, -1.5, 1.25, 0.015_625];

/// A model of a bias and two dimensions, of users 1 to 3 and movies 1 to 4, with these tables beside.
fn image(tables: &[OwnedTable]) -> AlignedBytes<256> {
    let of = |kind, rows, values: &[f32]| OwnedTable::of(kind, rows, values);
    let mut all = vec![
        of(K::RatingScale, 1, &[3.5, 0.5, 5.0, 0.5]),
        OwnedTable::of(K::Parts, 1, &[3_u8]),
        OwnedTable::of(K::MovieIdRange, 1, &[1_u32, 4]),
        OwnedTable::of(K::UserIdRange, 1, &[1_u32, 3]),
        of(
            K::MovieEmbedding,
            4,
            &[0.5, -0.25, -0.75, 1.0, 0.125, 0.5, -0.5, -1.0],
        ),
        of(K::UserEmbedding, 3, &[0.25, 0.5, -0.5, 0.25, 1.0, -1.0]),
        of(K::MovieBias, 4, &[0.25, -0.5, 0.0, 3.0]),
        of(K::UserBias, 3, &[0.125, 0.0, -0.25]),
        of(K::MeanUser, 1, &[0.25, -0.0625]),
        of(K::MeanUserBias, 1, &[-0.03125]),
        of(K::UserSpread, 1, &[0.25, 0.0, 0.5, 0.125, 0.0, 0.375]),
    ];
    all.extend_from_slice(tables);
    let title = Title {
        name: "odds",
        fingerprint: 1,
        license: "none",
    };
    let mut storage = AlignedBytes::new();
    let length = builder::write(title, &all, storage.bytes_mut()).unwrap();
    storage.truncate(length);
    storage
}

fn odds(numbers: &[f32], users: &[u8]) -> [OwnedTable; 2] {
    [
        OwnedTable::of(K::Odds, 1, numbers).optional(),
        OwnedTable::of(K::UserOdds, users.len(), users).optional(),
    ]
}

#[test]
fn a_user_has_their_own_deviation_and_a_narrower_interval_near_the_top() {
    let image = image(&odds(&NUMBERS, &[64, 32, 0]));
    let model = crate::open(image.bytes()).unwrap();
    assert!(model.has_odds());
    let of = |id| model.deviation_of_user(UserId(id));
    assert_eq!(
        [of(1), of(2), of(3), of(4)],
        [Some(1.0), Some(0.5), Some(0.0), None]
    );
    let user = model.user(UserId(1)).unwrap();
    for row in 0..4 {
        let score = model.score(&user, row);
        let deviation = 1.0 - 0.25 * (model.scale().clamp(score) - 3.5);
        let due = Interval {
            low: model.scale().clamp(score - 1.5 * deviation),
            high: model.scale().clamp(score + 1.25 * deviation),
        };
        assert_eq!(model.interval(&user, row, 1.0), Some(due), "row {row}");
        let stars = model.predict_for(&user, MovieId(row + 1)).unwrap();
        assert!(due.low <= stars && stars <= due.high);
    }
    // The last movie's bias takes it beyond the scale.
    assert_eq!(model.interval(&user, 3, 1.0).unwrap().high, 5.0);
    let sure = model.interval(&user, 0, 0.0).unwrap();
    assert_eq!(sure.low, sure.high);
}

#[test]
fn an_owners_interval_is_by_what_is_known_of_them_and_narrows_with_each_rating() {
    let image = image(&odds(&NUMBERS, &[64, 32, 0]));
    let model = crate::open(image.bytes()).unwrap();
    let log: Vec<Rating> = (0..4)
        .map(|at| Rating::new(MovieId(at + 1), 4.0, at).unwrap())
        .collect();
    let mut before = f32::MAX;
    for known in 0..=log.len() {
        let mut fold = FoldIn::new(&model);
        while !fold.advance(&model, &log[..known], 1).is_done() {}
        let user = fold.private().state(&model);
        let variance = fold.belief().variance(&gradient(&model, &user, 1).by);
        let deviation = fold.deviation(&model, 1).unwrap();
        assert_eq!(deviation, square_root(0.75 + 0.5 * variance));
        assert!(deviation < before, "{known} ratings");
        before = deviation;
    }
    assert!(before > square_root(0.75));
}

#[test]
fn a_service_says_how_sure_it_is_of_owners_and_of_users() {
    let image = image(&odds(&NUMBERS, &[64, 32, 0]));
    let model = crate::open(image.bytes()).unwrap();
    let mut device = Device::<1, 8, _>::new(Ok(model), InRam);
    let Reply::Hello(hello) = device.ask(Request::Hello) else {
        panic!("no hello");
    };
    assert!(Capabilities(hello.capabilities).has(Capabilities::ODDS));
    let (owner, user) = (Who::Owner(0), Who::ImageUser(2));
    let state = model.user(UserId(2)).unwrap();
    let due = model.interval(&state, 1, 0.5);
    assert_eq!(
        device.ask(Request::Likely {
            who: user,
            movie: 2
        }),
        Reply::Likely(due)
    );
    let mut log = Vec::new();
    for sequence in 0..3 {
        let mut fold = FoldIn::new(&model);
        while !fold.advance(&model, &log, 1).is_done() {}
        let state = fold.private().state(&model);
        let due = model.interval(&state, 1, fold.deviation(&model, 1).unwrap());
        assert!(due.is_some());
        assert_eq!(
            device.ask(Request::Likely {
                who: owner,
                movie: 2
            }),
            Reply::Likely(due)
        );
        let (movie, stars) = (sequence + 1, 2.5);
        device.ask(Request::Rate {
            who: owner,
            movie,
            stars,
        });
        log.push(Rating::new(MovieId(movie), stars, sequence).unwrap());
    }
    for (who, movie, why) in [
        (owner, 9, Refusal::UnknownMovie(9)),
        (Who::Owner(1), 2, Refusal::UnknownOwner(1)),
        (Who::ImageUser(9), 2, Refusal::UnknownUser(9)),
    ] {
        let came = device.ask(Request::Likely { who, movie });
        assert_eq!(came, Reply::Refused(why));
    }
}

#[test]
fn a_service_whose_image_does_not_say_it_answers_with_nothing() {
    let image = image(&[]);
    let model = crate::open(image.bytes()).unwrap();
    let mut device = Device::<1, 8, _>::new(Ok(model), InRam);
    let Reply::Hello(hello) = device.ask(Request::Hello) else {
        panic!("no hello");
    };
    assert!(!Capabilities(hello.capabilities).has(Capabilities::ODDS));
    for who in [Who::Owner(0), Who::ImageUser(2)] {
        let came = device.ask(Request::Likely { who, movie: 2 });
        assert_eq!(came, Reply::Likely(None));
    }
}

#[test]
fn an_image_that_does_not_say_it_has_no_intervals() {
    let image = image(&[]);
    let model = crate::open(image.bytes()).unwrap();
    let user = model.user(UserId(1)).unwrap();
    assert!(!model.has_odds());
    assert_eq!(model.deviation_of_user(UserId(1)), None);
    assert_eq!(FoldIn::new(&model).deviation(&model, 0), None);
    assert_eq!(model.interval(&user, 0, 1.0), None);
}

#[test]
fn odds_that_do_not_fit_are_refused_by_name() {
    let refused = |tables: &[OwnedTable]| crate::open(image(tables).bytes()).unwrap_err();
    let users = [1, 2, 3];
    for at in 0..NUMBERS.len() {
        let with = |number: f32| {
            let mut numbers = NUMBERS;
            numbers[at] = number;
            refused(&odds(&numbers, &users))
        };
        for (number, error) in [
            (f32::NAN, ImageError::NotFinite(K::Odds)),
            (f32::INFINITY, ImageError::NotFinite(K::Odds)),
            (20_000.0, ImageError::Value(K::Odds)),
            (-20_000.0, ImageError::Value(K::Odds)),
        ] {
            assert_eq!(with(number), error, "number {at}: {number}");
        }
        // A slope may have either sign, and the lower end is below.
        if at != 2 {
            assert_eq!(
                with(-NUMBERS[at]),
                ImageError::Value(K::Odds),
                "number {at}"
            );
        }
    }
    let [numbers, of_users] = odds(&NUMBERS, &users);
    assert_eq!(refused(&[of_users]), ImageError::Missing(K::Odds));
    assert_eq!(refused(&[numbers]), ImageError::Missing(K::UserOdds));
    assert_eq!(
        refused(&odds(&NUMBERS, &[1, 2])),
        ImageError::Shape(K::UserOdds)
    );
    assert_eq!(
        refused(&odds(&NUMBERS[..5], &users)),
        ImageError::Shape(K::Odds)
    );
}
