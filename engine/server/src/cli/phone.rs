//! `callflow phone`: a telephone in the terminal. The call is an offline one of room `sim`: no network, no speech models.

mod lines;
mod screen;

use super::{ConfigFile, complain, house::House};
use crate::{config::Faults, serve::clock};
use clap::Args;
use notation::Source;
use screen::{Pace, Screen};
use sim::{
    Booth, Neighbours,
    offline::{Answering, Manner, Offline, Options, Voices},
    testing::{self, TestFile},
};
use std::{
    collections::BTreeMap,
    io::{self, IsTerminal as _},
    process::ExitCode,
    sync::Arc,
    thread::Builder,
};
use switchboard::Inbound;
use terms::{Name, Now, UnixMs};
use voicemail::Mailbox;

/// Wrong usage.
const USAGE: u8 = 2;
/// The tenant of a flow that stands alone.
const REALM: &str = "callflow";

#[derive(Debug, Args)]
pub(super) struct PhoneArgs {
    /// A flow's name, or its file.
    flow: String,
    #[command(flatten)]
    file: ConfigFile,
    /// Who calls: a number or a user.
    #[arg(long, value_name = "NUMBER", default_value = "+15550199")]
    caller: String,
    /// The caller's display name.
    #[arg(long, value_name = "NAME", default_value = "")]
    caller_name: String,
    /// The connection that is called, with its mailbox and settings [default: the first that leads to the flow].
    #[arg(long, value_name = "CONNECTION")]
    to: Option<String>,
    /// When it is: 2026-11-02T10:15, also with a zone: "2026-11-02T10:15 Europe/London" [default: now].
    #[arg(long, value_name = "DATE", value_parser = moment)]
    at: Option<UnixMs>,
    /// This device is busy, as connection/bob or number/+44…; may be repeated, like the next four.
    #[arg(long, value_name = "TARGET")]
    busy: Vec<String>,
    /// This device is answered after three seconds, and talks until somebody hangs up.
    #[arg(long, value_name = "TARGET")]
    answers: Vec<String>,
    /// This device is answered, and presses 1 to accept the call.
    #[arg(long, value_name = "TARGET")]
    accepts: Vec<String>,
    /// Somebody declines at this device.
    #[arg(long, value_name = "TARGET")]
    declines: Vec<String>,
    /// This device is not there. Devices not named ring, and nobody answers.
    #[arg(long, value_name = "TARGET")]
    unreachable: Vec<String>,
    /// Caller, time, devices, web servers and mailboxes of a test; without #NAME the first test of the file.
    #[arg(long, value_name = "FILE.test.yaml#NAME", conflicts_with_all = ["at", "to", "busy", "answers", "accepts", "declines", "unreachable"])]
    mock: Option<String>,
    /// Decides what is left to chance.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
    /// On the screen, time stands until a key is pressed.
    #[arg(long = "virtual")]
    stands: bool,
    /// Lines instead of a screen, also on a terminal.
    #[arg(long)]
    lines: bool,
}

pub(super) fn phone(args: PhoneArgs) -> ExitCode {
    // Flows in Rhai run on the thread of the call.
    let thread = Builder::new().name("phone".to_owned()).stack_size(flow::limits::SCRIPT_STACK);
    thread.spawn(move || talk(&args)).ok().and_then(|thread| thread.join().ok()).unwrap_or(ExitCode::FAILURE)
}

fn talk(args: &PhoneArgs) -> ExitCode {
    let opened = House::open(&args.file.config, &args.flow).map_err(|closed| closed.to_string());
    let (ring, flow) = match opened.and_then(|(house, flow)| Ok((dialled(args, house, &flow)?, flow))) {
        Ok(call) => call,
        Err(why) => {
            complain(&why);
            return ExitCode::from(USAGE);
        }
    };
    let done = if args.lines || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        lines::play(&mut ring(), io::stdin().lock(), &mut io::stdout().lock()).map(|wrong| wrong == 0)
    } else {
        let pace = if args.stands { Pace::Virtual } else { Pace::Real };
        let mut terminal = ratatui::init();
        let done = Screen::new(format!("callflow phone {flow}"), pace, &ring).run(&mut terminal, clock::now);
        ratatui::restore();
        done.map(|()| true)
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            complain(&format!("error: {fault}"));
            ExitCode::FAILURE
        }
    }
}

/// Makes the call, as often as it is asked.
type Ring = Box<dyn Fn() -> Booth>;

