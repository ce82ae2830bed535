//! Kamailio as the registrar and proxy in front of the exchange (`kamailio.cfg` beside this file).

use super::process::{Folder, Process, wait_for};
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

/// A running Kamailio.
#[derive(Debug)]
pub(crate) struct Kamailio {
    process: Process,
    folder: Folder,
}

impl Kamailio {
    /// Starts it on `port`, with the exchange behind it, and waits until it answers.
    #[track_caller]
    pub(crate) fn start(port: u16, exchange: u16) -> Self {
        let folder = Folder::new("kamailio");
        let modules = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|e| e.path().join("kamailio/modules/"));
        let modules = modules.into_iter().chain(["/usr/lib/kamailio/modules/".into()]).find(|p| p.join("tm.so").exists());
        let modules = modules.unwrap_or_else(|| panic!("Kamailio's modules are not there; run tests/install.sh"));
        let text = include_str!("kamailio.cfg")
            .replace("@PORT@", &port.to_string())
            .replace("@EXCHANGE@", &exchange.to_string())
            .replace("@MODULES@", &modules.to_string_lossy());
        let config = folder.write("kamailio.cfg", &text);
        let mut command = Command::new("kamailio");
        command.args(["-DD", "-E", "-Y"]).arg(folder.path()).arg("-f").arg(&config);
        let mut process = Process::start(&mut command, &folder.path().join("log"));
        let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
        probe.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let own = probe.local_addr().unwrap();
        wait_for("Kamailio to answer", Duration::from_secs(15), || {
            if let Some(status) = process.ended() {
                panic!("Kamailio ended with {status}:\n{}", process.log());
            }
            let ask = format!(
                "OPTIONS sip:nobody@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKprobe{};rport\r\nMax-Forwards: 70\r\nFrom: <sip:probe@{own}>;tag=1\r\nTo: <sip:nobody@127.0.0.1:{port}>\r\nCall-ID: probe\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
                port
            );
            probe.send_to(ask.as_bytes(), ("127.0.0.1", port)).ok()?;
            probe.recv_from(&mut [0; 2_000]).ok()
        });
        Self { process, folder }
    }

    pub(crate) fn log(&self) -> String {
        format!("{}\n{}", self.folder.path().display(), self.process.log())
    }
}

impl Drop for Kamailio {
    /// Its workers are processes of their own, which end only when they are told.
    fn drop(&mut self) {
        self.process.terminate();
    }
}
