//! Reads from bytes on the wire the little the ledger must know by itself, without the engine's own parsers.

use std::net::{IpAddr, SocketAddr};

/// The RTP address a session description names, if the message carries one.
pub(crate) fn media_address(message: &str) -> Option<SocketAddr> {
    let ip: IpAddr = line(message, "c=IN IP4 ")?.parse().ok()?;
    let port: u16 = line(message, "m=audio ")?.split(' ').next()?.parse().ok()?;
    Some(SocketAddr::new(ip, port))
}

/// The second of 1970 that an RTCP sender report names, if the packet is one.
pub(crate) fn report_time(packet: &[u8]) -> Option<u64> {
    let [_, 200, _, _, _, _, _, _, a, b, c, d, ..] = packet else { return None };
    // NTP counts from 1900.
    Some(u64::from(u32::from_be_bytes([*a, *b, *c, *d])).wrapping_sub(2_208_988_800))
}

/// The rest of the first line that begins so.
fn line<'a>(message: &'a str, begin: &str) -> Option<&'a str> {
    message.split("\r\n").find_map(|line| line.strip_prefix(begin))
}

/// The value of a header written in full, in any case.
pub(crate) fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    message.split("\r\n").skip(1).take_while(|line| !line.is_empty()).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// A 200 to a REGISTER: whose, and the contact URIs it lists with their seconds.
pub(crate) fn registered(message: &str) -> Option<(String, Vec<(String, u64)>)> {
    if !message.starts_with("SIP/2.0 200") || !header(message, "CSeq")?.ends_with("REGISTER") {
        return None;
    }
    let user = header(message, "To")?.split_once("sip:")?.1.split('@').next()?.to_owned();
    let contacts = message.split("\r\n").filter_map(|line| line.strip_prefix("Contact: ")).flat_map(|value| value.split(','));
    let read = |contact: &str| {
        let uri = contact.split_once('<')?.1.split('>').next()?.to_owned();
        let seconds = contact.split_once(";expires=")?.1.split(';').next()?.parse().ok()?;
        Some((uri, seconds))
    };
    Some((user, contacts.filter_map(read).collect()))
}

/// The message in a few words: its first line and CSeq.
pub(crate) fn summary(message: &str) -> String {
    let first = message.split("\r\n").next().unwrap_or_default();
    let cseq = header(message, "CSeq").unwrap_or_default();
    let call = header(message, "Call-ID").unwrap_or_default();
    let call: String = call.chars().take(8).collect();
    format!("{} [{cseq} {call}]", first.trim_end_matches(" SIP/2.0"))
}
