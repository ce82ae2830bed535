//! What a flow asks of its call: one typed struct an action, every `${…}` evaluated, every default filled in.
//!
//! Playing before `answer` is early media (183); effects do not say which: the call knows whether it has answered.

use crate::{
    meeting::{Conference, Park, Queue},
    pattern::Pattern,
};
use serde::Serialize;
use serde_json::Value as Json;
use std::time::Duration;
use terms::{Name, Text, Tongue};

/// The next thing the call shall do. When it is done the call gives [`crate::Run::next`] its [`Outcome`].
///
/// Serialised it is not yet fit for a file: secrets stand in it. [`crate::JournalEntry::asked`] is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Answer with 200. Outcome `done`; at once when already answered.
    Answer,
    /// Refuse the call; ends the run (no outcome is awaited).
    Reject(Reject),
    /// Hang up; ends the run (no outcome is awaited). Before an answer: 480 (RFC 3261 §21.4.18).
    Hangup,
    /// `say` and `play`. Outcomes `done interrupted failed`.
    Play(Play),
    /// Outcomes: the key pressed (`"1"`, `"12"`, `"*"`), or `failed` after the last attempt; result `key`, `attempts`.
    Menu(Menu),
    /// Outcomes `ok failed`; result `digits`.
    Collect(Collect),
    /// Wait in silence. Outcome `done`.
    Pause(Duration),
    /// Send DTMF to the caller. Outcome `done`.
    Keys(Keys),
    /// Outcomes `answered busy no_answer declined unreachable not_confirmed`; result `target`, `duration_s`.
    /// The outcome of an answered bridge comes when its far end has hung up and the caller is still there.
    Bridge(Bridge),
    /// Outcomes `saved too_short full announced operator`; result `id`, `duration_s`.
    Voicemail(Voicemail),
    /// Outcomes `done locked_out`; result `mailbox heard deleted`.
    Mailbox(Mailbox),
    /// Outcomes `saved too_short failed`; result `id`, `duration_s`.
    Record(Record),
    /// Outcomes `done failed`; result `id`.
    RecordCall(RecordCall),
    /// Outcomes `accepted` (the caller is gone then) and `refused`; result `status reason`.
    Refer(Refer),
    /// Outcomes `ok failed`; result `status text json`.
    Http(Http),
    /// Put a signed webhook into the outbox. Outcome `queued`.
    Notify(Notify),
    /// Outcomes `left ended full`; result `duration_s`, `participants_max`, `reason` (`key`, `pin`, `host`).
    Conference(Conference),
    /// Outcomes `served timeout left full`; result `slot`, `waited_s`, `duration_s`.
    Park(Park),
    /// Outcomes `served timeout left full`; result `waited_s`, `position`, `agent`, `duration_s`.
    Queue(Queue),
}

impl Effect {
    /// The action's name in the flow language.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Reject(_) => "reject",
            Self::Hangup => "hangup",
            Self::Play(play) => play.action,
            Self::Menu(_) => "menu",
            Self::Collect(_) => "collect",
            Self::Pause(_) => "pause",
            Self::Keys(_) => "keys",
            Self::Bridge(_) => "bridge",
            Self::Voicemail(_) => "voicemail",
            Self::Mailbox(_) => "mailbox",
            Self::Record(_) => "record",
            Self::RecordCall(_) => "record_call",
            Self::Refer(_) => "refer",
            Self::Http(_) => "http",
            Self::Notify(_) => "notify",
            Self::Conference(_) => "conference",
            Self::Park(_) => "park",
            Self::Queue(_) => "queue",
        }
    }
    /// Whether the effect needs the caller on the line: after a hang-up only `http` and `notify` are done.
    #[must_use]
    pub fn needs_caller(&self) -> bool {
        !matches!(self, Self::Http(_) | Self::Notify(_))
    }
}

/// How an effect ended.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct Outcome {
    /// One of the action's outcomes, or the key pressed.
    pub name: String,
    /// The action's result fields: an object, or null when there are none.
    pub result: Json,
}

