//! Somebody who looks on while the server runs: `callflow dev`. Told of changes, reloads, webhooks and log lines; asks for calls.

use super::exchange::Desk;
use api::{CallView, Exchange as _, sink::Received};
use axum::http::StatusCode;
use std::{
    io,
    path::PathBuf,
    sync::{Arc, mpsc::SyncSender},
};
use tokio::sync::watch;

/// What an onlooker is told.
pub(crate) enum News {
    /// The server runs.
    Ready {
        /// How to ask for the calls under way.
        calls: Calls,
        /// The number of the set in use.
        number: u64,
        /// Flows in it.
        flows: usize,
    },
    /// Files changed; a reload follows.
    Changed(Vec<PathBuf>),
    /// A set was taken.
    Loaded {
        /// Its number, from 1.
        number: u64,
        /// Flows in it.
        flows: usize,
    },
    /// A set was refused, with all its faults as `callflow check` shows them.
    Refused(String),
    /// The built-in sink received a webhook.
    Webhook(Received),
    /// A line of the log.
    Log(String),
}

/// Asks for the calls under way; `None` when the server is too busy or stopping.
pub(crate) type Calls = Box<dyn Fn() -> Option<Vec<CallView>> + Send>;

/// See the head of this file.
#[derive(Clone)]
pub(crate) struct Onlooker {
    /// Where news go. When it is full the news are dropped: a server never waits for a screen.
    pub(crate) news: SyncSender<News>,
    /// True: stop, as after SIGTERM.
    pub(crate) stop: watch::Receiver<bool>,
    /// Whether the log goes there too, instead of standard error.
    pub(crate) takes_log: bool,
}

impl Onlooker {
    pub(super) fn tell(&self, news: News) {
        let _ = self.news.try_send(news);
    }

    pub(super) fn received(&self, event: Received) -> StatusCode {
        self.tell(News::Webhook(event));
        StatusCode::NO_CONTENT
    }

    pub(super) fn ready(&self, desk: Arc<Desk>, runtime: tokio::runtime::Handle) {
        let status = desk.reloader.status();
        let calls: Calls = Box::new(move || runtime.block_on(desk.calls()).ok());
        self.tell(News::Ready { calls, number: status.number, flows: status.flows.len() });
    }
}

/// Done when the onlooker wants the server to stop; never without one.
pub(super) async fn left(onlooker: Option<Onlooker>) {
    match onlooker {
        Some(mut onlooker) => drop(onlooker.stop.wait_for(|stop| *stop).await),
        None => std::future::pending().await,
    }
}

/// A writer of the log whose lines are news.
#[derive(Clone)]
pub(crate) struct LogLines {
    onlooker: Onlooker,
}

impl LogLines {
    pub(super) const fn new(onlooker: Onlooker) -> Self {
        Self { onlooker }
    }
}

impl io::Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.onlooker.tell(News::Log(String::from_utf8_lossy(bytes).trim_end().to_owned()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
