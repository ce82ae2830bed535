//! What a file may cost.

/// Bytes in one file: 1 MiB, some hundred times the largest sensible flow; chosen so that a mistaken binary is refused early.
pub const FILE_BYTES: usize = 1 << 20;
/// Levels of nesting: the flow language needs about ten; deeper trees would cost stack in every walk.
pub const DEPTH: usize = 64;
/// Nodes in one file: bounds memory to some tens of megabytes whatever the text.
pub const NODES: usize = 200_000;
/// Faults kept for one file: more help nobody and would flood a terminal.
pub const FAULTS: usize = 200;
/// Edit distance up to which a name is offered as "did you mean": a third of its length, at most this many edits.
pub const NEAREST_EDITS: usize = 4;
