//! Rows as lines: CSV and JSON.
//!
//! Numbers in single precision are written as shortly as they read back the same; one that isn't there is nothing in CSV
//! and null in JSON.

use std::io::Write;

use super::{Cells, Kind};

/// The line of names. A list is a column a number: `features_0`, `features_1`.
pub fn head(columns: &[(String, Kind)]) -> Vec<u8> {
    let names = columns.iter().flat_map(|(name, kind)| match kind {
        Kind::List(length) => (0..*length).map(|at| format!("{name}_{at}")).collect(),
        _ => vec![name.clone()],
    });
    let mut line = Vec::new();
    for (at, name) in names.enumerate() {
        if at > 0 {
            line.push(b',');
        }
        quoted(&mut line, &name);
    }
    line.push(b'\n');
    line
}

/// Lines of CSV (RFC 4180, ended by a line feed).
pub fn csv(columns: &[(String, Kind)], cells: &[Cells], rows: usize) -> Vec<u8> {
    let mut lines = Vec::new();
    for row in 0..rows {
        for (at, ((_, kind), cells)) in columns.iter().zip(cells).enumerate() {
            if at > 0 {
                lines.push(b',');
            }
            match (cells, kind) {
                (Cells::Whole(cells), _) => put(&mut lines, format_args!("{}", cells[row])),
                (Cells::Texts(cells), _) => quoted(&mut lines, &cells[row]),
                (Cells::Numbers(cells), _) => number(&mut lines, cells[row], ""),
                (Cells::Lists(cells), Kind::List(length)) => {
                    for (at, value) in cells[row * length..][..*length].iter().enumerate() {
                        if at > 0 {
                            lines.push(b',');
                        }
                        number(&mut lines, *value, "");
                    }
                }
                (Cells::Lists(_), _) => {}
            }
        }
        lines.push(b'\n');
    }
    lines
}

/// Lines of JSON, an object each.
pub fn json(columns: &[(String, Kind)], cells: &[Cells], rows: usize) -> Vec<u8> {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let names: Vec<String> = columns.iter().map(|(name, _)| text(name)).collect();
    let mut lines = Vec::new();
    for row in 0..rows {
        let start = lines.len();
        for (((_, kind), name), cells) in columns.iter().zip(&names).zip(cells) {
            lines.push(if lines.len() == start { b'{' } else { b',' });
            put(&mut lines, format_args!("{name}:"));
            match (cells, kind) {
                (Cells::Whole(cells), _) => put(&mut lines, format_args!("{}", cells[row])),
                (Cells::Texts(cells), _) => put(&mut lines, format_args!("{}", text(&cells[row]))),
                (Cells::Numbers(cells), _) => number(&mut lines, cells[row], "null"),
                (Cells::Lists(cells), Kind::List(length)) => {
                    lines.push(b'[');
                    for (at, value) in cells[row * length..][..*length].iter().enumerate() {
                        if at > 0 {
                            lines.push(b',');
                        }
                        number(&mut lines, *value, "null");
                    }
                    lines.push(b']');
                }
                (Cells::Lists(_), _) => {}
            }
        }
        lines.extend_from_slice(b"}\n");
    }
    lines
}

/// Adds what can't fail in memory.
fn put(lines: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = lines.write_fmt(text);
}

fn number(lines: &mut Vec<u8>, value: f32, nothing: &str) {
    match value.is_finite() {
        true => put(lines, format_args!("{value}")),
        false => lines.extend_from_slice(nothing.as_bytes()),
    }
}

/// A cell, in quotes where it holds what ends one.
fn quoted(line: &mut Vec<u8>, cell: &str) {
    match cell.contains([',', '"', '\n', '\r']) {
        false => line.extend_from_slice(cell.as_bytes()),
        true => put(line, format_args!("\"{}\"", cell.replace('"', "\"\""))),
    }
}
