//! What a set was made of: enough to make it again elsewhere, without its folders and its configuration.

use crate::{
    calendar::Calendars,
    hours::Hours,
    set::FlowSet,
    world::World,
};
use notation::{Fault, Reader, Source, parse};
use serde_json::Value as Json;
use std::{collections::BTreeMap, sync::Arc};

/// The texts of a set, and the opening hours that came from the configuration.
#[derive(Clone, Debug, Default)]
pub struct Materials {
    /// Every file, by path.
    pub sources: Vec<Source>,
    /// Hours of the configuration by name, written as there.
    pub hours: Json,
}

impl Materials {
    /// Makes the set again; names of connections, mailboxes and prompts are not looked up. Run it where [`FlowSet::load`] may run.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn load(self) -> Result<FlowSet, Vec<Fault>> {
        let (calendars, _) = Calendars::read(&self.sources);
        let source = Source::new("hours of the configuration", self.hours.to_string());
        let mut reader = Reader::new(&source);
        let mut hours = BTreeMap::new();
        let tree = if self.hours.is_object() { Some(parse(&source)?) } else { None };
        for entry in tree.iter().flat_map(notation::Node::entries) {
            if let Some(read) = Hours::read(&entry.value, &mut reader, &calendars) {
                hours.insert(entry.key.text.clone(), Arc::new(read));
            }
        }
        if reader.has_errors() {
            return Err(reader.into_faults());
        }
        FlowSet::load(self.sources, &World { hours, ..World::default() })
    }
}

/// Hours as they could be written in a configuration.
pub(crate) fn spelled(hours: &BTreeMap<String, Arc<Hours>>, calendars: &Calendars) -> Json {
    let written = hours.iter().map(|(name, hours)| (name.clone(), hours.spelled(|calendar| calendars.name_of(calendar))));
    Json::Object(written.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_a_configuration_are_the_same_again() {
        let text = "zone: Europe/London\nopen: { mon-thu: \"09:00-17:30\", fri: [\"09:00-12:00\", \"22:00-06:00\"], 12-24: \"09:00-24:00\" }\nclosed: [2026-12-25, 12-28..01-02, days.ics]";
        let calendar = Source::new("flows/days.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20260606\r\nDTEND;VALUE=DATE:20260607\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
        let flow = Source::new("flows/a.yaml", "flow: a\nstart: in\nstates:\n  in: { answer: {}, then: end }\n");
        let sources = vec![calendar, flow];
        let (calendars, faults) = Calendars::read(&sources);
        assert!(faults.is_empty(), "{faults:?}");
        let source = Source::new("hours.yaml", text);
        let mut reader = Reader::new(&source);
        let hours = Hours::read(&parse(&source).unwrap(), &mut reader, &calendars).unwrap();
        assert!(reader.faults().is_empty(), "{:?}", reader.faults());
        let office = BTreeMap::from([("office".to_owned(), Arc::new(hours))]);
        let world = World { hours: office, ..World::default() };
        let first = FlowSet::load(sources, &world).unwrap_or_else(|faults| panic!("{faults:?}"));
        let again = first.materials().clone().load().unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!(first.version(), again.version());
        assert_eq!(first.0.hours, again.0.hours);
    }
}
