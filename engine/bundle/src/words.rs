//! The words of a bundle, as they stand in its file.

use flow::JournalEntry;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::{collections::BTreeMap, net::{IpAddr, SocketAddr}, time::Duration};
use terms::{CallId, Gain, MessageId, Name, UnixMs};

/// One call: what it began with, what it was told and said turn by turn, and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// What it began with.
    pub head: Head,
    /// The flows it ran.
    pub flows: crate::Flows,
    /// Everything that happened, in order.
    pub turns: Vec<Turn>,
    /// How it ended.
    pub end: End,
}

/// What a call began with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// See [`crate::FORMAT`].
    pub format: u32,
    /// Who wrote it: `callflow 0.1.0`.
    pub software: String,
    /// The call.
    pub call: CallId,
    /// When it began, by the wall clock: turns count from here.
    pub began: UnixMs,
    /// Content hash of its flow set.
    pub version: String,
    /// Seeds every random choice inside the call.
    #[serde(with = "hex")]
    pub seed: u64,
    /// The first INVITE, whole, without credentials.
    pub invite: String,
    /// The server transaction it is answered by.
    pub transaction: u64,
    /// Where it came from: `UDP PEER at LOCAL 0`.
    pub source: String,
    /// Our tag in the caller's dialog.
    pub tag: String,
    /// Our Contact on that leg.
    pub contact: String,
    /// What the front decided.
    pub plan: Plan,
}

/// What the front decided about the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The flow to run.
    pub flow: String,
    /// Who calls whom.
    pub parties: Parties,
    /// Settings of the flow that the configuration overrides.
    pub settings: BTreeMap<String, String>,
    /// Names of the configuration's secrets, with the stand-ins of their values.
    pub secrets: BTreeMap<String, String>,
    /// The tenant.
    pub realm: Name,
    /// The connection called.
    pub connection: Option<Name>,
    /// Who calls, as proven: `connection NAME`, `trunk NAME`, `unknown`.
    pub origin: String,
    /// The longest the call may last.
    #[serde(with = "span")]
    pub length_max: Duration,
    /// The longest silence nobody meant.
    #[serde(with = "span")]
    pub silence: Duration,
    /// Codecs, best first.
    pub codecs: Vec<String>,
    /// Their order was written down and decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub codecs_ranked: bool,
    /// The effort of encoding Opus.
    pub opus_complexity: u8,
    /// Whether media with the caller is protected: `off`, `optional`, `required`.
    pub srtp: String,
    /// By which ways the caller's keys come and go.
    pub dtmf: String,
    /// The caller's own mailbox.
    pub own_mailbox: Option<Name>,
    /// Mailboxes that the call had to do with.
    pub mailboxes: Vec<Mailbox>,
}

/// `caller` and `line` of the flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parties {
    /// Who calls.
    pub caller: Caller,
    /// The connection that calls, when it is ours.
    pub caller_connection: Option<String>,
    /// The connection called.
    pub connection: Option<String>,
    /// The number or user dialled.
    pub number: String,
    /// The mailbox of the connection called.
    pub mailbox: Option<String>,
    /// When the call began, for the flow.
    pub started: UnixMs,
}

/// A caller's number and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// The number or user; empty when withheld.
    pub number: String,
    /// The name; may be empty.
    pub name: String,
}

/// A mailbox, as far as a call depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// Its name.
    pub name: Name,
    /// What is heard before the tone.
    pub greeting: Greeting,
    /// Messages it holds.
    pub messages_max: u32,
    /// Longest message.
    #[serde(with = "span")]
    pub length_max: Duration,
    /// Shorter ones are discarded.
    #[serde(with = "span")]
    pub discard_under: Duration,
    /// No message is taken.
    pub announce_only: bool,
    /// It has a PIN.
    pub has_pin: bool,
    /// Its owner is asked for it, too.
    pub pin_for_owner: bool,
    /// Zone in which times are told.
    pub zone: String,
}

/// See [`Mailbox`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Greeting {
    /// The exchange's own.
    Standard,
    /// A file.
    Play(String),
    /// A text.
    Say(String),
}

