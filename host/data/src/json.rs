//! Ratings as JSON: an object each, one a line (JSON lines), over several lines each, or in an array.

use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read};

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor,
};
use serde_json::{Number, Value};

/// Stands for a line feed within an object: white space there too, and no end of a line.
pub const WITHIN: u8 = b'\r';

/// The objects of a text, one a line: as many bytes. Brackets around all of them are blanks. Objects that no comma and no line
/// feed parts stay in one line, which is refused.
///
/// No string of JSON holds a line feed, so one ends whatever wasn't closed, and a damaged line spoils no other.
pub struct Lines<R> {
    read: R,
    /// Objects and arrays that are open, but for the array of all objects.
    open: u32,
    in_array: bool,
    in_string: bool,
    /// Behind a backslash in a string.
    escaped: bool,
    /// Behind the comma after an object, which ends its line already.
    ended: bool,
}

impl<R> Lines<R> {
    /// The text of `read`.
    pub fn new(read: R) -> Self {
        Self {
            read,
            open: 0,
            in_array: false,
            in_string: false,
            escaped: false,
            ended: false,
        }
    }

    fn cut(&mut self, text: &mut [u8]) {
        let mut at = 0;
        while at < text.len() {
            if self.in_string {
                at += match std::mem::take(&mut self.escaped) && text[at] != b'\n' {
                    true => 1,
                    false => self.string(&text[at..]),
                };
                continue;
            }
            let (is_outside, ended) = (self.open == 0, std::mem::take(&mut self.ended));
            match text[at] {
                b'"' => self.in_string = true,
                b'[' if is_outside && !self.in_array => {
                    self.in_array = true;
                    text[at] = b' ';
                }
                b']' if is_outside => text[at] = b' ',
                b'{' | b'[' => self.open += 1,
                b'}' | b']' => self.open = self.open.saturating_sub(1),
                b',' if is_outside => {
                    self.ended = true;
                    text[at] = b'\n';
                }
                b'\n' if ended => text[at] = b' ',
                b'\n' if !is_outside => text[at] = WITHIN,
                b'\r' => text[at] = b' ',
                b' ' | b'\t' => self.ended = ended,
                _ => {}
            }
            at += 1;
        }
    }

    /// Goes through a string, as far as there is something to see; how many bytes that is.
    fn string(&mut self, text: &[u8]) -> usize {
        let Some(at) = memchr::memchr3(b'"', b'\\', b'\n', text) else {
            return text.len();
        };
        match text[at] {
            b'\\' => self.escaped = true,
            byte => {
                self.in_string = false;
                if byte == b'\n' {
                    self.open = 0;
                }
            }
        }
        at + 1
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.read.read(buffer)?;
        self.cut(&mut buffer[..got]);
        Ok(got)
    }
}

/// Whether a line is to be read so: no other form of ratings begins with a brace or a bracket.
pub fn begins(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start(), [b'{' | b'[', ..])
}

/// The names in the objects of these lines, in the order in which they are met. Lines that are no objects have none.
///
/// # Errors
/// Why the first line is no object.
pub fn names(lines: &[&[u8]]) -> Result<Vec<String>, String> {
    let (mut names, mut met) = (Vec::new(), HashSet::new());
    for (number, line) in lines.iter().enumerate() {
        let mut reader = serde_json::Deserializer::from_slice(line);
        let read = reader.deserialize_map(Names(&mut names, &mut met));
        if let (0, Err(error)) = (number, read.and_then(|()| reader.end())) {
            return Err(why(line, &error));
        }
    }
    match names.is_empty() {
        true => Err(format!("its object is empty; a rating should be {RIGHT}")),
        false => Ok(names),
    }
}

/// What an object has under each of the names, as CSV would write it: nothing for what it hasn't, and for null.
///
/// # Errors
/// Why the line is none, or which value is neither a text nor a number.
pub fn cells(line: &[u8], wanted: [Option<&str>; 4]) -> Result<[Vec<u8>; 4], String> {
    let mut reader = serde_json::Deserializer::from_slice(line);
    let read = Object(wanted).deserialize(&mut reader);
    read.and_then(|cells| reader.end().map(|()| cells))
        .map_err(|error| why(line, &error))
}

fn why(line: &[u8], error: &serde_json::Error) -> String {
    if error.is_data() {
        let said = error.to_string();
        // Of the line that it was given there is one.
        let said = said.split(" at line ").next().unwrap_or_default();
        return format!("{said}; a rating should be {RIGHT}");
    }
    let python = line.trim_ascii_start();
    if python.starts_with(b"{'") || python.starts_with(b"{u'") {
        return format!(
            "it is written as Python writes a dict, with single quotes; it should be {RIGHT}: read it with \
             `ast.literal_eval` and write it with `json.dumps`"
        );
    }
    let behind = line.get(error.column().saturating_sub(1)..);
    if behind.is_some_and(|rest| rest.starts_with(b"{"))
        && error.to_string().starts_with("trailing")
    {
        return "more than one object stands in this line; each should have its own, as `jq -c .` writes them".into();
    }
    let cut = match error.is_eof() {
        true => "ends before its object does",
        false => "isn't JSON",
    };
    format!(
        "it {cut} (byte {}); a rating should be {RIGHT}",
        error.column()
    )
}

const RIGHT: &str = "a JSON object, as in `{\"user\": 1, \"item\": \"B00X\", \"rating\": 4.5, \"timestamp\": 1112486027}`";

/// Names in the order in which they are met, and which were.
struct Names<'a>(&'a mut Vec<String>, &'a mut HashSet<String>);

