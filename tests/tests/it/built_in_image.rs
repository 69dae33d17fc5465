//! The image of the ratings that ship with the project, with bits flipped.

use pocketrec::ids::{MovieId, UserId};
use pocketrec::model::{LIMIT, Model};
use pocketrec::numeric::crc32::Crc32;
use pocketrec::rank::{Nearest, TopN};
use pocketrec::{learn, profile::Private};
use pocketrec_export::{ImageBytes, Precision};

/// Flips tried of each kind.
const FLIPS: u64 = 1_000;

/// A reproducible number for each of them (SplitMix64).
fn random(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Writes the CRC anew, where the format says it stands: over all bytes but its own four.
fn reseal(image: &mut [u8]) {
    let mut crc = Crc32::new();
    crc.update(&image[..9]);
    crc.update(&image[13..]);
    image[9..13].copy_from_slice(&crc.finish().to_le_bytes());
}

/// Flips so many seeded bits, one at a time, on two threads; `check` gets each flipped image. Returns how many `check` said
/// yes to.
fn flips(count: u64, check: impl Fn(u64, &mut ImageBytes) -> bool + Sync) -> u64 {
    let original = tests::trained::image(Precision::F16, 896 * 1024)
        .unwrap()
        .bytes;
    let bits = original.as_ref().len() as u64 * 8;
    let half = |odd: u64| {
        let mut image = ImageBytes::copy(original.as_ref());
        let mut yes = 0;
        for seed in (odd..count).step_by(2) {
            let bit = random(seed) % bits;
            let (at, mask) = ((bit / 8) as usize, 1 << (bit % 8));
            let crc: Vec<u8> = image.as_ref()[9..13].to_vec();
            image.as_mut()[at] ^= mask;
            yes += u64::from(check(seed, &mut image));
            image.as_mut()[9..13].copy_from_slice(&crc);
            image.as_mut()[at] = original.as_ref()[at];
        }
        assert!(
            Model::open(image.as_ref()).is_ok(),
            "the flips were taken back"
        );
        yes
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        half(0) + other.join().unwrap()
    })
}

#[test]
fn single_bit_flips_are_refused() {
    are_refused(FLIPS);
}

#[test]
fn resealed_flips_are_refused_by_name_or_answer_in_bounds() {
    are_refused_or_answer(FLIPS);
}

/// Ten times as many.
mod slow {
    use super::*;

    #[test]
    fn ten_thousand_single_bit_flips_are_refused() {
        are_refused(10 * FLIPS);
    }

    #[test]
    fn ten_thousand_resealed_flips_are_refused_by_name_or_answer_in_bounds() {
        are_refused_or_answer(10 * FLIPS);
    }
}

fn are_refused(count: u64) {
    let accepted = flips(count, |_, image| Model::open(image.as_ref()).is_ok());
    assert_eq!(accepted, 0);
}

fn are_refused_or_answer(count: u64) {
    let accepted = flips(count, |seed, image| {
        reseal(image.as_mut());
        match Model::open(image.as_ref()) {
            Err(why) => {
                assert!(!why.to_string().is_empty());
                false
            }
            Ok(model) => {
                answers_in_bounds(&model, seed);
                true
            }
        }
    });
    // Most bits are those of a weight, and most weights may be another number.
    assert!(accepted > count / 2, "{accepted}");
    assert!(
        accepted < count,
        "an exponent or a header must have been among them"
    );
}

fn answers_in_bounds(model: &Model<'_>, seed: u64) {
    let scale = model.scale();
    let user_ids = model.user_ids().unwrap();
    let id = user_ids.id(random(seed) as u32 % model.users()).unwrap();
    let user = model.user(UserId(id)).unwrap();
    let total = model.movies();
    let mut scores = vec![0.0; total as usize];
    model.score_rows(&user, 0, &mut scores);
    assert!(scores.iter().all(|s| s.is_finite() && s.abs() <= LIMIT));
    for at in 0..40 {
        let row = random(seed ^ (at << 32)) as u32 % total;
        let movie = model.movie_ids().id(row).unwrap();
        assert_eq!(model.movie_ids().row(movie), Some(row));
        let stars = model.predict(UserId(id), MovieId(movie)).unwrap();
        assert!(stars >= scale.lowest && stars <= scale.highest);
        assert!((-1.0..=1.0).contains(&model.similarity(row, total - 1 - row)));
    }
    // Whole lists for some: each costs a pass over the catalogue.
    if seed.is_multiple_of(20) {
        let mut top = TopN::<10>::new();
        while !top.advance(model, &user, |_| true, 1000).is_done() {}
        let mut nearest = Nearest::<10>::with_limit(10, model, random(seed) as u32 % total);
        while !nearest.advance(model, 1000).is_done() {}
        for hit in top.hits().iter().chain(nearest.hits()) {
            assert!(hit.score.is_finite() && model.movie_row(hit.movie).is_ok());
        }
        let mut own = Private::mean(model);
        for row in 0..5 {
            learn::step(
                model,
                &mut own,
                row,
                scale.highest,
                learn::StepOptions::DEFAULT,
            );
        }
        assert!(own.bias.is_finite() && own.row.iter().all(|x| x.is_finite()));
    }
}