/// Something happened: what the call was told, what its media told it meanwhile, and what it said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// When, since the call began, by the monotonic clock.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// Milliseconds by which the wall clock was ahead of `at`; rounding makes it 0 or 1, a step of the clock anything.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wall: i64,
    /// What it was told.
    pub input: Input,
    /// What its media told, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// What it said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Said>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// What a call is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// It began.
    Begin,
    /// A leg's sockets are open, or there are none to be had.
    Sockets {
        /// The leg.
        leg: u16,
        /// The address told to the peer.
        address: Option<SocketAddr>,
    },
    /// A request inside a leg's dialog.
    Request {
        /// The leg.
        leg: u16,
        /// The transaction to answer it by.
        transaction: u64,
        /// Where it came from.
        from: String,
        /// The message.
        text: String,
        /// It came while secrets were keyed in: a key in it must not be known.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        secret: bool,
    },
    /// The ACK of a 2xx.
    Ack {
        /// The leg.
        leg: u16,
        /// The message.
        text: String,
    },
    /// The INVITE was cancelled.
    Cancelled {
        /// The leg.
        leg: u16,
    },
    /// A response.
    Response {
        /// The leg.
        leg: u16,
        /// Where it came from.
        from: String,
        /// The message.
        text: String,
    },
    /// A request failed without a response.
    Failed {
        /// The leg.
        leg: u16,
        /// Its method.
        method: String,
        /// Why.
        why: String,
    },
    /// An errand is done.
    Answer {
        /// Its number.
        ticket: u32,
        /// What came of it.
        answer: Answer,
    },
    /// An order from outside.
    HangUp {
        /// Who gave it.
        why: String,
    },
    /// Whoever it talks with, a call of its own, pressed a key.
    Key {
        /// The key.
        key: char,
        /// How it came there.
        way: String,
    },
    /// A deadline passed.
    Time,
    /// Packets came, or the clock of the media or of a room struck.
    Media,
}

/// What came of an errand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// A sound.
    Prompt(Result<Sound, String>),
    /// A web server's reply.
    Http(Result<HttpReply, String>),
    /// A script's step, which is executed again; or why it could not be.
    Script(Result<(), String>),
    /// How full a mailbox is.
    Mailbox(Result<(u32, bool), String>),
    /// The messages of a mailbox.
    Messages(Result<Vec<Entry>, String>),
    /// What a PIN was.
    Pin(Result<Verdict, String>),
    /// Where the caller's telephone may be sent.
    ReferTo(Result<String, String>),
    /// A recording began.
    SpoolBegun(Result<(), String>),
    /// A recording is safe.
    SpoolFinished(Result<Option<String>, String>),
    /// Something was put down.
    Queued(Result<(), String>),
    /// Ways to a target.
    Located(Result<Vec<Branch>, String>),
    /// Word of others whom the call meets.
    Met(Meeting),
}

/// A sound, as far as it matters: what and how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sound {
    /// What a caller hears: `welcome.wav`, `say: Hello`.
    pub label: String,
    /// How long.
    pub ms: u64,
}

/// A web server's reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpReply {
    /// The status.
    pub status: u16,
    /// The body as text.
    pub text: String,
    /// It was read as JSON.
    pub is_json: bool,
    /// The JSON where it is not what the text says (the text was cut).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Json>,
}

/// A message in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its id.
    pub id: MessageId,
    /// Who spoke.
    pub caller: Caller,
    /// When.
    pub began: UnixMs,
    /// How long, in milliseconds.
    pub ms: u64,
    /// Somebody has heard it.
    pub heard: bool,
}

/// What a PIN was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Right.
    Right,
    /// Wrong.
    Wrong,
    /// Not looked at.
    Locked,
}

