//! The configuration: one YAML file becomes one checked value, or all that is wrong with it.
//!
//! ```yaml
//! listen: { udp: "0.0.0.0:5060", tcp: "0.0.0.0:5060" }   # Listen
//! advertise: 203.0.113.7                                 # the address that peers are told
//! rtp: { ports: 20000-29999 }                            # Rtp
//! codecs: [pcmu, pcma, g722, opus, gsm]                  # best first; connections and trunks may have their own
//! srtp: optional                                         # protected media: off, optional, required
//! srtp_over_plain_sip: [10.0.0.0/8]                      # where its keys may go in SIP that is not encrypted
//! opus: { complexity: 5 }                                # effort of encoding live sound: 0 (cheap) – 10 (best)
//! country: de                                            # whose ringback, busy and dial tones are heard
//! prompts: { loudness: -23, as_recorded: [music.mp3] }   # Prompts
//! folders: { flows: flows, data: data }                  # Folders
//! http: { listen: "127.0.0.1:8080" }                     # Http
//! speech: { voices: [piper], recognisers: [whisper] }    # speech::SpeechConfig, see config/speech.rs
//! webhooks: { secret: "${WEBHOOK_SECRET}" }              # Webhooks
//! bundles: failed                                        # Bundles: calls kept to be run again
//! limits: { calls_max: 5000, call_length: 4h }           # Limits
//! log: { format: text, level: info }                     # Log
//! realms: { callflow: { domains: [pbx.example] } }       # the first is the default
//! connections: { alice: { password: "${ALICE}", mailbox: alice } }
//! numbers: { "+15550100": { to: connection/alice } }
//! mailboxes: { alice: { greeting: { say: Please leave a message. } } }
//! trunks: { acme: { address: "sip:sip.acme.example", allow: ["+44"] } }
//! outbound: { sip_hosts: ["127.0.0.1:15080"] }           # `sip:` addresses that flows may dial; `any` for all
//! secrets: { crm: "${CRM_TOKEN}" }                       # `${secret.crm}` in flows
//! hours: { office: { zone: Europe/London, open: { mon-fri: "09:00-17:30" } } }
//! ```
//!
//! Every key may be left out. Unknown keys and wrong values are refused, all at once, with their places. `${NAME}` is replaced
//! from the environment in every value, so that secrets stay out of the file (`${NAME:-default}`, and `$${` for a plain `${`).
//! Durations carry a unit: `800ms 5s 2m 1h 90d`. Relative paths begin at the folder of the file. A list of one may be written
//! as its item.

mod address;
mod bundles;
mod clash;
mod faults;
mod flows;
mod keys;
mod outline;
mod pins;
mod places;
mod read;
mod resources;
mod server;
mod speech;

#[cfg(test)]
mod tests;


pub(crate) use address::primary_address;
pub(crate) use bundles::Bundles;
pub(crate) use faults::Faults;
pub(crate) use flows::{Checked, check_alone, check_flows, load_alone, load_flows, load_materials, load_with_hours, test_files, version_on_disk};
pub(crate) use outline::{Outline, Refused};
pub(crate) use pins::salt;

use ::speech::SpeechConfig;
use audio::tone::Country;
use notation::Source;
use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use switchboard::{Directory, OverPlainSip};
use terms::{Codec, Codecs, Secret, Srtp};

