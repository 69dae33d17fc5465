//! Ratings that no release of MovieLens has written, packed, piped, or by other names.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::*;

#[path = "json_tests.rs"]
mod json;

/// Two people, three books, on a scale of 1 to 10.
const BOOKS: &str = "reviewerID,asin,overall,unixReviewTime\nAX,B00X,8,1112486027\nAX,B00Y,10,1112484676\n\
    AB,B00X,1,851866703\nAB,031,2,851866704\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(name: &str, bytes: &[u8]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        std::fs::write(folder.path(name), bytes).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn read(text: &str, reading: &Reading) -> Result<Dataset, String> {
    let folder = Folder::with("mine.csv", text.as_bytes());
    Dataset::load_as(&folder.path("mine.csv"), reading, &Silent).map_err(|error| error.to_string())
}

fn told(data: &Dataset) -> String {
    data.notes.iter().map(|note| format!("{note}\n")).collect()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn names_scale_and_columns_of_other_data_are_found_and_told() {
    let data = read(BOOKS, &Reading::default()).unwrap();
    assert_eq!(data.user_names.all(), ["AB", "AX"]);
    assert_eq!(data.movie_names.all(), ["031", "B00X", "B00Y"]);
    assert_eq!(data.ratings.user_ids, [1, 2]);
    assert_eq!(data.ratings.users, [1, 1, 0, 0]);
    assert_eq!(data.ratings.movies, [1, 2, 1, 0]);
    assert_eq!(data.ratings.stars, [8.0, 10.0, 1.0, 2.0]);
    assert_eq!(
        (data.scale.min, data.scale.max, data.scale.step),
        (1.0, 10.0, 1.0)
    );
    assert_eq!(data.titles.title(2), "B00X");
    assert_eq!(data.license, release::OTHER_LICENSE);
    let told = told(&data);
    for line in [
        "it takes `reviewerID` as the user, `asin` as the movie, `overall` as the rating, `unixReviewTime` as the time",
        "go from 1 to 10 by 1",
        "user ids are names, which are kept: `AX` in line 2",
        "movie ids are names, which are kept: `B00X` in line 2",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn the_order_of_a_file_changes_nothing_that_names_stand_for() {
    let mut lines: Vec<&str> = BOOKS.lines().collect();
    lines.swap(1, 4);
    let (one, other) = (
        read(BOOKS, &Reading::default()).unwrap(),
        read(&lines.join("\n"), &Reading::default()).unwrap(),
    );
    assert_eq!(one.fingerprint, other.fingerprint);
    let renamed = read(&BOOKS.replace("AX", "AY"), &Reading::default()).unwrap();
    assert_ne!(one.fingerprint, renamed.fingerprint);
}

#[test]
fn a_late_name_makes_names_of_all_numbers_before_it() {
    let mut text = String::from("userId,movieId,rating,timestamp\n");
    for line in 2u32..120_000 {
        let user = if line == 100_000 {
            "x".into()
        } else {
            line.to_string()
        };
        text.push_str(&format!(
            "{user},{},3.5,{}\n",
            line % 977,
            1_000_000_000 + line
        ));
    }
    let data = read(&text, &Reading::default()).unwrap();
    let names = &data.user_names;
    assert_eq!(names.all().len(), 119_998);
    let row = |name: &str| data.ratings.user_row(names.id(name).unwrap()).unwrap();
    let first = (row("2"), data.ratings.users[0]);
    assert_eq!(first.0, first.1);
    assert_eq!(row("x"), data.ratings.users[99_998]);
    assert_eq!(row("119999"), data.ratings.users[119_997]);
    assert!(data.movie_names.is_empty());
    assert!(
        told(&data).contains("`x` in line 100000 is not a plain number"),
        "{}",
        told(&data)
    );
}

#[test]
fn ids_such_as_1_0_are_numbers_and_wide_ones_keep_their_digits() {
    let data = read("1.0,31.0,2,1\n2.0,0007,3,2\n", &Reading::default()).unwrap();
    assert_eq!(
        (
            data.ratings.user_ids.as_slice(),
            data.ratings.movie_ids.as_slice()
        ),
        (&[1, 2][..], &[7, 31][..])
    );
    let told = told(&data);
    assert!(
        told.contains("user ids are written like `1.0`, which is taken as 1"),
        "{told}"
    );
    assert!(
        told.contains("movie ids are written like `0007`, which is taken as 7"),
        "{told}"
    );
    let data = read("76561197960265729,-5,2,1\n-1,9,3,2\n", &Reading::default()).unwrap();
    assert_eq!(data.user_names.all(), ["-1", "76561197960265729"]);
    assert_eq!(data.movie_names.all(), ["-5", "9"]);
}

#[test]
fn ids_spread_over_32_bits_are_themselves() {
    let mut text = String::new();
    for id in 0u32..5_000 {
        text.push_str(&format!(
            "{},{},4,{id}\n",
            id.wrapping_mul(2_654_435_761),
            id % 7
        ));
    }
    let data = read(&text, &Reading::default()).unwrap();
    let ids = &data.ratings.user_ids;
    assert_eq!(ids.len(), 5_000);
    assert!(ids.is_sorted());
    assert_eq!(ids[data.ratings.users[1] as usize], 2_654_435_761);
}

#[test]
fn times_may_be_missing_whole_or_here_and_there_and_in_any_unit() {
    let data = read(
        "userId,movieId,rating\n1,2,3\n1,4,5\n1,2,4\n",
        &Reading::default(),
    )
    .unwrap();
    assert!(!data.has_times);
    assert_eq!(data.ratings.stars, [5.0, 4.0]);
    let said = told(&data);
    assert!(
        said.contains(
            "1 rating of a movie that the same user rated again was left out: the last in the file"
        ),
        "{said}"
    );
    assert!(
        said.contains("doesn't say when ratings were given"),
        "{said}"
    );

    let data = read(
        "user,item,rating,date\n1,2,3,2005-04-02\n1,4,5,\n",
        &Reading::default(),
    )
    .unwrap();
    assert!(data.has_times);
    assert_eq!(data.ratings.times, [1_112_400_000, 0]);
    assert!(
        told(&data).contains("1 rating without a time was taken as the earliest"),
        "{}",
        told(&data)
    );

    let data = read(
        "1,2,3,1112486027123\n1,4,5,1112486028000\n",
        &Reading::default(),
    )
    .unwrap();
    assert_eq!(data.ratings.times, [1_112_486_027, 1_112_486_028]);
    assert!(
        told(&data).contains("taken as milliseconds since 1970"),
        "{}",
        told(&data)
    );

    assert!(
        !read("1,2,3,7\n1,4,5,7\n", &Reading::default())
            .unwrap()
            .has_times
    );
}

#[test]
fn what_a_person_says_of_columns_scale_and_licence_is_taken() {
    let reading = Reading {
        columns: Some("user=who,item=what,rating=how".parse().unwrap()),
        scale: Some("1..10".parse().unwrap()),
        licence: Some("mine alone".into()),
        titles: None,
        user_table: None,
        movie_table: None,
        ..Reading::default()
    };
    let data = read(
        "when;how;who;what\nx;7,5;ann;10\nx;0;ann;11\nx;9;bob;10\n",
        &reading,
    )
    .unwrap();
    assert_eq!(data.ratings.stars, [7.5, 9.0]);
    assert_eq!(data.user_names.all(), ["ann", "bob"]);
    assert_eq!(
        (data.scale.min, data.scale.max, data.scale.step),
        (1.0, 10.0, 0.5)
    );
    assert_eq!(data.license, "mine alone");
    let said = told(&data);
    assert!(
        said.contains("1 line whose rating is 0 or -1, below the scale, was left out"),
        "{said}"
    );
    let error = read("when;how;who;what\nx;11;ann;10\n", &reading).unwrap_err();
    assert!(
        error.contains("line 2: `x;11;ann;10`: the rating `11` should be on the scale 1..10"),
        "{error}"
    );
}

#[test]
fn the_terms_of_movielens_are_claimed_for_nothing_that_is_not_its_own() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let license = |name: &str, text: &str| {
        let place = folder.path(name);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("ratings.csv"), text).unwrap();
        Dataset::load(&place, &Silent).unwrap().license
    };
    assert!(license("ml-20m", "1,2,3.5,4\n1,3,4,5\n").starts_with("GroupLens's ml-20m"));
    assert_eq!(license("ml-20m", BOOKS), release::OTHER_LICENSE);
    assert_eq!(
        license("books", "1,2,3.5,4\n1,3,10,5\n"),
        release::OTHER_LICENSE
    );
    assert_eq!(
        license("films", "1,2,3.5,4\n1,3,4,5\n"),
        release::UNKNOWN_LICENSE
    );
}

#[test]
fn packed_text_is_unpacked_whatever_it_is_called_and_a_cut_one_is_refused() {
    let body = BOOKS.repeat(20_000).into_bytes();
    let plain = read(std::str::from_utf8(&body).unwrap(), &Reading::default()).unwrap();
    let halves = body.split_at(body.len() / 2);
    for packed in [
        gzipped(&body),
        [gzipped(halves.0), gzipped(halves.1)].concat(),
        zstandard(&body),
        [
            zstandard(halves.0),
            b"\x50\x2a\x4d\x18\x03\0\0\0xyz".to_vec(),
            zstandard(halves.1),
        ]
        .concat(),
        gzipped(&zstandard(&body)),
    ] {
        let folder = Folder::with("ratings.csv", &packed);
        for path in [folder.path("ratings.csv"), folder.path("")] {
            let data = Dataset::load(&path, &Silent).unwrap();
            assert_eq!(data.ratings, plain.ratings);
        }
        let cut = Folder::with("ratings.csv", &packed[..packed.len() - 5]);
        let error = Dataset::load(&cut.path("ratings.csv"), &Silent).unwrap_err();
        assert!(error.to_string().contains("is cut or damaged"), "{error}");
        assert!(matches!(error, DataError::Input(_)));
    }
    let thrice = Folder::with("x", &gzipped(&gzipped(&gzipped(b"1,2,3"))));
    assert!(
        Dataset::load(&thrice.path("x"), &Silent)
            .unwrap_err()
            .to_string()
            .contains("packed more than twice")
    );
    let parquet = Folder::with("ratings.csv", &gzipped(b"PAR1xxxx"));
    assert!(
        Dataset::load(&parquet.path(""), &Silent)
            .unwrap_err()
            .to_string()
            .contains("is a Parquet file")
    );
}

#[test]
fn what_is_no_text_is_refused_by_its_name_with_the_way_on() {
    for (bytes, said) in [
        (&b"PAR1\x15\x04"[..], "ratings.csv is cut or damaged"),
        (b"SQLite format 3\0", "is an SQLite database"),
        (b"7z\xbc\xaf\x27\x1c", "unpack it first"),
        (
            b"\xff\xfeu\0",
            "is in UTF-16, not the text of ratings: save it as UTF-8",
        ),
    ] {
        let folder = Folder::with("ratings.csv", bytes);
        let error = Dataset::load(&folder.path("ratings.csv"), &Silent).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(matches!(error, DataError::Input(_)));
    }
    let folder = Folder::with("ratings.parquet", b"PAR1\x15");
    let error = Dataset::load(&folder.path(""), &Silent)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("ratings.parquet is cut or damaged"),
        "{error}"
    );
}

