//! A foreign model put together: tables whose rows ascend by id, and what it was taken for.

use std::path::Path;

use pocketrec_data::Names;
use pocketrec_train::{Layer, ModelKind};

use crate::array::{Array, Arrays, transposed};
use crate::arrays;
use crate::bytes::Bytes;
use crate::error::Failed;
use crate::ids::{self, Ids};
use crate::libmf;
use crate::network::{self, Layout};
use crate::roles::{Cast, Given, Role, listed};
use crate::rows::Rows;
use crate::spark;

/// What a person says of a model.
#[derive(Clone, Debug, Default)]
pub struct Wishes<'a> {
    /// Which array is what.
    pub map: &'a [Given],
    /// A file with the users' ids.
    pub user_ids: Option<&'a Path>,
    /// A file with the movies' ids.
    pub movie_ids: Option<&'a Path>,
    /// How dense weights lie.
    pub layout: Option<Layout>,
    /// Which parts a prediction has.
    pub model: Option<ModelKind>,
}

/// One side of a model: users or movies.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// The id of each row, ascending.
    pub ids: Vec<u32>,
    /// What ids are called, where they aren't numbers.
    pub names: Names,
    /// Numbers a row.
    pub dim: usize,
    /// The rows, one behind the other.
    pub table: Rows,
    /// A number a row, or none at all.
    pub bias: Vec<f32>,
}

/// A model as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Which parts a prediction has.
    pub model: ModelKind,
    /// What a prediction starts from, where the model says it.
    pub mean: Option<f32>,
    /// The lowest and the highest stars, where the model says them.
    pub scale: Option<(f32, f32)>,
    /// Users.
    pub users: Side,
    /// Movies.
    pub movies: Side,
    /// Dense layers.
    pub layers: Vec<Layer>,
    /// What a person should know of how it was taken, a sentence each.
    pub notes: Vec<String>,
}

impl Found {
    /// The model in a file of arrays or of LIBMF's, or in a folder of Spark's.
    ///
    /// # Errors
    /// [`Failed`] names what is missing, wrong or not whole.
    pub fn read(path: &Path, wishes: &Wishes<'_>) -> Result<Found, Failed> {
        let shown = path.display();
        let of = |why: String| Failed::input(format!("{shown}: {why}"));
        if path.is_dir() {
            let (arrays, notes) = spark::read(path)?;
            return Found::of_arrays(arrays, notes, wishes, &of);
        }
        let bytes = Bytes::of(path)?;
        let (arrays, notes) = match libmf::is(&bytes) {
            true => libmf::read(&String::from_utf8_lossy(&bytes)).map_err(of)?,
            false => (
                arrays::of_bytes(bytes, path).map_err(Failed::input)?,
                Vec::new(),
            ),
        };
        Found::of_arrays(arrays, notes, wishes, &of)
    }

