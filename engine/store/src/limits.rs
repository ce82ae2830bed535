//! The limits of this room, each with its unit and reason.

use std::time::Duration;

/// Free space under which no new recording begins (64 MB: over an hour of 8 kHz audio for those already begun).
pub const DISK_RESERVE_DEFAULT: u64 = 64 * 1024 * 1024;
/// How often free space is looked at while recordings run (chosen: 64 MB last longer than this at any load we take).
pub const DISK_LOOK_EVERY: Duration = Duration::from_secs(1);
/// Recordings open at once (chosen: each holds one file descriptor).
pub const RECORDINGS_MAX: usize = 2_000;
/// Commands waiting for the spool thread; at 50 blocks a second and recording this is 8 s of 40 recordings.
pub const SPOOL_QUEUE_MAX: usize = 16_384;
/// Places of that queue which only beginnings and endings may take, so that a burst of audio never loses an ending.
pub const SPOOL_QUEUE_RESERVED: usize = 2_048;
/// How long the spool lets sound gather once all is written (an ending waits as long, which nobody notices).
pub const SPOOL_GATHERS: Duration = Duration::from_millis(10);
/// Longest recording the spool takes, samples of all channels (four hours, the longest call, in stereo at 16 kHz: 922 MB).
pub const RECORDING_SAMPLES_MAX: u64 = 4 * 3_600 * 16_000 * 2;
/// Largest description file read back, bytes (an envelope with eight endpoints is under 20 kB).
pub const META_BYTES_MAX: u64 = 64 * 1024;
/// Writes waiting for the one writer; when full the callers wait (they are async) or are refused (those that may not).
pub const WRITES_QUEUED_MAX: usize = 8_192;
/// Writes that share one transaction (256 bindings take about 8 ms, below the 20 ms a REGISTER may wait).
pub const WRITES_SHARED_MAX: usize = 256;
/// Connections that read at the same time.
pub const READERS_MAX: u32 = 4;
/// Messages of one page of a listing.
pub const PAGE_MAX: u32 = 200;
/// Tries of a transcription.
pub const JOB_TRIES_MAX: u32 = 5;
/// Waits between those tries (chosen: a restart of an engine, then a coffee, then a repair).
pub const JOB_WAITS: [Duration; 4] =
    [Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(1_800)];
/// How long a webhook is tried before it is given up.
pub const DELIVERY_LIFE: Duration = Duration::from_secs(72 * 3_600);
/// Waits between tries of a webhook (those of the Standard Webhooks text; the last repeats until three days are over).
pub const DELIVERY_WAITS: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(300),
    Duration::from_secs(1_800),
    Duration::from_secs(7_200),
    Duration::from_secs(18_000),
    Duration::from_secs(36_000),
];
/// Longest wait an endpoint may ask for by `Retry-After`.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(36_000);
/// Deliveries under way to one host.
pub const PER_HOST_MAX: usize = 4;
/// Deliveries under way in all (chosen: sockets and memory stay small).
pub const DELIVERIES_MAX: usize = 64;
/// Waiting deliveries held in memory, without their bodies; more stay on disk until these are settled.
pub const DELIVERIES_LOADED_MAX: usize = 20_000;
/// One try of a webhook in all, from resolution to the answer's last byte.
pub const DELIVERY_TIME: Duration = Duration::from_secs(15);
/// Bytes of a webhook's answer that are read (only the status counts; a little is kept for the log).
pub const DELIVERY_ANSWER_MAX: usize = 16 * 1024;
/// Largest body of a webhook, bytes.
pub const DELIVERY_BODY_MAX: usize = 256 * 1024;
/// Longest address of an endpoint, bytes.
pub const URL_MAX: usize = 2_048;
/// How long settled deliveries and deleted messages stay visible in the tables, for questions afterwards.
pub const SETTLED_KEEP: Duration = Duration::from_secs(7 * 86_400);
/// Largest answer to a flow's `http`, bytes, unless the flow asks for less.
pub const FETCH_ANSWER_MAX: usize = 1024 * 1024;
/// A sound file fetched for a prompt, in bytes (chosen: half an hour of compressed speech).
pub const FETCH_SOUND_MAX: usize = 16 * 1_024 * 1_024;
/// Redirects followed for a sound file, each through the guard (RELIABILITY F2).
pub const SOUND_REDIRECTS_MAX: usize = 3;
/// Sound files kept: bytes of them all (a few hundred prompts), and how many (each URL costs some memory, also one that failed).
pub const SOUNDS_BYTES_MAX: u64 = 64 * 1_024 * 1_024;
/// See [`SOUNDS_BYTES_MAX`].
pub const SOUNDS_MAX: usize = 2_000;
/// Least and longest time a sound file is used without asking its server again, whatever the server says: a crowd of calls
/// makes one request, and a change is heard within a day. For the least time a failure stands, too.
pub const SOUND_FRESH: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(86_400));
/// Longest fetch of a sound file, from resolution to the last byte (chosen: 16 MB at 13 Mbit/s; nobody waits longer for a prompt).
pub const SOUND_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a caller waits for a server's word about a sound that we have (chosen: two round trips round the world and TLS).
pub const SOUND_LOOK_WAIT: Duration = Duration::from_secs(1);
/// How old a sound may be that is played because its server does not answer (RFC 5861 §4; chosen).
pub const SOUND_STALE_MAX: Duration = Duration::from_secs(86_400);
/// Largest request body of a flow's `http`, bytes.
pub const FETCH_BODY_MAX: usize = 256 * 1024;
/// Headers of a flow's `http` request.
pub const FETCH_HEADERS_MAX: usize = 32;
/// Longest a flow's `http` may take.
pub const FETCH_TIME_MAX: Duration = Duration::from_secs(60);
/// Time for connecting, within the whole.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a link to audio in a webhook stays good: the three days of delivery and a week to fetch it.
pub const AUDIO_LINK_LIFE: Duration = Duration::from_secs(10 * 86_400);
/// How long recordings of the `record` action stay.
pub const RECORDING_KEEP: Duration = Duration::from_secs(90 * 86_400);
/// Versions of the flow set that are kept, those used last (chosen: a year of changes every other day).
pub const FLOW_VERSIONS_KEPT: i64 = 200;
/// How many of the last loads of flows are kept, beside the last of each version.
pub const FLOW_LOADS_KEPT: i64 = 2_000;
