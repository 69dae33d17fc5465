//! What an exported image answers, against the trainer's own arithmetic, and what it weighs.

use super::super::{Chosen, Contents, Movies, Rated, Users, fit};
use super::*;
use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::Element;
use pocketrec::image::Image;
use pocketrec::image::{ImageError, ImageWriter, Table};
use pocketrec::learn;
use pocketrec::rank::TopN;
use pocketrec_checkpoint::DataNote;
use pocketrec_data::Ratings;
use pocketrec_train::{ModelKind, Options};
use std::sync::Arc;

/// A checkpoint of random parameters with these ids.
pub(crate) fn checkpoint(options: Options, user_ids: Vec<u32>, movie_ids: Vec<u32>) -> Checkpoint {
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
        user_ids,
        movie_ids,
        data: DataNote {
            name: "made up".into(),
            fingerprint: 5,
            licence: "none".into(),
            ..DataNote::default()
        },
        ..Checkpoint::of_parameters(parameters, options)
    }
}

pub(crate) fn options(model: ModelKind, hidden: &[usize]) -> Options {
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
        seen: None,
        facets: None,
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
                let came = opened
                    .predict(UserId(*user_id), MovieId(*movie_id))
                    .unwrap();
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
fn an_image_is_told_from_one_in_another_precision_or_with_another_number_of_dimensions_or_users() {
    let checkpoint = checkpoint(
        options(ModelKind::Mf, &[]),
        (1..30).collect(),
        vec![2, 3, 5, 8, 900],
    );
    let contents = |chosen: &Chosen, precision| {
        let image = build(&checkpoint, chosen, precision).unwrap();
        Contents::of(&Model::open(image.as_ref()).unwrap())
    };
    let all = all(&checkpoint);
    for precision in Precision::ALL {
        let told = contents(&all, precision).to_string();
        let due = format!(
            "{} mf in {} of 8 dimensions, with 5 movies and 29 users",
            checkpoint.data.name,
            precision.name()
        );
        assert_eq!(told, due);
    }
    let alone = Chosen {
        users: Vec::new(),
        ..all
    };
    let told = contents(&alone, Precision::F16).to_string();
    assert!(told.ends_with("with 5 movies and no users"), "{told}");
}

#[test]
fn an_image_says_how_sure_it_is_of_the_users_that_it_holds() {
    let options = options(ModelKind::Mf, &[]);
    let mut checkpoint = checkpoint(options, (1..30).collect(), vec![2, 3, 5]);
    let opened = |checkpoint: &Checkpoint, users: Vec<usize>| {
        let chosen = Chosen {
            users,
            ..all(checkpoint)
        };
        build(checkpoint, &chosen, Precision::F16).unwrap()
    };
    let without = opened(&checkpoint, vec![3]);
    assert!(!Model::open(without.as_ref()).unwrap().has_odds());
    checkpoint.odds = Some(pocketrec_train::odds::Odds {
        noise: 0.75,
        slope: -0.125,
        low: -1.25,
        high: 1.5,
        users: (1..30).map(|id| 0.05 * id as f32).collect(),
    });
    let image = opened(&checkpoint, vec![3, 9]);
    let model = Model::open(image.as_ref()).unwrap();
    assert_eq!(model.deviation(0.0), Some(0.75_f32.sqrt()));
    let unit = super::super::spread::unit(&checkpoint.parameters) as f32;
    assert_eq!(model.deviation(2.0), Some((0.75 + 2.0 * unit).sqrt()));
    // A byte has the largest to its last step, and others to half a step.
    for (id, deviation) in [(4, Some(0.2)), (10, Some(0.5)), (5, None)] {
        let found = model.deviation_of_user(UserId(id));
        assert_eq!(found.is_some(), deviation.is_some());
        let far = found.zip(deviation).map_or(0.0, |(a, b)| (a - b).abs());
        assert!(far <= 0.5 / 255.0 / 2.0 + 1e-6, "{id}: {found:?}");
    }
    // Nobody's ratings are needed for an owner's.
    let ownerless = opened(&checkpoint, vec![]);
    let model = Model::open(ownerless.as_ref()).unwrap();
    assert_eq!(model.deviation(0.0), Some(0.75_f32.sqrt()));
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
            let state = opened.user(UserId(user as u32 + 1)).unwrap();
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
        users: Users::Ids(vec!["4".into(), "20".into()])
            .rows(&checkpoint)
            .unwrap(),
        movies: Movies::Ids(["49", "7", "7"].map(String::from).into())
            .rows(&checkpoint)
            .unwrap(),
        seen: None,
        facets: None,
    };
    let image = build(&checkpoint, &chosen, Precision::F32).unwrap();
    let part = Model::open(image.as_ref()).unwrap();
    assert_eq!((part.users(), part.movies()), (2, 2));
    for (user, movie) in [(4, 7), (4, 49), (20, 7), (20, 49)] {
        assert_eq!(
            part.predict(UserId(user), MovieId(movie)),
            whole.predict(UserId(user), MovieId(movie))
        );
    }
    assert!(
        part.predict(UserId(5), MovieId(7)).is_err()
            && part.predict(UserId(4), MovieId(8)).is_err()
    );
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
    let mut large = checkpoint(options(ModelKind::Mf, &[]), vec![1], vec![1]);
    large.parameters.scale = (0.0, 500.0);
    let text = refusal(&large, Precision::I16);
    assert!(
        text.contains("too small for ratings from 0 to 500 about 3.5: `--precision f16`"),
        "{text}"
    );
    assert!(build(&large, &all(&large), Precision::F16).is_ok());
}

