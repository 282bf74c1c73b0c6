//! invoice
fn main() {}