    /// The model that arrays are.
    fn of_arrays(
        arrays: Arrays,
        mut notes: Vec<String>,
        wishes: &Wishes<'_>,
        of: &dyn Fn(String) -> Failed,
    ) -> Result<Found, Failed> {
        let mut cast = Cast::of(arrays, wishes.map).map_err(of)?;
        let mut sides = Vec::new();
        for (what, given, roles) in [
            (
                "user",
                wishes.user_ids,
                [Role::UserTable, Role::UserBias, Role::UserIds],
            ),
            (
                "movie",
                wishes.movie_ids,
                [Role::MovieTable, Role::MovieBias, Role::MovieIds],
            ),
        ] {
            let [table, bias, ids] = roles.map(|role| cast.roles.remove(&role));
            let own = match ids {
                None => None,
                Some((name, array)) => {
                    let own = ids::Given::of(&array).ok_or_else(|| {
                        of(format!(
                            "`{name}` is to hold ids, and holds neither integers nor texts"
                        ))
                    })?;
                    Some((own, format!("`{name}`")))
                }
            };
            let texts = match (given, own) {
                (None, own) => own,
                (Some(path), own) => {
                    let given = ids::read(path, what)?;
                    let numbers = own.and_then(|(own, _)| own.whole());
                    let texts = match numbers {
                        None => given.in_order()?,
                        Some(numbers) => {
                            notes.push(format!(
                                "Its own {what} ids are numbers, and {} names them: the first line 0, or the one that its \
                                 column `row` says (`--map {what}_ids=none` takes names in the order of its rows)",
                                path.display()
                            ));
                            given.of_ids(&numbers)?
                        }
                    };
                    Some((texts, path.display().to_string()))
                }
            };
            let table = table.ok_or_else(|| of(format!("it has no {what} embedding")))?;
            let raw = Raw {
                what,
                table,
                bias,
                texts,
            };
            sides.push(raw);
        }
        let [users, movies] =
            <[Raw; 2]>::try_from(sides).map_err(|_| of("it has no tables".into()))?;
        let has_layers = !cast.layers.is_empty();
        let turned = turned(&users, &movies, has_layers);
        let numbered = users.texts.is_none() || movies.texts.is_none();
        let users = users.side(turned[0]).map_err(of)?;
        let movies = movies.side(turned[1]).map_err(of)?;
        if cast.is_guessed {
            notes.push(format!("Of its arrays it takes {}", cast.taken.join(", ")));
        }
        for (turned, side) in turned.into_iter().zip(["users", "movies"]) {
            if turned {
                notes.push(format!(
                    "The table of {side} lies by columns, one of them each"
                ));
            }
        }
        if numbered {
            notes.push(
                "Where no ids are given, the number of a row is the id, counted from 0 (--user-ids and --movie-ids name ids)"
                    .into(),
            );
        }
        // Who says that there is no network leaves out what looks like one.
        let layers = match wishes.model {
            Some(model) if !model.has_network() => Vec::new(),
            _ => network::find(
                cast.layers,
                &mut cast.rest,
                users.dim + movies.dim,
                wishes.layout,
            )
            .map_err(of)?,
        };
        let kind_is_open = wishes.model.is_none_or(ModelKind::has_network);
        if let (true, Some(why)) = (
            kind_is_open,
            network::left_over(&cast.rest, [users.dim, movies.dim]),
        ) {
            return Err(of(why));
        }
        let biased = !users.bias.is_empty() || !movies.bias.is_empty();
        let model = wishes.model.unwrap_or(match (layers.is_empty(), biased) {
            (true, _) => ModelKind::Mf,
            (false, false) => ModelKind::Mlp,
            (false, true) => ModelKind::Hybrid,
        });
        let mean = match cast.roles.remove(&Role::Mean) {
            None => None,
            Some((name, array)) => {
                let values = array
                    .floats()
                    .map_err(|why| of(format!("`{name}` {why}")))?;
                match values[..] {
                    [mean] if mean.is_finite() => Some(mean),
                    _ => {
                        return Err(of(format!(
                            "`{name}` is to be the mean, and isn't one finite number"
                        )));
                    }
                }
            }
        };
        // As `export --format npz` writes them.
        let number = |name: &str| match cast.rest.get(name)?.floats().ok()?[..] {
            [number] if number.is_finite() => Some(number),
            _ => None,
        };
        let scale = number("scale_low").zip(number("scale_high"));
        let scale = scale.filter(|(low, high)| low < high);
        // Settings are single numbers; what is learned has a shape.
        cast.rest.retain(|_, array| !array.shape.is_empty());
        if !cast.rest.is_empty() {
            let left = listed(&cast.rest);
            notes.push(format!("It makes no use of {left}"));
        }
        let mut found = Found {
            model,
            mean,
            scale,
            users,
            movies,
            layers,
            notes,
        };
        found.fit_parts().map_err(of)?;
        Ok(found)
    }

    /// Checks that the parts are those of its kind, and says what a prediction is.
    fn fit_parts(&mut self) -> Result<(), String> {
        let kind = self.model.name();
        if self.model.has_dot() && self.users.dim != self.movies.dim {
            return Err(format!(
                "users have {} numbers each and movies {}; a dot product takes as many of both",
                self.users.dim, self.movies.dim
            ));
        }
        if self.model.has_network() && self.layers.is_empty() {
            return Err(format!(
                "--kind {kind} has dense layers, and none are found that take the {} numbers of a user and a movie",
                self.users.dim + self.movies.dim
            ));
        }
        if !self.model.has_network() {
            self.layers.clear();
        }
        let biased = !self.users.bias.is_empty() || !self.movies.bias.is_empty();
        if !self.model.has_biases() && biased {
            return Err(format!(
                "--kind {kind} has no biases, and this model has them; --map user_bias=none --map movie_bias=none leaves \
                 them out"
            ));
        }
        if self.model.has_biases() {
            // One that is missing is nothing added.
            for side in [&mut self.users, &mut self.movies] {
                side.bias.resize(side.ids.len(), 0.0);
            }
        }
        let bad = |values: &[f32]| values.iter().any(|value| !value.is_finite());
        if self
            .layers
            .iter()
            .any(|layer| bad(&layer.weight) || bad(&layer.bias))
        {
            return Err("a dense layer holds a number that isn't finite".into());
        }
        let mut parts = vec!["mean"];
        if biased {
            parts.extend(["the user's bias", "the movie's bias"]);
        }
        if self.model.has_dot() {
            parts.push("the dot product of their rows");
        }
        if self.model.has_network() {
            parts.push("the dense layers' number (the user's row first, relu between layers)");
        }
        self.notes
            .push(format!("A prediction is taken as {}", parts.join(" + ")));
        Ok(())
    }
}

