//! Every key of the configuration, written once: the readers of this folder take keys, ranges, words and defaults from here, and
//! `callflow schema config` and `docs/configuration.md` are made of the same lines. A default that depends on something else
//! (the number of cores, another key) is told in the sentence.

use notation::{Field, NAME, Need, Shape, WEB_ADDRESS, field};
use Need::{Default, Optional, Required};
use Shape::{Boolean, Either, Fields, Integer, List, Named, Nothing, OneOf, Resources, Size, Span, Text, Word};

/// Milliseconds of a second, an hour and a day, for the ranges of spans.
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;
/// The longest span there is; for values whose range another room knows and checks.
const ADDRESS: Shape = Shape::Like("^(\\[[0-9a-fA-F:.]+\\]:[0-9]+|[0-9.]+(:[0-9]+)?|[0-9a-fA-F:.]+|[0-9]+)$", "address, port or both");
const E164: Shape = Shape::Like("^\\+[0-9][0-9 ().-]{1,30}$", "number such as +442071838750");
const PREFIX: Shape = Shape::Like("^\\+[0-9]{0,15}$", "prefix such as +44");

/// The top level, in the order of the manual.
pub(super) const ROOT: &[Field] = &[
    field("listen", Fields(LISTEN), Optional, "where SIP is served; without it UDP and TCP at 0.0.0.0:5060, with it only what is written", "{ udp: \"0.0.0.0:5060\", tcp: \"0.0.0.0:5060\" }"),
    field("advertise", Shape::Like("^[0-9a-fA-F:.]+$", "IP address"), Optional, "the IP address that peers are told in Via, Contact and SDP, behind NAT the public one; without it the machine's own", "203.0.113.7"),
    field("rtp", Fields(RTP), Optional, "where media flows", "{ ports: 20000-29999 }"),
    field("codecs", List(&CODEC), Default("[pcmu, pcma, g722, opus, gsm]"), "codecs offered and accepted; a list that is written here decides, best first, else what the peer likes best; connections and trunks may have their own", "[pcma, pcmu]"),
    field("srtp", Word(SRTP), Default("off"), "whether media is protected by SRTP, its keys in SIP (SDES): `off`; `optional`: where the other side can; `required`: always, and who cannot is refused; connections and trunks may have their own", "optional"),
    field("srtp_over_plain_sip", Either(&[Boolean, List(&Text)]), Default("false"), "where keys of SRTP may go in SIP over UDP or TCP, which everybody on the way can read: `false`: to peers on this machine alone; networks: to peers there as well; `true`: everywhere", "[10.0.0.0/8]"),
    field("opus", Fields(OPUS), Optional, "how live sound is encoded as Opus", "{ complexity: 5 }"),
    field("country", Text, Default("us"), "whose dial, ringback, busy and congestion tones are heard, by ISO 3166 code (`eu` for what is usual in Europe)", "de"),
    field("prompts", Fields(PROMPTS), Optional, "how sound files and speech are prepared and kept", "{ loudness: -23, memory: 256MB }"),
    field("folders", Fields(FOLDERS), Optional, "where flows, scripts, prompts and data lie; relative paths begin at the folder of the configuration file", "{ flows: flows, data: /var/lib/callflow }"),
    field("http", Fields(HTTP), Optional, "the API: messages, calls, metrics", "{ listen: \"127.0.0.1:8080\" }"),
    field("speech", Fields(SPEECH), Optional, "voices and recognisers", "{ voices: [piper], recognisers: [whisper] }"),
    field("webhooks", Fields(WEBHOOKS), Optional, "what is told to whom", "{ secret: \"${WEBHOOK_SECRET}\", url: \"https://crm.example/hooks\" }"),
    field("bundles", Either(&[Word(KEEPS), Fields(BUNDLES)]), Default("none"), "which calls are kept as bundles, to be run again by `callflow replay`: none, those in which something went wrong, or all; a word alone, or a section", "{ keep: failed, age_max: 30d }"),
    field("limits", Fields(LIMITS), Optional, "what is bounded", "{ calls_max: 5000, call_length: 4h }"),
    field("log", Fields(LOG), Optional, "what is written about the work, and how", "{ format: text, level: info }"),
    field("realms", Either(&[Resources(REALM, "name"), List(&NAME)]), Optional, "tenants: each connection, number, mailbox and trunk belongs to one; the first is the default; without it one realm `callflow`", "{ callflow: { domains: [pbx.example] } }"),
    field("connections", Resources(CONNECTION, "name"), Optional, "SIP users and what happens when they are called", "{ alice: { password: \"${ALICE}\", mailbox: alice } }"),
    field("numbers", Resources(NUMBER, "number"), Optional, "telephone numbers and where they lead", "{ \"+15550100\": { to: connection/reception } }"),
    field("mailboxes", Resources(MAILBOX, "name"), Optional, "where messages are kept", "{ alice: { greeting: Please leave a message. } }"),
    field("trunks", Resources(TRUNK, "name"), Optional, "other people's SIP services, or a registrar in front of us", "{ acme: { address: \"sip:sip.acme.example\", allow: [\"+44\"] } }"),
    field("outbound", Fields(OUTBOUND), Optional, "what flows may call beside connections, numbers and trunks", "{ sip_hosts: [\"127.0.0.1:15080\"] }"),
    field("secrets", Named(&Text), Optional, "values that flows use as `secret.NAME` and that are never shown", "{ crm: \"${CRM_TOKEN}\" }"),
    field("hours", Named(&Fields(flow::HOURS)), Optional, "opening hours that every flow may ask for: `open(\"NAME\")`", "{ office: { zone: Europe/London, open: { mon-fri: \"09:00-17:30\" } } }"),
];

