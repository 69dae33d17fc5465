use super::*;
use crate::image::draft;
use crate::{Bytes, Chosen, Movies, Precision, Storage, Users, build};
use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::Model;
use pocketrec::model::interest::Interest;
use pocketrec::rank::TopN;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_train::random::{Random, Stream};
use pocketrec_train::{ModelKind, Options, Parameters, Solver};

const DIM: usize = 6;

/// Movies around a few centres, as movies are, and users; popular ones first.
fn checkpoint(movies: u32) -> Checkpoint {
    let options = Options {
        model: ModelKind::Hybrid,
        solver: Solver::Gibbs,
        user_dim: DIM,
        movie_dim: DIM,
        hidden: Vec::new(),
        fame: Some(0.2),
        ..Options::default()
    };
    let users = 40;
    let random = Random::new(5, Stream::Order, 0);
    let mut parameters = Parameters::initial(&options, users, movies as usize, 3.5);
    parameters.layers.clear();
    let p = &mut parameters;
    let mut at = 0;
    let mut draw = |scale: f32| {
        at += 1;
        random.symmetric(at, scale)
    };
    p.user_embedding.fill_with(|| draw(1.0));
    p.user_bias.fill_with(|| draw(0.5));
    let centres: Vec<f32> = (0..12 * DIM).map(|_| draw(1.0)).collect();
    for (movie, row) in p.movie_embedding.chunks_mut(DIM).enumerate() {
        let centre = &centres[movie % 12 * DIM..][..DIM];
        for (x, centre) in row.iter_mut().zip(centre) {
            *x = centre + draw(0.3);
        }
        p.movie_bias[movie] = draw(0.5);
    }
    Checkpoint {
        movie_ids: (0..movies).map(|row| 3 * row + 2).collect(),
        user_counts: vec![20; users],
        movie_counts: (0..movies).map(|row| 2000 / (row + 1) + 1).collect(),
        ..Checkpoint::of_parameters(parameters, options)
    }
}

fn input<'a>(p: &'a Parameters, metric: &'a Metric, weights: &'a [f32]) -> Input<'a> {
    Input {
        rows: &p.movie_embedding,
        columns: DIM,
        biases: &p.movie_bias,
        weights,
        metric,
        books: 4,
        seed: 3,
        network: None,
        threads: 2,
    }
}

fn all(checkpoint: &Checkpoint) -> Chosen {
    Chosen {
        users: Users::All.rows(checkpoint).unwrap(),
        movies: Movies::All.rows(checkpoint).unwrap(),
        seen: None,
        facets: None,
    }
}

/// The mean squared error of scores, by decoded rows.
fn error(p: &Parameters, codes: &Codes) -> f64 {
    let (biases, rows) = codes.decode(DIM);
    let near = Parameters {
        movie_bias: biases,
        movie_embedding: rows,
        ..p.clone()
    };
    let pairs = (0..p.users).flat_map(|user| (0..p.movies).map(move |movie| (user, movie)));
    let squares = pairs.map(|(user, movie)| (near.raw(user, movie) - p.raw(user, movie)).powi(2));
    squares.map(f64::from).sum::<f64>() / (p.users * p.movies) as f64
}

#[test]
fn errors_count_by_all_users_alike_where_nobody_knows_how_much_they_rated() {
    let checkpoint = checkpoint(50);
    let p = &checkpoint.parameters;
    let x: Vec<f64> = (0..=DIM).map(|at| at as f64 - 2.0).collect();
    let whitened = |count| Metric::of(p, &vec![count; p.users]).whiten(&x);
    assert_eq!(whitened(0), whitened(1));
}

#[test]
fn the_codes_are_the_same_on_any_number_of_threads() {
    let p = checkpoint(700).parameters;
    let metric = Metric::of(&p, &vec![20; p.users]);
    let weights = vec![1.0; p.movies];
    let all = [1, 2, 5].map(|threads| {
        let input = Input {
            threads,
            ..input(&p, &metric, &weights)
        };
        input.encode().unwrap()
    });
    for other in &all[1..] {
        assert_eq!(other.codes, all[0].codes);
        assert_eq!(other.rows.values, all[0].rows.values);
        assert_eq!(other.biases, all[0].biases);
    }
}

#[test]
fn each_further_byte_makes_the_error_smaller_and_turns_make_it_smaller_than_residuals_do() {
    let p = checkpoint(900).parameters;
    let metric = Metric::of(&p, &vec![20; p.users]);
    let weights = vec![1.0; p.movies];
    let mut before = f64::INFINITY;
    for (books, most) in [(1, 0.2), (2, 0.05), (3, 0.01), (4, 0.002)] {
        let input = Input {
            books,
            ..input(&p, &metric, &weights)
        };
        let found = error(&p, &input.encode().unwrap());
        assert!(found < before / 2.0 && found < most, "{books}: {found}");
        before = found;
    }
}