impl Outcome {
    /// An outcome without result fields.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), result: Json::Null }
    }
    /// An outcome with result fields (`serde_json::json!({"digits": "42"})`).
    pub fn with(name: impl Into<String>, result: Json) -> Self {
        Self { name: name.into(), result }
    }
}

/// One sound of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptItem {
    /// A file of the prompts folder: `welcome.wav`.
    File(String),
    /// Audio behind an `http:` or `https:` URL.
    Url(String),
    /// Text to speech.
    Say(Say),
    /// A tone by name: `beep dial busy congestion`.
    Tone(Tone),
    /// Silence.
    Silence(Duration),
    /// The ringing tone, for this long.
    Ring(Duration),
}

/// Text to be spoken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Say {
    /// The words, 1–4,000 characters.
    pub text: String,
    /// Voice name; `None`: the flow's or the engine's default.
    pub voice: Option<String>,
    /// BCP 47 tag such as `en-GB`; `None`: the engine's default.
    pub language: Option<String>,
    /// The same in English, of what the exchange says of its own: said where no voice has these words in their language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub english: Option<String>,
}

impl Say {
    /// A text in the default voice and language.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), voice: None, language: None, english: None }
    }

    /// What the exchange says of its own.
    #[must_use]
    pub fn own(text: Text) -> Self {
        match text.tongue {
            Tongue::English => Self::new(text.english),
            Tongue::German | Tongue::French | Tongue::Spanish => {
                Self { text: text.own, voice: None, language: Some(text.tongue.tag().to_owned()), english: Some(text.english) }
            }
        }
    }
}

/// Tones that a prompt can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// One short beep (as before a recording).
    Beep,
    /// Dial tone, 2 s.
    Dial,
    /// Busy tone, 4 s.
    Busy,
    /// Congestion (fast busy), 4 s.
    Congestion,
}

/// What may interrupt a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BargeIn {
    /// Nothing; keys pressed meanwhile are kept for the next `menu` or `collect`.
    None,
    /// A key (kept for the next `menu` or `collect`).
    Keys,
    /// Speech.
    Speech,
    /// A key or speech.
    Any,
}

/// Refusing the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// SIP status, 400–699.
    pub status: u16,
    /// Reason phrase; `None`: the one the status has.
    pub reason: Option<String>,
}

/// Playing sounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Play {
    /// `say` or `play`, for the timeline.
    #[serde(skip)]
    pub action: &'static str,
    /// In this order; never empty.
    pub items: Vec<PromptItem>,
    /// What may interrupt.
    pub barge_in: BargeIn,
    /// Times to play it all: 1–1,000; 0 plays until interrupted.
    pub repeat: u32,
}

/// Keys offered to the caller. A key stops the prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Menu {
    /// What is said first and again at each attempt; may be empty.
    pub prompt: Vec<PromptItem>,
    /// The choices, each one or more DTMF characters; no choice is the beginning of another.
    pub keys: Vec<String>,
    /// Silence after the prompt (and between the keys of a long choice) that counts as no input.
    pub wait: Duration,
    /// Attempts in all, 1–20.
    pub attempts: u32,
    /// Said after no input, before the prompt again.
    pub no_input: Vec<PromptItem>,
    /// Said after a wrong key, before the prompt again.
    pub no_match: Vec<PromptItem>,
    /// Whether keys pressed before the menu began count.
    pub type_ahead: bool,
}

