//! Lines of ratings, good and bad, through both parsers.

use super::*;
use crate::cells::plain_id;
use crate::reading::Reading;
use proptest::prelude::*;

fn detect(line: &str) -> Form {
    Form::detect(&[line.as_bytes()], &Reading::default()).unwrap()
}

fn said(user: &'static str, movie: &'static str, stars: f32, time: u32) -> Said<'static> {
    Said {
        user: Cow::Borrowed(user.as_bytes()),
        movie: Cow::Borrowed(movie.as_bytes()),
        stars: Some(stars),
        time: Some((time, Unit::Seconds)),
    }
}

#[test]
fn every_form_of_a_good_line_says_the_same() {
    let csv = "userId,movieId,rating,timestamp";
    for (first, line) in [
        (csv, "1,2,3.5,1112486027"),
        (csv, "1,2,3.5,1112486027\r"),
        (csv, "\"1\",\"2\",\"3.5\",\"1112486027\""),
        (csv, "1, 2, 3.5, 1112486027"),
        (csv, "1, \"2\" , 3.5, 1112486027"),
        (csv, "1,2,3.50,1112486027"),
        (csv, "1,2,+3.5,1112486027"),
        (csv, "1,2,3.5,1112486027.0"),
        (
            "userId,movieId,rating,timestamp,y",
            "1,2,3.5,1112486027,-0.0256",
        ),
        (
            "userId,movieId,rating,timestamp,y,z",
            "1,2,3.5,1112486027,,\"a,b\"",
        ),
        ("movieId,userId,timestamp,rating", "2,1,1112486027,3.5"),
        (",userId,movieId,rating,timestamp", "0,1,2,3.5,1112486027"),
        ("userID,itemID,Rating,Unix_Timestamp", "1,2,3.5,1112486027"),
        ("USER_ID,MOVIE_ID,RATING,TIME", "1,2,3.5,1112486027"),
        (
            "reviewerID,asin,overall,unixReviewTime",
            "1,2,3.5,1112486027",
        ),
        ("business_id,user_id,stars,date", "2,1,3.5,1112486027"),
        (
            "User-ID;ISBN;Book-Rating;Date",
            "\"1\";\"2\";\"3,5\";1112486027",
        ),
        ("userId,movieId,rating,timestamp", "1,2,\"3,5\",1112486027"),
        ("user_id|book_id|rating|ts", "1|2|3.5|1112486027"),
        ("user item rating timestamp", "1 2  3.5\t1112486027"),
        ("1 2 3.5 1112486027", "  1 2 3.5 1112486027 "),
        ("1\t\t2\t\t3.5\t\t1112486027", "1\t\t2\t\t3.5\t\t1112486027"),
        ("1::2::4::978300760", "1::2::3.5::1112486027"),
        ("196\t242\t3\t881250949", "1\t2\t3.5\t1112486027"),
        (
            "user_id:token\titem_id:token\trating:float\ttimestamp:float",
            "1\t2\t3.5\t1112486027",
        ),
    ] {
        assert_eq!(
            detect(first).parse(line.as_bytes()),
            Ok(said("1", "2", 3.5, 1_112_486_027)),
            "{line:?} under {first:?}"
        );
    }
}

#[test]
fn ids_are_taken_as_they_are_written_and_times_may_be_missing() {
    let csv = "userId,movieId,rating,timestamp";
    for (line, user, movie) in [
        ("A1,B-2,4,1", "A1", "B-2"),
        ("\"a \"\"b\"\"\",007,4,1", "a \"b\"", "007"),
        ("-1,4294967296,4,1", "-1", "4294967296"),
        ("1.0,2.5,4,1", "1.0", "2.5"),
        ("é,ü x,4,1", "é", "ü x"),
    ] {
        assert_eq!(
            detect(csv).parse(line.as_bytes()),
            Ok(said(user, movie, 4.0, 1)),
            "{line}"
        );
    }
    for none in ["", "NULL", "\\N", "nan", "NaT"] {
        let line = format!("1,2,4,{none}");
        assert_eq!(
            detect(csv).parse(line.as_bytes()).unwrap().time,
            None,
            "{line}"
        );
    }
    assert_eq!(
        detect("userId,movieId,rating")
            .parse(b"1,2,4")
            .unwrap()
            .time,
        None
    );
    assert_eq!(detect("1,2,4").parse(b"1,2,4").unwrap().stars, Some(4.0));
}

#[test]
fn every_kind_of_bad_line_is_told_what_would_be_right() {
    let csv = "userId,movieId,rating,timestamp";
    let long = format!("{},2,3.5,1112486027", "x".repeat(256));
    for (first, line, right) in [
        (
            csv,
            "1,2,3.5",
            "it has 3 fields; a line should be `user,movie,rating,timestamp`",
        ),
        (csv, "1,2,3.5,1112486027,9", "it has 5 fields"),
        (csv, "1,2,3.", "it has 3 fields"),
        (
            csv,
            ",2,3.5,1112486027",
            "the user id `` should be a number or a name",
        ),
        (
            csv,
            "1,\u{7},3.5,1112486027",
            "the movie id `\u{7}` should be",
        ),
        (
            csv,
            &long,
            "the user id has 256 bytes; it should have at most 255",
        ),
        (
            csv,
            "1,2,,1112486027",
            "the rating `` should be a number of stars",
        ),
        (
            csv,
            "1,2,352698,1112486027",
            "the rating `352698` should be from -1000 to 1000",
        ),
        (csv, "1,2,nan,1112486027", "the rating `nan`"),
        (csv, "1,2,4e0,1112486027", "the rating `4e0`"),
        (csv, "1,2,4-1,1112486027", "the rating `4-1`"),
        (
            csv,
            "1,2,3.5,soon",
            "the timestamp `soon` should be seconds since 1970",
        ),
        (
            csv,
            "1,2,3.5,soon",
            "without times, read the file with --columns user=1,item=2,rating=3",
        ),
        (csv, "1,2,3.5,2005-02-29 23:53:47", "the timestamp"),
        (csv, "1,2,3.5,-5", "the timestamp"),
        (csv, "1,2,\"3.5,1112486027", "a quote isn't closed"),
        (
            csv,
            "1,2,\"3.5\"x,1112486027",
            "a quote isn't closed in this line or has text behind it",
        ),
        (
            "1::2::4::978300760",
            "1::2::4",
            "`user::movie::rating::timestamp`",
        ),
        ("1::2::4::978300760", "1:2:4:978300760", "it has 1 field;"),
        (
            "1\t2\t4\t978300760",
            "1 2 4 978300760",
            "with a tab between",
        ),
        (
            "userId,movieId,rating,timestamp,y",
            "1,2,3.5,1112486027",
            "5 fields, with user, movie and rating in columns 1, 2 and 3, time in column 4",
        ),
    ] {
        let said = detect(first).parse(line.as_bytes()).unwrap_err();
        assert!(
            said.contains(right),
            "{line:?} gave {said:?}, which lacks {right:?}"
        );
    }
}