#[test]
fn movies_of_more_ratings_err_less() {
    let p = checkpoint(900).parameters;
    let metric = Metric::of(&p, &vec![20; p.users]);
    let even = vec![1.0; p.movies];
    let mut heavy = even.clone();
    heavy[..300].fill(50.0);
    let head = |weights: &[f32]| {
        let codes = Input {
            books: 2,
            ..input(&p, &metric, weights)
        }
        .encode()
        .unwrap();
        let (biases, rows) = codes.decode(DIM);
        let squares = (0..300 * DIM).map(|at| (rows[at] - p.movie_embedding[at]).powi(2));
        let of_biases = (0..300).map(|at| (biases[at] - p.movie_bias[at]).powi(2));
        squares.chain(of_biases).sum::<f32>()
    };
    assert!(head(&heavy) < 0.7 * head(&even));
}

#[test]
fn core_reads_the_sums_that_were_meant_and_ranks_by_what_it_predicts() {
    let checkpoint = checkpoint(500);
    let p = &checkpoint.parameters;
    for bytes in [Bytes::One, Bytes::Two, Bytes::Three, Bytes::Four] {
        let image = build(&checkpoint, &all(&checkpoint), Precision::Codes(bytes)).unwrap();
        let model = Model::open(image.as_ref()).unwrap();
        assert_eq!((model.movies(), model.movie_dim()), (500, DIM));
        let user = model.user(UserId(7)).unwrap();
        let mut row = [0.0; 32];
        let mut scores: Vec<(f32, u32)> = Vec::new();
        let mut several = vec![0.0; 500];
        model.score_rows(&user, 0, &mut several);
        for (movie, of_several) in several.into_iter().enumerate() {
            model.movie_table().read(movie, &mut row);
            // By the decoded row, in single precision: a term is rounded to 2^-12 stars.
            let due: f32 = user.row().iter().zip(&row).map(|(a, b)| a * b).sum();
            let parts = model.explain(&user, movie as u32);
            let score = model.score(&user, movie as u32);
            assert_eq!(score, of_several);
            assert_eq!(score, parts.base + parts.movie_bias + parts.dot);
            assert!((parts.dot - due).abs() < 1.2e-3, "{} {due}", parts.dot);
            let id = checkpoint.movie_ids[movie];
            assert_eq!(
                model.predict(UserId(7), MovieId(id)).unwrap(),
                model.scale().clamp(score)
            );
            scores.push((score + model.confidence_stars(movie as u32), id));
        }
        scores.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut top = TopN::<10>::new().with_below_mean();
        while !top
            .advance(&model, &user, |movie| movie != MovieId(scores[1].1), 37)
            .is_done()
        {}
        let found: Vec<u32> = top.hits().iter().map(|hit| hit.movie.0).collect();
        let mut due: Vec<u32> = scores.iter().map(|score| score.1).collect();
        due.remove(1);
        // Fame is rounded to 2^-20 stars there: neighbours may change places.
        let same = found
            .iter()
            .filter(|movie| due[..10].contains(movie))
            .count();
        assert!(
            same >= 9 && found[0] == due[0],
            "{found:?} {:?}",
            &due[..10]
        );
        let _ = (p, Interest::NONE);
    }
}

#[test]
fn a_draft_of_codes_weighs_what_the_image_weighs() {
    for movies in [3, 200, 600] {
        let checkpoint = checkpoint(movies);
        for bytes in [Bytes::One, Bytes::Four] {
            let storage = Storage::from(Precision::Codes(bytes));
            let chosen = all(&checkpoint);
            let image = build(&checkpoint, &chosen, storage).unwrap();
            let draft = draft(&checkpoint, &chosen, storage).unwrap();
            assert_eq!(draft.as_ref().len(), image.as_ref().len());
        }
    }
}

#[test]
fn fewer_dimensions_are_the_first_ones_of_a_sampled_model() {
    let mut checkpoint = checkpoint(50);
    let of = |checkpoint: &Checkpoint, dim| {
        let storage = Storage {
            dim: Some(dim),
            ..Storage::from(Precision::F32)
        };
        build(checkpoint, &all(checkpoint), storage)
    };
    let image = of(&checkpoint, 4).unwrap();
    let model = Model::open(image.as_ref()).unwrap();
    let mut row = [0.0; 4];
    model.movie_table().read(9, &mut row);
    assert_eq!(row, checkpoint.parameters.movie_embedding[9 * DIM..][..4]);
    assert_eq!(model.user_dim(), 4);
    for dim in [0, DIM + 1] {
        let refusal = of(&checkpoint, dim).unwrap_err().to_string();
        assert!(refusal.contains("from 1 to 6"), "{refusal}");
    }
    checkpoint.options.solver = Solver::Adam;
    let refusal = of(&checkpoint, 4).unwrap_err().to_string();
    assert!(refusal.contains("Gibbs sampling"), "{refusal}");
}