pub(super) const LISTEN: &[Field] = &[
    field("udp", List(&ADDRESS), Optional, "addresses for UDP, each ADDRESS:PORT, ADDRESS (port 5060) or PORT (of 0.0.0.0); port 0: any free one", "[\"0.0.0.0:5060\", \"[::]:5060\"]"),
    field("tcp", List(&ADDRESS), Optional, "addresses for TCP, likewise", "\"0.0.0.0:5060\""),
];

pub(super) const RTP: &[Field] = &[
    field("address", Shape::Like("^[0-9a-fA-F:.]+$", "IP address"), Optional, "address that media sockets are bound to; without it that of the first listener", "192.0.2.10"),
    field("ports", Shape::Like("^ *[0-9]+ *- *[0-9]+ *$", "range of ports"), Default("20000-29999"), "first and last port, 1024 to 65535; a leg uses an even one (RTP) and the next (RTCP)", "30000-30999"),
];

/// Ways of telephone keys.
const DTMF: Field = field(
    "dtmf",
    Word(&["auto", "rfc4733", "info", "inband"]),
    Default("auto"),
    "how its keys come and go. `auto`: by telephone events (RFC 4733), SIP INFO, and tones in the sound where no events were agreed; a key that comes by several ways is one; sent as events, else as tones. `rfc4733`: events alone are believed. `info`: INFO alone, both ways. `inband`: as `auto`, but tones are listened for in every call, and keys are sent as tones",
    "inband",
);
/// A codec's name in lower case.
const CODEC: Shape = Word(&["pcmu", "pcma", "g722", "opus", "gsm"]);

/// Whether media is protected, the default first.
pub(super) const SRTP: &[&str] = &["off", "optional", "required"];

pub(super) const OPUS: &[Field] = &[field("complexity", Integer(0, 10), Default("5"), "effort of encoding live sound, 0 (cheap) to 10 (best); prompts are encoded once, with 10", "8")];

pub(super) const PROMPTS: &[Field] = &[
    field("loudness", Text, Default("\"-23\""), "LUFS that files, speech, recordings and messages are brought to (EBU R128), -36 to -14; `off`: as they were recorded", "\"-20\""),
    field("as_recorded", List(&Text), Optional, "files or URLs whose loudness is left alone, such as music", "[music.mp3]"),
    field("memory", Size, Default("256MB"), "decoded and encoded sound kept ready to be played, 8MB at least", "1GB"),
];

pub(super) const FOLDERS: &[Field] = &[
    field("flows", Text, Default("flows"), "YAML flows", "/etc/callflow/flows"),
    field("scripts", Text, Default("scripts"), "Rhai flows; it need not exist", "/etc/callflow/scripts"),
    field("prompts", Text, Default("prompts"), "sound files; it need not exist", "/etc/callflow/prompts"),
    field("data", Text, Default("data"), "database, messages, recordings; made when missing", "/var/lib/callflow"),
];

