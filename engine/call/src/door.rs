//! The values that pass between a shard's calls, the front and the clerk. Nothing else passes.
//!
//! ```text
//!              ToShard                      Output::Errand
//!   front ───────────────▶  Shard / Call ──────────────────▶ clerk (prompts, HTTP, scripts, spool)
//!         ◀───────────────               ◀──────────────────
//!              ToFront                      ToShard::Answer
//! ```

use crate::{
    meet::{Meet, Met},
    quality::LegMedia,
};
use audio::Prompt;
use sip::{Flow, NextHop, Request, Response, ServerKey, Uri};
use std::{borrow::Cow, collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use terms::{CallId, Codec, Codecs, CryptoSuite, Dtmf, LegId, MessageId, Name, Secret, Srtp, UnixMs};

/// A call admitted by the front: the INVITE that began it and what was decided about it.
#[derive(Debug)]
pub struct NewCall {
    /// Its id, also in logs, records and webhooks.
    pub id: CallId,
    /// The first INVITE, whole.
    pub invite: Request,
    /// The server transaction to answer it by (100 Trying has gone out already).
    pub transaction: ServerKey,
    /// Where the INVITE came from.
    pub source: Flow,
    /// The To-tag of this call's first leg, unguessable, chosen by the front so that its dialog table knows it.
    pub local_tag: String,
    /// Our Contact on this leg.
    pub contact: Uri,
    /// Which flow runs, for whom, with what rights and limits.
    pub plan: Plan,
    /// Seeds every random choice inside the call (tags, SSRCs, order of ringing).
    pub seed: u64,
}

/// What the front decided about a call.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The flow set the call stays pinned to.
    pub flows: flow::FlowSet,
    /// The flow to run.
    pub flow: String,
    /// What the flow may know of the call: caller, line, settings overrides, secrets.
    pub facts: flow::CallFacts,
    /// The tenant.
    pub realm: Name,
    /// The connection called, if the number or user led to one.
    pub connection: Option<Name>,
    /// Who calls, as proven, which decides what the call may dial.
    pub origin: Origin,
    /// The longest this call may last.
    pub length_max: Duration,
    /// The longest the caller may hear nothing that nobody meant so; zero: for ever.
    pub silence: Duration,
    /// Codecs spoken with the caller, best first.
    pub codecs: Codecs,
    /// By which ways the caller's keys come and go.
    pub dtmf: Dtmf,
    /// The effort of encoding live sound as Opus: 0 (cheap) – 10 (best).
    pub opus_complexity: u8,
    /// Whether media with the caller is protected, as its signalling allows.
    pub srtp: Srtp,
    /// What keys of protected media are made from: unguessable, the exchange's, never shown.
    pub media_secret: Secret<[u8; 32]>,
    /// The mailbox of the connection that calls, proven by its password.
    pub own_mailbox: Option<Name>,
    /// Every mailbox of the realm, shared.
    pub mailboxes: Arc<BTreeMap<Name, voicemail::Mailbox>>,
}

/// Who began the call, as proven (never as claimed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A connection that answered a digest challenge.
    Connection(Name),
    /// A trunk or external registrar, by source address.
    Trunk(Name),
    /// Nobody we know. May reach public connections and numbers only, and nothing outbound.
    Unknown,
}

/// From the front or the clerk to the shard that owns the call.
#[derive(Debug)]
pub enum ToShard {
    /// A new call for this shard.
    New(Box<NewCall>),
    /// Something happened on a leg's signalling.
    Leg {
        /// The call.
        call: CallId,
        /// Its leg.
        leg: LegId,
        /// What happened.
        event: LegEvent,
    },
    /// An errand is done.
    Answer {
        /// The call that asked.
        call: CallId,
        /// The errand's ticket.
        ticket: Ticket,
        /// What came of it.
        answer: Answer,
    },
    /// An order from outside (API, console, shutdown).
    Command {
        /// The call.
        call: CallId,
        /// The order.
        command: Command,
    },
    /// Hand this call to another shard ([`Output::HandOver`]).
    HandOver {
        /// The call.
        call: CallId,
        /// To which shard, from 0.
        to: usize,
    },
    /// This call is on its way here: keep what comes for it until [`crate::Shard::adopt`].
    Expect {
        /// The call.
        call: CallId,
    },
    /// A call that was here once is over: nothing more is passed on to it.
    Forget {
        /// The call.
        call: CallId,
    },
}

impl ToShard {
    /// The call it is about.
    #[must_use]
    pub fn call(&self) -> CallId {
        match self {
            Self::New(new) => new.id,
            Self::Leg { call, .. }
            | Self::Answer { call, .. }
            | Self::Command { call, .. }
            | Self::HandOver { call, .. }
            | Self::Expect { call }
            | Self::Forget { call } => *call,
        }
    }
}