#[test]
fn files_by_other_names_are_found_in_folders_and_zips() {
    let whole = read(BOOKS, &Reading::default()).unwrap();
    for name in [
        "ml-1m.inter",
        "RATINGS.CSV",
        "ratings_small.csv",
        "BX-Book-Ratings.csv",
        "my_ratings.tsv",
        "ratings_Tiny.csv",
        "Rating.dat",
    ] {
        let folder = Folder::with(name, BOOKS.as_bytes());
        assert_eq!(
            Dataset::load(&folder.path(""), &Silent).unwrap().ratings,
            whole.ratings,
            "{name}"
        );
        let packed = Folder(tempfile::tempdir().unwrap());
        let mut zip = zip::ZipWriter::new(std::fs::File::create(packed.path("a.zip")).unwrap());
        zip.start_file(
            format!("data/{name}"),
            zip::write::SimpleFileOptions::default(),
        )
        .unwrap();
        zip.write_all(BOOKS.as_bytes()).unwrap();
        zip.finish().unwrap();
        assert_eq!(
            Dataset::load(&packed.path("a.zip"), &Silent)
                .unwrap()
                .ratings,
            whole.ratings,
            "{name}"
        );
    }
    let folder = Folder::with("a.inter", BOOKS.as_bytes());
    std::fs::write(folder.path("b.inter"), BOOKS).unwrap();
    let error = Dataset::load(&folder.path(""), &Silent)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("several files that may be the ratings: a.inter and b.inter"),
        "{error}"
    );
}

