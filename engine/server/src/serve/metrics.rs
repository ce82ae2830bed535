//! The text of `/metrics` (Prometheus text format 0.0.4): counters that the rooms keep anyway, with a fixed set of names.

use super::{front::Shown, hearing::Hearing};
use speech::Speech;
use std::{
    fmt::{Display, Write},
    sync::{Arc, PoisonError},
};
use store::Store;
use switchboard::Counters;

/// Calls now.
pub(super) fn calls(shown: &Shown) -> usize {
    shown.lock().unwrap_or_else(PoisonError::into_inner).calls
}

/// Renders the page when asked.
pub(super) fn page(shown: Shown, store: Store, speech: Arc<Speech>, hearing: Arc<Hearing>, runtime: tokio::runtime::Handle) -> api::Metrics {
    let outbox = Arc::new(std::sync::Mutex::new(store::OutboxCounts::default()));
    Arc::new(move || {
        // The page is made without waiting: the outbox is counted for the next time.
        let (kept, store) = (Arc::clone(&outbox), store.clone());
        runtime.spawn(async move {
            if let Ok(counts) = store.outbox_counts().await {
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = counts;
            }
        });
        let counters = *shown.lock().unwrap_or_else(PoisonError::into_inner);
        let outbox = *outbox.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = of_front(&counters);
        line(&mut text, "callflow_webhooks_waiting", "gauge", "Webhooks owed.", outbox.waiting);
        line(&mut text, "callflow_webhooks_lost", "gauge", "Webhooks given up within the last week.", outbox.lost);
        let said = speech.snapshot();
        line(&mut text, "callflow_speech_rendered_total", "counter", "Texts rendered to speech.", said.rendered);
        line(&mut text, "callflow_speech_transcribed_total", "counter", "Recordings transcribed.", said.transcribed);
        line(&mut text, "callflow_speech_failures_total", "counter", "Failures of speech engines.", said.engine_failures);
        hearing.write(&mut text);
        text
    })
}

fn of_front(counters: &Counters) -> String {
    let mut text = String::with_capacity(4_096);
    let sip = counters.sip;
    line(&mut text, "callflow_calls", "gauge", "Calls now.", counters.calls);
    line(&mut text, "callflow_calls_admitted_total", "counter", "Calls admitted.", counters.calls_admitted);
    line(&mut text, "callflow_calls_shed_total", "counter", "New calls refused for load.", counters.calls_shed);
    line(&mut text, "callflow_calls_refused_total", "counter", "New calls refused by rights or route.", counters.calls_refused);
    line(&mut text, "callflow_mailbox_subscriptions", "gauge", "Telephones that subscribed to a mailbox.", counters.subscriptions);
    line(&mut text, "callflow_challenges_total", "counter", "Digest challenges sent.", counters.challenged);
    line(&mut text, "callflow_wrong_passwords_total", "counter", "Wrong passwords.", counters.wrong_passwords);
    line(&mut text, "callflow_guesses_blocked_total", "counter", "Requests refused for too many wrong passwords.", counters.guesses_blocked);
    line(&mut text, "callflow_outbound_refused_total", "counter", "Outbound legs refused by policy.", counters.outbound_refused);
    line(&mut text, "callflow_sip_received_total", "counter", "SIP messages read.", sip.received);
    line(&mut text, "callflow_sip_sent_total", "counter", "SIP messages sent.", sip.sent);
    line(&mut text, "callflow_sip_repeated_total", "counter", "SIP messages sent again for want of an answer.", sip.repeated);
    line(&mut text, "callflow_sip_malformed_total", "counter", "Malformed messages answered.", sip.refused);
    line(&mut text, "callflow_sip_dropped_total", "counter", "Messages dropped in silence.", sip.dropped);
    line(&mut text, "callflow_sip_transactions", "gauge", "Living transactions.", sip.invite_servers + sip.plain_servers + sip.invite_clients + sip.plain_clients);
    text
}

fn line(text: &mut String, name: &str, kind: &str, help: &str, value: impl Display) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
}
