//! Which ratings a model is tried on: folds, a given pair of files, the official folds, everybody's last rating. [`by_time`](super::by_time)
//! has splits by time.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use pocketrec_base::error::BadInput;
use pocketrec_base::files::Together;
use pocketrec_data::sides::{Side, Sides};
use pocketrec_data::{Dataset, LoadProgress, Names, Ratings, Reading, Split, Titles};
use pocketrec_train::random::{Random, Stream};

/// One trial: ratings to learn from (`train`) and ratings to be measured on (`validation`).
#[derive(Debug)]
pub struct Fold<'a> {
    /// What the tables call it.
    pub name: String,
    /// All ratings, those of both parts.
    pub data: &'a Dataset,
    /// The parts.
    pub split: Split,
}

/// Cross-validation: every rating is tested in exactly one of `count` folds of equal size, drawn at random.
pub fn folds(data: &Dataset, count: usize, seed: u64) -> Vec<Fold<'_>> {
    let ratings = data.ratings.len();
    let mut order: Vec<u32> = (0..ratings as u32).collect();
    let random = Random::new(seed, Stream::Order, u64::MAX);
    for last in (1..ratings).rev() {
        order.swap(last, random.below(last as u64, last as u64 + 1) as usize);
    }
    let mut fold_of = vec![0u32; ratings];
    for fold in 0..count {
        for &rating in &order[ratings * fold / count..ratings * (fold + 1) / count] {
            fold_of[rating as usize] = fold as u32;
        }
    }
    (0..count as u32)
        .map(|fold| {
            let (validation, train) =
                (0..ratings as u32).partition(|&rating| fold_of[rating as usize] == fold);
            Fold {
                name: format!("fold {}", fold + 1),
                data,
                split: Split { train, validation },
            }
        })
        .collect()
}

/// Everybody's last rating by time is held back; of equal times the one for the highest movie id. Nobody's only
/// rating is.
pub fn leave_last_out(data: &Dataset) -> Fold<'_> {
    let ratings = &data.ratings;
    let all = 0..ratings.len() as u32;
    let held: HashSet<u32> = ratings
        .in_order(all.clone())
        .each()
        .filter_map(|rows| rows.last().copied().filter(|_| rows.len() > 1))
        .collect();
    let (validation, train) = all.partition(|rating| held.contains(rating));
    Fold {
        name: "last ratings".into(),
        data,
        split: Split { train, validation },
    }
}

/// The pairs of files of a folder: `u1.base` and `u1.test` to `u5` where it has the official folds of ML-100K, `ra`
/// and `rb` where it has those of ML-10M, with `.train` taken for `.base`.
///
/// # Errors
/// [`BadInput`] for a folder without such a pair.
pub fn official(folder: &Path) -> Result<Vec<(String, PathBuf, PathBuf)>, BadInput> {
    let mut found = Vec::new();
    for name in ["u1", "u2", "u3", "u4", "u5", "r1", "r2", "r3", "r4", "r5"] {
        let test = folder.join(format!("{name}.test"));
        for ending in ["base", "train"] {
            let base = folder.join(format!("{name}.{ending}"));
            if base.is_file() && test.is_file() {
                found.push((name.to_owned(), base, test.clone()));
            }
        }
    }
    if found.is_empty() {
        return Err(BadInput::new(format!(
            "{} has no official folds: pairs such as u1.base and u1.test",
            folder.display()
        )));
    }
    Ok(found)
}

