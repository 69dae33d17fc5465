//! Whole files through [`Dataset::load`], in every form.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &[u8])]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for (name, bytes) in files {
            let path = folder.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn load(path: PathBuf) -> Result<Dataset, String> {
    Dataset::load(&path, &Silent).map_err(|error| error.to_string())
}

/// User 1 rated movies 2 and 29, user 7 rated movie 2 twice; the last is the latest.
const CSV: &str = "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n1,29,4.0,1112484676\n7,2,1.0,851866703\n\
    7,2,5.0,851866704\n";

fn check(data: &Dataset) {
    let ratings = &data.ratings;
    assert_eq!(
        (ratings.user_ids.as_slice(), ratings.movie_ids.as_slice()),
        (&[1, 7][..], &[2, 29][..])
    );
    assert_eq!(
        (ratings.users.as_slice(), ratings.movies.as_slice()),
        (&[0, 0, 1][..], &[0, 1, 0][..])
    );
    assert_eq!(ratings.stars, [3.5, 4.0, 5.0]);
    assert_eq!(ratings.times, [1_112_486_027, 1_112_484_676, 851_866_704]);
}

#[test]
fn every_form_of_a_ratings_file_reads_as_the_same_ratings() {
    let body = CSV.split_once('\n').unwrap().1;
    let kaggle = "\"userId\",\"movieId\",\"rating\",\"timestamp\"\n1,2,3.5,2005-04-02 23:53:47\n\
        1,29,4,2005-04-02 23:31:16\n7,2,1,1996-12-29 13:38:23\n7,2,5,1996-12-29 13:38:24\n";
    let with_y = CSV
        .replace("timestamp\n", "timestamp,y\n")
        .replace("7\n", "7,0.1\n")
        .replace("6\n", "6,-0.2\n");
    let with_y = with_y
        .replace("03\n", "03,0\n")
        .replace("04\n", "04,1e-3\n");
    let unsorted = {
        let mut lines: Vec<&str> = body.lines().collect();
        lines.swap(2, 3);
        format!("userId,movieId,rating,timestamp\n{}\n", lines.join("\n"))
    };
    for (name, text) in [
        ("ratings.csv", CSV.to_owned()),
        ("ratings.csv", CSV.replace('\n', "\r\n")),
        ("ratings.csv", CSV.replace("4.0", "4").replace("5.0", "5")),
        ("ratings.csv", format!("\u{feff}{CSV}")),
        ("ratings.csv", CSV.trim_end().to_owned()),
        (
            "ratings.csv",
            CSV.replace('\n', "\r\n").trim_end().to_owned(),
        ),
        ("ratings.csv", format!("{CSV}\n\n")),
        ("ratings.csv", body.to_owned()),
        ("ratings.csv", format!("\u{feff}{body}")),
        ("ratings.csv", with_y),
        ("ratings.csv", unsorted),
        ("rating.csv", kaggle.to_owned()),
        ("rating.csv", kaggle.replace('\n', "\r\n")),
        ("ratings.dat", body.replace(',', "::").replace(".0", "")),
        (
            "ratings.dat",
            body.replace(',', "::")
                .replace(".0", "")
                .replace('\n', "\r\n"),
        ),
        ("u.data", body.replace(',', "\t")),
        ("u.data", body.replace(',', "\t").trim_end().to_owned()),
        ("anything.txt", body.replace(',', "\t")),
    ] {
        let folder = Folder::new(&[(name, text.as_bytes())]);
        check(&load(folder.path(name)).unwrap_or_else(|error| panic!("{text:?}: {error}")));
        if name != "anything.txt" {
            check(&load(folder.path("")).unwrap_or_else(|error| panic!("{text:?}: {error}")));
        }
    }
}