impl<'de> Visitor<'de> for Names<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, IgnoredAny)) = map.next_entry::<String, _>()? {
            if self.1.insert(name.clone()) {
                self.0.push(name);
            }
        }
        Ok(())
    }
}

/// What is wanted of an object.
struct Object<'n>([Option<&'n str>; 4]);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = [Vec<u8>; 4];

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = [Vec<u8>; 4];

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Self::Value::default();
        while let Some(at) = map.next_key_seed(Which(&self.0))? {
            match at {
                Some(at) => {
                    found[at] = map.next_value_seed(Cell(self.0[at].unwrap_or_default()))?
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

/// A name, as its place among those that are wanted.
struct Which<'n>(&'n [Option<&'n str>; 4]);

impl<'de> DeserializeSeed<'de> for Which<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Which<'_> {
    type Value = Option<usize>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|wanted| *wanted == Some(name)))
    }
}

/// The value under a name.
struct Cell<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = Vec<u8>;

    /// Numbers as serde_json itself keeps them: another package's features may have it hand them on as something else.
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let is = match Value::deserialize(from)? {
            Value::Null => return Ok(Vec::new()),
            Value::String(text) => return Ok(text.trim().into()),
            Value::Number(number) => match written(&number) {
                Some(text) => return Ok(text.into()),
                None => "a number of more digits than are kept",
            },
            Value::Bool(_) => "true or false",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        let name = self.0;
        Err(D::Error::custom(format_args!(
            "under `{name}` is {is}, where a text or a number should be"
        )))
    }
}

/// A number without what says nothing, as in an id that was written as `7.0`; nothing for one that may have lost digits.
fn written(number: &Number) -> Option<String> {
    /// From here on not all whole numbers are kept.
    const MOST: f64 = (1_u64 << 53) as f64;
    let whole = number.as_i64().map(i128::from);
    if let Some(whole) = whole.or_else(|| number.as_u64().map(i128::from)) {
        return Some(whole.to_string());
    }
    let number = number.as_f64().filter(|number| number.abs() < MOST)?;
    Some(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, step: usize) -> String {
        let (mut lines, mut all, mut part) =
            (Lines::new(text.as_bytes()), Vec::new(), vec![0; step]);
        loop {
            match lines.read(&mut part).unwrap() {
                0 => return String::from_utf8(all).unwrap(),
                got => all.extend_from_slice(&part[..got]),
            }
        }
    }

    #[test]
    fn objects_become_lines_however_they_stand_and_however_the_text_comes_in() {
        for (text, wanted) in [
            ("{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":2}\n"),
            ("{\"a\":1}\r\n{\"a\":2}", "{\"a\":1} \n{\"a\":2}"),
            ("[{\"a\":1},{\"a\":2}]", " {\"a\":1}\n{\"a\":2} "),
            (
                "[\n  {\n    \"a\": [1,\n2]\n  },\n  {\"a\": 2}\n]\n",
                " \n  {\r    \"a\": [1,\r2]\r  }\n   {\"a\": 2}\n \n",
            ),
            (
                "{\"a\":\"}],\\\" {\\\\\"},{\"b\":\",\"}",
                "{\"a\":\"}],\\\" {\\\\\"}\n{\"b\":\",\"}",
            ),
            (
                "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n",
                "{\r  \"a\": 1\r}\n{\r  \"a\": 2\r}\n",
            ),
            // What isn't closed ends with its line.
            ("{\"a\":\"x\\\n{\"a\":2}\n", "{\"a\":\"x\\\n{\"a\":2}\n"),
            ("[[1,2],[3,4]]", " [1,2]\n[3,4] "),
        ] {
            for step in 1..=text.len() {
                assert_eq!(lines(text, step), wanted, "{text:?} by {step}");
            }
        }
    }

    #[test]
    fn values_are_as_csv_would_write_them() {
        let wanted = [Some("u"), Some("i"), Some("r"), Some("t")];
        let line = r#"{"x": [{"u": 7}], "u": "A\u00e9 ", "i": 18446744073709551615, "r": 4.50, "t": 7.0, "z": null}"#;
        let cells = cells(line.as_bytes(), wanted).unwrap();
        let cells = cells.map(|cell| String::from_utf8(cell).unwrap());
        assert_eq!(cells, ["Aé", "18446744073709551615", "4.5", "7"]);
        assert_eq!(
            names(&[line.as_bytes()]).unwrap(),
            ["x", "u", "i", "r", "t", "z"]
        );
    }

    #[test]
    fn what_is_no_object_is_told_and_what_would_be_right() {
        let wanted = [Some("user"), Some("item"), Some("rating"), None];
        for (line, said) in [
            ("[1,2,3]", "expected an object"),
            (
                "{\"user\": {\"id\": 3}}",
                "under `user` is an object, where a text or a number should be; ",
            ),
            (
                "{\"user\": 184467440737095516150}",
                "under `user` is a number of more digits than are kept",
            ),
            ("{\"user\": true}", "under `user` is true or false"),
            ("{\"user\": 3", "it ends before its object does (byte 10)"),
            ("{\"user\": 3} 4", "it isn't JSON (byte 13)"),
            ("{'user': 3}", "as Python writes a dict"),
        ] {
            let error = cells(line.as_bytes(), wanted).unwrap_err();
            assert!(error.contains(said), "{line}: {error}");
            assert!(error.contains("a JSON object, as in `{"), "{line}: {error}");
            assert!(!error.contains(" at line "), "{line}: {error}");
        }
    }
}