/// One way to reach a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// What rings.
    pub name: String,
    /// The Request-URI.
    pub uri: String,
    /// The To address.
    pub to: String,
    /// The From address.
    pub from: String,
    /// Where the INVITE is sent: `flow UDP PEER at LOCAL 0`, `target UDP ADDRESS`, `uri URI`.
    pub hop: String,
    /// The dialog follows it.
    pub pinned: bool,
    /// Our Contact.
    pub contact: String,
    /// Preloaded route.
    pub route: Vec<String>,
    /// P-Asserted-Identity is told.
    pub trusted: bool,
    /// Codecs, best first.
    pub codecs: Vec<String>,
    /// Their order was written down and decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub codecs_ranked: bool,
    /// Whether media is protected.
    pub srtp: String,
    /// By which ways its keys come and go.
    pub dtmf: String,
    /// Further facts of the way, by name; a reader that does not know one cannot play the bundle.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, String>,
}

/// What the front says of those whom a call meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Meeting {
    /// No place left.
    Full,
    /// Nobody to be fetched.
    Nobody,
    /// In the conference.
    Inside {
        /// The room's number.
        room: u64,
        /// Talk has begun.
        open: bool,
    },
    /// Talk begins.
    Opened,
    /// Whether nobody else is in the conference.
    Alone(bool),
    /// Somebody outside wants the caller heard, or hearing, another way; what is not named stays.
    Tune {
        /// Nobody hears the caller.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted: Option<bool>,
        /// How loud the others hear the caller, in decibels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        talk: Option<Gain>,
        /// How loud the caller hears the room.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hear: Option<Gain>,
        /// How loud the caller hears some of the others.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pairs: Vec<(CallId, Gain)>,
    },
    /// The conference was left.
    Left {
        /// Most people inside.
        people_max: usize,
    },
    /// In a parking place.
    Parked {
        /// Its number.
        place: u32,
    },
    /// Place in the row.
    Position(u32),
    /// Ring these agents.
    Ring {
        /// Their names.
        agents: Vec<String>,
    },
    /// Somebody would take the call.
    Wanted,
    /// They are gone.
    Resume,
    /// Talk with another.
    Talk {
        /// The room's number.
        room: u64,
        /// The other.
        with: String,
    },
    /// The other is gone.
    Over {
        /// Most people inside.
        people_max: usize,
    },
}

/// What a call's media told, and at which point of the turn: rounds count how often it looked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The round, from 0.
    #[serde(default, skip_serializing_if = "is_first")]
    pub round: u32,
    /// What.
    pub what: Heard,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_first(round: &u32) -> bool {
    *round == 0
}

/// See [`Seen`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Heard {
    /// A player ended.
    Played {
        /// Which.
        player: u32,
        /// On which leg.
        leg: u16,
        /// How.
        end: PlayerEnd,
    },
    /// A key was pressed.
    Key {
        /// On which leg.
        leg: u16,
        /// Which.
        key: char,
        /// By which way.
        way: String,
        /// It must not be known: another key stands for it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        secret: bool,
    },
    /// A key came that does not count.
    KeyDropped {
        /// On which leg.
        leg: u16,
        /// By which way.
        way: String,
        /// The way by which it is known already; `None`: its own is not believed.
        same_as: Option<String>,
    },
    /// All keys were sent.
    KeysSent {
        /// To which leg.
        leg: u16,
    },
    /// Chunks of a recording's sound came.
    Sound {
        /// Which recorder.
        recorder: u32,
        /// How many.
        chunks: u32,
    },
    /// Somebody began to speak.
    Speech {
        /// Into which recorder.
        recorder: u32,
    },
    /// A recording ended.
    Recorded {
        /// Which.
        recorder: u32,
        /// Why.
        end: RecordEnd,
        /// What is known of it.
        recorded: Recorded,
    },
    /// A leg has fallen silent.
    Silent {
        /// Which.
        leg: u16,
    },
    /// A leg is heard again.
    Heard {
        /// Which.
        leg: u16,
    },
    /// Why one side of a leg hears nothing; `None`: it hears again.
    OneWay {
        /// Which.
        leg: u16,
        /// Why.
        why: Option<OneWay>,
    },
    /// A leg sounds otherwise than before.
    Rated {
        /// Which.
        leg: u16,
        /// Its mean opinion score.
        mos: f32,
    },
    /// A leg's sound comes from elsewhere.
    Latched {
        /// Which.
        leg: u16,
        /// From where.
        to: SocketAddr,
    },
    /// What the caller hears from now on: `nothing`, `others`, `unreachable`, or the number of a player.
    Ear(String),
    /// The same of another leg, at the moment it was asked.
    FarEar {
        /// Which.
        leg: u16,
        /// What it hears.
        ear: String,
    },
}

