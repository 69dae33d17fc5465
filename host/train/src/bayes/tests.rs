use super::narrow::even_out;
use super::*;

/// Ratings of a taste of two dimensions with biases, for each pair that `keep` lets through, and noise
/// of standard deviation 0.3.
fn ratings(keep: impl Fn(u32, u32) -> bool) -> Vec<(u32, u32, f32)> {
    let mut draw = draw::Draw::new(11, draw::Purpose::Start, 0, 0);
    let users: Vec<[f64; 3]> = (0..USERS)
        .map(|_| [(); 3].map(|()| draw.normal()))
        .collect();
    let movies: Vec<[f64; 3]> = (0..MOVIES)
        .map(|_| [(); 3].map(|()| draw.normal()))
        .collect();
    let mut out = Vec::new();
    for (u, a) in (0u32..).zip(&users) {
        for (m, b) in (0u32..).zip(&movies) {
            let noise = 0.3 * draw.normal();
            if keep(u, m) {
                let taste = 0.5 * (a[1] * b[1] + a[2] * b[2]);
                let stars = 3.5 + 0.4 * a[0] + 0.4 * b[0] + taste + noise;
                out.push((u, m, stars as f32));
            }
        }
    }
    out
}

const USERS: usize = 90;
const MOVIES: usize = 70;

fn settings() -> Settings {
    Settings {
        width: 8,
        burn_in: 15,
        sweeps: 40,
        thin: 2,
        implicit_every: 1,
        dims: (4, 4),
        seed: 3,
        threads: 2,
        kernel: Kernel::best(),
    }
}

fn run(ratings: &[(u32, u32, f32)], tags: &[Tags; 2], settings: &Settings) -> Rows {
    let input = Input {
        users: USERS,
        movies: MOVIES,
        ratings: ratings.iter().copied(),
        tags,
    };
    fit(input, settings, None, &mut ()).unwrap()
}

fn predict(rows: &Rows, dim: usize, user: usize, movie: usize) -> f32 {
    let p = &rows.user_rows[user * dim..(user + 1) * dim];
    let q = &rows.movie_rows[movie * dim..(movie + 1) * dim];
    let dot: f32 = p.iter().zip(q).map(|(a, b)| a * b).sum();
    rows.mean + rows.user_bias[user] + rows.movie_bias[movie] + dot
}

#[test]
fn a_hidden_taste_is_found_to_within_the_noise() {
    let held = |u: u32, m: u32| (u * 7 + m * 3).is_multiple_of(4);
    let train = ratings(|u, m| !held(u, m));
    let test = ratings(held);
    let [whole, half] = [1, 2].map(|implicit_every| {
        let settings = Settings {
            implicit_every,
            ..settings()
        };
        let rows = run(&train, &Default::default(), &settings);
        let squares = test.iter().map(|&(u, m, stars)| {
            let error = f64::from(stars - predict(&rows, 4, u as usize, m as usize));
            error * error
        });
        let rmse = (squares.sum::<f64>() / test.len() as f64).sqrt();
        // 0.3 is the noise; biases alone leave 0.76.
        assert!(rmse < 0.33, "{implicit_every}: {rmse}");
        rows
    });
    assert_ne!(whole, half);
}

#[test]
fn implicit_feedback_is_drawn_in_each_sweep_of_burn_in() {
    let train = ratings(|u, m| (u + m) % 3 == 0);
    let of = |burn_in, implicit_every| {
        let settings = Settings {
            burn_in,
            sweeps: 1,
            thin: 1,
            implicit_every,
            ..settings()
        };
        run(&train, &Default::default(), &settings)
    };
    // The only sweep behind burn-in is one that draws it, or one that doesn't.
    assert_eq!(of(6, 1), of(6, 3));
    assert_ne!(of(6, 1), of(6, 4));
}

#[test]
fn threads_and_vectors_do_not_change_a_bit() {
    let train = ratings(|u, m| (u + m) % 3 == 0);
    let tags = [USERS, MOVIES]
        .map(|rows| Tags::new((0..rows as u32).map(|row| (format!("tag {}", row % 5), row))));
    let one = Settings {
        threads: 1,
        sweeps: 6,
        ..settings()
    };
    let first = run(&train, &tags, &one);
    for threads in [2, 3] {
        assert_eq!(first, run(&train, &tags, &Settings { threads, ..one }));
    }
    for kernel in Kernel::ALL {
        assert_eq!(first, run(&train, &tags, &Settings { kernel, ..one }));
    }
    assert_ne!(first, run(&train, &tags, &Settings { seed: 4, ..one }));
}

