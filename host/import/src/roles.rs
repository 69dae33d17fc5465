//! Which array is what: by the names that are given, else by those that programs usually give.

use std::collections::BTreeMap;
use std::ops::Range;
use std::str::FromStr;

use crate::array::{Array, Arrays};

/// What an array can be, dense layers aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A row a user.
    UserTable,
    /// A row a movie.
    MovieTable,
    /// A number a user.
    UserBias,
    /// A number a movie.
    MovieBias,
    /// What a prediction starts from.
    Mean,
    /// The id of each user's row.
    UserIds,
    /// The id of each movie's row.
    MovieIds,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 7] = [
        Self::UserTable,
        Self::MovieTable,
        Self::UserBias,
        Self::MovieBias,
        Self::Mean,
        Self::UserIds,
        Self::MovieIds,
    ];

    /// Its name in a checkpoint and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::UserTable => "user_embedding",
            Self::MovieTable => "movie_embedding",
            Self::UserBias => "user_bias",
            Self::MovieBias => "movie_bias",
            Self::Mean => "mean",
            Self::UserIds => "user_ids",
            Self::MovieIds => "movie_ids",
        }
    }
}

/// A part of the map from what a model needs to an array's name: `user_embedding=NAME`, `NAME[0:943]` for some of its
/// first side, `user_bias=none`; `dense_0.weight=NAME` for a dense layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    what: String,
    array: Option<String>,
    part: Option<Range<usize>>,
}

impl Given {
    /// Whether both take one and the same row of an array.
    fn overlaps(&self, other: &Given) -> bool {
        let rows = |given: &Given| given.part.clone().unwrap_or(0..usize::MAX);
        let (one, another) = (rows(self), rows(other));
        self.array.is_some()
            && self.array == other.array
            && one.start < another.end
            && another.start < one.end
    }
}

impl FromStr for Given {
    type Err = String;

    fn from_str(text: &str) -> Result<Given, String> {
        let wrong = || {
            "it should be WHAT=NAME, where WHAT is user_embedding, movie_embedding, user_bias, movie_bias, mean, user_ids, \
             movie_ids, or dense_0.weight, dense_0.bias and so on, and NAME is an array's, NAME[0:943] for some of its rows, \
             or none"
                .to_owned()
        };
        let (what, name) = text.split_once('=').ok_or_else(wrong)?;
        let what = what.trim().replace("item_", "movie_");
        let is_layer = layer(&what).is_some();
        if name.is_empty() || !(is_layer || Role::ALL.iter().any(|role| role.name() == what)) {
            return Err(wrong());
        }
        if name == "none" {
            return Ok(Given {
                what,
                array: None,
                part: None,
            });
        }
        let sliced = name
            .strip_suffix(']')
            .and_then(|rest| rest.rsplit_once('['));
        let part = sliced.and_then(|(_, part)| part.split_once(':'));
        let (name, part) = match (sliced, part) {
            (Some((name, _)), Some((from, to))) => {
                let number = |text: &str, empty| match text {
                    "" => Ok(empty),
                    text => text.parse::<usize>().map_err(|_| wrong()),
                };
                (name, Some(number(from, 0)?..number(to, usize::MAX)?))
            }
            _ => (name, None),
        };
        Ok(Given {
            what,
            array: Some(name.into()),
            part,
        })
    }
}

/// A dense layer that was named.
#[derive(Debug, Default)]
pub struct NamedLayer {
    /// Its weight.
    pub weight: Option<(String, Array)>,
    /// Its bias.
    pub bias: Option<(String, Array)>,
    /// Whether it was said to have no bias.
    pub unbiased: bool,
}

/// The arrays that a model is made of, by what they are.
#[derive(Debug, Default)]
pub struct Cast {
    /// Those with a role, each with its name in the file.
    pub roles: BTreeMap<Role, (String, Array)>,
    /// Dense layers that were named, by number.
    pub layers: BTreeMap<u8, NamedLayer>,
    /// Those without, by name.
    pub rest: Arrays,
    /// Which arrays have which roles, for the person: `user_factors as user_embedding`, or only the name where it says that.
    pub taken: Vec<String>,
    /// Whether a role was guessed by the name of an array.
    pub is_guessed: bool,
}

