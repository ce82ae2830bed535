//! Where boxes and lines are: layers from top to bottom, by dagre.

use crate::chart::{Chart, Edge};
use dagre::{
    EdgeLabel, LayoutOptions, NodeLabel, RankDir,
    layout::types::LabelPos,
    graph::{Graph, GraphOptions},
};

/// Space between boxes of one layer, px.
const BETWEEN_BOXES: f64 = 26.0;
/// Space between lines of one layer, px.
const BETWEEN_LINES: f64 = 14.0;
/// Space between layers, px. Labels are layers too.
const BETWEEN_LAYERS: f64 = 24.0;
/// Space around everything, px.
const MARGIN: f64 = 20.0;

/// How much a label is held below the box that its line leaves; a line pulls with 1.
const HOLD: i32 = 12;
/// How far a line that comes back to its own box reaches out, px.
const LOOP: f64 = 24.0;

type Drawing = Graph<NodeLabel, EdgeLabel>;

/// A place or an extent, px from the upper left corner.
pub(crate) type Xy = (f64, f64);

/// The picture's geometry; nodes and edges in the order of the chart.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) size: Xy,
    /// Centres of the boxes.
    pub(crate) nodes: Vec<Xy>,
    pub(crate) edges: Vec<Course>,
}

/// The way of a line.
#[derive(Debug)]
pub(crate) struct Course {
    /// From the border of one box to the border of the other.
    pub(crate) points: Vec<Xy>,
    /// Centre of its label.
    pub(crate) label: Option<Xy>,
}

/// Lays out a chart whose boxes and labels have these extents. A label of no extent takes no room.
///
/// A label is a box of its own right below the box that its line leaves, so that the outcomes of a state stand side by side;
/// dagre's own labels stand in the middle of their lines, which may be far away.
pub(crate) fn layout(chart: &Chart, boxes: &[Xy], labels: &[Xy]) -> Layout {
    let mut graph: Drawing = Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: false });
    for (at, (width, height)) in boxes.iter().enumerate() {
        graph.set_node(at.to_string(), Some(extent_of((width + 2.0 * loop_room(chart, labels, at), *height))));
    }
    for (at, edge) in chart.edges.iter().enumerate() {
        let (from, to, label, name) = (edge.from.to_string(), edge.to.to_string(), label_name(at), at.to_string());
        if edge.from == edge.to {
            continue;
        }
        if labels[at].0 > 0.0 {
            graph.set_node(label.clone(), Some(extent_of(labels[at])));
            graph.set_edge(from, label.clone(), Some(pull(HOLD)), Some(&name));
            graph.set_edge(label, to, Some(pull(1)), Some(&name));
        } else {
            graph.set_edge(from, to, Some(pull(edge.weight)), Some(&name));
        }
    }
    let options = LayoutOptions {
        rankdir: RankDir::TB,
        nodesep: BETWEEN_BOXES,
        edgesep: BETWEEN_LINES,
        ranksep: BETWEEN_LAYERS,
        marginx: MARGIN,
        marginy: MARGIN,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    let nodes: Vec<Xy> = (0..boxes.len()).map(|at| centre(&graph, &at.to_string())).collect();
    let course = |(at, edge): (usize, &Edge)| match edge.from == edge.to {
        true => loop_beside(nodes[edge.from], boxes[edge.from], labels[at]),
        false => course(&graph, at, edge, labels[at]),
    };
    let edges: Vec<Course> = chart.edges.iter().enumerate().map(course).collect();
    let size = extent(&nodes, boxes, &edges, labels);
    Layout { size, nodes, edges }
}

/// Room beside a box for a line that comes back to it.
fn loop_room(chart: &Chart, labels: &[Xy], node: usize) -> f64 {
    let own = chart.edges.iter().zip(labels).find(|(edge, _)| edge.from == node && edge.to == node);
    own.map_or(0.0, |(_, label)| LOOP + label.0)
}

/// Out on the right side and in again; dagre lets such lines wander.
fn loop_beside((x, y): Xy, (width, height): Xy, label: Xy) -> Course {
    let (side, reach, step) = (x + width / 2.0, x + width / 2.0 + LOOP, (height / 4.0).min(12.0));
    let points = vec![(side, y - step), (reach, y - step), (reach, y + step), (side, y + step)];
    Course { points, label: (label.0 > 0.0).then_some((reach + label.0 / 2.0, y)) }
}

fn label_name(edge: usize) -> String {
    format!("label {edge}")
}

fn extent_of((width, height): Xy) -> NodeLabel {
    NodeLabel { width, height, ..NodeLabel::default() }
}

fn pull(weight: i32) -> EdgeLabel {
    EdgeLabel { weight, labelpos: LabelPos::Center, ..EdgeLabel::default() }
}

fn centre(graph: &Drawing, node: &str) -> Xy {
    graph.node(node).and_then(|node| Some((node.x?, node.y?))).unwrap_or_default()
}

fn course(graph: &Drawing, at: usize, edge: &Edge, label: Xy) -> Course {
    let (from, to, name) = (edge.from.to_string(), edge.to.to_string(), at.to_string());
    let part = |from: &str, to: &str| -> Vec<Xy> {
        let placed = graph.edge(from, to, Some(&name));
        placed.map(|placed| placed.points.iter().map(|point| (point.x, point.y)).collect()).unwrap_or_default()
    };
    if label.0 > 0.0 {
        let name = label_name(at);
        let place = centre(graph, &name);
        // Through the middle of the label: its own border points would bend the line twice.
        let mut points = part(&from, &name);
        points.pop();
        points.push(place);
        points.extend(part(&name, &to).into_iter().skip(1));
        return Course { points, label: Some(place) };
    }
    Course { points: part(&from, &to), label: None }
}

/// The lower right corner of everything, with the margin.
fn extent(nodes: &[Xy], boxes: &[Xy], edges: &[Course], labels: &[Xy]) -> Xy {
    let boxes = nodes.iter().zip(boxes).map(|((x, y), (width, height))| (x + width / 2.0, y + height / 2.0));
    let labels = edges.iter().zip(labels).filter_map(|(edge, (width, height))| edge.label.map(|(x, y)| (x + width / 2.0, y + height / 2.0)));
    let lines = edges.iter().flat_map(|edge| edge.points.iter().copied());
    let (x, y) = boxes.chain(labels).chain(lines).fold((0.0_f64, 0.0_f64), |(right, low), (x, y)| (right.max(x), low.max(y)));
    (x + MARGIN, y + MARGIN)
}