#[test]
fn every_width_learns_and_gives_the_dimensions_asked_for() {
    let train = ratings(|u, m| (u + m) % 3 == 0);
    for (width, dim) in [(8, 2), (16, 8), (24, 3), (32, 16), (40, 32)] {
        let settings = Settings {
            width,
            dims: (dim, dim),
            sweeps: 6,
            ..settings()
        };
        let rows = run(&train, &Default::default(), &settings);
        assert_eq!(rows.user_rows.len(), USERS * dim);
        assert_eq!(rows.movie_rows.len(), MOVIES * dim);
        assert!(rows.movie_rows.iter().all(|x| x.is_finite()));
    }
}

#[test]
fn users_spread_evenly_about_zero() {
    let rows = run(
        &ratings(|u, m| (u + m) % 3 == 0),
        &Default::default(),
        &settings(),
    );
    let moments = |values: &mut dyn Iterator<Item = f32>| {
        let values: Vec<f64> = values.map(f64::from).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (
            mean,
            values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n,
        )
    };
    let (_, biases) = moments(&mut rows.user_bias.iter().copied());
    // The taste has two dimensions, which is where the spread is known best.
    for k in 0..2 {
        let (mean, variance) = moments(&mut rows.user_rows.iter().copied().skip(k).step_by(4));
        assert!(mean.abs() < 1e-4, "{mean}");
        assert!(
            (variance / biases - 1.0).abs() < 0.01,
            "{variance} {biases}"
        );
    }
}

