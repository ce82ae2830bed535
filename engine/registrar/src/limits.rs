//! What the registrar bounds, each with its unit and reason.

use std::time::Duration;

/// Devices a connection may have at once; the next is refused with 403 (chosen: a person's phones, not a fan-out).
pub const DEVICES_MAX: usize = 5;
/// Contacts looked at in one REGISTER (chosen: all devices at once and a few removals).
pub const CONTACTS_A_REQUEST_MAX: usize = 10;
/// Granted when a device names no expiry, seconds (RFC 3261 §10.2: one hour).
pub const EXPIRES_DEFAULT_S: u32 = 3_600;
/// Shortest expiry granted, seconds; a shorter wish is answered 423 (chosen: bounds the load of one device).
pub const EXPIRES_MIN_S: u32 = 60;
/// Longest expiry granted, seconds; a longer wish is cut (chosen: a dead device is forgotten within two hours).
pub const EXPIRES_MAX_S: u32 = 7_200;
/// Bytes of one contact URI (chosen: longer than any phone writes, short enough for a row).
pub const CONTACT_BYTES_MAX: usize = 512;
/// Bytes kept of a User-Agent and of a `+sip.instance` (chosen: shown to people, never needed whole).
pub const LABEL_BYTES_MAX: usize = 128;
/// URIs in one Path (chosen: more proxies than any network has in a row).
pub const PATH_MAX: usize = 8;
/// Bytes of the Call-ID kept with a binding; a REGISTER with a longer one is refused (chosen: RFC 3261 gives no bound).
pub const CALL_ID_BYTES_MAX: usize = 256;
/// Answers that may wait for the store at once; beyond it a REGISTER is answered 503 (chosen: 20 s of 500 REGISTERs a second).
pub const WAITING_MAX: usize = 10_000;
/// How long an answer waits for the store before it becomes 500 (RFC 3261 Timer F is 32 s; a device has given up by then).
pub const STORE_PATIENCE: Duration = Duration::from_secs(10);
