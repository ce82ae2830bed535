//! The room's stories: every diagnostic against its golden file, the pages of the manual, and calls from the first effect to the end.

mod check;
mod journal;
mod language;
mod manual;
mod meetings;
mod play;
mod rescue;
mod scripts;
mod soup;

use crate::{CallFacts, Caller, FlowSet, Line, Next, Outcome, Run, World};
use notation::Source;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use terms::{Now, Secret, UnixMs};

fn names(list: &[&str]) -> Option<BTreeSet<String>> {
    Some(list.iter().map(|name| (*name).to_owned()).collect())
}

/// Everything the tests' flows may name.
fn world() -> World {
    World {
        connections: names(&["alice", "bob", "reception"]),
        numbers: names(&["+15550100"]),
        mailboxes: names(&["sales", "reception", "alice"]),
        trunks: names(&[]),
        prompts: names(&["welcome.wav"]),
        secrets: names(&["token"]),
        hours: BTreeMap::new(),
        wanted: BTreeSet::new(),
    }
}

fn facts() -> CallFacts {
    CallFacts {
        caller: Caller { number: "+441632960001".into(), name: String::new(), connection: None },
        line: Line {
            id: "call-1".into(),
            connection: Some("alice".into()),
            number: "+15550100".into(),
            mailbox: Some("alice".into()),
            started: UnixMs(1_793_614_500_000),
        },
        settings: BTreeMap::new(),
        secrets: Arc::new(BTreeMap::from([("token".to_owned(), Secret::new("s3cr3t".to_owned()))])),
    }
}

#[expect(clippy::disallowed_methods, reason = "an origin for virtual time")]
fn origin() -> Now {
    // Monday 2026-11-02 10:15 UTC.
    Now { at: std::time::Instant::now(), unix: UnixMs(1_793_614_500_000) }
}

fn load(text: &str) -> FlowSet {
    FlowSet::load(vec![Source::new("flows/test.yaml", text)], &world()).unwrap_or_else(|faults| panic!("{}", show(&faults)))
}

fn load_script(text: &str) -> FlowSet {
    FlowSet::load(vec![Source::new("scripts/test.rhai", text)], &world()).unwrap_or_else(|faults| panic!("{}", show(&faults)))
}

/// Several files.
fn load_all(files: &[(&str, &str)]) -> FlowSet {
    FlowSet::load(sources(files), &world()).unwrap_or_else(|faults| panic!("{}", show(&faults)))
}

fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    files.iter().map(|(path, text)| Source::new(*path, *text)).collect()
}

/// `path:line:column: message (help)` of all faults.
fn faults(files: &[(&str, &str)]) -> Vec<String> {
    let faults = FlowSet::load(sources(files), &world()).err().unwrap_or_default();
    faults.iter().map(|fault| fault.to_string().replace(": error", "")).collect()
}

fn show(faults: &[notation::Fault]) -> String {
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

/// One call as text: `effect -> outcome` for each of the outcomes given, and how it ended.
struct Call {
    run: Run,
    next: Option<Next>,
    now: Now,
    told: Vec<String>,
}

impl Call {
    fn begin(set: &FlowSet, flow: &str, facts: CallFacts) -> Self {
        let (mut run, now) = (Run::start(set.clone(), flow, facts), origin());
        let next = run.next(None, now);
        let mut call = Self { run, next: Some(next), now, told: Vec::new() };
        call.settle();
        call
    }
    /// Runs script jobs until an effect or the end.
    fn settle(&mut self) {
        while let Some(Next::Script(_)) = &self.next {
            let Some(Next::Script(job)) = self.next.take() else { return };
            let reply = job.execute();
            self.next = Some(self.run.resume(reply, self.now));
        }
        match &self.next {
            Some(Next::Effect(_)) => self.told.push(self.run.journal().last().map(|entry| entry.effect.clone()).unwrap_or_default()),
            Some(Next::End(end)) => self.told.push(format!("{end:?}")),
            Some(Next::Script(_)) | None => {}
        }
    }
    fn outcome(mut self, outcome: Outcome) -> Self {
        if let Some(told) = self.told.last_mut() {
            told.push_str(&format!(" -> {}", outcome.name));
        }
        self.now = self.now.later(Duration::from_secs(1));
        self.next = Some(self.run.next(Some(outcome), self.now));
        self.settle();
        self
    }
    fn then(self, name: &str) -> Self {
        self.outcome(Outcome::new(name))
    }
    fn leaves(mut self) -> Self {
        self.next = Some(self.run.caller_left(self.now));
        self.told.push("caller left".to_owned());
        self.settle();
        self
    }
    fn fails(mut self, what: &str) -> Self {
        self.next = Some(self.run.failed(what, self.now));
        self.told.push(format!("failure: {what}"));
        self.settle();
        self
    }
    #[track_caller]
    fn went(&self, expected: &[&str]) {
        assert_eq!(self.told, expected);
    }
}
