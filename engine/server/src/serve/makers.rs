//! Who makes a sound: one at a time for each, and few at once.
//!
//! Decoding and encoding half an hour of music takes some hundred megabytes and many seconds. A crowd of calls that want the same
//! music wait for one of them; calls that want different ones wait for a place.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// Sounds made at once (chosen: the memory above, and each makes a core busy).
const AT_ONCE: usize = 2;

/// See the head of this file. Cheap to clone.
#[derive(Clone)]
pub(super) struct Makers {
    turns: Arc<Mutex<HashMap<String, Arc<Turn<()>>>>>,
    places: Arc<Semaphore>,
}

/// The right to make one sound.
pub(super) struct Making {
    _turn: OwnedMutexGuard<()>,
}

impl Makers {
    pub(super) fn new() -> Self {
        Self { turns: Arc::default(), places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Waits until nobody else makes the sound of this name. Whoever waited looks first whether it is there now.
    pub(super) async fn turn(&self, name: &str) -> Making {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            // Whom nobody holds or waits for is forgotten.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(name.to_owned()).or_default())
        };
        Making { _turn: turn.lock_owned().await }
    }

    /// Waits for a place to do heavy work.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_crowd_makes_one_sound_once_and_another_at_the_same_time() {
        let (makers, made) = (Makers::new(), Arc::new(AtomicUsize::new(0)));
        let there: Arc<Mutex<Vec<String>>> = Arc::default();
        let crowd: Vec<_> = (0..40)
            .map(|n| {
                let (makers, made, there) = (makers.clone(), Arc::clone(&made), Arc::clone(&there));
                tokio::spawn(async move {
                    let name = ["a", "b"][n % 2];
                    let _making = makers.turn(name).await;
                    if there.lock().unwrap().iter().any(|known| known == name) {
                        return;
                    }
                    let _place = makers.place().await;
                    made.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    there.lock().unwrap().push(name.to_owned());
                })
            })
            .collect();
        for one in crowd {
            one.await.unwrap();
        }
        assert_eq!(made.load(Ordering::SeqCst), 2);
        drop(makers.turn("c").await);
        assert_eq!(makers.turns.lock().unwrap().len(), 1, "the others are forgotten");
    }
}
