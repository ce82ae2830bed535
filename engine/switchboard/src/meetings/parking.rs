//! Parking places: one call each, until somebody fetches it.

use super::{Asker, Hold, Meetings, Place, Stay};
use call::Met;

/// A call in its place.
#[derive(Debug)]
pub(super) struct Parked {
    stay: Stay,
    who: String,
    shard: usize,
    /// Who is about to fetch it.
    wanted_by: Option<(Stay, String)>,
}

impl Meetings {
    pub(super) fn park(&mut self, asker: Asker, first: u32, last: u32) {
        let free = (first..=last).find(|place| !self.places.contains_key(&(asker.realm.clone(), *place)));
        let Some(place) = free else { return self.tell(asker.stay, Met::Full) };
        let key = (asker.realm, place);
        self.stays.insert(asker.stay, Hold::Parked(key.clone()));
        self.places.insert(key, Parked { stay: asker.stay, who: asker.who, shard: asker.shard, wanted_by: None });
        self.tell(asker.stay, Met::Parked { place });
    }

    pub(super) fn fetch(&mut self, asker: Asker, place: u32) {
        let key = (asker.realm, place);
        let parked = self.places.get_mut(&key).filter(|parked| parked.wanted_by.is_none());
        let Some(parked) = parked else { return self.tell(asker.stay, Met::Nobody) };
        parked.wanted_by = Some((asker.stay, asker.who));
        let parked = parked.stay;
        self.stays.insert(asker.stay, Hold::Fetching(key));
        self.tell(parked, Met::Wanted);
    }

    /// The call in the place is still there.
    pub(super) fn fetched(&mut self, place: &Place) {
        let Some(parked) = self.places.get_mut(place) else { return };
        match parked.wanted_by.take() {
            Some(coming) => {
                if let Some(parked) = self.places.remove(place) {
                    self.talk((parked.stay, parked.who, parked.shard), coming);
                }
            }
            None => {
                let stay = parked.stay;
                self.tell(stay, Met::Resume);
            }
        }
    }

    pub(super) fn leave_place(&mut self, place: &Place) {
        let parked = self.places.remove(place);
        if let Some((coming, _)) = parked.and_then(|parked| parked.wanted_by) {
            self.stays.remove(&coming);
            self.tell(coming, Met::Nobody);
        }
    }

    /// Whoever wanted the call does not any more: its word that it is there will be answered by [`Met::Resume`].
    pub(super) fn fetch_no_more(&mut self, stay: Stay, place: &Place) {
        if let Some(parked) = self.places.get_mut(place)
            && parked.wanted_by.as_ref().is_some_and(|(coming, _)| *coming == stay)
        {
            parked.wanted_by = None;
        }
    }
}
