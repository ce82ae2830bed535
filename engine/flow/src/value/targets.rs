//! Whom to ring: connections, numbers, trunks, SIP addresses, in groups.

use super::{Findings, Kind, MINUTE_MS, Raw, Step, Thing, Value, read_params, wanted};
use crate::{
    catalogue::{Need, Param, param},
    effect::{Destination, Group, OneTarget, Ring, Target},
    limits::TARGETS,
};
use std::time::Duration;
use terms::Name;

/// A target with more to say than its name.
pub(crate) const TARGET: &[Param] = &[
    param("to", Kind::Any, Need::Required, "whom to ring: one, or a list"),
    param("after", Kind::Span(0, 10 * MINUTE_MS), Need::Default("0s"), "begin this much later"),
    param("timeout", Kind::Span(1_000, 10 * MINUTE_MS), Need::Optional, "give this one up after"),
    param("ring", Kind::Word(&["together", "in_order", "random"]), Need::Default("together"), "order of a list"),
];

pub(super) fn targets(raw: &Raw, findings: &mut Findings) -> Option<Value> {
    let mut left = TARGETS;
    let group = match target(raw, findings, 0, &mut left)? {
        Target::Group(group) => group,
        one @ Target::One(_) => group(vec![one]),
    };
    if group.targets.is_empty() {
        findings.problem("wrong-type", "there is nobody to ring", None);
        return None;
    }
    Some(Value::Group(group))
}

fn group(targets: Vec<Target>) -> Group {
    Group { targets, ring: Ring::Together, after: Duration::ZERO, timeout: None }
}

fn target(raw: &Raw, findings: &mut Findings, depth: usize, left: &mut usize) -> Option<Target> {
    if *left == 0 || depth > 4 {
        findings.problem("wrong-type", format!("more than {TARGETS} targets, or nested deeper than 4"), None);
        return None;
    }
    match raw {
        Raw::List(items) => {
            let mut found = Vec::new();
            for (index, item) in items.iter().enumerate() {
                found.extend(findings.at(Step::Index(index), |findings| target(item, findings, depth + 1, left)));
            }
            Some(Target::Group(group(found)))
        }
        Raw::Map(_) => {
            let args = read_params("a target", TARGET, raw, findings);
            let to = raw.get("to")?;
            let inner = findings.at(Step::Key("to".to_owned()), |findings| target(to, findings, depth + 1, left))?;
            let (after, timeout) = (args.span("after").unwrap_or_default(), args.span("timeout"));
            Some(match inner {
                Target::One(one) => Target::One(OneTarget { after, timeout, ..one }),
                Target::Group(group) => {
                    let ring = match args.word("ring") {
                        Some("in_order") => Ring::InOrder,
                        Some("random") => Ring::Random,
                        Some(_) | None => Ring::Together,
                    };
                    Target::Group(Group { ring, after, timeout, ..group })
                }
            })
        }
        Raw::Text(text) => {
            *left -= 1;
            destination(text, findings).map(|to| Target::One(OneTarget { to, after: Duration::ZERO, timeout: None }))
        }
        Raw::Unknown => {
            // Only its shape is known: a place holder that is never rung.
            let to = Destination::Uri("sip:unknown.invalid".to_owned());
            Some(Target::One(OneTarget { to, after: Duration::ZERO, timeout: None }))
        }
        Raw::Null | Raw::Bool(_) | Raw::Int(_) | Raw::Float(_) => {
            findings.wrong(&wanted(&Kind::Targets), raw);
            None
        }
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=20).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'))
}

fn destination(text: &str, findings: &mut Findings) -> Option<Destination> {
    let clean = !text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"'));
    let lower = text.to_ascii_lowercase();
    let found = if let Some(name) = text.strip_prefix("connection/") {
        Name::new(name).ok().map(|name| {
            findings.mention(Thing::Connection, name.as_str());
            Destination::Connection(name)
        })
    } else if let Some(number) = text.strip_prefix("number/") {
        is_number(number).then(|| {
            findings.mention(Thing::Number, number);
            Destination::Number(number.to_owned())
        })
    } else if let Some(rest) = text.strip_prefix("trunk/") {
        let (name, number) = rest.split_once('/')?;
        Name::new(name).ok().filter(|_| is_number(number)).map(|name| {
            findings.mention(Thing::Trunk, name.as_str());
            Destination::Trunk(name, number.to_owned())
        })
    } else if let Some(place) = text.strip_prefix("park/") {
        crate::actions::park::place(place).map(Destination::Park)
    } else if let Some(name) = text.strip_prefix("queue/") {
        Name::new(name).ok().map(Destination::Queue)
    } else if (lower.starts_with("sip:") || lower.starts_with("sips:")) && clean && text.len() <= 500 {
        let host = text.split_once(':').map_or("", |(_, rest)| rest.rsplit('@').next().unwrap_or_default());
        (!host.is_empty() && !text.contains('?')).then(|| Destination::Uri(text.to_owned()))
    } else {
        None
    };
    if found.is_none() {
        let help = if is_number(text) {
            Some(format!("for a telephone number write number/{text}"))
        } else if Name::new(text).is_ok() {
            Some(format!("for a connection write connection/{text}"))
        } else {
            None
        };
        findings.problem("wrong-type", format!("expected {}, found {text:?}", wanted(&Kind::Targets)), help);
    }
    found
}