#[test]
fn subnormal_numbers_become_zeros_and_long_texts_are_cut() {
    let mut checkpoint = checkpoint(options(ModelKind::Mf, &[]), vec![1], vec![1]);
    checkpoint.parameters.movie_embedding[0] = f32::MIN_POSITIVE / 2.0;
    checkpoint.data.licence = "é".repeat(100);
    let image = build(&checkpoint, &all(&checkpoint), Precision::F32).unwrap();
    let model = Model::open(image.as_ref()).unwrap();
    assert!(model.header().license.ends_with("é..."));
    let due = &checkpoint.parameters.movie_embedding;
    let mut row = [f32::NAN; 8];
    model.movie_table().read(0, &mut row);
    assert_eq!(row[0].to_bits(), 0.0_f32.to_bits());
    assert!(due.len() == 8 && row[1..] == due[1..], "{row:?} {due:?}");
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
    let fits =
        |region| fit::users_that_fit(&checkpoint, &everything, Precision::F16, region).unwrap();
    assert_eq!(fits(whole), Some(400));
    let number = fits(whole - 1000).unwrap();
    let length = |number| {
        let users = Users::MostActive(number).rows(&checkpoint).unwrap();
        let chosen = Chosen {
            users,
            ..everything.clone()
        };
        let image = build(&checkpoint, &chosen, Precision::F16).unwrap();
        image.as_ref().len()
    };
    assert!(number < 400 && length(number) <= whole - 1000);
    assert!(length(number + 1) > whole - 1000);
    assert!(fits(2000).is_none());

    // What they have rated takes the place of some of them.
    let rated = Ratings {
        user_ids: checkpoint.user_ids.clone(),
        movie_ids: checkpoint.movie_ids.clone(),
        users: (0..20_000).map(|at| at % 400).collect(),
        movies: (0..20_000)
            .map(|at| (at / 400 * 7 + at % 400) % 500)
            .collect(),
        stars: vec![4.0; 20_000],
        times: vec![0; 20_000],
    };
    let with = Chosen {
        seen: Some(Arc::new(Rated::new(&rated))),
        ..everything.clone()
    };
    let fewer = fit::users_that_fit(&checkpoint, &with, Precision::F16, whole - 1000);
    let fewer = fewer.unwrap().unwrap();
    assert!(0 < fewer && fewer < number, "{fewer} and {number}");
    let length = |number| {
        let users = Users::MostActive(number).rows(&checkpoint).unwrap();
        fit::length(
            &checkpoint,
            &Chosen {
                users,
                ..with.clone()
            },
            Precision::F16,
        )
        .unwrap()
    };
    assert!(length(fewer) <= whole - 1000 && length(fewer + 1) > whole - 1000);

    let movies =
        |region| fit::movies_that_fit(&checkpoint, &everything, Precision::F16, region).unwrap();
    let number = movies(whole - 1000).unwrap();
    assert!((400..500).contains(&number), "{number}");
    assert!(movies(2000).is_none());
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
        for (precision, allowed) in [(Precision::I16, 0.004), (Precision::I8, 0.02)] {
            let image = build(&checkpoint, &all(&checkpoint), precision).unwrap();
            let opened = Model::open(image.as_ref()).unwrap();
            let mut largest = 0.0_f32;
            for user in 0..29 {
                for movie in 0..49 {
                    let due = checkpoint.parameters.raw(user, movie);
                    let state = opened.user(UserId(user as u32 + 1)).unwrap();
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

const STORED: [Storage; 2] = [
    Storage {
        precision: Precision::I16,
        precompute: true,
        dim: None,
        without_kin: false,
    },
    Storage {
        precision: Precision::I8,
        precompute: true,
        dim: None,
        without_kin: false,
    },
];

#[test]
fn stored_halves_give_the_bits_of_their_rows_and_nearly_the_scores_of_images_without() {
    let shapes: [(ModelKind, &[usize]); 4] = [
        (ModelKind::Hybrid, &[32, 4]),
        (ModelKind::Mlp, &[32, 4]),
        (ModelKind::Hybrid, &[10, 6, 4]),
        (ModelKind::Mlp, &[16]),
    ];
    for ((model, hidden), storage) in shapes
        .into_iter()
        .flat_map(|shape| STORED.map(|storage| (shape, storage)))
    {
        let checkpoint = checkpoint(options(model, hidden), (1..30).collect(), (1..50).collect());
        let [without, with] = [storage.precision.into(), storage]
            .map(|storage: Storage| build(&checkpoint, &all(&checkpoint), storage).unwrap());
        // 49 movies, two bytes a unit, and at most 40 around.
        let more = with.as_ref().len() - without.as_ref().len();
        let table = 49 * 2 * hidden[0];
        assert!((table..table + 40).contains(&more), "{more}");
        let [without, with] = [&without, &with].map(|image| Model::open(image.as_ref()).unwrap());
        assert!(with.stores_halves() && !without.stores_halves());
        for user in 1..30 {
            let [plain, state] = [&without, &with].map(|model| model.user(UserId(user)).unwrap());
            // One more than there are, and one far outside: rows of zeros.
            for row in (0..50).chain([u32::MAX]) {
                let parts = with.explain(&state, row);
                let by_row = parts.base + parts.movie_bias + parts.dot + parts.mlp;
                let score = with.score(&state, row);
                assert_eq!(score.to_bits(), by_row.to_bits(), "{hidden:?} {storage:?}");
                let difference = (score - without.score(&plain, row)).abs();
                assert!(
                    difference < 0.002,
                    "{model:?} {hidden:?} {storage:?}: {difference}"
                );
                // Learning reads the tables in single precision, which are the same.
                let [a, b] = [&without, &with].map(|model| learn::gradient(model, &plain, row).by);
                assert_eq!(a, b);
            }
            let mut by_row: Vec<(f32, u32)> = (0..49)
                .map(|row| (with.score(&state, row), row + 1))
                .collect();
            by_row.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let mut top = TopN::<10>::new().with_below_mean();
            while !top.advance(&with, &state, |_| true, 7).is_done() {}
            let listed: Vec<_> = top
                .hits()
                .iter()
                .map(|hit| (hit.score, hit.movie.0))
                .collect();
            assert_eq!(listed, by_row[..10]);
        }
    }
}

/// The image with each of its tables changed.
pub(crate) fn forged(
    image: &ImageBytes,
    change: impl Fn(&mut Table<'_>, &mut Vec<u8>),
) -> ImageBytes {
    let parsed = Image::parse(image.as_ref()).unwrap();
    let mut forged = ImageBytes::zeroed(image.as_ref().len());
    let header = parsed.header;
    let mut writer = ImageWriter::new(
        forged.as_mut(),
        header.name,
        header.fingerprint,
        header.license,
        header.tables,
    )
    .unwrap();
    for table in parsed.tables() {
        let mut table = table.unwrap();
        let mut bytes = table.bytes.to_vec();
        change(&mut table, &mut bytes);
        table.bytes = &bytes;
        writer.raw(table).unwrap();
    }
    let length = writer.finish().unwrap();
    forged.truncate(length);
    forged
}

#[test]
fn stored_halves_that_are_not_those_of_their_rows_are_refused_by_name() {
    let checkpoint = checkpoint(
        options(ModelKind::Hybrid, &[32, 4]),
        (1..4).collect(),
        (1..50).collect(),
    );
    let kind = K::IntegerMovieHalves;
    for storage in STORED {
        let image = build(&checkpoint, &all(&checkpoint), storage).unwrap();
        assert!(forged(&image, |_, _| ()).as_ref() == image.as_ref());
        let why = |change: &dyn Fn(&mut Table<'_>, &mut [u8])| {
            let halves = |table: &mut Table<'_>, bytes: &mut Vec<u8>| {
                if table.kind == kind.number() {
                    // A reader that ignored it would score with other bits.
                    assert!(table.required);
                    change(table, bytes);
                }
            };
            Model::open(forged(&image, halves).as_ref()).err()
        };
        for bit in (0..49 * 32 * 16).step_by(77) {
            let flipped = why(&|_, bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            assert_eq!(flipped, Some(ImageError::Value(kind)), "bit {bit}");
        }
        let turned = why(&|table, _| (table.rows, table.columns) = (table.columns, table.rows));
        assert_eq!(turned, Some(ImageError::Shape(kind)));
        let halved = why(&|table, _| {
            (table.element, table.columns) = (Element::F32.code(), table.columns / 2);
        });
        assert_eq!(halved, Some(ImageError::Shape(kind)));
        let unsigned = why(&|table, _| table.element = Element::F16.code());
        assert_eq!(unsigned, Some(ImageError::Element(kind)));
    }
}

#[test]
fn what_cannot_be_precomputed_is_said() {
    for (model, precision, word) in [
        (ModelKind::Mf, Precision::I16, "no MLP"),
        (ModelKind::Mlp, Precision::F16, "--precision i16"),
        (ModelKind::Mlp, Precision::F32, "f32 isn't scored"),
    ] {
        let hidden: &[usize] = if model == ModelKind::Mf {
            &[]
        } else {
            &[32, 4]
        };
        let checkpoint = checkpoint(options(model, hidden), vec![1, 2], vec![1, 2, 3]);
        let storage = Storage {
            precision,
            precompute: true,
            dim: None,
            without_kin: false,
        };
        let refusal = build(&checkpoint, &all(&checkpoint), storage).unwrap_err();
        assert!(refusal.to_string().contains(word), "{refusal}");
    }
}

#[test]
fn bytes_err_by_less_than_two_thousandths_of_a_star_on_the_built_in_mlp() {
    let data = pocketrec_data::builtin::load();
    let ratings = data.ratings.clone();
    let checkpoint = pocketrec_checkpoint::by_recipe(&data, ratings, ModelKind::Mlp, 0).unwrap();
    let [due, found] = [Precision::F32, Precision::I8]
        .map(|precision| build(&checkpoint, &all(&checkpoint), precision).unwrap());
    let [due, found] = [&due, &found].map(|image| Model::open(image.as_ref()).unwrap());
    let mut scores = [(); 2].map(|()| vec![0.0_f32; due.movies() as usize]);
    let mut largest = 0.0_f32;
    for id in &checkpoint.user_ids {
        for (model, scores) in [&due, &found].into_iter().zip(&mut scores) {
            model.score_rows(&model.user(UserId(*id)).unwrap(), 0, scores);
        }
        for (due, found) in scores[0].iter().zip(&scores[1]) {
            largest = largest.max((due - found).abs());
        }
    }
    assert!(largest > 0.0 && largest < 0.002, "{largest}");
}
