//! # notation: files that people write, and what is wrong with them
//!
//! **Owns** YAML text as a spanned tree ([`Node`]), faults with a place ([`Fault`]) and how they are shown, and the typed
//! readers ([`Reader`]) by which flows and the configuration turn a tree into values, and the tables of keys ([`Field`]) from
//! which reader, JSON Schema and manual are made.
//! **Never** knows what a key means, where a file lies or what a flow is; never guesses a type from a scalar's look.
//! **Door**: [`Source`], [`parse`], [`Node`], [`Reader`], [`Fault`], [`render`], [`nearest`], [`substitute`]; [`Field`], [`schema_of`],
//! [`reference`].
//! **Invariants**: every node has the place it was written at; a scalar stays raw text until a reader decides its type
//! (`+4420…` is text, `NO` a country, `0042` a PIN); all faults of a file are collected, not the first; no text panics.
//! **How to add a type**: one method in `reader.rs` with its message; **a format of faults**: one arm in `render.rs`.
//!
//! Libraries: `granit-parser`, the event parser re-exported by `serde-saphyr`, because serde hides raw scalars and exact
//! places; `annotate-snippets` for one look of syntax and meaning, the one people know from rustc.

mod env;
mod fault;
pub mod limits;
mod near;
mod node;
mod parse;
mod reader;
mod render;
mod table;

pub use env::substitute;
pub use fault::{Fault, Severity, Source, Span};
pub use near::nearest;
pub use node::{Entry, Key, Kind, Node, Style};
pub use parse::parse;
pub use reader::{Map, Reader, truth};
pub use render::{Format, render};
pub use table::{Field, NAME, Need, SPAN_PATTERN, Shape, WEB_ADDRESS, field, reference, schema_of, value_of};

#[cfg(test)]
mod tests;
