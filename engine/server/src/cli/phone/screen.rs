//! The telephone of `callflow phone` on a screen: what is heard on the left, where the flow is and why on the right.

#![expect(clippy::wildcard_enum_match_arm, reason = "a keyboard has two dozen kinds of keys, of which a telephone knows a few")]

use ratatui::{
    Frame, Terminal,
    backend::Backend,
    crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Paragraph, Wrap},
};
use sim::{
    Act, Booth, Panel,
    offline::{StoryLine, Who},
};
use std::{
    io,
    time::{Duration, Instant},
};
use terms::Now;

/// How often the screen is drawn while time passes by itself.
const TICK: Duration = Duration::from_millis(50);
/// The most that a real clock moves the call at once: a laptop that slept does not skip the call.
const STEP_MAX: Duration = Duration::from_secs(1);
/// What `t` speaks.
const TALK: Duration = Duration::from_secs(2);
/// What `.` waits.
const MOMENT: Duration = Duration::from_secs(1);
/// Lines kept for the screen.
const LINES_MAX: usize = 2_000;

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// As on the wall.
    Real,
    /// Only when something is done.
    Virtual,
}

/// The screen's own state: the call, and what is being typed.
pub(super) struct Screen<'a> {
    title: String,
    pace: Pace,
    booth: Booth,
    again: &'a dyn Fn() -> Booth,
    lines: Vec<StoryLine>,
    typed: Option<String>,
    notice: String,
}

/// What a key of the keyboard means.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    Do(Act),
    Again,
    Faster,
    Type,
    Quit,
    Nothing,
}

fn meaning(key: KeyEvent) -> Key {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char(c @ ('0'..='9' | '*' | '#' | 'A'..='D')) => Key::Do(Act::Press(c.to_string())),
        KeyCode::Char('t') => Key::Do(Act::Talk(TALK)),
        KeyCode::Char('.') => Key::Do(Act::Wait(MOMENT)),
        KeyCode::Char(' ' | 'n') => Key::Do(Act::Next),
        KeyCode::Char('e') => Key::Do(Act::End),
        KeyCode::Char('h') => Key::Do(Act::HangUp),
        KeyCode::Char('s') => Key::Type,
        KeyCode::Char('p') => Key::Faster,
        KeyCode::Char('r') => Key::Again,
        _ => Key::Nothing,
    }
}

impl<'a> Screen<'a> {
    /// A screen for a call; `again` makes the same call anew.
    pub(super) fn new(title: String, pace: Pace, again: &'a dyn Fn() -> Booth) -> Self {
        Self { title, pace, booth: again(), again, lines: Vec::new(), typed: None, notice: String::new() }
    }

