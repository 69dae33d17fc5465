//! Movies that are added to an image, against an image that has had them from the start: whatever is asked, the bits are the
//! same.

use pocketrec::grow::{AddedMovies, MAX_ADDED, NotAdded, ROOM};
use pocketrec::ids::{MovieId, UserId};
use pocketrec::image::builder::{
    DenseLayer, OwnedTable, Title, code_halves, dense_tables, integer_tables, room, stored_halves,
    write,
};
use pocketrec::image::integers::{CodedNetwork, IntegerNetwork, SingleNetwork};
use pocketrec::image::{ImageError, TableKind as K};
use pocketrec::kernels::Precision;
use pocketrec::learn::why::Influence;
use pocketrec::learn::{FoldIn, StepOptions, gradient, step, suggest::Suggest};
use pocketrec::model::entry::Movie;
use pocketrec::model::interest::{Interest, LATEST};
use pocketrec::model::{Model, UserState, Wanted};
use pocketrec::numeric::activation::Activation;
use pocketrec::profile::{Private, Rating};
use pocketrec::rank::{Agreement, Hit, Nearest, TopForTwo, TopN};

/// Those that are added are the last ones, an even number and an odd one behind an odd number and an even one.
const MOVIES: usize = 61;
const USERS: usize = 3;
const DIM: usize = 8;
const CODEWORDS: usize = 9;
const BOOKS: usize = 4;
const UNITS: usize = 8;
const SETS: [u32; 4] = [0, 1, 2, 5];

/// What an image is of.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    precision: Precision,
    mlp: bool,
    stored: bool,
    books: usize,
    /// Kin, interests and facets.
    sought: bool,
}

const fn rows(precision: Precision, mlp: bool) -> Shape {
    Shape {
        precision,
        mlp,
        stored: false,
        books: 0,
        sought: true,
    }
}

/// The usual one: rows in half precision, and all there is beside.
pub const USUAL: Shape = rows(Precision::F16, false);

const SHAPES: [Shape; 14] = [
    USUAL,
    rows(Precision::F16, true),
    rows(Precision::F32, false),
    rows(Precision::F32, true),
    rows(Precision::I16, false),
    rows(Precision::I16, true),
    Shape {
        stored: true,
        ..rows(Precision::I16, true)
    },
    rows(Precision::I8, false),
    rows(Precision::I8, true),
    Shape {
        sought: false,
        ..rows(Precision::F16, false)
    },
    Shape {
        books: BOOKS,
        ..rows(Precision::I8, false)
    },
    Shape {
        books: 3,
        ..rows(Precision::I16, false)
    },
    Shape {
        books: BOOKS,
        ..rows(Precision::I8, true)
    },
    Shape {
        books: BOOKS,
        sought: false,
        ..rows(Precision::I16, false)
    },
];

fn number(at: usize) -> f32 {
    ((at * 7919 + at / 13) % 1001) as f32 / 1001.0 - 0.5
}

fn numbers(from: usize, count: usize) -> Vec<f32> {
    (from..from + count).map(number).collect()
}

fn bytes(from: usize, count: usize) -> Vec<u8> {
    (from..from + count)
        .map(|at| (at * 151 % 256) as u8)
        .collect()
}