#[test]
fn lines_that_repeat_the_header_are_left_out_and_told() {
    let data = read(
        &format!("{BOOKS}{}", BOOKS.replace("AX", "AZ")),
        &Reading::default(),
    )
    .unwrap();
    assert_eq!(data.user_names.all(), ["AB", "AX", "AZ"]);
    assert!(
        told(&data).contains("1 line like the header was"),
        "{}",
        told(&data)
    );
}

#[test]
fn titles_that_cannot_be_read_block_no_ratings() {
    let folder = Folder::with("ratings.csv", BOOKS.as_bytes());
    std::fs::write(folder.path("movies.csv"), "no,titles\n").unwrap();
    let data = Dataset::load(&folder.path(""), &Silent).unwrap();
    assert_eq!(data.titles.title(1), "031");
    assert!(
        told(&data).contains("movies.csv, line 1"),
        "{}",
        told(&data)
    );
}

/// A pipe that gives its bytes once, whoever opens it.
#[cfg(unix)]
#[test]
fn a_pipe_is_opened_once_and_read_whole() {
    for bytes in [BOOKS.as_bytes().to_vec(), gzipped(BOOKS.as_bytes())] {
        let folder = Folder(tempfile::tempdir().unwrap());
        let path = folder.path("pipe");
        let made = std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        let writer = {
            let path = path.clone();
            std::thread::spawn(move || std::fs::write(path, bytes))
        };
        let data = Dataset::load(&path, &Silent).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(
            data.ratings,
            read(BOOKS, &Reading::default()).unwrap().ratings
        );
        assert_eq!(data.source, None);
    }
}

