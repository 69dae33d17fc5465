//! Where the fast trainer keeps every number.
//!
//! A table has for each of its rows, in f32: the values `p`, or `p | b mb vb` where rows have
//! biases, that is the embedding, and the bias with its moments; the embedding's first and second
//! moments `m | v`; and the step that last touched the row (as u32), for optimisers that ask. Each
//! vector is padded with zeros to a multiple of 8, and rows so that none is in more cache lines than
//! it must.
//!
//! Where these lie depends on the table's size. Values that a second-level cache has room for are
//! kept apart from the rest, so that they stay there while samples read them: the movies of
//! MovieLens-20M at 8 dimensions take 856 KB. In a larger table a row comes from further away in
//! any case, and it is quicker to have its parts in lines beside each other: at 8 dimensions
//! `p | b mb vb last` in one, `m | v` in the next.
//!
//! Dense layers lie in one vector: layer by layer the weights `[inputs][outputs]`, then the
//! biases. The first layer's inputs are padded as the rows are; padded weights meet only zeros,
//! so they stay zero.

use memmap2::MmapMut;

use super::super::options::Options;
use super::super::parameters::{Layer, Parameters};
use super::super::simd::{Numbers, prefetch, prefetch_to_write};

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

impl Aligned {
    /// The numbers, to be shared among threads.
    ///
    /// # Safety
    /// As for [`Numbers::new`]; in particular this mustn't be dropped or touched otherwise meanwhile.
    pub unsafe fn places(&mut self) -> Numbers {
        let numbers = self.numbers_mut();
        // SAFETY: by the caller's promise.
        unsafe { Numbers::new(numbers.as_mut_ptr(), numbers.len()) }
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
    /// Whether rows have a bias.
    pub biased: bool,
    places: RowPlaces,
    memory: [Aligned; 3],
}

/// Most bytes of values that are kept apart: what a second-level cache has room for beside the rest.
const APART: usize = 1 << 20;

/// Where the parts of rows lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RowPlaces {
    /// Whether values, moments and steps have a memory each; else all are in the first.
    apart: bool,
    /// Distance of rows of values, in f32.
    stride: usize,
    /// Numbers of a row that a sample may read, padded.
    read: usize,
    /// Distance of rows of moments, and where row 0's start.
    moments: (usize, usize),
    /// Distance of the steps that last touched a row, and where row 0's is.
    last: (usize, usize),
}

impl RowPlaces {
    fn new(rows: usize, dim: usize, biased: bool) -> Self {
        let width = dim.next_multiple_of(ROW_LANES);
        let numbers = width + if biased { tail::LENGTH } else { 0 };
        // Two rows of 8 share a line; longer ones would straddle lines if they weren't padded.
        let read = match numbers {
            ROW_LANES => numbers,
            _ => numbers.next_multiple_of(16),
        };
        if rows * read * 4 <= APART {
            return Self {
                apart: true,
                stride: read,
                read,
                moments: (2 * width, 0),
                last: (1, 0),
            };
        }
        let last = width + tail::LENGTH;
        let read = (last + 1).next_multiple_of(16);
        let stride = read + (2 * width).next_multiple_of(16);
        Self {
            apart: false,
            stride,
            read,
            moments: (stride, read),
            last: (stride, last),
        }
    }

    /// Numbers of each memory.
    fn lengths(&self, rows: usize) -> [usize; 3] {
        let (moments, last) = match self.apart {
            true => (self.moments.0, self.last.0),
            false => (0, 0),
        };
        [self.stride, moments, last].map(|numbers| numbers * rows)
    }
}

/// A table as the kernels see it: rows of other numbers than the table has are beyond it.
#[derive(Clone, Copy, Debug)]
pub struct RawTable {
    /// Start of row 0's values.
    values: Numbers,
    stride: usize,
    /// Numbers of a row of values that a sample may read.
    read: usize,
    /// Padded width of a row's embedding.
    pub width: usize,
    /// Start of row 0's moments.
    moments: Numbers,
    moments_stride: usize,
    /// The step that last touched row 0, as bits.
    last: Numbers,
    last_stride: usize,
}

impl RawTable {
    /// The start of a row's values.
    #[inline(always)]
    pub fn row(&self, row: u32) -> Numbers {
        self.values.add(row as usize * self.stride)
    }

    /// The start of a row's moments.
    #[inline(always)]
    pub fn moments(&self, row: u32) -> Numbers {
        self.moments.add(row as usize * self.moments_stride)
    }

    /// Where the bits of the step that last touched a row are, 0 for none; only kept for optimisers that ask.
    #[inline(always)]
    pub fn last(&self, row: u32) -> Numbers {
        self.last.add(row as usize * self.last_stride)
    }

    /// Whether a row's values lie in one cache line, and its moments too.
    pub fn keeps_to_lines(&self) -> bool {
        self.read <= 16 && self.width <= 8
    }

    /// Asks for a row's values.
    #[inline(always)]
    pub fn ask_values(&self, row: u32) {
        let row = self.row(row);
        for line in (0..self.read).step_by(16) {
            prefetch(row.add(line).address());
        }
    }

    /// Asks for a row's values, to write them.
    #[inline(always)]
    pub fn ask_values_to_write(&self, row: u32) {
        let row = self.row(row);
        for line in (0..self.read).step_by(16) {
            prefetch_to_write(row.add(line).address());
        }
    }