fn tables(shape: Shape) -> Vec<OwnedTable> {
    let words = shape.books * CODEWORDS;
    let rows = if words > 0 { words } else { MOVIES };
    let mut values = numbers(1, rows * DIM);
    // What stays in the image has the largest.
    values[..DIM].fill(0.75);
    let (movies, by) =
        OwnedTable::embedding(K::MovieEmbedding, DIM, &values, shape.precision).unwrap();
    let integers = movies.integers(by.as_ref());
    let scale = movies.scale;
    let of_users = if words > 0 {
        Precision::F16
    } else {
        shape.precision
    };
    let users = numbers(5_000, USERS * DIM);
    let (users, users_by) = OwnedTable::embedding(K::UserEmbedding, DIM, &users, of_users).unwrap();
    let mut bias = numbers(7_000, rows);
    bias[0] = 0.75;
    let ids: Vec<u32> = (0..MOVIES as u32).map(|row| row * 3 + 1).collect();
    let known = bytes(3, MOVIES);
    let parts: u8 = if shape.mlp { 7 } else { 3 };
    let mut all = vec![
        OwnedTable::of(K::RatingScale, 1, &[3.5_f32, 0.5, 5.0, 0.5]),
        OwnedTable::of(K::Parts, 1, &[parts]),
        OwnedTable::of(K::MovieIdSorted, MOVIES, &ids),
        OwnedTable::of(K::UserIdRange, 1, &[1, USERS as u32]),
        OwnedTable::of(K::MeanUser, 1, &numbers(100, DIM)),
        OwnedTable::of(K::MeanUserBias, 1, &[0.125_f32]),
        movies,
        users,
        OwnedTable::biases(K::MovieBias, &bias, shape.precision).unwrap(),
        OwnedTable::biases(K::UserBias, &numbers(9_000, USERS), of_users).unwrap(),
        OwnedTable::of(K::MovieConfidence, MOVIES, &known).with_scale(0.003),
    ];
    all.extend(by);
    all.extend(users_by);
    if words > 0 {
        let codes: Vec<u8> = (0..MOVIES * shape.books)
            .map(|at| (at * 5 % CODEWORDS) as u8)
            .collect();
        all.push(OwnedTable::of(K::MovieCode, MOVIES, &codes));
    }
    if shape.sought {
        let codebook: Vec<i8> = numbers(11, 256 * 64)
            .iter()
            .map(|x| (x * 30.0) as i8)
            .collect();
        let levels: Vec<u8> = (0..64).map(|at| (at * 4_u8).saturating_sub(24)).collect();
        let mut latest = vec![u8::MAX; USERS * LATEST * 2];
        latest[..2].copy_from_slice(&[9, 0]);
        let mut pairs = vec![0; MOVIES.div_ceil(2) * 5];
        for movie in 0..MOVIES {
            let pair = &mut pairs[movie / 2 * 5..][..5];
            pair[movie % 2 * 2] = (movie * 37 % 200) as u8;
            pair[movie % 2 * 2 + 1] = (movie * 7 % SETS.len()) as u8;
        }
        all.extend([
            OwnedTable::of(K::KinCode, MOVIES, &bytes(17, MOVIES * 8)),
            OwnedTable::of(K::KinCodebook, 256, &codebook).with_scale(1.0 / 256.0),
            OwnedTable::of(K::KinLevels, 1, &levels),
            OwnedTable::of(K::InterestCourse, 1, &[24.0_f32, 0.75]),
            OwnedTable::of(K::UserLatest, USERS, &latest),
            OwnedTable::of(K::MovieFacets, pairs.len() / 5, &pairs),
            OwnedTable::of(K::GenreSets, SETS.len(), &SETS),
            OwnedTable::of(K::GenreNames, 1, "Comedy|Drama|War".as_bytes()),
            OwnedTable::of(K::FirstYear, 1, &[1_950_u32]),
        ]);
    }
    if shape.mlp {
        all.extend(network(shape, scale, &integers));
    }
    all
}

fn network(shape: Shape, movie_scale: f32, integers: &[i16]) -> Vec<OwnedTable> {
    let layers = [
        (numbers(20, 2 * DIM * UNITS), numbers(40, UNITS)),
        (numbers(60, UNITS * 4), numbers(80, 4)),
        (numbers(90, 4), vec![0.25]),
    ];
    let layer = |at: usize| DenseLayer {
        weights: &layers[at].0,
        bias: &layers[at].1,
        activation: if at < 2 {
            Activation::Relu
        } else {
            Activation::Linear
        },
    };
    let mut tables = dense_tables(&[layer(0), layer(1), layer(2)], DIM);
    let later: [(&[f32], &[f32]); 2] = [(&layers[1].0, &layers[1].1), (&layers[2].0, &layers[2].1)];
    if shape.books > 0 {
        let most = [400; UNITS];
        let network = IntegerNetwork::of_codes(&CodedNetwork {
            counts: &[1.0 / 128.0; UNITS],
            most: &most,
            later: &later,
        });
        tables.extend(integer_tables(&network.unwrap()));
        let halves: Vec<u8> = (0..shape.books * CODEWORDS * UNITS)
            .map(|at| (at * 37 % 61) as u8)
            .collect();
        tables.extend(code_halves(&halves, &[100; UNITS], &most));
    } else if shape.precision.is_integer() {
        // Unit by unit, as the network has them.
        let (_, of_movies) = layers[0].0.split_at(DIM * UNITS);
        let weights: Vec<f32> = (0..UNITS)
            .flat_map(|unit| of_movies.iter().skip(unit).step_by(UNITS).copied())
            .collect();
        let network = IntegerNetwork::new(&SingleNetwork {
            movie_weights: &weights,
            movie_dim: DIM,
            movie_scale,
            movie_largest: integers
                .iter()
                .map(|x| x.unsigned_abs())
                .max()
                .unwrap()
                .into(),
            user_largest: &[8.0; UNITS],
            later: &later,
        })
        .unwrap();
        tables.extend(integer_tables(&network));
        if shape.stored {
            tables.push(stored_halves(&network, integers, DIM));
        }
    }
    tables
}

