//! Looking up against sums of single terms.

use super::*;
use crate::model::interest::Interests;
use crate::model::kin::{BYTES, QUADS};
use crate::numeric::random::Numbers;
use crate::table::Values;
use proptest::prelude::*;
use std::vec::Vec;

/// A term by itself, in 64 bits.
fn plain(user: &User, row: &[i16], bias: i64) -> i64 {
    let number = |at: usize| i64::from((user.row[at / 2] >> (16 * (at % 2))) as i16);
    let products = row
        .iter()
        .enumerate()
        .map(|(at, q)| number(at) * i64::from(*q));
    let dot = (products.sum::<i64>() + (1 << (user.dot_shift - 1))) >> user.dot_shift;
    ((dot + bias + 128) >> 8).clamp(-32768, 32767)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn looking_up_finds_what_the_sums_of_single_terms_rank_first(
        books in 1_usize..=MAX_BOOKS,
        codewords in prop_oneof![Just(1_usize), Just(256), (1_usize..16).prop_map(|books| 16 * books), 2_usize..256],
        pairs in 1_usize..=ROW_PAIRS,
        movies in 1_usize..80,
        far in any::<bool>(),
        fame in -20_000_i32..20_000,
        interested in any::<bool>(),
        known_too in any::<bool>(),
        bytes in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let mut numbers = Numbers(seed);
        let dim = 2 * pairs;
        // Far rows reach beyond a term's 16 bits.
        let largest = if far { 32767 } else { 2000 };
        let words = books * codewords;
        let mut rows: Vec<i16> = (0..words * dim).map(|_| numbers.sixteen(largest)).collect();
        let eights: Vec<u32> = (0..words * dim).map(|_| numbers.below(1 << 30)).collect();
        let eights: &[i8] = &bytemuck::cast_slice(&eights)[..words * dim];
        let by: Vec<u8> = (0..words).map(|_| numbers.below(256) as u8).collect();
        if bytes {
            for (at, (to, x)) in rows.iter_mut().zip(eights).enumerate() {
                *to = i16::from(*x) * i16::from(by[at / dim]);
            }
        }
        let biases: Vec<i16> = (0..words).map(|_| numbers.sixteen(largest)).collect();
        let all: Vec<u8> = (0..movies * books)
            .map(|_| numbers.below(codewords as u32) as u8)
            .collect();
        let known: Vec<u8> = (0..movies).map(|_| numbers.below(256) as u8).collect();
        let mut user = User::NOBODY;
        let own: Vec<f32> = (0..dim)
            .map(|_| f32::from(numbers.sixteen(1000)) / if far { 20.0 } else { 900.0 })
            .collect();
        user.set(3.5, &own, -12);
        let codes = Codes { codes: &all, books, codewords };
        let of = Words {
            rows: Some(EmbeddingTable::new(
                match bytes {
                    true => Values::I8 { values: eights, multipliers: &by },
                    false => Values::I16(&rows),
                },
                dim,
            )),
            biases: Some(EmbeddingTable::new(Values::I16(&biases), 1)),
            bias_shift: 8,
            #[cfg(feature = "codes-mlp")]
            network: None,
        };
        let directions: Vec<[u8; BYTES]> = (0..movies)
            .map(|_| core::array::from_fn(|_| numbers.below(256) as u8))
            .collect();
        let kin = Kin {
            codes: &directions,
            codebook: &core::array::from_fn(|_| [0; QUADS].map(|_| numbers.below(1 << 31) << 1)),
            scale: 1.0 / 256.0,
            levels: &core::array::from_fn(|_| numbers.below(256) as u8),
            known: &known,
            #[cfg(feature = "grow")]
            more: &[],
        };
        let interests = Interests {
            weight: 24.0,
            fade: 3000,
            users: None,
        };
        let interest = interests.of_latest(&kin, &mut [1, 0].into_iter());
        let ranked = Ranked {
            codes,
            known: if known_too { &known } else { &[] },
            each: fame,
            interest: (interested && known_too).then_some((&kin, &interest)),
            base: user.base,
            #[cfg(feature = "codes-mlp")]
            bounded: None,
        };
        let mut lookup = Lookup::NONE;
        lookup.fill(&user, &of, &ranked);
        let above_base: Vec<i32> = (0..movies).map(|row| of.sum(&user, &codes, row)).collect();
        let due: Vec<i32> = (0..movies)
            .map(|movie| {
                let terms = codes.words(movie).map(|at| {
                    let bias = i64::from(biases[at]) << 8;
                    plain(&user, &rows[at * dim..][..dim], bias)
                });
                let score = i64::from(user.base) + (terms.sum::<i64>() << 8);
                assert_eq!(i64::from(of.score(&user, &codes, movie)), score);
                let mut key = score as i32;
                if known_too {
                    key += fame * i32::from(known[movie]);
                    if interested {
                        let sum = interest.terms().sum(&directions[movie]);
                        key += (sum * kin.level(known[movie])) << 3;
                    }
                }
                key
            })
            .collect();
        // Bars at, below and above keys, and a list that rises as it fills; of movies of any score, or of those above one.
        let least = [i32::MIN, -(1 << 12), above_base[movies / 3]];
        for (bar, least) in [i32::MIN, due[0], due[0] - 1, due[movies / 2], i32::MAX]
            .into_iter()
            .flat_map(|bar| least.map(|least| (bar, least)))
        {
            let (mut bar, mut first) = (Bar { key: bar, above_base: least }, 0);
            let passes = |row: usize, bar: Bar| due[row] > bar.key && above_base[row] >= least;
            while let Above::Movie(found) =
                ranked.above(&mut lookup, first..movies, bar, &mut Looks::of(0))
            {
                let (row, key) = (found.row, due[found.row]);
                prop_assert_eq!(found, Found { row, key, above_base: above_base[row] });
                prop_assert!(passes(row, bar));
                prop_assert!((first..row).all(|row| !passes(row, bar)));
                bar.key = key;
                first = row + 1;
            }
            prop_assert!((first..movies).all(|row| !passes(row, bar)));
        }
        // Others' terms take the place of these.
        let mut other = user;
        other.set(3.5, &own.iter().map(|x| -x).collect::<Vec<_>>(), -12);
        lookup.fill(&other, &of, &ranked);
        let mut fresh = Lookup::NONE;
        fresh.fill(&other, &of, &ranked);
        prop_assert_eq!(lookup, fresh);
    }
}

#[test]
fn anything_of_a_user_on_which_terms_depend_makes_them_anothers() {
    let mut user = User::NOBODY;
    user.set(3.5, &[0.25; 4], -12);
    let mut whose = Whose::NOBODYS;
    assert!(whose.change_to(&user));
    let mut others = [user; 3];
    let [last_of_row, shift, half] = &mut others;
    *last_of_row.row.last_mut().unwrap() ^= 1 << 31;
    shift.dot_shift += 1;
    half.half[0] ^= 1;
    for other in if cfg!(feature = "codes-mlp") {
        &others[..]
    } else {
        &others[..2]
    } {
        assert!(!whose.change_to(&user));
        assert!(whose.change_to(other));
        assert!(!whose.change_to(other));
        assert!(whose.change_to(&user));
    }
}

#[test]
fn codes_of_no_movie_add_nothing() {
    let codes = Codes {
        codes: &[1, 2],
        books: 2,
        codewords: 3,
    };
    assert_eq!(codes.words(0).collect::<Vec<_>>(), [1, 5]);
    assert_eq!(codes.words(1).count(), 0);
    assert_eq!(codes.words(usize::MAX).count(), 0);
}