/// Reading a number from the caller's keys.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Collect {
    /// What is said first and again at each attempt; may be empty.
    pub prompt: Vec<PromptItem>,
    /// Fewest digits, 0–64.
    pub min: u32,
    /// Most digits, 1–64; the input is complete when reached.
    pub max: u32,
    /// The key that ends the input; `None`: only `max` and silence do.
    pub finish: Option<char>,
    /// Silence before the first digit.
    pub wait: Duration,
    /// Silence after a digit that ends the input.
    pub between: Duration,
    /// What the digits must match as a whole.
    pub pattern: Option<Pattern>,
    /// Attempts in all, 1–20.
    pub attempts: u32,
    /// Said after no input, before the prompt again.
    pub no_input: Vec<PromptItem>,
    /// Said after a wrong input, before the prompt again.
    pub no_match: Vec<PromptItem>,
    /// Whether the digits must not be logged or shown.
    pub secret: bool,
    /// Whether keys pressed before it began count.
    pub type_ahead: bool,
}

/// DTMF to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Keys {
    /// `0-9 * # A-D` and `w` (wait half a second), `W` (one second).
    pub keys: String,
}

/// Whom to ring.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One place.
    One(OneTarget),
    /// Several, rung by their own rule.
    Group(Group),
}

/// A single place to ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OneTarget {
    /// What it is.
    pub to: Destination,
    /// Begin ringing this long after the group began.
    pub after: Duration,
    /// Give up ringing this one after; `None`: the bridge's own limit.
    pub timeout: Option<Duration>,
}

/// Several places to ring.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// In the order written; never empty.
    pub targets: Vec<Target>,
    /// How.
    pub ring: Ring,
    /// Begin this long after the enclosing group began.
    pub after: Duration,
    /// Give up this group after; `None`: the bridge's own limit.
    pub timeout: Option<Duration>,
}

/// What can be rung.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// All devices of a connection: `connection/alice`.
    Connection(Name),
    /// A telephone number by the configuration's routes: `number/+442071838750`.
    Number(String),
    /// A number by a named trunk: `trunk/acme/+442071838750`.
    Trunk(Name, String),
    /// A `sip:` or `sips:` URI, as written.
    Uri(String),
    /// The call in a parking place: `park/701`.
    Park(u32),
    /// The next caller of a queue: `queue/sales`.
    Queue(Name),
}

impl Destination {
    /// Whether it is a call that waits and is taken, not a telephone that rings.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        matches!(self, Self::Park(_) | Self::Queue(_))
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connection(name) => write!(f, "connection/{name}"),
            Self::Number(number) => write!(f, "number/{number}"),
            Self::Trunk(name, number) => write!(f, "trunk/{name}/{number}"),
            Self::Uri(uri) => f.write_str(uri),
            Self::Park(place) => write!(f, "park/{place}"),
            Self::Queue(name) => write!(f, "queue/{name}"),
        }
    }
}

impl Serialize for Destination {
    /// As it is written in a flow.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The order of ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ring {
    /// All at once.
    Together,
    /// One after the other, each until its timeout.
    InOrder,
    /// One after the other in a random order (the call draws it).
    Random,
}

/// Ringing others and joining the caller with the first who answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bridge {
    /// Whom; its `ring` is the bridge's own.
    pub to: Group,
    /// Ringing time in all.
    pub timeout: Duration,
    /// Longest talk; `None`: the server's limit.
    pub length: Option<Duration>,
    /// What the far end must press to take the call.
    pub confirm: Option<Confirm>,
    /// Number shown to the far end; `None`: the caller's.
    pub caller_id: Option<String>,
    /// What the caller hears while it rings, looped; empty: the far end's early media or the ringing tone.
    pub ringback: Vec<PromptItem>,
    /// Extra SIP headers of the outgoing INVITE (checked: no line breaks, not those SIP itself sets).
    pub headers: Vec<(String, String)>,
}

/// The question to the far end before it is joined.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confirm {
    /// What is said.
    pub prompt: Vec<PromptItem>,
    /// The key that accepts.
    pub key: String,
    /// How long it has.
    pub wait: Duration,
}

/// What ends a recording, beside the caller hanging up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// This key; `None`: no key.
    pub key: Option<char>,
    /// This much silence; `None`: never.
    pub silence: Option<Duration>,
    /// This length.
    pub length: Duration,
}

