use super::*;
use crate::builtin;

fn read(name: &str, text: &str) -> Result<Own, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    Own::read(&path).map_err(|error| error.to_string())
}

/// Line, movie and stars of what is found among the built-in titles.
fn met(text: &str) -> (Origin, Vec<(u64, u32, f32)>, Vec<String>) {
    let mut own = read("mine.csv", text).unwrap();
    own.sort();
    let titles = builtin::load().titles;
    let (met, missed) = Films::new(&titles, Links::default()).meet(&own);
    let met = met.iter().map(|met| (met.line, met.movie, met.stars));
    let missed = missed.iter().map(|missed| missed.film.clone());
    (own.origin, met.collect(), missed.collect())
}

#[test]
fn ratings_are_taken_from_where_people_have_them() {
    let missed = vec!["Nowhere at All (1999)".to_owned()];
    let both = |origin, a, b| (origin, vec![a, b], missed.clone());
    assert_eq!(
        met("movie_id,imdb_id,tmdb_id,rating,average_rating,title\n\
             318,0111161,278,5.0,4.4,\"Shawshank Redemption, The (1994)\"\n\
             2571,0133093,603,4.5,4.1,\"Matrix, The (1999)\"\n"),
        (Origin::Ids, vec![(2, 318, 5.0), (3, 2571, 4.5)], vec![])
    );
    assert_eq!(
        met("Date,Name,Year,Letterboxd URI,Rating\n\
             2021-03-05,The Matrix,1999,https://boxd.it/2a,4.5\n\
             2021-03-04,The Shawshank Redemption,1994,https://boxd.it/1a,5\n\
             2021-03-04,Nowhere at All,1999,https://boxd.it/3a,1\n"),
        both(Origin::Letterboxd, (3, 318, 5.0), (2, 2571, 4.5))
    );
    assert_eq!(
        met(
            "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres\n\
             tt0111161,10,2019-01-01,The Shawshank Redemption,The Shawshank Redemption,u,Movie,9.3,142,1994,Drama\n\
             tt0133093,9,2020-01-01,The Matrix,The Matrix,u,movie,8.7,136,1999,Action\n\
             tt0903747,10,2020-01-01,Breaking Bad,Breaking Bad,u,TV Series,9.5,49,2008,Crime\n\
             tt0,3,2020-01-01,Nowhere at All,Nowhere at All,u,Movie,1,1,1999,Drama\n"
        ),
        both(Origin::Imdb, (2, 318, 10.0), (3, 2571, 9.0))
    );
    assert_eq!(
        met(
            r#"[{"rated_at":"2020-01-02T00:00:00.000Z","rating":9,"type":"movie",
                 "movie":{"title":"The Matrix","year":1999,"ids":{"trakt":481,"imdb":"tt0133093","tmdb":603}}},
                {"rated_at":"2020-01-01T00:00:00.000Z","rating":10,"type":"movie",
                 "movie":{"title":"The Shawshank Redemption","year":1994,"ids":{}}},
                {"rating":10,"rated_at":"2020-01-01","type":"show","show":{"title":"Lost"}},
                {"rated_at":"2020-01-01T00:00:00.000Z","rating":2,"movie":{"title":"Nowhere at All","year":1999}}]"#
        ),
        both(Origin::Trakt, (2, 318, 10.0), (1, 2571, 9.0))
    );
    assert_eq!(
        met(
            "rated_at,type,title,year,trakt_rating,imdb_id\n2020-01-01,movie,The Matrix,1999,9,tt0133093\n"
        ),
        (Origin::Trakt, vec![(2, 2571, 9.0)], vec![])
    );
    assert_eq!(
        met("Title;Year;Rating\nThe Matrix;1999;4,5\n"),
        (Origin::Other, vec![(2, 2571, 4.5)], vec![])
    );
}

#[test]
fn columns_are_found_by_their_header_and_no_first_rating_is_lost_without_one() {
    let plain = |text: &str| {
        let own = read("mine.csv", text)?;
        let ratings = own.ratings.iter();
        Ok::<_, String>(
            ratings
                .map(|rating| (rating.line, rating.film.id.unwrap(), rating.stars))
                .collect::<Vec<_>>(),
        )
    };
    let both = Ok(vec![(2, 1, 4.5), (3, 7, 3.0)]);
    assert_eq!(plain("movieId,rating\n1,4.5\n7,3\n"), both);
    assert_eq!(plain("movie_id,rating\n1,4.5\n7,3\n"), both);
    assert_eq!(plain("\u{feff}movieId,rating\r\n1,4.5\r\n7,3\r\n"), both);
    let release = "userId,movieId,rating,timestamp\n9,1,4.5,0\n9,7,3,0\n";
    assert_eq!(plain(release), both);
    assert_eq!(plain("1,4.5\n7,3\n"), Ok(vec![(1, 1, 4.5), (2, 7, 3.0)]));
    assert_eq!(plain(""), Ok(vec![]));
}

