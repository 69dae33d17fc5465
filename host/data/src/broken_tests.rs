//! Damaged files of every form: reading ends with ratings that hang together or with a sentence that names the file.

use std::io::Write;
use std::path::Path;

use proptest::prelude::*;

use crate::asked::{Asked, Wanted};
use crate::damage::{Damage, damaged, is_sentence, no_memory_is_claimed, some};
use crate::own::{Links, Own};
use crate::reading::Reading;
use crate::sides::{self, Side, Whose};
use crate::{DataError, Dataset, Silent, known, movies};

const CSV: &str = "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n1,29,4.0,1112484676\n7,2,1.0,851866703\n\
    7,31,0.5,851866704\n9,29,5.0,1260759144\n9,31,2.5,1260759179\n12,2,3.0,1260759182\n12,1000,4.5,1260759185\n";
const MOVIES: &str = "movieId,title,genres\n2,Jumanji (1995),Adventure|Children|Fantasy\n\
    29,\"City of Lost Children, The (1995)\",Adventure|Drama\n31,Dangerous Minds (1995),Drama\n";
const BLOCKS: &str = "1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n885013,4,2005-10-19\n17:\n822109,4,2005-01-01\n\
    30878,4,2005-12-26\n";
const NAMES: &str = "reviewerID,asin,overall,unixReviewTime\nAX,B00X,8,1112486027\nAX,B00Y,10,1112484676\n\
    AB,B00X,1,851866703\n\"A \"\"quoted\"\" one\",031,2,851866704\n";

const JSON_LINES: &str = "{\"reviewerID\":\"AX\",\"asin\":\"B00X\",\"overall\":8,\"unixReviewTime\":1112486027}\n\
    {\"reviewerID\":\"A \\\"q\\\"\",\"asin\":\"B00Y\",\"overall\":1.5,\"x\":[{\"y\":null}]}\n\
    {\"reviewerID\":7,\"asin\":\"B00X\",\"overall\":2,\"unixReviewTime\":851866703}\n";

/// The same in an array.
fn array() -> Vec<u8> {
    let objects: Vec<&str> = JSON_LINES.lines().collect();
    format!("[\n{}\n]\n", objects.join(",\n")).into_bytes()
}

fn with(separator: &str) -> Vec<u8> {
    let lines = CSV.lines().skip(1);
    let lines = lines.map(|line| line.replace(',', separator) + "\n");
    lines.collect::<String>().into_bytes()
}

