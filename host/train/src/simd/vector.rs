//! What a path's vectors can do.

use super::numbers::Numbers;

/// A vector of `LANES` f32 with the operations that training needs.
///
/// Who has a vector has its instructions: only constructors can't be called by anybody, and everything is meant to be
/// inlined into a function that enables them. Kernels make vectors by a [`Path`](super::Path) and never by these functions.
///
/// # Safety
/// There must be no way to a value of the type but by the constructors.
pub unsafe trait Vector: Copy {
    /// Numbers in a vector; a multiple of 8 and a divisor of 64.
    const LANES: usize;
    /// Whether there are registers for 16 accumulators and what they are made from.
    const WIDE_TILES: bool;
    /// Whether a lane is a unit in `mlp`, and not a sample as in any other. Its
    /// tiles want registers that a compiler is told of: where it has to find the vectors itself
    /// they land in memory, and the network takes four times as long. Not so for NEON, which has the
    /// registers, but which nobody has timed.
    const LANES_ARE_UNITS: bool;
    /// The vector of 8 lanes of the same path, for rows of tables.
    type Row: Vector;

    /// All lanes `value`.
    ///
    /// # Safety
    /// The machine must run the path.
    unsafe fn splat(value: f32) -> Self;
    /// Reads `LANES` numbers.
    ///
    /// # Safety
    /// The machine must run the path, and `LANES` numbers be there.
    unsafe fn load(at: *const f32) -> Self;
    /// Writes `LANES` numbers.
    ///
    /// # Safety
    /// There must be memory for `LANES` numbers.
    unsafe fn store(self, at: *mut f32);
    /// As [`store`](Self::store), to a place.
    #[inline(always)]
    fn put(self, to: Numbers) {
        // SAFETY: there is memory for so many numbers.
        unsafe { self.store(to.good_for(Self::LANES)) }
    }
    /// As [`store`](Self::store), to an array.
    #[inline(always)]
    fn put_array<const N: usize>(self, to: &mut [f32; N]) {
        const { assert!(N >= Self::LANES, "the array has a number for each lane") };
        // SAFETY: there is memory for so many numbers.
        unsafe { self.store(to.as_mut_ptr()) }
    }
    /// `self + other`
    fn add(self, other: Self) -> Self;
    /// `self - other`
    fn sub(self, other: Self) -> Self;
    /// `self * other`
    fn mul(self, other: Self) -> Self;
    /// `self * factor + sum`, fused unless the path is portable.
    fn mul_add(self, factor: Self, sum: Self) -> Self;
    /// `self / other`
    fn div(self, other: Self) -> Self;
    /// The square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// `self` where `condition` is above 0, else 0.
    fn where_positive(self, condition: Self) -> Self;
    /// `self` where it is above 0, else 0.
    #[inline(always)]
    fn relu(self) -> Self {
        self.where_positive(self)
    }
    /// `self` within `low..=high`.
    fn clamp(self, low: Self, high: Self) -> Self;
    /// The sum of all lanes, always in the same order.
    fn sum(self) -> f32;
    /// The sums of all lanes of each of 8 vectors, always in the same order.
    fn sums(vectors: [Self; 8]) -> Self::Row;
    /// In each lane the sum of the four lanes that it is one of: lanes 0 to 3, 4 to 7 and so on.
    fn sums_of_fours(self) -> Self;
    /// Reads `LANES / 4` numbers, each into four lanes.
    ///
    /// # Safety
    /// The machine must run the path, and `LANES / 4` numbers be there.
    unsafe fn load_fours(at: *const f32) -> Self;
    /// Writes the first half of the lanes to one place and the second to another.
    ///
    /// # Safety
    /// There must be memory for `LANES / 2` numbers at each.
    unsafe fn store_halves(self, first: *mut f32, second: *mut f32);
    /// As [`store_halves`](Self::store_halves), to places.
    #[inline(always)]
    fn put_halves(self, first: Numbers, second: Numbers) {
        let half = Self::LANES / 2;
        // SAFETY: there is memory for so many numbers.
        unsafe { self.store_halves(first.good_for(half), second.good_for(half)) }
    }
    /// Reads 8 numbers from each of `LANES` rows, `offset` from their starts, and turns them
    /// about: vector `i` of the result holds number `i` of every row.
    ///
    /// # Safety
    /// The machine must run the path, and 8 numbers be there from `offset` on in each row.
    unsafe fn gather(rows: *const *mut f32, offset: usize) -> [Self; 8];
    /// Turns back what [`Vector::gather`] turned, and writes 8 numbers to each of `LANES` rows
    /// that lie `stride` apart.
    ///
    /// # Safety
    /// There must be memory for 8 numbers a row.
    unsafe fn scatter(columns: [Self; 8], at: *mut f32, stride: usize);
}
