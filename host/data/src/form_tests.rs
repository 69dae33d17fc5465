//! First lines, good and bad.

use super::*;

fn detect(text: &str, reading: &Reading) -> Result<Form, Wrong> {
    let lines: Vec<&[u8]> = text.split('\n').map(str::as_bytes).collect();
    Form::detect(&lines, reading)
}

fn given(columns: &str) -> Reading {
    Reading {
        columns: Some(columns.parse().unwrap()),
        ..Reading::default()
    }
}

#[test]
fn a_first_line_that_starts_no_ratings_file_is_refused_with_the_way_on() {
    for (text, right) in [
        (
            "",
            "separated by commas, semicolons, tabs, bars, spaces or `::`",
        ),
        ("hello", "separated by commas"),
        (
            "1,2",
            "it has 2 fields; a line should have user, movie and rating",
        ),
        (
            "movieId,title,genres\n1,Toy Story,Comedy",
            "no column that is known to be the user or the rating; its columns are `movieId`, `title`, `genres`: name \
             them, for instance --columns user=title,item=movieId,rating=genres",
        ),
        (
            "wer,was,wie gut\n1,2,3",
            "its columns are `wer`, `was`, `wie gut`: name them, for instance --columns user=wer,item=was,rating=3",
        ),
        (
            "userId,rating",
            "no column that is known to be the movie; its columns are `userId`, `rating`, and ratings take three",
        ),
        (
            "user,i1,i2,i3,i4,i5,i6,i7,i8,i9,i10,i11,i12,i13,i14,i15,i16,i17,i18,i19,i20\n1,,,3",
            "`i10`, `i11` and 9 more; where each column is a movie, make a line of each rating, for instance with pandas \
             (`.melt(id_vars=[\"user\"]).dropna()`)",
        ),
    ] {
        let (at, said) = detect(text, &Reading::default()).unwrap_err();
        assert_eq!(at, 0);
        assert!(said.contains(right), "{text:?} gave {said:?}");
    }
}

#[test]
fn columns_that_had_to_be_guessed_are_told_and_those_of_a_release_are_not() {
    let guessed = |text: &str| {
        detect(text, &Reading::default())
            .unwrap()
            .guessed
            .unwrap_or_default()
    };
    for text in [
        "userId,movieId,rating,timestamp",
        "1\t2\t3\t4",
        "1::2::3::4",
        "user_id:token\titem_id:token\trating:float",
    ] {
        assert_eq!(guessed(text), "", "{text}");
    }
    assert_eq!(
        guessed("reviewerID,asin,overall,date\na,b,5,2014-01-01"),
        "Of its columns it takes `reviewerID` as the user, `asin` as the movie, `overall` as the rating, `date` as the time"
    );
    assert_eq!(
        guessed("A1,B2,5,3"),
        "No header names its columns: the first are taken as user, movie, rating and time"
    );
    assert_eq!(
        guessed("1\t2\t5"),
        "No header names its columns: the first are taken as user, movie and rating"
    );
}

#[test]
fn columns_are_found_by_the_name_or_the_number_that_a_person_gives() {
    let form = detect("a,b,c,d\n1,2,3,4", &given("user=c,item=B,rating=4,time=1")).unwrap();
    assert_eq!(
        (form.columns, form.time, form.header, form.lines),
        ([2, 1, 3], Some(0), true, 1)
    );
    let form = detect("1;2;3", &given("user=3,item=2,rating=1")).unwrap();
    assert_eq!(
        (form.columns, form.time, form.header, form.lines),
        ([2, 1, 0], None, false, 0)
    );
    for (text, columns, right) in [
        (
            "a,b,c\n1,2,3",
            "user=x,item=b,rating=c",
            "names a column `x`, and its columns are `a`, `b`, `c`",
        ),
        (
            "1,2,3",
            "user=1,item=2,rating=4",
            "names column 4, and it has 3 columns and no header",
        ),
        (
            "a,b,c\n1,2,3",
            "user=a,item=1,rating=c",
            "takes one column for two things",
        ),
    ] {
        let (_, said) = detect(text, &given(columns)).unwrap_err();
        assert!(said.contains(right), "{text:?} gave {said:?}");
    }
}

#[test]
fn what_stands_before_the_first_rating_is_passed_over() {
    for (text, lines, header) in [
        ("sep=;\nuserId;movieId;rating\n1;2;3", 2, true),
        ("% bip weighted\n% 5 2 3\n1 2 5", 2, false),
        ("\n\n1,2,5", 2, false),
    ] {
        let form = detect(text, &Reading::default()).unwrap();
        assert_eq!((form.lines, form.header), (lines, header), "{text}");
    }
}
