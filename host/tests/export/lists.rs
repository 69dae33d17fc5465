//! Lists for users, without what they have rated, and the ratings that say so.

use super::*;

/// The numbers of the parts that a list names.
fn parts(list: &str) -> Vec<u32> {
    let parts = list.split("Part ").skip(1);
    let mut parts: Vec<u32> = parts
        .map(|rest| rest.split_once(',').unwrap().0.parse().unwrap())
        .collect();
    parts.sort_unstable();
    parts
}

/// The parts that a user of [`Place::trained`] has not rated.
fn unrated(user: u32) -> Vec<u32> {
    (1..=30)
        .filter(|movie| (user * 7 + movie * 13) % 40 >= movie + 5)
        .collect()
}

const LEFT_OUT: &str = "Without the movies that user";
const UNKNOWN: &str = "has rated may be among these: ";

#[test]
fn a_users_list_is_without_what_they_have_rated_by_the_image_or_by_the_ratings() {
    let place = Place::trained();
    let out = "target/pocketrec/bare.img";
    let bill = place.succeeds(&["export"]);
    contains(
        &bill,
        &["user_seen", "It stores which movies they have rated, in "],
    );
    contains(
        &place.succeeds(&["inspect"]),
        &["user_seen", "leave out what they have rated"],
    );
    let bill = place.succeeds(&["export", "--seen", "none", "--out", out]);
    contains(
        &bill,
        &["(`--seen none`), so a device's lists for them may name it"],
    );
    assert!(!bill.contains("user_seen"), "{bill}");
    contains(
        &place.succeeds(&["inspect", out]),
        &["may include what they have rated"],
    );

    for user in [1, 7, 40] {
        let name = user.to_string();
        let list = |image: &str, more: &[&str]| {
            let all = [
                "recommend",
                "--user",
                &name,
                "--count",
                "30",
                "--include-below",
                "--image",
                image,
            ];
            place.succeeds(&[&all[..], more].concat())
        };
        let due = unrated(user);
        assert!(due.len() > 3 && due.len() < 27);
        for image in [IMAGE, out] {
            let told = list(image, &[]);
            assert_eq!(parts(&told), due, "user {user} of {image}: {told}");
            contains(&told, &[LEFT_OUT]);
            let whole = list(image, &["--include-rated"]);
            assert_eq!(parts(&whole).len(), 30, "{whole}");
            assert!(!whole.contains("has rated"), "{whole}");
        }
    }
    let mean = place.succeeds(&["recommend", "--count", "30", "--include-below"]);
    assert!(
        parts(&mean).len() == 30 && !mean.contains("has rated"),
        "{mean}"
    );
}

#[test]
fn ratings_that_are_not_those_of_the_training_are_told_and_not_used() {
    let place = Place::trained();
    // Nothing beside it says where the ratings are.
    place.succeeds(&["export", "--seen", "none", "--out", "bare.img"]);
    let bare = [
        "recommend",
        "--user",
        "7",
        "--count",
        "30",
        "--include-below",
        "--image",
        "bare.img",
    ];
    let told = place.succeeds(&bare);
    contains(
        &told,
        &[UNKNOWN, "no checkpoint beside the image", "`--data PATH`"],
    );
    assert_eq!(parts(&told).len(), 30);
    let with = |path| [&bare[..], &["--data", path]].concat();
    let told = place.succeeds(&with("ratings"));
    assert_eq!(parts(&told), unrated(7));
    contains(&told, &[LEFT_OUT]);
    std::fs::write(
        place.path("other.csv"),
        "7,10,4.0,1000000000\n8,20,3.0,1000000000\n",
    )
    .unwrap();
    let error = place.fails(2, &with("other.csv"));
    contains(&error, &["--data other.csv", "fingerprint is", "theirs is"]);
    place.fails(2, &with("none.csv"));
    let error = place.fails(2, &["recommend", "--data", "ratings"]);
    contains(&error, &["--user"]);

    let beside = "target/pocketrec/bare.img";
    place.succeeds(&["export", "--seen", "none", "--out", beside]);
    let beside = ["recommend", "--user", "7", "--image", beside];
    std::fs::rename(place.path("ratings"), place.path("moved")).unwrap();
    contains(&place.succeeds(&beside), &[UNKNOWN, "any more"]);
    let bill = place.succeeds(&["export"]);
    contains(
        &bill,
        &["It doesn't say what they have rated", "`--data PATH`"],
    );
    let error = place.fails(2, &["export", "--seen", "all"]);
    contains(&error, &["`--seen all`", "`--data PATH` names the ratings"]);
    contains(
        &place.succeeds(&["export", "--seen", "all", "--data", "moved"]),
        &["user_seen"],
    );
    std::fs::create_dir(place.path("ratings")).unwrap();
    std::fs::copy(place.path("other.csv"), place.path("ratings/ratings.csv")).unwrap();
    contains(
        &place.succeeds(&beside),
        &[UNKNOWN, "no longer those of the training"],
    );
    // A checkpoint of other ratings has taken its place.
    let data = "moved/ratings.csv";
    let text = std::fs::read_to_string(place.path(data)).unwrap();
    std::fs::write(place.path(data), text + "1,310,4.0,1000000000\n").unwrap();
    place.succeeds(&[
        "train", "--data", data, "--model", "mf", "--epochs", "1", "--batch", "100",
    ]);
    contains(
        &place.succeeds(&beside),
        &[UNKNOWN, "was trained on other ratings"],
    );
}