/// The whole configuration, checked.
#[derive(Debug)]
pub(crate) struct Config {
    /// The file as read, for showing faults that are found later.
    pub(crate) source: Source,
    /// `listen:` where SIP is served.
    pub(crate) listen: Listen,
    /// `advertise:` the IP address that peers are told in Via, Contact and SDP; none: see [`Config::reachable_at`].
    pub(crate) advertise: Option<IpAddr>,
    /// `rtp:` where media flows.
    pub(crate) rtp: Rtp,
    /// `codecs:` offered and accepted, best first; default: all of them, as the peer likes.
    pub(crate) codecs: Codecs,
    /// `srtp:` whether media is protected; default off.
    pub(crate) srtp: Srtp,
    /// `srtp_over_plain_sip:` where its keys may go in UDP and TCP; default: to this machine alone.
    pub(crate) srtp_over_plain_sip: OverPlainSip,
    /// `opus: complexity:` the effort of encoding live sound, 0–10, default 5. Prompts are encoded once, with 10.
    pub(crate) opus_complexity: u8,
    /// `country:` whose network tones (dial, ringback, busy, congestion) are heard, by ISO 3166 code; default `us`.
    pub(crate) country: Country,
    /// `prompts:` how sounds are prepared and kept.
    pub(crate) prompts: Prompts,
    /// `folders:` where flows, scripts, prompts and data lie.
    pub(crate) folders: Folders,
    /// `http:` the API.
    pub(crate) http: Http,
    /// `speech:` voices and recognisers.
    pub(crate) speech: SpeechConfig,
    /// `webhooks:` what is told to whom.
    pub(crate) webhooks: Webhooks,
    /// `bundles:` which calls are kept to be run again; `None`: none.
    pub(crate) bundles: Option<Bundles>,
    /// `limits:` what is bounded.
    pub(crate) limits: Limits,
    /// `log:` what is written and how.
    pub(crate) log: Log,
    /// `realms:`, `connections:`, `numbers:`, `mailboxes:`, `trunks:`, `outbound:` and `secrets:`, checked as one.
    pub(crate) directory: Arc<Directory>,
    /// What its flows are checked against.
    pub(crate) outline: Outline,
    /// What its owner should know.
    pub(crate) warnings: Faults,
}

/// `listen:` where SIP is served. Without it both transports at `0.0.0.0:5060`; with it, only what is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    /// `udp:` addresses, each `ADDRESS:PORT`, `ADDRESS` (port 5060) or `PORT` (of `0.0.0.0`). Port 0: any free one.
    pub(crate) udp: Vec<SocketAddr>,
    /// `tcp:` addresses, likewise.
    pub(crate) tcp: Vec<SocketAddr>,
}

/// `rtp:` where media flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rtp {
    /// `address:` bound by media sockets; default: the address of the first listener.
    pub(crate) address: IpAddr,
    /// `ports:` first and last port, 1024–65535, default `20000-29999`. A leg uses an even one (RTP) and the next (RTCP).
    pub(crate) ports: RangeInclusive<u16>,
}

/// `prompts:` how sound files and speech are prepared and kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prompts {
    /// `loudness:` LUFS that files, speech, recordings and messages are brought to (EBU R128), −36 to −14, default −23; `off`: as they were recorded.
    pub(crate) loudness: Option<f32>,
    /// `as_recorded:` names of files (or URLs) whose loudness is left alone, such as music.
    pub(crate) as_recorded: Vec<String>,
    /// `memory:` bytes of decoded and encoded sound kept ready to be played, 8MB–64GB, default `256MB`.
    pub(crate) memory: u64,
}

impl Prompts {
    /// The loudness a file is brought to.
    #[must_use]
    pub(crate) fn of(&self, name: &str) -> Option<f32> {
        self.loudness.filter(|_| !self.as_recorded.iter().any(|other| other == name))
    }
}

/// `folders:` paths, relative to the folder of the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folders {
    /// `flows:` YAML flows; default `flows`.
    pub(crate) flows: PathBuf,
    /// `scripts:` Rhai flows; default `scripts`. It need not exist.
    pub(crate) scripts: PathBuf,
    /// `prompts:` sound files; default `prompts`. It need not exist.
    pub(crate) prompts: PathBuf,
    /// `data:` database, messages, recordings; default `data`; made when missing.
    pub(crate) data: PathBuf,
}

/// `http:` the API.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    /// `listen:` address and port, default `127.0.0.1:8080`; `off`: no HTTP.
    pub(crate) listen: Option<SocketAddr>,
    /// `tokens:` callers must bring one of these (`Authorization: Bearer …`, at least 16 characters each). None: only this machine is
    /// served.
    pub(crate) tokens: Vec<Secret<String>>,
    /// `public_url:` under which the API is reached from outside, for links in webhooks; no slash at its end. Default:
    /// `http://` and [`Config::reachable_at`] the listener (known once that is bound, hence `None` here).
    pub(crate) public_url: Option<String>,
}

