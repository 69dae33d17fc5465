//! A model as C, for firmware that isn't Rust: a header and a source whose predictions have core's bits.
//!
//! Sums run in core's order, each product rounded before it is added: a compiler may not fuse them, whatever its options.

use std::fmt::Write;

use pocketrec::numeric::f16;

use super::pick::pick;
use super::{Chosen, Precision, limits};
use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_data::Names;
use pocketrec_train::Parameters;

/// A header and a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct C {
    /// What a program includes.
    pub header: String,
    /// What it is linked with.
    pub source: String,
}

/// Numbers a line of a table.
const PER_LINE: usize = 8;

/// The chosen rows of a checkpoint as C11, in single or half precision. `stem` is the files' name without its end.
///
/// # Errors
/// [`BadInput`] for a model with dense layers, another precision, or a number that half precision doesn't hold.
pub fn write(
    checkpoint: &Checkpoint,
    chosen: &Chosen,
    precision: Precision,
    stem: &str,
) -> Result<C, BadInput> {
    let p = &checkpoint.parameters;
    if let Some(beyond) = limits::of_parameters(p) {
        return Err(BadInput::new(format!("the checkpoint has {beyond}")));
    }
    if !p.layers.is_empty() {
        return Err(BadInput::new(
            "--format c takes a model without dense layers, and this one has them",
        ));
    }
    if !matches!(precision, Precision::F32 | Precision::F16) {
        return Err(BadInput::new(format!(
            "--format c takes --precision f32 or f16, not {}",
            precision.name()
        )));
    }
    let dim = p.movie_dim;
    let users = &chosen.users;
    let mut source = format!("#include \"{stem}.h\"\n\n#include <string.h>\n\n");
    let mut add = |name: &str, kind: &str, columns: usize, cells: Vec<String>| {
        let length = cells.len().max(1);
        let cells = if cells.is_empty() {
            vec!["0".into()]
        } else {
            cells
        };
        let _ = write!(source, "static const {kind} {name}[{length}] = {{");
        for (at, cell) in cells.iter().enumerate() {
            let line = at % columns.clamp(1, PER_LINE) == 0;
            source += if line { "\n    " } else { " " };
            source += cell;
            source += ",";
        }
        source += "\n};\n\n";
    };
    let ids = |ids: Vec<u32>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    let movie_ids = pick(&checkpoint.movie_ids, 1, &chosen.movies);
    let user_ids = pick(&checkpoint.user_ids, 1, users);
    add("movie_ids", "uint32_t", PER_LINE, ids(movie_ids.clone()));
    add("user_ids", "uint32_t", PER_LINE, ids(user_ids.clone()));
    for (side, ids, names) in named(checkpoint, [&movie_ids, &user_ids]) {
        let texts = ids
            .iter()
            .map(|id| names.of(*id).map_or_else(String::new, quoted));
        add(&format!("{side}_names"), "char *const", 1, texts.collect());
    }
    let kind = match precision {
        Precision::F16 => "uint16_t",
        _ => "float",
    };
    let bias = |table: &[f32], rows: &[usize]| match p.model.has_biases() {
        true => pick(table, 1, rows),
        false => vec![0.0; rows.len()],
    };
    for (name, columns, values) in [
        (
            "movie_rows",
            dim,
            pick(&p.movie_embedding, dim, &chosen.movies),
        ),
        ("movie_bias", PER_LINE, bias(&p.movie_bias, &chosen.movies)),
        ("user_rows", dim, pick(&p.user_embedding, dim, users)),
        ("user_bias", PER_LINE, bias(&p.user_bias, users)),
    ] {
        let cells: Result<Vec<String>, BadInput> = values
            .iter()
            .map(|value| cell(*value, precision, name))
            .collect();
        add(name, kind, columns, cells?);
    }
    source += &functions(p, precision);
    for (side, ..) in named(checkpoint, [&movie_ids, &user_ids]) {
        source += &by_name(side);
    }
    Ok(C {
        header: header(checkpoint, chosen, precision, stem),
        source,
    })
}

