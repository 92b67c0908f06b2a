//! Sets up a machine, runs, tests and measures the product
fn main() {}
