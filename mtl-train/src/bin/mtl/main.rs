//! The mtl program.
fn main() {}
