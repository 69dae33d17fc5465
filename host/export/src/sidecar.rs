//! The titles beside an image: a file in the form of a release's `movies.csv`, with the number of ratings of each movie.

use std::path::{Path, PathBuf};

use anyhow::Context;
use pocketrec_base::files;
use pocketrec_base::print::Item;
use pocketrec_base::print::item::{ID_COLUMNS, id_column};

use super::beside::{IMAGE, image_of};
use super::people::People;
use pocketrec_data::movies::{self, Listed};
use pocketrec_data::{Movie, Names, Titles};

/// The titles file of an image: `model.img` has `model.titles.csv`.
pub fn path_of(image: &Path) -> PathBuf {
    image.with_extension("titles.csv")
}

/// What the column is called that has the movies' own ids, where their ratings had texts for ids.
const OWN_ID: &str = "ownId";
/// What the header's cell begins with that says what the things are called which were rated.
const ITEM: &str = "item ";

/// The titles of the movies in `ids`, as text in the form of `movies.csv` and a column `ratings`, by which a search
/// ranks; its header has the image's `crc` behind the columns. Where ids have `names`, a column has those; `item` is what the things are called,
/// where they aren't movies.
///
/// # Errors
///
/// Where the CSV writer fails, which it has no reason to in memory.
pub fn to_csv(
    titles: &Titles,
    ids: &[u32],
    names: &Names,
    item: Option<&Item>,
    crc: u32,
) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let own = (!names.is_empty()).then_some(OWN_ID);
    let id_column = id_column(item);
    let item = item.map(|item| format!("{ITEM}{item}"));
    let image = format!("{IMAGE}{crc:08x}");
    let head = [id_column, "title", "genres", "ratings"].into_iter();
    writer.write_record(
        head.chain(own)
            .chain(item.as_deref())
            .chain([image.as_str()]),
    )?;
    for movie in ids.iter().filter_map(|id| titles.get(*id)) {
        let (id, genres) = (movie.id.to_string(), movie.genres.join("|"));
        let ratings = movie.ratings.to_string();
        let own = own.map(|_| names.of(movie.id).unwrap_or_default());
        let cells = [id.as_str(), &movie.title, &genres, &ratings].into_iter();
        writer.write_record(
            cells
                .chain(own)
                .chain(item.as_ref().map(|_| ""))
                .chain([""]),
        )?;
    }
    writer.into_inner().context("the titles can't be written")
}

/// Adds a movie to the titles beside `image`, whose CRC-32 is `crc`, or replaces it there.
///
/// # Errors
///
/// What the disk says.
pub fn add(image: &Path, crc: u32, movie: Movie) -> anyhow::Result<()> {
    let titles = read(image, Some(crc)).titles;
    let mut movies = titles.movies().to_vec();
    movies.retain(|other| other.id != movie.id);
    movies.push(movie);
    let titles = Titles::new(movies);
    let ids: Vec<u32> = titles.movies().iter().map(|movie| movie.id).collect();
    let item = item_of(image, Some(crc));
    let csv = to_csv(&titles, &ids, &Names::default(), item.as_ref(), crc)?;
    let path = path_of(image);
    files::write(&path, &csv).with_context(|| format!("{} can't be written", path.display()))
}

