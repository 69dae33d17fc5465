//! Which kernel a shape gets, against which one runs.

use super::{Kernel, Kernels, Lesson, Machine, Precision, RAN, Shape};
use crate::image::builder::{
    DenseLayer, OwnedTable, Title, dense_tables, integer_tables, room, stored_halves, write,
};
use crate::image::integers::{IntegerNetwork, Later, SingleNetwork};
use crate::image::{Feature, ImageError, TableKind as Kind};
use crate::model::Model;
use crate::numeric::activation::Activation;
use crate::numeric::random::Numbers;
use crate::{MAX_DIM, MAX_UNITS};
use std::vec;
use std::vec::Vec;

/// Movies of each image: blocks of any kernel, and some left over.
const MOVIES: usize = 41;

/// A model's shape, as its image is made.
#[derive(Clone, Debug)]
struct Case {
    precision: Precision,
    dim: usize,
    units: Vec<usize>,
    dot: bool,
    biases: bool,
    relu: bool,
    stored: bool,
}

impl Case {
    fn shape(&self) -> Shape<'_> {
        Shape {
            movies: self.precision,
            movie_bias: self.biases.then_some(match self.precision {
                Precision::I8 => Precision::I16,
                other => other,
            }),
            movie_dim: self.dim,
            user_dim: self.dim,
            dot: self.dot,
            units: &self.units,
            relu: self.relu,
            stored: self.stored,
            codes: false,
        }
    }

    /// Whether there are images of it: integers go in pairs, and their networks are relu.
    fn can_be(&self) -> bool {
        let integer = self.precision.is_integer();
        let hidden = self
            .units
            .split_last()
            .map_or(&[][..], |(_, hidden)| hidden);
        let pairs =
            self.dim.is_multiple_of(2) && hidden.iter().all(|units| units.is_multiple_of(2));
        let network = self.units.len() != 1 && (self.relu || self.units.is_empty());
        (self.dot || self.biases || !self.units.is_empty())
            && (!self.stored || integer && !self.units.is_empty())
            && (!integer || pairs && network)
    }

    fn image(&self) -> Vec<u32> {
        let mut numbers = Numbers(11);
        let mut take = |count: usize| numbers.singles(count, 0.25);
        let parts =
            u8::from(self.biases) | u8::from(self.dot) << 1 | u8::from(!self.units.is_empty()) << 2;
        let mut tables = vec![
            OwnedTable::of(Kind::RatingScale, 1, &[3.5_f32, 0.5, 5.0, 0.5]),
            OwnedTable::of(Kind::Parts, 1, &[parts]),
            OwnedTable::of(Kind::MovieIdRange, 1, &[1, MOVIES as u32]),
            OwnedTable::of(Kind::UserIdRange, 1, &[1_u32, 2]),
            OwnedTable::of(Kind::MeanUser, 1, &take(self.dim)),
        ];
        let embedding = |kind, values: &[f32]| {
            OwnedTable::embedding(kind, self.dim, values, self.precision).unwrap()
        };
        let movies = embedding(Kind::MovieEmbedding, &take(MOVIES * self.dim));
        let users = embedding(Kind::UserEmbedding, &take(2 * self.dim));
        let (integers, scale) = (movies.0.integers(movies.1.as_ref()), movies.0.scale);
        for (rows, multipliers) in [movies, users] {
            tables.push(rows);
            tables.extend(multipliers);
        }
        if self.biases {
            for (kind, count) in [(Kind::MovieBias, MOVIES), (Kind::UserBias, 2)] {
                tables.push(OwnedTable::biases(kind, &take(count), self.precision).unwrap());
            }
            tables.push(OwnedTable::of(Kind::MeanUserBias, 1, &[0.125_f32]));
        }
        let mut inputs = 2 * self.dim;
        let layers: Vec<_> = self
            .units
            .iter()
            .map(|units| {
                let layer = (take(inputs * units), take(*units));
                inputs = *units;
                layer
            })
            .collect();
        let dense: Vec<_> = layers
            .iter()
            .enumerate()
            .map(|(at, (weights, bias))| DenseLayer {
                weights,
                bias,
                activation: if self.relu && at + 1 < layers.len() {
                    Activation::Relu
                } else {
                    Activation::Linear
                },
            })
            .collect();
        if !dense.is_empty() {
            tables.extend(dense_tables(&dense, self.dim));
        }
        if self.precision.is_integer()
            && let Some((first, later)) = layers.split_first()
        {
            let units = first.1.len();
            let weights: Vec<f32> = (0..units)
                .flat_map(|unit| first.0[self.dim * units..].iter().skip(unit).step_by(units))
                .copied()
                .collect();
            let later: Vec<Later<'_>> = later.iter().map(|(w, b)| (&w[..], &b[..])).collect();
            let largest = integers.iter().map(|x| x.unsigned_abs()).max().unwrap();
            let network = IntegerNetwork::new(&SingleNetwork {
                movie_weights: &weights,
                movie_dim: self.dim,
                movie_scale: scale,
                movie_largest: largest.into(),
                user_largest: &vec![4.0; units],
                later: &later,
            })
            .unwrap();
            tables.extend(integer_tables(&network));
            if self.stored {
                tables.push(stored_halves(&network, &integers, self.dim));
            }
        }
        let mut words = vec![0; room(&tables).div_ceil(4)];
        let title = Title {
            name: "case",
            fingerprint: 0,
            license: "none",
        };
        write(title, &tables, bytemuck::cast_slice_mut(&mut words)).unwrap();
        words
    }

    /// The feature that a build is without and an image of this takes.
    fn missing(&self) -> Option<Feature> {
        let wide = self.dim > MAX_DIM || self.units.iter().any(|units| *units > MAX_UNITS);
        [
            (
                self.precision.is_integer() && !cfg!(feature = "integers"),
                Feature::Integers,
            ),
            (wide, Feature::Wide),
            (
                !cfg!(feature = "shapes") && !self.shape().is_lessons(),
                Feature::Shapes,
            ),
        ]
        .into_iter()
        .find_map(|(is, feature)| is.then_some(feature))
    }
}

