//! A chart as SVG 1.1: one file without scripts, fonts or links, light and dark by the reader's own setting.

use crate::{
    chart::{Chart, Edge, Mark, Node, Shape},
    layout::{Course, Xy, layout},
    limits::{LABEL_CHARS, LABEL_LINES, LIST_ROWS, NODES_MAX, ROW_CHARS, ROWS},
    text::{cut, mono, sans, wrap},
};
use std::fmt::Write as _;

/// Sizes of type, px: titles, rows, labels.
const TITLE: f64 = 14.0;
const ROW: f64 = 12.0;
const LABEL: f64 = 11.0;
/// Line height in units of the size.
const LEADING: f64 = 1.36;
/// Between text and border, px: beside, above.
const PADDING: Xy = (14.0, 10.0);
/// The line above the picture: title and legend, px.
const HEAD: f64 = 48.0;
/// Height of one note, px.
const NOTE: f64 = 18.0;

/// Plain rules first: some programs (librsvg among them) know neither variables nor `@media`.
const STYLE: &str = "\
svg{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}
.page{fill:#ffffff}
.box{fill:#f6f8fa;stroke:#57606a;stroke-width:1.2}
.step{fill:#ffffff;stroke-dasharray:3 2}
.last{stroke-width:3}
.entry{fill:#0969da;stroke:#0969da}
.end{fill:#6e7781;stroke:#6e7781}
.unreachable{stroke:#cf222e;stroke-width:2;stroke-dasharray:7 3}
.untested{stroke:#bf8700;stroke-width:2;stroke-dasharray:7 3}
.line{fill:none;stroke:#6e7781;stroke-width:1.3}
.line.untested{stroke:#bf8700;stroke-width:1.8}
.tip{fill:#6e7781}
.tip.untested{fill:#bf8700;stroke:none}
.under{fill:#ffffff}
.title{fill:#1f2328;font-size:14px;font-weight:600}
.name{fill:#1f2328;font-size:17px;font-weight:600}
.row{fill:#57606a;font-size:12px}
.note{fill:#57606a;font-size:12px;font-style:italic}
.label{fill:#0550ae;font-size:11px;font-family:ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',monospace}
.label.untested{fill:#9a6700;stroke:none}
.light{fill:#ffffff}
@media (prefers-color-scheme:dark){
.page,.under{fill:#0d1117}
.box{fill:#161b22;stroke:#8b949e}
.step{fill:#0d1117}
.entry{fill:#1f6feb;stroke:#1f6feb}
.end{fill:#6e7681;stroke:#6e7681}
.unreachable{stroke:#f85149}
.untested,.line.untested{stroke:#d29922}
.line{stroke:#8b949e}
.tip{fill:#8b949e}
.tip.untested{fill:#d29922}
.title,.name{fill:#e6edf3}
.row,.note{fill:#9da7b3}
.label{fill:#79c0ff}
.label.untested{fill:#e3b341}
}
";

impl Chart {
    /// An SVG document.
    ///
    /// # Errors
    /// When there are more boxes than anybody could read ([`NODES_MAX`]).
    pub fn svg(&self) -> Result<String, String> {
        if self.nodes.len() > NODES_MAX {
            return Err(format!("{} boxes are too many for a picture: at most {NODES_MAX} are drawn", self.nodes.len()));
        }
        let texts: Vec<Words> = self.nodes.iter().map(Words::of).collect();
        let labels: Vec<Vec<String>> = self.edges.iter().map(lines_of).collect();
        let boxes: Vec<Xy> = texts.iter().zip(&self.nodes).map(|(words, node)| words.extent(node.shape)).collect();
        let extents: Vec<Xy> = labels.iter().map(|lines| label_extent(lines)).collect();
        let laid = layout(self, &boxes, &extents);
        let mut page = Page { body: String::new() };
        for (edge, course) in self.edges.iter().zip(&laid.edges) {
            page.line(edge, course);
        }
        for ((edge, course), lines) in self.edges.iter().zip(&laid.edges).zip(&labels) {
            page.label(edge, course, lines);
        }
        for (((node, words), at), size) in self.nodes.iter().zip(&texts).zip(&laid.nodes).zip(&boxes) {
            page.node(node, words, *at, *size);
        }
        Ok(self.document(&page.body, laid.size))
    }

    fn document(&self, body: &str, (width, height): Xy) -> String {
        let notes: Vec<String> = self.notes.iter().flat_map(|note| wrap(note, 90, 3)).collect();
        let widest = notes.iter().map(|note| sans(note) * ROW).fold(sans(&self.title) * 17.0 + 300.0, f64::max);
        let head = HEAD + NOTE * count(notes.len());
        let (width, height) = (width.max(widest + 40.0).ceil(), (height + head).ceil());
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
             <title>{}</title>\n<style>\n{STYLE}</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n",
            escape(&self.title)
        );
        let _ = writeln!(text, "<text class=\"name\" x=\"20\" y=\"32\">{}</text>", escape(&self.title));
        let mut x = 20.0 + sans(&self.title) * 17.0 + 24.0;
        for (mark, class, words) in [(Mark::Unreachable, "unreachable", "unreachable"), (Mark::Untested, "untested", "no test reached it")] {
            if self.has(mark) {
                let _ = writeln!(text, "<rect class=\"box {class}\" x=\"{x:.1}\" y=\"20\" width=\"22\" height=\"14\" rx=\"3\"/>");
                let _ = writeln!(text, "<text class=\"row\" x=\"{:.1}\" y=\"31\">{words}</text>", x + 28.0);
                x += 28.0 + sans(words) * ROW + 20.0;
            }
        }
        for (at, note) in notes.iter().enumerate() {
            let _ = writeln!(text, "<text class=\"note\" x=\"20\" y=\"{:.1}\">{}</text>", HEAD + 6.0 + NOTE * count(at), escape(note));
        }
        let _ = write!(text, "<g transform=\"translate(0 {head})\">\n{body}</g>\n</svg>\n");
        text
    }
}

/// The text of a box, broken into lines.
struct Words {
    title: Option<String>,
    rows: Vec<String>,
}

impl Words {
    fn of(node: &Node) -> Self {
        let title = (!node.title.is_empty()).then(|| cut(&node.title, ROW_CHARS));
        let rows: Vec<String> = match node.rows.as_slice() {
            [one] => wrap(one, ROW_CHARS, ROWS),
            rows if rows.len() <= LIST_ROWS => rows.iter().map(|row| cut(row, ROW_CHARS)).collect(),
            rows => {
                let shown = rows.iter().take(LIST_ROWS - 1).map(|row| cut(row, ROW_CHARS));
                shown.chain([format!("… and {} more", rows.len() - (LIST_ROWS - 1))]).collect()
            }
        };
        Self { title, rows: rows.into_iter().filter(|row| !row.is_empty()).collect() }
    }

    fn height(&self) -> f64 {
        self.title.as_ref().map_or(0.0, |_| TITLE * LEADING) + count(self.rows.len()) * ROW * LEADING
    }

    fn extent(&self, shape: Shape) -> Xy {
        let title = self.title.as_ref().map_or(0.0, |title| sans(title) * TITLE * 1.06);
        let width = self.rows.iter().map(|row| sans(row) * ROW).fold(title, f64::max);
        let (width, height) = (width + 2.0 * PADDING.0, self.height() + 2.0 * PADDING.1);
        match shape {
            Shape::Entry | Shape::End => (width.max(44.0), self.height() + 8.0),
            // A hexagon's points stand out.
            Shape::Choice => (width.max(60.0) + 2.0 * PADDING.0, height),
            Shape::State | Shape::Step | Shape::List | Shape::Run | Shape::Last => (width.max(60.0), height),
        }
    }
}

fn lines_of(edge: &Edge) -> Vec<String> {
    let mut lines: Vec<String> = edge.labels.iter().take(LABEL_LINES).map(|label| cut(label, LABEL_CHARS)).collect();
    if edge.labels.len() > LABEL_LINES {
        lines.push(format!("… {} more", edge.labels.len() - LABEL_LINES));
    }
    lines
}

fn label_extent(lines: &[String]) -> Xy {
    if lines.is_empty() {
        return (0.0, 0.0);
    }
    let width = lines.iter().map(|line| mono(line) * LABEL).fold(0.0, f64::max);
    (width + 10.0, count(lines.len()) * LABEL * LEADING + 4.0)
}

struct Page {
    body: String,
}

impl Page {
    fn node(&mut self, node: &Node, words: &Words, (x, y): Xy, (width, height): Xy) {
        let (left, top) = (x - width / 2.0, y - height / 2.0);
        let class = class(node);
        let _ = match node.shape {
            Shape::Choice => {
                let (right, low, point) = (left + width, top + height, PADDING.0);
                writeln!(
                    self.body,
                    "<polygon class=\"{class}\" points=\"{left:.1},{y:.1} {:.1},{top:.1} {:.1},{top:.1} {right:.1},{y:.1} {:.1},{low:.1} {:.1},{low:.1}\"/>",
                    left + point,
                    right - point,
                    right - point,
                    left + point
                )
            }
            Shape::Entry | Shape::End => self.rect(class, (left, top), (width, height), height / 2.0),
            Shape::Last => self.rect(class, (left, top), (width, height), 14.0),
            Shape::State | Shape::Step | Shape::List | Shape::Run => self.rect(class, (left, top), (width, height), 5.0),
        };
        if node.shape == Shape::Run {
            let _ = writeln!(self.body, "<path class=\"line\" d=\"M{:.1} {top:.1}v{height:.1}M{:.1} {top:.1}v{height:.1}\"/>", left + 6.0, left + width - 6.0);
        }
        let light = if matches!(node.shape, Shape::Entry | Shape::End) { " light" } else { "" };
        let mut base = y - words.height() / 2.0;
        if let Some(title) = &words.title {
            self.text(&format!("title{light}"), (x, base + TITLE), title);
            base += TITLE * LEADING;
        }
        for row in &words.rows {
            self.text(&format!("row{light}"), (x, base + ROW), row);
            base += ROW * LEADING;
        }
    }

    fn rect(&mut self, class: &str, (left, top): Xy, (width, height): Xy, round: f64) -> std::fmt::Result {
        writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"/>"
        )
    }

    fn text(&mut self, class: &str, (x, y): Xy, text: &str) {
        let _ = writeln!(self.body, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{}</text>", escape(text));
    }

    /// A smooth line through its points, with a tip.
    fn line(&mut self, edge: &Edge, course: &Course) {
        let [.., before, end] = course.points.as_slice() else { return };
        let mark = if edge.mark == Mark::Untested { " untested" } else { "" };
        let (dx, dy) = (end.0 - before.0, end.1 - before.1);
        let length = dx.hypot(dy).max(0.1);
        let (ux, uy) = (dx / length, dy / length);
        let neck = (end.0 - ux * 7.0, end.1 - uy * 7.0);
        let mut points = course.points.clone();
        if let Some(last) = points.last_mut() {
            *last = neck;
        }
        let _ = writeln!(self.body, "<path class=\"line{mark}\" d=\"{}\"/>", smooth(&points));
        let _ = writeln!(
            self.body,
            "<path class=\"tip{mark}\" d=\"M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}z\"/>",
            end.0,
            end.1,
            neck.0 - uy * 4.0,
            neck.1 + ux * 4.0,
            neck.0 + uy * 4.0,
            neck.1 - ux * 4.0
        );
    }

    fn label(&mut self, edge: &Edge, course: &Course, lines: &[String]) {
        let Some((x, y)) = course.label else { return };
        let (width, height) = label_extent(lines);
        let _ = self.rect("under", (x - width / 2.0, y - height / 2.0), (width, height), 3.0);
        let mark = if edge.mark == Mark::Untested { " untested" } else { "" };
        let top = y - count(lines.len()) * LABEL * LEADING / 2.0;
        for (at, line) in lines.iter().enumerate() {
            self.text(&format!("label{mark}"), (x, top + LABEL * LEADING * count(at) + LABEL), line);
        }
    }
}

fn class(node: &Node) -> &'static str {
    match (node.mark, node.shape) {
        (Mark::Unreachable, _) => "box unreachable",
        (Mark::Untested, _) => "box untested",
        (Mark::None, Shape::Entry) => "box entry",
        (Mark::None, Shape::End) => "box end",
        (Mark::None, Shape::Last) => "box last",
        (Mark::None, Shape::Step) => "box step",
        (Mark::None, Shape::State | Shape::List | Shape::Choice | Shape::Run) => "box",
    }
}

/// Straight to the middle of each piece, rounded at the points between (quadratic curves).
fn smooth(points: &[Xy]) -> String {
    let [first, inner @ .., last] = points else { return String::new() };
    let mut path = format!("M{:.1} {:.1}", first.0, first.1);
    for (at, bend) in inner.iter().enumerate() {
        let next = inner.get(at + 1).unwrap_or(last);
        let to = if at + 1 == inner.len() { *last } else { ((bend.0 + next.0) / 2.0, (bend.1 + next.1) / 2.0) };
        let _ = write!(path, "Q{:.1} {:.1} {:.1} {:.1}", bend.0, bend.1, to.0, to.1);
    }
    if inner.is_empty() {
        let _ = write!(path, "L{:.1} {:.1}", last.0, last.1);
    }
    path
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(0.0, f64::from)
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
