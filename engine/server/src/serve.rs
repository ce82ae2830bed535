//! `callflow serve`: threads, sockets and the real clock around the pure rooms.
//!
//! | thread | runs |
//! | --- | --- |
//! | `front` | SIP sockets, transactions, registrar, routing ([`front`]) |
//! | `shard-N` | calls, their mixers and RTP sockets, the 1 ms clock ([`shard`]) |
//! | `script-N` | Rhai steps ([`scripts`]) |
//! | tokio | store, webhooks, speech, HTTP ([`clerk`]) |

mod archive;
mod batch;
mod card;
mod clerk;
pub(crate) mod clock;
mod exchange;
mod front;
mod hearing;
pub(crate) mod keeper;
mod keys;
mod makers;
mod metrics;
mod onlooker;
mod pace;
mod ports;
mod pressure;
mod refused;
pub(crate) mod reload;
mod rows;
mod scripts;
mod shard;
mod shelf;
mod watch;
mod wiring;

use crate::config::{Config, LogFormat, load_flows};
use clerk::Clerk;
use mio::Poll;
use onlooker::LogLines;
pub(crate) use onlooker::{Calls, News, Onlooker};
use reload::Reloader;
use std::{
    error::Error,
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};
use shelf::Shelf;
use store::{AudioLinks, Courier, CourierOptions, Fetcher, Guard, Options, Sounds, Store};
use switchboard::{Front, Settings};
use wiring::{FrontDoor, FrontIn, OpenedDoor, ShardDoor, ShardIn};

/// Stack of a shard: expressions of flows are evaluated there.
const SHARD_STACK: usize = 16 * 1_024 * 1_024;
/// How long a link to a message's audio is good.
const AUDIO_LINK_LIFE: Duration = Duration::from_secs(7 * 86_400);
/// How often messages past their time are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(300);
/// How often a draining server looks whether its calls are over.
const DRAIN_LOOK: Duration = Duration::from_millis(100);

/// How `serve` was called, beside its configuration.
#[derive(Clone)]
pub(crate) struct ServeOptions {
    /// The configuration file, for reloads.
    pub(crate) path: std::path::PathBuf,
    /// Who looks on, instead of the card and the log on the terminal.
    pub(crate) onlooker: Option<Onlooker>,
}

type Failed = Box<dyn Error + Send + Sync>;

