//! The kernels: what a shape is scored, compared and learned by, each beside its plain form.
//!
//! Each sums in the order of the plain form ([`Mlp::forward`](crate::mlp::Mlp::forward) and
//! [`Model::explain`](crate::model::Model::explain)), or in integers, so that its bits are the same.

mod choice;
#[cfg(feature = "codes")]
pub(crate) mod codes;
mod cost;
pub(crate) mod directions;
#[cfg(cortex_m_dsp)]
#[cfg_attr(not(feature = "integers"), allow(dead_code, unused_imports))]
pub(crate) mod dsp;
#[cfg(cortex_m_float)]
pub(crate) mod float;
#[cfg_attr(not(feature = "integers"), allow(dead_code))]
pub(crate) mod integer;
pub(crate) mod lacks;
#[cfg(not(cortex_m_float))]
pub(crate) mod portable;
pub(crate) mod products;

#[cfg(feature = "codes")]
pub(crate) use codes::{Lookup, Whose};

/// Without models of codewords there is nothing to look up.
#[cfg(not(feature = "codes"))]
#[derive(Clone, Debug)]
pub(crate) struct Lookup;

#[cfg(not(feature = "codes"))]
impl Lookup {
    pub(crate) const NONE: Self = Self;

    pub(crate) fn clear(&mut self) {}
}

pub use choice::{Kernel, Kernels, Lesson, Machine, Precision, Shape};
pub use cost::Costs;

/// Tells the tests that a kernel runs.
#[inline(always)]
pub(crate) fn ran(_kernel: Kernel) {
    #[cfg(test)]
    RAN.with_borrow_mut(|ran| {
        if !ran.contains(&_kernel) {
            ran.push(_kernel);
        }
    });
}

#[cfg(test)]
std::thread_local! {
    /// The kernels that ran on this thread.
    pub(crate) static RAN: core::cell::RefCell<std::vec::Vec<Kernel>> = const { core::cell::RefCell::new(std::vec::Vec::new()) };
}

#[cfg(all(test, feature = "write"))]
mod tests;
