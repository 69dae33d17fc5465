//! Dense layers: which arrays they are, and how their weights lie.

use std::collections::BTreeMap;

use pocketrec_train::Layer;

use crate::array::{Array, Arrays, transposed};
use crate::roles::{NamedLayer, is_kept, words};

/// How a layer's weights lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[outputs, inputs]`, as in PyTorch's `Linear`.
    Linear,
    /// `[inputs, outputs]`, as in Keras's and Flax's `Dense`.
    Dense,
}

/// A weight and its bias, as they were found.
#[derive(Clone, Debug)]
struct Pair {
    name: String,
    /// Whether its name is one that Keras and Flax give.
    kernel: bool,
    weight: Array,
    /// Nothing where zeros are added.
    bias: Option<Array>,
}

/// The layers of a network on `inputs` numbers, first to last; none where nothing fits. What belongs to them is taken
/// out of `rest`.
///
/// # Errors
/// A sentence, where the layers don't lead to one number or it can't be told how they lie.
pub fn find(
    named: BTreeMap<u8, NamedLayer>,
    rest: &mut Arrays,
    inputs: usize,
    layout: Option<Layout>,
) -> Result<Vec<Layer>, String> {
    let mut chain = Vec::new();
    if named.is_empty() {
        let pairs = pairs(rest);
        let mut due = inputs;
        let mut left: Vec<&Pair> = pairs.iter().collect();
        let next = |left: &[&Pair], due| {
            let mut fits = left.iter().enumerate();
            fits.find_map(|(at, pair)| Some((at, pair.outputs(due)?)))
        };
        while let Some((at, outputs)) = next(&left, due) {
            chain.push(left.remove(at).clone());
            due = outputs;
            if due == 1 {
                break;
            }
        }
        if let (Some(last), true) = (chain.last(), due != 1) {
            return Err(format!(
                "the dense layers end in {due} numbers at `{}`, and a prediction is one; --map dense_0.weight=NAME and so \
                 on names the layers",
                last.name
            ));
        }
        for pair in &chain {
            let of = |name: &String| stem(name).is_some_and(|(stem, _)| stem == pair.name);
            rest.retain(|name, _| !of(name));
        }
    } else {
        for (at, (number, parts)) in named.into_iter().enumerate() {
            let (Some((name, weight)), true) =
                (parts.weight, parts.bias.is_some() || parts.unbiased)
            else {
                return Err(format!(
                    "--map names one of dense_{number}.weight and dense_{number}.bias, and not the other; \
                     dense_{number}.bias=none says that there is none"
                ));
            };
            if usize::from(number) != at {
                return Err(format!("--map names dense_{number} and not dense_{at}"));
            }
            chain.push(Pair {
                kernel: words(&name).iter().any(|word| word == "kernel"),
                name,
                weight,
                bias: parts.bias.map(|(_, bias)| bias),
            });
        }
    }
    // Layers of one file lie alike: one that isn't square tells of those that are.
    let mut due = inputs;
    let mut told = layout;
    for pair in &chain {
        let outputs = pair.outputs(due).ok_or_else(|| {
            format!(
                "`{}` has weights of shape {:?} and {} biases, and {due} numbers come in",
                pair.name,
                pair.weight.shape,
                pair.bias.as_ref().map_or(0, Array::len)
            )
        })?;
        if outputs != due && told.is_none() {
            told = match pair.weight.shape[..] {
                [a, _] if a == outputs => Some(Layout::Linear),
                _ => Some(Layout::Dense),
            };
        }
        due = outputs;
    }
    if due != 1 && !chain.is_empty() {
        return Err(format!(
            "the dense layers end in {due} numbers, and a prediction is one"
        ));
    }
    let mut due = inputs;
    let mut layers = Vec::new();
    for pair in chain {
        // As above, where it fitted.
        let outputs = pair.outputs(due).unwrap_or_default();
        let layout = told.unwrap_or(match pair.kernel {
            true => Layout::Dense,
            false => Layout::Linear,
        });
        let values = pair
            .weight
            .floats()
            .map_err(|why| format!("`{}` {why}", pair.name))?;
        let shape = match layout {
            Layout::Linear => [outputs, due],
            Layout::Dense => [due, outputs],
        };
        if pair.weight.shape != shape {
            return Err(format!(
                "`{}` has weights of shape {:?}, which don't lie as --layout or the other layers say",
                pair.name, pair.weight.shape
            ));
        }
        layers.push(Layer {
            inputs: due,
            outputs,
            weight: match layout {
                Layout::Linear => transposed(&values, outputs, due),
                Layout::Dense => values.into_owned(),
            },
            bias: match &pair.bias {
                None => vec![0.0; outputs],
                Some(bias) => bias
                    .floats()
                    .map_err(|why| format!("`{}` {why}", pair.name))?
                    .into_owned(),
            },
        });
        due = outputs;
    }
    Ok(layers)
}