pub(super) const HTTP: &[Field] = &[
    field("listen", Either(&[Word(&["off"]), ADDRESS]), Default("127.0.0.1:8080"), "address and port; `off`: no HTTP", "0.0.0.0:8080"),
    field("tokens", List(&Text), Optional, "callers must bring one of these as `Authorization: Bearer …`, at least 16 characters each; without any only this machine is served", "[\"${API_TOKEN:-0123456789abcdef}\"]"),
    field("public_url", WEB_ADDRESS, Optional, "where the API is reached from outside, for links in webhooks; without it the listener's address", "https://pbx.example"),
];

pub(super) const SPEECH: &[Field] = &[
    field("models", Text, Optional, "folder of installed models; without it that of `callflow models install`", "models"),
    field("cache", Text, Optional, "folder of rendered speech; without it `speech` in the data folder; `off`: none is kept", "/var/cache/callflow"),
    field("cache_max", Size, Default("512MB"), "bytes the cache may hold; the longest unused goes first", "2GB"),
    field("voices", List(&VOICE), Default("[piper]"), "voices in the order they are asked", "[piper, { command: { argv: [espeak-ng, --stdout] } }]"),
    field("recognisers", List(&RECOGNISER), Default("[whisper]"), "recognisers in the order they are asked", "[{ whisper: base }]"),
    field("render_threads", Integer(1, 8), Default("1"), "threads that render speech", "2"),
    field("recognition_threads", Integer(1, 8), Default("1"), "threads that recognise; each takes 150 MB with Whisper tiny", "2"),
];

const VOICE: Shape = Either(&[Word(&["piper"]), OneOf(VOICES)]);
pub(super) const VOICES: &[Field] = &[
    field("piper", Nothing, Optional, "the local Piper voice (en-US)", ""),
    field("command", Fields(COMMAND), Optional, "a program that turns a text into WAV, one process a text, no shell", "{ argv: [espeak-ng, --stdout] }"),
    field("http", Fields(ENGINE), Optional, "a server with the OpenAI-compatible POST /v1/audio/speech", "{ base: \"https://api.example\", model: tts-1, voice: alloy }"),
];
const RECOGNISER: Shape = Either(&[Word(&["whisper"]), OneOf(RECOGNISERS)]);
pub(super) const RECOGNISERS: &[Field] = &[
    field("whisper", Word(WHISPERS), Optional, "local Whisper: `tiny.en` (English; also the bare word) or `base` (many languages)", "base"),
    field("http", Fields(ENGINE), Optional, "a server with the OpenAI-compatible POST /v1/audio/transcriptions", "{ base: \"http://127.0.0.1:9000\", model: whisper-1 }"),
];
/// Models of local Whisper, the default first.
pub(super) const WHISPERS: &[&str] = &["tiny.en", "base"];

pub(super) const COMMAND: &[Field] = &[
    field("argv", List(&Text), Required, "program and arguments; {text}, {voice}, {language} and {out} are replaced inside them; with {out} the WAV is read from that file, else from standard output", "[espeak-ng, --stdout]"),
    field("text", Word(&["stdin", "argument"]), Default("stdin"), "how the text gets in", "argument"),
    field("languages", List(&Text), Optional, "languages it speaks, as primary tags such as en; without any: every one", "[en, de]"),
    field("timeout", ENGINE_TIMEOUT, Default("10s"), "after this the process is killed", "5s"),
];

pub(super) const ENGINE: &[Field] = &[
    field("base", WEB_ADDRESS, Required, "the server, without /v1", "https://api.example"),
    field("api_key", Text, Optional, "sent as `Authorization: Bearer …`", "\"${KEY:-none}\""),
    field("model", Text, Required, "the `model` parameter", "whisper-1"),
    field("voice", Text, Optional, "the `voice` parameter when a flow names none", "alloy"),
    field("extra", Named(&Text), Optional, "more parameters, sent as they are", "{ speed: \"1.1\" }"),
    field("timeout", ENGINE_TIMEOUT, Default("30s"), "for the whole request", "10s"),
];
/// A caller is waiting.
const ENGINE_TIMEOUT: Shape = Span(100, 120 * SECOND);

