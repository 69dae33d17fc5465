//! What an exported image answers, against the trainer's own arithmetic, and what it weighs.

use super::super::{Chosen, Movies, Users, fit};
use super::*;
use crate::train::checkpoint::{DataNote, SplitNote};
use crate::train::{ModelKind, Options};

/// A checkpoint of random parameters with these ids.
fn checkpoint(options: Options, user_ids: Vec<u32>, movie_ids: Vec<u32>) -> Checkpoint {
    let mut parameters = Parameters::initial(&options, user_ids.len(), movie_ids.len(), 3.5);
    let mut state = 7_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let p = &mut parameters;
    let layers = p.layers.iter_mut().map(|layer| &mut layer.bias);
    for table in [&mut p.user_bias, &mut p.movie_bias]
        .into_iter()
        .chain(layers)
    {
        table.fill_with(&mut random);
    }
    for table in [&mut p.user_embedding, &mut p.movie_embedding] {
        table.fill_with(&mut random);
    }
    let counts = |ids: &[u32]| (0..ids.len() as u32).map(|row| row * 7 % 50 + 1).collect();
    Checkpoint {
        user_counts: counts(&user_ids),
        movie_counts: counts(&movie_ids),
        parameters,
        user_ids,
        movie_ids,
        data: DataNote {
            name: "made up".into(),
            fingerprint: 5,
            licence: "none".into(),
            ..DataNote::default()
        },
        split: SplitNote::default(),
        options,
        best_epoch: 1,
        interest: None,
    }
}

fn options(model: ModelKind, hidden: &[usize]) -> Options {
    Options {
        model,
        hidden: hidden.to_vec(),
        ..Options::default()
    }
}

fn all(checkpoint: &Checkpoint) -> Chosen {
    Chosen {
        users: Users::All.rows(checkpoint).unwrap(),
        movies: Movies::All.rows(checkpoint).unwrap(),
    }
}

#[test]
fn an_f32_image_predicts_what_the_trainer_predicts_bit_for_bit() {
    let shapes: [(ModelKind, &[usize]); 5] = [
        (ModelKind::Mlp, &[32, 4]),
        (ModelKind::Mlp, &[]),
        (ModelKind::Mf, &[]),
        (ModelKind::Hybrid, &[16]),
        (ModelKind::Hybrid, &[10, 6, 3]),
    ];
    for (model, hidden) in shapes {
        let options = options(model, hidden);
        let checkpoint = checkpoint(options, (1..30).collect(), vec![2, 3, 5, 8, 900]);
        let image = build(&checkpoint, &all(&checkpoint), Precision::F32).unwrap();
        let opened = Model::open(image.as_ref()).unwrap();
        assert_eq!(opened.parts().name(), model.name());
        for (user, user_id) in checkpoint.user_ids.iter().enumerate() {
            for (movie, movie_id) in checkpoint.movie_ids.iter().enumerate() {
                let due = checkpoint.parameters.predict(user, movie);
                let came = opened.predict(*user_id, *movie_id).unwrap();
                assert_eq!(
                    came.to_bits(),
                    due.to_bits(),
                    "{model:?} {user_id} {movie_id}"
                );
            }
        }
    }
}

#[test]
fn an_f16_image_predicts_nearly_what_the_trainer_predicts() {
    let options = options(ModelKind::Hybrid, &[32, 4]);
    let checkpoint = checkpoint(options, (1..30).collect(), (1..50).collect());
    let image = build(&checkpoint, &all(&checkpoint), Precision::F16).unwrap();
    let opened = Model::open(image.as_ref()).unwrap();
    let mut largest = 0.0_f32;
    for user in 0..29 {
        for movie in 0..49 {
            let due = checkpoint.parameters.raw(user, movie);
            let state = opened.user(user as u32 + 1).unwrap();
            largest = largest.max((opened.score(&state, movie as u32) - due).abs());
        }
    }
    // Rows of up to 1 are off by at most 2^-12 of themselves; the sums of 16 products and of 48 units widen that.
    assert!(largest > 0.0 && largest < 0.02, "{largest}");
}

