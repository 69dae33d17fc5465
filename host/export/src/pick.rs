//! Numbers out of a model's tables, in the order that an image or a gradient wants.

use pocketrec_train::Layer;

/// The chosen rows of a table of `columns`.
pub(super) fn pick<T: Copy>(table: &[T], columns: usize, rows: &[usize]) -> Vec<T> {
    rows.iter()
        .flat_map(|row| &table[row * columns..][..columns])
        .copied()
        .collect()
}

/// The weights of some inputs of a layer as \[units\]\[inputs\].
pub(super) fn transposed(layer: &Layer, inputs: std::ops::Range<usize>) -> Vec<f32> {
    (0..layer.outputs)
        .flat_map(|unit| {
            inputs
                .clone()
                .map(move |input| layer.weight[input * layer.outputs + unit])
        })
        .collect()
}