#[test]
fn fame_is_a_number_that_core_takes_as_it_is() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    for fame in ["nan", "inf", "1e39", "101", "much"] {
        let told = place.fails(2, &["recommend", "--fame", fame]);
        contains(&told, &["--fame", "a number from -100 to 100"]);
    }
    place.succeeds(&["recommend", "--fame", "-1"]);
}

#[test]
fn a_movie_or_a_user_that_is_not_there_is_answered_with_what_is() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    let error = place.fails(2, &["predict", "--movie", "Trap 999"]);
    contains(&error, &["did you mean"]);
    let error = place.fails(2, &["similar", "--movie", "part"]);
    contains(&error, &["matches 30 movies", "and 21 more"]);
    let error = place.fails(2, &["recommend", "--user", "41"]);
    contains(&error, &["user 41", "ids from 1 to 40"]);
}

#[test]
fn a_list_has_the_genres_and_years_that_are_asked_for_and_is_sorted_by_what_it_shows_first() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    let decade = ["recommend", "--year", "1910..1914", "--include-below"];
    assert_eq!(parts(&place.succeeds(&decade)), [10, 11, 12, 13, 14]);
    let all = ["recommend", "--genre", "comedy", "--count", "30"];
    let good = parts(&place.succeeds(&all)).len();
    let all = [&all[..], &["--include-below"]].concat();
    assert_eq!(parts(&place.succeeds(&all)).len(), 30);
    assert!((1..30).contains(&good), "{good}");
    let none = ["recommend", "7", "--genre", "comedy", "--not", "DRAMA"];
    assert!(parts(&place.succeeds(&none)).is_empty());
    let error = place.fails(2, &["recommend", "--genre", "western"]);
    contains(
        &error,
        &[
            "no movie has the genre `western`",
            "there are Comedy, Drama",
        ],
    );
    let error = place.fails(2, &["recommend", "--genre", "comedy", "--titles", "none"]);
    contains(&error, &["--genre", "--titles names a file"]);
    for (by, name) in [
        ("score", "score"),
        ("stars", "stars"),
        ("taste", "taste"),
        ("fame", "fame"),
        ("surprise", "above"),
    ] {
        let list = place.succeeds(&["recommend", "7", "--by", by, "--json"]);
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        let movies = list["movies"].as_array().unwrap();
        let numbers: Vec<f64> = movies
            .iter()
            .map(|movie| movie[name].as_f64().unwrap())
            .collect();
        assert!(!numbers.is_empty() || by == "surprise", "{by}: {list}");
        assert!(numbers.is_sorted_by(|a, b| a >= b), "{by}: {numbers:?}");
        for movie in movies {
            let part = movie["id"].as_u64().unwrap() as u32 / 10;
            assert!(unrated(7).contains(&part), "{by}: {list}");
        }
    }
}

#[test]
fn movies_are_added_and_taken_away_and_what_is_left_of_nothing_is_refused() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    let list = |more: &[&str]| {
        let all = [&["similar", "part 12", "--json", "--count", "100"], more].concat();
        let told: serde_json::Value = serde_json::from_str(&place.succeeds(&all)).unwrap();
        let movies = told["movies"].as_array().unwrap().iter();
        let each = movies.map(|movie| {
            let number = |name: &str| movie[name].as_f64().unwrap();
            (number("id") as u32, number("likeness"))
        });
        each.collect::<Vec<_>>()
    };
    // Twice the same direction is that direction.
    let (once, twice) = (list(&["--by-taste"]), list(&["--plus", "part 12"]));
    assert_eq!(once.len(), twice.len());
    for ((_, one), (_, two)) in once.iter().zip(&twice) {
        assert!((one - two).abs() < 1e-4, "{one} and {two}");
    }
    let sum = list(&["--plus", "part 3", "--minus", "part 5"]);
    assert_eq!(sum.len(), 27);
    assert!(sum.iter().all(|(id, _)| ![120, 30, 50].contains(id)));
    assert!(sum.windows(2).all(|two| two[0].1 >= two[1].1));
    assert!(sum.iter().all(|(_, likeness)| likeness.abs() <= 1.0001));
    let told = place.succeeds(&[
        "similar", "part 12", "--plus", "part 3", "--minus", "part 5",
    ]);
    contains(&told, &["Part "]);
    contains(
        &place.fails(2, &["similar", "id:120", "--minus", "id:120"]),
        &["cancel each other out"],
    );
    contains(
        &place.fails(2, &["similar", "id:120", "--minus", "no such movie"]),
        &["no such movie"],
    );
}