/// Serves until a signal. The exit code is 0 after a clean end, 1 when something failed.
pub(crate) fn run(config: Config, options: ServeOptions) -> ExitCode {
    start_log(&config, options.onlooker.as_ref());
    raise_file_limit();
    match serve(config, options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            tracing::error!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn start_log(config: &Config, onlooker: Option<&Onlooker>) {
    use tracing_subscriber::fmt::writer::BoxMakeWriter;
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log.level).unwrap_or_else(|_| "info".into());
    let lines = onlooker.filter(|onlooker| onlooker.takes_log).map(|onlooker| LogLines::new(onlooker.clone()));
    let is_seen = lines.is_none();
    let writer = lines.map_or_else(|| BoxMakeWriter::new(std::io::stderr), |lines| BoxMakeWriter::new(move || lines.clone()));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(is_seen && std::env::var_os("NO_COLOR").is_none());
    let started = match config.log.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    if let Err(fault) = started {
        tracing::warn!(%fault, "the log was started before");
    }
}

/// Each leg needs two sockets: take as many files as the system gives.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

fn serve(config: Config, options: ServeOptions) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let first_look = watch::Look::of(&config.watched());
    let (files, warnings) = load_flows(&config)?;
    if !warnings.list.is_empty() {
        tracing::warn!("{warnings}");
    }
    let keys = keys::Keys::of(&config.folders.data)?;
    let http = bind_http(&config, &runtime)?;
    let store = open_store(&config, &keys, http.as_ref(), &runtime)?;

    let last = runtime.block_on(store.last_flow_load())?;
    let texts = match &last {
        Some(load) => runtime.block_on(store.find_flow_version(&load.hash))?.pop().map(|version| version.texts),
        None => None,
    };
    let first = reload::first(&config, files, last, texts.as_deref());
    let flows = first.flows.clone();

    // The front's sockets come first: what cannot be bound ends the start.
    let udp = front::bind_all(&config.listen.udp, mio::net::UdpSocket::bind)?;
    let tcp = front::bind_all(&config.listen.tcp, mio::net::TcpListener::bind)?;
    let poll = Poll::new()?;
    let (front_door, front_inbox) = FrontDoor::new(mio::Waker::new(poll.registry(), front::WAKER)?);
    let mut front = Front::new(settings_of(&config, &keys, &udp, &tcp)?, Arc::clone(&config.directory), flows.clone());
    let rows = runtime.block_on(store.load_bindings(store.now()))?;
    let loaded = front.load_bindings(rows.into_iter().map(rows::from_disk).collect(), clock::now());
    tracing::info!(bindings = loaded, recovered = ?store.recovered(), "data folder opened");

    let (errand_queue, errands) = wiring::errands();
    let (script_queue, script_steps) = wiring::scripts();
    let (record_queue, records) = wiring::records();
    let fillers = Arc::new(clerk::fillers(&config.codecs_spoken()));
    let (keeper, keeper_thread) = match config.bundles.clone() {
        None => (None, None),
        Some(bundles) => {
            let (queue, drafts) = wiring::bundles();
            let folder = bundles.folder.clone();
            let thread = keeper::start(bundles, drafts).map_err(|fault| format!("bundles cannot be kept in {}: {fault}", folder.display()))?;
            (Some(keeper::Keeper::new(queue)), Some(thread))
        }
    };
    // Every shard knows the doors of all: calls that meet go from one to another.
    let opened = (0..config.limits.shards).map(|_| ShardDoor::new()).collect::<Result<Vec<_>, _>>()?;
    let doors = opened.iter().map(|(door, _, _)| door.clone()).collect();
    let mut threads = Threads { shards: Vec::new(), doors, front: None };
    for (index, opened) in opened.into_iter().enumerate() {
        threads.start_shard((index, opened), &config, &front_door, &errand_queue, &script_queue, (&store, &fillers, keeper.as_ref()))?;
    }
    drop(keeper);
    drop(errand_queue);
    let _scripts = scripts::start(script_steps, &threads.doors)?;

    let speech = Arc::new(speech::Speech::new(config.speech.clone())?);
    speech.warm_up();
    let guard = Guard::new(config.webhooks.allow_private.clone());
    let clerk = Clerk {
        store: store.clone(),
        speech: Arc::clone(&speech),
        sounds: Sounds::new(Fetcher::new(guard.clone())?),
        fetcher: Fetcher::new(guard.clone())?,
        shelf: Arc::new(Mutex::new(Shelf::new(config.prompts.memory))),
        makers: makers::Makers::new(),
        loudness: Arc::new(config.prompts.clone()),
        prompts: config.folders.prompts.clone(),
        country: config.country,
        codecs: Arc::new(config.codecs_spoken()),
        shards: Arc::new(threads.doors.clone()),
        fillers,
    };
    runtime.spawn(clerk.clone().run(errands));
    runtime.spawn(clerk.clone().transcribe_for_ever());
    let hearing = Arc::new(hearing::Hearing::default());
    let keeper = runtime.spawn(clerk::keep_records(config.folders.data.join("calls.jsonl"), records, Arc::clone(&hearing)));
    runtime.spawn(sweep_for_ever(store.clone()));
    runtime.spawn(tell_lamps_for_ever(store.clone(), front_door.clone()));
    let signer = keys.signer(config.webhooks.secret.as_ref())?;
    let courier = Courier::new(store.clone(), CourierOptions { signer: signer.clone(), guard, seed: keys::random_u64()? })?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let courier = runtime.spawn(courier.run(until(stopped.clone())));

    let shown: front::Shown = Arc::new(Mutex::new(switchboard::Counters::default()));
    threads.start_front(front::FrontThread {
        front,
        inbox: front_inbox,
        door: front_door.clone(),
        shards: threads.doors.clone(),
        store: store.clone(),
        runtime: runtime.handle().clone(),
        records: record_queue,
        shown: Arc::clone(&shown),
        poll,
        udp,
        tcp,
    })?;

    let (maker, handle) = (clerk.clone(), runtime.handle().clone());
    let warm = Box::new(move |flows| {
        handle.spawn(maker.clone().warm(flows));
    });
    let onlooker = options.onlooker;
    let (archive, handle) = (store.clone(), runtime.handle().clone());
    let archive = Box::new(move |load, texts| {
        if let Err(fault) = handle.block_on(archive.keep_flows(load, texts)) {
            tracing::error!(%fault, "the version of the flows is not kept");
        }
    });
    let config = Arc::new(config);
    let doors = (front_door.clone(), threads.doors.clone());
    let reloader = Reloader::new(options.path, Arc::clone(&config), first, doors, warm, archive).told_to(onlooker.clone());
    let reloader = Arc::new(reloader);
    let watch = watch::watch(config.watched(), first_look, Arc::clone(&reloader)).inspect_err(|fault| {
        tracing::warn!(%fault, "files are not watched; SIGHUP and the API reload");
    });
    let draining = Arc::new(AtomicBool::new(false));
    let exchange = Arc::new(exchange::Desk { front: front_door.clone(), reloader: Arc::clone(&reloader), draining: Arc::clone(&draining) });
    if let Some((listener, _)) = http {
        let exchange = Arc::clone(&exchange);
        let metrics = metrics::page(Arc::clone(&shown), store.clone(), Arc::clone(&speech), hearing, runtime.handle().clone());
        let options = api::ApiOptions { tokens: config.http.tokens.clone(), metrics };
        runtime.spawn(api::serve(listener, options, exchange, store.clone(), until(stopped.clone())));
    }
    if let Some(address) = config.webhooks.sink {
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address))?;
        let on_event: api::sink::OnEvent = match onlooker.clone() {
            Some(onlooker) => Arc::new(move |event| onlooker.received(event)),
            None => Arc::new(card::print_event),
        };
        runtime.spawn(api::sink::serve(listener, signer, on_event, until(stopped)));
    }
    match &onlooker {
        Some(onlooker) => onlooker.ready(exchange, runtime.handle().clone()),
        None => card::print(&config, &shown),
    }
    runtime.block_on(signals(&reloader, &draining, &front_door, &shown, config.limits.drain, onlooker));

    drop(watch);
    threads.stop(&front_door);
    if let Some(thread) = keeper_thread {
        let _ = thread.join();
    }
    let _ = stop.send(true);
    let _ = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), courier).await });
    // Its door closed with the front: it ends once the last record is written.
    let _ = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(5), keeper).await });
    runtime.block_on(store.close());
    runtime.shutdown_timeout(Duration::from_secs(1));
    tracing::info!("stopped");
    Ok(())
}

