//! Which mailboxes have other messages than before: told to one listener, each once however often it changed meanwhile.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};
use terms::Name;
use tokio::sync::Notify;

/// Changed mailboxes that nobody has looked at yet; no more than there are mailboxes.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    places: Mutex<BTreeSet<(Name, Name)>>,
    arrived: Notify,
}

impl Changed {
    /// The messages of a mailbox (realm, name) are others now.
    pub(crate) fn add(&self, place: (Name, Name)) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        self.arrived.notify_one();
    }

    /// Waits for the next one.
    pub(crate) async fn next(&self) -> (Name, Name) {
        loop {
            let arrived = self.arrived.notified();
            let first = self.places.lock().unwrap_or_else(PoisonError::into_inner).pop_first();
            if let Some(place) = first {
                return place;
            }
            arrived.await;
        }
    }
}
