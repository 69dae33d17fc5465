//! What was found out about a model as text and pictures: its learning curve, its worth, and a whole page.

pub mod charts;
pub mod curve;
pub mod page;
pub mod verdict;
