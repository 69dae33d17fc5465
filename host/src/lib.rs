//! The PC side.
