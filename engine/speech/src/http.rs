//! OpenAI-compatible servers: `POST {base}/v1/audio/speech` and `POST {base}/v1/audio/transcriptions`.
//!
//! The traits block, so each request runs on a small runtime of its own on the engine's thread; connections are not kept
//! between requests, because they would belong to a runtime that is gone. No redirect is followed: the key stays where it was sent.

use crate::{EngineFault, HttpConfig, Pcm, Recogniser, Utterance, Voice, Words, limits};
use reqwest::{Client, RequestBuilder, Response, multipart};
use std::time::Duration;

/// Bytes of an error answer that are kept for the log.
const COMPLAINT_BYTES_MAX: usize = 300;

pub(crate) struct HttpEngine {
    config: HttpConfig,
    client: Client,
    model: String,
}

impl HttpEngine {
    /// # Errors
    /// What is wrong with the address or the TLS set-up.
    pub(crate) fn new(config: HttpConfig) -> Result<Self, String> {
        let base = reqwest::Url::parse(&config.base).map_err(|error| format!("{:?} is no address: {error}", config.base))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(format!("{:?} is neither http nor https", config.base));
        }
        let client = Client::builder()
            .connect_timeout(limits::HTTP_CONNECT_TIMEOUT.min(config.timeout))
            .timeout(config.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| error.to_string())?;
        let model = config.model.clone();
        Ok(Self { config, client, model })
    }

    fn post(&self, path: &str) -> RequestBuilder {
        let request = self.client.post(format!("{}/v1/audio/{path}", self.config.base.trim_end_matches('/')));
        match &self.config.api_key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        }
    }

    /// Sends and reads at most `cap` bytes of the answer.
    fn exchange(&self, request: RequestBuilder, cap: usize) -> Result<Vec<u8>, EngineFault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| EngineFault::Failed(error.to_string()))?;
        let timeout = self.config.timeout;
        let answer = runtime.block_on(async {
            let response = request.send().await.map_err(|error| fault(&error, timeout))?;
            let status = response.status();
            let body = read_capped(response, if status.is_success() { cap } else { COMPLAINT_BYTES_MAX }, timeout).await;
            if status.is_success() {
                return body;
            }
            let said = body.unwrap_or_default();
            Err(EngineFault::Failed(format!("the server answered {status}: {}", String::from_utf8_lossy(&said).trim())))
        });
        // A name look-up that hangs must not hold the engine's thread.
        runtime.shutdown_timeout(Duration::ZERO);
        answer
    }
}

fn fault(error: &reqwest::Error, timeout: Duration) -> EngineFault {
    if error.is_timeout() {
        return EngineFault::TimedOut(timeout);
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    EngineFault::Failed(text)
}

/// An error answer is cut at the cap; a good one over the cap is a fault.
async fn read_capped(mut response: Response, cap: usize, timeout: Duration) -> Result<Vec<u8>, EngineFault> {
    let is_good = response.status().is_success();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error, timeout))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > cap {
            if is_good {
                return Err(EngineFault::Failed(format!("the server answered more than {cap} bytes")));
            }
            bytes.truncate(cap);
            break;
        }
    }
    Ok(bytes)
}

impl Voice for HttpEngine {
    fn name(&self) -> &str {
        "http"
    }

    fn fingerprint(&self) -> String {
        format!("{} {} {} {:?}", self.config.base, self.config.model, self.config.voice, self.config.extra)
    }

    fn speak(&self, utterance: &Utterance) -> Result<Pcm, EngineFault> {
        let voice = utterance.voice.as_deref().filter(|voice| *voice != "default").unwrap_or(&self.config.voice);
        let mut body = serde_json::json!({
            "model": self.config.model,
            "input": utterance.text,
            "voice": voice,
            "response_format": "wav",
        });
        if let Some(fields) = body.as_object_mut() {
            fields.extend(self.config.extra.iter().map(|(key, value)| (key.clone(), value.clone().into())));
        }
        let bytes = self.exchange(self.post("speech").json(&body), limits::ENGINE_AUDIO_BYTES_MAX)?;
        audio::decode_file(&bytes, "wav").map_err(|fault| EngineFault::Failed(format!("the answer is no audio: {fault}")))
    }
}

impl Recogniser for HttpEngine {
    fn model(&self) -> &str {
        &self.model
    }

    fn recognise(&self, sound: &Pcm, language: Option<&str>) -> Result<Words, EngineFault> {
        let wav = audio::wav::Wav { rate: sound.rate, channels: 1 }.file(&sound.samples);
        let file = multipart::Part::bytes(wav)
            .file_name("speech.wav")
            .mime_str("audio/wav")
            .map_err(|error| EngineFault::Failed(error.to_string()))?;
        let mut form = multipart::Form::new().text("model", self.config.model.clone()).text("response_format", "json");
        if let Some(primary) = language.and_then(|tag| tag.split(['-', '_']).next()) {
            form = form.text("language", primary.to_ascii_lowercase());
        }
        for (key, value) in &self.config.extra {
            form = form.text(key.clone(), value.clone());
        }
        let request = self.post("transcriptions").multipart(form.part("file", file));
        let bytes = self.exchange(request, limits::ENGINE_TEXT_BYTES_MAX)?;
        let answer: Answer = serde_json::from_slice(&bytes)
            .map_err(|error| EngineFault::Failed(format!("the answer is no transcription: {error}")))?;
        Ok(Words {
            text: crate::whisper::without_noises(&answer.text),
            language: answer.language.or_else(|| language.map(str::to_owned)),
            confidence: None,
        })
    }
}