#[test]
fn a_rating_off_the_scale_that_was_given_is_refused_unless_it_says_that_there_is_none() {
    let reading = Reading {
        scale: Some("1..10".parse().unwrap()),
        ..Reading::default()
    };
    let form = Form::detect(&[b"1,2,3"], &reading).unwrap();
    let stars = |text: &str| {
        form.parse(format!("1,2,{text}").as_bytes())
            .map(|said| said.stars)
    };
    assert_eq!(stars("10"), Ok(Some(10.0)));
    assert_eq!((stars("0"), stars("-1")), (Ok(None), Ok(None)));
    for off in ["11", "0.5", "-2"] {
        let error = stars(off).unwrap_err();
        assert!(
            error.contains(&format!("the rating `{off}` should be on the scale 1..10")),
            "{error}"
        );
    }
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0u32..200_000).prop_map(|n| n.to_string()),
        2 => (0u32..12).prop_map(|n| format!("{:.1}", n as f32 / 2.0)),
        1 => (0u32..7).prop_map(|n| n.to_string()),
        2 => any::<u32>().prop_map(|n| n.to_string()),
        1 => (1960u32..2110, 0u32..14, 0u32..33).prop_map(|(y, m, d)| format!("{y}-{m:02}-{d:02} 23:53:47")),
        1 => "[-0-9.\"a ,:\t\r]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn the_fast_parser_says_what_the_whole_one_says(
        cells in proptest::collection::vec(field(), 3..7),
        fields in 4usize..6,
        kind in 0usize..5,
        crlf: bool,
    ) {
        let separator = Separator::ALL[kind];
        let form = Form {
            separator,
            header: false,
            fields,
            columns: [0, 1, 2],
            time: Some(3),
            lines: 0,
            scale: None,
            guessed: None,
            names: Vec::new(),
        };
        let line = cells.join(separator.text());
        let text = format!("{line}{}", if crlf { "\r\n" } else { "\n" });
        if let Some((rating, next)) = fast(text.as_bytes(), 0, separator, fields - 4) {
            let whole = form.parse(line.as_bytes());
            let slow = whole.as_ref().ok().and_then(|said| {
                Some(Rating {
                    user: plain_id(&said.user)?,
                    movie: plain_id(&said.movie)?,
                    stars: said.stars?,
                    time: said.time?.0,
                })
            });
            prop_assert_eq!(slow, Some(rating), "{:?} {:?}", line, whole);
            prop_assert_eq!(next, text.len());
        }
    }
}

#[test]
fn the_fast_parser_takes_each_release_as_it_is_shipped() {
    for (text, separator, extra) in [
        ("196\t242\t3\t881250949\n", Separator::Tab, 0),
        ("1::1193::5::978300760\n", Separator::Colons, 0),
        ("1::122::3.5::838985046\n", Separator::Colons, 0),
        ("1,2,3.5,1112486027\r\n", Separator::Comma, 0),
        ("1,2,3.5,2005-04-02 23:53:47\n", Separator::Comma, 0),
        ("1,2,3.5,1112486027,-0.02\n", Separator::Comma, 1),
    ] {
        let (_, next) =
            fast(text.as_bytes(), 0, separator, extra).unwrap_or_else(|| panic!("{text:?}"));
        assert_eq!(next, text.len());
    }
}

#[test]
fn digits_taken_eight_at_once_say_what_they_say_one_by_one() {
    let one_by_one = |text: &[u8]| {
        let count = text.iter().take_while(|b| b.is_ascii_digit()).count();
        let digits = std::str::from_utf8(&text[..count]).ok()?;
        Some((digits.parse::<u32>().ok().filter(|_| count <= 10)?, count))
    };
    for start in [
        "1234567890123",
        "9999999999999",
        "4294967295",
        "0000000000001",
    ] {
        for length in 0..=start.len() {
            for next in 0..=u8::MAX {
                for behind in [0, 1, 9] {
                    let mut text = start.as_bytes()[..length].to_vec();
                    text.push(next);
                    text.extend_from_slice(&b"9:/\xff0,123"[..behind]);
                    assert_eq!(digits(&text, 0), one_by_one(&text), "{text:?}");
                }
            }
        }
    }
    assert_eq!(digits(b"4294967296,", 0), None);
    assert_eq!(digits(b"12", 0), Some((12, 2)));
    assert_eq!(digits(b"12", 2), None);
    assert_eq!(digits(b"12", 3), None);
}
