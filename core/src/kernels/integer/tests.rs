//! Integer kernels against the plain form and single precision.

use super::*;
use crate::image::integers::{IntegerNetwork, Later, SingleNetwork};
use crate::numeric::activation::relu;
use crate::numeric::fixed::{exponent, stars};
use crate::numeric::random::Numbers;
use crate::numeric::square_root;
use proptest::prelude::*;
use std::vec::Vec;

impl Numbers {
    /// A row at its extremes half of the time.
    fn row(&mut self, largest: i16) -> [Pair; ROW_PAIRS] {
        let extreme = self.bits().is_multiple_of(2);
        core::array::from_fn(|_| {
            let mut one = || {
                let x = if extreme {
                    if self.bits().is_multiple_of(2) {
                        largest
                    } else {
                        -largest
                    }
                } else {
                    ((self.bits() % (2 * largest as u32 + 1)) as i32 - i32::from(largest)) as i16
                };
                u32::from(x as u16)
            };
            one() | one() << 16
        })
    }
}

fn pairs(numbers: &[i16]) -> Vec<Pair> {
    numbers
        .chunks(2)
        .map(|pair| u32::from(pair[0] as u16) | u32::from(pair[1] as u16) << 16)
        .collect()
}

/// A network in single precision, of `sizes` units.
struct Single {
    dim: usize,
    movie: Vec<f32>,
    later: Vec<(Vec<f32>, Vec<f32>)>,
}

const LARGEST: i16 = 20_000;

impl Single {
    fn new(numbers: &mut Numbers, dim: usize, sizes: &[usize], size: f32) -> Self {
        let later = sizes
            .windows(2)
            .map(|pair| {
                let scale = square_root(3.0 / pair[0] as f32) * size;
                (
                    numbers.singles(pair[0] * pair[1], scale),
                    numbers.singles(pair[1], 0.1 * size),
                )
            })
            .collect();
        let scale = square_root(3.0 / (2 * dim) as f32) * size;
        Self {
            dim,
            movie: numbers.singles(sizes[0] * dim, scale),
            later,
        }
    }