/// A side before its rows are in order.
struct Raw {
    what: &'static str,
    table: (String, Array),
    bias: Option<(String, Array)>,
    /// Its ids, and where they are from.
    texts: Option<(ids::Given, String)>,
}

/// Whether the tables of users and of movies lie by columns: where a dot product takes it, both or neither, and otherwise
/// as the number of ids or biases tells.
fn turned(users: &Raw, movies: &Raw, has_layers: bool) -> [bool; 2] {
    let told = |raw: &Raw| {
        let [rows, columns] = raw.table.1.shape[..] else {
            return None;
        };
        let count = match (&raw.texts, &raw.bias) {
            (Some((texts, _)), _) => texts.len(),
            (None, Some((_, bias))) => bias.len(),
            (None, None) => return None,
        };
        (rows != columns && (rows == count || columns == count)).then_some(rows != count)
    };
    let counted = [told(users), told(movies)];
    match (&users.table.1.shape[..], &movies.table.1.shape[..]) {
        ([_, b], [_, d]) if b == d => [counted == [Some(true); 2]; 2],
        ([a, _], [c, _]) if a == c && !has_layers => [true; 2],
        _ => counted.map(|turned| turned == Some(true)),
    }
}

impl Raw {
    fn side(self, turned: bool) -> Result<Side, String> {
        let what = self.what;
        let (name, array) = self.table;
        let [rows, columns] = array.shape[..] else {
            return Err(format!(
                "`{name}` has the shape {:?}; a table has two sides, a row for each {what}",
                array.shape
            ));
        };
        let named = |why: String| format!("`{name}` {why}");
        let shape = array.shape.clone();
        let (rows, dim, array) = match turned {
            true => {
                let values = transposed(&array.floats().map_err(named)?, rows, columns);
                let turned = Array::of_floats(vec![columns, rows], &values).map_err(named)?;
                (columns, rows, turned)
            }
            false => (rows, columns, array),
        };
        if shape[0] == 0 {
            return Err(format!(
                "`{name}` has no rows, as its shape is {shape:?}: there should be one for each {what}"
            ));
        }
        if shape[1] == 0 {
            return Err(format!(
                "the rows of `{name}` hold no numbers, as its shape is {shape:?}"
            ));
        }
        if u32::try_from(rows).is_err() {
            return Err(format!("`{name}` has {rows} rows, more than there are ids"));
        }
        let ids = match self.texts {
            None => Ids::rows(rows),
            Some((texts, from)) if texts.len() != rows => {
                return Err(format!(
                    "{from} has {} ids, and `{name}` has {rows} rows, one for each {what}",
                    texts.len()
                ));
            }
            Some((texts, from)) => Ids::of(texts, what).map_err(|why| format!("{from}: {why}"))?,
        };
        let bias = match self.bias {
            None => Vec::new(),
            Some((bias, array)) => {
                let values = array.floats().map_err(|why| format!("`{bias}` {why}"))?;
                if values.len() != rows {
                    return Err(format!(
                        "`{bias}` has {} numbers, and `{name}` has {rows} rows, one for each {what}",
                        values.len()
                    ));
                }
                ids.order.iter().map(|row| values[*row]).collect()
            }
        };
        let table = Rows::ordered(array, dim, &ids.order).map_err(named)?;
        if let Some((place, value)) = table.not_finite(dim) {
            return Err(format!(
                "the row of {what} {} in `{name}` holds {value}; a factor is a finite number",
                ids.shown(place)
            ));
        }
        if let Some(place) = bias.iter().position(|value| !value.is_finite()) {
            return Err(format!(
                "the bias of {what} {} isn't a finite number",
                ids.shown(place)
            ));
        }
        Ok(Side {
            ids: ids.ids,
            names: ids.names,
            dim,
            table,
            bias,
        })
    }
}
