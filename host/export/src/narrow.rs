//! Fewer dimensions than a model was trained with: the first ones, which explain most.

use std::borrow::Cow;

use pocketrec_base::error::BadInput;
use pocketrec_checkpoint::Checkpoint;
use pocketrec_train::Parameters;

/// The parameters with the first `dim` numbers of each row, all of them where none is asked for.
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
    dim: Option<usize>,
) -> Result<Cow<'_, Parameters>, BadInput> {
    let p = &checkpoint.parameters;
    let Some(dim) = dim.filter(|dim| *dim != p.movie_dim) else {
        return Ok(Cow::Borrowed(p));
    };
    if dim == 0 || dim > p.movie_dim {
        return Err(BadInput::new(format!(
            "--dim {dim} takes some of the model's {} dimensions: a number from 1 to {0}",
            p.movie_dim
        )));
    }
    if !p.layers.is_empty() || checkpoint.options.solver != pocketrec_train::Solver::Gibbs {
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
