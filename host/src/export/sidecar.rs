//! The titles beside an image: a file in the form of a release's `movies.csv`, with the number of ratings of each movie.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::data::{DataError, Titles, movies};

/// The titles file of an image: `model.img` has `model.titles.csv`.
pub fn path_of(image: &Path) -> PathBuf {
    image.with_extension("titles.csv")
}

/// The titles of the movies in `ids`, as text in the form of `movies.csv` and a column `ratings`, by which a search
/// ranks.
///
/// # Errors
///
/// Where the CSV writer fails, which it has no reason to in memory.
pub fn to_csv(titles: &Titles, ids: &[u32]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["movieId", "title", "genres", "ratings"])?;
    for movie in ids.iter().filter_map(|id| titles.get(*id)) {
        writer.write_record([
            &movie.id.to_string(),
            &movie.title,
            &movie.genres.join("|"),
            &movie.ratings.to_string(),
        ])?;
    }
    writer.into_inner().context("the titles can't be written")
}

/// Reads the titles beside `image`; none where there is no such file.
///
/// # Errors
///
/// [`BadInput`](crate::error::BadInput) that names file and line where it isn't what [`to_csv`] writes.
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
            ratings: id % 100,
        };
        Titles::new(names.map(movie).into())
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
