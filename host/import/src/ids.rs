//! Whose row is whose: the ids of a table's rows, and the order in which a checkpoint has them.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;

use pocketrec_data::Names;
use pocketrec_data::known;

use crate::array::Array;
use crate::arrays;
use crate::error::{self, Failed};
use crate::table;

/// The ids of a side's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The id of each row, ascending.
    pub ids: Vec<u32>,
    /// What ids are called, where they aren't numbers of 32 bits.
    pub names: Names,
    /// Where each of these rows was.
    pub order: Vec<usize>,
}

impl Ids {
    /// Each row's number is its id.
    pub fn rows(count: usize) -> Ids {
        Ids {
            ids: (0..count as u32).collect(),
            names: Names::default(),
            order: (0..count).collect(),
        }
    }

    /// The ids that rows are given: texts that are all whole numbers of 32 bits are numbers, others names. `what` is user or
    /// movie.
    ///
    /// # Errors
    /// A sentence that names the two rows of one id.
    pub fn of(given: Given, what: &str) -> Result<Ids, String> {
        let texts = match given {
            Given::Numbers(numbers) => return Ids::of_numbers(&numbers, what),
            Given::Texts(texts) => texts,
        };
        if let Some(row) = texts.iter().position(String::is_empty) {
            return Err(format!(
                "row {row} of the {what} ids is empty; counted from 0"
            ));
        }
        let number = |text: &String| -> Option<u32> {
            let is_plain = text == "0" || !text.starts_with(['0', '+']);
            text.parse().ok().filter(|_| is_plain)
        };
        if let Some(numbers) = texts.iter().map(number).collect::<Option<Vec<u32>>>() {
            return Ids::of_numbers(&numbers, what);
        }
        let order = ordered(&texts, what)?;
        let mut texts: Vec<Option<String>> = texts.into_iter().map(Some).collect();
        let sorted = order.iter().filter_map(|row| texts[*row].take()).collect();
        Ok(Ids {
            ids: (1..=order.len() as u32).collect(),
            names: Names::new(sorted),
            order,
        })
    }

    fn of_numbers(numbers: &[u32], what: &str) -> Result<Ids, String> {
        let order = ordered(numbers, what)?;
        Ok(Ids {
            ids: order.iter().map(|row| numbers[*row]).collect(),
            names: Names::default(),
            order,
        })
    }

    /// What a row is called, by its place among these.
    pub fn shown(&self, place: usize) -> String {
        let id = self.ids.get(place).copied().unwrap_or_default();
        self.names
            .of(id)
            .map_or_else(|| id.to_string(), String::from)
    }
}

/// Rows in the order of their ids.
fn ordered<T: Ord + Display>(ids: &[T], what: &str) -> Result<Vec<usize>, String> {
    let mut order: Vec<usize> = (0..ids.len()).collect();
    // Those of one id as they came.
    order.sort_by(|a, b| ids[*a].cmp(&ids[*b]));
    let twice = order.windows(2).filter(|pair| ids[pair[0]] == ids[pair[1]]);
    match twice.min_by_key(|pair| pair[1]) {
        None => Ok(order),
        Some(pair) => Err(format!(
            "the {what} id {} is there twice: rows {} and {}, counted from 0",
            error::shown(&ids[pair[0]].to_string()),
            pair[0],
            pair[1]
        )),
    }
}

/// What rows are called, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Numbers.
    Numbers(Vec<u32>),
    /// Names, or numbers as texts.
    Texts(Vec<String>),
}

impl Given {
    /// Those in an array; none where it holds neither integers nor texts.
    pub fn of(array: &Array) -> Option<Given> {
        match array.small() {
            Some(numbers) => Some(Given::Numbers(numbers)),
            None => array.texts().map(Given::Texts),
        }
    }

    /// All of them as whole numbers, if they are.
    pub fn whole(&self) -> Option<Vec<i128>> {
        let number = |text: &String| {
            let number: i128 = text.parse().ok()?;
            (number.to_string() == *text).then_some(number)
        };
        match self {
            Given::Numbers(numbers) => Some(numbers.iter().map(|id| (*id).into()).collect()),
            Given::Texts(texts) => texts.iter().map(number).collect(),
        }
    }

