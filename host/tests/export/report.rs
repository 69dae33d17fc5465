//! `host report`: one page about a model.

use super::{IMAGE, Place, contains};

#[test]
fn a_report_shows_what_is_known_and_says_what_it_is_without_and_why() {
    let place = Place::trained();
    place.succeeds(&["export"]);
    let output = place.host(&["report", "--json"]);
    let warnings = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{warnings}");
    // Nobody of these people has given 30 ratings.
    contains(
        &warnings,
        &[
            "without learning on a device: ",
            "has nobody with 30 ratings",
        ],
    );
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["without"].as_array().unwrap().len(), 1);
    let path = told["report"].as_str().unwrap();
    let html = std::fs::read_to_string(place.path(path)).unwrap();
    contains(
        &html,
        &[
            "How it was trained",
            "Ratings that it didn't learn from",
            "What precision and dimensions cost",
            "mean + dense layers",
            "What it takes of each board",
            " of 16,384<",
            "Lists of a few people",
            "The map of the movies",
            "\"title\":\"Part 12, The (1912)\"",
            "not for commercial use",
            "prefers-color-scheme: dark",
        ],
    );
    assert_eq!(html.matches("<figure").count(), 4);
    for precision in ["f32", "f16", "i16", "i8"] {
        contains(&html, &[&format!("<th scope=\"row\">{precision}</th>")]);
    }

    // Beside another model's files an image tells less, and where nothing lies beside it even less.
    std::fs::create_dir(place.path("alone")).unwrap();
    std::fs::copy(place.path(IMAGE), place.path("alone/model.img")).unwrap();
    let output = place.host(&["report", "alone/model.img", "--out", "-"]);
    assert_eq!(output.status.code(), Some(0));
    let html = String::from_utf8(output.stdout).unwrap();
    contains(&html, &["What it takes of each board", "</html>"]);
    assert!(!html.contains("How it was trained") && !html.contains("<script"));
    contains(
        &String::from_utf8(output.stderr).unwrap(),
        &[
            "without the learning curve: no checkpoint beside the image",
            "without the map: ",
        ],
    );

    contains(&place.fails(2, &["report", "none.img"]), &["none.img"]);
    contains(
        &place.fails(2, &["report", "--out", "no/where/page.html"]),
        &["--out", "no/where"],
    );
}

#[test]
fn a_report_says_what_fewer_dimensions_cost_where_the_first_say_most() {
    let place = Place::trained();
    let sampled = [
        "train",
        "--data",
        "ratings",
        "--sweeps",
        "8",
        "--threads",
        "1",
    ];
    place.succeeds(&sampled);
    place.succeeds(&["export"]);
    let output = place.host(&["report", "--people", "0", "--out", "sampled.html"]);
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{warned}");
    // What was asked for is no warning.
    assert!(!warned.contains("learning on a device"), "{warned}");
    let html = std::fs::read_to_string(place.path("sampled.html")).unwrap();
    contains(
        &html,
        &["mean + biases of user and movie + dot product of their embeddings"],
    );
    for dims in ["4 dimensions", "2 dimensions", "1 dimension"] {
        contains(&html, &[&format!("<th scope=\"row\">f16, {dims}</th>")]);
    }
}