async fn until(mut stopped: tokio::sync::watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

type Http = (tokio::net::TcpListener, std::net::SocketAddr);

fn bind_http(config: &Config, runtime: &tokio::runtime::Runtime) -> Result<Option<Http>, Failed> {
    let Some(address) = config.http.listen else { return Ok(None) };
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind(address))
        .map_err(|fault| format!("cannot listen on {address} (http): {fault}"))?;
    let bound = listener.local_addr()?;
    Ok(Some((listener, bound)))
}

fn open_store(
    config: &Config,
    keys: &keys::Keys,
    http: Option<&Http>,
    runtime: &tokio::runtime::Runtime,
) -> Result<Store, Failed> {
    let audio_links = http.map(|(_, bound)| {
        let here = || format!("http://{}:{}", config.reachable_at(bound.ip()), bound.port());
        let base_url = config.http.public_url.clone().unwrap_or_else(here);
        AudioLinks { base_url, key: keys.links.clone(), life: AUDIO_LINK_LIFE }
    });
    let polish = config.prompts.loudness.map(|target| -> store::Polish { Arc::new(move |spoken| archive::levelled(spoken, target)) });
    let options = Options { disk_reserve: config.limits.disk_reserve, audio_links, polish, ..Options::default() };
    Ok(runtime.block_on(Store::open(&config.folders.data, options))?)
}

fn settings_of(
    config: &Config,
    keys: &keys::Keys,
    udp: &[mio::net::UdpSocket],
    tcp: &[mio::net::TcpListener],
) -> Result<Settings, Failed> {
    let listener = |transport, local: std::net::SocketAddr| {
        let advertised = std::net::SocketAddr::new(config.reachable_at(local.ip()), local.port()).to_string();
        sip::Listener { transport, local, advertised }
    };
    let mut listeners = Vec::new();
    for socket in udp {
        listeners.push(listener(sip::Transport::Udp, socket.local_addr()?));
    }
    for socket in tcp {
        listeners.push(listener(sip::Transport::Tcp, socket.local_addr()?));
    }
    Ok(Settings {
        listeners,
        server: Some(format!("callflow/{}", env!("CARGO_PKG_VERSION"))),
        nonce_key: keys.nonce.clone(),
        seed: keys::random_u64()?,
        shards: config.limits.shards,
        codecs: config.codecs.clone(),
        opus_complexity: config.opus_complexity,
        protection: switchboard::MediaProtection {
            srtp: config.srtp,
            over_plain_sip: config.srtp_over_plain_sip.clone(),
            secret: keys::random_secret()?,
        },
        limits: config.limits.calls.clone(),
    })
}

