//! Vectors by way of a proof that the machine has their instructions.

use std::marker::PhantomData;

use super::numbers::Numbers;
use super::vector::Vector;

/// Proof that this machine runs the path of a vector. Kernels take one, and all their vectors come from it.
#[derive(Clone, Copy, Debug)]
pub struct Path<V>(PhantomData<V>);

impl<V: Vector> Path<V> {
    /// # Safety
    /// The machine must run the path.
    #[inline(always)]
    pub unsafe fn new() -> Self {
        Self(PhantomData)
    }

    /// The path's vectors of 8 lanes.
    #[inline(always)]
    pub fn row(self) -> Path<V::Row> {
        Path(PhantomData)
    }

    /// [`Vector::splat`]
    #[inline(always)]
    pub fn splat(self, value: f32) -> V {
        // SAFETY: the machine runs the path.
        unsafe { V::splat(value) }
    }

    /// [`Vector::load`]
    #[inline(always)]
    pub fn load(self, at: Numbers) -> V {
        // SAFETY: the machine runs the path, and the numbers are there.
        unsafe { V::load(at.good_for(V::LANES)) }
    }

    /// As [`load`](Self::load), from an array.
    #[inline(always)]
    pub fn load_array<const N: usize>(self, numbers: &[f32; N]) -> V {
        const { assert!(N >= V::LANES, "the array has a number for each lane") };
        // SAFETY: the machine runs the path, and the numbers are there.
        unsafe { V::load(numbers.as_ptr()) }
    }

    /// [`Vector::load_fours`]
    #[inline(always)]
    pub fn load_fours(self, at: Numbers) -> V {
        // SAFETY: the machine runs the path, and the numbers are there.
        unsafe { V::load_fours(at.good_for(V::LANES / 4)) }
    }

    /// [`Vector::gather`] of the rows from number `first` on.
    #[inline(always)]
    pub fn gather<const N: usize>(
        self,
        rows: &[Numbers; N],
        first: usize,
        offset: usize,
    ) -> [V; 8] {
        debug_assert!(first + V::LANES <= N, "{first} of {N} rows");
        #[cfg(not(debug_assertions))]
        // SAFETY: the machine runs the path; there are so many rows, and a place is its address.
        unsafe {
            V::gather(rows.as_ptr().add(first).cast(), offset)
        }
        #[cfg(debug_assertions)]
        {
            let mut addresses = [std::ptr::null_mut(); 64];
            for (address, row) in addresses.iter_mut().zip(&rows[first..first + V::LANES]) {
                *address = row.add(offset).good_for(8);
            }
            // SAFETY: the machine runs the path, and 8 numbers are there in each row.
            unsafe { V::gather(addresses.as_ptr(), 0) }
        }
    }
}

/// [`Vector::scatter`]
#[inline(always)]
pub fn scatter<V: Vector>(columns: [V; 8], to: Numbers, stride: usize) {
    // SAFETY: there is memory for 8 numbers a row.
    unsafe { V::scatter(columns, to.good_for((V::LANES - 1) * stride + 8), stride) }
}