#[test]
fn a_line_that_is_no_rating_is_refused_by_its_number() {
    for (text, said) in [
        ("movieId,rating\n1,4.5\n\n1,nan\n", "line 4 should be"),
        ("movieId,rating\r\n1,4.5\r\n1,nan\r\n", "line 3 should be"),
        ("movieId,rating\n1\n", "line 2 should be"),
        ("movieId,rating\n-1,3\n", "line 2 should be"),
        ("9,1,4.5,0\n", "line 1 should be a header"),
        ("films,points\n1,4\n", "line 1 should be a header"),
        ("Name,Year,Rating\nAlien,1979,good\n", "line 2 should have"),
        ("[{\"rating\":8}]", "entry 1 should have"),
        ("[{\"rating\":8", "isn't whole JSON"),
        ("{\"a\":1}", "should hold a list"),
    ] {
        let error = read("mine.csv", text).unwrap_err();
        assert!(error.contains(said), "{text:?}: {error}");
    }
}

#[test]
fn people_are_told_apart_and_time_puts_the_latest_last() {
    let text = "userId,movieId,rating,timestamp\n2,318,1,5\n1,2571,4.5,3\n1,318,5,2\n1,296,3,4\n1,318,2,9\n";
    let mut own = read("mine.csv", text).unwrap();
    assert_eq!(own.users(), [("2", 1), ("1", 4)]);
    own.only("1");
    own.sort();
    let titles = builtin::load().titles;
    let (met, _) = Films::new(&titles, Links::default()).meet(&own);
    let movies: Vec<(u32, f32)> = met.iter().map(|met| (met.movie, met.stars)).collect();
    assert_eq!(movies, [(2571, 4.5), (296, 3.0), (318, 2.0)]);
}

#[test]
fn ids_of_other_sites_find_movies_whose_titles_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("links.csv");
    std::fs::write(
        &path,
        "movieId,imdbId,tmdbId\r\n318,0111161,278\r\n2571,0133093,603\r\n",
    )
    .unwrap();
    let links = Links::read(&path).unwrap();
    let own = read(
        "mine.csv",
        "Const,Your Rating,Title,Year\ntt0111161,10,Die Verurteilten,1994\n",
    );
    let titles = builtin::load().titles;
    let (met, missed) = Films::new(&titles, links).meet(&own.unwrap());
    assert_eq!((met[0].movie, missed.len()), (318, 0));
    std::fs::write(&path, "a,b\n").unwrap();
    assert!(
        Links::read(&path)
            .unwrap_err()
            .contains("line 1: the header")
    );
}

#[test]
fn scales_are_converted_to_the_models() {
    let imdb = read("mine.csv", "Const,Your Rating,Title\ntt1,7,A\n").unwrap();
    assert_eq!(imdb.scale(5.0), Some((0.5, 10.0)));
    assert_eq!(imdb.scale(10.0), None);
    let ids = read("mine.csv", "movieId,rating\n1,7\n").unwrap();
    assert_eq!(ids.scale(5.0), None);
    let other = read("mine.csv", "Title,Rating\nA,70\nB,30\n").unwrap();
    assert_eq!(other.scale(5.0), Some((0.05, 100.0)));
}

#[test]
fn ratings_of_which_only_some_say_when_stay_in_the_files_order_and_a_note_says_so() {
    let sorted = |text: &str| {
        let mut own = read("mine.csv", text).unwrap();
        own.sort();
        let lines: Vec<u64> = own.ratings.iter().map(|rating| rating.line).collect();
        (lines, own.notes)
    };
    let whole = "movieId,rating,timestamp\n1,4,30\n2,5,10\n3,3,20\n";
    assert_eq!(sorted(whole), (vec![3, 4, 2], vec![]));
    assert_eq!(sorted("movieId,rating\n1,4\n2,5\n"), (vec![2, 3], vec![]));
    for (times, said) in [
        (
            ["30", "", "20"],
            "1 of 3 ratings doesn't say when, the first in line 3",
        ),
        (
            ["", "yesterday", "20"],
            "2 of 3 ratings don't say when, the first in line 2",
        ),
    ] {
        let lines = (1..)
            .zip(times)
            .map(|(id, time)| format!("{id},4,{time}\n"));
        let text = format!("movieId,rating,timestamp\n{}", lines.collect::<String>());
        let (lines, notes) = sorted(&text);
        assert_eq!(lines, [2, 3, 4]);
        assert_eq!(
            notes,
            [format!("{said}: all are taken in the file's order")]
        );
    }
}
