//! Fewer dimensions than a model was trained with: the first ones, which explain most.

use std::borrow::Cow;

use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_train::Parameters;

use super::Storage;

/// Whether the first numbers of each row say most.
pub(super) fn is_ordered(checkpoint: &Checkpoint) -> bool {
    checkpoint.parameters.layers.is_empty()
        && checkpoint.options.solver == pocketrec_train::Solver::Gibbs
}

impl Storage {
    /// How many dimensions an image of `checkpoint` has: those that were asked for, else all. Of an odd number the last one,
    /// which says least, is left out where the precision takes two at a time.
    pub fn dims(&self, checkpoint: &Checkpoint) -> usize {
        let all = checkpoint.parameters.movie_dim;
        let even = match self.precision.takes_pairs() && is_ordered(checkpoint) {
            true => (all - all % 2).max(1),
            false => all,
        };
        self.dim.unwrap_or(even)
    }
}

/// The parameters with as many of the first numbers of each row as an image stored so has.
///
/// The sampler's numbers are in the order of what they explain: they are singular vectors, by value
/// (Eckart and Young 1936: no other table of `dim` numbers is nearer to the whole). So the first are what a table of so
/// many would have been.
///
/// # Errors
///
/// [`BadInput`] for a number that the model doesn't have, or a model whose numbers are in no order.
pub(super) fn narrow(
    checkpoint: &Checkpoint,
    storage: Storage,
) -> Result<Cow<'_, Parameters>, BadInput> {
    let p = &checkpoint.parameters;
    let dim = storage.dims(checkpoint);
    if dim == p.movie_dim {
        return Ok(Cow::Borrowed(p));
    }
    if dim == 0 || dim > p.movie_dim {
        return Err(BadInput::new(format!(
            "--dim {dim} takes some of the model's {} dimensions: a number from 1 to {0}",
            p.movie_dim
        )));
    }
    if !is_ordered(checkpoint) {
        return Err(BadInput::new(
            "--dim takes a model found by Gibbs sampling, whose dimensions are in the order of what they explain",
        ));
    }
    let first = |table: &[f32]| -> Vec<f32> {
        let rows = table.chunks_exact(p.movie_dim);
        rows.flat_map(|row| &row[..dim]).copied().collect()
    };
    Ok(Cow::Owned(Parameters {
        user_dim: dim,
        movie_dim: dim,
        user_embedding: first(&p.user_embedding),
        movie_embedding: first(&p.movie_embedding),
        ..p.clone()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::{checkpoint, options};
    use crate::{Chosen, Precision, build};
    use pocketrec::model::Model;
    use pocketrec_train::{ModelKind, Solver};

    #[test]
    fn of_an_odd_number_of_dimensions_the_last_is_left_out_where_two_are_taken_at_a_time() {
        let mut options = options(ModelKind::Mf, &[]);
        (options.user_dim, options.movie_dim) = (7, 7);
        options.solver = Solver::Gibbs;
        let checkpoint = checkpoint(options, vec![1, 2], (1..=40).collect());
        let all = Chosen::all(&checkpoint);
        for precision in Precision::ALL {
            let dims = match precision {
                Precision::F16 | Precision::F32 => 7,
                _ => 6,
            };
            let asked = Storage {
                dim: Some(dims),
                ..precision.into()
            };
            assert_eq!(Storage::from(precision).dims(&checkpoint), dims);
            let [found, due] = [precision.into(), asked]
                .map(|storage: Storage| build(&checkpoint, &all, storage).unwrap());
            assert_eq!(found.as_ref(), due.as_ref(), "{precision:?}");
            let model = Model::open(found.as_ref()).unwrap();
            assert_eq!(model.movie_table().columns(), dims, "{precision:?}");
        }
    }
}
