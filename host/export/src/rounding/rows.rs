//! Whether each row of an image is one that rounding could leave.

use pocketrec::MAX_DIM;
use pocketrec::table::Values;
use pocketrec_base::threads;

use super::Rounding;
use crate::codes::settled::{self, Lost, Settled, Words};
use crate::influence::{Influence, Side};
use crate::{quantise, refine};

/// The least that a row is off which is told: what single precision loses where the two are compared.
const SLACK: f64 = 1.0 + 1.0e-5;

impl Rounding<'_> {
    /// The row that is furthest beyond what rounding could leave, or else that codewords are of no use, in words; `None`
    /// where neither is so.
    pub fn astray(&self) -> Option<String> {
        let data = &self.checkpoint.data;
        let users = (&self.checkpoint.user_ids, &data.user_names);
        let movies = (&self.checkpoint.movie_ids, &data.movie_names);
        let found = [
            ("row of user", users, self.far(Side::Users)),
            ("row of movie", movies, self.far(Side::Movies)),
            ("bias of user", users, self.biases_apart(Side::Users)),
            ("bias of movie", movies, self.biases_apart(Side::Movies)),
        ];
        let all = found.iter().flat_map(|(what, of, far)| {
            let each = of.0.iter().zip(far);
            each.map(move |(id, far)| (*far, *what, *id, of.1))
        });
        let (far, what, id, names) = all.max_by(|a, b| a.0.total_cmp(&b.0))?;
        let named = names.of(id).map_or_else(|| id.to_string(), String::from);
        if far > SLACK {
            return Some(format!(
                "the {what} {named} is {far:.1} times as far from the model's as rounding leaves it"
            ));
        }
        let lost = self.lost_by_codes().filter(Lost::is_poor);
        lost.map(|lost| format!("its {lost}"))
    }

    /// How far each row of a table is from the model's, in what rounding could leave.
    fn far(&self, side: Side) -> Vec<f64> {
        let p = &self.checkpoint.parameters;
        let (table, rows, columns) = match side {
            Side::Users => (self.users, &p.user_embedding, p.user_dim),
            Side::Movies => (self.model.movie_table(), &p.movie_embedding, p.movie_dim),
        };
        let bytes = matches!(table.values(), Values::I8 { .. });
        if table.codes().is_some() {
            return self.codes_apart();
        }
        let nearest = bytes.then(|| quantise::bytes(rows, columns)).flatten();
        let influence = bytes.then(|| Influence::new(p, side));
        let rows = rows.chunks_exact(columns).enumerate();
        threads::share(
            threads::available(),
            rows,
            || (),
            |(), (at, row)| {
                let mut place = [0.0; MAX_DIM];
                table.read(at, &mut place);
                let rounded = &place[..columns];
                let (Some(influence), Some(nearest)) = (&influence, &nearest) else {
                    let each = rounded.iter().zip(row);
                    let far = each.map(|(to, x)| {
                        times(to - x, half_step(&table.values(), table.scale(), *x))
                    });
                    return far.fold(0.0, f64::max);
                };
                let gradients = influence.gradients(row);
                let step = f32::from(nearest.multipliers[at]) * nearest.scale;
                let integers = &nearest.values[at * columns..][..columns];
                let nearest: Vec<f32> = integers.iter().map(|z| f32::from(*z) * step).collect();
                let [far, near] = [rounded, &nearest].map(|to| refine::effect(row, &gradients, to));
                times(far, near.into())
            },
        )
    }

    /// The same of biases.
    fn biases_apart(&self, side: Side) -> Vec<f64> {
        let p = &self.checkpoint.parameters;
        let apart = |values: Values<'_>, scale: f32, due: &[f32], bias: &dyn Fn(usize) -> f32| {
            let each = due.iter().enumerate();
            each.map(|(row, x)| times(bias(row) - x, half_step(&values, scale, *x)))
                .collect()
        };
        match (side, self.model.movie_biases()) {
            (Side::Users, Some(_)) => {
                let bias = |row| self.user_bias(row);
                apart(self.users.values(), self.bias_scale, &p.user_bias, &bias)
            }
            // Those of codewords are judged with their rows.
            (Side::Movies, Some(table)) if self.model.movie_table().codes().is_none() => {
                let bias = |row| table.first(row);
                apart(table.values(), table.scale(), &p.movie_bias, &bias)
            }
            _ => Vec::new(),
        }
    }

    /// What codes lose, where movies are in codes.
    pub fn lost_by_codes(&self) -> Option<Lost> {
        self.settled().map(|settled| settled.lost)
    }

    /// The same of codes.
    fn codes_apart(&self) -> Vec<f64> {
        let each = self.settled().into_iter().flat_map(|settled| &settled.each);
        each.map(|[now, least]| times(*now as f32, *least))
            .collect()
    }

    /// How near codes are to the movies, where they are in codes; found once.
    fn settled(&self) -> Option<&Settled> {
        self.settled.get_or_init(|| self.settle()).as_ref()
    }

    fn settle(&self) -> Option<Settled> {
        let codes = self.all_codes()?;
        let (rows, biases) = self.words();
        let columns = rows.columns();
        let count = match rows.values() {
            Values::I8 { multipliers, .. } => multipliers.len(),
            Values::I16(values) => values.len() / columns,
            Values::F16(_) | Values::F32(_) => 0,
        };
        let mut numbers = vec![0.0; count * columns];
        for (at, row) in numbers.chunks_exact_mut(columns).enumerate() {
            rows.read(at, row);
        }
        let coded = self
            .units
            .as_ref()
            .and_then(|units| Some((&units.worth[0], units.coded.as_ref()?)));
        let books = codes.len() / self.checkpoint.movie_ids.len().max(1);
        let halves = (0..count).flat_map(|word| {
            coded.into_iter().flat_map(move |(worth, coded)| {
                worth.iter().enumerate().map(move |(unit, worth)| {
                    // The offset is of all books together: the first may have it.
                    let first = word < count / books.max(1);
                    let offset = if first {
                        f64::from(coded.offsets[unit])
                    } else {
                        0.0
                    };
                    (coded.count(word, unit) - offset) * worth
                })
            })
        });
        let words = Words {
            books,
            rows: numbers,
            biases: biases.map_or(Vec::new(), |table| {
                (0..count).map(|at| table.first(at)).collect()
            }),
            halves: halves.collect(),
            codes: &codes,
        };
        Some(settled::settled(self.checkpoint, &words))
    }
}

/// The most that rounding moves a number.
fn half_step(values: &Values<'_>, scale: f32, x: f32) -> f64 {
    const SMALLEST: f64 = 1.0 / 16_384.0;
    let size = f64::from(x.abs());
    match values {
        Values::F32(_) if x.is_subnormal() => size,
        Values::F32(_) => 0.0,
        Values::F16(_) if size < SMALLEST => SMALLEST / 2.0,
        Values::F16(_) => size / 2048.0,
        Values::I16(_) | Values::I8 { .. } => f64::from(scale) / 2.0,
    }
}

/// How many times what rounding leaves a number is off.
fn times(off: f32, most: f64) -> f64 {
    match f64::from(off.abs()) {
        0.0 => 0.0,
        off => off / most,
    }
}
