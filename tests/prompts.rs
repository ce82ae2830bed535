//! A prompt that lies on a web server: fetched before the first caller wants it, and asked for again only as HTTP says.

use crate::peers::exchange::{Exchange, House, must, s};
use crate::peers::process::{Folder, wait_for};
use phone::{Manners, Sound, Step, write_wav};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// What the prompt is, Hz.
const PROMPT: f32 = 640.0;

/// A web server with one sound, which keeps the heads of the requests.
struct Web {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    fn start(sound: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let heads = Arc::clone(&asked);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let head: String = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
                let is_known = head.contains("if-none-match: \"v1\"");
                heads.lock().unwrap().push(head);
                let (status, body) = if is_known { ("304 Not Modified", &[][..]) } else { ("200 OK", &sound[..]) };
                let length = if is_known { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
                let _ = write!(stream, "HTTP/1.1 {status}\r\n{length}ETag: \"v1\"\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all(body);
            }
        });
        Self { at, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[test]
fn a_prompt_of_the_web_is_there_before_the_first_caller_and_is_validated() {
    let folder = Folder::new("web");
    let path = folder.write("tone.wav", "");
    write_wav(&path, Sound::tone(PROMPT, -12.0, s(2)).samples()).unwrap();
    let web = Web::start(std::fs::read(&path).unwrap());
    let flow = format!("flow: web\nstart: on\nstates:\n  on:\n    - answer: {{}}\n    - play: {{ prompt: [{{ play: \"http://{}/tone.wav\" }}], loop: 0 }}\n      then: end\n", web.at);
    let mut exchange = Exchange::start_with(&House::default(), &[("flows/web.yaml", &flow)]);
    let first = wait_for("the fetch at load", s(20), || web.asked().first().cloned());
    assert!(first.starts_with("GET /tone.wav ") && !first.contains("if-none-match"), "{first}");
    // What was said to be good for no time at all is good for five seconds; a caller then has it after a look.
    std::thread::park_timeout(s(6));
    let alice = exchange.device("alice", Manners::Ring);
    for _ in 0..2 {
        must(&alice, Step::Dial(exchange.uri("web")));
        must(&alice, Step::WaitAnswered { within: s(10) });
        must(&alice, Step::WaitTone { hz: Some(PROMPT), within: s(5) });
        must(&alice, Step::HangUp);
        exchange.must_be_quiet();
    }
    let asked = web.asked();
    assert!(asked.len() >= 2 && asked[1..].iter().all(|head| head.contains("if-none-match: \"v1\"")), "{asked:#?}");
}
