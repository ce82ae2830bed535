//! Tests that users write: `*.test.yaml` beside their flows, run offline.
//!
//! ```text
//!  text ── read (table.rs) ──▶ TestFile ── run ──▶ Verdict ── report ──▶ text | junit | json
//!                                   random callers ── fuzz ──▶ the smallest caller that fails, as a test to paste
//! ```
//! What a test may say is written once, in the table: the reader, the JSON Schema and the manual are made from it.
//!
//! **How to add a step, a mock or an expectation**: a line in `table.rs`, an arm where steps are made (`case.rs`) and one where
//! they are done (`run.rs`, `mocks.rs`, `claims.rs`).
//!
//! Libraries: `jiff` (dates with zones), `regex-lite` (patterns, linear time), both used by room `flow` already.

mod case;
mod check;
mod claims;
mod coverage;
mod coverage_html;
mod fuzz;
mod house;
mod mocks;
mod paste;
mod report;
mod run;
mod shape;
mod shrink;
mod table;
mod value;
mod wanted;

#[cfg(test)]
mod tests;

pub use case::{Case, TestFile};
pub use coverage::{Coverage, Covered, FlowCoverage, StateCoverage};
pub use fuzz::{Finding, Fuzz, FuzzReport, Fuzzed, SILENCE_MAX};
pub use house::House;
pub use report::{Look, Summary, render};
pub use run::{Failure, Verdict, run, staged};
pub use table::{manual, schema};
