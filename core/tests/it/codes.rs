//! Movies as sums of codewords: what an image of them must be, and that everything that reads a movie reads the sum.

#![cfg(all(feature = "codes", feature = "learn"))]

use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::builder::{
    DenseLayer, OwnedTable, Title, code_halves, dense_tables, integer_tables, room, write,
};
use pocketrec::image::integers::{CodedNetwork, IntegerNetwork};
use pocketrec::image::{Element, ImageError, TableKind as K};
use pocketrec::learn::{FoldIn, gradient};
use pocketrec::model::Model;
use pocketrec::numeric::activation::{Activation, relu};
use pocketrec::profile::Rating;
use pocketrec::rank::{Nearest, TopN};

const DIM: usize = 4;
const MOVIES: usize = 50;
const CODEWORDS: usize = 9;
const BOOKS: usize = 3;
/// 2^-12.
const SCALE: f32 = 1.0 / 4096.0;

/// The codeword of a movie in a book.
fn code(movie: usize, book: usize) -> u8 {
    (movie * (5 + 2 * book) % CODEWORDS) as u8
}

fn number(at: usize, most: i32) -> i16 {
    (at as i32 * 7919 % (2 * most + 1) - most) as i16
}

/// The tables of an image; those of the movies come last: codes, rows, biases.
fn tables() -> Vec<OwnedTable> {
    let words = BOOKS * CODEWORDS;
    let rows: Vec<i16> = (0..words * DIM).map(|at| number(at, 3000)).collect();
    let biases: Vec<i16> = (0..words).map(|at| number(at, 900)).collect();
    let codes: Vec<u8> = (0..MOVIES)
        .flat_map(|movie| (0..BOOKS).map(move |book| code(movie, book)))
        .collect();
    let users = [0.5_f32, -0.25, 0.75, 0.125, -0.5, 0.5, 0.25, -0.75];
    let halves = |kind, rows, values| OwnedTable::halves(kind, rows, values).unwrap();
    vec![
        OwnedTable::of(K::RatingScale, 1, &[3.5_f32, 0.5, 5.0, 0.5]),
        OwnedTable::of(K::Parts, 1, &[3_u8]),
        OwnedTable::of(K::MovieIdRange, 1, &[1, MOVIES as u32]),
        OwnedTable::of(K::UserIdRange, 1, &[1_u32, 2]),
        halves(K::UserEmbedding, 2, &users),
        halves(K::UserBias, 2, &[0.25, -0.5]),
        OwnedTable::of(K::MeanUser, 1, &[0.125_f32, 0.25, -0.25, 0.5]),
        OwnedTable::of(K::MeanUserBias, 1, &[0.0_f32]),
        OwnedTable::of(K::MovieCode, MOVIES, &codes),
        OwnedTable::of(K::MovieEmbedding, words, &rows).with_scale(SCALE),
        OwnedTable::of(K::MovieBias, words, &biases).with_scale(SCALE),
    ]
}

fn image(tables: &[OwnedTable]) -> Vec<u32> {
    let mut words = vec![0; room(tables).div_ceil(4)];
    let title = Title {
        name: "codes",
        fingerprint: 1,
        license: "none",
    };
    write(title, tables, bytemuck::cast_slice_mut(&mut words)).unwrap();
    words
}

/// What an image that is changed in one way is refused for.
fn refusal(change: impl FnOnce(&mut Vec<OwnedTable>)) -> ImageError {
    let mut tables = tables();
    change(&mut tables);
    crate::open(bytemuck::cast_slice(&image(&tables))).unwrap_err()
}

fn table(tables: &mut [OwnedTable], kind: K) -> &mut OwnedTable {
    tables.iter_mut().find(|table| table.kind == kind).unwrap()
}