impl Pair {
    /// How many numbers come out, if so many come in.
    fn outputs(&self, inputs: usize) -> Option<usize> {
        let out = match (&self.bias, &self.weight.shape[..]) {
            (Some(bias), _) => bias.len(),
            (None, [out, own]) if *own == inputs => *out,
            (None, [own, out]) if *own == inputs => *out,
            (None, _) => return None,
        };
        let fits = self.weight.shape == [out, inputs] || self.weight.shape == [inputs, out];
        (fits && out > 0).then_some(out)
    }
}

/// A name without its end, and whether that says weight or bias.
fn stem(name: &str) -> Option<(&str, bool)> {
    // Keras puts `:0` behind.
    let plain = name.strip_suffix(":0").unwrap_or(name);
    for (end, is_bias) in [("weight", false), ("kernel", false), ("bias", true)] {
        if let Some(stem) = plain.strip_suffix(end) {
            return Some((stem.trim_end_matches(['.', '/', '_']), is_bias));
        }
    }
    None
}

/// Weights with their biases, if they have some, in the order of their names, numbers as numbers.
fn pairs(arrays: &Arrays) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (name, weight) in arrays {
        let Some((stem, false)) = self::stem(name) else {
            continue;
        };
        let bias = arrays.iter().find(|(other, array)| {
            self::stem(other) == Some((stem, true)) && array.shape.len() == 1
        });
        if weight.shape.len() == 2 && (bias.is_some() || !is_kept(name)) {
            pairs.push(Pair {
                name: stem.to_owned(),
                kernel: name.contains("kernel"),
                weight: weight.clone(),
                bias: bias.map(|(_, bias)| bias.clone()),
            });
        }
    }
    pairs.sort_by_key(|pair| natural(&pair.name));
    pairs
}

/// A weight that is left over and takes as many numbers as a row has, and gives as many or one: a prediction with it isn't one
/// without.
pub fn left_over(rest: &Arrays, rows: [usize; 2]) -> Option<String> {
    let fits = |shape: &[usize]| match *shape {
        [a, b] => rows.contains(&a.max(b)) && (a == b || a.min(b) == 1),
        _ => false,
    };
    let is_weight = |name: &str| matches!(stem(name), Some((_, false))) && !is_kept(name);
    let (name, array) = rest
        .iter()
        .find(|(name, array)| is_weight(name) && fits(&array.shape))?;
    Some(format!(
        "`{name}` {:?} fits the rows' numbers, and a device has no place for it: a dense layer takes {} numbers, the user's \
         row and the movie's. Where it weighs a product of rows, multiply a table by it where the model was trained; --kind mf \
         leaves it out",
        array.shape,
        rows[0] + rows[1]
    ))
}