    fn output(&self, half: &[f32; MAX_UNITS], row: &[f32]) -> f32 {
        let mut units: Vec<f32> = self
            .movie
            .chunks(self.dim)
            .zip(half)
            .map(|(weights, half)| {
                relu(half + weights.iter().zip(row).map(|(w, x)| w * x).sum::<f32>())
            })
            .collect();
        for (at, (weights, bias)) in self.later.iter().enumerate() {
            units = (0..bias.len())
                .map(|k| {
                    let terms = units.iter().enumerate();
                    let sum = bias[k]
                        + terms
                            .map(|(j, x)| x * weights[j * bias.len() + k])
                            .sum::<f32>();
                    if at + 1 == self.later.len() {
                        sum
                    } else {
                        relu(sum)
                    }
                })
                .collect();
        }
        units[0]
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_integer_kernel_gives_the_plain_forms_bits_and_single_precisions_stars(
        seed in any::<u64>(),
        dim in (1_usize..=MAX_DIM / 2).prop_map(|half| 2 * half),
        hidden in prop_oneof![
            Just(Vec::from([16_usize, 2])),
            prop::collection::vec(1_usize..=MAX_UNITS / 2, 1..MAX_LAYERS)
        ],
        lesson in any::<bool>(),
    ) {
        let mut numbers = Numbers(seed);
        let (dim, mut sizes) = if lesson { (8, Vec::from([32, 4])) } else {
            (dim, hidden.iter().map(|half| 2 * half).collect())
        };
        sizes.push(1);
        let single = Single::new(&mut numbers, dim, &sizes, if lesson { 1.0 } else { 0.3 });
        let later: Vec<Later<'_>> = single
            .later
            .iter()
            .map(|(weights, bias)| (&weights[..], &bias[..]))
            .collect();
        let scale = power_of_two(-15);
        let integer = IntegerNetwork::new(&SingleNetwork {
            movie_weights: &single.movie,
            movie_dim: dim,
            movie_scale: scale,
            movie_largest: LARGEST as u32,
            user_largest: &std::vec![1.0; sizes[0]],
            later: &later,
        }).unwrap();
        let first = pairs(integer.movie_weights());
        let weights: Vec<Vec<Pair>> =
            integer.later().iter().map(|layer| pairs(layer.weights())).collect();
        let mut layers = [Layer::EMPTY; MAX_LAYERS - 1];
        for ((to, weights), from) in layers.iter_mut().zip(&weights).zip(integer.later()) {
            *to = Layer { weights, bias: from.bias() };
        }
        let network = Network {
            first: &first,
            pairs: dim / 2,
            steps: integer.steps(),
            later: layers,
            count: layers.iter().filter(|layer| !layer.bias.is_empty()).count(),
            output_shift: u32::from(integer.output_bits()) - SCORE_BITS,
            stored: &[],
            #[cfg(feature = "codes-mlp")]
            coded: None,
        };
        prop_assert_eq!(network.bounds(LARGEST as u32), Ok(()));
        for _ in 0..20 {
            let row = numbers.row(LARGEST);
            let extreme = numbers.bits().is_multiple_of(2);
            let mut user = User::NOBODY;
            let half: [f32; MAX_UNITS] = core::array::from_fn(|_| {
                numbers.single(if extreme { 1.0e9 } else { 1.0 })
            });
            user.take_half(&half, network.steps);
            let row = &row[..dim / 2];
            let output = network.forward(&user.half, row);
            prop_assert_eq!(i64::from(output), network.plain(&user.half, row));
            let later = network.later();
            for any in [
                network.any_by::<true>(&user.half, row, later),
                network.any_by::<false>(&user.half, row, later),
            ] {
                prop_assert_eq!(any >> network.output_shift, output);
            }
            let numbers16: Vec<i16> =
                row.iter().flat_map(|pair| [*pair as i16, (*pair >> 16) as i16]).collect();
            let mut stored = std::vec![0; sizes[0]];
            integer.movie_half(&numbers16, &mut stored);
            let mut stored = pairs(&stored);
            prop_assert!(network.is_half_of(&stored, row));
            let mut whole = User::NOBODY;
            whole.take_half(&half, network.steps);
            whole.round_half(sizes[0]);
            let from_row = network.forward(&whole.half, row);
            let table = [&pairs(&std::vec![1; sizes[0]])[..], &stored].concat();
            let with = Network { stored: &table, ..network };
            prop_assert_eq!(with.forward_stored(&whole.half, 1), from_row);
            let zeros = network.plain(&whole.half, &row.iter().map(|_| 0).collect::<Vec<_>>());
            prop_assert_eq!(i64::from(with.forward_stored(&whole.half, 2)), zeros);
            prop_assert_eq!(i64::from(from_row), network.plain(&whole.half, row));
            for (whole, exact) in whole.half.iter().zip(&user.half).take(sizes[0]) {
                prop_assert_eq!(whole & 0xffff, ROUND);
                prop_assert!((whole - exact).abs() <= ROUND);
            }
            let at = numbers.bits() as usize % stored.len();
            stored[at] ^= 1 << (numbers.bits() % 32);
            prop_assert!(!network.is_half_of(&stored, row));
            if !extreme && sizes.len() <= 3 {
                let floats: Vec<f32> = row
                    .iter()
                    .flat_map(|pair| [*pair as i16, (*pair >> 16) as i16])
                    .map(|x| f32::from(x) * scale)
                    .collect();
                let expected = single.output(&half, &floats);
                prop_assert!((stars(output) - expected).abs() < 0.01, "{} for {}", stars(output), expected);
            }
        }
    }
}

#[test]
fn a_network_whose_sums_could_leave_32_bits_is_found() {
    let first = [0x7fff_7fff; 2 * 16];
    let weights = [0x0001_0001_u32; 1];
    let mut network = Network {
        first: &first,
        pairs: 16,
        steps: &[1.0; 2],
        later: [
            Layer {
                weights: &weights,
                bias: &[0],
            },
            Layer::EMPTY,
            Layer::EMPTY,
        ],
        count: 1,
        output_shift: 2,
        stored: &[],
        #[cfg(feature = "codes-mlp")]
        coded: None,
    };
    assert_eq!(network.bounds(32_767), Err(0));
    assert_eq!(network.bounds(1000), Ok(()));
    let heavy = [0x7fff_7fff_u32];
    network.later[0].weights = &heavy;
    assert_eq!(network.bounds(1000), Ok(()));
    network.later[0].bias = &[i32::MAX];
    assert_eq!(network.bounds(1000), Err(1));
}

#[test]
fn a_users_row_never_takes_a_dot_product_out_of_32_bits() {
    for size in [1.0e-6_f32, 0.01, 0.3, 2.0, 64.0] {
        for len in [2, 8, 32] {
            let mut user = User::NOBODY;
            user.set(3.5, &std::vec![size; len], -15);
            let sum: i64 = user
                .row
                .iter()
                .flat_map(|pair| [*pair as i16, (*pair >> 16) as i16])
                .map(|x| i64::from(x).abs())
                .sum();
            assert!(sum * 32_768 + (1 << (user.dot_shift - 1)) <= i64::from(i32::MAX));
            assert!((2..=16).contains(&user.dot_shift));
        }
    }
}

#[test]
fn scores_turn_into_stars_exactly() {
    for score in [0, 1, -1, 3 << 20, (5 << 20) - 1, -(1 << 23)] {
        assert_eq!(
            f64::from(stars(score)),
            f64::from(score) / f64::from(1 << 20)
        );
    }
    assert_eq!(score(3.5), 7 << 19);
    assert_eq!(exponent(power_of_two(-15)), Some(-15));
    assert_eq!(exponent(0.3), None);
    assert_eq!(exponent(-1.0), None);
    assert_eq!(exponent(0.0), None);
}