/// Reads the titles beside `image`, whose CRC-32 is `crc`; none where there is no such file. Titles that were written for
/// another image are left out, as are those that can't be read: movies then go by their ids, and a note says why. Titles
/// that don't say for which image they are are taken.
pub fn read(image: &Path, crc: Option<u32>) -> Listed {
    let path = path_of(image);
    let other = |found: u32, crc: u32| {
        format!(
            "{} has titles of another image (CRC-32 {found:08x}) than {} ({crc:08x}); `export` writes both files",
            path.display(),
            image.display()
        )
    };
    let listed = match std::fs::read(&path) {
        Ok(bytes) => match (image_of(&bytes), crc) {
            (Some(found), Some(crc)) if found != crc => Err(other(found, crc)),
            _ => movies::read(&bytes, &path, &movies::number).map_err(|why| why.to_string()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Listed::default()),
        Err(error) => Err(format!("{} can't be read: {error}", path.display())),
    };
    listed.unwrap_or_else(|why| Listed {
        titles: Titles::default(),
        notes: vec![format!("no titles, so movies go by their ids: {why}")],
    })
}

/// The movies' own ids that lie beside `image`, where they are texts; none where the file is of another image or can't be
/// read, which [`read`] tells.
pub fn own_ids(image: &Path, crc: Option<u32>) -> People {
    let bytes = std::fs::read(path_of(image)).unwrap_or_default();
    if crc.is_some() && image_of(&bytes) != crc {
        return People::default();
    }
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(&bytes[..]);
    let place =
        |name: &str, header: &csv::StringRecord| header.iter().position(|cell| cell == name);
    let places = reader.headers().ok().and_then(|header| {
        let id = ID_COLUMNS.iter().find_map(|name| place(name, header));
        Some((id?, place(OWN_ID, header)?))
    });
    let Some((id, own)) = places else {
        return People::default();
    };
    let of = |record: csv::StringRecord| {
        Some((record.get(own)?.to_owned(), record.get(id)?.parse().ok()?))
    };
    People::of(reader.records().flatten().filter_map(of).collect())
}

/// What the things are called that the image at `image` ranks, where its titles say that they aren't movies.
pub fn item_of(image: &Path, crc: Option<u32>) -> Option<Item> {
    use std::io::{BufRead, BufReader, Read};
    let file = std::fs::File::open(path_of(image)).ok()?;
    let mut head = Vec::new();
    BufReader::new(file)
        .take(1 << 12)
        .read_until(b'\n', &mut head)
        .ok()?;
    if crc.is_some() && image_of(&head) != crc {
        return None;
    }
    let head = String::from_utf8(head).ok()?;
    head.trim_end()
        .split(',')
        .find_map(|cell| cell.strip_prefix(ITEM))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn ids_that_are_texts_lie_beside_their_titles() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("model.img");
        let names = Names::new(["a, b", "tt1"].map(String::from).into());
        let movie = |id, title: &str| Movie {
            id,
            title: title.into(),
            genres: Vec::new(),
            ratings: 3,
        };
        let titles = Titles::new(vec![movie(1, "First"), movie(2, "Second")]);
        let item: Item = "city/cities".parse().unwrap();
        let csv = to_csv(&titles, &[1, 2], &names, Some(&item), 7).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        assert!(csv.starts_with("itemId,"), "{csv}");
        for csv in [&csv, &csv.replace("itemId", "movieId")] {
            std::fs::write(path_of(&image), csv).unwrap();
            assert_eq!(read(&image, Some(7)).titles, titles);
            let own = own_ids(&image, Some(7));
            assert_eq!(
                (own.known("a, b"), own.known("tt1"), own.known("1")),
                (Some(1), Some(2), None)
            );
            assert_eq!(own.name(2), Some("tt1"));
        }
        assert_eq!(
            (item_of(&image, Some(7)), item_of(&image, Some(8))),
            (Some(item), None)
        );
        assert!(!own_ids(&image, Some(8)).are_named());
    }

    #[test]
    fn titles_come_back_from_their_file_and_what_is_wrong_with_it_is_only_told() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("model.img");
        assert!(read(&image, Some(7)).titles.is_empty());
        let titles = titles();
        let ids: Vec<u32> = titles.movies().iter().map(|movie| movie.id).collect();
        std::fs::write(
            path_of(&image),
            to_csv(&titles, &ids, &Names::default(), None, 7).unwrap(),
        )
        .unwrap();
        assert_eq!(read(&image, Some(7)).titles, titles);
        assert!(!own_ids(&image, Some(7)).are_named());
        // Another image's are left out, and those of nobody knows whom, such as a person's own, are taken.
        let other = read(&image, Some(8));
        assert!(other.titles.is_empty());
        assert!(
            other.notes[0].contains("of another image"),
            "{:?}",
            other.notes
        );
        assert_eq!(read(&image, None).titles, titles);
        for (text, said) in [
            ("movieId,title,genres\n1,a,\nx,b,\n", "line 3: `x,b,`"),
            ("nothing of it\n", "no titles, so movies go by their ids"),
        ] {
            std::fs::write(path_of(&image), text).unwrap();
            let notes = read(&image, Some(7)).notes;
            assert!(
                notes.len() == 1
                    && notes[0].contains("model.titles.csv")
                    && notes[0].contains(said),
                "{notes:?}"
            );
        }
    }
}