fn gzip() -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(CSV.as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn zip() -> Vec<u8> {
    crate::zipped::zip_of(&[("ml/ratings.csv", CSV), ("ml/movies.csv", MOVIES)])
}

/// Files of ratings, and whether a checksum says that they are whole.
fn files() -> Vec<(&'static str, Vec<u8>, bool)> {
    let plain = |text: &str| text.as_bytes().to_vec();
    let zstandard = ruzstd::encoding::compress_to_vec(
        CSV.as_bytes(),
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    vec![
        ("ratings.csv", plain(CSV), false),
        ("ratings.dat", with("::"), false),
        ("u.data", with("\t"), false),
        ("combined_data_1.txt", plain(BLOCKS), false),
        ("books.csv", plain(NAMES), false),
        ("books.jsonl", plain(JSON_LINES), false),
        ("books.json", array(), false),
        ("ratings.csv.gz", gzip(), true),
        ("ml.zip", zip(), true),
        ("ratings.csv.zst", zstandard, false),
        (
            "a.parquet",
            include_bytes!("parquet/gzip.parquet").to_vec(),
            false,
        ),
        (
            "b.parquet",
            include_bytes!("parquet/zstd.parquet").to_vec(),
            false,
        ),
        ("c.parquet", crate::parquet::tests::snappy(), false),
    ]
}

/// What is read, which hangs together.
fn read(path: &Path) -> Result<Dataset, String> {
    let data =
        Dataset::load_as(path, &Reading::default(), &Silent).map_err(|error| error.to_string())?;
    let ratings = &data.ratings;
    let count = ratings.users.len();
    assert!(count > 0);
    assert_eq!(
        [
            ratings.movies.len(),
            ratings.stars.len(),
            ratings.times.len()
        ],
        [count; 3]
    );
    for (ids, rows) in [
        (&ratings.user_ids, &ratings.users),
        (&ratings.movie_ids, &ratings.movies),
    ] {
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(rows.iter().all(|row| (*row as usize) < ids.len()));
    }
    let within = data.scale.min..=data.scale.max;
    assert!(ratings.stars.iter().all(|stars| within.contains(stars)));
    Ok(data)
}

/// Reads damaged ratings; packed ones with a checksum are the whole ones or none.
fn ratings(damages: &[Damage]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, whole, is_checked) in files() {
        let path = folder.path().join(name);
        std::fs::write(&path, damaged(&whole, damages)).unwrap();
        match read(&path) {
            Ok(data) if is_checked => {
                std::fs::write(&path, &whole).unwrap();
                assert_eq!(data.ratings, read(&path).unwrap().ratings, "{name}");
            }
            Ok(_) => {}
            Err(sentence) => is_sentence(&sentence, name),
        }
    }
}

/// Titles that can't be read leave the ratings as they are.
fn titles(damages: &[Damage]) {
    let folder = tempfile::tempdir().unwrap();
    let (ratings, movies) = (
        folder.path().join("ratings.csv"),
        folder.path().join("movies.csv"),
    );
    std::fs::write(&ratings, CSV).unwrap();
    std::fs::write(&movies, damaged(MOVIES.as_bytes(), damages)).unwrap();
    let data = read(&ratings).unwrap();
    assert_eq!(data.ratings.len(), CSV.lines().count() - 1);
    for note in &data.notes {
        is_sentence(&note.to_string(), "");
    }
}

/// Titles in the forms of older releases.
const LISTS: [(&str, &str); 2] = [
    (
        "movies.dat",
        "1::Toy Story (1995)::Animation|Children's|Comedy\n2::Jumanji (1995)::Adventure\n",
    ),
    (
        "u.item",
        "1|Toy Story (1995)|01-Jan-1995||http://u/1|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n\
        2|GoldenEye (1995)|01-Jan-1995||http://u/2|0|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0|1|0|0\n",
    ),
];

const LINKS: &str = "movieId,imdbId,tmdbId\n1,0114709,862\n318,0111161,278\n2571,0133093,\n";

fn lists(damages: &[Damage]) {
    for (name, whole) in LISTS {
        let bytes = damaged(whole.as_bytes(), damages);
        match movies::read(&bytes, Path::new(name), &movies::number) {
            Ok(listed) => {
                let movies = listed.titles.movies();
                assert!(movies.iter().all(|movie| !movie.title.contains('\n')));
                for note in &listed.notes {
                    is_sentence(note, name);
                }
            }
            Err(error) => is_sentence(&error.to_string(), name),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.csv");
    std::fs::write(&path, damaged(LINKS.as_bytes(), damages)).unwrap();
    if let Err(sentence) = Links::read(&path) {
        is_sentence(&sentence, "links.csv");
    }
}

/// Tables that are asked about: pairs for predictions, and a movie's ratings.
const PAIRS: &str = "userId,movieId,rating\n1,2,3.5\n7,29,\"4\"\n1,31,5\n";

/// Reads two columns to their end.
fn asked(path: &Path, wanted: [Wanted; 2]) -> Result<usize, String> {
    let told = |error: DataError| error.to_string();
    let mut asked = Asked::open(path, &wanted).map_err(told)?;
    let mut rows = 0;
    while let Some(batch) = asked.next_batch().map_err(told)? {
        let lengths: Vec<usize> = batch.columns.iter().map(Vec::len).collect();
        assert_eq!(lengths, [lengths[0]; 2]);
        assert!(lengths[0] > 0, "a batch holds something");
        rows += lengths[0];
    }
    Ok(rows)
}

fn pairs(path: &Path) -> Result<usize, String> {
    let wanted = [("user", known::USERS), ("movie", known::MOVIES)];
    asked(path, wanted.map(|(what, names)| Wanted::new(what, names)))
}

fn tables(damages: &[Damage]) {
    let folder = tempfile::tempdir().unwrap();
    let parquet = include_bytes!("parquet/zstd.parquet");
    for (name, whole) in [("pairs.csv", PAIRS.as_bytes()), ("a.parquet", parquet)] {
        let path = folder.path().join(name);
        std::fs::write(&path, damaged(whole, damages)).unwrap();
        if let Err(sentence) = pairs(&path) {
            is_sentence(&sentence, name);
        }
        let wanted = [("user", known::USERS), ("rating", known::RATINGS)];
        let wanted = wanted.map(|(what, names)| Wanted::new(what, names));
        if let Err(sentence) = asked(&path, wanted) {
            is_sentence(&sentence, name);
        }
    }
}

/// A person's own ratings, of each form.
const OWN: [(&str, &str); 4] = [
    (
        "letterboxd.csv",
        "Date,Name,Year,Letterboxd URI,Rating\n2021-03-05,The Matrix,1999,https://boxd.it/2a,4.5\n\
        2021-03-04,The Shawshank Redemption,1994,https://boxd.it/1a,5\n",
    ),
    (
        "imdb.csv",
        "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres\n\
        tt0111161,10,2019-01-01,The Shawshank Redemption,The Shawshank Redemption,u,Movie,9.3,142,1994,Drama\n",
    ),
    (
        "trakt.json",
        r#"[{"rated_at":"2020-01-02T00:00:00.000Z","rating":9,"type":"movie",
        "movie":{"title":"The Matrix","year":1999,"ids":{"trakt":481,"imdb":"tt0133093","tmdb":603}}}]"#,
    ),
    ("mine.csv", "318,5\n2571,4.5\n1,3\n"),
];

fn own(damages: &[Damage]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, whole) in OWN {
        let path = folder.path().join(name);
        std::fs::write(&path, damaged(whole.as_bytes(), damages)).unwrap();
        match Own::read(&path) {
            Ok(own) => assert!(own.ratings.iter().all(|rating| rating.stars.is_finite())),
            Err(error) => is_sentence(&error.to_string(), name),
        }
    }
}

