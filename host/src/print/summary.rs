//! The model as a table of layers, in the manner of Keras's `model.summary()`.

use pocketrec_data::Dataset;
use pocketrec_train::fast::layout;
use pocketrec_train::{Options, Solver, recipe};

use super::{Align, bytes, count, grouped, item, table};

/// The sentence that opens a run: "671 distinct users rated 9,066 different movies (total ratings = 100,004)".
pub fn sentence(data: &Dataset) -> String {
    let ratings = &data.ratings;
    format!(
        "{} rated {} (total ratings = {})",
        count(ratings.user_count(), "distinct user"),
        count(ratings.movie_count(), "different movie"),
        grouped(ratings.len() as u64)
    )
}

/// One row of the table for each layer, and a line with the sum of parameters.
pub fn layers(options: &Options, users: usize, movies: usize) -> String {
    let mut rows = vec![
        ["Layer", "Output shape", "Parameters", "Connected to"]
            .map(String::from)
            .to_vec(),
    ];
    let mut total = 0;
    let mut add = |name: &str, shape: usize, parameters: usize, from: &str| {
        total += parameters;
        rows.push(vec![
            item::in_names(name).into_owned(),
            format!("(None, {shape})"),
            grouped(parameters as u64),
            item::in_names(from).into_owned(),
        ]);
    };
    add("user (input)", 1, 0, "");
    add("movie (input)", 1, 0, "");
    add(
        "user_embedding",
        options.user_dim,
        users * options.user_dim,
        "user",
    );
    add(
        "movie_embedding",
        options.movie_dim,
        movies * options.movie_dim,
        "movie",
    );
    let mut terms = vec!["mean".to_owned()];
    if options.model.has_biases() {
        add("user_bias", 1, users, "user");
        add("movie_bias", 1, movies, "movie");
        terms.extend(["user_bias".into(), "movie_bias".into()]);
    }
    if options.model.has_dot() {
        add("dot", 1, 0, "user_embedding, movie_embedding");
        terms.push("dot".into());
    }
    if options.has_network() {
        let mut width = options.user_dim + options.movie_dim;
        add("concatenate", width, 0, "user_embedding, movie_embedding");
        let mut from = "concatenate".to_owned();
        for (number, &units) in options.hidden.iter().enumerate() {
            let name = format!("dense_{number}");
            add(&format!("{name} (relu)"), units, (width + 1) * units, &from);
            (width, from) = (units, name);
        }
        let name = format!("dense_{}", options.hidden.len());
        add(&format!("{name} (linear)"), 1, width + 1, &from);
        terms.push(name);
    }
    add("rating (sum)", 1, 0, &terms.join(" + "));
    let mut text = table(
        &[Align::Left, Align::Left, Align::Right, Align::Left],
        &rows,
    );
    text.push_str(&format!(" {} in all\n", count(total, "parameter")));
    text
}

/// Bytes that a run keeps in memory, for ratings and for the model: ratings (16 bytes each), their numbers in training or validation (4),
/// training's own copies of them (Adam: 12 in their own order and 12 in the epoch's; the sampler: two lists of 8),
/// and the model. That is with Adam the rows with their moments, as they are padded, twice (the second is written at the
/// end, to resume from), and the best epoch's, with the sampler five tables of a sampled row's
/// numbers and at most three of the columns that the samples' mean is held in.
pub fn memory_of(options: &Options, ratings: usize, users: usize, movies: usize) -> (u64, u64) {
    let (copies, model) = match options.solver {
        Solver::Adam | Solver::Imported => {
            let biased = options.model.has_biases();
            let table = |rows: usize, dim: usize| {
                2 * layout::table_bytes(rows, dim, biased) + 4 * rows * (dim + 1)
            };
            let tables = table(users, options.user_dim) + table(movies, options.movie_dim);
            (16 + 4 + 12 + 12, tables)
        }
        Solver::Gibbs => {
            let width = recipe::settings(options, ratings, options.user_dim).width;
            let columns = 5 * width + 3 * (options.user_dim + 16 + 2 * (width - 1));
            (16 + 4 + 16, (users + movies) * columns * 4)
        }
    };
    (ratings as u64 * copies, model as u64)
}

/// What a run keeps in memory, as a sentence: [`memory_of`].
pub fn memory(options: &Options, ratings: usize, users: usize, movies: usize) -> String {
    let (data, model) = memory_of(options, ratings, users, movies);
    format!(
        "about {} of memory: {} for ratings, {} for the model",
        bytes(data + model),
        bytes(data),
        bytes(model)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use pocketrec_train::ModelKind;

    #[test]
    fn the_lessons_model_has_the_lessons_layers() {
        let text = layers(&Options::default(), 671, 9_066);
        let expected = "
 Layer             Output shape  Parameters  Connected to
 ───────────────────────────────────────────────────────────────────────────
 user (input)      (None, 1)              0
 movie (input)     (None, 1)              0
 user_embedding    (None, 8)          5,368  user
 movie_embedding   (None, 8)         72,528  movie
 concatenate       (None, 16)             0  user_embedding, movie_embedding
 dense_0 (relu)    (None, 32)           544  concatenate
 dense_1 (relu)    (None, 4)            132  dense_0
 dense_2 (linear)  (None, 1)              5  dense_1
 rating (sum)      (None, 1)              0  mean + dense_2
 78,577 parameters in all
";
        assert_eq!(format!("\n{text}"), expected);
    }

    #[test]
    fn the_sum_of_the_table_is_what_training_learns() {
        for model in [ModelKind::Mlp, ModelKind::Mf, ModelKind::Hybrid] {
            let options = Options {
                model,
                ..Options::default()
            };
            let learned = pocketrec_train::Parameters::initial(&options, 30, 20, 3.5).count();
            let text = layers(&options, 30, 20);
            assert!(
                text.contains(&format!("{} parameters in all", grouped(learned as u64))),
                "{text}"
            );
        }
    }
}
