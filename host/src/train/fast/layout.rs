//! Where the fast trainer keeps every number.
//!
//! A table has two rows of f32 for each of its own. What every sample reads: `p`, or `p | b mb vb`
//! where rows have biases, that is the embedding, padded with zeros to a multiple of 8, and the
//! bias with its moments. And what only a step needs: `m | v`, the embedding's first and second
//! moments, padded likewise. Apart, the values of all movies of MovieLens-20M (856 KB at 8
//! dimensions without biases) fit a second-level cache, where with their moments they don't. Rows
//! are padded so that none is in more cache lines than it must; at 8 dimensions each is in one. A
//! third memory has the step that last touched each row, for optimisers that ask.
//!
//! Dense layers lie in one vector: layer by layer the weights `[inputs][outputs]`, then the
//! biases. The first layer's inputs are padded as the rows are; padded weights meet only zeros,
//! so they stay zero.

use memmap2::MmapMut;

use super::super::simd::{prefetch, prefetch_to_write};
use super::super::{Layer, Options, Parameters};

/// Lanes of a row's vectors.
pub const ROW_LANES: usize = 8;

/// 64 bytes, so that rows start on cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Line([f32; 16]);

/// Memory from this size on is asked for in huge pages: rows are met in no order, and at 4 KB a
/// page every other one would miss the processor's table of pages.
const HUGE: usize = 4 << 20;

/// Zeroed memory of at least so many f32, aligned to cache lines.
#[derive(Debug)]
pub struct Aligned(Memory);

#[derive(Debug)]
enum Memory {
    Lines(Vec<Line>),
    Mapped(MmapMut),
}

impl Aligned {
    /// All zeros.
    pub fn zero(numbers: usize) -> Self {
        let lines = numbers.div_ceil(16);
        let bytes = lines * size_of::<Line>();
        if bytes >= HUGE
            && let Ok(map) = MmapMut::map_anon(bytes)
        {
            // Only advice: what it costs to be refused is time.
            #[cfg(target_os = "linux")]
            let _ = map.advise(memmap2::Advice::HugePage);
            return Self(Memory::Mapped(map));
        }
        Self(Memory::Lines(vec![Line([0.0; 16]); lines]))
    }

    /// The numbers, padding to a whole line included.
    pub fn numbers(&self) -> &[f32] {
        let (start, bytes) = match &self.0 {
            Memory::Lines(lines) => (lines.as_ptr().cast(), size_of_val(lines.as_slice())),
            Memory::Mapped(map) => (map.as_ptr().cast(), map.len()),
        };
        // SAFETY: lines and pages are aligned, initialised and of any bits that f32 allows.
        unsafe { std::slice::from_raw_parts(start, bytes / 4) }
    }

    /// As [`Aligned::numbers`], to write.
    pub fn numbers_mut(&mut self) -> &mut [f32] {
        let (start, bytes) = match &mut self.0 {
            Memory::Lines(lines) => (lines.as_mut_ptr().cast(), size_of_val(lines.as_slice())),
            Memory::Mapped(map) => (map.as_mut_ptr().cast(), map.len()),
        };
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(start, bytes / 4) }
    }
}

/// A table of rows with their moments.
#[derive(Debug)]
pub struct Table {
    /// Number of rows.
    pub rows: usize,
    /// Numbers a row that a model knows of.
    pub dim: usize,
    /// `dim` padded to a multiple of 8.
    pub width: usize,
    /// Distance of the rows of values, in f32; those of moments are `2 * width` apart.
    pub stride: usize,
    /// Whether rows have a bias.
    pub biased: bool,
    values: Aligned,
    moments: Aligned,
    last: Aligned,
}

/// A table as the kernels see it.
#[derive(Clone, Copy, Debug)]
pub struct RawTable {
    /// Start of row 0's values.
    pub values: *mut f32,
    /// Distance of rows of values.
    pub stride: usize,
    /// Padded width of a row's embedding.
    pub width: usize,
    /// Start of row 0's moments; rows are `2 * width` apart.
    pub moments: *mut f32,
    /// The step that last touched each row, 0 for none; only kept for optimisers that ask.
    pub last: *mut u32,
}

