//! What a bundle may be at most.

/// Bytes of a file that is read (chosen: thirty times the largest that is written by default).
pub const FILE_BYTES_MAX: usize = 32 * 1_024 * 1_024;
/// Bytes of one line: the flows of a large house are one.
pub const LINE_BYTES_MAX: usize = 16 * 1_024 * 1_024;
/// Turns of one call (a turn is something that happened: an hour of conference has a few thousand).
pub const TURNS_MAX: usize = 200_000;
/// What one turn may hold: things seen, things said.
pub const TURN_ITEMS_MAX: usize = 10_000;
/// Chunks of a recording's sound in one turn (200 ms each: a day).
pub const CHUNKS_MAX: u32 = 432_000;
/// Texts of a flow set up to here are in the bundle itself; beyond, it names their version (chosen: a usual house is a third of it).
pub const FLOWS_INLINE_BYTES: usize = 64 * 1_024;
/// Digits keyed in secret that are looked for in flows and messages: shorter ones would hit by chance.
pub const SECRET_DIGITS_MIN: usize = 4;
/// Characters of a secret that is replaced inside longer texts: shorter ones only where they are the whole text (as in journals).
pub const SECRET_CHARS_MIN: usize = 4;
