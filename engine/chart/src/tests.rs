//! Pictures of any flow: nothing overlaps, nothing is cut, nothing breaks the notation.

use crate::{
    chart::{Chart, Mark, Node, Shape},
    layout::{Xy, layout},
    outline::Reached,
};
use proptest::prelude::*;

const SHAPES: [Shape; 8] = [Shape::Entry, Shape::State, Shape::Step, Shape::List, Shape::Choice, Shape::Run, Shape::Last, Shape::End];

/// Any chart of up to 40 boxes: circles, loops, islands and several outcomes from one box to another.
fn charts() -> impl Strategy<Value = Chart> {
    let node = (0..SHAPES.len(), "\\PC{0,60}", prop::collection::vec("\\PC{0,80}", 0..6), 0..3_u8);
    let nodes = prop::collection::vec(node, 1..40);
    let edges = prop::collection::vec((0..40_usize, 0..40_usize, prop::option::of("\\PC{0,40}")), 0..80);
    (nodes, edges).prop_map(|(nodes, edges)| {
        let mark = |number| match number {
            0 => Mark::None,
            1 => Mark::Unreachable,
            _ => Mark::Untested,
        };
        let nodes: Vec<Node> =
            nodes.into_iter().map(|(shape, title, rows, number)| Node { shape: SHAPES[shape], title, rows, mark: mark(number) }).collect();
        let count = nodes.len();
        let mut chart = Chart { title: "any <flow>".to_owned(), nodes, edges: Vec::new(), notes: vec!["a & b".to_owned()] };
        for (from, to, label) in edges {
            chart.join(from % count, to % count, label, Mark::None);
        }
        chart
    })
}

fn apart(one: (Xy, Xy), other: (Xy, Xy)) -> bool {
    let ((x, y), (width, height)) = one;
    let ((a, b), (wide, high)) = other;
    (x - a).abs() + 0.01 >= (width + wide) / 2.0 || (y - b).abs() + 0.01 >= (height + high) / 2.0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn boxes_and_labels_never_lie_on_each_other(chart in charts()) {
        let boxes: Vec<Xy> = chart.nodes.iter().map(|node| (60.0 + f64::from(node.rows.len() as u32) * 20.0, 40.0)).collect();
        let labels: Vec<Xy> = chart.edges.iter().map(|edge| if edge.labels.is_empty() { (0.0, 0.0) } else { (50.0, 16.0) }).collect();
        let laid = layout(&chart, &boxes, &labels);
        let mut things: Vec<(Xy, Xy)> = laid.nodes.iter().copied().zip(boxes.iter().copied()).collect();
        for (course, label) in laid.edges.iter().zip(&labels) {
            things.extend(course.label.map(|at| (at, *label)));
            prop_assert!(course.points.len() >= 2, "a line goes somewhere");
            prop_assert!(course.points.iter().all(|(x, y)| x.is_finite() && y.is_finite()));
        }
        prop_assert_eq!(things.len(), boxes.len() + labels.iter().filter(|label| label.0 > 0.0).count());
        for (at, thing) in things.iter().enumerate() {
            let ((x, y), (width, height)) = *thing;
            prop_assert!(x - width / 2.0 >= 0.0 && y - height / 2.0 >= 0.0 && x + width / 2.0 <= laid.size.0 && y + height / 2.0 <= laid.size.1);
            for other in &things[at + 1..] {
                prop_assert!(apart(*thing, *other), "{thing:?} lies on {other:?}");
            }
        }
    }

    #[test]
    fn any_text_is_written_whole_and_the_same_each_time(chart in charts()) {
        let svg = chart.svg().unwrap();
        prop_assert_eq!(&svg, &chart.svg().unwrap());
        prop_assert_eq!(svg.matches("<rect class=\"box").count() + svg.matches("<polygon class=\"box").count() - legend(&chart), chart.nodes.len());
        prop_assert!(!svg.contains("NaN") && svg.ends_with("</svg>\n"));
        let mermaid = chart.mermaid();
        prop_assert_eq!(mermaid.lines().filter(|line| line.contains("--> ") || line.contains("-->|")).count(), chart.edges.len());
    }
}

fn legend(chart: &Chart) -> usize {
    usize::from(chart.has(Mark::Unreachable)) + usize::from(chart.has(Mark::Untested))
}

fn state(title: &str, row: &str) -> Node {
    Node { shape: Shape::State, title: title.to_owned(), rows: vec![row.to_owned()], mark: Mark::None }
}

#[test]
fn words_of_the_notation_are_only_words() {
    let mut chart = Chart { title: "a \"b\"".to_owned(), nodes: vec![state("end", "say \"<b>&#1;\""), state("subgraph", "")], edges: Vec::new(), notes: Vec::new() };
    chart.join(0, 1, Some("if a > 1 | b".to_owned()), Mark::None);
    chart.join(0, 1, Some("else".to_owned()), Mark::Untested);
    let mermaid = chart.mermaid();
    assert!(mermaid.starts_with("---\ntitle: \"a \\\"b\\\"\"\n---\nflowchart TB\n"), "{mermaid}");
    assert!(mermaid.contains("  n0[\"<b>end</b><br/>say #quot;#lt;b#gt;#amp;#35;1;#quot;\"]\n"), "{mermaid}");
    assert!(mermaid.contains("  n0 -.->|\"if a #gt; 1 | b<br/>else\"| n1\n"), "{mermaid}");
    let svg = chart.svg().unwrap();
    assert!(svg.contains(">say &quot;&lt;b&gt;&amp;#1;&quot;<") && svg.contains("no test reached it"), "{svg}");
}