/// Tells the front how many messages are in a mailbox: whenever it changes, or the front asked.
async fn tell_lamps_for_ever(store: Store, front: FrontDoor) {
    loop {
        let (realm, mailbox) = store.changed_mailbox().await;
        match store.waiting(&realm, &mailbox).await {
            Ok(waiting) => {
                let input = FrontIn::Input(Box::new(switchboard::Input::Mailbox { realm, mailbox, waiting }));
                let front = front.clone();
                // The front may be busy; nobody but this task waits.
                let _ = tokio::task::spawn_blocking(move || front.send(input)).await;
            }
            Err(fault) => tracing::warn!(%realm, %mailbox, %fault, "messages cannot be counted: telephones are told at the next change"),
        }
    }
}

async fn sweep_for_ever(store: Store) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    loop {
        every.tick().await;
        if let Err(fault) = store.sweep().await {
            tracing::error!(%fault, "old messages could not be swept");
        }
    }
}

/// SIGHUP reloads; SIGTERM and SIGINT drain; a second one ends at once.
async fn signals(
    reloader: &Arc<Reloader>,
    draining: &AtomicBool,
    front: &FrontDoor,
    shown: &front::Shown,
    drain: Duration,
    onlooker: Option<Onlooker>,
) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut hangup), Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::hangup()), signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be heard");
        return;
    };
    let mut left = Box::pin(onlooker::left(onlooker));
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                let reloader = Arc::clone(reloader);
                tokio::task::spawn_blocking(move || reloader.reload("SIGHUP"));
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = &mut left => break,
        }
    }
    draining.store(true, Ordering::Relaxed);
    front.send(FrontIn::Input(Box::new(switchboard::Input::Drain)));
    tracing::info!("draining: no new calls; a second signal ends at once");
    let quiet = async {
        loop {
            tokio::time::sleep(DRAIN_LOOK).await;
            let (ask, answer) = tokio::sync::oneshot::channel();
            front.send(FrontIn::Ask(Box::new(move |front, _| {
                let _ = ask.send(front.counters().calls);
            })));
            if answer.await.unwrap_or(0) == 0 {
                return;
            }
        }
    };
    tokio::select! {
        () = quiet => {}
        () = tokio::time::sleep(drain) => tracing::warn!(calls = metrics::calls(shown), "drain time is over: calls are cut off"),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// The threads that are joined at the end.
struct Threads {
    shards: Vec<JoinHandle<()>>,
    doors: Vec<ShardDoor>,
    front: Option<JoinHandle<()>>,
}

impl Threads {
    fn start_shard(
        &mut self,
        (index, (door, inbox, bell)): (usize, OpenedDoor),
        config: &Config,
        front: &FrontDoor,
        errands: &tokio::sync::mpsc::Sender<wiring::Errands>,
        scripts: &std::sync::mpsc::SyncSender<wiring::ScriptStep>,
        (store, fillers, keeper): (&Store, &Arc<call::Fillers>, Option<&keeper::Keeper>),
    ) -> Result<(), Failed> {
        let advertised = config.reachable_at(config.rtp.address);
        let range = ports::share(&config.rtp.ports, index, config.limits.shards);
        let thread = shard::ShardThread {
            index,
            inbox,
            bell,
            own_door: door,
            doors: self.doors.clone(),
            front: front.clone(),
            errands: errands.clone(),
            scripts: scripts.clone(),
            spool: store.spool(),
            fillers: Arc::clone(fillers),
            keeping: config.bundles.as_ref().map(|bundles| bundles.keeping).zip(keeper.cloned()),
            ports: ports::Ports::new(config.rtp.address, advertised, range)?,
            loudness: config.prompts.loudness,
            shelf_bytes: config.prompts.memory,
        };
        let handle = Builder::new().name(format!("shard-{index}")).stack_size(SHARD_STACK).spawn(move || thread.run())?;
        self.shards.push(handle);
        Ok(())
    }

    fn start_front(&mut self, thread: front::FrontThread) -> Result<(), Failed> {
        let work = move || {
            if let Err(fault) = thread.run() {
                tracing::error!(%fault, "the SIP sockets cannot be polled");
            }
        };
        self.front = Some(Builder::new().name("front".to_owned()).spawn(work)?);
        Ok(())
    }

    fn stop(self, front: &FrontDoor) {
        front.send(FrontIn::Stop);
        if let Some(handle) = self.front {
            let _ = handle.join();
        }
        for door in &self.doors {
            door.send(ShardIn::Stop);
        }
        for handle in self.shards {
            let _ = handle.join();
        }
    }
}