fn cases() -> Vec<Case> {
    let networks: [&[usize]; 10] = [
        &[],
        &[1],
        &[32, 4, 1],
        &[4, 4, 1],
        &[6, 4, 1],
        &[24, 6, 1],
        &[16, 1],
        &[32, 4, 2, 1],
        &[12, 4, 1],
        &[32, 6, 1],
    ];
    let mut cases = Vec::new();
    for precision in [
        Precision::F16,
        Precision::F32,
        Precision::I16,
        Precision::I8,
    ] {
        for dim in [4, 8, 7, 10] {
            for units in networks {
                for bits in 0..16 {
                    let case = Case {
                        precision,
                        dim,
                        units: units.to_vec(),
                        dot: bits & 1 != 0,
                        biases: bits & 2 != 0,
                        relu: bits & 4 != 0,
                        stored: bits & 8 != 0,
                    };
                    if case.can_be() {
                        cases.push(case);
                    }
                }
            }
        }
    }
    cases
}

fn ran(work: impl FnOnce()) -> Vec<Kernel> {
    RAN.take();
    work();
    RAN.take()
}

#[test]
fn the_kernel_that_a_shape_gets_is_the_one_that_runs() {
    let mut seen = Vec::new();
    let mut refused = 0;
    for case in cases() {
        if !(case.dim <= MAX_DIM && case.units.iter().all(|units| *units <= MAX_UNITS)) {
            continue;
        }
        let words = case.image();
        let model = match Model::open(bytemuck::cast_slice(&words)) {
            Ok(model) => model,
            Err(why) => {
                let due = case.missing().map(ImageError::WithoutFeature);
                assert_eq!(Some(why), due, "{case:?}");
                refused += 1;
                continue;
            }
        };
        assert_eq!(case.missing(), None, "{case:?}");
        let kernels = Kernels::of(&case.shape(), Machine::HERE);
        assert_eq!(model.kernels(), kernels, "{case:?}");
        let user = model.mean_user();
        let mut many = [0.0; MOVIES];
        let due = |kernel, ran: Vec<Kernel>| assert_eq!(ran, [kernel], "{case:?}");
        due(
            kernels.predict,
            ran(|| {
                model.predict_rows(1, 3);
            }),
        );
        due(kernels.rank, ran(|| model.score_rows(&user, 0, &mut many)));
        let vector = model.movie_vector(1);
        due(
            kernels.similar,
            ran(|| model.similarity_rows(&vector, 0, &mut many)),
        );
        #[cfg(feature = "learn")]
        due(
            kernels.gradient,
            ran(|| {
                crate::learn::gradient(&model, &user, 2);
            }),
        );
        seen.push(kernels);
    }
    // Features only take shapes away.
    let all = cfg!(all(feature = "integers", feature = "shapes"));
    assert!(seen.len() > 2 && (refused == 0) == all, "{refused}");
}