/// What the front hears for a leg.
#[derive(Debug)]
pub enum LegEvent {
    /// A request inside the leg's dialog (never ACK or CANCEL).
    Request {
        /// The transaction to answer it by.
        transaction: ServerKey,
        /// The request.
        request: Request,
        /// Where it came from.
        source: Flow,
    },
    /// The ACK of a 2xx.
    Ack(Request),
    /// The INVITE was cancelled; the CANCEL has been answered, the INVITE still wants its 487.
    Cancelled,
    /// A response to a request this leg sent.
    Response {
        /// The response; its CSeq tells to which request.
        response: Response,
        /// Where it came from.
        source: Flow,
    },
    /// A request this leg sent failed without a response.
    Failed {
        /// The request's method.
        method: sip::Method,
        /// Why.
        why: sip::FailedWhy,
    },
}

/// An order from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// End every leg; the reason goes into the record.
    HangUp {
        /// Such as `api` or `shutdown`.
        why: Cow<'static, str>,
    },
}

/// Matches an answer to its errand within one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u32);

/// From a call to the front.
#[derive(Debug)]
pub enum ToFront {
    /// Answer a server transaction.
    Respond {
        /// Which.
        transaction: ServerKey,
        /// With what.
        response: Response,
    },
    /// Send the 2xx to an INVITE again (RFC 3261 §13.3.1.4: the dialog, not the transaction, repeats it).
    Repeat {
        /// Which.
        transaction: ServerKey,
        /// With what.
        response: Response,
    },
    /// Send a request in a new client transaction. When it is the leg's first INVITE, the front learns the
    /// leg's dialog from its Call-ID and From-tag.
    Send {
        /// The call.
        call: CallId,
        /// The leg that gets the responses.
        leg: LegId,
        /// The request, without Via.
        request: Request,
        /// Where to.
        hop: NextHop,
    },
    /// Send the ACK of a 2xx: no transaction.
    Ack {
        /// The ACK.
        request: Request,
        /// Where to.
        hop: NextHop,
    },
    /// Cancel the leg's INVITE that still rings.
    Cancel {
        /// The call.
        call: CallId,
        /// The leg.
        leg: LegId,
        /// The Reason header's value (RFC 3326), if any.
        reason: Option<String>,
    },
    /// Where does this target lead? Answered by [`Answer::Located`].
    Locate {
        /// The call.
        call: CallId,
        /// To answer by.
        ticket: Ticket,
        /// `connection/alice`, `number/+44…`, `sip:…`, `trunk/NAME/number`.
        target: String,
        /// Who asks.
        origin: Origin,
        /// The tenant.
        realm: Name,
    },
    /// The call wants to meet others. Answered by [`Answer::Met`], as often as something changes.
    Meet {
        /// The call.
        call: CallId,
        /// The stay it is about.
        ticket: Ticket,
        /// The tenant.
        realm: Name,
        /// What it wants.
        meet: Meet,
    },
    /// To which address may the caller's own telephone be sent? Answered by [`Answer::ReferTo`].
    ReferTo {
        /// The call.
        call: CallId,
        /// To answer by.
        ticket: Ticket,
        /// As in [`ToFront::Locate`].
        target: String,
        /// The address by which the caller reached us: it can dial others at the same host.
        dialled: Uri,
        /// Who is sent.
        origin: Origin,
        /// The tenant.
        realm: Name,
    },
    /// The caller was answered.
    Answered {
        /// The call.
        call: CallId,
    },
    /// A leg's media is agreed, or something changed that people look for.
    Media {
        /// The call.
        call: CallId,
        /// The leg.
        leg: LegId,
        /// How it stands.
        look: LegLook,
    },
    /// A leg's dialog is over: forget it.
    LegEnded {
        /// The call.
        call: CallId,
        /// The leg.
        leg: LegId,
    },
    /// The call is over, with its record.
    Ended(Box<CallRecord>),
}

/// How a leg's media stands, for people who look at calls.
#[derive(Clone, Debug, PartialEq)]
pub struct LegLook {
    /// Where its packets go.
    pub peer: Option<SocketAddr>,
    /// The codec sent.
    pub codec: Codec,
    /// How it is protected; `None`: plain RTP.
    pub protection: Option<CryptoSuite>,
    /// How it sounded when this was told (mean opinion score), if anything was heard.
    pub mos: Option<f32>,
    /// Why one side hears nothing, in words.
    pub one_way: Option<String>,
}

