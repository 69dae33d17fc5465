//! Titles beside ratings: a help, and no more.

use std::path::Path;

use super::reading::TitlesFrom;
use super::{Dataset, Reading, Silent};

const RATINGS: &str = "userId,movieId,rating,timestamp\n1,1,4.0,9\n1,2,3.0,8\n2,1,5.0,7\n";

fn folder(titles: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ratings.csv"), RATINGS).unwrap();
    std::fs::write(folder.path().join("movies.csv"), titles).unwrap();
    folder
}

fn read(folder: &Path, titles: Option<TitlesFrom>) -> Result<(Dataset, Vec<String>), String> {
    let reading = Reading {
        titles,
        ..Reading::default()
    };
    let data = Dataset::load_as(folder, &reading, &Silent).map_err(|error| error.to_string())?;
    let told = data.notes.iter().map(ToString::to_string).collect();
    Ok((data, told))
}

#[test]
fn titles_that_cannot_be_read_block_no_ratings_and_are_told_with_file_and_line() {
    for (titles, said) in [
        (
            &b"Rank;Title;Year\n1;Some film;1999\n"[..],
            "line 1: `Rank;Title;Year`",
        ),
        (b"movieId,title,genres\nx,y,z\n", "line 2: `x,y,z`"),
        (b"", "line 1"),
        (b"\x00\x01\xff", "line 1"),
        (
            b"movieId,title,genres\n77,Other,\n",
            "no movie that was rated is in",
        ),
    ] {
        let place = folder(titles);
        let (data, told) = read(place.path(), None).unwrap();
        assert_eq!(data.ratings.len(), 3);
        assert!(data.titles.is_empty());
        let [note] = &told[..] else {
            panic!("{told:?}")
        };
        assert!(note.contains("movies.csv") && note.contains(said), "{note}");
    }
}

#[test]
fn titles_are_taken_from_where_a_person_says_or_from_nowhere() {
    let place = folder(b"movieId,title,genres\n1,Beside,\n2,Other,\n");
    let (data, told) = read(place.path(), None).unwrap();
    assert_eq!((data.titles.title(1), told.len()), ("Beside".into(), 0));
    let (data, told) = read(place.path(), Some(TitlesFrom::Nowhere)).unwrap();
    assert_eq!((data.titles.is_empty(), told.len()), (true, 0));
    let elsewhere = place.path().join("elsewhere.tsv");
    std::fs::write(&elsewhere, "name\tid\nElsewhere\t1\n").unwrap();
    let from = Some(TitlesFrom::File(elsewhere.clone()));
    let (data, told) = read(place.path(), from).unwrap();
    assert_eq!(data.titles.title(1), "Elsewhere");
    assert!(
        told[0].contains("1 of 2 rated movies have no title"),
        "{told:?}"
    );
    // What is asked for by name has to be there.
    std::fs::write(&elsewhere, "nothing\n").unwrap();
    for path in [elsewhere, place.path().join("gone.csv")] {
        let error = read(place.path(), Some(TitlesFrom::File(path.clone()))).unwrap_err();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn titles_are_found_by_names_where_ids_are_names() {
    let place = folder(b"id,title\ntt2,Two\ntt1,One\n");
    let ratings = RATINGS.replace(",1,", ",tt1,").replace(",2,", ",tt2,");
    std::fs::write(place.path().join("ratings.csv"), ratings).unwrap();
    let (data, _) = read(place.path(), None).unwrap();
    let id = data.movie_names.id("tt2").unwrap();
    assert_eq!(data.titles.title(id), "Two");
}
