//! From a byte stream to messages (RFC 3261 §18.3, keep-alive of RFC 5626 §4.4.1).

use crate::{
    limits::{HEAD_BYTES_MAX, MESSAGE_BYTES_MAX},
    message::head_end,
    scan::trim,
};
use bytes::{Buf, Bytes, BytesMut};

/// One thing found on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole message, head and body.
    Message(Bytes),
    /// A double CRLF between messages: answer a single CRLF.
    Ping,
}

/// Why a stream cannot be read any further: the connection must be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FramingFault {
    /// A head longer than [`HEAD_BYTES_MAX`]; or head and body longer than [`MESSAGE_BYTES_MAX`]. The head, when it is whole, for a 513.
    TooLong(Option<Bytes>),
    /// No, two different or unreadable `Content-Length`s: where the next message begins is unknown. The head, for a 400.
    Length(Bytes),
}

/// Splits a stream. Each byte is looked at once.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: BytesMut,
    /// Bytes at the start of `buffer` in which no head end begins.
    searched: usize,
    /// Whole length of the message at the start, once its head was read.
    length: Option<usize>,
    /// CRs and LFs skipped since the last message, for pings.
    blanks: usize,
    broken: bool,
}

impl Splitter {
    /// A splitter at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Takes bytes as they come. After a fault they are ignored.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.broken {
            self.buffer.extend_from_slice(bytes);
        }
    }
    /// Whether a message has begun and is not whole.
    #[must_use]
    pub fn is_within_message(&self) -> bool {
        !self.buffer.is_empty()
    }
    /// The next whole thing; `Ok(None)` when more bytes are needed.
    ///
    /// # Errors
    /// [`FramingFault`], once; afterwards `Ok(None)` for ever.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FramingFault> {
        let found = self.step();
        if found.is_err() {
            self.broken = true;
            self.buffer.clear();
        }
        found
    }

    fn step(&mut self) -> Result<Option<Frame>, FramingFault> {
        let length = match self.length {
            Some(length) => length,
            None => {
                if self.skip_blanks() {
                    return Ok(Some(Frame::Ping));
                }
                match self.measure()? {
                    Some(length) => length,
                    None => return Ok(None),
                }
            }
        };
        if self.buffer.len() < length {
            self.length = Some(length);
            return Ok(None);
        }
        self.length = None;
        self.searched = 0;
        self.blanks = 0;
        Ok(Some(Frame::Message(self.buffer.split_to(length).freeze())))
    }

    /// Skips line ends between messages; true at each second CRLF in a row.
    fn skip_blanks(&mut self) -> bool {
        if self.searched > 0 {
            return false;
        }
        while let Some(b'\r' | b'\n') = self.buffer.first() {
            self.buffer.advance(1);
            self.blanks += 1;
            if self.blanks == 4 {
                self.blanks = 0;
                return true;
            }
        }
        if !self.buffer.is_empty() {
            self.blanks = 0;
        }
        false
    }

    /// Length of the message at the start, once its head is whole.
    fn measure(&mut self) -> Result<Option<usize>, FramingFault> {
        // An end may begin up to two bytes before what was searched.
        let from = self.searched.saturating_sub(2);
        let Some((_, body_at)) = head_end(self.buffer.get(from..).unwrap_or(&[])).map(|(h, b)| (h + from, b + from)) else {
            self.searched = self.buffer.len();
            return if self.buffer.len() > HEAD_BYTES_MAX { Err(FramingFault::TooLong(None)) } else { Ok(None) };
        };
        let head = self.buffer.get(..body_at).unwrap_or(&[]);
        if body_at > HEAD_BYTES_MAX {
            return Err(FramingFault::TooLong(None));
        }
        let Some(body) = announced(head) else { return Err(FramingFault::Length(Bytes::copy_from_slice(head))) };
        match body_at.checked_add(body).filter(|whole| *whole <= MESSAGE_BYTES_MAX) {
            Some(whole) => Ok(Some(whole)),
            None => Err(FramingFault::TooLong(Some(Bytes::copy_from_slice(head)))),
        }
    }
}

/// What `Content-Length` (or `l`) says; `None` when absent, unreadable or contradicting itself.
fn announced(head: &[u8]) -> Option<usize> {
    let mut length: Option<usize> = None;
    let mut lines = head.split(|b| *b == b'\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        if matches!(line.first(), Some(b' ' | b'\t')) {
            continue;
        }
        let name = line.get(..colon)?.trim_ascii();
        if !name.eq_ignore_ascii_case(b"Content-Length") && !name.eq_ignore_ascii_case(b"l") {
            continue;
        }
        let mut value = std::str::from_utf8(line.get(colon + 1..)?).ok()?.to_owned();
        while let Some(more) = lines.next_if(|next| matches!(next.first(), Some(b' ' | b'\t'))) {
            value.push_str(std::str::from_utf8(more).ok()?);
        }
        let fresh = crate::headers::number(trim(&value))? as usize;
        if length.is_some_and(|known| known != fresh) {
            return None;
        }
        length = Some(fresh);
    }
    length
}
