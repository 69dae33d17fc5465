//! Ratings in JSON, as other programs write it.

use super::*;

/// Those of [`BOOKS`] as JSON lines, and in an array, on one line and pretty-printed; what it says besides is passed over.
const RECORDS: [&str; 3] = [
    "{\"reviewerID\":\"AX\",\"asin\":\"B00X\",\"helpful\":[0,1],\"reviewText\":\"a \\\"b\\\", {c}\\n\",\"overall\":8.0,\
     \"unixReviewTime\":1112486027}\n\
     {\"asin\":\"B00Y\",\"overall\":10,\"reviewerID\":\"AX\",\"unixReviewTime\":1112484676}\r\n\n\
     {\"reviewerID\":\"AB\",\"asin\":\"B00X\",\"overall\":1,\"unixReviewTime\":\"851866703\"}\n\
     {\"reviewerID\":\"AB\",\"asin\":\"031\",\"overall\":2,\"unixReviewTime\":851866704}",
    "[{\"reviewerID\":\"AX\",\"asin\":\"B00X\",\"overall\":8,\"unixReviewTime\":1112486027},\
     {\"reviewerID\":\"AX\",\"asin\":\"B00Y\",\"overall\":10,\"unixReviewTime\":1112484676},\
     {\"reviewerID\":\"AB\",\"asin\":\"B00X\",\"overall\":1,\"unixReviewTime\":851866703},\
     {\"reviewerID\":\"AB\",\"asin\":\"031\",\"overall\":2,\"unixReviewTime\":851866704}]",
    "[\n  {\n    \"reviewerID\": \"AX\",\n    \"asin\": \"B00X\",\n    \"overall\": 8,\n    \"unixReviewTime\": 1112486027\n  },\n\
     {\n    \"reviewerID\": \"AX\",\n    \"asin\": \"B00Y\",\n    \"overall\": 10,\n    \"unixReviewTime\": 1112484676\n  },\n\
     {\n    \"reviewerID\": \"AB\",\n    \"asin\": \"B00X\",\n    \"overall\": 1,\n    \"unixReviewTime\": 851866703\n  },\n\
     {\n    \"reviewerID\": \"AB\",\n    \"asin\": \"031\",\n    \"overall\": 2,\n    \"unixReviewTime\": 851866704\n  }\n]\n",
];

#[test]
fn ratings_in_json_are_those_that_csv_would_have() {
    let csv = read(BOOKS, &Reading::default()).unwrap();
    for (text, first) in RECORDS.into_iter().zip([1, 1, 2]) {
        for bytes in [text.as_bytes().to_vec(), gzipped(text.as_bytes())] {
            let folder = Folder::with("reviews.json", &bytes);
            let data = Dataset::load(&folder.path("reviews.json"), &Silent).unwrap();
            assert_eq!(data.ratings, csv.ratings, "{text}");
            assert_eq!(data.fingerprint, csv.fingerprint);
            assert_eq!((data.scale, data.has_times), (csv.scale, true));
            let told = told(&data);
            for said in [
                "takes `reviewerID` as the user, `asin` as the movie, `overall` as the rating",
                &format!("`AX` in line {first} is not a plain number"),
            ] {
                assert!(told.contains(said), "{told}");
            }
        }
    }
    // As jq prints objects, and behind the mark of a text in UTF-8.
    let pretty = RECORDS[2]
        .replace("[\n", "")
        .replace("},\n", "}\n")
        .replace("\n]", "");
    for text in [pretty, format!("\u{feff}{}", RECORDS[1])] {
        assert_eq!(
            read(&text, &Reading::default()).unwrap().ratings,
            csv.ratings,
            "{text}"
        );
    }
    // Ratings by name lie in a folder under their usual name.
    let folder = Folder::with("ratings.jsonl", RECORDS[0].as_bytes());
    let data = Dataset::load(folder.0.path(), &Silent).unwrap();
    assert_eq!(data.ratings, csv.ratings);
}

#[test]
fn a_time_before_1990_is_no_sign_that_an_object_was_cut() {
    let text = "{\"user\":1,\"item\":2,\"rating\":3,\"time\":1112486027}\n{\"user\":1,\"item\":3,\"rating\":4,\"time\":86400}";
    let data = read(text, &Reading::default()).unwrap();
    assert_eq!(data.ratings.times, [1_112_486_027, 86_400]);
}

#[test]
fn json_that_holds_no_ratings_is_refused_by_line_and_reason() {
    let columns = Reading {
        columns: Some("user=reviewerID,item=asin,rating=stars".parse().unwrap()),
        ..Reading::default()
    };
    let spaced = Reading {
        columns: Some(
            "user=user,item=an item,rating=rating,time=date"
                .parse()
                .unwrap(),
        ),
        ..Reading::default()
    };
    let other = Reading::default();
    for (text, reading, said) in [
        (
            RECORDS[1],
            &columns,
            "--columns names a column `stars`, and its columns are `reviewerID`",
        ),
        (
            "{\"user\":1,\"item\":2}\n",
            &other,
            "line 1: `{\"user\":1,\"item\":2}`: it has no column that is known to be the rating",
        ),
        (
            "{\"user\":1,\"item\":2,\"rating\":3}\n{\"user\":1,\"item\":4,\"rating\":[3]}\n",
            &other,
            "line 2: `{\"user\":1,\"item\":4,\"rating\":[3]}`: under `rating` is an array, where a text or a number should be",
        ),
        (
            "[\n {\n  \"user\":1,\"item\":2,\n  \"rating\":3},\n {\"user\":1,\"item\":4,\"rating\":\"x\"}]",
            &other,
            "line 5: ",
        ),
        (
            "{\"user\":1,\"item\":2,\"rating\":3}\n{\"user\":1,\"it",
            &other,
            "line 2: `{\"user\":1,\"it`: it ends before its object does",
        ),
        (
            "{\"ratings\":[{\"user\":1,\"item\":2,\"rating\":3}]}",
            &other,
            "its columns are `ratings`",
        ),
        (
            "[[1,2,3],[1,3,4]]",
            &other,
            "line 1: ` [1,2,3]`: invalid type: sequence, expected an object",
        ),
        (
            "{\"user\":1,\"item\":2,\"rating\":3}{\"user\":1,\"item\":3,\"rating\":3}\n",
            &other,
            "more than one object stands in this line; each should have its own",
        ),
        (
            "{}\n",
            &other,
            "line 1: `{}`: its object is empty; a rating should be a JSON object",
        ),
        ("[]", &other, "is empty; it should hold ratings"),
        (" \n\n", &other, "is empty; it should hold ratings"),
        (
            "{\"user\":1,\"an item\":2,\"rating\":3,\"date\":\"soon\"}\n",
            &spaced,
            "without times, read the file with --columns user=user,item=2,rating=rating",
        ),
        (
            "{'user': 1, 'item': 2, 'rating': 3}\n",
            &other,
            "as Python writes a dict",
        ),
    ] {
        let error = read(text, reading).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}
