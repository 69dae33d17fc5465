//! Arguments and dispatch only.
fn main() {}