/// Why one side hears nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OneWay {
    /// Another key than agreed.
    WrongKey,
    /// Packets come from an address that is not believed.
    OtherAddress {
        /// From here.
        from: SocketAddr,
        /// While this was signalled.
        signalled: Option<SocketAddr>,
    },
    /// A payload type that was not agreed.
    WrongPayloadType(u8),
    /// Nobody listens where packets are sent.
    PortClosed {
        /// The port.
        target: SocketAddr,
        /// Who says so.
        by: IpAddr,
    },
    /// Packets do not get to the host that they are sent to.
    Unreachable {
        /// The port there.
        target: SocketAddr,
        /// What they do not reach.
        what: Unreachable,
        /// Who says so.
        by: IpAddr,
    },
    /// Nothing has come.
    NothingCame {
        /// Packets sent meanwhile.
        sent: u64,
        /// To here.
        target: Option<SocketAddr>,
    },
    /// It was heard before.
    Stopped {
        /// Seconds ago.
        seconds: u64,
    },
    /// Comfort noise, and never a word.
    OnlyComfortNoise,
    /// Nothing of ours reaches it.
    FarHearsNothing {
        /// Packets sent.
        sent: u64,
        /// To here.
        target: Option<SocketAddr>,
    },
}

/// What packets do not reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreachable {
    /// The port.
    Port,
    /// The host.
    Host,
    /// Its network.
    Network,
    /// A firewall forbids it.
    Prohibited,
}

/// How a player ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlayerEnd {
    /// All was played.
    Finished,
    /// It was stopped.
    Stopped,
    /// Another took its place.
    Replaced,
}

/// Why a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordEnd {
    /// Nobody spoke.
    Silence,
    /// It was long enough.
    Length,
    /// It was stopped.
    Stopped,
}

/// What is known of a recording; milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Its length.
    pub ms: u64,
    /// Time somebody spoke.
    pub speech_ms: u64,
    /// Where speech began.
    pub speech_from_ms: Option<u64>,
    /// Where it ended.
    pub speech_until_ms: u64,
    /// Frames lost.
    pub lost_frames: u32,
}

/// What a call said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// To signalling: what, and the message if there is one.
    Front(String),
    /// To those who do its errands, or to its sockets.
    Errand(String),
}

impl Said {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Front(text) | Self::Errand(text) => text,
        }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Its record, with the timeline.
    pub record: Json,
    /// What its flow did.
    pub journal: Vec<JournalEntry>,
    /// Turns after the last one here were not kept: the call was longer than the bound.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Something went wrong in it: why it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Seconds with nine decimals: exact to the nanosecond for three weeks.
mod seconds {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::time::Duration;

    /// The longest time read, in seconds: what a double that was printed and read has exactly to the nanosecond.
    const MAX: f64 = 2_000_000.0;

    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a hundred days have 53 bits")]
    pub(super) fn serialize<S: Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        let ns = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        serializer.serialize_f64(ns as f64 / 1e9)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if !(0.0..=MAX).contains(&seconds) {
            return Err(D::Error::custom(format!("{seconds} is no time of a call")));
        }
        Ok(Duration::from_nanos((seconds * 1e9).round() as u64))
    }
}

/// `5s`, `90d`.
mod span {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&terms::spell_span(*span))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        terms::parse_span(&text).map_err(|why| D::Error::custom(why.to_string()))
    }
}

/// 64 bits as hexadecimal digits: no reader of JSON rounds them.
mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(super) fn serialize<S: Serializer>(word: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{word:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(|_| D::Error::custom(format!("{text:?} is no word of 16 hexadecimal digits")))
    }
}