    /// Asks for a row's moments, to write them.
    #[inline(always)]
    pub fn ask_moments(&self, row: u32) {
        let row = self.moments(row);
        for line in (0..2 * self.width).step_by(16) {
            prefetch_to_write(row.add(line).address());
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

/// Bytes that a table of so many rows and dimensions takes, moments included.
pub fn table_bytes(rows: usize, dim: usize, biased: bool) -> usize {
    let lengths = RowPlaces::new(rows, dim, biased).lengths(rows);
    4 * lengths.iter().sum::<usize>()
}

impl Table {
    /// A table with zero moments; `bias` is empty or has a number a row.
    pub fn new(values: &[f32], bias: &[f32], rows: usize, dim: usize) -> Self {
        let width = dim.next_multiple_of(ROW_LANES);
        let biased = !bias.is_empty();
        let places = RowPlaces::new(rows, dim, biased);
        let mut memory = places.lengths(rows).map(Aligned::zero);
        let (numbers, stride) = (memory[0].numbers_mut(), places.stride);
        for (row, values) in values.chunks_exact(dim).enumerate() {
            numbers[row * stride..][..dim].copy_from_slice(values);
        }
        for (row, bias) in bias.iter().enumerate() {
            numbers[row * stride + width + tail::BIAS] = *bias;
        }
        Self {
            rows,
            dim,
            width,
            biased,
            places,
            memory,
        }
    }

    /// What a sample may read of one row.
    fn row(&self, row: usize) -> &[f32] {
        &self.memory[0].numbers()[row * self.places.stride..][..self.places.read]
    }

    /// For the kernels.
    ///
    /// # Safety
    /// As for [`Numbers::new`]; in particular the table mustn't be dropped or touched otherwise meanwhile.
    pub unsafe fn raw(&mut self) -> RawTable {
        let RowPlaces {
            apart,
            stride,
            read,
            moments,
            last,
        } = self.places;
        // SAFETY: by the caller's promise.
        let [a, b, c] = self
            .memory
            .each_mut()
            .map(|memory| unsafe { memory.places() });
        let (b, c) = if apart { (b, c) } else { (a, a) };
        // Of no rows there is no place behind the first one's values.
        let at = |memory: Numbers, place| match self.rows {
            0 => Numbers::none(),
            _ => memory.add(place),
        };
        RawTable {
            values: a,
            stride,
            read,
            width: self.width,
            moments: at(b, moments.1),
            moments_stride: moments.0,
            last: at(c, last.1),
            last_stride: last.0,
        }
    }

    /// All rows, padding included: of values, of moments, and the steps that last touched them, or
    /// all of it in the first.
    pub fn memory(&self) -> [&[f32]; 3] {
        let lengths = self.places.lengths(self.rows);
        std::array::from_fn(|i| &self.memory[i].numbers()[..lengths[i]])
    }

    /// As [`Table::memory`], to write.
    pub fn memory_mut(&mut self) -> [&mut [f32]; 3] {
        let [values, moments, last] = self.places.lengths(self.rows);
        let [a, b, c] = self.memory.each_mut().map(Aligned::numbers_mut);
        [&mut a[..values], &mut b[..moments], &mut c[..last]]
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
        table_bytes(self.rows, self.dim, self.biased)
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
        let lines = |at: Numbers, numbers: usize| {
            let start = at.address() as usize % 64;
            (start + 4 * numbers).div_ceil(64)
        };
        for (dim, rows) in [(1, 5), (8, 5), (9, 5), (24, 5), (8, 40_000), (31, 20_000)] {
            for biased in [false, true] {
                let bias = vec![0.5; if biased { rows } else { 0 }];
                let mut table = Table::new(&vec![0.5; rows * dim], &bias, rows, dim);
                // SAFETY: it is used before the table is touched again.
                let raw = unsafe { table.raw() };
                let numbers = raw.width + if biased { tail::LENGTH } else { 0 };
                let some = [0, 1, rows as u32 - 1];
                for row in some {
                    let (values, moments) = (raw.row(row), raw.moments(row));
                    assert_eq!(lines(values, numbers), (4 * numbers).div_ceil(64));
                    let moments_lines = (8 * raw.width).div_ceil(64);
                    assert_eq!(lines(moments, 2 * raw.width), moments_lines);
                    (0..2 * raw.width).for_each(|at| moments.add(at).set(1.0));
                    raw.last(row).set_bits(7);
                }
                // Nothing of it lay where something else is.
                for row in some {
                    let moments = raw.moments(row);
                    assert!((0..2 * raw.width).all(|at| moments.add(at).get() == 1.0));
                    assert_eq!(raw.last(row).bits(), 7);
                }
                assert_eq!(table.places.apart, rows == 5);
                assert_eq!(table.values(), vec![0.5; rows * dim]);
                assert_eq!(table.biases(), bias);
                let numbers = table.memory().iter().map(|part| part.len()).sum::<usize>();
                assert_eq!(table.bytes(), 4 * numbers);
            }
        }
    }

    #[test]
    fn rows_of_8_dimensions_take_the_lines_that_the_page_says() {
        let bytes = |rows, biased| table_bytes(rows, 8, biased) / rows;
        assert_eq!(bytes(26_744, false), 32 + 64 + 4);
        assert_eq!(bytes(1_000, true), 64 + 64 + 4);
        assert_eq!([false, true].map(|biased| bytes(138_493, biased)), [128; 2]);
    }
}
