//! The one screen of `callflow dev`: check, tests, calls, webhook, log. It only draws the board.

use super::board::{Board, Check};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);

/// Draws the board.
pub(super) fn draw(frame: &mut Frame, board: &Board, title: &str) {
    let [head, middle, low, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Percentage(60), Constraint::Min(4), Constraint::Length(1)]).areas(frame.area());
    let [check, right] = Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(middle);
    let [calls, webhook] = Layout::vertical([Constraint::Min(4), Constraint::Length(3)]).areas(right);
    let light = if board.is_green() { Span::styled(" good ", GOOD.add_modifier(Modifier::REVERSED)) } else { Span::styled(" look ", BAD.add_modifier(Modifier::REVERSED)) };
    frame.render_widget(Paragraph::new(Line::from(vec![light, Span::raw(format!(" {title}"))])), head);
    block(frame, check, format!(" check and tests: {} reloads ", board.reloads), checked(board));
    block(frame, calls, format!(" calls: {} ", board.calls.len()), called(board));
    block(frame, webhook, format!(" webhooks: {} ", board.webhooks), hooked(board));
    let rows = usize::from(low.height.saturating_sub(2));
    let log = board.log.iter().skip(board.log.len().saturating_sub(rows)).map(|line| Line::raw(line.as_str())).collect();
    block(frame, low, " log ".to_owned(), log);
    frame.render_widget(Paragraph::new(Line::styled(" t run all tests   q quit ", DIM)), foot);
}

fn block(frame: &mut Frame, area: Rect, title: String, lines: Vec<Line>) {
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
}

fn checked(board: &Board) -> Vec<Line<'_>> {
    let mut lines = match &board.check {
        None => vec![Line::styled("starting", DIM)],
        Some(Check::Good { number, flows }) => vec![Line::styled(format!("version {number} in use, {flows} flows, no faults"), GOOD)],
        Some(Check::Faults(faults)) => {
            let head = Line::styled("refused; the version before stays in use", BAD);
            [head].into_iter().chain(faults.lines().map(Line::raw)).collect()
        }
    };
    let failed = board.tests.iter().filter(|test| test.failure.is_some()).count();
    let counts = match board.tests.len() {
        _ if board.running => Line::styled("tests are running", DIM),
        0 => Line::styled("no tests run yet", DIM),
        all => Line::styled(format!("tests: {} passed, {failed} failed", all - failed), if failed == 0 { GOOD } else { BAD }),
    };
    lines.push(counts);
    if !board.after.is_empty() {
        lines.push(Line::styled(format!("after a change of {}", board.after.join(", ")), DIM));
    }
    for test in &board.tests {
        match &test.failure {
            Some(failure) => {
                lines.push(Line::styled(format!("failed {}", test.name), BAD));
                lines.extend(failure.lines().map(Line::raw));
            }
            None => lines.push(Line::from(vec![Span::styled("passed ", GOOD), Span::raw(test.name.as_str())])),
        }
    }
    lines
}

fn called(board: &Board) -> Vec<Line<'_>> {
    if board.calls.is_empty() {
        return vec![Line::styled("none", DIM)];
    }
    board.calls.iter().map(|call| Line::raw(format!("{} > {}  {}  since {}", call.from, call.to, call.state, call.since))).collect()
}

fn hooked(board: &Board) -> Vec<Line<'_>> {
    match &board.webhook {
        Some((kind, id)) => vec![Line::raw(format!("{kind}  {id}"))],
        None => vec![Line::styled("none yet", DIM)],
    }
}