#[test]
fn whatever_reads_a_movie_reads_the_sum_of_its_codewords() {
    let words = image(&tables());
    let model = crate::open(bytemuck::cast_slice(&words)).unwrap();
    assert_eq!((model.movies(), model.movie_dim()), (MOVIES as u32, DIM));
    let user = model.user(UserId(2)).unwrap();
    for movie in 0..MOVIES {
        let words = (0..BOOKS).map(|book| book * CODEWORDS + usize::from(code(movie, book)));
        let sum = |column: usize| -> i32 {
            let numbers = words.clone().map(|word| number(word * DIM + column, 3000));
            numbers.map(i32::from).sum()
        };
        let due: [f32; DIM] = core::array::from_fn(|column| sum(column) as f32 * SCALE);
        let bias: i32 = words.clone().map(|word| i32::from(number(word, 900))).sum();
        let mut row = [0.0; DIM];
        model.movie_table().read(movie, &mut row);
        assert_eq!(row, due);
        let by = gradient(&model, &user, movie as u32);
        assert_eq!(by.by[1..=DIM], due);
        let parts = model.explain(&user, movie as u32);
        assert_eq!(parts.movie_bias, bias as f32 * SCALE);
        // A term is rounded to 2^-12 stars, and there is one a book.
        let score = model.score(&user, movie as u32);
        assert!((by.score - score).abs() < 0.6 * BOOKS as f32 * SCALE);
        assert_eq!(score, parts.base + parts.movie_bias + parts.dot);
        assert_eq!(
            model.predict(UserId(2), MovieId(movie as u32 + 1)).unwrap(),
            model.scale().clamp(score)
        );
    }
    // Rows outside are zeros.
    assert_eq!(
        model.score(&user, MOVIES as u32),
        model.explain(&user, 77).base
    );
    let mut nearest = Nearest::<5>::with_limit(5, &model, 3);
    while !nearest.advance(&model, 7).is_done() {}
    assert_eq!(nearest.hits().len(), 5);
    assert_eq!(
        nearest.hits()[0].score,
        model.similarity(3, nearest.hits()[0].movie.0 - 1)
    );
}

#[test]
fn a_ranking_in_slices_is_the_order_of_single_scores_also_for_an_owner() {
    let words = image(&tables());
    let model = crate::open(bytemuck::cast_slice(&words)).unwrap();
    let log = [
        Rating::new(MovieId(4), 5.0, 0).unwrap(),
        Rating::new(MovieId(9), 1.0, 0).unwrap(),
    ];
    let mut fold = FoldIn::new(&model);
    while !fold.advance(&model, &log, 1).is_done() {}
    let owner = fold.private().state(&model);
    assert!(
        model.predict_for(&owner, MovieId(4)).unwrap()
            > model.predict_for(&model.mean_user(), MovieId(4)).unwrap()
    );
    for user in [model.user(UserId(1)).unwrap(), model.mean_user(), owner] {
        let mut due: Vec<(f32, u32)> = (0..MOVIES as u32)
            .map(|row| (model.score(&user, row), row + 1))
            .filter(|(_, movie)| movie % 5 != 0)
            .collect();
        due.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for slice in [1, 8, 1000] {
            let mut top = TopN::<12>::new();
            while !top
                .advance(&model, &user, |movie| movie.0 % 5 != 0, slice)
                .is_done()
            {}
            let found: Vec<(f32, u32)> = top
                .hits()
                .iter()
                .map(|hit| (hit.score, hit.movie.0))
                .collect();
            assert_eq!(found, due[..12]);
        }
    }
}