/// The tables of the first `movies`.
fn first(mut tables: Vec<OwnedTable>, movies: usize) -> Vec<OwnedTable> {
    let coded = tables.iter().any(|table| table.kind == K::MovieCode);
    for table in &mut tables {
        let rows = match table.kind {
            K::MovieEmbedding | K::MovieBias | K::MovieRowMultiplier if coded => continue,
            K::MovieFacets => movies.div_ceil(2),
            K::MovieEmbedding
            | K::MovieBias
            | K::MovieRowMultiplier
            | K::IntegerMovieHalves
            | K::MovieIdSorted
            | K::MovieCode
            | K::MovieConfidence
            | K::KinCode => movies,
            _ => continue,
        };
        let row = table.bytes.len() / table.rows;
        table.rows = rows;
        table.bytes.truncate(rows * row);
    }
    tables
}

fn image(tables: &[OwnedTable]) -> Vec<u32> {
    let mut words = vec![0; room(tables).div_ceil(4)];
    let title = Title {
        name: "added",
        fingerprint: 1,
        license: "none",
    };
    write(title, tables, bytemuck::cast_slice_mut(&mut words)).unwrap();
    words
}

/// An image of all movies, and one without the last `added`.
pub fn images(shape: Shape, added: usize) -> [Vec<u32>; 2] {
    let all = tables(shape);
    let less = first(all.clone(), MOVIES - added);
    [image(&all), image(&less)]
}

pub fn open(words: &[u32]) -> Model<'_> {
    crate::open(bytemuck::cast_slice(words)).unwrap()
}

