//! Where each resource is written, so that what is found wrong later can be shown where it stands.

use notation::Span;
use std::collections::BTreeMap;

/// Places of all resources.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    by_kind: BTreeMap<&'static str, Vec<Place>>,
}

/// Where one resource is written.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its name.
    pub(super) name: String,
    /// Its name's place.
    pub(super) key: Span,
    /// The values of its fields, and of its settings as `settings.NAME`.
    pub(super) fields: BTreeMap<String, Span>,
}

impl Place {
    /// The place of a field, or of the resource when the field is not written.
    pub(super) fn field(&self, name: &str) -> Span {
        self.fields.get(name).copied().unwrap_or(self.key)
    }
}

impl Places {
    /// Notes a resource of a kind (`connection`, `number`, `mailbox`, `trunk`, `realm`, `secret`).
    pub(super) fn add(&mut self, kind: &'static str, place: Place) {
        self.by_kind.entry(kind).or_default().push(place);
    }

    /// All of a kind and name, in the order written: more than one only while a clash is being told.
    pub(super) fn of<'a>(&'a self, kind: &str, name: &str) -> impl Iterator<Item = &'a Place> + use<'a> {
        let name = name.to_owned();
        self.by_kind.get(kind).into_iter().flatten().filter(move |place| place.name == name)
    }

    /// All names of a kind.
    pub(super) fn names<'a>(&'a self, kind: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.by_kind.get(kind).into_iter().flatten().map(|place| place.name.as_str())
    }
}