#[test]
fn an_image_whose_codes_are_not_right_is_refused_by_the_table_at_fault() {
    use ImageError as E;
    assert_eq!(
        refusal(|all| table(all, K::MovieCode).bytes[7] = CODEWORDS as u8),
        E::Value(K::MovieCode)
    );
    assert_eq!(
        refusal(|all| table(all, K::MovieCode).element = Element::I8),
        E::Element(K::MovieCode)
    );
    // A movie too few.
    assert_eq!(
        refusal(|all| {
            let codes = table(all, K::MovieCode);
            codes.rows -= 1;
            codes.bytes.truncate((MOVIES - 1) * BOOKS);
        }),
        E::Shape(K::MovieCode)
    );
    // More books than there may be.
    assert_eq!(
        refusal(|all| {
            let codes = table(all, K::MovieCode);
            (codes.columns, codes.bytes) = (5, vec![0; 5 * MOVIES]);
        }),
        E::Shape(K::MovieCode)
    );
    // Books of unlike length, and of more codewords than a byte tells apart.
    for words in [BOOKS * CODEWORDS - 1, BOOKS * 257] {
        assert_eq!(
            refusal(|all| {
                let rows = table(all, K::MovieEmbedding);
                (rows.rows, rows.bytes) = (words, vec![0; words * DIM * 2]);
            }),
            E::Shape(K::MovieEmbedding)
        );
    }
    assert_eq!(
        refusal(|all| {
            let biases = table(all, K::MovieBias);
            (biases.rows, biases.bytes) = (MOVIES, vec![0; MOVIES * 2]);
        }),
        E::Shape(K::MovieBias)
    );
    // Sums are of integers.
    assert_eq!(
        refusal(|all| {
            let values = vec![0.5; BOOKS * CODEWORDS * DIM];
            let rows = OwnedTable::of(K::MovieEmbedding, BOOKS * CODEWORDS, &values);
            *table(all, K::MovieEmbedding) = rows;
            let biases = OwnedTable::of(K::MovieBias, BOOKS * CODEWORDS, &[0.5_f32; 27]);
            *table(all, K::MovieBias) = biases;
        }),
        E::Element(K::MovieEmbedding)
    );
    // Rows of the movies without their codes.
    assert_eq!(
        refusal(|all| all.retain(|table| table.kind != K::MovieCode)),
        E::Shape(K::MovieEmbedding)
    );
}

const UNITS: usize = 8;

/// The half of dense layer 0 of a codeword, in counts: at most 80 in each of three books.
fn half(word: usize, unit: usize) -> u8 {
    ((word * 37 + unit * 11) % 81) as u8
}

/// As [`tables`], with an MLP of 8, 4 and 1 units, and without a dot product and biases where it stands `alone`.
fn with_network(alone: bool) -> Vec<OwnedTable> {
    let mut tables = tables();
    if alone {
        tables.retain(|table| ![K::MovieBias, K::UserBias, K::MeanUserBias].contains(&table.kind));
    }
    *table(&mut tables, K::Parts) = OwnedTable::of(K::Parts, 1, &[if alone { 4_u8 } else { 7 }]);
    let weight = |at: usize| f32::from(number(at, 500)) / 1000.0;
    let weights = |count: usize| -> Vec<f32> { (0..count).map(weight).collect() };
    let layers = [
        (weights(2 * DIM * UNITS), vec![0.125; UNITS]),
        (weights(UNITS * 4), vec![0.25; 4]),
        (weights(4), vec![0.5]),
    ];
    let dense: Vec<DenseLayer<'_>> = layers
        .iter()
        .enumerate()
        .map(|(at, (weights, bias))| DenseLayer {
            weights,
            bias,
            activation: if at < 2 {
                Activation::Relu
            } else {
                Activation::Linear
            },
        })
        .collect();
    tables.extend(dense_tables(&dense, DIM));
    let most = [400; UNITS];
    let network = IntegerNetwork::of_codes(&CodedNetwork {
        counts: &[1.0 / 128.0; UNITS],
        most: &most,
        later: &[(&layers[1].0, &layers[1].1), (&layers[2].0, &layers[2].1)],
    });
    tables.extend(integer_tables(&network.unwrap()));
    let halves: Vec<u8> = (0..BOOKS * CODEWORDS * UNITS)
        .map(|at| half(at / UNITS, at % UNITS))
        .collect();
    tables.extend(code_halves(&halves, &[100; UNITS], &most));
    tables
}

