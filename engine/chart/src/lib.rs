//! # chart: a flow as a picture
//!
//! **Owns** what is drawn of a flow ([`Chart`]: boxes and the lines between them) and the two ways to write it down: Mermaid for
//! pages that draw it themselves, SVG for everything else.
//! **Never** knows how a flow is run, files, fonts of the machine or a browser: the same flow gives the same bytes everywhere.
//! **Door**: [`Chart::of`] from a flow's outline, [`Chart::mermaid`], [`Chart::svg`].
//! **Invariants**: every state and every outcome of the flow is in the picture exactly once; text is cut to a bound and escaped,
//! so no name breaks the notation; lines never hide a label.
//! **How to add a notation**: one file beside `mermaid.rs` and `svg.rs`.
//!
//! Library: `dagre` (0.1.2, Apache-2.0), a port of the JavaScript layout that Mermaid uses; its authors compare it with the original on
//! twenty graphs. It gives labels of edges a place of their own, and outcomes are such labels.

mod chart;
mod layout;
pub mod limits;
mod mermaid;
mod outline;
mod svg;
mod text;

pub use chart::{Chart, Edge, Mark, Node, Shape};
pub use outline::Reached;

#[cfg(test)]
mod tests;
