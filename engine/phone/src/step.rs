//! What a scripted phone can be told to do, one sentence each.

use crate::{account::Manners, sound::Sound};
use std::time::Duration;

/// One instruction of a script. Every wait has its limit; when the limit passes the step, and with it the script, fails.
#[derive(Clone, Debug)]
pub enum Step {
    /// Register and wait for the 200 (at most 10 s).
    Register {
        /// Expiry asked for, in seconds; the phone renews at half of what is granted.
        expires: u32,
    },
    /// Take the registration back and wait for the 200.
    Unregister,
    /// Send OPTIONS to the server and wait for any final answer.
    Options,
    /// Call a `sip:` or `tel:` URI with a description in the INVITE; done when the INVITE is sent.
    Dial(String),
    /// The same without a description: the far end offers in its 200 (delayed offer).
    DialWithoutOffer(String),
    /// Wait until the call, in either direction, is answered. Fails at once when it is refused.
    WaitAnswered {
        /// At most this long.
        within: Duration,
    },
    /// Wait until the call is refused with this status (0: any). Fails when it is answered.
    WaitRefused {
        /// The status expected, 300–699, or 0.
        status: u16,
        /// At most this long.
        within: Duration,
    },
    /// Wait for a 18x answer.
    WaitRinging {
        /// At most this long.
        within: Duration,
    },
    /// Wait for an incoming INVITE.
    WaitIncoming {
        /// At most this long.
        within: Duration,
    },
    /// Behave like this at the next incoming call.
    Behave(Manners),
    /// Give up the unanswered outgoing call (CANCEL) and wait for its end.
    Cancel,
    /// Let time pass.
    Wait(Duration),
    /// Wait until so much sound (level above −45 dBFS, counted in 20 ms frames) has been heard since this step began.
    WaitSpeech {
        /// The amount of sound.
        heard: Duration,
        /// At most this long.
        within: Duration,
    },
    /// Wait until so much sound has been heard since this step began, or, after less of it, the far end has fallen silent for 1 s.
    WaitPrompt {
        /// The amount of sound.
        heard: Duration,
        /// At most this long.
        within: Duration,
    },
    /// Wait until the far end has been silent for a time, counted from this step's beginning at the earliest.
    WaitSilence {
        /// The length of the silence.
        lasting: Duration,
        /// At most this long.
        within: Duration,
    },
    /// Wait for a single-frequency tone of at least 150 ms since this step began.
    WaitTone {
        /// Its frequency in Hz (±3 %), or any.
        hz: Option<f32>,
        /// At most this long.
        within: Duration,
    },
    /// Wait for a beep (as `WaitTone` of any frequency), or, when something was heard, for a silence.
    WaitCue {
        /// The silence that is as good as a beep.
        silence: Duration,
        /// At most this long.
        within: Duration,
    },
    /// Wait until these digits have been received by RFC 4733, in this order, since the call began.
    WaitDigits {
        /// The digits expected.
        digits: String,
        /// At most this long.
        within: Duration,
    },
    /// Send digits by RFC 4733 (100 ms each, 60 ms between) and wait until they are sent. `w` is a pause of 500 ms.
    Press(String),
    /// Send one digit by SIP INFO (`application/dtmf-relay`).
    PressByInfo(char),
    /// The same as older telephones do it (`application/dtmf`).
    PressByPlainInfo(char),
    /// Speak, and wait until it is all said. Cut short without failing when the call ends meanwhile.
    Speak(Sound),
    /// Speak over and over from now on, without waiting.
    SpeakOn(Sound),
    /// Stop speaking.
    Hush,
    /// Put the far end on hold by re-INVITE (`sendonly`) and wait for the 200.
    Hold,
    /// Take it off hold by re-INVITE (`sendrecv`) and wait for the 200.
    Resume,
    /// Wait until the far end asks by REFER to call somebody else (answered with [`crate::Setup::refer_answer`]).
    WaitReferred {
        /// At most this long.
        within: Duration,
    },
    /// Tell the far end, as a REFER wants it, how the call to somebody else fares: 100–699. No such call is made.
    Notify(u16),
    /// Hang up (BYE; CANCEL when not yet answered) and wait for the end.
    HangUp,
    /// Stay in the call until the far end hangs up or the time is over; never fails.
    Stay {
        /// At most this long.
        at_most: Duration,
    },
    /// Wait until the far end hangs up.
    WaitHangUp {
        /// At most this long.
        within: Duration,
    },
}

impl Step {
    /// The step in a few words, for a timeline or a failure.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Register { .. } => "the registration".to_owned(),
            Self::Unregister => "taking the registration back".to_owned(),
            Self::Options => "an answer to OPTIONS".to_owned(),
            Self::Dial(target) | Self::DialWithoutOffer(target) => format!("calling {target}"),
            Self::WaitAnswered { .. } => "an answer".to_owned(),
            Self::WaitRefused { status, .. } => format!("a refusal with {status}"),
            Self::WaitRinging { .. } => "ringing".to_owned(),
            Self::WaitIncoming { .. } => "an incoming call".to_owned(),
            Self::Behave(_) => "new manners".to_owned(),
            Self::Cancel => "the end of the call given up".to_owned(),
            Self::Wait(span) => format!("waiting {} ms", span.as_millis()),
            Self::WaitSpeech { heard, .. } => format!("{} ms of sound", heard.as_millis()),
            Self::WaitPrompt { .. } => "a prompt".to_owned(),
            Self::WaitSilence { lasting, .. } => format!("{} ms of silence", lasting.as_millis()),
            Self::WaitTone { hz: Some(hz), .. } => format!("a tone of {hz} Hz"),
            Self::WaitTone { hz: None, .. } => "a tone".to_owned(),
            Self::WaitCue { .. } => "a beep or a silence".to_owned(),
            Self::WaitDigits { digits, .. } => format!("the digits {digits}"),
            Self::Press(digits) => format!("pressing {digits}"),
            Self::PressByInfo(key) | Self::PressByPlainInfo(key) => format!("pressing {key} by INFO"),
            Self::Speak(sound) => format!("speaking for {} ms", sound.length().as_millis()),
            Self::SpeakOn(_) => "speaking on".to_owned(),
            Self::Hush => "falling silent".to_owned(),
            Self::Hold => "holding".to_owned(),
            Self::Resume => "resuming".to_owned(),
            Self::WaitReferred { .. } => "a REFER".to_owned(),
            Self::Notify(status) => format!("telling {status}"),
            Self::HangUp => "the end after hanging up".to_owned(),
            Self::Stay { .. } => "staying".to_owned(),
            Self::WaitHangUp { .. } => "the far end hanging up".to_owned(),
        }
    }
}
