//! What a configuration and its flows say of each other: the names that flows may use, and the flows, settings and prompts that
//! the configuration names. It is known as far as the file can be read, so that one run tells the faults of all files.

use super::{Faults, Folders, places::{Place, Places}, server::set_of};
use flow::{Hours, Survey, World};
use notation::{Fault, Reader, Source, Span};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use switchboard::{Inbound, Listing, NumberTarget};
use voicemail::Greeting;

/// Why a configuration is not taken, and what of it could be read.
#[derive(Debug)]
pub(crate) struct Refused {
    /// All that is wrong with it.
    pub(crate) faults: Faults,
    /// The rest; nothing when the file is not there or no YAML.
    pub(crate) outline: Option<Box<Outline>>,
}

/// The part of a configuration that its flows are checked against.
#[derive(Debug)]
pub(crate) struct Outline {
    /// The file, its secrets made unreadable.
    pub(super) source: Source,
    /// Where flows and prompts lie.
    pub(super) folders: Folders,
    /// Where each resource is written, also those that cannot be read.
    pub(super) places: Places,
    /// The resources that can be read.
    pub(super) listing: Listing,
    /// Opening hours.
    pub(super) hours: BTreeMap<String, Arc<Hours>>,
}

impl Outline {
    /// What flows may refer to. A resource that is written badly is still there: that it is bad is told once, at its place.
    pub(super) fn world(&self, prompts: BTreeSet<String>) -> World {
        let names = |kind: &str| Some(set_of(self.places.names(kind)));
        let mut wanted = BTreeSet::from([switchboard::limits::DEFAULT_FLOW.to_owned()]);
        wanted.extend(self.listing.connections.iter().filter_map(|connection| match &connection.inbound {
            Inbound::Flow(flow) => Some(flow.clone()),
            Inbound::Bridge => None,
        }));
        wanted.extend(self.listing.numbers.iter().filter_map(|number| match &number.to {
            NumberTarget::Flow(flow) => Some(flow.clone()),
            NumberTarget::Connection(_) => None,
        }));
        World {
            connections: names("connection"),
            numbers: names("number"),
            mailboxes: names("mailbox"),
            trunks: names("trunk"),
            prompts: Some(prompts),
            secrets: names("secret"),
            hours: self.hours.clone(),
            wanted,
        }
    }

    /// What the configuration says of flows, settings and prompts that are not there.
    pub(super) fn against(&self, flows: &Survey, prompts: &BTreeSet<String>) -> Vec<Fault> {
        let mut reader = Reader::new(&self.source);
        let names = flows.names();
        let mut ask = |place: Option<&Place>, field: &str, flow: &str, settings: &BTreeMap<String, String>| {
            let span = |field: &str| place.map_or_else(Span::default, |place| place.field(field));
            if !flows.knows(flow) {
                reader.unknown("missing-flow", span(field), "flow", flow, &names);
                return;
            }
            for (setting, message) in flows.check_settings(flow, settings).err().unwrap_or_default() {
                reader.error("wrong-setting", span(&format!("settings.{setting}")), message);
            }
        };
        let place = |kind: &str, name: &str| self.places.of(kind, name).last();
        for connection in &self.listing.connections {
            let flow = match &connection.inbound {
                Inbound::Flow(flow) => flow.as_str(),
                Inbound::Bridge => switchboard::limits::DEFAULT_FLOW,
            };
            ask(place("connection", connection.name.as_str()), "inbound", flow, &connection.settings);
        }
        for number in &self.listing.numbers {
            if let NumberTarget::Flow(flow) = &number.to {
                ask(place("number", number.number.as_str()), "to", flow, &number.settings);
            }
        }
        for mailbox in &self.listing.mailboxes {
            if let Greeting::Play(file) = &mailbox.greeting
                && !prompts.contains(file)
            {
                let span = place("mailbox", mailbox.name.as_str()).map_or_else(Span::default, |place| place.field("greeting"));
                let known: Vec<&str> = prompts.iter().map(String::as_str).collect();
                reader.unknown("missing-sound", span, "prompt", file, &known);
            }
        }
        reader.into_faults()
    }
}
