//! Predictions and rankings against a plain reading of their formulas, in double precision and by sorting.

use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::example;
use pocketrec::model::Model;
use pocketrec::rank::{Hit, Nearest, TopN};

/// rating(u, m) by the formula, in f64, with the example's numbers written out.
fn by_the_formula(user: usize, movie: usize) -> f64 {
    let q = [[0.5, -0.25], [-0.75, 1.0], [0.125, 0.5], [-0.5, -1.0]][movie];
    let p = [[0.25, 0.5], [-0.5, 0.25], [1.0, -1.0]][user];
    let bm = [0.25, -0.5, 0.0, 0.125][movie];
    let bu = [0.125, 0.0, -0.25][user];
    let wu = [[0.5, -0.5], [0.25, 1.0], [-1.0, 0.75]];
    let wm = [[0.25, 0.5], [-0.25, 0.5], [1.0, -0.5]];
    let b1 = [0.0, 0.125, -0.125];
    let w2 = [0.5, -0.25, 0.125];
    let mut mlp = 0.0625;
    for j in 0..3 {
        let a: f64 = b1[j] + wu[j][0] * p[0] + wu[j][1] * p[1] + wm[j][0] * q[0] + wm[j][1] * q[1];
        mlp += a.max(0.0) * w2[j];
    }
    3.5 + bu + bm + p[0] * q[0] + p[1] * q[1] + mlp
}

#[test]
fn predictions_are_what_the_formula_gives() {
    let image = example();
    let model = crate::open(image.bytes()).unwrap();
    for (u, user) in [1, 2, 3].into_iter().enumerate() {
        for (m, movie) in [10, 20, 300, 4000].into_iter().enumerate() {
            let expected = by_the_formula(u, m);
            let score = f64::from(model.score(&model.user(UserId(user)).unwrap(), m as u32));
            // The example's numbers have few bits: no rounding happens.
            assert_eq!(score, expected, "user {user}, movie {movie}");
            let stars = f64::from(model.predict(UserId(user), MovieId(movie)).unwrap());
            assert_eq!(stars, expected.clamp(0.5, 5.0));
            let parts = model.explain(&model.user(UserId(user)).unwrap(), m as u32);
            assert_eq!(
                f64::from(parts.base + parts.movie_bias + parts.dot + parts.mlp),
                expected
            );
        }
    }
}

#[test]
fn unknown_ids_are_named() {
    use pocketrec::model::LookupError;
    let image = example();
    let model = crate::open(image.bytes()).unwrap();
    assert_eq!(
        model.predict(UserId(4), MovieId(10)),
        Err(LookupError::UnknownUser(UserId(4)))
    );
    assert_eq!(
        model.predict(UserId(1), MovieId(11)),
        Err(LookupError::UnknownMovie(MovieId(11)))
    );
    assert_eq!(
        model.predict(UserId(0), MovieId(0)),
        Err(LookupError::UnknownUser(UserId(0)))
    );
}

fn sorted(mut hits: Vec<Hit>, keep: usize) -> Vec<Hit> {
    hits.sort_by(|a, b| {
        b.score
            .partial_cmp(&a.score)
            .unwrap()
            .then(a.movie.cmp(&b.movie))
    });
    hits.truncate(keep);
    hits
}

#[test]
fn rankings_are_what_sorting_everything_gives_whatever_the_slices() {
    let image = example();
    let model = crate::open(image.bytes()).unwrap();
    for keep in 0..=4 {
        for slice in 1..=5 {
            for left_out in [0, 10, 300] {
                let user = model.user(UserId(2)).unwrap();
                let mut top = TopN::<4>::with_limit(keep).with_below_mean();
                while !top
                    .advance(&model, &user, |id| id != MovieId(left_out), slice)
                    .is_done()
                {}
                let all = (0..model.movies())
                    .map(|row| Hit {
                        movie: MovieId(model.movie_ids().id(row).unwrap()),
                        score: model.score(&user, row),
                    })
                    .filter(|hit| hit.movie != MovieId(left_out))
                    .collect();
                assert_eq!(top.hits(), sorted(all, keep));
            }
            for row in 0..4 {
                let mut nearest = Nearest::<4>::with_limit(keep, &model, row);
                while !nearest.advance(&model, slice).is_done() {}
                let all = (0..model.movies())
                    .filter(|&other| other != row)
                    .map(|other| Hit {
                        movie: MovieId(model.movie_ids().id(other).unwrap()),
                        score: model.similarity(row, other),
                    })
                    .collect();
                assert_eq!(nearest.hits(), sorted(all, keep));
            }
        }
    }
}

