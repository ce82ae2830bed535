//! Bindings between the registrar's words and the store's.

use switchboard::Row;
use store::BindingRow;
use terms::Name;


/// A binding as the disk keeps it.
pub(super) fn to_disk(row: Row, realm: &Name) -> BindingRow {
    // `udp 192.0.2.1:5062 at 10.0.0.1:5060`, see `Row::source`.
    let mut words = row.source.split(' ');
    let transport = words.next().unwrap_or_default().to_owned();
    let source = words.next().unwrap_or_default().to_owned();
    let local = words.nth(1).unwrap_or_default().to_owned();
    BindingRow {
        realm: realm.clone(),
        connection: row.connection,
        contact: row.contact,
        transport,
        source,
        local,
        path: row.path,
        call_id: row.call_id,
        cseq: row.cseq,
        user_agent: row.agent,
        instance: row.instance,
        q_thousandths: row.q,
        registered_at: row.refreshed,
        expires_at: row.expires,
    }
}

/// A binding as the registrar takes it back.
pub(super) fn from_disk(row: BindingRow) -> Row {
    let host = sip::Uri::parse(&row.contact).ok().map(|uri| uri.host);
    let peer = row.source.parse::<std::net::SocketAddr>().ok();
    let behind_nat = !matches!((host, peer), (Some(sip::Host::Ip(host)), Some(peer)) if host == peer.ip());
    Row {
        connection: row.connection,
        contact: row.contact,
        q: row.q_thousandths,
        instance: row.instance,
        call_id: row.call_id,
        cseq: row.cseq,
        path: row.path,
        agent: row.user_agent,
        source: format!("{} {} at {}", row.transport, row.source, row.local),
        behind_nat,
        since: row.registered_at,
        refreshed: row.registered_at,
        expires: row.expires_at,
    }
}
