//! The shell: a phone on real sockets, in a thread of its own.
//!
//! ```text
//! SIP socket --reader thread--.
//! RTP socket --reader thread--+--> bounded queue --> phone thread (owns the Phone) --> sockets
//! steps, questions -----------'
//! ```
//! Threads end when the handset is dropped: the readers look at a flag twice a second.

use crate::account::{Account, Manners, Protocol, Setup};
use crate::framing::Framer;
use crate::phone::{Arrival, Phone, Report, TimelineEntry, Transmit};
use crate::step::Step;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use terms::Codec;

/// Datagrams to lose on purpose: the first `times` that contain `containing`.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Whether those coming in (or else those going out) are lost.
    pub incoming: bool,
    /// A text such as `SIP/2.0 200`.
    pub containing: String,
    /// How many are lost.
    pub times: u32,
}

/// How a handset is connected.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Who it is; `account.server` is where it sends.
    pub account: Account,
    /// The local address to bind; ports are chosen by the system.
    pub bind: IpAddr,
    /// UDP or TCP.
    pub protocol: Protocol,
    /// Codecs offered, best first.
    pub codecs: Vec<Codec>,
    /// Whether it offers and accepts telephone events.
    pub events: bool,
    /// What it does when called.
    pub manners: Manners,
    /// Whether it knows digest by MD5 only.
    pub md5_only: bool,
    /// What is lost on purpose (UDP only).
    pub losses: Vec<Loss>,
}

impl Wire {
    /// A UDP phone on 127.0.0.1 that answers at once.
    #[must_use]
    pub fn new(account: Account) -> Self {
        Self {
            account,
            bind: IpAddr::from([127, 0, 0, 1]),
            protocol: Protocol::Udp,
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            events: true,
            manners: Manners::Answer { after: Duration::ZERO },
            md5_only: false,
            losses: Vec::new(),
        }
    }
}

/// Why a handset could not work.
#[derive(Debug, thiserror::Error)]
pub enum HandsetError {
    /// A socket failed.
    #[error("socket: {0}")]
    Socket(#[from] std::io::Error),
    /// A step failed.
    #[error("{step}: {why}; what happened:\n{timeline}")]
    Step {
        /// The step in words.
        step: String,
        /// Why it failed.
        why: String,
        /// The timeline until then, a line each.
        timeline: String,
    },
    /// Something did not come true in time.
    #[error("not within {0:?}; what happened:\n{1}")]
    Late(Duration, String),
    /// The phone's thread has ended.
    #[error("the phone has ended")]
    Ended,
}

/// What comes to the phone's thread.
enum Inbox {
    Sip(SocketAddr, Vec<u8>),
    Rtp(SocketAddr, Vec<u8>),
    /// The SIP stream is gone; why, in words.
    Closed(String),
    Step(Step, Option<SyncSender<Result<(), String>>>),
    Report(SyncSender<Report>),
    Watch(usize, SyncSender<Watched>),
    Inject(SocketAddr, Vec<u8>),
    Stop,
}

/// An answer to "what is new?".
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) news: Vec<TimelineEntry>,
    pub(crate) done: bool,
    pub(crate) failure: Option<String>,
    pub(crate) refused_with: Option<u16>,
}

/// Messages that may wait for the phone's thread: 10 s of RTP. Readers block when it is full; the kernel then drops.
const INBOX_MAX: usize = 512;
/// How often a reader looks whether it should end.
const READER_LOOKS: Duration = Duration::from_millis(500);
/// Longest wait of the phone's thread for anything.
const IDLE_MAX: Duration = Duration::from_millis(500);
/// How often something not announced is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long the thread goes on to end a call after the handset was dropped.
const FAREWELL: Duration = Duration::from_millis(300);

/// A phone that is running. Dropping it ends its call and its threads.
#[derive(Debug)]
pub struct Handset {
    inbox: SyncSender<Inbox>,
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    sip: SocketAddr,
    rtp: SocketAddr,
}

/// Distinguishes the handsets of one process, so that no two use the same tags.
static COUNT: AtomicU64 = AtomicU64::new(1);