fn dialled(args: &PhoneArgs, house: House, flow: &str) -> Result<Ring, String> {
    let Some(mock) = &args.mock else {
        let (options, neighbours) = (options(args, &house, flow)?, neighbours(args));
        return Ok(Box::new(move || Booth::new(Offline::new(&house.flows, options.clone(), Box::new(neighbours.clone())))));
    };
    let (path, name) = mock.split_once('#').map_or((mock.as_str(), None), |(path, name)| (path, Some(name)));
    let text = std::fs::read_to_string(path).map_err(|fault| format!("error: {path}: {fault}"))?;
    let source = Source::new(path, text);
    let file = TestFile::read(&source).map_err(|faults| Faults::of(faults, &source).to_string())?;
    if file.flow != flow {
        return Err(format!("error: {path} tests flow {}, not {flow}", file.flow));
    }
    let at = file.tests.iter().position(|case| name.is_none_or(|name| case.name == name)).ok_or_else(|| {
        let known: Vec<&str> = file.tests.iter().map(|case| case.name.as_str()).collect();
        format!("error: {path} has no test {:?}; there are:\n  {}", name.unwrap_or_default(), known.join("\n  "))
    })?;
    let staging = match &house.config {
        Some(config) => testing::House::of(config.directory.clone(), clock::now()),
        None => testing::House::of_files(&[source], clock::now()),
    };
    Ok(Box::new(move || Booth::new(testing::staged(&file, &file.tests[at], &house.flows, &staging, &Voices::default()))))
}

/// The call as the exchange would make it: the connection's mailbox and settings, the configuration's mailboxes and secrets.
fn options(args: &PhoneArgs, house: &House, flow: &str) -> Result<Options, String> {
    let Now { at, unix } = clock::now();
    let start = Now { at, unix: args.at.unwrap_or(unix) };
    let caller = flow::Caller { number: args.caller.clone(), name: args.caller_name.clone(), connection: None };
    let Some(config) = &house.config else {
        let realm = Name::new(REALM).map_err(|bad| bad.to_string())?;
        let mailboxes = Arc::new(mailboxes_named(house, &realm));
        return Ok(Options { seed: args.seed, caller, mailboxes, ..Options::new(flow, start, realm) });
    };
    let directory = &config.directory;
    let leads_here = |inbound: &Inbound| match inbound {
        Inbound::Flow(own) => own == flow,
        Inbound::Bridge => flow == switchboard::limits::DEFAULT_FLOW,
    };
    let connection = match &args.to {
        Some(name) => Some(directory.connection(name).ok_or_else(|| format!("error: there is no connection {name}"))?),
        None => directory.connections().find(|connection| leads_here(&connection.inbound)),
    };
    let realm = connection.map_or_else(|| directory.default_realm(), |connection| &connection.realm).clone();
    let caller = flow::Caller { connection: directory.user(&realm, &args.caller).map(|own| own.name.to_string()), ..caller };
    Ok(Options {
        seed: args.seed,
        caller,
        dialled: connection.map_or_else(|| flow.to_owned(), |connection| connection.user.clone()),
        connection: connection.map(|connection| connection.name.clone()),
        mailbox: connection.and_then(|connection| connection.mailbox.clone()),
        settings: connection.map(|connection| connection.settings.clone()).unwrap_or_default(),
        secrets: directory.secrets(),
        mailboxes: directory.mailboxes(&realm),
        ..Options::new(flow, start, realm)
    })
}

/// Without a configuration every mailbox that the flows name is there.
fn mailboxes_named(house: &House, realm: &Name) -> BTreeMap<Name, Mailbox> {
    let states = house.flows.names().into_iter().filter_map(|flow| house.flows.outline(flow)).flat_map(|outline| outline.states);
    let names = states.filter_map(|state| Name::new(state.about.strip_prefix("voicemail ")?).ok());
    names.map(|name| (name.clone(), Mailbox::new(realm.clone(), name))).collect()
}

fn neighbours(args: &PhoneArgs) -> Neighbours {
    let answering = |press: &str| {
        let seconds = std::time::Duration::from_secs;
        Manner::Answer(Answering { after: seconds(3), talk: None, press: press.to_owned(), press_after: seconds(2) })
    };
    let all = [
        (&args.busy, Manner::Busy),
        (&args.answers, answering("")),
        (&args.accepts, answering("1")),
        (&args.declines, Manner::Decline),
        (&args.unreachable, Manner::Unreachable),
    ];
    Neighbours(all.into_iter().flat_map(|(targets, manner)| targets.iter().map(move |target| (target.clone(), manner.clone()))).collect())
}

/// `2026-11-02T10:15`, `2026-11-02T10:15:30 Europe/London`; without a zone it is UTC.
fn moment(text: &str) -> Result<UnixMs, String> {
    let (time, zone) = text.split_once(' ').unwrap_or((text, "UTC"));
    let wrong = |_| format!("{text:?} is no time: write 2026-11-02T10:15 or \"2026-11-02T10:15 Europe/London\"");
    let local: jiff::civil::DateTime = time.parse().map_err(wrong)?;
    let moment = local.in_tz(zone.trim()).map_err(wrong)?.timestamp();
    u64::try_from(moment.as_millisecond()).map(UnixMs).map_err(|_| format!("{text:?} is before 1970"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_a_zone_or_are_in_utc() {
        assert_eq!(moment("2026-11-02T10:15").unwrap().rfc3339(), "2026-11-02T10:15:00.000Z");
        assert_eq!(moment("2026-07-02T10:15:30 Europe/London").unwrap().rfc3339(), "2026-07-02T09:15:30.000Z");
        assert!(moment("ten past nine").unwrap_err().contains("is no time"));
        assert!(moment("2026-11-02T10:15 Europe/Atlantis").is_err());
    }
}
