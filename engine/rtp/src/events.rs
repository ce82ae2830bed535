//! Telephone keys as RTP events (RFC 4733), both ways.

mod receiver;
mod sender;

pub use receiver::{Key, Receiver};
pub use sender::{Sender, Step};

#[cfg(test)]
mod tests;
