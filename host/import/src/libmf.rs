//! LIBMF's models: text, a line for each number of the head (`f`, `m`, `n`, `k`, `b`), then one for each row.

use crate::array::{Array, Arrays};
use crate::error::shown;
use crate::roles::Role;

/// What LIBMF's loss functions above these predict are signs and orders, not ratings.
const RATINGS: u32 = 2;

/// Whether a text begins like one of LIBMF's models.
pub fn is(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(200)];
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let line = lines.next().unwrap_or_default();
    let Some((name, number)) = line.split_once(' ') else {
        return false;
    };
    matches!(name, "f" | "m") && number.trim().parse::<u32>().is_ok()
}

/// The arrays of a model: its tables, and the ids of the rows that were learned.
///
/// # Errors
/// What is wrong, with the line's number.
pub fn read(text: &str) -> Result<(Arrays, Vec<String>), String> {
    let mut lines = (1..).zip(text.lines());
    let mut head = std::collections::HashMap::new();
    let mut sides: [(Vec<String>, Vec<f32>); 2] = Default::default();
    let mut missing = [0usize; 2];
    let mut k = 0;
    let mut rows = [0usize; 2];
    for (number, line) in lines.by_ref() {
        let mut words = line.split_ascii_whitespace();
        let wrong = |right: &str| format!("line {number}: {right}");
        let Some(name) = words.next() else {
            continue;
        };
        if let "f" | "m" | "n" | "k" | "b" = name {
            let value = words.next().and_then(|word| word.parse::<f64>().ok());
            let value = value.ok_or_else(|| wrong("a number should follow"))?;
            head.insert(name, value);
            if name == "k" {
                k = value as usize;
            }
            continue;
        }
        let side = match name.as_bytes().first() {
            Some(b'p') => 0,
            Some(b'q') => 1,
            _ => {
                return Err(wrong(
                    "it should be a row of p or q, such as `p0 T 0.1 0.2`",
                ));
            }
        };
        if name[1..].parse() != Ok(rows[side]) {
            return Err(wrong(&format!(
                "it should be row {} of {}",
                rows[side],
                &name[..1]
            )));
        }
        rows[side] += 1;
        match words.next() {
            Some("F") => {
                missing[side] += 1;
                continue;
            }
            Some("T") => {}
            _ => return Err(wrong("T or F should stand behind the row's name")),
        }
        let before = sides[side].1.len();
        for word in words {
            let value: f32 = word
                .parse()
                .map_err(|_| wrong(&format!("`{}` should be a number", shown(word))))?;
            sides[side].1.push(value);
        }
        let has = sides[side].1.len() - before;
        if has != k {
            return Err(wrong(&format!("it has {has} numbers, and k says {k}")));
        }
        sides[side].0.push((rows[side] - 1).to_string());
    }
    for (name, has) in ["m", "n"].iter().zip(rows) {
        let due = head.get(name).copied().unwrap_or(-1.0);
        if due != has as f64 {
            return Err(format!(
                "it has {has} rows, and {name} says {due}: it may be cut"
            ));
        }
    }
    let loss = head.get("f").copied().unwrap_or_default();
    if loss > f64::from(RATINGS) {
        return Err(format!(
            "its loss function is {loss}, which learns signs or orders; ratings are learned by 0, 1 and 2"
        ));
    }
    let mut arrays = Arrays::new();
    for ((table, ids), (names, values)) in [
        (Role::UserTable, Role::UserIds),
        (Role::MovieTable, Role::MovieIds),
    ]
    .into_iter()
    .zip(sides)
    {
        let shape = vec![names.len(), k];
        arrays.insert(table.name().into(), Array::of_floats(shape, &values)?);
        arrays.insert(ids.name().into(), Array::of_texts(&names)?);
    }
    let mut notes = Vec::new();
    for (what, count) in ["users", "movies"].into_iter().zip(missing) {
        if count > 0 {
            let (what, are, them) = match count {
                1 => (what.trim_end_matches('s'), "is", "it"),
                _ => (what, "are", "them"),
            };
            notes.push(format!(
                "{count} {what} without training ratings {are} left out; LIBMF predicts {} for {them}",
                head.get("b").copied().unwrap_or_default()
            ));
        }
    }
    Ok((arrays, notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str =
        "f 0\nm 3\nn 2\nk 2\nb 3.5\np0 T 0.5 1 \np1 F 0 0 \np2 T 2 -1 \nq0 T 1 1 \nq1 T 0.25 4 \n";

    #[test]
    fn rows_that_were_learned_are_there_with_their_numbers() {
        assert!(is(MODEL.as_bytes()));
        let (arrays, notes) = read(MODEL).unwrap();
        assert_eq!(
            &*arrays["user_embedding"].floats().unwrap(),
            [0.5, 1.0, 2.0, -1.0]
        );
        assert_eq!(arrays["user_ids"].texts().unwrap(), ["0", "2"]);
        assert_eq!(arrays["movie_ids"].texts().unwrap(), ["0", "1"]);
        assert_eq!(
            notes,
            ["1 user without training ratings is left out; LIBMF predicts 3.5 for it"]
        );
        assert!(!is(b"userId,movieId\n"));
    }

    #[test]
    fn a_cut_or_wrong_model_names_the_line() {
        for (from, to, told) in [
            ("q1 T 0.25 4 \n", "", "n says 2: it may be cut"),
            (
                "q1 T 0.25 4 \n",
                "q1 T 0.25",
                "line 10: it has 1 numbers, and k says 2",
            ),
            ("p2", "p3", "line 8: it should be row 2 of p"),
            ("T 2 -1", "T 2 x", "line 8: `x` should be a number"),
            ("f 0", "f 10", "its loss function is 10"),
            ("k 2", "k", "line 4: a number should follow"),
        ] {
            let error = read(&MODEL.replace(from, to)).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