/// One way to reach a target: one device, one trunk.
#[derive(Clone, Debug)]
pub struct Branch {
    /// What rings, in the user's words, such as `connection/alice`.
    pub name: String,
    /// The Request-URI.
    pub uri: Uri,
    /// The To address, usually the address of record.
    pub to: Uri,
    /// The From address our leg presents; the flow's `caller_id` replaces its user part.
    pub from: Uri,
    /// Where the INVITE is sent.
    pub hop: NextHop,
    /// Requests inside the dialog follow the same way as the INVITE (a device behind NAT or on a TCP connection).
    pub pinned: bool,
    /// Our Contact on this leg.
    pub contact: Uri,
    /// Route set to preload (Path of the binding, outbound proxy).
    pub route: Vec<String>,
    /// An address to trust with P-Asserted-Identity.
    pub trusted: bool,
    /// Codecs spoken with it, best first.
    pub codecs: Codecs,
    /// Whether media with it is protected, as the way to it allows.
    pub srtp: Srtp,
    /// By which ways its keys come and go.
    pub dtmf: Dtmf,
}

/// What a call asks of the clerk.
#[derive(Debug)]
pub enum Errand {
    /// Find, fetch or render something to play.
    Prompt(flow::PromptItem),
    /// Speak this in its very words, or not at all: nothing may stand in for it. Answered by [`Answer::Prompt`].
    Announcement(flow::Say),
    /// An HTTP request of a flow.
    Http(flow::Http),
    /// One step of a Rhai flow.
    Script(flow::ScriptJob),
    /// How full is the mailbox?
    Mailbox {
        /// The tenant.
        realm: Name,
        /// Its name.
        mailbox: Name,
    },
    /// The messages of a mailbox, for its owner.
    Messages {
        /// The tenant.
        realm: Name,
        /// Its name.
        mailbox: Name,
    },
    /// Is this the PIN of the mailbox? Wrong ones count over all calls.
    CheckPin {
        /// The tenant.
        realm: Name,
        /// Its name.
        mailbox: Name,
        /// What it should be.
        pin: voicemail::Pin,
        /// What was keyed in.
        keyed: Secret<String>,
    },
    /// The sound of a message; answered by [`Answer::Prompt`].
    MessageSound {
        /// Which.
        id: MessageId,
    },
    /// Somebody has heard a message.
    MarkHeard {
        /// Which.
        id: MessageId,
    },
    /// Delete a message and tell its endpoints.
    DeleteMessage {
        /// Which.
        id: MessageId,
    },
    /// Begin a recording on disk.
    SpoolBegin {
        /// The tenant.
        realm: Name,
        /// Its id.
        id: MessageId,
        /// Samples a second of each channel.
        rate: u32,
        /// 1, or 2: the caller left, what the caller hears right.
        channels: u16,
        /// What is known of the message before its first word, so that a crash leaves a whole one; `None` for a plain recording.
        envelope: Option<Box<voicemail::Envelope>>,
        /// Webhook told `recording.saved` of a plain recording.
        notify: Option<String>,
        /// How long a plain recording stays; `None`: the store's own time.
        keep: Option<Duration>,
    },
    /// Audio of a recording; not answered.
    SpoolAppend {
        /// Which recording.
        id: MessageId,
        /// Samples at the rate it began with, those of its channels in turn.
        samples: Box<[i16]>,
    },
    /// End a recording.
    SpoolFinish {
        /// Which recording.
        id: MessageId,
        /// What becomes of it.
        disposition: Disposition,
    },
    /// Queue a webhook.
    Notify {
        /// The tenant.
        realm: Name,
        /// What to tell whom.
        notify: flow::Notify,
    },
    /// Tell the mailbox's endpoints that a caller found it full (`voicemail.full`).
    MailboxFull {
        /// What it is about.
        envelope: Box<voicemail::Envelope>,
        /// Messages it holds at most.
        messages_max: u32,
    },
}

/// What becomes of a finished recording.
#[derive(Debug)]
pub enum Disposition {
    /// Thrown away (too short, refused).
    Discard,
    /// Kept as a file.
    Keep {
        /// Where it begins.
        from: Duration,
        /// Where it ends; `None`: at the end.
        until: Option<Duration>,
        /// Whether it is brought to the loudness of prompts, each channel by itself.
        loudness: bool,
        /// What it is kept as.
        format: flow::FileFormat,
    },
    /// Becomes a message; the answer comes only after it is safe on disk and committed.
    Message(Box<voicemail::MessageDraft>),
}

