//! Any stream, cut at a place the input chooses: the frames are those of the whole.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sip::{Frame, FramingFault, Splitter};

fn all(pieces: &[&[u8]]) -> Vec<Result<Frame, FramingFault>> {
    let mut splitter = Splitter::new();
    let mut found = Vec::new();
    for piece in pieces {
        splitter.push(piece);
        while let Some(frame) = splitter.next_frame().transpose() {
            found.push(frame);
        }
    }
    found
}

fuzz_target!(|input: (u16, &[u8])| {
    let (at, bytes) = input;
    let (one, two) = bytes.split_at(usize::from(at).min(bytes.len()));
    let (whole, cut) = (all(&[bytes]), all(&[one, two]));
    // A stream too long may be found so earlier when it comes in one piece; all else is the same.
    if !whole.iter().chain(&cut).any(|f| matches!(f, Err(FramingFault::TooLong(_)))) {
        assert_eq!(whole, cut);
    }
});