impl RawTable {
    /// The start of a row's values.
    ///
    /// # Safety
    /// The row must be one of the table's.
    #[inline(always)]
    pub unsafe fn row(&self, row: u32) -> *mut f32 {
        // SAFETY: by the caller's promise.
        unsafe { self.values.add(row as usize * self.stride) }
    }

    /// The start of a row's moments.
    ///
    /// # Safety
    /// The row must be one of the table's.
    #[inline(always)]
    pub unsafe fn moments(&self, row: u32) -> *mut f32 {
        // SAFETY: by the caller's promise.
        unsafe { self.moments.add(row as usize * 2 * self.width) }
    }

    /// Asks for a row's values.
    ///
    /// # Safety
    /// The row must be one of the table's.
    #[inline(always)]
    pub unsafe fn ask_values(&self, row: u32) {
        // SAFETY: by the caller's promise.
        unsafe {
            let row = self.row(row);
            for line in (0..self.stride).step_by(16) {
                prefetch(row.add(line));
            }
        }
    }

    /// Asks for a row's values, to write them.
    ///
    /// # Safety
    /// The row must be one of the table's.
    #[inline(always)]
    pub unsafe fn ask_values_to_write(&self, row: u32) {
        // SAFETY: by the caller's promise.
        unsafe {
            let row = self.row(row);
            for line in (0..self.stride).step_by(16) {
                prefetch_to_write(row.add(line));
            }
        }
    }

    /// Asks for a row's moments, to write them.
    ///
    /// # Safety
    /// The row must be one of the table's.
    #[inline(always)]
    pub unsafe fn ask_moments(&self, row: u32) {
        // SAFETY: by the caller's promise.
        unsafe {
            let row = self.moments(row);
            for line in (0..2 * self.width).step_by(16) {
                prefetch_to_write(row.add(line));
            }
        }
    }
}

/// The parts of a row of values that follow its embedding, where rows have biases.
pub mod tail {
    /// The bias.
    pub const BIAS: usize = 0;
    /// Its first moment.
    pub const BIAS_M: usize = 1;
    /// Its second moment.
    pub const BIAS_V: usize = 2;
    /// Numbers in the tail.
    pub const LENGTH: usize = 3;
}

/// Distance of the rows of values of a table of so many dimensions, in f32.
fn row_stride(dim: usize, biased: bool) -> usize {
    let numbers = dim.next_multiple_of(ROW_LANES) + if biased { tail::LENGTH } else { 0 };
    // Two rows of 8 share a line; longer ones would straddle lines if they weren't padded.
    if numbers == ROW_LANES {
        numbers
    } else {
        numbers.next_multiple_of(16)
    }
}

/// Bytes that a row of so many dimensions takes, moments included.
pub fn row_bytes(dim: usize, biased: bool) -> usize {
    4 * (row_stride(dim, biased) + 2 * dim.next_multiple_of(ROW_LANES) + 1)
}

impl Table {
    /// A table with zero moments; `bias` is empty or has a number a row.
    pub fn new(values: &[f32], bias: &[f32], rows: usize, dim: usize) -> Self {
        let width = dim.next_multiple_of(ROW_LANES);
        let biased = !bias.is_empty();
        let stride = row_stride(dim, biased);
        let mut table = Self {
            rows,
            dim,
            width,
            stride,
            biased,
            values: Aligned::zero(rows * stride),
            moments: Aligned::zero(rows * 2 * width),
            last: Aligned::zero(rows),
        };
        let memory = table.values.numbers_mut();
        for (row, values) in values.chunks_exact(dim).enumerate() {
            memory[row * stride..][..dim].copy_from_slice(values);
        }
        for (row, bias) in bias.iter().enumerate() {
            memory[row * stride + width + tail::BIAS] = *bias;
        }
        table
    }

    /// The values of one row, padding and bias included.
    fn row(&self, row: usize) -> &[f32] {
        &self.values.numbers()[row * self.stride..][..self.stride]
    }

