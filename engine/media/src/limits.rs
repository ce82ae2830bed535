//! Every bound of this room, with its unit and its reason.

use std::time::Duration;

/// The media frame: sound is heard, mixed and recorded 20 ms at a time. Packets sent may be of another length.
pub(crate) const FRAME: Duration = Duration::from_millis(20);
/// So much later than its time a slot of sound that is only recorded may be made: two frames, so that with packets of any usual length
/// one of them comes first.
pub(crate) const PATIENCE: Duration = Duration::from_millis(40);
/// Longest packet we send, and payload bytes that hold it in any codec (G.711 and G.722: 480).
pub(crate) const PACKET_MS_MAX: u16 = 60;
pub(crate) const PACKET_PAYLOAD_MAX: usize = audio::JOINED_BYTES_MAX;
/// Payload bytes of the usual packet: 20 ms of G.711 or G.722. Larger ones take a slower way.
pub(crate) const PAYLOAD_BYTES_USUAL: usize = 160;
/// Samples of the widest frame (20 ms at 16 kHz).
pub(crate) const FRAME_SAMPLES_MAX: usize = 320;
/// Bytes of the largest packet built: a frame's worth of Ethernet.
pub(crate) const PACKET_BYTES: usize = rtp::PACKET_BYTES_MAX;
/// Bytes kept free behind a packet for its protection (SRTP).
pub(crate) const GROWTH: usize = rtp::srtp::GROWTH_MAX;
/// Packets sent at once when a tick came late: more would only be dropped by the peer's jitter buffer.
pub(crate) const CATCH_UP_MAX: u32 = 3;
/// How far own timestamps may run ahead of the clock when prompts interrupt each other: two frames, which any jitter buffer takes.
pub(crate) const LEAD_MAX: Duration = Duration::from_millis(40);
/// An idle stream sends a frame of silence this often, so that firewalls and NATs keep the way open (RFC 6263).
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// The same key by another way within this time of its last sign is one press: an INFO that is lost once comes 500 ms later.
pub(crate) const SAME_KEY: Duration = Duration::from_millis(600);
/// So long after the last sign of a key that goes on otherwise nothing decoded is heard, at least: the usual delay of the jitter
/// buffer, and concealment. Where the buffer waits longer, that and [`KEY_MARGIN`].
pub(crate) const KEY_ECHO: Duration = Duration::from_millis(100);
/// Frames that are decoded ahead, stretched or concealed behind the jitter buffer's delay.
pub(crate) const KEY_MARGIN: Duration = Duration::from_millis(60);
/// Samples a second of this share are faded at the edges of such a silence (5 ms), so that nothing clicks.
pub(crate) const FADES_A_SECOND: u32 = 200;
/// Keys that may wait to be sent as tones, as in `rtp::events::Sender`.
pub(crate) const KEYS_WAITING_MAX: usize = 64;
/// Presses remembered for it: more than fingers can make in that time.
pub(crate) const PRESSES_MAX: usize = 12;
/// How far ahead of its turn a packet may come to be waited for, and behind it to be merely late, where tones are listened for.
pub(crate) const REORDER_MAX: Duration = Duration::from_millis(200);
/// Payload bytes of the one packet that waits there: 60 ms of G.711.
pub(crate) const HELD_BYTES_MAX: usize = 480;
/// Sound is told in pieces of about this many frames (500 ms): as much as a crash may cost, and twice a second is seldom enough for
/// hundreds of recordings.
pub(crate) const CHUNK_FRAMES: usize = 25;
/// Frames without sound after which a transcoded leg stops sending: 100 ms covers concealment.
pub(crate) const QUIET_FRAMES: u32 = 5;
/// Frames the speech detector hangs over (200 ms) and needs to begin (2): subtracted from what it says of times.
pub(crate) const HANGOVER_FRAMES: u64 = 10;
pub(crate) const ATTACK_FRAMES: u64 = 2;
/// Events for which room is reserved at the start; the owner drains after every call, so two or three wait at most.
pub(crate) const EVENTS_RESERVED: usize = 8;
/// Payload bytes of the largest encoded frame of 20 ms.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 160;
/// Sounds that play to a room at once: who comes while eight beeps are heard brings no ninth.
pub(crate) const ROOM_SOUNDS_MAX: usize = 8;
/// A frame whose peak stays at or under this is as good as silent (−60 dB of full scale: below the noise of a G.711 line).
pub(crate) const HUSH_PEAK: u16 = 32;
/// After so many silent frames in a row (half a second) a person is left out of the sum, and hears what all the silent hear.
pub(crate) const HUSH_FRAMES: u32 = 25;
/// Others whom one person of a room hears at gains of their own: all the others of the largest one.
pub const PAIRS_MAX: usize = terms::PEOPLE_MAX as usize - 1;
/// Hosts hear the others softer until a coach has not spoken for so many frames (half a second: between his sentences they stay so).
pub(crate) const DUCK_HOLD_FRAMES: u32 = 25;
/// Packets that wait to be passed to another call's mixer: its owner takes them after each packet that came.
pub(crate) const PASSING_MAX: usize = 2;
