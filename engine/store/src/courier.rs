//! The courier: carries the outbox to its endpoints, as the schedule says, behind the guard.

use crate::{
    Guard, Signer, Store, StoreFault, fetch, limits,
    schedule::{Output, Schedule, Verdict},
};
use reqwest::{Client, Response, Url};
use std::{future::Future, time::Duration};
use tokio::task::JoinSet;

/// What the courier is told.
#[derive(Clone, Debug)]
pub struct CourierOptions {
    /// Signs every delivery.
    pub signer: Signer,
    /// Who may be reached.
    pub guard: Guard,
    /// Seed of the spread of waits.
    pub seed: u64,
}

/// Delivers webhooks until it is stopped. One for each store.
#[derive(Debug)]
pub struct Courier {
    store: Store,
    options: CourierOptions,
    client: Client,
}

/// Pause after the database could not be asked for what is owed.
const AGAIN_AFTER_FAULT: Duration = Duration::from_secs(5);

impl Courier {
    /// A courier for the outbox of a store.
    ///
    /// # Errors
    /// [`StoreFault::Refused`] when TLS cannot be set up on this machine.
    pub fn new(store: Store, options: CourierOptions) -> Result<Self, StoreFault> {
        let client = options.guard.client().map_err(|fault| StoreFault::Refused(fetch::reason(&fault)))?;
        Ok(Self { store, options, client })
    }

    /// Runs until `stop` is done; tries under way are then finished, their results written.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let mut schedule = Schedule::new(self.options.seed);
        let mut tries: JoinSet<(i64, Verdict)> = JoinSet::new();
        let mut notes: JoinSet<()> = JoinSet::new();
        let mut loaded_to = 0_i64;
        let mut stopping = false;
        loop {
            let mut pause = None;
            if !stopping && schedule.held() < limits::DELIVERIES_LOADED_MAX / 2 {
                match self.load(&mut schedule, loaded_to).await {
                    Ok(last) => loaded_to = last,
                    Err(fault) => {
                        tracing::error!(%fault, "outbox cannot be read");
                        pause = Some(AGAIN_AFTER_FAULT);
                    }
                }
            }
            let now = self.store.now();
            while !stopping && let Some(output) = schedule.poll_output(now) {
                self.act(output, &mut tries, &mut notes);
            }
            if stopping && tries.is_empty() {
                while let Some(output) = schedule.poll_output(terms::UnixMs(0)) {
                    self.act(output, &mut tries, &mut notes);
                }
                break;
            }
            let wait = schedule.poll_timeout().map(|at| Duration::from_millis(at.0.saturating_sub(now.0)));
            let wait = wait.into_iter().chain(pause).min().unwrap_or(Duration::from_secs(3_600));
            tokio::select! {
                () = self.store.deliveries_arrived().notified(), if !stopping => {}
                Some(ended) = tries.join_next() => {
                    if let Ok((seq, verdict)) = ended {
                        schedule.answered(seq, verdict, self.store.now());
                    }
                }
                Some(_) = notes.join_next() => {}
                () = tokio::time::sleep(wait), if !stopping => {}
                () = &mut stop, if !stopping => stopping = true,
            }
        }
        while notes.join_next().await.is_some() {}
    }

    async fn load(&self, schedule: &mut Schedule, after: i64) -> Result<i64, StoreFault> {
        let (mut last, now) = (after, self.store.now());
        for owed in self.store.owed_after(after).await? {
            last = owed.seq;
            match Url::parse(&owed.url).ok().as_ref().and_then(Url::host_str) {
                Some(host) => {
                    let host = host.to_owned();
                    schedule.owed(owed, &host, now);
                }
                None => schedule.unreachable(owed.seq, "not an http or https address".to_owned()),
            }
        }
        Ok(last)
    }

    fn act(&self, output: Output, tries: &mut JoinSet<(i64, Verdict)>, notes: &mut JoinSet<()>) {
        let store = self.store.clone();
        match output {
            Output::Try { seq, id, url } => {
                let (client, options) = (self.client.clone(), self.options.clone());
                tries.spawn(async move { (seq, deliver(&store, &client, &options, seq, &id, &url).await) });
            }
            Output::Settle { seq, settled } => {
                notes.spawn(async move {
                    tracing::debug!(seq, ?settled, "webhook");
                    if let Err(fault) = store.settle(seq, settled).await {
                        tracing::warn!(seq, %fault, "state of a webhook not written; it may be delivered again after a restart");
                    }
                });
            }
        }
    }
}

/// One try, which always ends within its time.
async fn deliver(store: &Store, client: &Client, options: &CourierOptions, seq: i64, id: &str, url: &str) -> Verdict {
    let failed = |why: String| Verdict::Failed { why, retry_after: None };
    let url = match options.guard.check(url) {
        Ok(url) => url,
        Err(refusal) => return failed(refusal.to_string()),
    };
    let body = match store.delivery_body(seq).await {
        Ok(Some(body)) => body,
        Ok(None) => return failed("its body is gone".to_owned()),
        Err(fault) => return failed(fault.to_string()),
    };
    let timestamp = store.now().0 / 1_000;
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", options.signer.sign(id, timestamp, body.as_bytes()))
        .body(body);
    let whole = async {
        match request.send().await {
            Ok(response) => judge(response).await,
            Err(fault) => failed(fetch::reason(&fault)),
        }
    };
    let verdict = tokio::time::timeout(limits::DELIVERY_TIME, whole).await;
    verdict.unwrap_or_else(|_| failed(format!("no answer within {}", terms::spell_span(limits::DELIVERY_TIME))))
}

/// Only the status counts; the body is read (so that the connection can be used again) as far as its limit.
async fn judge(response: Response) -> Verdict {
    let status = response.status();
    let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after = match status.as_u16() {
        429 | 503 => asked.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs),
        _ => None,
    };
    let _ = fetch::read_bounded(response, limits::DELIVERY_ANSWER_MAX).await;
    if status.is_success() {
        Verdict::Delivered
    } else if status.as_u16() == 410 {
        Verdict::Gone
    } else {
        Verdict::Failed { why: format!("answered {}", status.as_u16()), retry_after }
    }
}
