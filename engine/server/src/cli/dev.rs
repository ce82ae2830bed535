//! `callflow dev`: the server, the check and the tests on one screen, while files are edited.
//!
//! It composes what is there: `serve` tells its onlooker of changes, reloads and webhooks; a good reload runs the tests that the
//! changed files touch. On a terminal it draws the board, elsewhere each piece of news is a line.

#![expect(clippy::wildcard_enum_match_arm, reason = "a keyboard has two dozen kinds of keys, of which this screen knows a few")]

mod board;
mod screen;
mod touched;

use super::{ConfigFile, complain, say};
use crate::{
    config::Config,
    serve::{self, Calls, News, Onlooker},
};
use board::{Board, Tested};
use clap::Args;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::{Builder, JoinHandle},
    time::Duration,
};
use tokio::sync::watch;

/// News that wait for the screen; more are dropped (log lines in a storm of calls).
const NEWS_MAX: usize = 1_000;
/// Runs of tests that wait: one is enough, for each answers all changes before it.
const RUNS_MAX: usize = 8;
/// How often the screen is drawn and the calls are asked for.
const TICK: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(super) struct DevArgs {
    #[command(flatten)]
    file: ConfigFile,
    /// Lines instead of a screen, also on a terminal.
    #[arg(long)]
    lines: bool,
}

pub(super) fn dev(args: DevArgs) -> ExitCode {
    let config = match Config::read(&args.file.config) {
        Ok(config) => config,
        Err(faults) => {
            complain(&faults.to_string());
            return ExitCode::FAILURE;
        }
    };
    let title = title(&config);
    let is_screen = !args.lines && io::stdin().is_terminal() && io::stdout().is_terminal();
    match Dev::start(config, args.file.config, is_screen) {
        Ok(dev) if is_screen => dev.on_screen(&title),
        Ok(dev) => {
            say(&title);
            dev.in_lines()
        }
        Err(fault) => {
            complain(&format!("error: {fault}"));
            ExitCode::FAILURE
        }
    }
}

fn title(config: &Config) -> String {
    let sip: Vec<String> = config.listen.udp.iter().chain(&config.listen.tcp).map(ToString::to_string).collect();
    let mut sip = sip;
    sip.dedup();
    let http = config.http.listen.map(|http| format!(", HTTP {http}")).unwrap_or_default();
    format!("callflow dev {}: SIP {}{http}", config.source.path, sip.join(" "))
}

/// The threads, and what is known.
struct Dev {
    news: Receiver<News>,
    runs: SyncSender<Vec<PathBuf>>,
    results: Receiver<Vec<Tested>>,
    stop: watch::Sender<bool>,
    server: JoinHandle<ExitCode>,
    calls: Option<Calls>,
    /// Changed since tests ran last.
    changed: Vec<PathBuf>,
    board: Board,
}

impl Dev {
    fn start(config: Config, path: PathBuf, takes_log: bool) -> io::Result<Self> {
        let (tell, news) = sync_channel(NEWS_MAX);
        let (runs, wanted) = sync_channel::<Vec<PathBuf>>(RUNS_MAX);
        let (done, results) = sync_channel(RUNS_MAX);
        let (stop, stopped) = watch::channel(false);
        let onlooker = Onlooker { news: tell, stop: stopped, takes_log };
        let options = serve::ServeOptions { path: path.clone(), onlooker: Some(onlooker) };
        let server = Builder::new().name("serve".to_owned()).spawn(move || serve::run(config, options))?;
        let tester = Builder::new().name("tests".to_owned()).stack_size(flow::limits::SCRIPT_STACK);
        tester.spawn(move || {
            while let Ok(mut changed) = wanted.recv() {
                changed.extend(wanted.try_iter().flatten());
                if done.send(touched::run(&path, &changed)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { news, runs, results, stop, server, calls: None, changed: Vec::new(), board: Board::default() })
    }

    /// Takes what there is; the lines it makes. False when the server is over.
    fn turn(&mut self, wait: Duration, tell: &mut dyn FnMut(&str)) -> bool {
        match self.news.recv_timeout(wait) {
            Ok(news) => self.hear(news, tell),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        while let Ok(news) = self.news.try_recv() {
            self.hear(news, tell);
        }
        while let Ok(tests) = self.results.try_recv() {
            tell(&self.board.tested(tests));
        }
        let calls = self.calls.as_ref().and_then(|calls| calls());
        if let Some(line) = calls.and_then(|calls| self.board.calls(calls)) {
            tell(&line);
        }
        !self.server.is_finished()
    }

    fn hear(&mut self, news: News, tell: &mut dyn FnMut(&str)) {
        match news {
            News::Ready { calls, number, flows } => {
                self.calls = Some(calls);
                tell(&self.board.loaded(number, flows));
                self.test();
            }
            News::Changed(paths) => self.changed.extend(paths),
            News::Loaded { number, flows } => {
                tell(&self.board.loaded(number, flows));
                self.test();
            }
            News::Refused(faults) => tell(&self.board.refused(faults)),
            News::Webhook(event) => tell(&self.board.webhook(event.kind, event.id)),
            News::Log(line) => self.board.logged(line),
        }
    }

    /// Has the tests run that the changes touch; all when nothing changed. Changes of a refused set wait for the next good one.
    fn test(&mut self) {
        let changed = std::mem::take(&mut self.changed);
        self.board.after = changed.iter().map(|path| short(path)).collect();
        self.board.running = self.runs.try_send(changed).is_ok();
    }

    fn in_lines(mut self) -> ExitCode {
        while self.turn(TICK, &mut |line| say(line)) {}
        self.end()
    }

    fn on_screen(mut self, title: &str) -> ExitCode {
        let mut terminal = ratatui::init();
        let mut quit = false;
        while !quit && self.turn(Duration::ZERO, &mut |_| {}) {
            if terminal.draw(|frame| screen::draw(frame, &self.board, title)).is_err() {
                break;
            }
            quit = self.key();
        }
        ratatui::restore();
        self.end()
    }

    /// Waits a moment for a key; whether it is the one that quits.
    fn key(&mut self) -> bool {
        let Ok(true) = event::poll(TICK) else { return false };
        match event::read() {
            Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => match key.code {
                KeyCode::Char('q') | KeyCode::Esc => true,
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => true,
                KeyCode::Char('t') => {
                    self.changed.clear();
                    self.test();
                    false
                }
                _ => false,
            },
            Ok(Event::Key(_) | Event::Resize(..) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) | Event::Paste(_)) => false,
            Err(_) => true,
        }
    }

    fn end(self) -> ExitCode {
        let _ = self.stop.send(true);
        self.server.join().unwrap_or(ExitCode::FAILURE)
    }
}

/// The file and its folder.
fn short(path: &Path) -> String {
    let parts: Vec<_> = path.iter().rev().take(2).collect();
    parts.into_iter().rev().collect::<PathBuf>().display().to_string()
}
