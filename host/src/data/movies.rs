//! Readers of titles files: `movies.csv`, `movies.dat` and `u.item`.

use std::path::Path;

use super::error::{BadLine, DataError};
use super::titles::{Movie, Titles};

/// The columns of flags in `u.item`, in order.
const U_ITEM_GENRES: [&str; 19] = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
];

/// Reads the titles in `bytes`, whose form is told by the file's name and first line; `path` is for messages too.
///
/// Text that isn't UTF-8 is ISO-8859-1, as in the releases of before 2009.
///
/// # Errors
/// [`DataError::Line`] with the first line that isn't a movie.
pub fn read(bytes: &[u8], path: &Path) -> Result<Titles, DataError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().map(|&b| char::from(b)).collect::<String>(),
    };
    let first = text.lines().next().unwrap_or_default();
    let comma = first.find(',').unwrap_or(usize::MAX);
    if first.find('|').is_some_and(|bar| bar < comma) && !first.contains("::") {
        lines(&text, path, u_item)
    } else if first.find("::").is_some_and(|colons| colons < comma) {
        lines(&text, path, movies_dat)
    } else {
        movies_csv(&text, path)
    }
}

fn lines(
    text: &str,
    path: &Path,
    parse: fn(&str) -> Result<Movie, String>,
) -> Result<Titles, DataError> {
    let mut movies = Vec::new();
    // Not `str::lines` alone: ISO-8859-1 has no other line ends that it would miss.
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let bad =
            |right| DataError::Line(BadLine::new(path, index as u64 + 1, line.as_bytes(), right));
        movies.push(parse(line).map_err(bad)?);
    }
    Ok(Titles::new(movies))
}

fn u_item(line: &str) -> Result<Movie, String> {
    let fields: Vec<&str> = line.split('|').collect();
    // A title might hold a bar: the flags are counted from the end.
    if fields.len() < 24 {
        return Err(format!(
            "it has {} fields; a line should have 24 with `|` between, such as `1|Toy Story (1995)|01-Jan-1995||…`",
            fields.len()
        ));
    }
    let flags = &fields[fields.len() - 19..];
    let title = fields[1..fields.len() - 22].join("|");
    let genres = U_ITEM_GENRES
        .iter()
        .zip(flags)
        .filter(|(_, flag)| **flag == "1")
        .map(|(genre, _)| *genre);
    Ok(Movie {
        id: id(fields[0])?,
        title,
        genres: genres.map(str::to_owned).collect(),
        ratings: 0,
    })
}

fn movies_dat(line: &str) -> Result<Movie, String> {
    let right =
        "a line should be `movie::title::genres`, such as `1::Toy Story (1995)::Animation|Comedy`";
    let (number, rest) = line.split_once("::").ok_or(right)?;
    let (title, genres) = rest.rsplit_once("::").ok_or(right)?;
    Ok(Movie {
        id: id(number)?,
        title: title.into(),
        genres: split_genres(genres),
        ratings: 0,
    })
}

fn movies_csv(text: &str, path: &Path) -> Result<Titles, DataError> {
    let right =
        "a line should be `movieId,title,genres`, such as `1,Toy Story (1995),Animation|Comedy`";
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes());
    let mut movies = Vec::new();
    let mut record = csv::StringRecord::new();
    let (mut columns, mut ratings) = (None, None);
    loop {
        let line_number = reader.position().line();
        let start = reader.position().byte() as usize;
        // Can't fail: the text is UTF-8, in memory, and any number of fields will do.
        match reader.read_record(&mut record) {
            Ok(true) => {}
            _ => break,
        }
        let line = text.as_bytes().get(start..).unwrap_or_default();
        let shown = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
        let bad = |reason: String| DataError::Line(BadLine::new(path, line_number, shown, reason));
        if columns.is_none() {
            let find = |wanted: &str| {
                record
                    .iter()
                    .position(|cell| cell.trim().eq_ignore_ascii_case(wanted))
            };
            match (find("movieId"), find("title"), find("genres")) {
                (Some(number), Some(title), Some(genres)) => {
                    columns = Some((number, title, genres));
                    ratings = find("ratings");
                    continue;
                }
                _ => return Err(bad("the header should be `movieId,title,genres`".into())),
            }
        }
        let (number, title, genres) = columns.unwrap_or_default();
        match (record.get(number), record.get(title), record.get(genres)) {
            (Some(number), Some(title), Some(genres)) => movies.push(Movie {
                id: id(number).map_err(bad)?,
                title: title.trim().into(),
                genres: split_genres(genres),
                ratings: ratings
                    .and_then(|column| record.get(column)?.trim().parse().ok())
                    .unwrap_or_default(),
            }),
            _ => return Err(bad(format!("it has {} fields; {right}", record.len()))),
        }
    }
    Ok(Titles::new(movies))
}

