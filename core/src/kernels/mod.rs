//! The kernels: what a shape is scored, compared and learned by, each beside its plain form.
//!
//! Each sums in the order of the plain form ([`Mlp::forward`](crate::mlp::Mlp::forward) and
//! [`Model::explain`](crate::model::Model::explain)), or in integers, so that its bits are the same.

#[cfg(cortex_m_dsp)]
#[cfg_attr(not(feature = "integers"), allow(dead_code, unused_imports))]
pub(crate) mod dsp;
#[cfg(cortex_m_float)]
pub(crate) mod float;
#[cfg_attr(not(feature = "integers"), allow(dead_code))]
pub(crate) mod integer;
#[cfg(not(cortex_m_float))]
pub(crate) mod portable;
