//! Lines of ratings, good and bad, through both parsers.

use super::*;
use proptest::prelude::*;

fn detect(line: &str) -> Form {
    Form::detect(line.as_bytes()).unwrap()
}

const TOY: Rating = Rating {
    user: 1,
    movie: 2,
    stars: 3.5,
    time: 1_112_486_027,
};

#[test]
fn every_form_of_a_good_line_says_the_same() {
    let csv = "userId,movieId,rating,timestamp";
    for (first, line) in [
        (csv, "1,2,3.5,1112486027"),
        (csv, "1,2,3.5,1112486027\r"),
        (csv, "\"1\",\"2\",\"3.5\",\"1112486027\""),
        (csv, "1, 2, 3.5, 1112486027"),
        (csv, "01,2,3.50,1112486027"),
        (
            "\"userId\",\"movieId\",\"rating\",\"timestamp\"",
            "1,2,3.5,2005-04-02 23:53:47",
        ),
        (csv, "1,2,3.5,\"2005-04-02 23:53:47\""),
        (csv, "1,2,3.5,2005-04-02T23:53:47Z"),
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
        ("1::2::4::978300760", "1::2::3.5::1112486027"),
        ("196\t242\t3\t881250949", "1\t2\t3.5\t1112486027"),
        (
            "user_id:token\titem_id:token\trating:float\ttimestamp:float",
            "1\t2\t3.5\t1112486027",
        ),
    ] {
        assert_eq!(
            detect(first).parse(line.as_bytes()),
            Ok(TOY),
            "{line:?} under {first:?}"
        );
    }
}

#[test]
fn every_kind_of_bad_line_is_told_what_would_be_right() {
    let csv = "userId,movieId,rating,timestamp";
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
            "x,2,3.5,1112486027",
            "the user id `x` should be a whole number",
        ),
        (csv, "-1,2,3.5,1112486027", "the user id `-1`"),
        (csv, ",2,3.5,1112486027", "the user id ``"),
        (csv, "4294967296,2,3.5,1112486027", "at most 4294967295"),
        (csv, "1,2.5,3.5,1112486027", "the movie id `2.5`"),
        (csv, "1,2,,1112486027", "the rating `` should be 0.5 to 5"),
        (csv, "1,2,0,1112486027", "the rating `0`"),
        (csv, "1,2,5.5,1112486027", "the rating `5.5`"),
        (csv, "1,2,3.4,1112486027", "the rating `3.4`"),
        (csv, "1,2,nan,1112486027", "the rating `nan`"),
        (csv, "1,2,+4,1112486027", "the rating `+4`"),
        (csv, "1,2,4e0,1112486027", "the rating `4e0`"),
        (
            csv,
            "1,2,3.5,",
            "the timestamp `` should be seconds since 1970",
        ),
        (csv, "1,2,3.5,1112486027.5", "the timestamp `1112486027.5`"),
        (csv, "1,2,3.5,2005-04-02", "the timestamp `2005-04-02`"),
        (csv, "1,2,3.5,2005-04-02 23:53", "the timestamp"),
        (csv, "1,2,3.5,2005-02-29 23:53:47", "the timestamp"),
        (csv, "1,2,3.5,2005-13-01 23:53:47", "the timestamp"),
        (csv, "1,2,3.5,2005-04-02 24:00:00", "the timestamp"),
        (csv, "1,2,3.5,99999999999", "the timestamp"),
        (csv, "1,2,\"3.5,1112486027", "a quote isn't closed"),
        (
            csv,
            "1,2,\"3.5\"x,1112486027",
            "a quote isn't closed or has text behind it",
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
            "5 fields with user, movie",
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
fn a_first_line_that_starts_no_ratings_file_is_refused() {
    for (line, right) in [
        ("", "commas, tabs or `::`"),
        ("hello", "commas, tabs or `::`"),
        ("1,2,3", "at least the four fields"),
        ("movieId,title,genres", "no column `userId` and no `rating`"),
        ("userId,movieId,rating,date", "no column `timestamp`"),
        ("userId,rating,timestamp,y", "no column `movieId`"),
    ] {
        let said = Form::detect(line.as_bytes()).unwrap_err();
        assert!(said.contains(right), "{line:?} gave {said:?}");
    }
}

#[test]
fn dates_become_seconds_in_utc() {
    for (date, seconds) in [
        ("1970-01-01 00:00:00", 0),
        ("1995-01-09 11:46:44", 789_652_004),
        ("2000-02-29 00:00:00", 951_782_400),
        ("2000-03-01 00:00:00", 951_868_800),
        ("2005-04-02 23:53:47", 1_112_486_027),
        ("2038-01-19 03:14:08", 2_147_483_648),
        ("2106-02-07 06:28:15", u32::MAX),
    ] {
        assert_eq!(time(date.as_bytes()), Some(seconds), "{date}");
    }
    for wrong in [
        "1969-12-31 23:59:59",
        "2106-02-07 06:28:16",
        "1900-02-29 00:00:00",
        "2001-00-01 00:00:00",
    ] {
        assert_eq!(time(wrong.as_bytes()), None, "{wrong}");
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
        kind in 0usize..3,
        crlf: bool,
    ) {
        let separator = [Separator::Comma, Separator::Tab, Separator::Colons][kind];
        let form = Form { separator, header: false, fields, columns: [0, 1, 2, 3] };
        let line = cells.join(separator.text());
        let text = format!("{line}{}", if crlf { "\r\n" } else { "\n" });
        if let Some((rating, next)) = fast(text.as_bytes(), 0, separator, fields - 4) {
            prop_assert_eq!(form.parse(line.as_bytes()), Ok(rating), "{:?}", line);
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
