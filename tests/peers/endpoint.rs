//! A webhook endpoint that believes nothing: signatures are verified by the crate `standardwebhooks`.

use super::process::wait_for;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use standardwebhooks::Webhook;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The secret the exchange signs with in all tests.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// One delivery whose signature was right.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// `webhook-id`.
    pub(crate) id: String,
    /// The JSON payload.
    pub(crate) payload: Value,
}

impl Delivery {
    pub(crate) fn kind(&self) -> &str {
        self.payload["type"].as_str().unwrap_or("")
    }
}

#[derive(Debug, Default)]
struct Seen {
    good: Vec<Delivery>,
    bad: Vec<String>,
}

/// A running endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
}

impl Endpoint {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, ending) = (Arc::clone(&seen), Arc::clone(&stop));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ending.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, seen, stop }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Everything received, or a failed test when a signature was wrong.
    #[track_caller]
    pub(crate) fn received(&self) -> Vec<Delivery> {
        let seen = self.seen.lock().unwrap();
        assert!(seen.bad.is_empty(), "deliveries with wrong signatures: {:?}", seen.bad);
        seen.good.clone()
    }

    /// Waits for a delivery that fits.
    #[track_caller]
    pub(crate) fn expect(&self, name: &str, within: Duration, fits: impl Fn(&Delivery) -> bool) -> Delivery {
        wait_for(name, within, || self.received().into_iter().find(|d| fits(d)))
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener so that it sees the flag.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Serves one connection, request after request.
fn serve(stream: TcpStream, seen: &Mutex<Seen>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let mut reader = BufReader::new(stream);
    while let Some((headers, body)) = read_request(&mut reader) {
        let verdict = Webhook::new(SECRET).map_err(|e| e.to_string()).and_then(|w| w.verify(&body, &headers).map_err(|e| e.to_string()));
        let status = match verdict {
            Ok(()) => {
                let id = headers.get("webhook-id").and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
                let payload = serde_json::from_slice(&body).unwrap_or(Value::Null);
                seen.lock().unwrap().good.push(Delivery { id, payload });
                "204 No Content"
            }
            Err(why) => {
                seen.lock().unwrap().bad.push(format!("{why}: {}", String::from_utf8_lossy(&body)));
                "401 Unauthorized"
            }
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(HeaderMap, Vec<u8>)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = HeaderMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.insert(HeaderName::from_bytes(name.trim().as_bytes()).ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    let length = headers.get("content-length").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((headers, body))
}