#[test]
fn a_zip_that_claims_much_is_read_by_what_it_holds() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let path = folder.path("a.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("ratings.csv", options).unwrap();
    zip.write_all(BOOKS.as_bytes()).unwrap();
    zip.start_file("movies.csv", options).unwrap();
    zip.write_all(b"movieId,title,genres\n1,").unwrap();
    for _ in 0..=source::MOST_TITLES >> 20 {
        zip.write_all(&[b'x'; 1 << 20]).unwrap();
    }
    zip.finish().unwrap();
    let data = Dataset::load(Path::new(&path), &Silent).unwrap();
    assert!(
        told(&data).contains("has more than 67108864 bytes"),
        "{}",
        told(&data)
    );
}

#[test]
fn one_line_over_and_over_packed_small_fills_no_memory() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let lines = b"1,2,3.5,1112486027\n".repeat(1 << 16);
    for _ in 0..80 {
        packed.write_all(&lines).unwrap();
    }
    let folder = Folder::with("ratings.csv", &packed.finish().unwrap());
    let error = Dataset::load(&folder.path("ratings.csv"), &Silent)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("unpacks to more than 100 times its size"),
        "{error}"
    );
}

#[test]
fn the_blocks_of_the_netflix_prize_are_read() {
    let data = read(
        "1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n17:\n822109,4,2005-01-01\n",
        &Reading::default(),
    )
    .unwrap();
    assert_eq!(data.ratings.movie_ids, [1, 17]);
    assert_eq!(data.ratings.user_ids, [822_109, 1_488_844]);
    assert_eq!(data.ratings.stars, [3.0, 5.0, 4.0]);
    let error = read(
        "1:\n1488844,3,2005-09-06\n17:\n9,x,2005-01-01\n",
        &Reading::default(),
    )
    .unwrap_err();
    assert!(
        error.contains("line 4: `17,9,x,2005-01-01`: the rating `x`"),
        "{error}"
    );
}

#[test]
fn marks_of_no_rating_and_slips_of_a_digit_are_told() {
    let data = read("1,1,0,1\n1,2,0,2\n1,3,8,3\n1,4,10,4\n", &Reading::default()).unwrap();
    let said = told(&data);
    assert!(said.contains("50 % of its ratings are 0: if that means that there is none, --scale 1..10 leaves them out"), "{said}");
    let mut text = String::from("1,1,50,1\n");
    for line in 0..3_000 {
        text += &format!("{line},2,{}.5,1\n", line % 5);
    }
    let said = told(&read(&text, &Reading::default()).unwrap());
    assert!(
        said.contains("Only 1 of its ratings is above 5, up to 50"),
        "{said}"
    );
}

#[test]
fn reviews_of_several_lines_are_read_and_lines_behind_them_keep_their_numbers() {
    let text = "user_id,item_id,review,stars\n1,7,\"Good.\n\nVery \"\"good\"\",\nreally\",\"4,5\"\n2,7,12\" single,\"2\"\n";
    let data = read(text, &Reading::default()).unwrap();
    assert_eq!(data.ratings.stars, [4.5, 2.0]);
    let error = read(&format!("{text}3,7,x\n"), &Reading::default()).unwrap_err();
    assert!(
        error.contains("line 7: `3,7,x`: it has 3 fields"),
        "{error}"
    );
    // What is never closed is told where it begins.
    let error = read(&format!("{text}3,7,\"x,4\n5,6,y,4\n"), &Reading::default()).unwrap_err();
    assert!(
        error.contains("line 7: ") && error.contains("a quote isn't closed"),
        "{error}"
    );
}