/// Writes folds as pairs of files, `u1.base` and `u1.test` and so on, in the form of ML-100K, so that other programs
/// can be measured on the same ones; [`official`] finds them again.
///
/// # Errors
/// When the disk refuses: no file is written then.
pub fn write(folds: &[Fold<'_>], folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut together = Together::default();
    for (number, fold) in (1..).zip(folds) {
        let ratings = &fold.data.ratings;
        for (ending, rows) in [
            ("base", &fold.split.train),
            ("test", &fold.split.validation),
        ] {
            together.add(&folder.join(format!("u{number}.{ending}")), |file| {
                for &row in rows {
                    let row = row as usize;
                    let user = ratings.user_ids[ratings.users[row] as usize];
                    let movie = ratings.movie_ids[ratings.movies[row] as usize];
                    match fold.data.user_names.of(user) {
                        Some(name) => write!(file, "{name}\t")?,
                        None => write!(file, "{user}\t")?,
                    }
                    match fold.data.movie_names.of(movie) {
                        Some(name) => write!(file, "{name}\t")?,
                        None => write!(file, "{movie}\t")?,
                    }
                    write!(file, "{}", ratings.stars[row])?;
                    match fold.data.has_times {
                        true => writeln!(file, "\t{}", ratings.times[row])?,
                        false => writeln!(file)?,
                    }
                }
                Ok(())
            })?;
        }
    }
    together.commit().map_err(|(_, error)| error)
}

/// Ratings of two files as one data set, and the split that keeps them apart. Movies and users of either are known to
/// the model, and those without a training rating get what can be said of them without one.
///
/// # Errors
/// What reading them says, or [`BadInput`] for a rating that is in both.
pub fn pair(
    train: &Path,
    test: &Path,
    reading: &Reading,
    progress: &dyn LoadProgress,
) -> anyhow::Result<(Dataset, Split)> {
    let load = |path: &Path| {
        let data = Dataset::load_as(path, reading, progress);
        data.map_err(pocketrec_data::DataError::into_anyhow)
    };
    let (first, second) = (load(train)?, load(test)?);
    let (ratings, split, [user_names, movie_names]) = joined(&first, &second).ok_or_else(|| {
        BadInput::new(format!(
            "a user rated the same movie in {} and in {}; ratings to test on must be in one file only",
            train.display(),
            test.display()
        ))
    })?;
    let sides = Sides {
        users: both(&first, &second, &user_names, |data| {
            (&data.sides.users, &data.user_names)
        }),
        movies: both(&first, &second, &movie_names, |data| {
            (&data.sides.movies, &data.movie_names)
        }),
    };
    let titles = match (movie_names.is_empty(), first.titles.is_empty()) {
        (false, _) => Titles::of_names(movie_names.all()),
        (true, true) => second.titles,
        (true, false) => first.titles,
    };
    let found = Dataset::new(first.name, ratings, titles, first.license);
    let data = Dataset {
        scale: reading
            .scale
            .map_or(found.scale, |given| given.with(found.scale)),
        has_times: first.has_times && second.has_times,
        user_names,
        movie_names,
        sides,
        notes: first.notes,
        ..found
    };
    Ok((data, split))
}

/// What is known of the users or the movies of either set, by the ids that they have in both together.
fn both(
    first: &Dataset,
    second: &Dataset,
    names: &Names,
    side: fn(&Dataset) -> (&Side, &Names),
) -> Side {
    let mut all = Side::default();
    for data in [first, second] {
        let (side, own) = side(data);
        if all.columns.is_empty() {
            all.columns.clone_from(&side.columns);
        }
        all.labels
            .extend(side.labels.iter().filter_map(|(label, id)| {
                let id = match (names.is_empty(), own.of(*id)) {
                    (true, _) => *id,
                    (false, Some(name)) => names.id(name)?,
                    (false, None) => names.id(&id.to_string())?,
                };
                Some((label.clone(), id))
            }));
    }
    all.labels.sort();
    all.labels.dedup();
    all
}

/// The users or the movies of two sets of ratings as those of one.
struct Shared {
    ids: Vec<u32>,
    names: Names,
    /// From the rows of each set to rows of both.
    rows: [Vec<u32>; 2],
}

impl Shared {
    fn of(first: &Dataset, second: &Dataset, side: fn(&Dataset) -> (&Vec<u32>, &Names)) -> Shared {
        let parts = [first, second].map(side);
        if parts.iter().all(|(_, names)| names.is_empty()) {
            let all = merged(parts.map(|(ids, _)| ids.clone()));
            let rows = parts.map(|(ids, _)| places(ids, &all));
            return Shared {
                ids: all,
                names: Names::default(),
                rows,
            };
        }
        // What is a number in one set may be a name in the other.
        let label =
            |names: &Names, id: u32| names.of(id).map_or_else(|| id.to_string(), str::to_owned);
        let labels =
            parts.map(|(ids, names)| ids.iter().map(|id| label(names, *id)).collect::<Vec<_>>());
        let all = merged(labels.clone());
        let rows = labels.map(|labels| places(&labels, &all));
        Shared {
            ids: (1..).take(all.len()).collect(),
            names: Names::new(all),
            rows,
        }
    }
}

fn merged<T: Ord + Clone>(parts: [Vec<T>; 2]) -> Vec<T> {
    let mut all = parts.concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// Where each of `some` is among `all`, which ascend and have them.
fn places<T: Ord>(some: &[T], all: &[T]) -> Vec<u32> {
    some.iter()
        .map(|one| all.binary_search(one).unwrap_or_default() as u32)
        .collect()
}

/// Two sets of ratings as one with common rows, and the names of its users and movies; `None` where a pair of user and
/// movie is in both.
fn joined(first: &Dataset, second: &Dataset) -> Option<(Ratings, Split, [Names; 2])> {
    let users = Shared::of(first, second, |data| {
        (&data.ratings.user_ids, &data.user_names)
    });
    let movies = Shared::of(first, second, |data| {
        (&data.ratings.movie_ids, &data.movie_names)
    });
    let parts = [&first.ratings, &second.ratings];
    let mut all = Ratings {
        user_ids: users.ids,
        movie_ids: movies.ids,
        ..Ratings::default()
    };
    let mut pairs = HashSet::new();
    for ((part, users), movies) in parts.into_iter().zip(&users.rows).zip(&movies.rows) {
        for i in 0..part.len() {
            let pair = (
                users[part.users[i] as usize],
                movies[part.movies[i] as usize],
            );
            if !pairs.insert(pair) {
                return None;
            }
            all.users.push(pair.0);
            all.movies.push(pair.1);
            all.stars.push(part.stars[i]);
            all.times.push(part.times[i]);
        }
    }
    let middle = parts[0].len() as u32;
    let split = Split {
        train: (0..middle).collect(),
        validation: (middle..all.len() as u32).collect(),
    };
    Some((all, split, [users.names, movies.names]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_data::Titles;

    /// User, movie, stars, time.
    type Row = (u32, u32, f32, u32);

    fn ratings(rows: &[Row]) -> Ratings {
        let ids = |pick: &dyn Fn(&Row) -> u32| {
            let mut ids: Vec<u32> = rows.iter().map(pick).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let (user_ids, movie_ids) = (ids(&|r| r.0), ids(&|r| r.1));
        let mut out = Ratings::default();
        for &(user, movie, stars, time) in rows {
            out.users
                .push(user_ids.binary_search(&user).unwrap() as u32);
            out.movies
                .push(movie_ids.binary_search(&movie).unwrap() as u32);
            out.stars.push(stars);
            out.times.push(time);
        }
        (out.user_ids, out.movie_ids) = (user_ids, movie_ids);
        out
    }

    fn dataset(ratings: Ratings) -> Dataset {
        Dataset::new("test".into(), ratings, Titles::default(), String::new())
    }

    #[test]
    fn every_rating_is_tested_in_exactly_one_fold() {
        let rows: Vec<_> = (0..103).map(|i| (i % 10, i, 3.0, i)).collect();
        let data = dataset(ratings(&rows));
        let folds = folds(&data, 5, 1);
        let mut tested: Vec<u32> = Vec::new();
        for fold in &folds {
            assert!((20..=21).contains(&fold.split.validation.len()));
            assert_eq!(fold.split.train.len() + fold.split.validation.len(), 103);
            tested.extend(&fold.split.validation);
        }
        tested.sort_unstable();
        assert_eq!(tested, (0..103).collect::<Vec<_>>());
        assert_ne!(folds[0].split, super::folds(&data, 5, 2)[0].split);
    }

    #[test]
    fn the_last_rating_by_time_is_held_back_and_an_only_one_is_not() {
        let data = dataset(ratings(&[
            (1, 10, 3.0, 50),
            (1, 20, 4.0, 70),
            (1, 30, 4.0, 60),
            (2, 10, 1.0, 9),
            (3, 20, 2.0, 5),
            (3, 30, 2.0, 5),
        ]));
        assert_eq!(leave_last_out(&data).split.validation, [1, 5]);
    }

    #[test]
    fn a_pair_of_files_keeps_its_parts_and_shares_its_rows() {
        let train = dataset(ratings(&[(1, 10, 3.0, 0), (2, 30, 4.0, 0)]));
        let test = dataset(ratings(&[(2, 10, 5.0, 0), (5, 20, 1.0, 0)]));
        let (all, split, _) = joined(&train, &test).unwrap();
        assert_eq!(all.user_ids, [1, 2, 5]);
        assert_eq!(all.movie_ids, [10, 20, 30]);
        assert_eq!(
            (all.users, all.movies),
            (vec![0, 1, 1, 2], vec![0, 2, 0, 1])
        );
        assert_eq!((split.train, split.validation), (vec![0, 1], vec![2, 3]));
        assert!(joined(&train, &train).is_none());
    }

    #[test]
    fn folds_that_are_written_are_found_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<_> = (0..40).map(|i| (i % 4 + 1, i + 1, 3.5, i)).collect();
        let data = dataset(ratings(&rows));
        let folds = folds(&data, 5, 1);
        write(&folds, folder.path()).unwrap();
        let found = official(folder.path()).unwrap();
        assert_eq!(found.len(), 5);
        let (read, split) = pair(
            &found[1].1,
            &found[1].2,
            &Reading::default(),
            &pocketrec_data::Silent,
        )
        .unwrap();
        assert_eq!(split.validation.len(), 8);
        let ids = |data: &Dataset, row: u32| {
            let row = row as usize;
            (
                data.ratings.movie_ids[data.ratings.movies[row] as usize],
                data.ratings.times[row],
            )
        };
        let wrote: HashSet<_> = folds[1]
            .split
            .validation
            .iter()
            .map(|&r| ids(&data, r))
            .collect();
        assert!(
            split
                .validation
                .iter()
                .all(|&row| wrote.contains(&ids(&read, row)))
        );
    }

    #[test]
    fn names_of_a_pair_of_files_are_matched_by_name() {
        let mut train = dataset(ratings(&[(1, 10, 3.0, 0), (2, 30, 4.0, 0)]));
        train.user_names = Names::new(vec!["ann".into(), "bob".into()]);
        let mut test = dataset(ratings(&[(1, 10, 5.0, 0), (2, 20, 1.0, 0)]));
        test.user_names = Names::new(vec!["bob".into(), "cy".into()]);
        let (all, _, [users, movies]) = joined(&train, &test).unwrap();
        assert_eq!(users.all(), ["ann", "bob", "cy"]);
        assert!(movies.is_empty());
        assert_eq!(all.user_ids, [1, 2, 3]);
        assert_eq!(all.users, [0, 1, 1, 2]);
        // A number in one file is the name that it writes in the other.
        test.user_names = Names::default();
        assert_eq!(
            joined(&train, &test).unwrap().2[0].all(),
            ["1", "2", "ann", "bob"]
        );
    }

    #[test]
    fn a_folder_without_official_folds_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            official(folder.path())
                .unwrap_err()
                .to_string()
                .contains("u1.base")
        );
        for name in ["u1.base", "u1.test", "u2.base"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(official(folder.path()).unwrap().len(), 1);
    }
}
