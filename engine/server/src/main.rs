//! The binary `callflow`.
fn main() {}
