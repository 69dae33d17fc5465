//! The titles beside an image: a file in the form of a release's `movies.csv`, and the search in it.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::data::{DataError, Titles, movies};
use crate::error::BadInput;

/// The titles file of an image: `model.img` has `model.titles.csv`.
pub fn path_of(image: &Path) -> PathBuf {
    image.with_extension("titles.csv")
}

/// The titles of the movies in `ids`, as text in the form of `movies.csv`.
///
/// # Errors
///
/// Where the CSV writer fails, which it has no reason to in memory.
pub fn to_csv(titles: &Titles, ids: &[u32]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["movieId", "title", "genres"])?;
    for movie in ids.iter().filter_map(|id| titles.get(*id)) {
        writer.write_record([&movie.id.to_string(), &movie.title, &movie.genres.join("|")])?;
    }
    writer.into_inner().context("the titles can't be written")
}

/// Reads the titles beside `image`; none where there is no such file.
///
/// # Errors
///
/// [`BadInput`] that names file and line where it isn't what [`to_csv`] writes.
pub fn read(image: &Path) -> anyhow::Result<Titles> {
    let path = path_of(image);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Titles::default()),
        Err(error) => {
            return Err(error).with_context(|| format!("{} could not be read", path.display()));
        }
    };
    movies::read(&bytes, &path).map_err(DataError::into_anyhow)
}

/// How many movies an unclear title is answered with.
const SUGGESTIONS: usize = 5;

/// The id of the movie that a person means by `text`: its MovieLens id, its title, or a part of it, whatever the
/// case; the year, spaces and signs may be left out, and `The Matrix` finds `Matrix, The (1999)`. `known` says which ids count.
///
/// # Errors
///
/// [`BadInput`] where several movies could be meant, or none, with the likeliest ones.
pub fn find(titles: &Titles, known: impl Fn(u32) -> bool, text: &str) -> Result<u32, BadInput> {
    let id = text.trim().parse::<u32>().ok();
    if let Some(id) = id.filter(|id| known(*id)) {
        return Ok(id);
    }
    if titles.is_empty() {
        return Err(BadInput::new(if id.is_some() {
            format!("movie {text} is not in the image")
        } else {
            format!(
                "no titles lie beside the image, so a movie must be given by its MovieLens id, not as `{text}`"
            )
        }));
    }
    let wanted = plain(text);
    if wanted.is_empty() {
        return Err(BadInput::new(
            "the movie has no name; it should be a MovieLens id, a title or a part of one",
        ));
    }
    let movies: Vec<(u32, String)> = titles
        .movies()
        .iter()
        .filter(|movie| known(movie.id))
        .map(|movie| (movie.id, plain(&movie.title)))
        .collect();
    let tests: [fn(&str, &str) -> bool; 6] = [
        |title, wanted| title == wanted,
        |title, wanted| without_year(title) == wanted,
        |title, wanted| without_article(without_year(title)) == wanted,
        |title, wanted| {
            letters(title).eq(letters(wanted)) || letters(without_year(title)).eq(letters(wanted))
        },
        |title, wanted| title.starts_with(wanted),
        |title, wanted| title.contains(wanted),
    ];
    // A number is an id or a whole title: as a part of a title it would be a mistyped id.
    let tests = if id.is_some() {
        &tests[..3]
    } else {
        &tests[..]
    };
    for test in tests {
        let mut hits: Vec<&(u32, String)> = movies
            .iter()
            .filter(|(_, title)| test(title, &wanted))
            .collect();
        match hits.as_slice() {
            [] => {}
            [(id, _)] => return Ok(*id),
            _ => {
                hits.sort_by_key(|(id, title)| (title.len(), *id));
                let more = hits.len().saturating_sub(SUGGESTIONS);
                let tail = if more > 0 {
                    format!(" and {more} more")
                } else {
                    String::new()
                };
                let ids = hits.iter().take(SUGGESTIONS).map(|(id, _)| *id);
                return Err(BadInput::new(format!(
                    "`{text}` could be {}{tail}: say more of the title, or give the id",
                    list(titles, ids)
                )));
            }
        }
    }
    if id.is_some() {
        return Err(BadInput::new(format!(
            "no movie of the image has the id {text}, and none the title"
        )));
    }
    let mut likely: Vec<(f64, u32)> = movies
        .iter()
        .map(|(id, title)| (likeness(title, &wanted), *id))
        .collect();
    likely.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Err(BadInput::new(format!(
        "no movie of the image is called `{text}`; did you mean {}?",
        list(titles, likely.iter().take(3).map(|(_, id)| *id))
    )))
}

/// How alike a title and what was typed are, from 0 to 1: the title with its year or without, with its article or
/// without.
fn likeness(title: &str, wanted: &str) -> f64 {
    let name = without_year(title);
    [title, name, without_article(name)]
        .into_iter()
        .map(|form| strsim::jaro_winkler(form, wanted))
        .fold(0.0, f64::max)
}