/// Taking a message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Voicemail {
    /// Whose.
    pub mailbox: Name,
    /// What is said before the beep; empty: the mailbox's own or the standard greeting.
    pub greeting: Vec<PromptItem>,
    /// What ends it.
    pub stop: Stop,
    /// Shorter messages are not kept (`too_short`).
    pub discard_under: Duration,
    /// Whether silence is cut off both ends.
    pub trim: bool,
    /// Whether it is brought to the loudness of prompts.
    pub loudness: bool,
    /// Whether it is written down.
    pub transcribe: Option<Transcribe>,
    /// Webhook for this mailbox's messages, beside the configured ones.
    pub notify: Option<NotifyAbout>,
    /// How long it is kept.
    pub keep: Duration,
    /// The key that leaves the greeting for an operator (outcome `operator`).
    pub operator: Option<char>,
}

/// How speech is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transcribe {
    /// BCP 47 tag, or `None` for `auto`.
    pub language: Option<String>,
}

/// A webhook and the events it wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotifyAbout {
    /// Where to.
    pub url: String,
    /// Which.
    pub events: Vec<MessageEvent>,
}

/// What a webhook can be told of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEvent {
    /// The message is safe on disk.
    Saved,
    /// Its transcript is there.
    Transcribed,
    /// It could not be transcribed.
    TranscriptionFailed,
}

/// Recording the caller.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// What is said before the beep; may be empty.
    pub prompt: Vec<PromptItem>,
    /// Whether a beep says when to speak.
    pub beep: bool,
    /// What ends it.
    pub stop: Stop,
    /// Shorter ones are not kept (`too_short`).
    pub discard_under: Duration,
    /// Whether silence at both ends is cut off.
    pub trim: bool,
    /// Whether the kept copy is brought to the loudness of prompts.
    pub loudness: bool,
    /// Whether it is kept when the caller hangs up meanwhile.
    pub keep_on_hangup: bool,
    /// What the file is kept as.
    pub format: FileFormat,
}

/// What a recording is kept as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// WAV, 16-bit PCM.
    #[default]
    Wav,
    /// Ogg Opus: a sixth to a tenth of the size.
    Opus,
}

/// Listening to a mailbox by phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mailbox {
    /// Whose; `None`: that of the connection that calls.
    pub mailbox: Option<Name>,
}

/// An order to the recording of the whole call.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordCall {
    /// Begin.
    Start(CallRecording),
    /// Take nothing more for now.
    Pause,
    /// Go on.
    Resume,
    /// End it.
    Stop,
}

/// Recording the whole call in the background.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallRecording {
    /// The caller left, what the caller hears right; else both mixed.
    pub stereo: bool,
    /// What is said first; may be empty.
    pub prompt: Vec<PromptItem>,
    /// Whether a beep says that it begins.
    pub beep: bool,
    /// Its longest length, pauses left out.
    pub length: Duration,
    /// Whether the kept copy is brought to the loudness of prompts, each channel by itself.
    pub loudness: bool,
    /// What the file is kept as.
    pub format: FileFormat,
    /// Webhook told `recording.saved`.
    pub notify: Option<String>,
    /// How long it is kept.
    pub keep: Duration,
}

/// Sending the caller's telephone elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refer {
    /// Where to.
    pub to: Destination,
    /// How long the telephone may take to get through.
    pub timeout: Duration,
}

/// An HTTP request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Http {
    /// `GET` or `POST`.
    pub method: Method,
    /// `http:` or `https:`.
    pub url: String,
    /// Request headers.
    pub headers: Vec<(String, String)>,
    /// Sent as JSON; a text is sent as it is.
    pub body: Option<Json>,
    /// For the whole exchange; never 0.
    pub timeout: Duration,
    /// What the caller hears meanwhile, looped; empty: silence.
    pub filler: Vec<PromptItem>,
}

/// HTTP methods a flow may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

/// A webhook of the flow's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notify {
    /// Where to.
    pub url: String,
    /// The event's type, such as `call.vip`.
    pub event: String,
    /// The event's data.
    pub body: Json,
}
