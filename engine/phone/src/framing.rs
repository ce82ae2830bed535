//! Messages out of a byte stream: header end, then Content-Length bytes (RFC 3261 §18.3); keep-alive line ends are skipped.

use crate::limits::MESSAGE_BYTES_MAX;

/// Collects the bytes of one TCP connection and gives back whole messages.
#[derive(Debug, Default)]
pub struct Framer {
    held: Vec<u8>,
}

impl Framer {
    /// Bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next whole message, if one is there.
    ///
    /// # Errors
    /// `Err(())`-like [`None`] is never given for nonsense: see [`Framer::is_broken`].
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        let skip = self.held.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        self.held.drain(..skip);
        let head = self.held.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
        let length = content_length(self.held.get(..head)?)?;
        let whole = head.checked_add(length).filter(|n| *n <= MESSAGE_BYTES_MAX)?;
        if self.held.len() < whole {
            return None;
        }
        Some(self.held.drain(..whole).collect())
    }

    /// Whether more bytes wait than one message may have: the stream is nonsense and should be closed.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.held.len() > 2 * MESSAGE_BYTES_MAX
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(head).ok()?;
    for line in text.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.trim();
        if name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("l") {
            return value.trim().parse().ok();
        }
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn messages_come_out_whole_however_the_stream_is_cut(bodies in prop::collection::vec("[a-z]{0,40}", 1..6), cut in 1_usize..30) {
            let whole: Vec<String> = bodies.iter().map(|b| format!("OPTIONS sip:a SIP/2.0\r\nl: {}\r\n\r\n{b}", b.len())).collect();
            let stream = whole.join("\r\n\r\n").into_bytes();
            let mut framer = Framer::default();
            let mut out = Vec::new();
            for piece in stream.chunks(cut) {
                framer.push(piece);
                while let Some(message) = framer.next_message() {
                    out.push(String::from_utf8(message).unwrap());
                }
            }
            prop_assert_eq!(out, whole);
        }

        #[test]
        fn nonsense_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut framer = Framer::default();
            framer.push(&bytes);
            while framer.next_message().is_some() {}
        }
    }
}