#[test]
fn the_lessons_shape_has_its_kernels_where_the_machine_has_the_instructions() {
    let units = [Lesson::UNITS, Lesson::SECOND, 1];
    let lesson = |movies| Shape {
        movies,
        movie_bias: Some(match movies {
            Precision::I8 => Precision::I16,
            other => other,
        }),
        movie_dim: Lesson::DIM,
        user_dim: Lesson::DIM,
        dot: true,
        units: &units,
        relu: true,
        stored: false,
        codes: false,
    };
    let on = |shape: Shape<'_>, machine| {
        let kernels = Kernels::of(&shape, machine);
        (kernels.rank, kernels.predict, kernels.gradient)
    };
    use Kernel as K;
    let (small, large) = (Machine::PORTABLE, Machine::CORTEX_M4F);
    let float = lesson(Precision::F16);
    assert_eq!(on(float, large), (K::FloatPairs, K::FloatOne, K::FloatOne));
    assert_eq!(on(float, small), (K::Lanes, K::Lanes, K::Backward));
    let single = lesson(Precision::F32);
    assert_eq!(
        on(single, large),
        (K::FloatLayers, K::FloatLayers, K::FloatOne)
    );
    for precision in [Precision::I16, Precision::I8] {
        let integers = lesson(precision);
        let one = K::IntegerLesson;
        assert_eq!(on(integers, large), (K::DspPairs, one, K::FloatOne));
        assert_eq!(on(integers, small), (one, one, K::Backward));
        let stored = Shape {
            stored: true,
            ..integers
        };
        let one = K::IntegerStored;
        assert_eq!(on(stored, large), (K::DspStored, one, K::FloatOne));
        assert_eq!(on(stored, small), (one, one, K::Backward));
        let fewer = Shape {
            units: &[16, 4, 1],
            ..stored
        };
        assert_eq!(on(fewer, large).0, K::DspPairs);
        let plain = Shape {
            units: &[],
            ..integers
        };
        let dots = match precision {
            Precision::I8 => K::DspDots,
            _ => K::IntegerDots,
        };
        assert_eq!(on(plain, large), (dots, K::IntegerDots, K::Backward));
        let without = Shape {
            dot: false,
            ..plain
        };
        assert_eq!(on(without, large).0, K::IntegerDots);
    }
    let dots = Shape {
        units: &[],
        ..float
    };
    assert_eq!(on(dots, large), (K::FloatDots, K::Product, K::Backward));
    let biases = Shape { dot: false, ..dots };
    assert_eq!(on(biases, large).0, K::FloatLayers);
    let other_biases = Shape {
        movie_bias: Some(Precision::F32),
        ..float
    };
    assert_eq!(on(other_biases, large).0, K::FloatLayers);
    // Without the DSP extension, as a Cortex-M33 may be.
    let no_dsp = Machine {
        dsp: false,
        ..large
    };
    assert_eq!(on(lesson(Precision::I16), no_dsp).0, K::IntegerLesson);
}
