//! # server: the binary `callflow`
//!
//! **Owns** the command line, the configuration file, threads, sockets, the real clock and the wiring of the rooms.
//! **Never** knows a rule of a protocol, of a call or of a flow.
//! **Door**: the verbs of [`cli`].
//! **Invariants**: a configuration or a set of flows is taken whole or refused whole, with every fault in its place; the exit code
//! says what happened (0 done, 1 faults or failure, 2 wrong usage).
//! **How to add a verb**: a variant in `cli.rs` and a file in `cli/`; **a key of the configuration**: a line in `config/keys.rs` (reader,
//! JSON Schema and manual take it from there), a field in `config.rs` and its reading in the file of `config/` that reads its section.
//!
//! Libraries: `clap` (the command line and its help), `indicatif` (progress of downloads), `ratatui` with `crossterm` (0.30.2
//! and 0.29.0, both MIT: the screens of `phone` and `dev`), `jiff` (dates with zones).

mod cli;
mod config;
mod serve;

fn main() -> std::process::ExitCode {
    cli::main()
}