fn id(field: &str) -> Result<u32, String> {
    field.trim().parse().map_err(|_| {
        format!(
            "the movie id `{field}` should be a whole number of at most {}",
            u32::MAX
        )
    })
}

fn split_genres(field: &str) -> Vec<String> {
    if field.starts_with("(no genres") {
        return Vec::new();
    }
    field
        .trim()
        .split('|')
        .filter(|genre| !genre.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(name: &str, bytes: &[u8]) -> Vec<(u32, String, String)> {
        let titles = read(bytes, Path::new(name)).unwrap_or_else(|error| panic!("{error}"));
        titles
            .movies()
            .iter()
            .map(|m| (m.id, m.title.clone(), m.genres.join("|")))
            .collect()
    }

    fn movie(id: u32, title: &str, genres: &str) -> (u32, String, String) {
        (id, title.into(), genres.into())
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
        assert_eq!(titles("movies.csv", csv), expected);
        let marked = [b"\xef\xbb\xbf", &csv[..]].concat();
        assert_eq!(titles("movies.csv", &marked), expected);
        let kaggle =
            b"\"movieId\",\"title\",\"genres\"\n1,\"Toy Story (1995)\",\"Adventure|Animation\"\n";
        assert_eq!(
            titles("movie.csv", kaggle),
            [movie(1, "Toy Story (1995)", "Adventure|Animation")]
        );
        let dat = b"1::Toy Story (1995)::Animation|Children's|Comedy\n2::L\xe9on, The: A::B (1994)::Crime\n";
        assert_eq!(
            titles("movies.dat", dat),
            [
                movie(1, "Toy Story (1995)", "Animation|Children's|Comedy"),
                movie(2, "Léon, The: A::B (1994)", "Crime")
            ]
        );
        let utf8 = "1::Léon (1994)::Crime\n".as_bytes();
        assert_eq!(
            titles("movies.dat", utf8),
            [movie(1, "Léon (1994)", "Crime")]
        );
        let item = b"1|Mis\xe9rables, Les (1995)|01-Jan-1995||http://x|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n\
            267|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0";
        assert_eq!(
            titles("u.item", item),
            [
                movie(1, "Misérables, Les (1995)", "Animation|Children's|Comedy"),
                movie(267, "unknown", "unknown")
            ]
        );
    }

    #[test]
    fn a_bad_titles_line_is_named_with_its_number() {
        for (bytes, said) in [
            (
                &b"movieId,title,genres\n1,Toy Story (1995)\n"[..],
                "line 2: `1,Toy Story (1995)`: it has 2 fields",
            ),
            (
                b"movieId,title,genres\n1,\"A\nB\",C\nx,T,G\n",
                "line 4: `x,T,G`: the movie id `x`",
            ),
            (
                b"movieId,name,genres\n1,T,G\n",
                "line 1: `movieId,name,genres`: the header should be",
            ),
            (
                b"1::T::G\n2::T\n",
                "line 2: `2::T`: a line should be `movie::title::genres`",
            ),
            (b"1|T|x\n", "line 1: `1|T|x`: it has 3 fields"),
        ] {
            let error = read(bytes, Path::new("movies")).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