#[expect(clippy::disallowed_methods, reason = "this file is the shell: the phone's clock is read here only")]
fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a real phone's tags must differ from those of its last run")]
fn fresh_seed() -> u64 {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    let clock = clock as u64;
    clock ^ (u64::from(std::process::id()) << 40) ^ COUNT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The SIP side of the wire.
enum Trunk {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Handset {
    /// Binds the sockets and starts the threads.
    ///
    /// # Errors
    /// When a socket cannot be bound or connected.
    pub fn start(wire: Wire) -> Result<Self, HandsetError> {
        let (inbox, letters) = sync_channel(INBOX_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let rtp_socket = UdpSocket::bind((wire.bind, 0))?;
        let rtp = rtp_socket.local_addr()?;
        read_datagrams(&rtp_socket, &inbox, &stop, Inbox::Rtp, Vec::new())?;
        let (incoming, outgoing): (Vec<Loss>, Vec<Loss>) = wire.losses.into_iter().partition(|l| l.incoming);
        let (trunk, sip) = match wire.protocol {
            Protocol::Udp => {
                let socket = UdpSocket::bind((wire.bind, 0))?;
                let sip = socket.local_addr()?;
                read_datagrams(&socket, &inbox, &stop, Inbox::Sip, incoming)?;
                (Trunk::Udp(socket), sip)
            }
            Protocol::Tcp => {
                let stream = TcpStream::connect_timeout(&wire.account.server, Duration::from_secs(5))?;
                stream.set_nodelay(true)?;
                let sip = stream.local_addr()?;
                read_stream(&stream, &inbox, &stop)?;
                (Trunk::Tcp(stream), sip)
            }
        };
        let setup = Setup {
            account: wire.account, local: sip, protocol: wire.protocol, rtp, codecs: wire.codecs, events: wire.events, manners: wire.manners,
            refer_answer: 202, md5_only: wire.md5_only,
            seed: fresh_seed(),
        };
        let mut shell = Shell { phone: Phone::new(setup, Vec::new(), clock()), trunk, rtp: rtp_socket, losses: outgoing, waiting: None };
        let thread = std::thread::Builder::new().name("phone".to_owned()).spawn(move || shell.run(&letters))?;
        Ok(Self { inbox, thread: Some(thread), stop, sip, rtp })
    }

    /// Does one step and waits until it is done.
    ///
    /// # Errors
    /// [`HandsetError::Step`] when it fails; the phone goes on living and can be given further steps.
    pub fn step(&self, step: Step) -> Result<(), HandsetError> {
        let name = step.name();
        let (answer, wait) = sync_channel(1);
        self.inbox.send(Inbox::Step(step, Some(answer))).map_err(|_| HandsetError::Ended)?;
        match wait.recv() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(HandsetError::Step { step: name, why, timeline: self.timeline() }),
            Err(_) => Err(HandsetError::Ended),
        }
    }

    /// Begins a step without waiting; the next one follows it.
    pub fn begin(&self, step: Step) {
        // A phone that has ended answers the next `step` with an error.
        let _ = self.inbox.send(Inbox::Step(step, None));
    }

    /// Sends these bytes from the phone's SIP socket, whatever they are: for tests of what should not be sent.
    pub fn inject(&self, to: SocketAddr, bytes: Vec<u8>) {
        let _ = self.inbox.send(Inbox::Inject(to, bytes));
    }

    /// All that happened until now.
    #[must_use]
    pub fn report(&self) -> Report {
        let (answer, wait) = sync_channel(1);
        let sent = self.inbox.send(Inbox::Report(answer));
        sent.ok().and_then(|()| wait.recv().ok()).unwrap_or_default()
    }

    /// The timeline as lines of `seconds  what`.
    #[must_use]
    pub fn timeline(&self) -> String {
        self.report().timeline.iter().map(|entry| format!("{:8.3}  {}\n", entry.at.as_secs_f64(), entry.text)).collect()
    }

    pub(crate) fn watch(&self, from: usize) -> Option<Watched> {
        let (answer, wait) = sync_channel(1);
        self.inbox.send(Inbox::Watch(from, answer)).ok()?;
        wait.recv().ok()
    }

    /// Where it receives SIP.
    #[must_use]
    pub const fn sip_address(&self) -> SocketAddr {
        self.sip
    }

    /// Where it receives RTP.
    #[must_use]
    pub const fn rtp_address(&self) -> SocketAddr {
        self.rtp
    }

    /// Waits until `what` is true of the report.
    ///
    /// # Errors
    /// [`HandsetError::Late`] when it is not within the time.
    pub fn wait_for(&self, within: Duration, what: impl Fn(&Report) -> bool) -> Result<(), HandsetError> {
        let end = clock() + within;
        loop {
            if what(&self.report()) {
                return Ok(());
            }
            if clock() >= end {
                return Err(HandsetError::Late(within, self.timeline()));
            }
            std::thread::park_timeout(LOOK);
        }
    }
}

impl Drop for Handset {
    fn drop(&mut self) {
        let _ = self.inbox.send(Inbox::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Everything the phone's thread owns.
struct Shell {
    phone: Phone,
    trunk: Trunk,
    rtp: UdpSocket,
    losses: Vec<Loss>,
    /// Who waits for which number of steps to be done.
    waiting: Option<(u64, SyncSender<Result<(), String>>)>,
}

impl Shell {
    fn run(&mut self, letters: &Receiver<Inbox>) {
        let mut given: u64 = 0;
        let mut end: Option<Instant> = None;
        loop {
            self.flush();
            self.tell_waiting();
            let now = clock();
            if end.is_some_and(|end| now >= end || self.phone.is_done()) {
                return;
            }
            let due = self.phone.poll_timeout().map_or(IDLE_MAX, |at| at.saturating_duration_since(now)).min(IDLE_MAX);
            match letters.recv_timeout(due) {
                Ok(Inbox::Sip(from, bytes)) => self.phone.handle(Arrival::Sip { from, bytes: &bytes }, clock()),
                Ok(Inbox::Rtp(from, bytes)) => self.phone.handle(Arrival::Rtp { from, bytes: &bytes }, clock()),
                Ok(Inbox::Closed(why)) => self.phone.handle(Arrival::Closed { why: &why }, clock()),
                Ok(Inbox::Step(step, answer)) => {
                    if self.phone.failure().is_some() {
                        self.phone.forgive();
                        given = self.phone.steps_done();
                    }
                    given += 1;
                    self.waiting = answer.map(|answer| (given, answer)).or(self.waiting.take());
                    self.phone.push(step, clock());
                }
                Ok(Inbox::Report(answer)) => drop(answer.send(self.phone.snapshot())),
                Ok(Inbox::Watch(from, answer)) => {
                    let watched = Watched {
                        news: self.phone.timeline_since(from).to_vec(),
                        done: self.phone.is_done(),
                        failure: self.phone.failure().map(str::to_owned),
                        refused_with: self.phone.refused_with(),
                    };
                    drop(answer.send(watched));
                }
                Ok(Inbox::Inject(to, bytes)) => self.send_sip(to, &bytes),
                Ok(Inbox::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    self.phone.forgive();
                    self.phone.push(Step::HangUp, clock());
                    end.get_or_insert(clock() + FAREWELL);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.phone.handle_timeout(clock());
        }
    }

    fn flush(&mut self) {
        while let Some(transmit) = self.phone.poll_output() {
            match transmit {
                // What the kernel does not take is lost, as on any wire.
                Transmit::Rtp { to, bytes } => drop(self.rtp.send_to(&bytes, to)),
                Transmit::Sip { to, bytes } => self.send_sip(to, &bytes),
            }
        }
    }

    fn send_sip(&mut self, to: SocketAddr, bytes: &[u8]) {
        if lost(&mut self.losses, bytes) {
            return;
        }
        match &mut self.trunk {
            Trunk::Udp(socket) => drop(socket.send_to(bytes, to)),
            Trunk::Tcp(stream) => drop(stream.write_all(bytes)),
        }
    }

    fn tell_waiting(&mut self) {
        let Some((number, _)) = &self.waiting else { return };
        let verdict = match self.phone.failure() {
            Some(why) => Err(why.to_owned()),
            None if self.phone.steps_done() >= *number => Ok(()),
            None => return,
        };
        if let Some((_, answer)) = self.waiting.take() {
            drop(answer.send(verdict));
        }
    }
}

/// Whether this datagram is one of those to lose.
fn lost(losses: &mut [Loss], bytes: &[u8]) -> bool {
    for loss in losses.iter_mut().filter(|l| l.times > 0) {
        if bytes.windows(loss.containing.len().max(1)).any(|w| w == loss.containing.as_bytes()) {
            loss.times -= 1;
            return true;
        }
    }
    false
}

fn read_datagrams(
    socket: &UdpSocket,
    inbox: &SyncSender<Inbox>,
    stop: &Arc<AtomicBool>,
    wrap: fn(SocketAddr, Vec<u8>) -> Inbox,
    losses: Vec<Loss>,
) -> Result<(), std::io::Error> {
    let socket = socket.try_clone()?;
    socket.set_read_timeout(Some(READER_LOOKS))?;
    let (inbox, stop) = (inbox.clone(), Arc::clone(stop));
    let losses = Mutex::new(losses);
    let reader = move || {
        let mut buffer = vec![0; crate::limits::MESSAGE_BYTES_MAX];
        while !stop.load(Ordering::Relaxed) {
            let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
            let bytes = buffer.get(..length).unwrap_or(&[]).to_vec();
            if losses.lock().is_ok_and(|mut l| lost(&mut l, &bytes)) {
                continue;
            }
            if inbox.send(wrap(from, bytes)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("phone-reader".to_owned()).spawn(reader).map(drop)
}

fn read_stream(stream: &TcpStream, inbox: &SyncSender<Inbox>, stop: &Arc<AtomicBool>) -> Result<(), std::io::Error> {
    let mut stream = stream.try_clone()?;
    let from = stream.peer_addr()?;
    stream.set_read_timeout(Some(READER_LOOKS))?;
    let (inbox, stop) = (inbox.clone(), Arc::clone(stop));
    let reader = move || {
        let mut framer = Framer::default();
        let mut buffer = vec![0; 16_384];
        while !stop.load(Ordering::Relaxed) && !framer.is_broken() {
            match stream.read(&mut buffer) {
                Ok(0) => return drop(inbox.send(Inbox::Closed("the far end closed the connection".to_owned()))),
                Ok(length) => framer.push(buffer.get(..length).unwrap_or(&[])),
                Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut | std::io::ErrorKind::Interrupted) => {}
                Err(e) => return drop(inbox.send(Inbox::Closed(format!("the connection broke: {e}")))),
            }
            while let Some(bytes) = framer.next_message() {
                if inbox.send(Inbox::Sip(from, bytes)).is_err() {
                    return;
                }
            }
        }
    };
    std::thread::Builder::new().name("phone-reader".to_owned()).spawn(reader).map(drop)
}