    /// For the kernels.
    pub fn raw(&mut self) -> RawTable {
        let start = |memory: &mut Aligned| memory.numbers_mut().as_mut_ptr();
        RawTable {
            values: start(&mut self.values),
            stride: self.stride,
            width: self.width,
            moments: start(&mut self.moments),
            last: start(&mut self.last).cast(),
        }
    }

    /// Numbers in each of the table's memories.
    fn lengths(&self) -> [usize; 3] {
        [self.stride, 2 * self.width, 1].map(|numbers| numbers * self.rows)
    }

    /// All rows of values, all rows of moments, and the step that last touched each row, as the
    /// bits of a u32; padding included.
    pub fn memory(&self) -> [&[f32]; 3] {
        let lengths = self.lengths();
        let memory = [&self.values, &self.moments, &self.last];
        std::array::from_fn(|i| &memory[i].numbers()[..lengths[i]])
    }

    /// As [`Table::memory`], to write.
    pub fn memory_mut(&mut self) -> [&mut [f32]; 3] {
        let [values, moments, last] = self.lengths();
        [
            &mut self.values.numbers_mut()[..values],
            &mut self.moments.numbers_mut()[..moments],
            &mut self.last.numbers_mut()[..last],
        ]
    }

    /// The embeddings alone, row by row without padding.
    pub fn values(&self) -> Vec<f32> {
        (0..self.rows)
            .flat_map(|row| self.row(row)[..self.dim].iter().copied())
            .collect()
    }

    /// The biases alone; empty when there are none.
    pub fn biases(&self) -> Vec<f32> {
        let rows = if self.biased { self.rows } else { 0 };
        (0..rows)
            .map(|row| self.row(row)[self.width + tail::BIAS])
            .collect()
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.rows * row_bytes(self.dim, self.biased)
    }
}

/// One dense layer within the dense vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DenseShape {
    /// Numbers in, padded for the first layer.
    pub inputs: usize,
    /// Numbers out.
    pub outputs: usize,
    /// Where its weights start.
    pub weight: usize,
    /// Where its biases start.
    pub bias: usize,
}

/// Shapes of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// User row width, padded.
    pub user_width: usize,
    /// Movie row width, padded.
    pub movie_width: usize,
    /// User dimensions.
    pub user_dim: usize,
    /// Movie dimensions.
    pub movie_dim: usize,
    /// Whether rows have biases.
    pub biases: bool,
    /// Whether the rows' dot product counts.
    pub dot: bool,
    /// The dense layers; empty without a network.
    pub layers: Vec<DenseShape>,
    /// Numbers in the dense vector.
    pub dense: usize,
}

impl Shape {
    /// The shape of models that `options` describe.
    pub fn new(options: &Options) -> Self {
        let user_width = options.user_dim.next_multiple_of(ROW_LANES);
        let movie_width = options.movie_dim.next_multiple_of(ROW_LANES);
        let mut layers = Vec::new();
        let mut at = 0;
        if options.model.has_network() {
            let mut inputs = user_width + movie_width;
            for outputs in options.hidden.iter().copied().chain([1]) {
                let bias = at + inputs * outputs;
                layers.push(DenseShape {
                    inputs,
                    outputs,
                    weight: at,
                    bias,
                });
                at = bias + outputs;
                inputs = outputs;
            }
        }
        Self {
            user_width,
            movie_width,
            user_dim: options.user_dim,
            movie_dim: options.movie_dim,
            biases: options.model.has_biases(),
            dot: options.model.has_dot(),
            layers,
            dense: at,
        }
    }