/// The last `count` movies of `full`, added to those of `less`.
fn added(full: &Model<'_>, less: &Model<'_>) -> AddedMovies {
    let mut added = AddedMovies::of(Some(less));
    for row in less.movies()..full.movies() {
        added.add(less, &full.entry(row).unwrap()).unwrap();
    }
    added
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    [full, joint]: [&Model<'_>; 2],
    ask: impl Fn(&Model<'_>) -> T,
) {
    assert_eq!(ask(full), ask(joint), "{what}");
}

fn bits(hits: &[Hit]) -> Vec<(u32, u32)> {
    hits.iter()
        .map(|hit| (hit.movie.0, hit.score.to_bits()))
        .collect()
}

/// Asks both all that a model and its lists are asked.
fn compare(both: [&Model<'_>; 2]) {
    let movies = both[0].movies();
    same("the number of movies", both, |model| model.movies());
    same("ids and what is beside", both, |model| {
        let row = |row| {
            let id = model.movie_id(row);
            let back = id.and_then(|id| model.movie_row(id).ok());
            let stars = model.confidence_stars(row).to_bits();
            (id, back, model.confidence(row), stars, model.facets(row))
        };
        (0..movies + 3).map(row).collect::<Vec<_>>()
    });
    same("ids that aren't there", both, |model| {
        model.movie_row(MovieId(movies * 3 + 1))
    });
    let log: Vec<Rating> = [(movies - 1, 5.0), (4, 1.0), (movies - 2, 4.5), (9, 3.0)]
        .into_iter()
        .zip(0..)
        .map(|((row, stars), at)| Rating::new(MovieId(row * 3 + 1), stars, at).unwrap())
        .collect();
    let fold = |model: &Model<'_>| {
        let mut fold = FoldIn::new(model);
        while !fold.advance(model, &log, 1).is_done() {}
        fold
    };
    let private = |private: &Private| (private.row.map(f32::to_bits), private.bias.to_bits());
    same("what is learned", both, |model| {
        private(&fold(model).private())
    });
    same("a step", both, |model| {
        let mut person = Private::mean(model);
        let before = step(model, &mut person, movies - 1, 4.0, StepOptions::DEFAULT);
        (private(&person), before.to_bits())
    });
    same("why", both, |model| {
        let fold = fold(model);
        let moved = |row| {
            let influence = Influence::on(model, &fold, row);
            let of = |rating: &Rating| influence.of(model, &fold, *rating).to_bits();
            log.iter().map(of).collect::<Vec<_>>()
        };
        [moved(movies - 1), moved(3)]
    });
    same("suggestions", both, |model| {
        let list = |slice| {
            let mut list = Suggest::<12>::with_limit(12);
            let fold = fold(model);
            while !list
                .advance(model, &fold, |movie| movie.0 % 5 != 0, slice)
                .is_done()
            {}
            bits(list.hits())
        };
        assert_eq!(list(7), list(1_000));
        list(1)
    });
    same("interest", both, |model| {
        model.interest_of_ratings(&log, 3.5)
    });
    let users = |model: &Model<'_>| -> Vec<UserState> {
        let users = (1..=USERS as u32).map(|id| model.user(UserId(id)).unwrap());
        let owner = fold(model).private().state(model);
        users.chain([model.mean_user(), owner]).collect()
    };
    same("predictions", both, |model| {
        let of = |user: &UserState| {
            let row = |row| {
                let parts = model.explain(user, row);
                let parts = [parts.base, parts.movie_bias, parts.dot, parts.mlp];
                let gradient = gradient(model, user, row);
                (
                    model.score(user, row).to_bits(),
                    parts.map(f32::to_bits),
                    (gradient.score.to_bits(), gradient.by.map(f32::to_bits)),
                )
            };
            let single = (0..movies + 2).map(row).collect::<Vec<_>>();
            for (from, count) in [(0, 70), (50, 9), (55, 1), (56, 8), (60, 5), (57, 2)] {
                let mut scores = vec![0.0; count];
                model.score_rows(user, from, &mut scores);
                for (row, score) in (from..).zip(&scores) {
                    assert_eq!(
                        model.score(user, row).to_bits(),
                        score.to_bits(),
                        "row {row}"
                    );
                }
            }
            single
        };
        users(model).iter().map(of).collect::<Vec<_>>()
    });
    same("predictions for users of the image", both, |model| {
        let rows = 0..movies;
        let of = |row| {
            let stars = model.predict(UserId(2), MovieId(row * 3 + 1)).unwrap();
            (stars.to_bits(), model.predict_rows(1, row).to_bits())
        };
        rows.map(of).collect::<Vec<_>>()
    });
    same("likenesses", both, |model| {
        let pair = |(row, other)| {
            let cosine = model.similarity(row, other).to_bits();
            (cosine, model.kinship(row, other).to_bits())
        };
        let pairs =
            (0..movies).flat_map(|row| [(row, 3), (3, row), (row, movies - 1), (movies - 1, row)]);
        let mut cosines = vec![0.0; 70];
        model.similarity_rows(&model.movie_vector(movies - 2), 1, &mut cosines);
        let cosines: Vec<u32> = cosines.into_iter().map(f32::to_bits).collect();
        (pairs.map(pair).collect::<Vec<_>>(), cosines)
    });
    let any = Wanted::ANY;
    let wanted = [
        any,
        Wanted { all_of: 1, ..any },
        Wanted {
            none_of: 1,
            from: 1_960,
            ..any
        },
    ];
    same("lists", both, |model| {
        let mut lists = Vec::new();
        for user in users(model) {
            for interest in [Interest::NONE, model.interest_of_ratings(&log, 3.5)] {
                for wanted in wanted {
                    let list = |slice, below| {
                        let mut top = TopN::<12>::new()
                            .with_interest(interest.clone())
                            .with_wanted(wanted);
                        if below {
                            top = top.with_below_mean();
                        }
                        while !top
                            .advance(model, &user, |movie| movie.0 % 7 != 0, slice)
                            .is_done()
                        {}
                        bits(top.hits())
                    };
                    for below in [false, true] {
                        lists.push(list(1, below));
                        assert_eq!(lists.last(), Some(&list(8, below)));
                        assert_eq!(lists.last(), Some(&list(1_000, below)));
                    }
                }
            }
        }
        lists
    });
    same("lists for two", both, |model| {
        let mut lists = Vec::new();
        let users = users(model);
        let (Some(one), Some(other)) = (users.first(), users.last()) else {
            unreachable!()
        };
        for agreement in [Agreement::Least, Agreement::Mean] {
            for slice in [1, 9, 1_000] {
                let interests = [Interest::NONE, model.interest_of_ratings(&log, 3.5)];
                let mut list = TopForTwo::<9>::with_limit(9, agreement, interests);
                while !list.advance(model, [one, other], |_| true, slice).is_done() {}
                lists.push(bits(list.hits()));
            }
        }
        lists
    });
    same("similar movies", both, |model| {
        let mut lists = Vec::new();
        for row in [0, movies - 7, movies - 1] {
            for slice in [1, 9, 1_000] {
                let mut list = Nearest::<9>::with_limit(9, model, row);
                while !list.advance(model, slice).is_done() {}
                lists.push(bits(list.hits()));
                let mut list = Nearest::<9>::by_taste(9, model, row);
                while !list.advance(model, slice).is_done() {}
                lists.push(bits(list.hits()));
            }
        }
        lists
    });
}

#[test]
fn an_added_movie_has_the_bits_that_an_image_with_it_gives() {
    for shape in SHAPES {
        for count in [1, 4, 5] {
            let [all, less] = images(shape, count);
            let (full, less) = (open(&all), open(&less));
            let added = added(&full, &less);
            assert_eq!(added.len(), count, "{shape:?}");
            let tables = added.tables(&less);
            let part = tables.part(&less);
            compare([&full, &less.with_more(part.as_ref())]);
        }
    }
}

#[test]
fn without_added_movies_a_model_is_what_it_was() {
    let [_, less] = images(USUAL, 3);
    let less = open(&less);
    let added = AddedMovies::of(Some(&less));
    assert!(added.is_empty() && added.tables(&less).part(&less).is_none());
    compare([&less, &less.with_more(None)]);
}

#[test]
fn a_movie_that_is_taken_out_leaves_the_others_as_they_are() {
    let [all, less] = images(USUAL, 3);
    let (full, less) = (open(&all), open(&less));
    let mut added = added(&full, &less);
    let ids: Vec<MovieId> = (0..3).filter_map(|at| added.id(at)).collect();
    assert!(added.remove(ids[1]) && !added.remove(ids[1]));
    assert_eq!((added.id(0), added.id(1)), (Some(ids[0]), Some(ids[2])));
    let tables = added.tables(&less);
    let part = tables.part(&less);
    let joint = less.with_more(part.as_ref());
    let user = less.mean_user();
    for (row, other) in [(less.movies(), 58), (less.movies() + 1, 60)] {
        assert_eq!(joint.movie_id(row), full.movie_id(other));
        assert_eq!(joint.score(&user, row), full.score(&user, other));
    }
    // Its id is free for no other one, since ids ascend.
    let again = full.entry(59).unwrap();
    assert_eq!(added.add(&less, &again), Err(NotAdded::Id(ids[2])));
}

#[test]
fn as_many_fit_as_there_is_room_for() {
    for shape in SHAPES {
        let [all, less] = images(shape, MAX_ADDED + 1);
        let (full, less) = (open(&all), open(&less));
        let mut added = AddedMovies::of(Some(&less));
        let entry = full.entry(60).unwrap();
        assert_eq!(
            added.room(),
            MAX_ADDED.min(ROOM / entry.len().next_multiple_of(4))
        );
        for row in less.movies()..full.movies() {
            let entry = full.entry(row).unwrap();
            let full = added.len() == added.room();
            let due = if full {
                Err(NotAdded::Full(added.room()))
            } else {
                Ok(())
            };
            assert_eq!(added.add(&less, &entry), due);
        }
        assert_eq!(added.len(), added.room());
    }
}

#[test]
fn a_movie_whose_bytes_could_not_be_the_images_is_refused_by_the_table_at_fault() {
    use ImageError as E;
    let [all, less] = images(USUAL, 2);
    let (full, less) = (open(&all), open(&less));
    let good = full.entry(59).unwrap();
    let check = |bytes: &[u8]| AddedMovies::of(Some(&less)).check(&less, bytes);
    assert_eq!(check(&good), Ok(()));
    for length in (0..good.len()).chain([good.len() + 1]) {
        let mut bytes = good.to_vec();
        bytes.resize(length, 0);
        assert_eq!(check(&bytes), Err(NotAdded::Length(good.len())));
    }
    let with = |at: usize, to: &[u8]| {
        let mut bytes = good.to_vec();
        bytes[at..at + to.len()].copy_from_slice(to);
        check(&bytes)
    };
    let last = MovieId(58 * 3 + 1);
    for id in [0, 4, last.0] {
        assert_eq!(with(0, &id.to_le_bytes()), Err(NotAdded::Id(last)));
    }
    assert_eq!(with(0, &(last.0 + 1).to_le_bytes()), Ok(()));
    let bad = |why| Err(NotAdded::Bad(why));
    let (row, bias, facets) = (4, 4 + 2 * DIM, good.len() - 3);
    assert_eq!(
        with(row + 2, &[0, 0x7c]),
        bad(E::NotFinite(K::MovieEmbedding))
    );
    assert_eq!(
        with(row + 2, &[1, 0x80]),
        bad(E::Subnormal(K::MovieEmbedding))
    );
    // 0.75, the largest of the image's, and what comes next.
    assert_eq!(with(row + 2, &[0x00, 0x3a]), Ok(()));
    assert_eq!(
        with(row + 2, &[0x01, 0xba]),
        bad(E::Value(K::MovieEmbedding))
    );
    assert_eq!(with(bias, &[0xff, 0xff]), bad(E::NotFinite(K::MovieBias)));
    assert_eq!(with(bias, &[0, 0x40]), bad(E::Value(K::MovieBias)));
    assert_eq!(with(facets + 1, &[3, 0]), Ok(()));
    assert_eq!(with(facets + 1, &[4, 0]), bad(E::Value(K::MovieFacets)));
    assert_eq!(with(facets + 1, &[0, 16]), bad(E::Value(K::MovieFacets)));

    let shape = Shape {
        books: BOOKS,
        ..rows(Precision::I8, false)
    };
    let [all, less] = images(shape, 2);
    let (full, less) = (open(&all), open(&less));
    let mut bytes = full.entry(59).unwrap().to_vec();
    bytes[12] = CODEWORDS as u8;
    let check = AddedMovies::of(Some(&less)).check(&less, &bytes);
    assert_eq!(check, bad(E::Value(K::MovieCode)));
}

#[test]
fn an_entry_is_made_of_what_the_images_tables_have() {
    let [all, less] = images(USUAL, 2);
    let (full, less) = (open(&all), open(&less));
    let entry = full.entry(60).unwrap();
    let movie = Movie {
        id: MovieId(181),
        row: &entry[4..20],
        bias: &entry[20..22],
        codes: &[],
        multiplier: 9,
        kin: entry[22..30].try_into().unwrap(),
        confidence: entry[30],
        set: u16::from_le_bytes([entry[32], entry[33]]),
        year: entry[31],
    };
    assert_eq!(movie.entry(&less), Ok(entry));
    let short = Movie {
        row: &[0; 15],
        ..movie
    };
    assert_eq!(short.entry(&less), Err(NotAdded::Length(34)));
    let coded = Movie {
        codes: &[1],
        ..movie
    };
    assert_eq!(coded.entry(&less), Err(NotAdded::Length(34)));
    assert_eq!(full.entry(61), None);
}
