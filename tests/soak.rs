//! Many reloads under live calls (RELIABILITY R17, F4): half-written files, faults, renames, deletions. No call is touched, no bad
//! version is ever used, new calls have the new version within half a second of a good write.
//!
//! `CALLFLOW_RELOADS=1000` lets it go on for so many, with the promise held to nearly each; without it a short form runs, which a
//! busy machine may slow.

use crate::peers::exchange::{Exchange, House, must, s};
use crate::peers::process::{clock, wait_for};
use crate::reload::{listener, must_hear_now};
use phone::{Handset, Step};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

const CALLS: usize = 50;
/// Reloads when nobody asks for more.
const RELOADS: usize = 60;
/// How soon a good version must be used.
const PROMISED: Duration = Duration::from_millis(500);
/// How long a test on a busy machine waits for it at most.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The flow that everybody calls, with the number of its version in it.
fn good(number: usize) -> String {
    let prompt = if number.is_multiple_of(2) { "welcome.wav" } else { "second.wav" };
    format!("# good {number}.\nflow: radio\nstart: on\nstates:\n  on:\n    - answer: {{}}\n    - play: {{ prompt: [{{ play: {prompt} }}], loop: 0 }}\n      then: end\n")
}

/// Texts that are no flow, each in its own way; the first is a write that stopped in the middle.
fn bad(number: usize) -> String {
    let whole = good(number).replace("good", "bad");
    match number % 5 {
        0 => whole[..whole.len() - 30].to_owned(),
        1 => whole.replace("then: end", "then: nowhere"),
        2 => whole.replace("loop: 0", "lop: 0"),
        3 => format!("{whole}\u{0}"),
        _ => whole.replace(".wav", ".mp9"),
    }
}

struct Desk<'e> {
    exchange: &'e Exchange,
    flows: PathBuf,
    /// Files beside the one that is called, to be made and deleted.
    others: Vec<PathBuf>,
}