/// The sides whose ids are names, with the ids that are written of them.
fn named<'a>(
    checkpoint: &'a Checkpoint,
    [movies, users]: [&'a [u32]; 2],
) -> impl Iterator<Item = (&'static str, &'a [u32], &'a Names)> {
    let data = &checkpoint.data;
    [
        ("movie", movies, &data.movie_names),
        ("user", users, &data.user_names),
    ]
    .into_iter()
    .filter(|(.., names)| !names.is_empty())
}

/// A text as C writes it, bytes beyond ASCII's as numbers.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            // A question mark may begin a trigraph.
            b'"' | b'\\' | b'?' => {
                quoted.push('\\');
                quoted.push(byte.into());
            }
            b' '..=b'~' => quoted.push(byte.into()),
            _ => {
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted + "\""
}

/// What finds a row by its name, and the name of a row.
fn by_name(side: &str) -> String {
    let count = format!("POCKETREC_{}S", side.to_uppercase());
    format!(
        "\nuint32_t pocketrec_{side}_named(const char *name) {{\n    \
         for (uint32_t {side} = 0; {side} < {count}; {side}++) {{\n        \
         if (strcmp({side}_names[{side}], name) == 0) {{\n            return {side};\n        }}\n    }}\n    \
         return UINT32_MAX;\n}}\n\n\
         const char *pocketrec_{side}_name(uint32_t {side}) {{\n    return {side}_names[{side}];\n}}\n"
    )
}

/// A number of a table.
fn cell(value: f32, precision: Precision, table: &str) -> Result<String, BadInput> {
    if precision == Precision::F32 {
        return Ok(hex(value));
    }
    let half = f16::round(value).ok_or_else(|| {
        BadInput::new(format!(
            "{table} holds {value}, which half precision doesn't: `--precision f32` holds it"
        ))
    })?;
    Ok(format!("0x{half:04x}"))
}

/// A number in C's hexadecimal form, to the last bit.
fn hex(value: f32) -> String {
    let bits = value.to_bits();
    let (exponent, fraction) = ((bits >> 23) & 0xff, (bits & 0x7f_ffff) << 1);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    match exponent {
        // An image holds no subnormal numbers.
        0 => format!("{sign}0.0f"),
        _ => format!("{sign}0x1.{fraction:06x}p{}f", exponent as i32 - 127),
    }
}

fn header(checkpoint: &Checkpoint, chosen: &Chosen, precision: Precision, stem: &str) -> String {
    let guard: String = stem
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    // A comment that nothing within can end.
    let said = |text: &str| text.replace("*/", "* /").replace(char::is_control, " ");
    let p = &checkpoint.parameters;
    let mut by_name = String::new();
    for (side, ..) in named(checkpoint, [&[], &[]]) {
        let _ = write!(
            by_name,
            "/* The row of a {side} of that name, UINT32_MAX where there is none; and the name of a {side}'s row. */\n\
             uint32_t pocketrec_{side}_named(const char *name);\nconst char *pocketrec_{side}_name(uint32_t {side});\n\n"
        );
    }
    format!(
        "/* {}, {} in {}.\n * Licence of the data: {}\n */\n#ifndef POCKETREC_{guard}_H\n#define POCKETREC_{guard}_H\n\n\
         #include <stddef.h>\n#include <stdint.h>\n\n\
         #define POCKETREC_MOVIES {}u\n#define POCKETREC_USERS {}u\n#define POCKETREC_DIM {}u\n\n\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n\
         /* The row of a movie or a user of that id; UINT32_MAX where there is none. */\n\
         uint32_t pocketrec_movie(uint32_t id);\nuint32_t pocketrec_user(uint32_t id);\n\n\
         /* The id of a movie's row, which must be below POCKETREC_MOVIES. */\n\
         uint32_t pocketrec_movie_id(uint32_t movie);\n\n\
         /* The predicted stars of a user's row for a movie's row, from {} to {}; both must be there. */\n\
         float pocketrec_predict(uint32_t user, uint32_t movie);\n\n\
         /* The rows of the `count` movies with the most predicted stars, the best first, of equals those with the lowest ids;\n \
         * `stars` has room for as many. Gives how many there are. */\n\
         size_t pocketrec_top(uint32_t user, size_t count, uint32_t *movies, float *stars);\n\n\
         {by_name}#ifdef __cplusplus\n}}\n#endif\n\n#endif\n",
        said(&checkpoint.data.name),
        p.model.name(),
        precision.name(),
        said(&checkpoint.data.licence),
        chosen.movies.len(),
        chosen.users.len(),
        p.movie_dim,
        p.scale.0,
        p.scale.1,
    )
}

