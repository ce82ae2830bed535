//! What is bounded in a picture.

/// Characters in one line of a box (chosen: a box stays narrower than a phone's screen).
pub const ROW_CHARS: usize = 38;
/// Lines of one action below a box's title.
pub const ROWS: usize = 4;
/// Actions of one box; the rest is counted.
pub const LIST_ROWS: usize = 30;
/// Characters in one line of a label.
pub const LABEL_CHARS: usize = 30;
/// Lines of one label; the rest is counted.
pub const LABEL_LINES: usize = 5;
/// Boxes that are laid out (measured: 200 with 400 lines take a second; nobody could read more). A flow may have a thousand states.
pub const NODES_MAX: usize = 200;