#[test]
fn what_nobody_could_read_is_refused() {
    let nodes = vec![state("a", ""); crate::limits::NODES_MAX + 1];
    let chart = Chart { title: "large".to_owned(), nodes, edges: Vec::new(), notes: Vec::new() };
    assert_eq!(chart.svg().unwrap_err(), "201 boxes are too many for a picture: at most 200 are drawn");
}

#[test]
fn the_largest_picture_is_laid_out_in_bounded_time() {
    let nodes: Vec<Node> = (0..crate::limits::NODES_MAX).map(|at| state(&format!("s{at}"), "say something")).collect();
    let mut chart = Chart { title: "large".to_owned(), nodes, edges: Vec::new(), notes: Vec::new() };
    for at in 1..chart.nodes.len() {
        chart.join(at / 4, at, Some((at % 4).to_string()), Mark::None);
        chart.join(at, 0, Some("failed".to_owned()), Mark::None);
    }
    assert!(chart.svg().unwrap().contains(">failed<"));
}

/// A flow of the samples, or one written here.
fn drawn(path: &str, text: &str, reached: Option<&Reached>) -> Chart {
    let set = flow::FlowSet::load(vec![notation::Source::new(path, text)], &flow::World::default()).unwrap_or_else(|faults| panic!("{faults:?}"));
    let name = set.names()[0].to_owned();
    Chart::of(&set.outline(&name).unwrap(), reached)
}

const SMALL: &str = "\
flow: small
vars: { n: { type: number, default: 0 } }
start: first
states:
  first:
    - say: One.
    - say: Two.
      then: choose
  choose:
    then: [{ if: n > 1, then: call }, { if: n > 0, then: nobody }, first]
  call:
    set: { n: \"${n + 1}\" }
    bridge: connection/bob
    then: { answered: end, busy: { say: Busy., then: first }, else: nobody }
  nobody: { hangup: {} }
  alone: { say: Nobody comes here., then: end }
";

fn told(chart: &Chart) -> Vec<String> {
    let name = |at: usize| match chart.nodes[at].title.as_str() {
        "" => chart.nodes[at].rows.join(" "),
        title => title.to_owned(),
    };
    chart.edges.iter().map(|edge| format!("{} > {}: {}", name(edge.from), name(edge.to), edge.labels.join(" | "))).collect()
}

#[test]
fn a_list_is_one_box_and_every_way_has_its_words() {
    let chart = drawn("small.yaml", SMALL, None);
    assert_eq!(told(&chart), [
        "start > first: ",
        "first > choose: ",
        "choose > call: if n > 1",
        "choose > nobody: if n > 0",
        "choose > first: else",
        "call > end: answered",
        "call > say \"Busy.\": busy",
        "call > nobody: else",
        "alone > end: ",
        "say \"Busy.\" > first: ",
    ]);
    let shape = |title: &str| chart.nodes.iter().find(|node| node.title == title).map(|node| (node.shape, node.mark, node.rows.len())).unwrap();
    assert_eq!(shape("first"), (Shape::State, Mark::None, 2));
    assert_eq!(shape("choose"), (Shape::Choice, Mark::None, 0));
    assert_eq!(shape("call"), (Shape::State, Mark::None, 2), "what it sets, and what it does");
    assert_eq!(shape("nobody"), (Shape::Last, Mark::None, 1));
    assert_eq!(shape("alone").1, Mark::Unreachable);
}

#[test]
fn what_no_test_reached_is_marked() {
    let states = ["first[0]", "first[1]", "choose", "call"].map(str::to_owned).into();
    let outcomes = [("call", "answered"), ("first[1]", "done")].map(|(state, outcome)| (state.to_owned(), outcome.to_owned())).into();
    let chart = drawn("small.yaml", SMALL, Some(&Reached { states, outcomes }));
    let untested: Vec<String> = told(&Chart { edges: chart.edges.iter().filter(|edge| edge.mark == Mark::Untested).cloned().collect(), ..chart.clone() });
    assert_eq!(untested, ["call > say \"Busy.\": busy", "call > nobody: else", "alone > end: ", "say \"Busy.\" > first: "]);
    let boxes: Vec<&str> = chart.nodes.iter().filter(|node| node.mark == Mark::Untested).map(|node| node.title.as_str()).collect();
    assert_eq!(boxes, ["nobody", ""]);
}

#[test]
fn a_script_is_its_actions_by_function() {
    let text = "fn main(line) {\n    line.say(\"Hello.\");\n    help(line)\n}\nfn help(line) { line.bridge(\"connection/bob\"); }\n";
    let chart = drawn("hello.rhai", text, None);
    let boxes: Vec<(&str, &[String])> = chart.nodes.iter().map(|node| (node.title.as_str(), node.rows.as_slice())).collect();
    assert_eq!(boxes, [("fn main", ["say Hello.".to_owned()].as_slice()), ("fn help", ["bridge connection/bob".to_owned()].as_slice())]);
    assert!(chart.edges.is_empty() && chart.notes[0].contains("decides its way while it runs"));
}

#[test]
fn the_reception_is_drawn_as_it_always_was() {
    let text = include_str!("../../../flows/reception.yaml");
    let drawn = drawn("flows/reception.yaml", text, None).mermaid();
    assert_eq!(drawn, include_str!("tests/reception.mmd"), "{drawn}");
}