#[test]
fn a_list_for_two_has_nothing_below_either_mean_and_nothing_that_either_has_rated() {
    let place = Place::trained();
    let bill = place.succeeds(&["export"]);
    contains(&bill, &["movie_facets", "It stores genres and years, in "]);
    let list = |with: u32, more: &[&str]| -> Vec<u32> {
        let with = with.to_string();
        let both = ["recommend", "7", "--with", &with, "--count", "30", "--json"];
        let list = place.succeeds(&[&both[..], more].concat());
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        let movies = list["movies"].as_array().unwrap();
        let score = |movie: &serde_json::Value| movie["score"].as_f64().unwrap();
        assert!(movies.is_sorted_by(|a, b| score(a) >= score(b)));
        let part = |movie: &serde_json::Value| movie["id"].as_u64().unwrap() as u32 / 10;
        movies.iter().map(part).collect()
    };
    // By another order it is sorted by what it shows first.
    for (by, name) in [
        ("stars", "above"),
        ("taste", "taste"),
        ("fame", "fame"),
        ("surprise", "above"),
    ] {
        let both = ["recommend", "7", "--with", "9", "--by", by, "--json"];
        let below = [&both[..], &["--include-below"]].concat();
        let list: serde_json::Value = serde_json::from_str(&place.succeeds(&below)).unwrap();
        let movies = list["movies"].as_array().unwrap();
        let number = |movie: &serde_json::Value| movie[name].as_f64().unwrap();
        assert!(movies.len() > 3, "{by}: {list}");
        assert!(movies.is_sorted_by(|a, b| number(a) >= number(b)), "{by}");
    }
    let (mut good, mut left_out) = (0, 0);
    for (with, agree) in [(8, "least"), (9, "mean"), (10, "least"), (40, "mean")] {
        let agree = ["--agree", agree];
        let above = list(with, &agree);
        let all = list(with, &[&agree[..], &["--include-below"]].concat());
        let unrated = [unrated(7), unrated(with)];
        let mut those = all.iter();
        assert!(those.all(|part| unrated.iter().all(|unrated| unrated.contains(part))));
        assert!(above.iter().all(|part| all.contains(part)));
        good += above.len();
        left_out += all.len() - above.len();
    }
    assert!(good > 0 && left_out > 0, "{good}, {left_out}");
    // All that neither has rated is below somebody's mean.
    let told = place.succeeds(&["recommend", "7", "--with", "40"]);
    contains(
        &told,
        &[
            "user 7 (1) and user 40 (2)",
            "No movie is left",
            "either has rated",
        ],
    );
    assert!(!told.contains("Taste 1"), "{told}");
    let told = place.succeeds(&["recommend", "7", "--with", "40", "--include-below"]);
    contains(&told, &["Taste 1"]);
    let error = place.fails(2, &["recommend", "7", "--with", "7"]);
    contains(&error, &["whose list it is already"]);
    let error = place.fails(2, &["recommend", "--with", "7"]);
    contains(&error, &["needs both: `recommend 42 --with 7`"]);
}

#[test]
fn genres_are_stored_where_they_fit_or_are_asked_for_and_their_lack_is_told() {
    let place = Place::trained();
    let none = place.succeeds(&["export", "--genres", "none"]);
    contains(&none, &["(`--genres none`)", "is filtered on the PC"]);
    assert!(!none.contains("movie_facets"), "{none}");
    let untitled = place.succeeds(&["export", "--titles", "none"]);
    contains(&untitled, &["there are no titles that say them"]);
    let error = place.fails(2, &["export", "--titles", "none", "--genres", "all"]);
    contains(&error, &["`--genres all`", "there are no titles"]);
    contains(
        &place.succeeds(&["export", "--genres", "all"]),
        &["movie_facets", "genre_names"],
    );
}
