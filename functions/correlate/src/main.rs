//! correlate
fn main() {}
