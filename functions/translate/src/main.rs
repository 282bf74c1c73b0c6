//! translate
fn main() {}
