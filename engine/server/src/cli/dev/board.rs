//! What `callflow dev` knows at one moment: the check, the tests, the calls, the last webhook. News in, lines out; a screen draws it.

use api::CallView;
use std::collections::VecDeque;

/// Lines of the log kept (chosen: a few screens).
const LOG_MAX: usize = 200;

/// How the files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// The set of this number is in use.
    Good {
        /// Counts good sets from 1.
        number: u64,
        /// Flows in it.
        flows: usize,
    },
    /// The files are refused; the set before stays in use.
    Faults(String),
}

/// How one test went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tested {
    /// The file it is in.
    pub(super) file: String,
    /// Its name.
    pub(super) name: String,
    /// What went wrong, as `callflow test` tells it; nothing when it passed.
    pub(super) failure: Option<String>,
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// Nothing before the server runs.
    pub(super) check: Option<Check>,
    /// Sets taken or refused since the start.
    pub(super) reloads: u32,
    /// Results of the tests run last, and the paths whose change they answer.
    pub(super) tests: Vec<Tested>,
    pub(super) after: Vec<String>,
    pub(super) running: bool,
    pub(super) calls: Vec<CallView>,
    /// Type and id of the last webhook, and how many there were.
    pub(super) webhook: Option<(String, String)>,
    pub(super) webhooks: u32,
    pub(super) log: VecDeque<String>,
}

impl Board {
    /// A set was taken.
    pub(super) fn loaded(&mut self, number: u64, flows: usize) -> String {
        self.reloads += 1;
        self.check = Some(Check::Good { number, flows });
        format!("check: good, version {number}, flows: {flows}")
    }

    /// A set was refused.
    pub(super) fn refused(&mut self, faults: String) -> String {
        self.reloads += 1;
        let line = format!("check: refused, the version before stays in use\n{faults}");
        self.check = Some(Check::Faults(faults));
        line
    }

    /// Tests were run.
    pub(super) fn tested(&mut self, tests: Vec<Tested>) -> String {
        self.running = false;
        self.tests = tests;
        let failed: Vec<&Tested> = self.tests.iter().filter(|test| test.failure.is_some()).collect();
        let mut line = match self.tests.len() {
            0 => "tests: none is touched".to_owned(),
            all => format!("tests: {} passed, {} failed", all - failed.len(), failed.len()),
        };
        for test in failed {
            line.push('\n');
            line.push_str(test.failure.as_deref().unwrap_or_default());
        }
        line
    }

    /// The calls under way, when they differ from those before.
    pub(super) fn calls(&mut self, calls: Vec<CallView>) -> Option<String> {
        let before = std::mem::replace(&mut self.calls, calls);
        (before != self.calls).then(|| {
            let told: Vec<String> = self.calls.iter().map(|call| format!("{} > {} ({})", call.from, call.to, call.state)).collect();
            if told.is_empty() { "calls: none".to_owned() } else { format!("calls: {}", told.join(", ")) }
        })
    }

    /// The sink received a webhook.
    pub(super) fn webhook(&mut self, kind: String, id: String) -> String {
        self.webhooks += 1;
        let line = format!("webhook {kind} ({id})");
        self.webhook = Some((kind, id));
        line
    }

    /// A line of the log.
    pub(super) fn logged(&mut self, line: String) {
        if self.log.len() == LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    /// Whether everything is as it should be.
    pub(super) fn is_green(&self) -> bool {
        matches!(self.check, Some(Check::Good { .. })) && self.tests.iter().all(|test| test.failure.is_none())
    }
}
