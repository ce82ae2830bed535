//! Calls that meet: what a call asks of the front, which knows who waits where, and what it hears back.
//!
//! ```text
//!  conference:  Conference ──▶ Full │ Inside (open or not) ──▶ Opened ──▶ Alone, Tune … ──▶ Over, or Leave ──▶ Left
//!  waiting:     Park, Queue ─▶ Full │ Parked, Position … ──▶ Ring ──▶ Answered │ Unanswered
//!                                                       └──▶ Wanted ──▶ Accept ──▶ Talk │ Resume ──▶ Over
//!  taking:      PickUp, Take ▶ Nobody │ Position 0 (nobody yet) ──▶ Talk ──▶ Over
//! ```
//! One [`Ticket`] stands for one stay: it is answered as often as something changes, until the call says [`Meet::Leave`] or is
//! told that it is over. When two calls are to meet, the front first brings one to the shard of the other: joining calls is
//! always the business of one shard.

use crate::call::Call;
use crate::door::Seat;
use std::time::Duration;
use terms::{CallId, Gain, Name};

/// Calls that hear each other, in one shard. The front numbers rooms and never uses a number again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId(pub u64);

/// How loud somebody in a conference is heard, and hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Nobody hears the caller.
    pub muted: bool,
    /// How loud the others hear the caller.
    pub talk: Gain,
    /// How loud the caller hears the room.
    pub hear: Gain,
}

/// What is to be another way for somebody in a conference; what is `None` or not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tuning {
    /// Nobody hears the caller.
    pub muted: Option<bool>,
    /// How loud the others hear the caller.
    pub talk: Option<Gain>,
    /// How loud the caller hears the room.
    pub hear: Option<Gain>,
    /// How loud the caller hears some of the others.
    pub pairs: Vec<(CallId, Gain)>,
}

/// What a call asks of the front.
#[derive(Clone, Debug, PartialEq)]
pub enum Meet {
    /// Come into a conference.
    Conference {
        /// The room's name.
        room: Name,
        /// Whether the caller is a host.
        host: bool,
        /// People the room may hold.
        people_max: usize,
        /// Wait until a host is there.
        start_with_host: bool,
        /// When the last host leaves, everybody does.
        end_with_host: bool,
    },
    /// How loud the caller is heard and hears in its conference is another than it was (at first: [`Volume::default`]).
    Volume(Volume),
    /// Wait in the first free of these places.
    Park {
        /// The first place.
        first: u32,
        /// The last place.
        last: u32,
    },
    /// Wait in a queue.
    Queue(Box<Waiting>),
    /// Fetch the call of a parking place.
    PickUp {
        /// The place.
        place: u32,
    },
    /// Take the next caller of a queue, or wait for one.
    Take {
        /// The queue.
        queue: Name,
    },
    /// To [`Met::Wanted`]: the caller is still there.
    Accept,
    /// To [`Met::Ring`]: this agent took the call.
    Answered {
        /// One of those rung.
        agent: String,
    },
    /// To [`Met::Ring`]: nobody took the call.
    Unanswered,
    /// The stay is over. Only a conference answers it ([`Met::Left`]).
    Leave,
}

/// A caller for a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The queue.
    pub queue: Name,
    /// Who has more is served first.
    pub priority: u32,
    /// Callers that may wait, this one included.
    pub waiting_max: usize,
    /// Who may be rung for this caller, in the order of the flow.
    pub agents: Vec<String>,
    /// Which of them next.
    pub order: flow::AgentOrder,
    /// Pause of an agent after the talk.
    pub wrap_up: Duration,
}

/// What the front says, each time to the ticket of the stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Met {
    /// There is no place left.
    Full,
    /// There is nobody to be fetched.
    Nobody,
    /// The caller is in the conference.
    Inside {
        /// Where its calls hear each other.
        room: RoomId,
        /// Talk has begun; otherwise a host is waited for.
        open: bool,
    },
    /// A host came: talk begins.
    Opened,
    /// Nobody else is in the conference (any more), or somebody is again.
    Alone(bool),
    /// Somebody outside wants the caller heard, or hearing, another way.
    Tune(Tuning),
    /// The caller has left the conference.
    Left {
        /// Most people inside during its stay.
        people_max: usize,
    },
    /// The caller is in this parking place.
    Parked {
        /// Its number.
        place: u32,
    },
    /// The caller's place in the row, from 1; for who takes callers 0: nobody waits yet.
    Position(u32),
    /// Ring these agents.
    Ring {
        /// As the flow names them.
        agents: Vec<String>,
    },
    /// Somebody is there to take this call: answer [`Meet::Accept`] and wait for [`Met::Talk`], or [`Met::Resume`].
    Wanted,
    /// Whoever wanted the call is gone: wait on.
    Resume,
    /// Talk with another call in this room.
    Talk {
        /// Where both hear each other.
        room: RoomId,
        /// The other, in words.
        with: String,
    },
    /// The other is gone, or the conference is over.
    Over {
        /// Most people inside during the stay.
        people_max: usize,
    },
}

/// A whole call on its way to another shard.
pub struct Parcel {
    /// Where it sat: its sockets are found by this.
    pub seat: Seat,
    pub(crate) call: Box<Call>,
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parcel({})", self.call.id())
    }
}
