//! The ratings that ship with the project: ml-latest-small of 2016. `data/ml-latest-small-2016/README.md` draws the
//! layout.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

use super::columns::Columns;
use super::release::Release;
use super::{Dataset, movies, rows};

const RATINGS: &[u8] = include_bytes!("../../../data/ml-latest-small-2016/ratings.bin.gz");
const MOVIES: &[u8] = include_bytes!("../../../data/ml-latest-small-2016/movies.csv.gz");

/// What people call them.
pub const NAME: &str = "ml-latest-small (2016)";

/// 100,004 ratings of 9,066 movies by 671 users, with titles and genres. Takes a few milliseconds.
pub fn load() -> Dataset {
    // The bytes are part of the program and a test reads them: nothing here can fail.
    const INTACT: &str = "the built-in ratings are intact";
    let mut packed = Vec::new();
    GzDecoder::new(RATINGS)
        .read_to_end(&mut packed)
        .expect(INTACT);
    let ratings = rows::dense(unpack(&packed).expect(INTACT), 1).ratings;
    let mut titles = Vec::new();
    GzDecoder::new(MOVIES)
        .read_to_end(&mut titles)
        .expect(INTACT);
    let titles = movies::read(&titles, Path::new("movies.csv"), &movies::number);
    let titles = titles.expect(INTACT).titles;
    let license = Release::named("ml-latest-small").expect(INTACT).license();
    Dataset::new(NAME.into(), ratings, titles, license)
}

fn unpack(packed: &[u8]) -> Option<Columns> {
    let mut bytes = packed.iter().copied();
    let (users, count) = (varint(&mut bytes)?, varint(&mut bytes)? as usize);
    let mut columns = Columns::default();
    let mut user = 0;
    for _ in 0..users {
        user += varint(&mut bytes)?;
        let rated = varint(&mut bytes)? as usize;
        (0..rated).for_each(|_| columns.users.push(user));
    }
    let mut movie = 0;
    for i in 0..count {
        let step = varint(&mut bytes)?;
        let users = &columns.users.values;
        let same_user = i > 0 && users[i - 1] == users[i];
        movie = if same_user { movie + step } else { step };
        columns.movies.push(movie);
    }
    for _ in 0..count {
        columns.stars.push(f32::from(bytes.next()?) / 2.0);
    }
    let mut time = 0u32;
    for _ in 0..count {
        let zigzag = varint(&mut bytes)?;
        time = time.wrapping_add((zigzag >> 1) ^ (zigzag & 1).wrapping_neg());
        columns.times.push(time);
    }
    (bytes.next().is_none() && columns.users.values.len() == count).then_some(columns)
}

/// LEB128: seven bits a byte, lowest first.
fn varint(bytes: &mut impl Iterator<Item = u8>) -> Option<u32> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = bytes.next()?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_set_is_the_whole_release_of_2016() {
        let data = load();
        let ratings = &data.ratings;
        assert_eq!(
            (ratings.len(), ratings.user_count(), ratings.movie_count()),
            (100_004, 671, 9_066)
        );
        assert!(
            ratings
                .movie_ids
                .iter()
                .all(|&id| data.titles.get(id).is_some())
        );
        assert_eq!(data.titles.movies().len(), 9_066);
        assert_eq!(data.titles.title(1), "Toy Story (1995)");
        assert_eq!(
            data.titles.get(1).unwrap().genres,
            ["Adventure", "Animation", "Children", "Comedy", "Fantasy"]
        );
        let stars: f64 = ratings.stars.iter().map(|&s| f64::from(s)).sum();
        assert_eq!(stars, 354_375.0, "the sum of all stars");
        assert_eq!(
            (ratings.times.iter().min(), ratings.times.iter().max()),
            (Some(&789_652_009), Some(&1_476_640_644))
        );
        assert_eq!(
            (data.scale.min, data.scale.max, data.scale.step),
            (0.5, 5.0, 0.5)
        );
        // The first line of its ratings.csv: 1,31,2.5,1260759144.
        assert_eq!(
            (
                ratings.user_ids[0],
                ratings.movie_ids[ratings.movies[0] as usize]
            ),
            (1, 31)
        );
        assert_eq!((ratings.stars[0], ratings.times[0]), (2.5, 1_260_759_144));
        assert!(data.license.contains("not for commercial use"));
        assert!(RATINGS.len() + MOVIES.len() < 600_000);
    }
}
