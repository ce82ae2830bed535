//! The one function that says whether a number may be dialled, and through which trunk (RELIABILITY D3).

use crate::{
    directory::{Directory, SipHosts, Trunk},
    limits::FRAUD_PREFIXES,
    number::E164,
};
use call::Origin;
use sip::Uri;
use terms::Name;

/// Why something may not be dialled, in words for the call's timeline.
pub(crate) type Why = String;

/// Whether this caller may have a leg to any trunk at all.
pub(crate) fn may_leave(origin: &Origin) -> Result<(), Why> {
    match origin {
        Origin::Connection(_) | Origin::Trunk(_) => Ok(()),
        Origin::Unknown => Err("an unknown caller may not be connected to a trunk".to_owned()),
    }
}

/// Whether this trunk may be asked for this number: the longest prefix decides, and nothing matching means no.
pub(crate) fn may_dial(trunk: &Trunk, number: &E164) -> Result<usize, Why> {
    let longest = |prefixes: &mut dyn Iterator<Item = &str>| {
        prefixes.filter(|prefix| number.as_str().starts_with(prefix)).map(str::len).max()
    };
    let Some(allowed) = longest(&mut trunk.allow.iter().map(String::as_str)) else {
        return Err(format!("trunk {} is not allowed to dial {number}", trunk.name));
    };
    if longest(&mut trunk.deny.iter().map(String::as_str)).is_some_and(|denied| denied >= allowed) {
        return Err(format!("trunk {} is forbidden to dial {number}", trunk.name));
    }
    if longest(&mut FRAUD_PREFIXES.iter().copied()).is_some_and(|denied| denied > allowed) {
        return Err(format!("{number} is of a premium or satellite range; allow its prefix to trunk {} to dial it", trunk.name));
    }
    Ok(allowed)
}

/// The trunk of the realm with the longest allowed prefix for a number.
pub(crate) fn trunk_for<'a>(directory: &'a Directory, realm: &Name, number: &E164) -> Result<&'a Trunk, Why> {
    let mut best: Option<(usize, &Trunk)> = None;
    let mut why = format!("no trunk dials {number}");
    for trunk in directory.trunks().filter(|trunk| trunk.realm == *realm) {
        match may_dial(trunk, number) {
            Ok(length) if best.is_none_or(|(longest, _)| length > longest) => best = Some((length, trunk)),
            Ok(_) => {}
            Err(reason) => why = reason,
        }
    }
    best.map(|(_, trunk)| trunk).ok_or(why)
}

/// Whether a `sip:` URI may be dialled as it stands.
pub(crate) fn may_dial_uri(directory: &Directory, origin: &Origin, uri: &Uri) -> Result<(), Why> {
    if !matches!(uri.scheme, sip::Scheme::Sip) {
        return Err(format!("{} addresses cannot be dialled", uri.scheme.as_str()));
    }
    if !uri.headers.is_empty() || uri.raw_password.is_some() || uri.params.has("maddr") || uri.params.has("lr") {
        return Err("a dialled address may not carry header fields, a password, maddr or lr".to_owned());
    }
    let port = uri.port.unwrap_or(5_060);
    let behind = directory.trunks().find(|t| t.address.host.is_same(&uri.host) && t.address.port.unwrap_or(5_060) == port);
    if let Some(trunk) = behind {
        return Err(format!("that is trunk {0}: dial trunk/{0}/NUMBER", trunk.name));
    }
    let host = uri.host.to_string();
    let listed = |rule: &String| {
        rule.eq_ignore_ascii_case(&host) || uri.port.is_some_and(|port| rule.eq_ignore_ascii_case(&format!("{host}:{port}")))
    };
    match (directory.sip_hosts(), origin) {
        (SipHosts::Only(rules), _) if rules.iter().any(listed) => Ok(()),
        (SipHosts::Only(_), _) => Err(format!("sip addresses at {host} are not on the list of hosts that may be dialled")),
        (SipHosts::Any, Origin::Connection(_) | Origin::Trunk(_)) => Ok(()),
        (SipHosts::Any, Origin::Unknown) => Err("an unknown caller may not be connected to any address".to_owned()),
    }
}
