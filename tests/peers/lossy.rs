//! A bad wire in user space: a phone's SIP and sound go through it to the exchange and back, and what it loses, delays, doubles
//! and overtakes is decided by a seed. It stands between the two like a NAT with an application-level gateway: each side sees
//! its address as the other's, also in descriptions.

use std::collections::BinaryHeap;
use std::cmp::Reverse;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the wire rests between two looks at its sockets.
const REST: Duration = Duration::from_millis(1);

/// What the wire does to each packet, each way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Share lost, 0–1.
    pub(crate) loss: f64,
    /// Share that comes twice.
    pub(crate) double: f64,
    /// Share that is held back until the next ones have passed.
    pub(crate) overtaken: f64,
    /// Mean time on the way, and how far it strays.
    pub(crate) delay: (Duration, Duration),
    /// Nothing of the phone's sound gets through.
    pub(crate) mute: bool,
    /// The phone's port for sound is open for so many packets only, then closed.
    pub(crate) open_for: Option<u64>,
}

impl Weather {
    /// A wire that only carries.
    pub(crate) const FAIR: Self = Self { loss: 0.0, double: 0.0, overtaken: 0.0, delay: (Duration::ZERO, Duration::ZERO), mute: false, open_for: None };
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let a = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let b = (a ^ (a >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        b ^ (b >> 31)
    }
    /// 0 to below 1.
    fn share(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Which of the wire's four ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// SIP, towards the phone.
    SipPhone,
    /// SIP, towards the exchange.
    SipExchange,
    /// Sound, towards the phone: stands for the exchange.
    SoundPhone,
    /// Sound, towards the exchange: stands for the phone.
    SoundExchange,
}

const ENDS: [End; 4] = [End::SipPhone, End::SipExchange, End::SoundPhone, End::SoundExchange];

impl End {
    /// Where what comes in here goes out.
    const fn other(self) -> Self {
        match self {
            Self::SipPhone => Self::SipExchange,
            Self::SipExchange => Self::SipPhone,
            Self::SoundPhone => Self::SoundExchange,
            Self::SoundExchange => Self::SoundPhone,
        }
    }
}

/// A packet on its way: when it arrives, in which order, by which end it leaves, and the bytes.
type Travelling = Reverse<(Instant, u64, End, Vec<u8>)>;

/// A wire for one phone.
#[derive(Debug)]
pub(crate) struct Lossy {
    /// What the phone takes for its server.
    pub(crate) server: SocketAddr,
    stop: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

struct Wire {
    sockets: [Option<UdpSocket>; 4],
    exchange: SocketAddr,
    /// The phone's SIP address, and where either side wants sound.
    phone: Option<SocketAddr>,
    sound: [Option<SocketAddr>; 2],
    weather: Weather,
    dice: Dice,
    travelling: BinaryHeap<Travelling>,
    /// The last arrival at each end, so that packets keep their order unless they are overtaken.
    last: [Option<Instant>; 4],
    count: u64,
    /// Packets of the exchange's sound.
    heard: u64,
    lost: Arc<AtomicU64>,
}

impl Lossy {
    /// Begins to carry.
    pub(crate) fn start(exchange: SocketAddr, weather: Weather, seed: u64) -> Self {
        let sockets = [(); 4].map(|()| {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            Some(socket)
        });
        let server = sockets[0].as_ref().unwrap().local_addr().unwrap();
        let (stop, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut wire = Wire {
            sockets,
            exchange,
            phone: None,
            sound: [None; 2],
            weather,
            dice: Dice(seed),
            travelling: BinaryHeap::new(),
            last: [None; 4],
            count: 0,
            heard: 0,
            lost: Arc::clone(&lost),
        };
        let ending = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !ending.load(Ordering::Relaxed) {
                wire.carry(super::process::clock());
                std::thread::park_timeout(REST);
            }
        });
        Self { server, stop, lost, thread: Some(thread) }
    }

    /// Packets lost until now.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Wire {
    fn carry(&mut self, now: Instant) {
        for (at, end) in ENDS.into_iter().enumerate() {
            let mut buffer = [0; 4_096];
            while let Some(socket) = &self.sockets[at] {
                match socket.recv_from(&mut buffer) {
                    Ok((length, from)) => self.came(end, from, &buffer[..length], now),
                    Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                    // A port of the other side that is closed by now.
                    Err(_) => {}
                }
            }
        }
        while self.travelling.peek().is_some_and(|Reverse((due, ..))| *due <= now) {
            let Some(Reverse((_, _, end, bytes))) = self.travelling.pop() else { return };
            let to = match end {
                End::SipPhone => self.phone,
                End::SipExchange => Some(self.exchange),
                End::SoundPhone => self.sound[0],
                End::SoundExchange => self.sound[1],
            };
            if let (Some(to), Some(socket)) = (to, &self.sockets[end as usize]) {
                let _ = socket.send_to(&bytes, to);
            }
        }
    }

    fn came(&mut self, end: End, from: SocketAddr, bytes: &[u8], now: Instant) {
        let mut bytes = bytes.to_vec();
        match end {
            End::SipPhone => {
                self.phone = Some(from);
                self.redescribe(&mut bytes, 0, End::SoundExchange);
            }
            End::SipExchange => self.redescribe(&mut bytes, 1, End::SoundPhone),
            End::SoundPhone if self.weather.mute => return,
            End::SoundPhone | End::SoundExchange => {}
        }
        if end == End::SoundExchange {
            self.heard += 1;
            if self.weather.open_for.is_some_and(|packets| self.heard >= packets) {
                self.sockets[end as usize] = None;
            }
        }
        if self.dice.share() < self.weather.loss {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let out = end.other();
        let times = if self.dice.share() < self.weather.double { 2 } else { 1 };
        for _ in 0..times {
            let (mean, stray) = self.weather.delay;
            let way = (mean + stray.mul_f64(2.0 * self.dice.share())).saturating_sub(stray);
            let mut due = now + way;
            if self.dice.share() < self.weather.overtaken {
                due += Duration::from_millis(30);
            } else {
                due = self.last[out as usize].map_or(due, |last| due.max(last));
                self.last[out as usize] = Some(due);
            }
            self.count += 1;
            self.travelling.push(Reverse((due, self.count, out, bytes.clone())));
        }
    }

    /// Learns where a side wants its sound, and writes the address of our end there instead. All ports have five digits.
    fn redescribe(&mut self, bytes: &mut [u8], side: usize, end: End) {
        const LINE: &[u8] = b"m=audio ";
        let Some(at) = bytes.windows(LINE.len()).position(|window| window == LINE).map(|at| at + LINE.len()) else { return };
        let Some(port) = bytes.get_mut(at..at + 5) else { return };
        let Some(named) = std::str::from_utf8(port).ok().and_then(|text| text.parse::<u16>().ok()) else { return };
        self.sound[side] = Some(SocketAddr::from(([127, 0, 0, 1], named)));
        let Some(socket) = &self.sockets[end as usize] else { return };
        let own = socket.local_addr().unwrap().port();
        assert!(own >= 10_000, "ports of the system have five digits");
        port.copy_from_slice(own.to_string().as_bytes());
    }
}