#[test]
fn chosen_rows_keep_their_ids_and_the_mean_user_is_everybodys() {
    let options = options(ModelKind::Hybrid, &[4]);
    let checkpoint = checkpoint(options, (1..30).collect(), (1..50).collect());
    let whole = build(&checkpoint, &all(&checkpoint), Precision::F32).unwrap();
    let whole = Model::open(whole.as_ref()).unwrap();
    let chosen = Chosen {
        users: Users::Ids(vec![4, 20]).rows(&checkpoint).unwrap(),
        movies: Movies::Ids(vec![49, 7, 7]).rows(&checkpoint).unwrap(),
    };
    let image = build(&checkpoint, &chosen, Precision::F32).unwrap();
    let part = Model::open(image.as_ref()).unwrap();
    assert_eq!((part.users(), part.movies()), (2, 2));
    for (user, movie) in [(4, 7), (4, 49), (20, 7), (20, 49)] {
        assert_eq!(part.predict(user, movie), whole.predict(user, movie));
    }
    assert!(part.predict(5, 7).is_err() && part.predict(4, 8).is_err());
    assert_eq!(part.mean_row(), whole.mean_row());
    let due: f32 = checkpoint.parameters.user_bias.iter().sum::<f32>() / 29.0;
    assert!((whole.mean_row().1 - due).abs() < 1e-6);
}

#[test]
fn the_form_of_an_id_index_that_suits_the_ids_is_taken() {
    let form = |ids: Vec<u32>| {
        let checkpoint = checkpoint(options(ModelKind::Mf, &[]), vec![1, 2], ids);
        let image = build(&checkpoint, &all(&checkpoint), Precision::F16).unwrap();
        Model::open(image.as_ref()).unwrap().movie_ids().form()
    };
    assert_eq!(form((5..90).collect()), "range");
    assert_eq!(form((5..90).filter(|id| id % 7 != 0).collect()), "bitmap");
    assert_eq!(form(vec![1, 2, 3, 40_000]), "sorted");
    assert_eq!(form(vec![u32::MAX]), "range");
    assert_eq!(form(vec![0, u32::MAX]), "sorted");
    assert_eq!(form((0..400).map(|row| row * 9).collect()), "Elias-Fano");
    assert_eq!(form((0..400).map(|row| row << 16).collect()), "Elias-Fano");
    // What saves less than a quarter isn't worth the search.
    assert_eq!(form((0..400).map(|row| row * 4).collect()), "bitmap");
    assert_eq!(form((0..4).map(|row| row << 23).collect()), "sorted");
}

#[test]
fn what_no_image_holds_is_refused_with_the_reason() {
    let plain = |model| checkpoint(options(model, &[4]), (1..5).collect(), (1..5).collect());
    let refusal = |checkpoint: &Checkpoint, precision| {
        build(checkpoint, &all(checkpoint), precision)
            .unwrap_err()
            .to_string()
    };
    let mut far = plain(ModelKind::Mf);
    far.parameters.movie_embedding[9] = 70_000.0;
    let text = refusal(&far, Precision::F16);
    assert!(
        text.contains("row 1 of movie_embedding") && text.contains("--precision f32"),
        "{text}"
    );
    assert!(build(&far, &all(&far), Precision::F32).is_ok());
    far.parameters.movie_embedding[9] = 1.0e20;
    let text = refusal(&far, Precision::F32);
    assert!(text.contains("dot product could pass 1e30"), "{text}");
    let wide = Options {
        user_dim: 33,
        ..options(ModelKind::Mlp, &[4])
    };
    let text = refusal(&checkpoint(wide, vec![1], vec![1]), Precision::F16);
    assert!(
        text.contains("33 numbers in a user's row") && text.contains("at most 32"),
        "{text}"
    );
    let text = refusal(
        &checkpoint(options(ModelKind::Mlp, &[65]), vec![1], vec![1]),
        Precision::F16,
    );
    assert!(text.contains("65 units in dense layer 0"), "{text}");
    let deep = options(ModelKind::Mlp, &[4, 4, 4, 4]);
    let text = refusal(&checkpoint(deep, vec![1], vec![1]), Precision::F16);
    assert!(text.contains("5 dense layers"), "{text}");
}

#[test]
fn subnormal_numbers_become_zeros_and_long_texts_are_cut() {
    let mut checkpoint = checkpoint(options(ModelKind::Mf, &[]), vec![1], vec![1]);
    checkpoint.parameters.movie_embedding[0] = f32::MIN_POSITIVE / 2.0;
    checkpoint.data.licence = "é".repeat(100);
    let image = build(&checkpoint, &all(&checkpoint), Precision::F32).unwrap();
    let model = Model::open(image.as_ref()).unwrap();
    assert!(model.header().license.ends_with("é..."));
    assert_eq!(model.movie_vector(0), model.movie_vector(0));
    assert_eq!(model.header().fingerprint, 5);
}

/// The ids of ml-20m's size: 26,744 of them up to 131,262.
fn twenty_million() -> Vec<u32> {
    (0..26_744_u64)
        .map(|row| (row * 131_261 / 26_743) as u32 + 1)
        .collect()
}