impl Desk<'_> {
    fn hash(&self) -> String {
        self.exchange.get("/v1/flows")["hash"].as_str().unwrap().to_owned()
    }

    /// What the version of this hash is, by its own word.
    fn number_of(&self, hash: &str) -> String {
        let version = self.exchange.get(&format!("/v1/flows/versions/{hash}"));
        let files = version["files"].as_array().unwrap();
        let radio = files.iter().find(|file| file["path"].as_str().unwrap().ends_with("/radio.yaml")).unwrap();
        radio["text"].as_str().unwrap().lines().next().unwrap().to_owned()
    }

    fn radio(&self) -> PathBuf {
        self.flows.join("radio.yaml")
    }

    /// Replaces the file as editors do.
    fn swap(&self, text: &str) {
        let part = self.flows.join(".radio.yaml.new");
        fs::write(&part, text).unwrap();
        fs::rename(part, self.radio()).unwrap();
    }

    /// One good change, in one of the ways files change.
    fn change(&mut self, number: usize) {
        let other = |number: usize| self.flows.join(format!("other-{number}.yaml"));
        let spare = |number: usize| format!("flow: other-{number}\nstart: a\nstates: {{ a: {{ hangup: {{}} }} }}\n");
        match number % 6 {
            0 | 1 => fs::write(self.radio(), good(number)).unwrap(),
            2 => self.swap(&good(number)),
            3 => {
                fs::write(other(number), spare(number)).unwrap();
                self.others.push(other(number));
                self.swap(&good(number));
            }
            // A file is swapped in by a rename and deleted at once: whoever believes single events sees a file made and removed.
            4 => {
                let path = self.others.pop().unwrap_or_else(|| other(number));
                let part = self.flows.join("other.part");
                fs::write(&part, spare(number)).unwrap();
                fs::rename(&part, &path).unwrap();
                fs::remove_file(&path).unwrap();
                self.swap(&good(number));
            }
            // Half of it, and soon the rest.
            _ => {
                let text = good(number);
                fs::write(self.radio(), &text[..text.len() / 2]).unwrap();
                fs::write(self.radio(), text).unwrap();
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "the figures of a run that somebody asked for")]
fn told(text: &str) {
    eprintln!("{text}");
}

#[test]
fn r17_reloads_touch_no_call_and_nothing_bad_is_ever_used() {
    let asked = std::env::var("CALLFLOW_RELOADS").ok().and_then(|text| text.parse().ok());
    let reloads: usize = asked.unwrap_or(RELOADS);
    let mut exchange = Exchange::start(&House::default());
    let flows = exchange.folder().path().join("flows");
    let mut desk = Desk { exchange: &exchange, flows, others: Vec::new() };
    let before = desk.hash();
    desk.swap(&good(0));
    wait_for("the first version to be used", WAIT_MAX, || (desk.hash() != before).then_some(()));
    let calls: Vec<Handset> = (0..CALLS).map(|_| listener(desk.exchange)).collect();
    let first = desk.hash();

    let (mut took, mut refused) = (Vec::new(), 0);
    for number in 1..=reloads {
        let before = desk.hash();
        if number % 10 < 3 {
            fs::write(desk.radio(), bad(number)).unwrap();
            let marks = ["radio.yaml", "unreadable"];
            wait_for("a bad file to be told of", WAIT_MAX, || {
                let fault = desk.exchange.get("/v1/flows")["last_fault"].as_str().map(str::to_owned);
                fault.filter(|fault| marks.iter().any(|mark| fault.contains(mark)))
            });
            refused += 1;
            assert_eq!(desk.hash(), before, "a bad file is used");
            // What is bad is bad however often it is asked for.
            assert_eq!(desk.exchange.request("POST", "/v1/reload").0, 422);
            continue;
        }
        desk.change(number);
        let written = clock();
        let wanted = format!("# good {number}.");
        wait_for(&format!("version {number} to be used"), WAIT_MAX, || {
            let now = desk.hash();
            (now != before && desk.number_of(&now) == wanted).then_some(())
        });
        took.push(clock() - written);
        if number % 20 == 13 {
            let phone = listener(desk.exchange);
            must_hear_now(&phone, if number.is_multiple_of(2) { 500.0 } else { 1_000.0 });
            must(&phone, Step::HangUp);
        }
    }

    // A deleted file is missed, too, without any other change.
    let last = format!("# good {}.", reloads + 1);
    desk.swap(&good(reloads + 1));
    let before = wait_for("the last version to be used", WAIT_MAX, || Some(desk.hash()).filter(|now| desk.number_of(now) == last));
    let spare = desk.flows.join("spare.yaml");
    fs::write(&spare, "flow: spare\nstart: a\nstates: { a: { hangup: {} } }\n").unwrap();
    let with = wait_for("a new file to be used", WAIT_MAX, || Some(desk.hash()).filter(|now| *now != before));
    fs::remove_file(&spare).unwrap();
    wait_for("a deleted file to be missed", WAIT_MAX, || (desk.hash() == before && with != before).then_some(()));

    took.sort();
    let late = took.iter().filter(|took| **took > PROMISED).count();
    let middle = took[took.len() / 2];
    // For whoever runs the long form: `--nocapture`.
    told(&format!("{reloads} reloads, {refused} refused; used after {middle:?} in the middle, {:?} at worst, {late} late", took[took.len() - 1]));
    assert!(refused * 10 >= reloads * 2, "{refused} of {reloads} were bad");
    assert!(middle < PROMISED, "{took:?}");
    assert!(asked.is_none() || late * 100 <= took.len(), "{late} of {} are late: {took:?}", took.len());

    // Nothing bad was ever used: every version that was is kept with its files.
    let listed = desk.exchange.get("/v1/flows/versions");
    let versions = listed["versions"].as_array().unwrap();
    assert!(versions.len() >= took.len().min(190), "{} versions are kept", versions.len());
    for version in versions {
        let text = desk.exchange.get(&format!("/v1/flows/versions/{}", version["hash"].as_str().unwrap())).to_string();
        assert!(!text.contains("# bad"), "{version:#}");
    }

    // Nobody was touched: every call stands, and hears what it heard, without a gap.
    assert_eq!(desk.exchange.get("/v1/calls")["calls"].as_array().map(Vec::len), Some(CALLS));
    for call in &calls {
        let silence = call.report().longest_silence;
        assert!(silence < s(1), "{silence:?} of silence:\n{}", call.timeline());
    }
    for call in calls.iter().step_by(10) {
        must_hear_now(call, 500.0);
    }
    for call in &calls {
        must(call, Step::HangUp);
    }
    exchange.must_be_quiet();
    let of_first = format!("\"version\":\"{first}\"");
    wait_for("a record of each call with the version it began with", s(10), || {
        let records = fs::read_to_string(exchange.folder().path().join("data/calls.jsonl")).ok()?;
        (records.lines().filter(|line| line.contains(&of_first)).count() == CALLS).then_some(())
    });
}
