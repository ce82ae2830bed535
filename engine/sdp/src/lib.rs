//! # sdp: what two ends agree on
//!
//! **Owns** session descriptions (RFC 8866) and offer/answer (RFC 3264), keys of SRTP among them (RFC 4568): [`Negotiation`] in, [`Agreement`] out.
//! **Never** knows SIP, sockets, codecs' sound or calls. Resolves no names: a host name in `c=` is refused.
//! **Door**: [`Negotiation`] with [`Local`] and [`Capabilities`]; [`Agreement`]; [`Refusal`]; [`masked`].
//! **Invariants**: no input panics or costs more than the limits in `limits.rs`; our `o=` version rises by one exactly when
//! our text changes; the number and order of m-lines never shrinks or changes within a session; no key of SRTP is in any refusal or `Debug` text.
//! **How to add a codec**: add its row to `terms::Codec`; nothing here changes while our `a=fmtp` of it is always the same.
//!
//! Library: `sdp-types` reads and writes the text (kept, lenient where phones are careless); offer/answer is ours, no kept
//! crate has it. `arrayvec` for short lists, `base64` for keys.

mod agreement;
mod crypto;
mod limits;
mod local;
mod negotiation;
mod reading;
mod refusal;
mod writing;

pub use agreement::{Agreement, EventFormat, Format};
pub use crypto::masked;
pub use limits::{DESCRIPTION_BYTES_MAX, FORMATS_MAX, MEDIA_MAX};
pub use local::{Capabilities, Local};
pub use negotiation::Negotiation;
pub use refusal::Refusal;