#[test]
#[cfg(all(feature = "codes-mlp", feature = "shapes"))]
fn a_network_takes_the_sum_of_a_movies_halves_beside_whatever_else_it_has() {
    for alone in [true, false] {
        let words = image(&with_network(alone));
        let model = Model::open(bytemuck::cast_slice(&words)).unwrap();
        let user = model.user(UserId(2)).unwrap();
        let mlp = model.mlp().unwrap();
        let mut own = [0.0; pocketrec::MAX_UNITS];
        let mut row = [0.0; pocketrec::MAX_DIM];
        row[..DIM].copy_from_slice(&model.user_row(UserId(2)).unwrap().0[..DIM]);
        mlp.user_half(&row, &mut own);
        for movie in 0..MOVIES {
            let words = (0..BOOKS).map(|book| book * CODEWORDS + usize::from(code(movie, book)));
            let unit = |unit: usize| -> f32 {
                let sum: i32 = words.clone().map(|word| i32::from(half(word, unit))).sum();
                relu(own[unit] + (sum - 100) as f32 / 128.0)
            };
            let mut units: Vec<f32> = (0..UNITS).map(unit).collect();
            for (at, layer) in mlp.later().iter().enumerate() {
                let sums = (0..layer.bias.len()).map(|k| {
                    let of = units.iter().enumerate();
                    let sum = of.map(|(j, x)| x * layer.weights[j * layer.bias.len() + k]);
                    layer.bias[k] + sum.sum::<f32>()
                });
                let relu = |x: f32| if at == 0 { relu(x) } else { x };
                units = sums.map(relu).collect();
            }
            let parts = model.explain(&user, movie as u32);
            assert!(
                (parts.mlp - units[0]).abs() < 0.02,
                "{} {}",
                parts.mlp,
                units[0]
            );
            let score = parts.base + parts.movie_bias + parts.dot + parts.mlp;
            assert_eq!(model.score(&user, movie as u32), score);
            assert_eq!(alone, parts.dot == 0.0 && parts.movie_bias == 0.0);
        }
        let mut due: Vec<(f32, u32)> = (0..MOVIES as u32)
            .map(|row| (model.score(&user, row), row + 1))
            .collect();
        due.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for slice in [1, 7, 1000] {
            let mut top = TopN::<6>::new().with_below_mean();
            while !top.advance(&model, &user, |_| true, slice).is_done() {}
            let found = top.hits().iter().map(|hit| (hit.score, hit.movie.0));
            assert_eq!(found.collect::<Vec<_>>(), due[..6]);
        }
    }
}

#[test]
#[cfg(all(feature = "codes-mlp", feature = "shapes"))]
fn a_network_whose_halves_could_carry_or_are_of_another_shape_is_refused() {
    use ImageError as E;
    let refusal = |change: &dyn Fn(&mut Vec<OwnedTable>)| {
        let mut tables = with_network(true);
        change(&mut tables);
        Model::open(bytemuck::cast_slice(&image(&tables))).unwrap_err()
    };
    // 255 and whatever the other books have.
    assert_eq!(
        refusal(&|all| table(all, K::IntegerCodeHalves).bytes[9] = 255),
        E::LayerBound { layer: 0 }
    );
    assert_eq!(
        refusal(&|all| all.retain(|table| table.kind != K::IntegerCodeHalves)),
        E::Missing(K::IntegerCodeHalves)
    );
    assert_eq!(
        refusal(&|all| {
            let halves = table(all, K::IntegerCodeHalves);
            halves.rows -= 1;
            halves.bytes.truncate(halves.rows * UNITS);
        }),
        E::Shape(K::IntegerCodeHalves)
    );
    let negative = OwnedTable::of(K::IntegerUserHalves, 2, &[-1_i16; 2 * UNITS]);
    assert_eq!(
        refusal(&|all| *table(all, K::IntegerUserHalves) = negative.clone()),
        E::Value(K::IntegerUserHalves)
    );
    // Users who could go further than the layers behind have room for.
    let far = OwnedTable::of(K::IntegerUserHalves, 2, &[32_512_i16; 2 * UNITS]);
    assert_eq!(
        refusal(&|all| *table(all, K::IntegerUserHalves) = far.clone()),
        E::LayerBound { layer: 1 }
    );
    // Weights of rows, which nothing would use.
    let weights = OwnedTable::of(K::IntegerMovieWeights, UNITS, &[1_i16; UNITS * DIM]);
    assert_eq!(
        refusal(&|all| all.push(weights.clone())),
        E::Shape(K::IntegerMovieWeights)
    );
    // Halves of codewords without a network.
    let mut all = tables();
    all.push(far);
    assert_eq!(
        Model::open(bytemuck::cast_slice(&image(&all))).unwrap_err(),
        E::Shape(K::IntegerUserHalves)
    );
}
