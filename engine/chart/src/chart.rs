//! What is drawn: boxes and lines.

/// A flow, ready to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// The flow's name.
    pub title: String,
    /// Boxes; entries first, then the states in the order of the file.
    pub nodes: Vec<Node>,
    /// Lines, at most one from one box to another.
    pub edges: Vec<Edge>,
    /// What cannot be known from the text, for the reader.
    pub notes: Vec<String>,
}

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What kind of thing it is.
    pub shape: Shape,
    /// The state's name; nothing for a step within another state.
    pub title: String,
    /// What is done there, one action a row.
    pub rows: Vec<String>,
    /// What a reader should know of it.
    pub mark: Mark,
}

/// What kind of thing a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Where a call comes in: at the start, after a failure, after the caller has left.
    Entry,
    /// A state.
    State,
    /// A state written within another one.
    Step,
    /// A function of a script, with all its actions.
    List,
    /// A state that only asks conditions.
    Choice,
    /// A state that runs another flow.
    Run,
    /// A state whose action ends the call or the flow.
    Last,
    /// The end of the call.
    End,
}

/// What a reader should know of a box or a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    #[default]
    None,
    /// No way leads there.
    Unreachable,
    /// No test went there.
    Untested,
}

/// A line from one box to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The box it leaves.
    pub from: usize,
    /// The box it enters.
    pub to: usize,
    /// The outcomes and conditions under which it is taken; nothing: always.
    pub labels: Vec<String>,
    /// How much it pulls its ends together: 1 for most lines, more for those that carry the thread.
    pub weight: i32,
    /// `Untested` when some of its outcomes were not seen.
    pub mark: Mark,
}

impl Chart {
    /// Whether anything in it carries the mark.
    pub(crate) fn has(&self, mark: Mark) -> bool {
        self.nodes.iter().any(|node| node.mark == mark) || self.edges.iter().any(|edge| edge.mark == mark)
    }

    /// A line, or one more label on the line that is there.
    pub(crate) fn join(&mut self, from: usize, to: usize, label: Option<String>, mark: Mark) {
        match self.edges.iter_mut().find(|edge| (edge.from, edge.to) == (from, to)) {
            Some(edge) => {
                edge.labels.extend(label);
                if mark == Mark::Untested {
                    edge.mark = mark;
                }
            }
            None => self.edges.push(Edge { from, to, labels: label.into_iter().collect(), weight: 1, mark }),
        }
    }
}