/// `webhooks:` what is told to whom.
#[derive(Clone, Debug)]
pub(crate) struct Webhooks {
    /// `secret:` signs every delivery: `whsec_` and the base64 of 24 to 64 bytes. `None`: the server makes one for itself.
    pub(crate) secret: Option<Secret<String>>,
    /// `url:` endpoint of mailboxes that name none. Already written into the mailboxes of the directory.
    pub(crate) url: Option<String>,
    /// `allow_private:` who may be reached although not public: hosts, `host:port`, addresses, networks. The sink is among them.
    pub(crate) allow_private: Vec<store::Allowed>,
    /// `sink:` address of a built-in endpoint that verifies and prints what it receives; for demonstrations. Without `url:`, mailboxes
    /// use it.
    pub(crate) sink: Option<SocketAddr>,
}

/// `limits:` what is bounded. Those of `switchboard::Limits` are keys here under their own names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// `calls_max` 1–100,000 [5000], `calls_a_second` 1–100,000 [200], `calls_a_caller` 1–100,000 [10], `calls_a_stranger`
    /// 0–100,000 [50], `call_length` 1s–7d [4h], `silence` 0s–1h [5s]: a caller who hears nothing for longer hears
    /// a filler, `0s` never; `outbound_an_hour` 0–100,000 [60], `nonce_life` 10s–1h [5m].
    pub(crate) calls: switchboard::Limits,
    /// `shards:` threads that run calls and media, 1–64; default: one a core.
    pub(crate) shards: usize,
    /// `disk_reserve:` free bytes under which no recording begins, `64MB` by default (`kB MB GB`, powers of 1024).
    pub(crate) disk_reserve: u64,
    /// `drain:` how long calls may go on after SIGTERM, 0s–24h, default 30s. A second signal ends at once.
    pub(crate) drain: Duration,
}

/// `log:` what is written and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// `format:` `text` (default) or `json`.
    pub(crate) format: LogFormat,
    /// `level:` a filter such as `info` (default) or `info,sip=debug`.
    pub(crate) level: String,
}

/// The look of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The JSON Schema (2020-12) of configuration files: editors complete and explain every key by it.
#[must_use]
pub(crate) fn schema() -> serde_json::Value {
    let mut schema = notation::schema_of(&notation::Shape::Fields(keys::ROOT), "");
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "callflow configuration".into();
    schema["description"] = "The file that `callflow serve` and `callflow check` read. ${NAME} is replaced from the environment in every value.".into();
    // An empty file is a house with every default.
    schema["type"] = serde_json::json!(["object", "null"]);
    schema
}

impl Config {
    /// Every codec that some peer may speak: prompts are made ready in each of them.
    #[must_use]
    pub(crate) fn codecs_spoken(&self) -> Vec<Codec> {
        let connections = self.directory.connections().filter_map(|connection| connection.codecs.as_ref());
        let trunks = self.directory.trunks().filter_map(|trunk| trunk.codecs.as_ref());
        let lists: Vec<&Codecs> = std::iter::once(&self.codecs).chain(connections).chain(trunks).collect();
        Codec::ALL.into_iter().filter(|codec| lists.iter().any(|codecs| codecs.list.contains(codec))).collect()
    }

    /// Reads and checks a file; `${NAME}` comes from the environment.
    ///
    /// # Errors
    /// All faults of the file, ready to be shown. Flows are not looked at: [`load_flows`] does.
    pub(crate) fn read(path: &Path) -> Result<Self, Faults> {
        Self::inspect(path).map_err(|refused| refused.faults)
    }

    /// The same for a checker, which also wants what could be read of a bad file.
    ///
    /// # Errors
    /// All faults of the file, and its outline.
    pub(crate) fn inspect(path: &Path) -> Result<Self, Refused> {
        read::file(path)
    }

    /// The address under which a listener is reached by peers: `advertise:`; else the address it is bound to; else, when that is
    /// `0.0.0.0` or `::`, the machine's primary address (that of its default route; 127.0.0.1 when it has none).
    #[must_use]
    pub(crate) fn reachable_at(&self, bound: IpAddr) -> IpAddr {
        match self.advertise {
            Some(address) => address,
            None if bound.is_unspecified() => primary_address(bound.is_ipv6()),
            None => bound,
        }
    }

    /// All files that a reload reads, for a watcher: the configuration file, then the folders of flows, scripts and prompts.
    #[must_use]
    pub(crate) fn watched(&self) -> [PathBuf; 4] {
        let Folders { flows, scripts, prompts, data: _ } = &self.folders;
        [PathBuf::from(&*self.source.path), flows.clone(), scripts.clone(), prompts.clone()]
    }
}
