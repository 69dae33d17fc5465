//! Predictions, lists and a model's numbers as tables for other programs, read back.

use super::{Place, contains};

use pocketrec_data::parquet::Part;
use pocketrec_data::parquet::column::Cell;

/// A model of books whose users and books have texts for ids, one of them with a comma, and its image with all users.
fn books() -> Place {
    books_of(30, &[])
}

/// As [`books`], of so many users and trained with more arguments.
fn books_of(users: usize, arguments: &[&str]) -> Place {
    let place = Place(tempfile::tempdir().unwrap());
    let mut ratings = String::from("User-ID,ISBN,Book-Rating\n");
    for user in 0..users {
        for book in 0..20 {
            if (user * 7 + book * 3) % 5 < 3 {
                let rating = 1 + (user * 3 + book * book) % 10;
                ratings += &format!("U{user:02},\"05,{book:02}X\",{rating}\n");
            }
        }
    }
    std::fs::write(place.path("ratings.csv"), ratings).unwrap();
    let titles: String = (0..20)
        .map(|book| format!("\"05,{book:02}X\",Book {book:02}\n"))
        .collect();
    std::fs::write(place.path("books.csv"), format!("ISBN,Title\n{titles}")).unwrap();
    let train = [
        "train",
        "--data",
        "ratings.csv",
        "--titles",
        "books.csv",
        "--licence",
        "mine",
        "--sweeps",
        "8",
        "--threads",
        "1",
    ];
    place.succeeds(&[&train[..], arguments].concat());
    place.succeeds(&["export", "--users", "all", "--precision", "f32"]);
    place
}

/// All cells of some columns.
fn read(place: &Place, name: &str, columns: usize) -> Vec<Vec<Cell>> {
    let part = Part::open(&place.path(name)).unwrap();
    let mut read = vec![Vec::new(); columns];
    for group in 0..part.groups() {
        for (at, cells) in read.iter_mut().enumerate() {
            cells.extend(part.column(group, at).unwrap().cells(1 << 20).unwrap());
        }
    }
    read
}

fn text(cell: &Cell) -> String {
    String::from_utf8(cell.text()).unwrap()
}

#[test]
fn a_table_of_pairs_becomes_one_of_predictions_in_every_format_with_ids_as_they_came() {
    let place = books();
    let mut pairs = String::from("extra,isbn,user_id\n");
    for at in 0..40_000 {
        pairs += &format!("{at},\"05,{:02}X\",U{:02}\n", at % 20, at / 20 % 30);
    }
    pairs += "x,\"05,01X\",nobody\ny,nothing,U03\n";
    std::fs::write(place.path("pairs.csv"), pairs).unwrap();
    let predict = |out: &str| place.succeeds(&["predict", "--pairs", "pairs.csv", "--out", out]);
    contains(
        &predict("p.parquet"),
        &[
            "Wrote p.parquet: 40,002 pairs",
            "2 of them without a prediction",
        ],
    );
    assert_eq!(
        Part::open(&place.path("p.parquet")).unwrap().names(),
        ["user", "movie", "prediction"]
    );
    let columns = read(&place, "p.parquet", 3);
    assert_eq!(columns[0].len(), 40_002);
    assert_eq!(
        (text(&columns[0][21]), text(&columns[1][21])),
        ("U01".into(), "05,01X".into())
    );
    assert_eq!(columns[0][40_000], Cell::Text(b"nobody".into()));
    assert_eq!(columns[2][40_000..], [Cell::Null, Cell::Null]);
    // The same as one by one.
    let one = place.succeeds(&["predict", "--user", "U01", "--movie", "Book 01", "--json"]);
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    let due = one["stars"].as_f64().unwrap() as f32;
    assert_eq!(columns[2][21].number().map(|stars| stars as f32), Some(due));
    predict("p.csv");
    let csv = std::fs::read_to_string(place.path("p.csv")).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("user,movie,prediction"));
    assert_eq!(lines.nth(21), Some(&*format!("U01,\"05,01X\",{due}")));
    assert_eq!(lines.last(), Some("U03,nothing,"));
    predict("p.jsonl");
    let json = std::fs::read_to_string(place.path("p.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!(
        last,
        serde_json::json!({"user": "U03", "movie": "nothing", "prediction": null})
    );
    // From Parquet through a pipe, as text.
    let piped = place.succeeds(&[
        "predict",
        "--pairs",
        "p.parquet",
        "--out",
        "-",
        "--format",
        "csv",
    ]);
    assert_eq!(piped, csv);
    predict("p.npz");
    assert!(
        std::fs::read(place.path("p.npz"))
            .unwrap()
            .starts_with(b"PK")
    );
}

