use super::*;

fn listed(bytes: &[u8]) -> Result<Listed, String> {
    read(bytes, Path::new("movies.csv"), &number).map_err(|error| error.to_string())
}

fn titles(bytes: &[u8]) -> Vec<(u32, String, String)> {
    let listed = listed(bytes).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(listed.notes, [""; 0]);
    rows(&listed.titles)
}

fn rows(titles: &Titles) -> Vec<(u32, String, String)> {
    let movies = titles.movies().iter();
    movies
        .map(|m| (m.id, m.title.clone(), m.genres.join("|")))
        .collect()
}

fn movie(id: u32, title: &str, genres: &str) -> (u32, String, String) {
    (id, title.into(), genres.into())
}

#[test]
fn a_column_of_ids_may_be_called_as_ratings_call_what_is_rated() {
    for (header, is_first) in [
        ("jokeId,title", true),
        ("title,bookId", false),
        ("film,tconst", false),
        ("id,joke,title", true),
    ] {
        let row = match header.split(',').count() {
            3 => "7,9,Seven",
            _ if is_first => "7,Seven",
            _ => "Seven,7",
        };
        let text = format!("{header}\n{row}\n");
        assert_eq!(titles(text.as_bytes()), [movie(7, "Seven", "")], "{header}");
    }
}

#[test]
fn every_titles_file_of_a_release_is_read() {
    let csv = b"movieId,title,genres\r\n\
        11,\"American President, The (1995)\",Comedy|Drama|Romance\r\n\
        88,\"He said \"\"no\"\" (1999)\",(no genres listed)\r\n\
        1,L\xc3\xa9on (1994),Crime";
    let expected = [
        movie(1, "Léon (1994)", "Crime"),
        movie(11, "American President, The (1995)", "Comedy|Drama|Romance"),
        movie(88, "He said \"no\" (1999)", ""),
    ];
    assert_eq!(titles(csv), expected);
    let marked = [b"\xef\xbb\xbf", &csv[..]].concat();
    assert_eq!(titles(&marked), expected);
    let kaggle =
        b"\"movieId\",\"title\",\"genres\"\n1,\"Toy Story (1995)\",\"Adventure|Animation\"\n";
    assert_eq!(
        titles(kaggle),
        [movie(1, "Toy Story (1995)", "Adventure|Animation")]
    );
    let dat =
        b"1::Toy Story (1995)::Animation|Children's|Comedy\n2::L\xe9on, The: A::B (1994)::Crime\n";
    assert_eq!(
        titles(dat),
        [
            movie(1, "Toy Story (1995)", "Animation|Children's|Comedy"),
            movie(2, "Léon, The: A::B (1994)", "Crime")
        ]
    );
    let utf8 = "1::Léon (1994)::Crime\n".as_bytes();
    assert_eq!(titles(utf8), [movie(1, "Léon (1994)", "Crime")]);
    let item = b"1|Mis\xe9rables, Les (1995)|01-Jan-1995||http://x|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n\
        267|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0";
    assert_eq!(
        titles(item),
        [
            movie(1, "Misérables, Les (1995)", "Animation|Children's|Comedy"),
            movie(267, "unknown", "unknown")
        ]
    );
}

#[test]
fn tables_of_other_origin_are_read_by_the_names_of_their_columns() {
    let both = [movie(1, "A; b (1999)", "Drama|War"), movie(2, "C", "")];
    for text in [
        "movieId;title;genres\n1;\"A; b (1999)\";Drama|War\n2;C;\n",
        "genres\tname\titem_id\nDrama|War\tA; b (1999)\t1\n\tC\t2\n",
        "Movie ID,Movie Title,Genre\n1.0,A; b (1999),\"Drama, War\"\n2.0,C,\n",
        "item_id:token,movie_title:token_seq,release_year:token,class:token_seq\n1,A; b,1999,\"Drama, War\"\n2,C,,\n",
        "id|title|genres\n1|A; b (1999)|Drama,War\n2|C|\n",
        "1,A; b (1999),Drama|War\n2,C,\n",
        "movieId,title,genres\n1,\"A;\nb (1999)\",Drama|War\n\n2,C,\n",
    ] {
        assert_eq!(titles(text.as_bytes()), both, "{text}");
    }
}

#[test]
fn one_bad_byte_spoils_no_other_title_and_is_told_with_its_line() {
    let bytes = b"movieId,title,genres\n1,Am\xc3\xa9lie,\n2,L\xe9on,\n3,\x93Heat\x94,\n";
    let listed = listed(bytes).unwrap();
    assert_eq!(
        rows(&listed.titles),
        [
            movie(1, "Amélie", ""),
            movie(2, "Léon", ""),
            movie(3, "“Heat”", "")
        ]
    );
    assert_eq!(
        listed.notes,
        [
            "movies.csv: 2 lines with letters that aren't UTF-8, read as Windows-1252, from line 3 on"
        ]
    );
}

#[test]
fn lines_that_are_no_movies_are_left_out_and_the_first_is_named() {
    let listed = listed(b"movieId,title,genres\n1,\"A\nB\",C\nx,T,G\n\n3\n4,D,\n").unwrap();
    assert_eq!(
        rows(&listed.titles),
        [movie(1, "A B", "C"), movie(4, "D", "")]
    );
    let [note] = &listed.notes[..] else {
        panic!("{:?}", listed.notes)
    };
    assert!(
        note.starts_with("2 lines aren't movies and were left out, the first of them: movies.csv, line 4: `x,T,G`"),
        "{note}"
    );
}

#[test]
fn a_file_without_any_movie_is_refused_with_its_first_line() {
    for (bytes, said) in [
        (
            &b"movieId,title,genres\n1\n"[..],
            "line 2: `1`: it has 1 fields",
        ),
        (
            b"\nRank;Title;Year\n1;Some film;1999\n",
            "line 2: `Rank;Title;Year`: it should be a header",
        ),
        (
            b"movieId,genres\n1,T\n",
            "line 1: `movieId,genres`: it should be a header",
        ),
        (
            b"1::T\n2::T\n",
            "line 1: `1::T`: a line should be `movie::title::genres`",
        ),
        (b"1|T|x\n", "line 1: `1|T|x`: it has 3 fields"),
        (b"", "line 1: ``: it should be a header"),
        (b"\x00\x01\x02\xff", "should be a header"),
    ] {
        let error = listed(bytes).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn ids_may_be_names_where_those_of_the_ratings_are() {
    let named = |text: &str| (text == "tt0111161").then_some(7);
    let bytes = b"id,title\ntt0111161,Shawshank\ntt2,Other\n";
    let listed = read(bytes, Path::new("movies.csv"), &named).unwrap();
    assert_eq!(rows(&listed.titles), [movie(7, "Shawshank", "")]);
}