pub(super) const WEBHOOKS: &[Field] = &[
    field("secret", Shape::Like("^whsec_", "whsec_ and base64"), Optional, "signs every delivery: whsec_ and the base64 of 24 to 64 bytes; without it the server makes one for itself", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"),
    field("url", WEB_ADDRESS, Optional, "endpoint of mailboxes that name none", "https://crm.example/hooks"),
    field("allow_private", List(&Text), Optional, "who may be reached although not public: hosts, host:port, addresses, networks", "[10.0.0.0/8, \"crm.internal:8443\"]"),
    field("sink", ADDRESS, Optional, "address of a built-in endpoint that verifies and prints what it receives, for demonstrations; without `url` mailboxes use it", "127.0.0.1:9099"),
];

/// Which calls are kept as bundles.
pub(super) const KEEPS: &[&str] = &["none", "failed", "all"];

pub(super) const BUNDLES: &[Field] = &[
    field("keep", Word(KEEPS), Default("failed"), "which calls: none, those in which something went wrong (a rescue, a lost leg, a 5xx, a filler), or all", "all"),
    field("folder", Text, Optional, "where they lie; without it `bundles` in the data folder", "/var/lib/callflow/bundles"),
    field("count_max", Integer(1, 1_000_000), Default("1000"), "bundles kept; the oldest go first", "200"),
    field("age_max", Span(60 * SECOND, 3_650 * DAY), Default("14d"), "how long one is kept", "30d"),
    field("size_max", Size, Default("256MB"), "bytes of all together; the oldest go first", "1GB"),
    field("call_max", Size, Default("1MB"), "bytes about which the diary of one call is cut, as the bundle then says", "256kB"),
];

pub(super) const LIMITS: &[Field] = &[
    field("calls_max", Integer(1, 100_000), Default("5000"), "calls at once", "9000"),
    field("calls_a_second", Integer(1, 100_000), Default("200"), "new calls a second from one address", "50"),
    field("calls_a_caller", Integer(1, 100_000), Default("10"), "calls at once of one caller", "2"),
    field("calls_a_stranger", Integer(0, 100_000), Default("50"), "calls at once of one unknown address", "10"),
    field("call_length", Span(SECOND, 7 * DAY), Default("4h"), "longest call", "1h"),
    field("silence", Span(0, HOUR), Default("5s"), "longest silence nobody meant: then the caller hears a filler; 0s: never one", "8s"),
    field("outbound_an_hour", Integer(0, 100_000), Default("60"), "calls to trunks an hour of one caller", "20"),
    field("nonce_life", Span(10 * SECOND, HOUR), Default("5m"), "life of a digest nonce", "1m"),
    field("shards", Integer(1, 64), Optional, "threads that run calls and media; without it one a core", "4"),
    field("disk_reserve", Size, Default("64MB"), "free bytes under which no recording begins (powers of 1024)", "1GB"),
    field("drain", Span(0, DAY), Default("30s"), "how long calls may go on after SIGTERM; a second signal ends at once", "5m"),
];

pub(super) const LOG: &[Field] = &[
    field("format", Word(&["text", "json"]), Default("text"), "lines for people, or one JSON object a line", "json"),
    field("level", Text, Default("info"), "error, warn, info, debug, trace, or a filter such as info,sip=debug", "\"info,sip=debug\""),
];

const REALM_KEY: Field = field("realm", NAME, Optional, "the realm it belongs to; without it the first one", "callflow");

pub(super) const REALM: &[Field] =
    &[field("domains", List(&Text), Optional, "host names and addresses under which phones address it", "[pbx.example, 192.0.2.10]")];

pub(super) const CONNECTION: &[Field] = &[
    REALM_KEY,
    field("user", Text, Optional, "the SIP user; without it the name", "\"1001\""),
    field("password", Text, Optional, "with one, devices may register; without, it is virtual and only runs its flow", "\"${ALICE:-wonderland}\""),
    field("inbound", Text, Default("bridge"), "the flow that answers it, by name; `bridge` is the flow `default`: ring its devices, then take a message", "reception"),
    field("settings", Named(&Text), Optional, "settings of that flow", "{ ring_for: 15s }"),
    field("mailbox", NAME, Optional, "its mailbox", "alice"),
    field("public", Boolean, Default("false"), "whether strangers may call it", "true"),
    field("via", NAME, Optional, "the trunk whose registrar knows its devices; without it our own registrar", "front"),
    field("display", Text, Optional, "the name shown to people it calls", "Alice"),
    field("caller_id", E164, Optional, "the number it presents to trunks", "\"+15550101\""),
    field("codecs", List(&CODEC), Optional, "the only codecs spoken with it, best first: its offers are answered by this order, and it is offered them in this order, but those first which the other side of the call speaks; without it those of the exchange", "[opus, pcma]"),
    field("srtp", Word(SRTP), Optional, "whether its media is protected by SRTP: off, optional, required; without it as with the whole exchange", "required"),
    DTMF,
];

pub(super) const NUMBER: &[Field] = &[
    REALM_KEY,
    field("to", Shape::Like("^(connection|flow)/", "connection/NAME or flow/NAME"), Required, "where it leads", "connection/reception"),
    field("public", Boolean, Default("false"), "whether strangers may call it", "true"),
    field("settings", Named(&Text), Optional, "settings of the flow, with `to: flow/NAME`", ""),
    field("mailbox", NAME, Optional, "the mailbox of its calls, with `to: flow/NAME`", ""),
];

const GREETING: &[Field] = &[
    field("say", Text, Optional, "what is said", "Please leave a message."),
    field("play", Text, Optional, "the file of the prompts folder that is played", "hello.wav"),
];

pub(super) const MAILBOX: &[Field] = &[
    REALM_KEY,
    field("greeting", Either(&[Text, OneOf(GREETING)]), Optional, "said or played before the beep; a text alone is said; without it a standard text", "{ say: Please leave a message. }"),
    field("messages_max", Integer(1, 10_000), Default("100"), "messages it holds", "500"),
    field("length_max", Span(SECOND, HOUR), Default("3m"), "longest message", "10m"),
    field("discard_under", Span(0, HOUR), Default("2s"), "shorter messages are discarded", "1s"),
    field("keep", Span(60 * SECOND, 3_650 * DAY), Default("90d"), "how long a message is kept", "30d"),
    field("announce_only", Boolean, Default("false"), "only the greeting, no message", "true"),
    field("webhook", WEB_ADDRESS, Optional, "endpoint for its events; without it `webhooks: url`", "https://crm.example/alice"),
    field("transcribe", Boolean, Default("true"), "whether messages are written down", "false"),
    field("language", Text, Optional, "language of its messages; without it the recogniser finds it", "en"),
    field("pin", Text, Optional, "asked of whoever listens by phone: 4 to 10 digits, or the hash that `callflow pin` prints; without it only the owner's own devices may", "\"${ALICE_PIN:-4711}\""),
    field("pin_for_owner", Boolean, Default("true"), "whether the owner's own devices, proven by their password, are asked for it too", "false"),
    field("zone", Text, Default("UTC"), "time zone in which times are told", "Europe/London"),
];

pub(super) const TRUNK: &[Field] = &[
    REALM_KEY,
    field("address", Text, Required, "where it is: sip:HOST;transport=tcp or HOST:PORT", "\"sip:sip.acme.example;transport=tcp\""),
    field("sources", List(&Text), Optional, "addresses and networks whose requests are believed to be its; without any it never calls in", "[192.0.2.0/24]"),
    field("allow", List(&PREFIX), Optional, "prefixes it may be asked to dial; without any: no number", "[\"+44\"]"),
    field("deny", List(&PREFIX), Optional, "prefixes it is never asked to dial; the longer prefix wins", "[\"+449\"]"),
    field("format", Word(&["plus", "plain", "00"]), Default("plus"), "how it wants numbers: +44…, 44… or 0044…", "plain"),
    field("caller_id", E164, Optional, "presented when the caller has no number of ours", "\"+15550100\""),
    field("identity", Boolean, Default("false"), "whether P-Asserted-Identity is believed and sent", "true"),
    field("codecs", List(&CODEC), Optional, "the only codecs spoken with it, best first: its offers are answered by this order, and it is offered them in this order, but those first which the other side of the call speaks; without it those of the exchange", "[pcma]"),
    field("srtp", Word(SRTP), Optional, "whether its media is protected by SRTP: off, optional, required; without it as with the whole exchange", "required"),
    DTMF,
];

pub(super) const OUTBOUND: &[Field] = &[field(
    "sip_hosts",
    Either(&[Word(&["any"]), List(&Text)]),
    Optional,
    "hosts whose sip: addresses flows may call, or `any`; without it none",
    "[\"127.0.0.1:15080\"]",
)];