#[test]
fn equal_scores_rank_by_ascending_id() {
    use pocketrec::image::{Image, TableKind};
    let mut storage = example();
    let ranges: Vec<(usize, usize)> = {
        let image = Image::parse(storage.bytes()).unwrap();
        let start = storage.bytes().as_ptr() as usize;
        let of_movies = [
            TableKind::MovieEmbedding.number(),
            TableKind::MovieBias.number(),
        ];
        let tables = image
            .tables()
            .map(Result::unwrap)
            .filter(|t| of_movies.contains(&t.kind));
        tables
            .map(|t| (t.bytes.as_ptr() as usize - start, t.bytes.len()))
            .collect()
    };
    for (at, length) in ranges {
        storage.bytes_mut()[at..at + length].fill(0);
    }
    storage.reseal();
    let model = crate::open(storage.bytes()).unwrap();
    for slice in 1..=4 {
        let mut top = TopN::<3>::new();
        while !top
            .advance(&model, &model.mean_user(), |_| true, slice)
            .is_done()
        {}
        assert_eq!(
            top.hits().iter().map(|hit| hit.movie).collect::<Vec<_>>(),
            [10, 20, 300].map(MovieId)
        );
        let mut nearest = Nearest::<2>::with_limit(2, &model, 1);
        while !nearest.advance(&model, slice).is_done() {}
        assert_eq!(
            nearest
                .hits()
                .iter()
                .map(|hit| hit.movie)
                .collect::<Vec<_>>(),
            [10, 300].map(MovieId)
        );
    }
}

#[cfg(feature = "learn")]
#[test]
fn the_gradient_of_a_row_is_what_finite_differences_give() {
    use pocketrec::{MAX_DIM, MAX_LAYERS, MAX_UNITS};
    let image = example();
    let model = crate::open(image.bytes()).unwrap();
    let mlp = model.mlp().unwrap();
    for user in 1..=3 {
        for row in 0..4 {
            let (own, bias) = model.user_row(UserId(user)).unwrap();
            let state = model.user_state(&own, bias);
            let mut movie = [0.0; MAX_DIM];
            model.movie_table().read(row as usize, &mut movie);
            let mut kept = [[0.0; MAX_UNITS]; MAX_LAYERS];
            let output = mlp.forward_keeping(state_half(&model, &own), &movie[..2], &mut kept);
            assert_eq!(output, model.explain(&state, row).mlp);
            let mut gradient = [0.0; 2];
            mlp.backward_user(&kept, 1.0, &mut gradient);
            for i in 0..2 {
                let h = 1.0 / 1024.0;
                let at = |x: f32| {
                    let mut moved = own;
                    moved[i] += x;
                    model.explain(&model.user_state(&moved, bias), row).mlp
                };
                let (down, up) = ((at(0.0) - at(-h)) / h, (at(h) - at(0.0)) / h);
                // At a kink of relu the two sides differ, and the gradient is one of them.
                let near = |x: f32| (gradient[i] - x).abs() < 1e-4;
                assert!(
                    near(down) || near(up),
                    "{} against {down} and {up}",
                    gradient[i]
                );
            }
        }
    }
}

#[cfg(feature = "learn")]
fn state_half<'s>(model: &Model<'_>, row: &[f32]) -> &'s [f32; pocketrec::MAX_UNITS] {
    let mut half = Box::new([0.0; pocketrec::MAX_UNITS]);
    model.mlp().unwrap().user_half(row, &mut half);
    Box::leak(half)
}
