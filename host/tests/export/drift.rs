//! Users' biases in an image: where their latest ratings have moved them, unless asked otherwise.

use std::fmt::Write;

use pocketrec_base::random::Sequence;

use super::{Place, contains};

#[test]
fn an_image_predicts_what_comes_next_unless_it_is_asked_for_all_ratings_alike() {
    let place = Place(tempfile::tempdir().unwrap());
    let mut ratings = String::from("userId,movieId,rating,timestamp\n");
    let mut random = Sequence::new(1);
    for user in 1..=80_u32 {
        let mut movies: Vec<u32> = (1..=90).collect();
        random.shuffle(&mut movies);
        for (at, movie) in (0..50_u32).zip(movies) {
            // Everybody begins at two stars and ends at five.
            let halves = 3 + at as usize * 6 / 50 + random.below(3);
            let stars = halves as f64 / 2.0;
            let time = 1_000_000_000 + at * 86_400;
            writeln!(ratings, "{user},{movie},{stars:.1},{time}").unwrap();
        }
    }
    std::fs::write(place.path("ratings.csv"), ratings).unwrap();
    let sampled = ["train", "--data", "ratings.csv", "--sweeps", "12"];
    place.succeeds(&[&sampled[..], &["--validation", "0.2"]].concat());
    let stars = |export: &[&str]| {
        let told = place.succeeds(&[&["export"], export].concat());
        let answer = place.succeeds(&["predict", "--user", "7", "--movie", "30", "--json"]);
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        (told, answer["stars"].as_f64().unwrap())
    };
    let (told, last) = stars(&[]);
    contains(
        &told,
        &["Users' biases are as of their last rating", "--as-of all"],
    );
    let (told, all) = stars(&["--as-of", "all"]);
    assert!(!told.contains("as of their last rating"), "{told}");
    assert!(last > all + 0.3, "{last} and {all}");
    // Tables have the same biases.
    std::fs::create_dir(place.path("again")).unwrap();
    for (export, due) in [(&[][..], last), (&["--as-of", "all"], all)] {
        place.succeeds(&[&["export", "--out", "model.npz"], export].concat());
        place.succeeds(&[
            "import",
            "model.npz",
            "--out",
            "again/model.img",
            "--precision",
            "f32",
        ]);
        let predict = [
            "predict",
            "--image",
            "again/model.img",
            "--user",
            "7",
            "--movie",
            "30",
        ];
        let answer = place.succeeds(&[&predict[..], &["--json"]].concat());
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let stars = answer["stars"].as_f64().unwrap();
        assert!((stars - due).abs() < 0.01, "{stars} and {due}");
    }
    // Whoever isn't in the image has no bias to move.
    let told = place.succeeds(&["export", "--users", "none"]);
    assert!(!told.contains("as of their last rating"), "{told}");
}