#[test]
fn the_lists_of_all_or_some_users_are_those_of_each() {
    let place = books();
    let told = place.succeeds(&[
        "recommend",
        "--all-users",
        "--include-below",
        "-n",
        "3",
        "--out",
        "lists.parquet",
    ]);
    contains(
        &told,
        &[
            "the lists of 30 users",
            "Without the movies that they have rated",
        ],
    );
    let columns = read(&place, "lists.parquet", 6);
    assert_eq!(columns[0].len(), 90);
    let one = place.succeeds(&[
        "recommend",
        "U07",
        "--include-below",
        "--count",
        "3",
        "--json",
    ]);
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    for rank in 0..3 {
        let (row, due) = (21 + rank, &one["movies"][rank]);
        assert_eq!(text(&columns[0][row]), "U07");
        assert_eq!(columns[1][row], Cell::Whole(rank as i64 + 1));
        let title = text(&columns[5][row]);
        assert_eq!(due["title"], title.as_str());
        assert_eq!(text(&columns[2][row]), format!("05,{}X", &title[5..]));
        let near = |cell: &Cell, due: &serde_json::Value| {
            assert_eq!(cell.number().unwrap() as f32, due.as_f64().unwrap() as f32);
        };
        near(&columns[3][row], &due["score"]);
        near(&columns[4][row], &due["stars"]);
    }
    std::fs::write(place.path("some.csv"), "user\nU07\nnobody\nU03\n").unwrap();
    place.succeeds(&[
        "recommend",
        "--users",
        "some.csv",
        "--include-below",
        "-n",
        "3",
        "--out",
        "some.jsonl",
    ]);
    let lines = std::fs::read_to_string(place.path("some.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 6);
    assert!(
        lines.starts_with("{\"user\":\"U07\",\"rank\":1,\"movie\":\"05,"),
        "{lines}"
    );
}

#[test]
fn a_models_numbers_come_back_through_import_with_the_same_bits() {
    let place = books();
    let told = place.succeeds(&["export", "--out", "model.npz"]);
    contains(
        &told,
        &["Wrote model.npz: 30 users and 20 movies", "Licence: mine"],
    );
    let import = [
        "import",
        "model.npz",
        "--scale",
        "1..10",
        "--licence",
        "mine",
        "--out",
        "again",
    ];
    let told = place.succeeds(&import);
    assert!(!told.contains("makes no use"), "{told}");
    let read = |path: &str| pocketrec_checkpoint::Checkpoint::read(&place.path(path)).unwrap();
    let (own, again) = (
        read("target/pocketrec/model.safetensors"),
        read("again/model.safetensors"),
    );
    assert_eq!(own.parameters.tables(), again.parameters.tables());
    assert_eq!(own.parameters.mean, again.parameters.mean);
    assert_eq!(own.data.movie_names, again.data.movie_names);
    // Half of the users, as tables.
    place.succeeds(&[
        "export", "--format", "parquet", "--out", "out", "--users", "15",
    ]);
    assert_eq!(
        place.files("out"),
        ["model.json", "movies.parquet", "users.parquet"]
    );
    let part = Part::open(&place.path("out/movies.parquet")).unwrap();
    assert_eq!(
        part.names(),
        ["movie", "ratings", "bias", "embedding.list.element"]
    );
    let (lengths, numbers) = part.column(0, 3).unwrap().lists(20).unwrap();
    assert_eq!(
        (lengths, &numbers),
        (vec![8; 20], &own.parameters.movie_embedding)
    );
    assert_eq!(
        Part::open(&place.path("out/users.parquet"))
            .unwrap()
            .rows(0),
        15
    );
    place.succeeds(&["export", "--format", "csv", "--out", "out"]);
    let csv = std::fs::read_to_string(place.path("out/movies.csv")).unwrap();
    assert!(csv.starts_with("movie,ratings,bias,embedding_0,"), "{csv}");
    let json = std::fs::read_to_string(place.path("out/model.json")).unwrap();
    contains(
        &json,
        &[
            "\"scale\": [\n    1.0,\n    10.0\n  ]",
            "\"licence\": \"mine\"",
        ],
    );
}

#[test]
fn what_no_table_can_be_made_of_is_refused_and_leaves_nothing() {
    let place = books();
    std::fs::write(place.path("pairs.csv"), "user,movie\nU01,1\n").unwrap();
    std::fs::write(place.path("odd.csv"), "a,b\nU01,1\n").unwrap();
    for (arguments, said) in [
        (
            &["predict", "--pairs", "pairs.csv", "--out", "x.txt"][..],
            "--out x.txt should end with .parquet",
        ),
        (
            &["predict", "--pairs", "pairs.csv", "--out", "-"],
            "--format should be parquet, npz, csv or jsonl",
        ),
        (
            &["predict", "--pairs", "pairs.csv", "--out", "no/x.csv"],
            "no",
        ),
        (
            &["predict", "--pairs", "odd.csv", "--out", "x.csv"],
            "columns called user and movie",
        ),
        (
            &["predict", "--pairs", "gone.csv", "--out", "x.csv"],
            "gone.csv can't be read",
        ),
        (
            &["predict", "--movie", "Book 01", "--out", "x.csv"],
            "--out is for the predictions of --pairs",
        ),
        (
            &["recommend", "--users", "odd.csv", "--out", "x.csv"],
            "a column called user",
        ),
        (
            &["recommend", "U01", "--out", "x.csv"],
            "--out is for the lists of --all-users",
        ),
        (
            &["recommend", "--all-users", "--by", "fame", "--out", "x.csv"],
            "leave out --by and --with",
        ),
        (
            &["export", "--out", "x.parquet"],
            "add --format parquet, or name an .npz",
        ),
        (
            &["export", "--format", "csv", "--out", "x.csv"],
            "--out should be a folder",
        ),
        (
            &["export", "--format", "npz", "--dim", "2"],
            "--dim is for images",
        ),
    ] {
        contains(&place.fails(2, arguments), &[said]);
    }
    std::fs::write(place.path("none.csv"), "user\nnobody\n").unwrap();
    let none = ["recommend", "--users", "none.csv", "--out", "x.csv"];
    contains(
        &place.fails(2, &none),
        &["none of the users of --users none.csv is in the image"],
    );
    let files = place.files(".");
    assert!(
        !files
            .iter()
            .any(|name| name.starts_with("x.") || name.ends_with(".part")),
        "{files:?}"
    );
}

#[test]
fn a_movie_that_training_never_saw_is_added_exported_and_ranked() {
    let place = Place::trained();
    let refused = place.fails(
        2,
        &["add-movie", "--title", "New (2001)", "--genres", "drama"],
    );
    contains(&refused, &["this one has dense layers"]);
    place.succeeds(&[
        "train",
        "--data",
        "ratings",
        "--sweeps",
        "8",
        "--threads",
        "1",
    ]);
    let mut ratings = String::from("user,rating\n");
    (1..=40).for_each(|user| ratings += &format!("{user},5\n"));
    std::fs::write(place.path("new.csv"), ratings + "999,1\n").unwrap();
    for (arguments, said) in [
        (
            &["--genres", "western"][..],
            "no movie of the model has the genre `western` of --genres; there are Comedy, Drama",
        ),
        (&["--id", "300"], "--id is 300; it should be above 300"),
        (&["--ratings", "gone.csv"], "gone.csv can't be read"),
        (&["--year", "3000"], "it should be a year from 1870 to 2100"),
    ] {
        contains(
            &place.fails(2, &[&["add-movie", "--title", "New"], arguments].concat()),
            &[said],
        );
    }
    let told = place.succeeds(&[
        "add-movie",
        "--title",
        "Plain",
        "--genres",
        "comedy|drama",
        "--year",
        "1950",
    ]);
    contains(
        &told,
        &["Added Plain (1950) with id 301", "by genres and year alone"],
    );
    // Who adds it once more is told of it: it would be there twice.
    contains(
        &place.fails(2, &["add-movie", "--title", "New (2020)", "--year", "2021"]),
        &["--year is 2021 and the title `New (2020)` says 2020: leave one of them out"],
    );
    contains(
        &place.fails(2, &["add-movie", "--title", "Plain (1950)"]),
        &["a movie Plain (1950) already, with id 301; --id 302 adds another"],
    );
    let output = place.host(&[
        "add-movie",
        "--title",
        "Loved (2001)",
        "--ratings",
        "new.csv",
        "--id",
        "400",
    ]);
    contains(
        &String::from_utf8(output.stdout).unwrap(),
        &[
            "Added Loved (2001) with id 400",
            "most people, by year and 40 ratings",
        ],
    );
    contains(
        &String::from_utf8(output.stderr).unwrap(),
        &["new.csv has 1 rating by users whom the model doesn't know, which says nothing of it"],
    );
    contains(
        &place.succeeds(&["export", "--users", "all"]),
        &["all 32 movies"],
    );
    let best = place.succeeds(&["recommend", "--by", "stars", "--count", "1"]);
    contains(&best, &["Loved (2001)"]);
    let plain = place.succeeds(&["predict", "3", "plain", "1950"]);
    contains(&plain, &["stars: user 3 on Plain (1950)"]);
}

#[test]
fn where_the_model_says_how_sure_it_is_a_table_of_predictions_says_it_when_asked() {
    let place = books_of(90, &["--validation", "0.3"]);
    let pairs = "user,movie\nU01,\"05,01X\"\nnobody,\"05,01X\"\n";
    std::fs::write(place.path("pairs.csv"), pairs).unwrap();
    let likely = [
        "predict",
        "--pairs",
        "pairs.csv",
        "--out",
        "p.csv",
        "--likely",
    ];
    place.succeeds(&likely);
    let one = place.succeeds(&["predict", "--user", "U01", "--movie", "Book 01", "--json"]);
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    let number = |value: &serde_json::Value| value.as_f64().unwrap() as f32;
    let [stars, low, high] =
        [&one["stars"], &one["likely"]["low"], &one["likely"]["high"]].map(number);
    assert!(low < high);
    assert_eq!(
        std::fs::read_to_string(place.path("p.csv")).unwrap(),
        format!(
            "user,movie,prediction,low,high\nU01,\"05,01X\",{stars},{low},{high}\nnobody,\"05,01X\",,,\n"
        )
    );
    // A model of too few ratings says nothing of it.
    let place = books();
    std::fs::write(place.path("pairs.csv"), pairs).unwrap();
    let refused = place.fails(2, &likely);
    contains(&refused, &["--likely: the image doesn't say how sure"]);
    assert!(!place.path("p.csv").exists());
}