#[test]
fn a_bad_or_cut_line_is_named_by_file_line_and_text() {
    for (text, said) in [
        (
            format!("{CSV}9,9,9\n"),
            "ratings.csv, line 6: `9,9,9`: it has 3 fields; a line should be `user,movie",
        ),
        (
            format!("{CSV}9,9,4.5"),
            "line 6: `9,9,4.5`: it has 3 fields",
        ),
        (
            format!("{CSV}9,9,4.5,11124"),
            "line 6: `9,9,4.5,11124`: the timestamp `11124` is before 1990",
        ),
        (
            format!("{CSV}\n\n9,9,x,1112486027\n1,1\n"),
            "line 8: `9,9,x,1112486027`: the rating `x` should be a number",
        ),
        (
            "userId,movieId,rating,timestamp\n".into(),
            "holds no ratings, only a header",
        ),
        (
            "userId,movieId,rating,timestamp".into(),
            "holds no ratings, only a header",
        ),
        (String::new(), "ratings.csv is empty"),
        ("\u{feff}".into(), "ratings.csv is empty"),
        (
            "hello\n".into(),
            "line 1: `hello`: a ratings file has user, movie and rating",
        ),
        (
            "movieId,rating\n".into(),
            "line 1: `movieId,rating`: it has no column that is known to be the user",
        ),
        (
            "1,2,3,4\n4.5,2,x,4\n".into(),
            "line 2: `4.5,2,x,4`: the rating `x` should be a number of stars, such as 4, 4.0 or 3.5; without a header such \
             as `userId,movieId,rating,timestamp` the fields are user, movie, rating and timestamp, in that order",
        ),
        (
            "1,2,3,4\n\u{7},2,3,4\n".into(),
            "line 2: `\\u{7},2,3,4`: the user id",
        ),
    ] {
        let folder = Folder::new(&[("ratings.csv", text.as_bytes())]);
        let error = load(folder.path("ratings.csv")).unwrap_err();
        assert!(error.contains(said), "{text:?} gave {error}");
    }
}

#[test]
fn a_bad_line_deep_in_a_long_file_has_its_own_number_and_the_first_wins() {
    let mut text = String::from("userId,movieId,rating,timestamp\n");
    for line in 2..200_000 {
        match line {
            150_000 => text.push_str("150000,1,x,1112486027\n"),
            150_001 | 180_000 => text.push_str("no rating at all\n"),
            _ => text.push_str(&format!("{line},{},3.5,1112486027\n", line % 977)),
        }
    }
    let folder = Folder::new(&[("ratings.csv", text.as_bytes())]);
    let error = load(folder.path("ratings.csv")).unwrap_err();
    assert!(
        error.contains("line 150000: `150000,1,x,1112486027`: the rating `x`"),
        "{error}"
    );
}

#[test]
fn a_long_file_reads_the_same_on_any_number_of_threads() {
    let mut text = String::from("userId,movieId,rating,timestamp\n");
    for i in 0u32..150_000 {
        let (user, movie) = (
            i / 300 + 1,
            pocketrec_base::random::hash(u64::from(i)) % 5000,
        );
        text.push_str(&format!(
            "{user},{movie},{}.5,{}\r\n",
            i % 5,
            1_000_000_000 + i
        ));
    }
    let read = |threads| {
        let path = Path::new("ratings.csv");
        let (size, reading) = (text.len() as u64, Reading::default());
        let columns =
            columns::read(text.as_bytes(), size, path, &reading, threads, &|| ()).unwrap();
        rows::dense(columns, threads)
    };
    let one = read(1);
    assert_eq!(one.ratings.len() + one.dropped, 150_000);
    assert!(one.dropped > 0);
    assert_eq!(one, read(2));
    assert_eq!(one, read(5));
}

#[test]
fn titles_beside_the_ratings_are_read_with_them() {
    let movies = b"movieId,title,genres\n2,Jumanji (1995),Adventure\n".as_slice();
    let folder = Folder::new(&[
        ("ml/ratings.csv", CSV.as_bytes()),
        ("ml/movies.csv", movies),
    ]);
    for path in [
        folder.path("ml"),
        folder.path("ml/ratings.csv"),
        folder.path(""),
    ] {
        let data = load(path).unwrap();
        assert_eq!(data.titles.title(2), "Jumanji (1995)");
        assert_eq!(data.titles.title(29), "movie 29");
    }
    assert_eq!(load(folder.path("ml")).unwrap().name, "ml");
}

