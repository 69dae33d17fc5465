//! Whose row is whose: the ids of a table's rows, and the order in which a checkpoint has them.

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

/// The ids in a file: an array of NumPy's, or a table, of which the column that is called like an id is taken, else
/// the first; a column `row` says in which row an id is. `what` is user or movie.
///
/// # Errors
/// [`Failed`] where it can't be read or its rows aren't all there.
pub fn read(path: &Path, what: &str) -> Result<Given, Failed> {
    let shown = path.display();
    let ends = |end: &str| {
        path.extension()
            .is_some_and(|own| own.eq_ignore_ascii_case(end))
    };
    if ends("npy") {
        let mut arrays = arrays::read(path)?;
        let array = arrays.pop_first().map(|(_, array)| array);
        return array.as_ref().and_then(Given::of).ok_or_else(|| {
            Failed::input(format!(
                "{shown} holds neither integers nor texts, and ids are one of them"
            ))
        });
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
    let ids = table.columns.get(column).cloned().unwrap_or_default();
    let Some(rows) = rows.filter(|rows| *rows != column) else {
        return Ok(Given::Texts(ids));
    };
    let mut placed: Vec<Option<String>> = vec![None; ids.len()];
    for (line, (row, id)) in table.columns[rows].iter().zip(ids).enumerate() {
        let line = line + table.ahead + 1;
        let wrong = || {
            Failed::input(format!(
                "{shown}, line {line}: the row is `{}`, and it should be one from 0 to {} that no other line has",
                error::shown(row),
                placed.len() - 1
            ))
        };
        let at: usize = row.parse().map_err(|_| wrong())?;
        match placed.get(at) {
            Some(None) => placed[at] = Some(id),
            _ => return Err(wrong()),
        }
    }
    Ok(Given::Texts(placed.into_iter().flatten().collect()))
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
    fn a_table_of_ids_may_say_the_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids.csv");
        let read = |text: &str, what: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path, what).map_err(|error| error.to_string())
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