/// What computes.
fn functions(p: &Parameters, precision: Precision) -> String {
    let widen = match precision {
        Precision::F16 => {
            "static float widened(uint16_t half) {\n    \
             uint32_t bits = (uint32_t)(half & 0x8000u) << 16;\n    \
             if (half & 0x7fffu) {\n        bits |= ((uint32_t)(half & 0x7fffu) << 13) + 0x38000000u;\n    }\n    \
             float number;\n    memcpy(&number, &bits, sizeof number);\n    return number;\n}\n\n"
        }
        _ => "static float widened(float number) {\n    return number;\n}\n\n",
    };
    let biases = match p.model.has_biases() {
        true => {
            "    sum = sum + widened(user_bias[user]);\n    sum = sum + widened(movie_bias[movie]);\n"
        }
        false => "    (void)user_bias;\n    (void)movie_bias;\n",
    };
    format!(
        "{widen}static uint32_t place(const uint32_t *ids, uint32_t count, uint32_t id) {{\n    \
         uint32_t low = 0, high = count;\n    while (low < high) {{\n        uint32_t middle = low + (high - low) / 2;\n        \
         if (ids[middle] < id) {{\n            low = middle + 1;\n        }} else {{\n            high = middle;\n        }}\n    }}\n    \
         return low < count && ids[low] == id ? low : UINT32_MAX;\n}}\n\n\
         uint32_t pocketrec_movie(uint32_t id) {{\n    return place(movie_ids, POCKETREC_MOVIES, id);\n}}\n\n\
         uint32_t pocketrec_user(uint32_t id) {{\n    return place(user_ids, POCKETREC_USERS, id);\n}}\n\n\
         uint32_t pocketrec_movie_id(uint32_t movie) {{\n    return movie_ids[movie];\n}}\n\n\
         float pocketrec_predict(uint32_t user, uint32_t movie) {{\n    volatile float sum = {};\n{biases}    \
         volatile float dot = 0.0f;\n    for (size_t i = 0; i < POCKETREC_DIM; i++) {{\n        \
         volatile float product = widened(user_rows[(size_t)user * POCKETREC_DIM + i])\n            \
         * widened(movie_rows[(size_t)movie * POCKETREC_DIM + i]);\n        dot = dot + product;\n    }}\n    \
         sum = sum + dot;\n    float stars = sum;\n    return stars < {low} ? {low} : stars > {high} ? {high} : stars;\n}}\n\n\
         size_t pocketrec_top(uint32_t user, size_t count, uint32_t *movies, float *stars) {{\n    size_t found = 0;\n    \
         for (uint32_t movie = 0; movie < POCKETREC_MOVIES; movie++) {{\n        float own = pocketrec_predict(user, movie);\n        \
         size_t at = found < count ? found : count;\n        while (at > 0 && own > stars[at - 1]) {{\n            \
         if (at < count) {{\n                movies[at] = movies[at - 1];\n                stars[at] = stars[at - 1];\n            }}\n            \
         at--;\n        }}\n        if (at < count) {{\n            movies[at] = movie;\n            stars[at] = own;\n            \
         found += found < count;\n        }}\n    }}\n    return found;\n}}\n",
        hex(p.mean),
        low = hex(p.scale.0),
        high = hex(p.scale.1),
    )
}

#[cfg(test)]
#[path = "c_tests.rs"]
mod tests;