impl Cast {
    /// Gives the arrays of a file their roles.
    ///
    /// # Errors
    /// A sentence that names the arrays where a given one isn't there, several may be meant or the tables aren't found.
    pub fn of(arrays: Arrays, all: &[Given]) -> Result<Cast, String> {
        let mut cast = Cast {
            rest: arrays.clone(),
            ..Cast::default()
        };
        let mut settled = Vec::new();
        for (at, given) in all.iter().enumerate() {
            if let Some(before) = all[..at].iter().find(|other| other.what == given.what) {
                let shown = |given: &Given| given.array.clone().unwrap_or_else(|| "none".into());
                return Err(format!(
                    "--map names {} twice, {} and {}: it should be one of them",
                    given.what,
                    shown(before),
                    shown(given)
                ));
            }
            let role = Role::ALL.into_iter().find(|role| role.name() == given.what);
            if let Some(role) = role {
                settled.push(role);
            }
            let Some(name) = &given.array else {
                if let Some((layer, "bias")) = layer(&given.what) {
                    cast.layers.entry(layer).or_default().unbiased = true;
                }
                continue;
            };
            let array = arrays.get(name).ok_or_else(|| {
                format!(
                    "--map names an array `{name}`, and the file has {}",
                    listed(&arrays)
                )
            })?;
            let array = match &given.part {
                None => array.clone(),
                Some(part) => array
                    .rows(part.clone())
                    .map_err(|why| format!("--map {}: `{name}` {why}", given.what))?,
            };
            if let Some(before) = all[..at].iter().find(|other| other.overlaps(given)) {
                return Err(format!(
                    "--map takes the same rows of `{name}` as {} and as {}: they should be one of them (`{name}[0:943]` is some of them)",
                    before.what, given.what
                ));
            }
            cast.rest.remove(name);
            match role {
                Some(role) => cast.take(role, name.clone(), array),
                None => cast.name_layer(&given.what, (name.clone(), array)),
            }
        }
        for role in Role::ALL {
            if settled.contains(&role) {
                continue;
            }
            let fits: Vec<&String> = cast
                .rest
                .iter()
                .filter(|(name, array)| guess(name, array) == Some(role))
                .map(|(name, _)| name)
                .collect();
            // A file that has what a checkpoint would call it means that.
            let exact = fits.iter().find(|name| name.as_str() == role.name());
            let name = match (exact, &fits[..]) {
                (Some(name), _) => (*name).clone(),
                (None, []) => continue,
                (None, [name]) => (*name).clone(),
                (None, several) => {
                    let names: Vec<String> =
                        several.iter().map(|name| format!("`{name}`")).collect();
                    return Err(format!(
                        "{} may each be the {}: say which, as --map {}={}",
                        names.join(" and "),
                        role.name(),
                        role.name(),
                        several[0]
                    ));
                }
            };
            if let Some(array) = cast.rest.remove(&name) {
                cast.is_guessed |= name != role.name();
                cast.take(role, name, array);
            }
        }
        for role in [Role::UserTable, Role::MovieTable] {
            if !cast.roles.contains_key(&role) {
                return Err(format!(
                    "no array is called like the {}; it has {}: name it with --map {}=NAME",
                    role.name(),
                    listed(&arrays),
                    role.name()
                ));
            }
        }
        Ok(cast)
    }

    fn take(&mut self, role: Role, name: String, array: Array) {
        self.taken.push(match name == role.name() {
            true => format!("`{name}`"),
            false => format!("`{name}` as {}", role.name()),
        });
        self.roles.insert(role, (name, array));
    }

    fn name_layer(&mut self, what: &str, array: (String, Array)) {
        if let Some((at, part)) = layer(what) {
            let layer = self.layers.entry(at).or_default();
            match part {
                "bias" => layer.bias = Some(array),
                _ => layer.weight = Some(array),
            }
        }
    }
}

/// The number and the part of a dense layer that `dense_0.weight` or `dense_0.bias` names.
fn layer(what: &str) -> Option<(u8, &str)> {
    let (at, part) = what.strip_prefix("dense_")?.split_once('.')?;
    Some((at.parse().ok()?, part)).filter(|(_, part)| ["weight", "bias"].contains(part))
}