/// A name's words, numbers as numbers: `layers.10` is behind `layers.2`, and Keras's `dense` before `dense_1`.
fn natural(name: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    for word in words(name) {
        let start = word
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(word.len());
        let (letters, digits) = word.split_at(start);
        if !letters.is_empty() {
            parts.push((0, letters.to_owned()));
        }
        if !digits.is_empty() {
            parts.push((digits.parse().unwrap_or(u64::MAX), String::new()));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(linear: bool, names: &[&str], sizes: &[usize]) -> Arrays {
        let mut arrays = Arrays::new();
        for (at, name) in names.iter().enumerate() {
            let (inputs, outputs) = (sizes[at], sizes[at + 1]);
            // A weight says from where to where it leads.
            let weight = |i: usize, o: usize| (100 * i + o) as f32;
            let (shape, values): (_, Vec<f32>) = match linear {
                true => (
                    vec![outputs, inputs],
                    (0..outputs * inputs)
                        .map(|k| weight(k % inputs, k / inputs))
                        .collect(),
                ),
                false => (
                    vec![inputs, outputs],
                    (0..outputs * inputs)
                        .map(|k| weight(k / outputs, k % outputs))
                        .collect(),
                ),
            };
            let kind = if linear { "weight" } else { "kernel" };
            arrays.insert(
                format!("{name}/{kind}"),
                Array::of_floats(shape, &values).unwrap(),
            );
            let bias = Array::of_floats(vec![outputs], &vec![at as f32; outputs]).unwrap();
            arrays.insert(format!("{name}/bias"), bias);
        }
        arrays
    }

    #[test]
    fn either_layout_gives_the_same_layers_square_ones_too() {
        for (linear, names) in [
            (true, ["fc2", "fc10", "out"]),
            (false, ["dense", "dense_1", "dense_2"]),
        ] {
            let mut rest = file(linear, &names, &[4, 4, 3, 1]);
            let layers = find(BTreeMap::new(), &mut rest, 4, None).unwrap();
            assert!(rest.is_empty());
            assert_eq!(
                layers
                    .iter()
                    .map(|l| (l.inputs, l.outputs))
                    .collect::<Vec<_>>(),
                [(4, 4), (4, 3), (3, 1)]
            );
            for layer in &layers {
                for i in 0..layer.inputs {
                    for o in 0..layer.outputs {
                        assert_eq!(layer.weight[i * layer.outputs + o], (100 * i + o) as f32);
                    }
                }
            }
            assert_eq!(layers[1].bias, [1.0; 3]);
        }
    }

    #[test]
    fn a_layer_without_a_bias_adds_zeros() {
        for linear in [true, false] {
            let (kind, names) = match linear {
                true => ("weight", ["fc.0", "fc.2"]),
                false => ("kernel", ["dense", "dense_1"]),
            };
            let whole = || file(linear, &names, &[4, 3, 1]);
            let due = find(BTreeMap::new(), &mut whole(), 4, None).unwrap();
            let mut rest = whole();
            rest.remove(&format!("{}/bias", names[0]));
            rest.remove(&format!("{}/bias", names[1]));
            let layers = find(BTreeMap::new(), &mut rest.clone(), 4, None).unwrap();
            let mut named = BTreeMap::new();
            for (at, name) in (0..).zip(names) {
                let name = format!("{name}/{kind}");
                let layer = NamedLayer {
                    weight: rest.remove(&name).map(|array| (name, array)),
                    bias: None,
                    unbiased: true,
                };
                named.insert(at, layer);
            }
            assert_eq!(find(named, &mut rest, 4, None).unwrap(), layers);
            for (layer, due) in layers.iter().zip(due) {
                assert_eq!(layer.weight, due.weight);
                assert_eq!(layer.bias, vec![0.0; layer.outputs]);
            }
        }
        // Alone on both rows: the lesson's last layer.
        let mut rest = file(true, &["out"], &[16, 1]);
        rest.remove("out/bias");
        assert_eq!(find(BTreeMap::new(), &mut rest, 16, None).unwrap().len(), 1);
    }

    #[test]
    fn layers_that_lead_nowhere_are_refused_and_no_layers_are_none() {
        let mut rest = file(true, &["fc1", "fc2"], &[4, 8, 2]);
        let told = find(BTreeMap::new(), &mut rest, 4, None).unwrap_err();
        assert!(told.contains("end in 2 numbers at `fc2`"), "{told}");
        let mut rest = file(true, &["fc1"], &[5, 1]);
        assert_eq!(find(BTreeMap::new(), &mut rest, 4, None), Ok(Vec::new()));
    }
}
