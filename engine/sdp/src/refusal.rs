//! Why an offer or answer is not taken, and which SIP status says so.

/// Why a description is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a session description, or one beyond the limits: 400.
    #[error("malformed session description: {0}")]
    Malformed(String),
    /// No audio stream with a codec and transport we speak: 488.
    #[error("no acceptable audio: {0}")]
    NotAcceptable(&'static str),
    /// An audio stream with none of the codecs that may be spoken with this peer: 488.
    #[error("no acceptable audio: no common codec: it lists {listed}; with this peer we speak {ours}")]
    NoCommonCodec {
        /// The codecs it lists, by name or number.
        listed: String,
        /// Those that may be spoken with it, best first.
        ours: String,
    },
    /// No protection (SRTP) that both sides take, or one where none is wanted: 488.
    #[error("no acceptable protection: {0}")]
    Protection(String),
    /// An answer that does not fit our offer, or came without one.
    #[error("answer does not fit the offer: {0}")]
    Mismatch(&'static str),
}

impl Refusal {
    /// The SIP status that says so to an offerer: 400 or 488.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::NotAcceptable(_) | Self::NoCommonCodec { .. } | Self::Protection(_) | Self::Mismatch(_) => 488,
        }
    }
}