#[test]
fn the_budgets_are_kept() {
    let hybrid = || options(ModelKind::Hybrid, &[32, 4]);
    // The built-in set's size: 671 users, 9,066 movies with ids up to 163,949.
    let movie_ids = (0..9066_u64)
        .map(|row| (row * 163_948 / 9065) as u32 + 1)
        .collect();
    let small = checkpoint(hybrid(), (1..=671).collect(), movie_ids);
    let image = build(&small, &all(&small), Precision::F16).unwrap();
    let length = image.as_ref().len();
    assert!(length <= 215_000, "{length}");
    let model = Model::open(image.as_ref()).unwrap();
    assert_eq!(model.movie_ids().form(), "Elias-Fano");

    let large = checkpoint(hybrid(), (1..100).collect(), twenty_million());
    let chosen = Chosen {
        users: Vec::new(),
        ..all(&large)
    };
    let image = build(&large, &chosen, Precision::F16).unwrap();
    let length = image.as_ref().len();
    assert!(length <= 560_000, "{length}");
    let model = Model::open(image.as_ref()).unwrap();
    assert_eq!(model.movie_ids().form(), "bitmap");
    assert_eq!(model.users(), 0);
}

#[test]
fn as_many_as_fit_are_taken_and_not_one_more() {
    let checkpoint = checkpoint(
        options(ModelKind::Hybrid, &[8]),
        (1..=400).map(|id| id * 3).collect(),
        (1..=500).map(|id| id * 5).collect(),
    );
    let everything = all(&checkpoint);
    let whole = build(&checkpoint, &everything, Precision::F16).unwrap();
    let whole = whole.as_ref().len();
    let movies = &everything.movies;
    let fits = |region| fit::users_that_fit(&checkpoint, movies, Precision::F16, region).unwrap();
    assert_eq!(fits(whole).unwrap().number, 400);
    let some = fits(whole - 1000).unwrap();
    let length = some.image.as_ref().len();
    assert!(some.number < 400 && length <= whole - 1000);
    let one_more = Chosen {
        users: Users::MostActive(some.number + 1)
            .rows(&checkpoint)
            .unwrap(),
        movies: movies.clone(),
    };
    let one_more = build(&checkpoint, &one_more, Precision::F16).unwrap();
    assert!(one_more.as_ref().len() > whole - 1000);
    assert!(fits(2000).is_none());

    let users = &everything.users;
    let some = fit::movies_that_fit(&checkpoint, users, Precision::F16, whole - 1000).unwrap();
    let number = some.unwrap().number;
    assert!((400..500).contains(&number), "{number}");
    let none = fit::movies_that_fit(&checkpoint, users, Precision::F16, 2000).unwrap();
    assert!(none.is_none());
    let share = fit::share_of_ratings(&checkpoint, number);
    assert!(share > number as f64 / 500.0 && share < 1.0, "{share}");
}

#[test]
fn images_of_integers_predict_nearly_what_the_trainer_predicts() {
    let shapes: [(ModelKind, &[usize]); 4] = [
        (ModelKind::Hybrid, &[32, 4]),
        (ModelKind::Hybrid, &[10, 6, 4]),
        (ModelKind::Mlp, &[16]),
        (ModelKind::Mf, &[]),
    ];
    for (model, hidden) in shapes {
        let checkpoint = checkpoint(options(model, hidden), (1..30).collect(), (1..50).collect());
        // A byte's rows of up to 1 are off by up to 2^-8, sixteen bits' by 2^-16; sums widen that.
        for (precision, allowed) in [(Precision::I16, 0.004), (Precision::I8, 0.1)] {
            let image = build(&checkpoint, &all(&checkpoint), precision).unwrap();
            let opened = Model::open(image.as_ref()).unwrap();
            let mut largest = 0.0_f32;
            for user in 0..29 {
                for movie in 0..49 {
                    let due = checkpoint.parameters.raw(user, movie);
                    let state = opened.user(user as u32 + 1).unwrap();
                    largest = largest.max((opened.score(&state, movie as u32) - due).abs());
                }
            }
            assert!(
                largest > 0.0 && largest < allowed,
                "{model:?} {hidden:?} {precision:?}: {largest}"
            );
        }
    }
}

#[test]
fn what_integers_cannot_hold_is_said() {
    let mut odd = options(ModelKind::Mf, &[]);
    (odd.user_dim, odd.movie_dim) = (7, 7);
    let flat = options(ModelKind::Mlp, &[]);
    let uneven = options(ModelKind::Mlp, &[5]);
    for (options, word) in [
        (odd, "even number of dimensions"),
        (flat, "hidden layer"),
        (uneven, "even number of dimensions and of units"),
    ] {
        let checkpoint = checkpoint(options, vec![1, 2], vec![1, 2, 3]);
        let refusal = build(&checkpoint, &all(&checkpoint), Precision::I16).unwrap_err();
        assert!(refusal.to_string().contains(word), "{refusal}");
    }
}
