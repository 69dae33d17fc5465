//! Core's tests from outside, as one program: each of its own would compile and link core once more.

#[cfg(all(feature = "grow", feature = "learn"))]
mod added;
#[cfg(feature = "learn")]
mod again;
mod codes;
#[cfg(feature = "learn")]
mod deferred;
#[cfg(feature = "learn")]
mod device;
#[cfg(all(feature = "facets", feature = "learn"))]
mod facets;
#[cfg(feature = "learn")]
mod failing;
mod frames;
#[cfg(all(feature = "grow", feature = "learn"))]
mod growing;
mod image;
mod image_ids;
mod interest;
mod kin;
mod learn;
mod messages;
#[cfg(feature = "learn")]
mod mock;
mod model;
mod new_image;
#[cfg(all(feature = "odds", feature = "learn"))]
mod odds;
mod opening;
mod owner;
#[cfg(feature = "learn")]
mod plain;
mod queue;
mod seen;
mod service;
mod sizes;
mod store;
mod validation;

use opening::open;