    /// Those at such places.
    fn picked(&self, places: &[usize]) -> Given {
        match self {
            Given::Numbers(numbers) => {
                Given::Numbers(places.iter().map(|at| numbers[*at]).collect())
            }
            Given::Texts(texts) => {
                Given::Texts(places.iter().map(|at| texts[*at].clone()).collect())
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Given::Numbers(numbers) => numbers.len(),
            Given::Texts(texts) => texts.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a file calls rows, or a model's own ids.
#[derive(Clone, Debug)]
pub struct Labels {
    /// Where they are from.
    shown: String,
    /// `user` or `movie`.
    what: String,
    labels: Given,
    /// The row of each, as it is written, where a column says it.
    rows: Option<Vec<String>>,
    /// Lines ahead of the first.
    ahead: usize,
}

impl Labels {
    fn wrong(&self, at: usize, row: &str, right: &str) -> Failed {
        Failed::input(format!(
            "{}, line {}: the row is `{}`, and it should be {right}",
            self.shown,
            at + self.ahead + 1,
            error::shown(row)
        ))
    }

    /// In the order of rows, of which each has one.
    ///
    /// # Errors
    /// [`Failed`] where rows aren't all there.
    pub fn in_order(self) -> Result<Given, Failed> {
        let Some(rows) = &self.rows else {
            return Ok(self.labels);
        };
        let mut places = vec![None; rows.len()];
        for (at, row) in rows.iter().enumerate() {
            let last = rows.len() - 1;
            let right = format!("one from 0 to {last} that no other line has");
            let wrong = || self.wrong(at, row, &right);
            let place: usize = row.parse().map_err(|_| wrong())?;
            match places.get(place) {
                Some(None) => places[place] = Some(at),
                _ => return Err(wrong()),
            }
        }
        let places: Vec<usize> = places.into_iter().flatten().collect();
        Ok(self.labels.picked(&places))
    }

    /// Those of a model's own ids, as an indexer of texts gave them: of id 0 the first, or the one whose row is 0.
    ///
    /// # Errors
    /// [`Failed`] where an id has none.
    pub fn of_ids(self, ids: &[i128]) -> Result<Given, Failed> {
        let mut places = HashMap::with_capacity(self.labels.len());
        for at in 0..self.labels.len() {
            let row = match &self.rows {
                None => at as i128,
                Some(rows) => rows[at].parse().map_err(|_| {
                    self.wrong(at, &rows[at], &format!("a {} id of the model", self.what))
                })?,
            };
            if let (Some(before), Some(rows)) = (places.insert(row, at), &self.rows) {
                let right = format!("another than that of line {}", before + self.ahead + 1);
                return Err(self.wrong(at, &rows[at], &right));
            }
        }
        let place = |id: &i128| {
            places.get(id).copied().ok_or_else(|| {
                Failed::input(format!(
                    "{} names {} {}s, the first of them id 0 of the model unless a column `row` says which, and none for its {} id {id}; \
                     `--map {}_ids=none` takes names in the order of the model's rows",
                    self.shown,
                    self.labels.len(),
                    self.what,
                    self.what,
                    self.what
                ))
            })
        };
        let places: Vec<usize> = ids.iter().map(place).collect::<Result<_, _>>()?;
        Ok(self.labels.picked(&places))
    }
}

/// The ids in a file: an array of NumPy's, or a table, of which the column that is called like an id is taken, else
/// the first; a column `row` says in which row an id is. `what` is user or movie.
///
/// # Errors
/// [`Failed`] where it can't be read.
pub fn read(path: &Path, what: &str) -> Result<Labels, Failed> {
    let shown = path.display();
    let ends = |end: &str| {
        path.extension()
            .is_some_and(|own| own.eq_ignore_ascii_case(end))
    };
    let all = |labels, rows, ahead| Labels {
        shown: shown.to_string(),
        what: what.into(),
        labels,
        rows,
        ahead,
    };
    if ends("npy") {
        let mut arrays = arrays::read(path)?;
        let array = arrays.pop_first().map(|(_, array)| array);
        let labels = array.as_ref().and_then(Given::of).ok_or_else(|| {
            Failed::input(format!(
                "{shown} holds neither integers nor texts, and ids are one of them"
            ))
        })?;
        return Ok(all(labels, None, 0));
    }
    let own: &[&str] = match what {
        "user" => known::USERS,
        _ => known::MOVIES,
    };
    const ROW: &[&str] = &["row", "index", "idx", "rownumber", "position", "innerid"];
    let headed = |cells: &[String]| {
        let named = |names| known::find(cells, names).is_some();
        named(known::USERS) || named(known::MOVIES) || named(&["id"]) || named(ROW)
    };
    let table = table::read(path, headed)?;
    let rows = table.find(ROW);
    let own = table.find(own).or_else(|| table.find(&["id"]));
    let column = own.unwrap_or_else(|| (0..).find(|at| Some(*at) != rows).unwrap_or_default());
    let rows = rows.filter(|rows| *rows != column);
    let cells = |at: usize| table.columns.get(at).cloned().unwrap_or_default();
    Ok(all(
        Given::Texts(cells(column)),
        rows.map(cells),
        table.ahead,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Given {
        Given::Texts(texts.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn numbers_stay_numbers_and_all_else_is_names_by_the_alphabet() {
        let ids = Ids::of(texts(&["30", "4", "7"]), "user").unwrap();
        assert_eq!((ids.ids, ids.order), (vec![4, 7, 30], vec![1, 2, 0]));
        for other in ["-1", "4294967296", "007", "tt12"] {
            let ids = Ids::of(texts(&["30", other]), "user").unwrap();
            assert_eq!(ids.ids, [1, 2], "{other}");
            assert_eq!(
                ids.names.id(other).map(|id| ids.order[id as usize - 1]),
                Some(1)
            );
        }
    }

    #[test]
    fn two_rows_of_one_id_are_named() {
        let told = Ids::of(texts(&["5", "6", "5"]), "movie").unwrap_err();
        assert_eq!(
            told,
            "the movie id 5 is there twice: rows 0 and 2, counted from 0"
        );
    }

    #[test]
    fn names_of_a_models_own_ids_are_found_by_these() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids.csv");
        let of = |text: &str, ids: &[i128]| {
            std::fs::write(&path, text).unwrap();
            read(&path, "user")
                .and_then(|labels| labels.of_ids(ids))
                .map_err(|error| error.to_string())
        };
        let due = Ok(texts(&["zoe", "adam"]));
        assert_eq!(of("user\nadam\neve\nzoe\n", &[2, 0]), due);
        assert_eq!(of("row,user\n40,zoe\n7,adam\n", &[40, 7]), due);
        for (text, told) in [
            ("user\nadam\neve\n", "and none for its user id 2"),
            (
                "row,user\n2,a\n2,b\n",
                "line 3: the row is `2`, and it should be another than that of line 2",
            ),
            (
                "row,user\nx,a\n",
                "line 2: the row is `x`, and it should be a user id of the model",
            ),
        ] {
            let error = of(text, &[2]).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_table_of_ids_may_say_the_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids.csv");
        let read = |text: &str, what: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path, what)
                .and_then(Labels::in_order)
                .map_err(|error| error.to_string())
        };
        assert_eq!(read("12\n7\n", "user").unwrap(), texts(&["12", "7"]));
        assert_eq!(
            read("userId\n12\n7\n", "user").unwrap(),
            texts(&["12", "7"])
        );
        assert_eq!(
            read("row,movieId\n1,12\n0,7\n", "movie").unwrap(),
            texts(&["7", "12"])
        );
        assert_eq!(read("a,x\nb,y\n", "movie").unwrap(), texts(&["a", "b"]));
        let told = read("row,id\n1,12\n1,7\n", "movie").unwrap_err();
        assert!(
            told.ends_with(
                "line 3: the row is `1`, and it should be one from 0 to 1 that no other line has"
            ),
            "{told}"
        );
        assert!(read("", "user").unwrap_err().ends_with("holds no rows"));
        let told = read(&format!("row,id\n\"{}\n\",12\n", "9".repeat(1000)), "movie").unwrap_err();
        assert!(told.chars().count() < 300 && !told.contains('\n'), "{told}");
        let twice = texts(&["a\nb", "a\nb"]);
        let told = Ids::of(twice, "movie").unwrap_err();
        assert!(told.contains("the movie id a\\nb is there twice"), "{told}");
    }
}