#[test]
fn what_has_no_codes_is_said() {
    let mut odd = checkpoint(20);
    let p = &mut odd.parameters;
    (p.user_dim, p.movie_dim) = (3, 3);
    p.user_embedding.truncate(3 * p.users);
    p.movie_embedding.truncate(3 * p.movies);
    let asked = Storage {
        dim: Some(3),
        ..Precision::CODES.into()
    };
    let refusal = build(&odd, &all(&odd), asked).unwrap_err();
    assert!(refusal.to_string().contains("even number"), "{refusal}");
    let odd = networks(20, vec![6, 4]);
    let refusal = build(&odd, &all(&odd), Precision::CODES).unwrap_err();
    let refusal = refusal.to_string();
    assert!(refusal.contains("a multiple of four units"), "{refusal}");
}

/// As [`checkpoint`], of a model with an MLP of so many units.
fn networks(movies: u32, hidden: Vec<usize>) -> Checkpoint {
    let mut checkpoint = checkpoint(movies);
    let plain = checkpoint.parameters;
    let options = Options {
        model: ModelKind::Hybrid,
        hidden,
        ..checkpoint.options.clone()
    };
    let mut layers = Parameters::initial(&options, 1, 1, 3.5).layers;
    let weights = layers.iter_mut().flat_map(|layer| &mut layer.weight);
    // So that no output is beyond the reach of an integer score.
    weights.for_each(|weight| *weight *= 0.6);
    checkpoint.parameters = Parameters { layers, ..plain };
    checkpoint.options = options;
    checkpoint
}

#[test]
fn a_network_scores_movies_in_codes_nearly_as_in_single_precision_and_better_with_more_bytes() {
    for hidden in [vec![32, 4], vec![12], vec![8, 6, 4]] {
        let checkpoint = networks(1200, hidden.clone());
        let p = &checkpoint.parameters;
        let mut before = f64::MAX;
        for bytes in [Bytes::One, Bytes::Two, Bytes::Four] {
            let precision = Precision::Codes(bytes);
            let image = build(&checkpoint, &all(&checkpoint), precision).unwrap();
            let size = draft(&checkpoint, &all(&checkpoint), precision.into()).unwrap();
            assert_eq!(size.as_ref().len(), image.as_ref().len());
            let model = Model::open(image.as_ref()).unwrap();
            let mut sum = 0.0;
            for user in 0..p.users {
                let state = model.user(UserId(user as u32 + 1)).unwrap();
                for movie in 0..p.movies {
                    let due = p.raw(user, movie);
                    sum += f64::from(model.score(&state, movie as u32) - due).powi(2);
                }
            }
            let error = (sum / (p.users * p.movies) as f64).sqrt();
            assert!(
                error < 0.9 * before,
                "{hidden:?} {bytes:?} {error} {before}"
            );
            before = error;
        }
        assert!(before < 0.1, "{hidden:?} {before}");
    }
}

#[test]
fn a_list_by_a_network_in_codes_is_the_order_of_its_scores_with_fame() {
    let checkpoint = networks(900, vec![32, 4]);
    let image = build(&checkpoint, &all(&checkpoint), Precision::CODES).unwrap();
    let model = Model::open(image.as_ref()).unwrap();
    assert!(model.has_confidence());
    for user in [1, 7, 40] {
        let state = model.user(UserId(user)).unwrap();
        for slice in [7, 100, 900] {
            let mut top = TopN::<10>::new().with_below_mean();
            while !top.advance(&model, &state, |_| true, slice).is_done() {}
            let mut due: Vec<(f32, u32)> = (0..900)
                .map(|row| {
                    let score = model.score(&state, row) + model.confidence_stars(row);
                    (score, model.movie_id(row).unwrap().0)
                })
                .collect();
            due.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let found = top.hits().iter().map(|hit| (hit.score, hit.movie.0));
            for ((score, movie), (due_score, due_movie)) in found.zip(due) {
                assert!(
                    (score - due_score).abs() < 0.001,
                    "{user} {score} {due_score}"
                );
                assert!(movie == due_movie || (score - due_score).abs() < 0.0005);
            }
        }
    }
}