#[derive(serde::Deserialize)]
struct Answer {
    text: String,
    language: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        collections::BTreeMap,
        io::{Read, Write},
        net::TcpListener,
        thread::JoinHandle,
    };
    use terms::Secret;

    /// Answers one request with the given bytes and gives back what was asked.
    fn server(answer: Vec<u8>) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            loop {
                let read = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let length = text.to_lowercase().split_once("content-length: ").map(|(_, rest)| {
                    rest.split("\r\n").next().unwrap().parse::<usize>().unwrap()
                });
                let body = request.windows(4).position(|w| w == b"\r\n\r\n").map(|at| request.len() - at - 4);
                if read == 0 || body.is_some() && body >= length {
                    // The client may have hung up by then; what it asked is what counts.
                    let _ = stream.write_all(&answer);
                    return text;
                }
            }
        });
        (base, thread)
    }

    fn http(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).into_bytes();
        out.extend_from_slice(body);
        out
    }

    fn engine(base: &str) -> HttpEngine {
        HttpEngine::new(HttpConfig {
            base: base.to_owned(),
            api_key: Some(Secret::new("sk-42".to_owned())),
            model: "tts-1".to_owned(),
            voice: "alloy".to_owned(),
            extra: BTreeMap::from([("speed".to_owned(), "1.1".to_owned())]),
            timeout: Duration::from_millis(1_500),
        })
        .unwrap()
    }

    fn utterance() -> Utterance {
        Utterance { text: "press one".to_owned(), language: "en-US".to_owned(), voice: None }
    }

    #[test]
    fn speech_is_asked_for_as_openai_does() {
        let wav = audio::wav::Wav { rate: 24_000, channels: 1 }.file(&[500; 2_400]);
        let (base, asked) = server(http("200 OK", "audio/wav", &wav));
        let sound = engine(&base).speak(&utterance()).unwrap();
        assert_eq!((sound.rate, sound.samples.len()), (24_000, 2_400));
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("POST /v1/audio/speech HTTP/1.1"), "{asked}");
        assert!(asked.to_lowercase().contains("authorization: bearer sk-42"), "{asked}");
        let body: serde_json::Value = serde_json::from_str(asked.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(body, serde_json::json!({"model": "tts-1", "input": "press one", "voice": "alloy", "response_format": "wav", "speed": "1.1"}));
    }

    #[test]
    fn recordings_are_sent_as_a_form() {
        let (base, asked) = server(http("200 OK", "application/json", br#"{"text":" Hello there. (coughs)","usage":{"type":"x"}}"#));
        let words = engine(&base).recognise(&Pcm { rate: 8_000, samples: vec![0; 800] }, Some("en-US")).unwrap();
        assert_eq!((words.text.as_str(), words.language.as_deref()), ("Hello there.", Some("en-US")));
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("POST /v1/audio/transcriptions HTTP/1.1"), "{asked}");
        for part in ["name=\"file\"; filename=\"speech.wav\"", "name=\"model\"\r\n\r\ntts-1", "name=\"language\"\r\n\r\nen\r\n", "RIFF"] {
            assert!(asked.contains(part), "{part} in {asked}");
        }
    }

    #[test]
    fn bad_answers_are_faults_that_say_why_and_never_the_key() {
        let (base, _asked) = server(http("401 Unauthorized", "text/plain", b"no such key"));
        let fault = engine(&base).speak(&utterance()).unwrap_err().to_string();
        assert!(fault.contains("401") && fault.contains("no such key") && !fault.contains("sk-42"), "{fault}");
        let (base, _asked) = server(http("200 OK", "audio/wav", b"not a wav"));
        assert!(matches!(engine(&base).speak(&utterance()), Err(EngineFault::Failed(_))));
        let (base, _asked) = server(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec());
        assert!(engine(&base).speak(&utterance()).unwrap_err().to_string().contains("302"));
        let (base, _asked) = server(http("200 OK", "application/json", &vec![b' '; limits::ENGINE_TEXT_BYTES_MAX + 10]));
        let fault = engine(&base).recognise(&Pcm { rate: 8_000, samples: vec![0; 80] }, None).unwrap_err().to_string();
        assert!(fault.contains("more than"), "{fault}");
    }

    #[test]
    fn a_server_that_says_nothing_is_left_after_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        assert_eq!(engine(&base).speak(&utterance()), Err(EngineFault::TimedOut(Duration::from_millis(1_500))));
        drop(listener);
        assert!(matches!(engine(&base).speak(&utterance()), Err(EngineFault::Failed(_))));
    }

    #[test]
    fn an_address_must_be_one() {
        for base in ["", "localhost:8000", "ftp://x", "file:///etc/passwd"] {
            let config = HttpConfig { base: base.to_owned(), ..engine("http://127.0.0.1").config };
            assert!(HttpEngine::new(config).is_err(), "{base}");
        }
    }
}