    /// Draws and obeys until somebody quits.
    pub(super) fn run<B: Backend>(mut self, terminal: &mut Terminal<B>, clock: impl Fn() -> Now) -> io::Result<()>
    where
        io::Error: From<B::Error>,
    {
        let mut last = clock().at;
        loop {
            self.look();
            terminal.draw(|frame| self.draw(frame))?;
            if event::poll(TICK)? {
                match event::read()? {
                    Event::Key(key) if key.kind == KeyEventKind::Press => {
                        if !self.key(key) {
                            return Ok(());
                        }
                    }
                    Event::Key(_) | Event::Resize(..) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) | Event::Paste(_) => {}
                }
            }
            self.passed(&mut last, clock().at);
        }
    }

    fn passed(&mut self, last: &mut Instant, now: Instant) {
        let span = now.saturating_duration_since(*last).min(STEP_MAX);
        *last = now;
        if self.pace == Pace::Real && self.booth.call().record().is_none() {
            self.booth.pass(span);
        }
    }

    fn look(&mut self) {
        self.lines.extend(self.booth.news());
        let surplus = self.lines.len().saturating_sub(LINES_MAX);
        self.lines.drain(..surplus);
    }

    /// Obeys a key; whether to go on.
    fn key(&mut self, key: KeyEvent) -> bool {
        self.notice.clear();
        if let Some(typed) = &mut self.typed {
            match key.code {
                KeyCode::Enter => {
                    let words = self.typed.take().unwrap_or_default();
                    if !words.trim().is_empty() {
                        self.obey(&Act::Say(words));
                    }
                }
                KeyCode::Esc => self.typed = None,
                KeyCode::Backspace => drop(typed.pop()),
                KeyCode::Char(c) if typed.len() < sim::limits::BOOTH_LINE => typed.push(c),
                _ => {}
            }
            return true;
        }
        match meaning(key) {
            Key::Do(act) => self.obey(&act),
            Key::Again => {
                self.lines.clear();
                self.booth = (self.again)();
            }
            Key::Faster => self.pace = if self.pace == Pace::Real { Pace::Virtual } else { Pace::Real },
            Key::Type => self.typed = Some(String::new()),
            Key::Quit => return false,
            Key::Nothing => {}
        }
        true
    }

    fn obey(&mut self, act: &Act) {
        if let Err(why) = self.booth.act(act) {
            self.notice = why;
        }
    }

    fn draw(&self, frame: &mut Frame) {
        let panel = self.booth.panel();
        let [head, body, foot] = Layout::vertical([Constraint::Length(1), Constraint::Min(4), Constraint::Length(4)]).areas(frame.area());
        let [ear, trace] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(body);
        let clock = format!("{:.1} s{}", panel.at.as_secs_f32(), if self.pace == Pace::Real { "" } else { " (time stands)" });
        let title = Line::from(vec![
            Span::styled(format!(" {} ", self.title), Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)),
            Span::raw(format!("  {}  ", panel.stands)),
            Span::styled(clock, Style::new().fg(Color::Cyan)),
        ]);
        frame.render_widget(Paragraph::new(title), head);
        let is_ear = |who: Who| matches!(who, Who::Caller | Who::Ear);
        self.column(frame, ear, " telephone ", |line| is_ear(line.who));
        self.column(frame, trace, " flow: state, action, why ", |line| !is_ear(line.who));
        frame.render_widget(Paragraph::new(self.foot(&panel)).block(Block::bordered()), foot);
    }

    fn foot(&self, panel: &Panel) -> Vec<Line<'_>> {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        if let Some(typed) = &self.typed {
            return vec![Line::from(vec![Span::styled("say: ", bold), Span::raw(typed.as_str()), Span::styled("_", bold)]), Line::raw("Enter speaks it, Esc leaves")];
        }
        let now = match (&panel.sounding, panel.choices.is_empty()) {
            _ if !self.notice.is_empty() => format!("! {}", self.notice),
            (Some(sound), _) => format!("♪ {sound}"),
            (None, true) => String::new(),
            (None, false) => "it listens".to_owned(),
        };
        let choices = if panel.choices.is_empty() { String::new() } else { format!("  keys: {}", panel.choices.join(" ")) };
        let place = format!("{} / {}{choices}  ", panel.flow, panel.state);
        vec![
            Line::from(vec![Span::styled(place, bold), Span::styled(now, Style::new().fg(Color::Green))]),
            Line::styled("0-9*# press  space next  . 1s  t talk  s say  h hang up  e end  r again  p pace  q quit", Style::new().add_modifier(Modifier::DIM)),
        ]
    }

    /// The last lines that fit, long ones wrapped.
    fn column(&self, frame: &mut Frame, area: Rect, title: &'static str, belongs: impl Fn(&StoryLine) -> bool) {
        let (width, height) = (usize::from(area.width.saturating_sub(2)).max(1), usize::from(area.height.saturating_sub(2)));
        let mut shown: Vec<Line> = Vec::new();
        let mut used = 0;
        for line in self.lines.iter().rev().filter(|line| belongs(line)) {
            let text = format!("{:6.1} {}", line.at.as_secs_f32(), line.what);
            used += text.chars().count().div_ceil(width);
            if used > height {
                break;
            }
            shown.push(Line::styled(text, style(line.who)));
        }
        shown.reverse();
        let text = Paragraph::new(shown).wrap(Wrap { trim: false }).block(Block::bordered().title(title));
        frame.render_widget(text, area);
    }
}

fn style(who: Who) -> Style {
    match who {
        Who::Caller => Style::new().fg(Color::Yellow),
        Who::Ear | Who::Why => Style::new(),
        Who::Flow => Style::new().fg(Color::Cyan),
        Who::World => Style::new().fg(Color::Magenta),
    }
}