/// Tables of users and of movies, of each form.
const SIDES: [(&str, Whose, &str); 4] = [
    (
        "u.user",
        Whose::Users,
        "1|24|M|writer|85711\n2|24|F|writer|94043\n7|53|M|other|32067\n9|53|F|other|15213\n",
    ),
    (
        "users.dat",
        Whose::Users,
        "1::M::24::10::48067\n2::F::24::10::70072\n7::M::53::1::55117\n9::F::53::1::02460\n",
    ),
    (
        "people.csv",
        Whose::Users,
        "userId,age,\"what, they do\"\n1,24,writer\n2,24,\"writer\"\n7,53,other\n9,53,other\n",
    ),
    (
        "tags.csv",
        Whose::Movies,
        "userId,movieId,tag,timestamp\n1,2,fun|old,1445714994\n7,29,fun,1445714996\n9,31,old,1445714992\n",
    ),
];

fn side(name: &str, whose: Whose, bytes: &[u8]) -> Result<Side, String> {
    let id = |text: &str| text.parse().ok();
    let read = sides::of_bytes(bytes, Path::new(name), whose, &id, &|_| true);
    read.map_err(|error| error.to_string())
}

fn sides(damages: &[Damage]) {
    for (name, whose, whole) in SIDES {
        match side(name, whose, &damaged(whole.as_bytes(), damages)) {
            Ok(side) => assert!(side.labels.is_sorted()),
            Err(sentence) => is_sentence(&sentence, name),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn damaged_ratings_and_titles_are_read_or_refused_in_a_sentence(damages in some()) {
        ratings(&damages);
        titles(&damages);
        own(&damages);
        sides(&damages);
        lists(&damages);
        tables(&damages);
        no_memory_is_claimed();
    }
}

#[test]
fn files_that_are_whole_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for (name, whole, _) in files() {
        let path = folder.path().join(name);
        std::fs::write(&path, &whole).unwrap();
        assert!(!read(&path).unwrap().ratings.is_empty(), "{name}");
    }
    for (name, whole) in LISTS {
        let listed = movies::read(whole.as_bytes(), Path::new(name), &movies::number).unwrap();
        assert_eq!(listed.titles.movies().len(), 2, "{name}");
    }
    let path = folder.path().join("links.csv");
    std::fs::write(&path, LINKS).unwrap();
    assert_eq!(Links::read(&path).unwrap().find(None, Some(862)), Some(1));
    let path = folder.path().join("pairs.csv");
    std::fs::write(&path, PAIRS).unwrap();
    assert_eq!(pairs(&path), Ok(3));
    for (name, whole) in OWN {
        let path = folder.path().join(name);
        std::fs::write(&path, whole).unwrap();
        assert!(!Own::read(&path).unwrap().ratings.is_empty(), "{name}");
    }
    for (name, whose, whole) in SIDES {
        let side = side(name, whose, whole.as_bytes()).unwrap();
        assert!(!side.labels.is_empty(), "{name}");
    }
}
