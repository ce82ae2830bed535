//! A test as text, to paste into a test file.

use super::{
    case::{Act, Case, Claim, Expected},
    mocks::{FULL, HttpMock},
};
use crate::offline::{Answering, Manner, Web};
use std::{fmt::Write as _, time::Duration};
use terms::spell_span;

/// A whole test file of this one test, as found by random callers.
pub(crate) fn paste(flow: &str, case: &Case) -> String {
    let mut out = format!("flow: {}\ntests:\n  - name: {}\n", quoted(flow), quoted(&case.name));
    if let Some(at) = case.begin.at {
        let stamp = at.rfc3339();
        let _ = writeln!(out, "    at: {} UTC", stamp.split('.').next().unwrap_or(&stamp));
    }
    if let Some(number) = &case.begin.number {
        let _ = writeln!(out, "    caller: {{ number: {} }}", quoted(number));
    }
    let mocks = &case.mocks;
    if !mocks.http.is_empty() || !mocks.devices.is_empty() || !mocks.mailboxes.is_empty() {
        out.push_str("    mock:\n");
    }
    if !mocks.mailboxes.is_empty() {
        let one = |(mailbox, messages): (&String, &u32)| format!("{}: {}", quoted(mailbox), if *messages == FULL { "full" } else { "empty" });
        let _ = writeln!(out, "      mailbox: {{ {} }}", mocks.mailboxes.iter().map(one).collect::<Vec<_>>().join(", "));
    }
    for (target, manners) in &mocks.devices {
        let told: Vec<String> = manners.iter().map(manner).collect();
        let told = if let [one] = &told[..] { one.clone() } else { format!("[{}]", told.join(", ")) };
        let _ = writeln!(out, "      {}: {told}", quoted(target));
    }
    if !mocks.http.is_empty() {
        out.push_str("      http:\n");
    }
    for mock in &mocks.http {
        let _ = writeln!(out, "        - {}", http(mock));
    }
    out.push_str("    script:\n");
    if case.script.is_empty() {
        out.push_str("      - silence: 1s\n");
    }
    for step in &case.script {
        let _ = writeln!(out, "      - {}", act(&step.act));
    }
    if !case.expect.is_empty() {
        let _ = writeln!(out, "    expect: {}", claims(&case.expect));
    }
    out
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn manner(manner: &Manner) -> String {
    match manner {
        Manner::Unreachable => "unreachable".to_owned(),
        Manner::Busy => "busy".to_owned(),
        Manner::Decline => "decline".to_owned(),
        Manner::Ring(None) => "ring".to_owned(),
        Manner::Ring(Some(span)) => format!("{{ ring: {} }}", spell_span(*span)),
        Manner::Answer(Answering { after, talk, press, press_after }) => {
            let talk = talk.map(|talk| format!(", talk: {}", spell_span(talk))).unwrap_or_default();
            let press = if press.is_empty() { String::new() } else { format!(", press: {}, press_after: {}", quoted(press), spell_span(*press_after)) };
            format!("{{ answer: {}{talk}{press} }}", spell_span(*after))
        }
    }
}

fn http(mock: &HttpMock) -> String {
    let method = if mock.method == flow::Method::Get { "get" } else { "post" };
    let replies: Vec<String> = mock.replies.iter().map(reply).collect();
    format!("{{ {method}: {}, reply: [{}] }}", quoted(&mock.url), replies.join(", "))
}

fn reply(web: &Web) -> String {
    let delay = if web.delay == Duration::from_millis(20) { String::new() } else { format!(", delay: {}", spell_span(web.delay)) };
    match &web.reply {
        Err(why) => format!("{{ fail: {}{delay} }}", quoted(why)),
        // JSON is YAML.
        Ok(reply) => match &reply.json {
            Some(json) => format!("{{ status: {}, json: {json}{delay} }}", reply.status),
            None => format!("{{ status: {}, text: {}{delay} }}", reply.status, quoted(&reply.text)),
        },
    }
}

fn act(act: &Act) -> String {
    match act {
        Act::Press { keys, interrupts: None } => format!("press: {}", quoted(keys)),
        Act::Press { keys, interrupts: Some(interrupts) } => format!("press: {{ keys: {}, interrupts: {interrupts} }}", quoted(keys)),
        Act::Speak { span, words, over } => {
            let parts = [
                span.map(|span| format!("for: {}", spell_span(span))),
                words.as_ref().map(|words| format!("words: {}", quoted(words))),
                over.then(|| "over: true".to_owned()),
            ];
            format!("speak: {{ {} }}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
        }
        Act::Silence(span) => format!("silence: {}", spell_span(*span)),
        Act::Wait(span) => format!("wait: {}", spell_span(*span)),
        Act::HangUp => "hang_up: true".to_owned(),
        Act::Expect(expected) => format!("expect: {}", claims(expected)),
        // Random callers listen to nothing.
        Act::Hear(_) => "wait: 0s".to_owned(),
    }
}

/// What random callers expect; nothing else comes here.
fn claims(claims: &[Claim]) -> String {
    let one = |claim: &Claim| match &claim.what {
        Expected::NeverSilentFor(span) => Some(format!("never_silent_for: {}", spell_span(*span))),
        Expected::Rescued(rescued) => Some(format!("rescued: {rescued}")),
        Expected::Over(over) => Some(format!("over: {over}")),
        Expected::EndedBy(_) => Some("ended_by: /./".to_owned()),
        Expected::State(_)
        | Expected::Path(_)
        | Expected::Ringing(_)
        | Expected::Talking(_)
        | Expected::Answered(_)
        | Expected::Var(..)
        | Expected::Result(_)
        | Expected::Recording(_)
        | Expected::Voicemail(_)
        | Expected::Webhooks(_)
        | Expected::Http(_) => None,
    };
    format!("{{ {} }}", claims.iter().filter_map(one).collect::<Vec<_>>().join(", "))
}