fn list(titles: &Titles, ids: impl Iterator<Item = u32>) -> String {
    let names: Vec<String> = ids
        .map(|id| format!("{} (id {id})", titles.title(id)))
        .collect();
    names.join(", ")
}

/// Lower case, single spaces, and an article that stands behind (`Matrix, The (1999)`) moved to the front.
fn plain(title: &str) -> String {
    let lower = title.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let title = words.join(" ");
    let name = without_year(&title);
    let year = &title[name.len()..];
    for article in [", the", ", a", ", an"] {
        if let Some(rest) = name.strip_suffix(article) {
            return format!("{} {rest}{year}", &article[2..]);
        }
    }
    title
}

/// `toy story (1995)` without its year.
fn without_year(title: &str) -> &str {
    match title.rsplit_once(" (") {
        Some((name, year)) if year.len() == 5 && year.ends_with(')') => name,
        _ => title,
    }
}

/// `wall·e (2008)` without spaces and signs: `walle2008`.
fn letters(title: &str) -> impl Iterator<Item = char> + '_ {
    title.chars().filter(|c| c.is_alphanumeric())
}

/// `the matrix` without its article.
fn without_article(title: &str) -> &str {
    let articles = ["the ", "a ", "an "];
    let bare = articles
        .iter()
        .find_map(|article| title.strip_prefix(article));
    bare.unwrap_or(title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Movie;

    fn titles() -> Titles {
        let names = [
            (1, "Toy Story (1995)"),
            (3114, "Toy Story 2 (1999)"),
            (2571, "Matrix, The (1999)"),
            (6365, "Matrix Reloaded, The (2003)"),
            (7, "Sabrina (1995)"),
            (915, "Sabrina (1954)"),
            (51662, "300 (2007)"),
            (9, "Beautiful Mind, A"),
            (11, "Say \"hi\", then, run (2001)"),
        ];
        let movie = |(id, title): (u32, &str)| Movie {
            id,
            title: title.into(),
            genres: vec!["Drama".into(), "War".into()],
        };
        Titles::new(names.map(movie).into())
    }

    fn found(text: &str) -> Result<u32, String> {
        let titles = titles();
        find(&titles, |id| titles.get(id).is_some(), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_movie_is_found_by_id_title_part_and_whatever_the_case_and_article() {
        assert_eq!(found("2571"), Ok(2571));
        assert_eq!(found("toy story"), Ok(1));
        assert_eq!(found("Toy Story (1995)"), Ok(1));
        assert_eq!(found("TOY  STORY 2"), Ok(3114));
        assert_eq!(found("The Matrix"), Ok(2571));
        assert_eq!(found("matrix"), Ok(2571));
        assert_eq!(found("Matrix, The"), Ok(2571));
        assert_eq!(found("reloaded"), Ok(6365));
        assert_eq!(found("a beautiful mind"), Ok(9));
        assert_eq!(found("300"), Ok(51662));
        assert_eq!(found("toystory 2"), Ok(3114));
        assert_eq!(found("Toy Story 1995"), Ok(1));
        assert_eq!(found("say hi then run"), Ok(11));
        assert_eq!(found("sabrina (1954)"), Ok(915));
    }

    #[test]
    fn an_unclear_title_is_answered_with_what_it_could_be() {
        let text = found("sabrina").unwrap_err();
        assert!(
            text.contains("(id 7)") && text.contains("(id 915)"),
            "{text}"
        );
        let text = found("Toy Stroy").unwrap_err();
        assert!(
            text.contains("did you mean Toy Story (1995) (id 1)"),
            "{text}"
        );
        let text = found("Matrx").unwrap_err();
        assert!(
            text.contains("did you mean Matrix, The (1999) (id 2571)"),
            "{text}"
        );
        assert!(found(" ").unwrap_err().contains("has no name"));
        assert!(found("99999").unwrap_err().contains("has the id 99999"));
        assert!(found("1995").unwrap_err().contains("has the id 1995"));
    }

    #[test]
    fn movies_that_the_image_lacks_are_not_found_by_title_either() {
        let titles = titles();
        assert_eq!(find(&titles, |id| id != 1, "toy story").ok(), Some(3114));
    }

    #[test]
    fn titles_come_back_from_their_file_and_a_bad_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("model.img");
        assert!(read(&image).unwrap().is_empty());
        let titles = titles();
        let ids: Vec<u32> = titles.movies().iter().map(|movie| movie.id).collect();
        std::fs::write(path_of(&image), to_csv(&titles, &ids).unwrap()).unwrap();
        assert_eq!(read(&image).unwrap(), titles);
        std::fs::write(path_of(&image), "movieId,title,genres\n1,a,\nx,b,\n").unwrap();
        let error = read(&image).unwrap_err().to_string();
        assert!(
            error.contains("model.titles.csv") && error.contains('3'),
            "{error}"
        );
    }
}
