//! The history: a fingerprint of everything, the last lines for a reader, and the transcript of what people heard and did.

use crate::limits::{TRACE_LINES_MAX, TRANSCRIPT_LINES_MAX};
use std::{collections::VecDeque, time::Duration};

/// See the head of this file.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    print: u64,
    tail: VecDeque<String>,
    transcript: Vec<String>,
}

impl Trace {
    /// Mixes bytes into the fingerprint (FNV-1a over 8 bytes at a time).
    pub(crate) fn mix(&mut self, at: Duration, bytes: &[u8]) {
        let mut print = self.print ^ u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
            print = (print ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
        }
        self.print = print.wrapping_mul(0x0100_0000_01b3);
    }

    /// Something worth a line.
    pub(crate) fn line(&mut self, at: Duration, text: &str) {
        self.mix(at, text.as_bytes());
        if self.tail.len() == TRACE_LINES_MAX {
            self.tail.pop_front();
        }
        self.tail.push_back(format!("{:9.4} {text}", at.as_secs_f64()));
    }

    /// Something a person did or heard.
    pub(crate) fn say(&mut self, at: Duration, text: &str) {
        self.line(at, text);
        if self.transcript.len() < TRANSCRIPT_LINES_MAX {
            self.transcript.push(format!("{:7.2} {text}", at.as_secs_f64()));
        }
    }

    pub(crate) const fn fingerprint(&self) -> u64 {
        self.print
    }

    pub(crate) fn tail(&self) -> impl Iterator<Item = &str> {
        self.tail.iter().map(String::as_str)
    }

    pub(crate) fn transcript(&self) -> &[String] {
        &self.transcript
    }
}
