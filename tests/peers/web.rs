//! The API's client: a request, a status, a JSON value. Nothing more is needed, so nothing more is depended on.

use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// One HTTP request on 127.0.0.1; status 0 when nobody answers.
pub(crate) fn request(port: u16, method: &str, path: &str) -> (u16, Vec<u8>) {
    request_with(port, method, path, "")
}

/// The same with a body of JSON.
pub(crate) fn request_with(port: u16, method: &str, path: &str, json: &str) -> (u16, Vec<u8>) {
    let answer = || -> Option<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), Duration::from_secs(2)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{json}", json.len()).ok()?;
        let mut whole = Vec::new();
        stream.read_to_end(&mut whole).ok()?;
        let end = whole.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(whole.get(..end)?).into_owned();
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        let body = whole.get(end + 4..)?.to_vec();
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Some((status, if chunked { unchunk(&body) } else { body }))
    };
    answer().unwrap_or((0, Vec::new()))
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = body.windows(2).position(|w| w == b"\r\n") {
        let size = std::str::from_utf8(&body[..end]).ok().and_then(|s| usize::from_str_radix(s.trim(), 16).ok()).unwrap_or(0);
        let Some(chunk) = body.get(end + 2..end + 2 + size).filter(|c| !c.is_empty()) else { break };
        out.extend_from_slice(chunk);
        body = body.get(end + 4 + size..).unwrap_or(&[]);
    }
    out
}

/// A GET that must be answered 200 with JSON.
#[track_caller]
pub(crate) fn get(port: u16, path: &str) -> Value {
    let (status, body) = request(port, "GET", path);
    assert_eq!(status, 200, "GET {path}: {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap_or_else(|e| panic!("GET {path}: {e}: {}", String::from_utf8_lossy(&body)))
}
