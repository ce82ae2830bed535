//! What a flow asks when calls shall meet: conferences, parking places, queues.

use crate::effect::{Destination, PromptItem};
use serde::Serialize;
use std::time::Duration;
use terms::{Gain, Name};

/// Joining a conference room.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conference {
    /// The room; calls that name the same one in the same realm hear each other.
    pub room: Name,
    /// Who may come in: digits to be keyed first, or nothing.
    pub entry: Entry,
    /// What the caller may do inside.
    pub role: Role,
    /// Whether the caller begins muted.
    pub muted: bool,
    /// Nobody hears another before a host is there.
    pub start_with_host: bool,
    /// When the last host leaves, everybody does.
    pub end_with_host: bool,
    /// Whether a beep tells that somebody came or went.
    pub beep: bool,
    /// Whether the caller says a name at the door, and the others hear it, in place of the beep, when the caller comes and goes.
    pub announce_name: bool,
    /// What is heard while waiting for a host; empty: the standard hold music.
    pub hold_music: Vec<PromptItem>,
    /// Most people in the room, 2–100.
    pub people_max: u32,
    /// The key that leaves the room; `None`: no key.
    pub leave_key: Option<char>,
    /// The key that mutes and unmutes; `None`: no key.
    pub mute_key: Option<char>,
    /// How loud the others hear the caller.
    pub talk_gain: Gain,
    /// How loud the caller hears the room.
    pub hear_gain: Gain,
    /// How loud hosts hear everybody else while the caller, a coach, whispers to them.
    pub duck: Gain,
    /// Keys that change how loud.
    pub gain_keys: GainKeys,
}

/// Keys by which a caller in a conference changes how loud it hears and is heard; `None`: no key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GainKeys {
    /// The caller hears the room louder.
    pub hear_louder: Option<char>,
    /// The caller hears the room softer.
    pub hear_softer: Option<char>,
    /// The others hear the caller louder.
    pub talk_louder: Option<char>,
    /// The others hear the caller softer.
    pub talk_softer: Option<char>,
}

impl GainKeys {
    /// All that are set.
    pub(crate) fn all(self) -> impl Iterator<Item = char> {
        [self.hear_louder, self.hear_softer, self.talk_louder, self.talk_softer].into_iter().flatten()
    }
}

/// The question at a conference's door.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Whether whoever comes in is a host, whatever is keyed.
    pub host: bool,
    /// The PIN of everybody; `None`: the door is open (unless there is one for hosts).
    #[serde(skip)]
    pub pin: Option<String>,
    /// The PIN that makes a host. Neither is ever written down.
    #[serde(skip)]
    pub host_pin: Option<String>,
    /// Attempts in all, 1–20.
    pub attempts: u32,
}

/// What somebody may do in a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Hears all and is heard by all.
    Participant,
    /// Hears all and is heard by nobody.
    Listener,
    /// Hears all and is heard by the hosts alone.
    Coach,
}

/// Waiting in a parking place until somebody fetches the call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Park {
    /// The first place to be tried.
    pub first: u32,
    /// The last place to be tried; the first free one is taken.
    pub last: u32,
    /// Whether the place is told to the caller.
    pub announce: bool,
    /// What is heard meanwhile; empty: the standard hold music.
    pub hold_music: Vec<PromptItem>,
    /// How long it may take.
    pub timeout: Duration,
    /// The key that gives up; `None`: no key.
    pub leave_key: Option<char>,
}

/// Waiting in a queue until an agent is free.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Queue {
    /// The queue; calls that name the same one in the same realm wait in one row.
    pub name: Name,
    /// Who has more is served first, 0–100; within one priority, who came first.
    pub priority: u32,
    /// What is heard meanwhile; empty: the standard hold music.
    pub music: Vec<PromptItem>,
    /// How often the position is told; `None`: never.
    pub announce_every: Option<Duration>,
    /// The key that gives up; `None`: no key.
    pub leave_key: Option<char>,
    /// Callers that may wait in the queue, this one included.
    pub waiting_max: u32,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Who is rung; empty: agents dial `queue/NAME` themselves.
    pub agents: Vec<Destination>,
    /// Which agent is rung next.
    pub order: AgentOrder,
    /// How long one agent is rung.
    pub ring_for: Duration,
    /// Pause of an agent after a call from a queue.
    pub wrap_up: Duration,
}

/// Which free agent of a queue is rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentOrder {
    /// The first in the list that is free.
    InOrder,
    /// The one that has been free for longest.
    LongestIdle,
    /// All that are free, at once.
    Together,
}
