//! Clashes between resources, told at both places.

use super::places::{Place, Places};
use notation::{Reader, Span};
use switchboard::Clash;

/// Notes a clash where the later resource is written, and says where the earlier one is.
pub(super) fn tell(reader: &mut Reader, places: &Places, clash: &Clash) {
    let message = clash.to_string();
    match clash {
        Clash::NoRealm => error(reader, Span::default(), message, None),
        Clash::Twice { kind, name } => twice(reader, places, kind, name.as_str(), message),
        Clash::NumberTaken(number) => twice(reader, places, "number", number.as_str(), message),
        Clash::UserTaken { user: _, first, second } => {
            let of = |name: &str| last(places, "connection", name).map(|place| place.field("user"));
            pair(reader, of(first.as_str()), of(second.as_str()), message);
        }
        Clash::DomainTaken { domain: _, first, second } => {
            let of = |name: &str| last(places, "realm", name).map(|place| place.field("domains"));
            pair(reader, of(first.as_str()), of(second.as_str()), message);
        }
        Clash::SourceTaken { block: _, first, second } => {
            let of = |name: &str| last(places, "trunk", name).map(|place| place.field("sources"));
            pair(reader, of(first.as_str()), of(second.as_str()), message);
        }
        Clash::Missing { place, kind, name } => {
            let field = match *kind {
                "trunk" => "via",
                "connection" => "to",
                other => other,
            };
            let (owner, owner_name) = place.split_once(' ').unwrap_or((place.as_str(), ""));
            let at = last(places, owner, owner_name).map_or(Span::default(), |place| place.field(field));
            let near = notation::nearest(name.as_str(), places.names(kind)).map(|near| format!("did you mean `{near}`?"));
            // A resource of that name may be there, in another realm.
            let elsewhere = last(places, kind, name.as_str()).map(|place| {
                format!("the {kind} {name} at {} belongs to another realm", shown(reader, place.key))
            });
            error(reader, at, message, elsewhere.or(near));
        }
        Clash::BadPrefix { trunk, prefix } => {
            let place = last(places, "trunk", trunk.as_str());
            let at = place.map_or(Span::default(), |place| place.field(&format!("prefix {prefix}")));
            error(reader, at, message, None);
        }
        Clash::BadUser(name) => {
            let at = last(places, "connection", name.as_str()).map_or(Span::default(), |place| place.field("user"));
            error(reader, at, message, None);
        }
    }
}

fn last<'a>(places: &'a Places, kind: &str, name: &str) -> Option<&'a Place> {
    places.of(kind, name).last()
}

fn twice(reader: &mut Reader, places: &Places, kind: &str, name: &str, message: String) {
    let all: Vec<Span> = places.of(kind, name).map(|place| place.key).collect();
    pair(reader, all.first().copied(), all.last().copied(), message);
}

fn pair(reader: &mut Reader, first: Option<Span>, second: Option<Span>, message: String) {
    let help = first.map(|first| format!("the other one is at {}", shown(reader, first)));
    error(reader, second.unwrap_or_default(), message, help);
}

fn shown(reader: &Reader, span: Span) -> String {
    format!("{}:{}:{}", reader.source().path, span.line, span.column)
}

fn error(reader: &mut Reader, span: Span, message: String, help: Option<String>) {
    let span = if span.line == 0 { Span { line: 1, column: 1, ..span } } else { span };
    reader.error("clash", span, message).help = help;
}