/// What came of an errand. `Err` carries a reason in words for the timeline.
#[derive(Debug)]
pub enum Answer {
    /// To [`Errand::Prompt`], [`Errand::Announcement`] and [`Errand::MessageSound`].
    Prompt(Result<Arc<Prompt>, String>),
    /// To [`Errand::Http`]: status, body text, and the body as JSON where it is.
    Http(Result<HttpReply, String>),
    /// To [`Errand::Script`].
    Script(Box<flow::ScriptReply>),
    /// To [`Errand::Mailbox`].
    Mailbox(Result<voicemail::Room, String>),
    /// To [`Errand::Messages`].
    Messages(Result<Vec<voicemail::Entry>, String>),
    /// To [`Errand::CheckPin`].
    Pin(Result<voicemail::PinVerdict, String>),
    /// To [`ToFront::ReferTo`]: the address to send the telephone to, or why not.
    ReferTo(Result<Uri, String>),
    /// To [`Errand::SpoolBegin`].
    SpoolBegun(Result<(), String>),
    /// To [`Errand::SpoolFinish`]: the file's name when kept.
    SpoolFinished(Result<Option<String>, String>),
    /// To [`Errand::Notify`], [`Errand::MailboxFull`], [`Errand::MarkHeard`] and [`Errand::DeleteMessage`].
    Queued(Result<(), String>),
    /// To [`ToFront::Locate`]: ways to reach it (none: nobody is registered), or why it may not be dialled.
    Located(Result<Vec<Branch>, String>),
    /// To [`ToFront::Meet`].
    Met(Met),
}

/// The reply to a flow's HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpReply {
    /// The status code.
    pub status: u16,
    /// The body as text, cut at the limit.
    pub text: String,
    /// The body as JSON, if it is JSON.
    pub json: Option<serde_json::Value>,
}

/// What a shard tells its shell.
#[derive(Debug)]
pub enum Output {
    /// To the front thread.
    Front(ToFront),
    /// To the clerk.
    Errand {
        /// Who asks.
        call: CallId,
        /// To answer by.
        ticket: Ticket,
        /// What is wanted.
        errand: Errand,
    },
    /// Open an RTP/RTCP socket pair for a leg; the shell answers with `Shard::media_opened`.
    OpenMedia {
        /// The call's place in its shard.
        seat: Seat,
        /// The leg.
        leg: LegId,
    },
    /// Close a leg's sockets.
    CloseMedia {
        /// The call's place in its shard.
        seat: Seat,
        /// The leg.
        leg: LegId,
    },
    /// Take the call out (`Shard::release`) and give it with its sockets to another shard (`Shard::adopt`). Also when there
    /// is none any more: the other shard waits for word.
    HandOver {
        /// The call.
        call: CallId,
        /// To which shard, from 0.
        to: usize,
    },
    /// A call is over and is to be kept: this is all of it, secrets included. Make a bundle of it ([`bundle::Draft::finish`]), off this
    /// thread.
    Bundle(Box<bundle::Draft>),
    /// A call that was here is elsewhere: pass this on, after the call itself.
    Forward {
        /// To which shard, from 0.
        to: usize,
        /// What.
        message: ToShard,
    },
}

/// A call's place in its shard: dense, so that the shell's sockets are found by index; used again once the call is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seat(pub u32);

/// The sink for the packets of a shard's calls: the shell's sockets, or the simulator's network. Must not block.
pub trait Sockets {
    /// Send from the leg's RTP socket.
    fn rtp(&mut self, seat: Seat, leg: LegId, to: SocketAddr, packet: &[u8]);
    /// Send from the leg's RTCP socket.
    fn rtcp(&mut self, seat: Seat, leg: LegId, to: SocketAddr, packet: &[u8]);
}

/// One line of a call's timeline: what happened, and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// Milliseconds since the call began.
    pub at_ms: u64,
    /// The sentence.
    pub what: String,
}

/// The call detail record: written once, when the call is over.
#[derive(Clone, Debug, serde::Serialize)]
pub struct CallRecord {
    /// The call.
    pub id: CallId,
    /// The tenant.
    pub realm: Name,
    /// The caller's number or user, as proven or claimed.
    pub from: String,
    /// What was dialled.
    pub to: String,
    /// The connection called.
    pub connection: Option<Name>,
    /// The flow that ran.
    pub flow: String,
    /// Its content hash.
    pub version: String,
    /// When the INVITE came.
    pub began: UnixMs,
    /// When the caller was answered.
    pub answered: Option<UnixMs>,
    /// When the last leg ended.
    pub ended: UnixMs,
    /// How it ended: `caller hung up`, `flow ended`, `cancelled`, …
    pub ended_by: String,
    /// The last SIP status given to the caller.
    pub status: u16,
    /// The states the flow walked, in order.
    pub path: Vec<String>,
    /// What happened, line by line (bounded).
    pub timeline: Vec<Line>,
    /// Audio quality of each leg, in words a person reads.
    pub quality: Vec<String>,
    /// The same in figures.
    pub media: Vec<LegMedia>,
}