    /// Where the inputs of the first layer lie among the padded ones.
    fn first_inputs(&self) -> impl Iterator<Item = usize> + '_ {
        let movies = (0..self.movie_dim).map(|i| self.user_width + i);
        (0..self.user_dim).chain(movies)
    }

    /// The dense vector of a model's layers.
    pub fn pack(&self, layers: &[Layer]) -> Vec<f32> {
        let mut dense = vec![0.0; self.dense];
        for (index, (layer, shape)) in layers.iter().zip(&self.layers).enumerate() {
            dense[shape.bias..][..shape.outputs].copy_from_slice(&layer.bias);
            let rows = layer.weight.chunks_exact(layer.outputs);
            let places: Vec<usize> = if index == 0 {
                self.first_inputs().collect()
            } else {
                (0..shape.inputs).collect()
            };
            for (row, place) in rows.zip(places) {
                dense[shape.weight + place * shape.outputs..][..shape.outputs].copy_from_slice(row);
            }
        }
        dense
    }

    /// The layers of a dense vector, padding left out.
    pub fn unpack(&self, dense: &[f32]) -> Vec<Layer> {
        let layer = |(index, shape): (usize, &DenseShape)| {
            let places: Vec<usize> = if index == 0 {
                self.first_inputs().collect()
            } else {
                (0..shape.inputs).collect()
            };
            let row =
                |place: &usize| &dense[shape.weight + place * shape.outputs..][..shape.outputs];
            Layer {
                inputs: places.len(),
                outputs: shape.outputs,
                weight: places.iter().flat_map(row).copied().collect(),
                bias: dense[shape.bias..][..shape.outputs].to_vec(),
            }
        };
        self.layers.iter().enumerate().map(layer).collect()
    }
}

/// The user table of `parameters`, moments zero.
pub fn user_table(parameters: &Parameters) -> Table {
    let (rows, dim) = (parameters.users, parameters.user_dim);
    Table::new(&parameters.user_embedding, &parameters.user_bias, rows, dim)
}

/// The movie table of `parameters`, moments zero.
pub fn movie_table(parameters: &Parameters) -> Table {
    let (rows, dim) = (parameters.movies, parameters.movie_dim);
    Table::new(
        &parameters.movie_embedding,
        &parameters.movie_bias,
        rows,
        dim,
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::ModelKind;
    use super::*;

    #[test]
    fn packing_and_unpacking_gives_back_every_bit_at_any_size() {
        for (dim, hidden) in [
            (8, vec![32, 4]),
            (3, vec![]),
            (11, vec![5]),
            (16, vec![7, 3, 2]),
        ] {
            let options = Options {
                model: ModelKind::Hybrid,
                user_dim: dim,
                movie_dim: dim,
                hidden,
                ..Options::default()
            };
            let mut p = Parameters::initial(&options, 5, 7, 3.0);
            p.user_bias = vec![1.0, 2.0, 3.0, 4.0, 5.0];
            p.movie_bias[6] = -1.0;
            let shape = Shape::new(&options);
            assert_eq!(shape.unpack(&shape.pack(&p.layers)), p.layers);
            let (users, movies) = (user_table(&p), movie_table(&p));
            assert_eq!(users.values(), p.user_embedding);
            assert_eq!(users.biases(), p.user_bias);
            assert_eq!(movies.values(), p.movie_embedding);
            assert_eq!(movies.biases(), p.movie_bias);
        }
    }

    #[test]
    fn no_row_of_any_size_is_in_more_cache_lines_than_it_must() {
        for dim in [1, 8, 9, 16, 24, 31] {
            for bias in [&[][..], &[0.5; 5]] {
                let mut table = Table::new(&vec![0.5; 5 * dim], bias, 5, dim);
                let RawTable {
                    values,
                    moments,
                    stride,
                    width,
                    ..
                } = table.raw();
                let numbers = width + if bias.is_empty() { 0 } else { tail::LENGTH };
                for row in 0..5 {
                    for (at, numbers) in [
                        (values.wrapping_add(row * stride), numbers),
                        (moments.wrapping_add(row * 2 * width), 2 * width),
                    ] {
                        let start = at as usize % 64;
                        assert_eq!(
                            (start + 4 * numbers).div_ceil(64),
                            (4 * numbers).div_ceil(64)
                        );
                    }
                }
                assert_eq!(
                    table.bytes(),
                    4 * table.memory().map(<[f32]>::len).iter().sum::<usize>()
                );
            }
        }
        let bytes = [false, true].map(|biased| row_bytes(8, biased));
        assert_eq!(bytes, [32 + 64 + 4, 64 + 64 + 4]);
    }
}