#[test]
fn a_zip_is_read_as_the_folder_in_it() {
    let folder = Folder::new(&[]);
    let path = folder.path("ml-tiny.zip");
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in [
        ("__MACOSX/ratings.csv", "junk"),
        (
            "ml-tiny/movies.csv",
            "movieId,title,genres\n2,Jumanji (1995),Adventure\n",
        ),
        ("ml-tiny/ratings.csv", CSV),
        ("ml-tiny/old/ratings.csv", "junk"),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let data = load(path.clone()).unwrap();
    check(&data);
    assert_eq!(data.titles.title(2), "Jumanji (1995)");

    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(load(path).unwrap_err().contains("is no whole zip file"));
}

#[test]
fn a_path_without_ratings_says_what_would_be_right() {
    let folder = Folder::new(&[
        ("a/readme.txt", b""),
        ("b/ratings.csv", CSV.as_bytes()),
        ("c/u.data", b""),
    ]);
    for (path, said) in [
        ("nowhere", "there is no"),
        (
            "a",
            "a known name, such as ratings.csv, ratings.dat, u.data: it has readme.txt; --data may name the file",
        ),
        ("", "holds several data sets"),
    ] {
        let error = load(folder.path(path)).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let name = format!("ml/ra\nings{}.csv", "x".repeat(1000));
    let zip = crate::zipped::zip_of(&[(&name, CSV)]);
    let folder = Folder::new(&[("ml.zip", &zip)]);
    let error = load(folder.path("ml.zip")).unwrap_err();
    assert!(
        error.contains("it has ml/ra\\ningsxxx") && error.len() < 400,
        "{error}"
    );
}

#[test]
fn the_fingerprint_is_of_the_content_and_not_of_its_order() {
    let mut lines: Vec<&str> = CSV.lines().collect();
    let read = |lines: &[&str]| {
        let text = lines.join("\n");
        let folder = Folder::new(&[("ratings.csv", text.as_bytes())]);
        load(folder.path("ratings.csv")).unwrap().fingerprint
    };
    let first = read(&lines);
    lines.swap(1, 3);
    assert_eq!(read(&lines), first);
    lines[1] = "7,2,1.5,951866703";
    assert_ne!(read(&lines), first);
}

#[test]
fn a_second_start_reads_the_cache_until_the_source_changes() {
    struct Count(std::sync::atomic::AtomicU64);
    impl LoadProgress for Count {
        fn bytes(&self, read: u64, _: u64) {
            self.0.fetch_max(read, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let folder = Folder::new(&[("ml/ratings.csv", CSV.as_bytes())]);
    let cache = folder.path("out/ratings.cache");
    let start = || {
        let count = Count(Default::default());
        let source = source::Source::find(&folder.path("ml")).unwrap();
        let data = source
            .load(&Reading::default(), Some(&cache), &count)
            .unwrap();
        (data, count.0.into_inner())
    };
    let (parsed, read) = start();
    assert_eq!(read, CSV.len() as u64);
    let (kept, read) = start();
    assert_eq!(read, 0);
    check(&kept);
    assert_eq!(kept.notes, parsed.notes);
    assert_eq!(
        (kept.fingerprint, kept.scale),
        (parsed.fingerprint, parsed.scale)
    );

    std::fs::write(folder.path("ml/ratings.csv"), CSV.replace("4.0", "4.5")).unwrap();
    let (changed, read) = start();
    assert!(read > 0);
    assert_eq!(changed.ratings.stars, [3.5, 4.5, 5.0]);
    std::fs::write(&cache, b"junk").unwrap();
    assert_eq!(start().0.ratings, changed.ratings);
}