/// Names and shapes, the first dozen.
pub fn listed(arrays: &Arrays) -> String {
    const SHOWN: usize = 12;
    let mut names: Vec<String> = arrays
        .iter()
        .take(SHOWN)
        .map(|(name, array)| format!("`{name}` {:?}", array.shape))
        .collect();
    if arrays.len() > SHOWN {
        names.push(format!("{} more", arrays.len() - SHOWN));
    }
    names.join(", ")
}

/// The words of a name: `userFactors.weight` is user, factors, weight.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a name is one of what optimisers keep, which has the names of what they optimise.
pub(crate) fn is_kept(name: &str) -> bool {
    const KEPT: [&str; 7] = [
        "optimizer",
        "adam",
        "momentum",
        "momentums",
        "velocity",
        "velocities",
        "exp",
    ];
    words(name).iter().any(|word| KEPT.contains(&word.as_str()))
}

/// What an array is by its name and shape, if it is called like something.
fn guess(name: &str, array: &Array) -> Option<Role> {
    // What this program itself calls so is that, whatever its shape.
    let own = Role::ALL.into_iter().find(|role| role.name() == name);
    if own.is_some() {
        return own;
    }
    let words = words(name);
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if is_kept(name) {
        return None;
    }
    let is_bias = has(&["bias", "biases", "b", "bu", "bi", "intercept", "intercepts"]);
    // A table of nothing is one too, so that it is told what it lacks.
    let wide = |shape: &[usize]| shape.len() == 2 && !shape.contains(&1);
    let narrow = |shape: &[usize]| {
        shape.len() == 1 || (shape.len() == 2 && (shape[0] == 1 || shape[1] == 1))
    };
    if array.len() == 1 && (array.is_float() || array.integers().is_some()) {
        let known = ["mean", "mu", "global", "offset", "w0", "average"];
        let alone = is_bias && words.len() <= 1;
        return (has(&known) || alone).then_some(Role::Mean);
    }
    let user = has(&["user", "users", "u", "customer", "customers", "pu", "bu"]) || name == "P";
    let movie = has(&[
        "movie", "movies", "item", "items", "i", "film", "films", "product", "products", "qi", "bi",
    ]) || name == "Q";
    let ids = has(&["id", "ids"]) && array.shape.len() == 1;
    match (user, movie) {
        (true, false) if ids => Some(Role::UserIds),
        (false, true) if ids => Some(Role::MovieIds),
        (true, false) if is_bias && narrow(&array.shape) => Some(Role::UserBias),
        (false, true) if is_bias && narrow(&array.shape) => Some(Role::MovieBias),
        (true, false) if !is_bias && wide(&array.shape) => Some(Role::UserTable),
        (false, true) if !is_bias && wide(&array.shape) => Some(Role::MovieTable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrays(shapes: &[(&str, &[usize])]) -> Arrays {
        let array = |shape: &[usize]| {
            Array::of_floats(shape.to_vec(), &vec![0.0; shape.iter().product()]).unwrap()
        };
        shapes
            .iter()
            .map(|(name, shape)| ((*name).into(), array(shape)))
            .collect()
    }

    fn roles(shapes: &[(&str, &[usize])]) -> Vec<(Role, String)> {
        let cast = Cast::of(arrays(shapes), &[]).unwrap();
        cast.roles
            .into_iter()
            .map(|(role, (name, _))| (role, name))
            .collect()
    }

    #[test]
    fn the_names_that_programs_usually_give_are_known() {
        use Role::{Mean, MovieBias, MovieTable, UserBias, UserTable};
        let tables =
            |user: &str, movie: &str| vec![(UserTable, user.into()), (MovieTable, movie.into())];
        let (u, m) = (&[4, 3][..], &[5, 3][..]);
        for (user, movie) in [
            ("user_factors", "item_factors"),
            ("user_embedding.weight", "movie_embedding.weight"),
            (
                "module.embedding_user.weight",
                "module.embedding_item.weight",
            ),
            ("userFactors", "itemFactors"),
            ("user_embedding/embeddings", "movie_embedding/embeddings"),
            ("params/users/embedding", "params/items/embedding"),
            ("P", "Q"),
        ] {
            assert_eq!(roles(&[(user, u), (movie, m)]), tables(user, movie));
        }
        let surprise = roles(&[
            ("pu", u),
            ("qi", m),
            ("bu", &[4]),
            ("bi", &[5]),
            ("global_mean", &[]),
        ]);
        let roles_of: Vec<Role> = surprise.iter().map(|(role, _)| *role).collect();
        assert_eq!(roles_of, [UserTable, MovieTable, UserBias, MovieBias, Mean]);
        let lightfm = roles(&[
            ("user_embeddings", u),
            ("item_embeddings", m),
            ("user_biases", &[4]),
            ("item_biases", &[5]),
            ("user_embedding_gradients_adam", u),
        ]);
        assert_eq!(lightfm.len(), 4);
        let torch = roles(&[
            ("user_embedding.weight", u),
            ("item_embedding.weight", m),
            ("user_bias.weight", &[4, 1]),
            ("item_bias.weight", &[5, 1]),
            ("bias", &[1]),
        ]);
        assert_eq!(torch.last().unwrap(), &(Mean, "bias".into()));
    }

    #[test]
    fn several_that_may_be_meant_and_none_are_told_with_the_option() {
        let u = &[4, 3][..];
        let told = Cast::of(
            arrays(&[("user_gmf", u), ("user_mlp", u), ("item", u)]),
            &[],
        )
        .unwrap_err();
        assert!(
            told.ends_with("say which, as --map user_embedding=user_gmf"),
            "{told}"
        );
        let told = Cast::of(arrays(&[("w", u), ("item", u)]), &[]).unwrap_err();
        assert!(
            told.contains("`w` [4, 3]") && told.contains("--map user_embedding=NAME"),
            "{told}"
        );
        let given = "user_embedding=v".parse().unwrap();
        let told = Cast::of(arrays(&[("w", u), ("item", u)]), &[given]).unwrap_err();
        assert!(
            told.starts_with("--map names an array `v`, and the file has"),
            "{told}"
        );
    }

    #[test]
    fn a_map_names_parts_of_arrays_and_leaves_some_out() {
        let given: Vec<Given> = [
            "user_embedding=V[:3]",
            "item_embedding=V[3:]",
            "user_bias=none",
        ]
        .map(|text| text.parse().unwrap())
        .into();
        let cast = Cast::of(arrays(&[("V", &[8, 2]), ("user_bias", &[3])]), &given).unwrap();
        let shapes: Vec<_> = cast
            .roles
            .values()
            .map(|(_, array)| array.shape.clone())
            .collect();
        assert_eq!(shapes, [[3, 2], [5, 2]]);
        let twice: Vec<Given> = ["user_bias=a", "user_bias=none"]
            .map(|text| text.parse().unwrap())
            .into();
        let told = Cast::of(arrays(&[("a", &[8])]), &twice).unwrap_err();
        assert_eq!(
            told,
            "--map names user_bias twice, a and none: it should be one of them"
        );
        for (user, movie) in [("V", "V"), ("V[:5]", "V[4:]"), ("V", "V[4:]")] {
            let both: Vec<Given> = [
                format!("user_embedding={user}"),
                format!("movie_embedding={movie}"),
            ]
            .map(|text| text.parse().unwrap())
            .into();
            let told = Cast::of(arrays(&[("V", &[8, 2])]), &both).unwrap_err();
            let due = "--map takes the same rows of `V` as user_embedding and as movie_embedding: ";
            assert!(told.starts_with(due), "{told}");
        }
        for wrong in [
            "user_embedding",
            "users=V",
            "user_embedding=",
            "dense_x.weight=V",
            "mean=V[a:b]",
        ] {
            assert!(wrong.parse::<Given>().is_err(), "{wrong}");
        }
        let given = "user_embedding=V[7:12]".parse().unwrap();
        let told = Cast::of(arrays(&[("V", &[8, 2]), ("item", &[3, 2])]), &[given]).unwrap_err();
        assert!(told.contains("has 8 rows"), "{told}");
    }
}
