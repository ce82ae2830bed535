//! What a person sees on the terminal: how to reach the server, and what the built-in webhook sink received.

use super::front::Shown;
use crate::config::Config;
use axum::http::StatusCode;
use std::io::Write;
use switchboard::NumberTarget;

/// One line to standard output; a closed terminal is no fault.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// The credentials card of every connection with a password, and how to call without a softphone.
pub(super) fn print(config: &Config, _shown: &Shown) {
    let port = |addresses: &[std::net::SocketAddr]| addresses.first().map_or(5_060, std::net::SocketAddr::port);
    let bound = config.listen.udp.first().or(config.listen.tcp.first()).map(std::net::SocketAddr::ip);
    let host = bound.map_or_else(|| "127.0.0.1".to_owned(), |ip| config.reachable_at(ip).to_string());
    let sip_port = port(if config.listen.udp.is_empty() { &config.listen.tcp } else { &config.listen.udp });
    say(&format!("callflow {} serves {}", env!("CARGO_PKG_VERSION"), config.source.path));
    let mut transports = Vec::new();
    if !config.listen.udp.is_empty() {
        transports.push("UDP");
    }
    if !config.listen.tcp.is_empty() {
        transports.push("TCP");
    }
    say(&format!("\n  SIP      {host}:{sip_port} ({})", transports.join(" and ")));
    if let Some(http) = config.http.listen {
        say(&format!("  HTTP     http://{http}/v1/messages"));
    }
    if let Some(sink) = config.webhooks.sink {
        say(&format!("  Webhooks http://{sink}/ (built-in sink: printed below)"));
    }
    say("");
    for connection in config.directory.connections() {
        if connection.passwords.is_some() {
            say(&format!("  Phone    user {:<12} domain {host}:{sip_port}  password: as in the configuration", connection.user));
        } else {
            say(&format!("  Virtual  sip:{}@{host}:{sip_port}", connection.user));
        }
    }
    for number in config.directory.numbers() {
        say(&format!("  Number   {}", number.number));
    }
    let device = config.directory.connections().find(|connection| connection.passwords.is_some());
    // The one that a number leads to is the front door; without numbers any will do.
    let numbered = config.directory.numbers().find_map(|number| match &number.to {
        NumberTarget::Connection(name) => Some(name),
        NumberTarget::Flow(_) => None,
    });
    let mut virtual_ones = config.directory.connections().filter(|connection| connection.passwords.is_none());
    let first = virtual_ones.next();
    let target = virtual_ones.chain(first).find(|connection| Some(&connection.name) == numbered).or(first);
    if let (Some(device), Some(target)) = (device, target) {
        let at = if sip_port == 5_060 { host } else { format!("{host}:{sip_port}") };
        say("\nWithout a softphone:");
        say(&format!("  callflow call sip:{}@{at} --as {}:PASSWORD --press 2 --speak FILE.wav --record heard.wav", target.user, device.user));
    }
    say("\nReady.");
}

/// The built-in sink: prints an event as a person reads it.
pub(super) fn print_event(event: api::sink::Received) -> StatusCode {
    let pretty = serde_json::to_string_pretty(&event.payload).unwrap_or_default();
    say(&format!("\nwebhook {} (signature verified, id {})\n{pretty}", event.kind, event.id));
    StatusCode::NO_CONTENT
}