#[test]
fn evening_out_leaves_predictions_as_they_are() {
    let mut draw = draw::Draw::new(12, draw::Purpose::Start, 0, 0);
    let mut numbers = |n: usize, scale: f64| -> Vec<f32> {
        (0..n)
            .map(|_| (0.2 + scale * draw.normal()) as f32)
            .collect()
    };
    let before = Rows {
        mean: 3.4,
        user_bias: numbers(USERS, 0.4),
        movie_bias: numbers(MOVIES, 0.4),
        dim: 3,
        user_rows: numbers(USERS * 3, 0.3),
        movie_rows: numbers(MOVIES * 3, 0.6),
    };
    let mut after = before.clone();
    even_out(&mut after, 2);
    for user in 0..USERS {
        for movie in 0..MOVIES {
            let (a, b) = (
                predict(&before, 3, user, movie),
                predict(&after, 3, user, movie),
            );
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }
}

#[test]
fn a_tag_speaks_for_a_user_and_a_movie_that_have_no_ratings() {
    // Even ones have or give more stars, odd ones fewer; the last two of each have no ratings.
    let more = |row: u32| row.is_multiple_of(2);
    let last = [USERS as u32 - 2, MOVIES as u32 - 2];
    let mut train = ratings(|u, m| u < last[0] && m < last[1] && (u + m) % 3 == 0);
    for (u, m, stars) in &mut train {
        for row in [*u, *m] {
            *stars += if more(row) { 1.0 } else { -1.0 };
        }
    }
    let tags = [USERS, MOVIES].map(|rows| {
        Tags::new((0..rows as u32).map(|row| {
            let tag = if more(row) { "more" } else { "less" };
            (tag.to_owned(), row)
        }))
    });
    let biases = |tags: &[Tags; 2]| {
        let rows = run(&train, tags, &settings());
        let apart = |bias: &[f32], last: u32| bias[last as usize] - bias[last as usize + 1];
        [
            apart(&rows.user_bias, last[0]),
            apart(&rows.movie_bias, last[1]),
        ]
    };
    let (with, without) = (biases(&tags), biases(&Default::default()));
    // Two stars apart, and by chance alone next to nothing.
    assert!(
        with.iter().all(|apart| (1.5..2.5).contains(apart)),
        "{with:?}"
    );
    assert!(without.iter().all(|apart| apart.abs() < 0.7), "{without:?}");
}

#[test]
fn the_watcher_hears_of_every_sweep_and_may_predict() {
    #[derive(Default)]
    struct Heard(usize, usize);
    impl Watch for Heard {
        fn sweep(&mut self, sweep: &Sweep<'_>) -> Then {
            self.0 += 1;
            self.1 += usize::from(!sweep.burn_in);
            assert_eq!((sweep.number, sweep.total), (self.0, 55));
            assert!((sweep.predict)(1, 1).is_finite());
            Then::GoOn
        }
    }
    let train = ratings(|u, m| (u + m) % 3 == 0);
    let mut heard = Heard::default();
    let input = Input {
        users: USERS,
        movies: MOVIES,
        ratings: train.iter().copied(),
        tags: &Default::default(),
    };
    fit(input, &settings(), None, &mut heard);
    assert_eq!((heard.0, heard.1), (55, 40));
}

#[test]
fn ratings_without_noise_or_without_any_difference_are_learned_all_the_same() {
    let exact = |stars: &dyn Fn(u32, u32) -> f32| -> Vec<(u32, u32, f32)> {
        let pairs = (0..USERS as u32).flat_map(|u| (0..MOVIES as u32).map(move |m| (u, m)));
        pairs
            .filter(|(u, m)| (u + m) % 3 == 0)
            .map(|(u, m)| (u, m, stars(u, m)))
            .collect()
    };
    let taste = |u: u32, m: u32| 3.0 + 2.0 * (u as f32 * 0.7).sin() * (m as f32 * 1.3).sin();
    for (ratings, slack) in [(exact(&taste), 0.2), (exact(&|_, _| 4.0), 0.1)] {
        for width in [8, 16] {
            let settings = Settings {
                width,
                ..settings()
            };
            let rows = run(&ratings, &Default::default(), &settings);
            for &(u, m, stars) in &ratings {
                let error = (stars - predict(&rows, 4, u as usize, m as usize)).abs();
                assert!(error < slack, "{error} at width {width}");
            }
        }
    }
}

/// Ratings of a taste of two dimensions, sampled with rows of fifteen.
#[test]
fn as_many_dimensions_come_out_as_explain_something() {
    let train = ratings(|u, m| (u * 7 + m * 3) % 4 != 0);
    let by_data = Settings {
        width: 16,
        dims: (1, 14),
        sweeps: 120,
        ..settings()
    };
    let rows = run(&train, &Default::default(), &by_data);
    // The taste's two, and a few more by what chance is left in the mean of sixty samples.
    assert!((2..14).contains(&rows.dim), "{}", rows.dim);
    assert_eq!(rows.user_rows.len(), USERS * rows.dim);
    // The same as if so many had been asked for.
    let asked = Settings {
        dims: (rows.dim, 14),
        ..by_data
    };
    assert_eq!(run(&train, &Default::default(), &asked), rows);
}

#[test]
fn a_single_rating_is_enough_to_run() {
    let rows = run(&[(3, 5, 4.5)], &Default::default(), &settings());
    assert!((predict(&rows, 4, 3, 5) - 4.5).abs() < 1.0);
    assert!(
        rows.user_rows
            .iter()
            .chain(&rows.movie_rows)
            .all(|x| x.is_finite())
    );
}

/// Ratings of a taste of `dims` dimensions with next to no noise.
fn ratings_of(dims: usize) -> Vec<(u32, u32, f32)> {
    let mut draw = draw::Draw::new(12, draw::Purpose::Start, 0, 0);
    let mut table = |rows: usize| -> Vec<f64> { (0..rows * dims).map(|_| draw.normal()).collect() };
    let (users, movies) = (table(USERS), table(MOVIES));
    let mut out = Vec::new();
    for (u, a) in (0u32..).zip(users.chunks(dims)) {
        for (m, b) in (0u32..).zip(movies.chunks(dims)) {
            let taste: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            out.push((u, m, (3.5 + 0.3 * taste) as f32));
        }
    }
    out
}

#[test]
fn rows_are_widened_only_where_nearly_all_of_their_numbers_say_something() {
    /// Keeps what it is told after a sweep, and ends there if it is to.
    struct Kept(usize, bool, Option<State>);
    impl Watch for Kept {
        fn sweep(&mut self, sweep: &Sweep<'_>) -> Then {
            match (sweep.number == self.0, self.1) {
                (false, _) => Then::GoOn,
                (true, false) => Then::Keep,
                (true, true) => Then::End,
            }
        }
        fn keep(&mut self, _: Rows, state: State) {
            self.2 = Some(state);
        }
    }
    let settings = Settings {
        width: 32,
        burn_in: 60,
        sweeps: 20,
        dims: (1, 30),
        ..settings()
    };
    let (many, few) = (ratings_of(20), ratings_of(2));
    let none = Default::default();
    let input = || Input {
        users: USERS,
        movies: MOVIES,
        ratings: many.iter().copied(),
        tags: &none,
    };
    assert!(run(&few, &Default::default(), &settings).dim < 14);
    let whole = run(&many, &Default::default(), &settings);
    assert!(whole.dim > 15, "{}", whole.dim);
    // Kept and stopped before, at and after that sweep, it goes on to the same bits.
    for sweep in [
        settings.widens() - 1,
        settings.widens(),
        settings.widens() + 1,
    ] {
        let mut kept = Kept(sweep, false, None);
        assert_eq!(
            fit(input(), &settings, None, &mut kept),
            Some(whole.clone())
        );
        let mut ended = Kept(sweep, true, None);
        assert_eq!(fit(input(), &settings, None, &mut ended), None);
        for state in [kept.2, ended.2] {
            assert!(side::holds(
                state.as_ref().unwrap(),
                USERS,
                if sweep < settings.widens() { 16 } else { 32 }
            ));
            let rest = fit(input(), &settings, state.as_ref(), &mut ());
            assert_eq!(rest, Some(whole.clone()), "{sweep}");
        }
    }
}
