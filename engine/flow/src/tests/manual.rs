//! The pages of the manual that are made from the catalogue, and what the others show as flows.
//! `UPDATE_DOCS=1 cargo test -p flow` writes the pages anew.

use super::{show, world};
use crate::{
    FlowSet, World,
    catalogue::{ACTIONS, Action, Need, Param},
    schema::explained,
    value::Kind,
};
use notation::{Format, Source, render};
use std::{fmt::Write as _, fs, path::Path};

fn docs() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// The parameters, those of structured ones behind them.
fn rows(params: &[Param], prefix: &str, page: &mut String) {
    for param in params {
        let name = format!("{prefix}{}", param.name);
        let _ = writeln!(page, "- `{name}`: {}", explained(param).replace("  ", " "));
        if let Kind::Fields(inner) = param.kind {
            rows(inner, &format!("{name}."), page);
        }
    }
}

/// The example of an action: `manual/NAME.yaml`, checked like any flow.
fn example(action: &Action) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("manual/{}.yaml", action.name));
    let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("write an example of `{}` into engine/flow/manual/{}.yaml", action.name, action.name));
    match FlowSet::load(vec![Source::new(format!("manual/{}.yaml", action.name), text.clone())], &world()) {
        Ok(set) => assert_eq!(set.warnings(), [], "the example of {}", action.name),
        Err(faults) => panic!("{}", show(&faults)),
    }
    assert!(text.contains(&format!("{}:", action.name)), "{} is no example of itself", action.name);
    text
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn actions_page() -> String {
    let mut page = String::from(
        "# Actions\n\n<!-- Made from the catalogue of engine/flow by `UPDATE_DOCS=1 cargo test -p flow`: do not edit. -->\n\n\
         What a state can do. In YAML an action is a key of a state, with a map of its parameters; in Rhai a function of `line` with the same\n\
         names. What is called *short* may stand alone after the name: `say: Hello.`, `line.say(\"Hello.\")`.\n\
         Beside these there are `set` (variables) and `run` (another flow), which [the language](language.md) explains.\n\n",
    );
    let links: Vec<String> = ACTIONS.iter().map(|action| format!("[{0}](#{0})", action.name)).collect();
    let _ = writeln!(page, "{}\n", links.join(" · "));
    for action in ACTIONS {
        let _ = writeln!(page, "## {}\n\n{}.\n", action.name, sentence(action.summary));
        if let Some(main) = action.main {
            let _ = writeln!(page, "Short: `{}: {}` is `{}: {{ {main}: … }}`.\n", action.name, main.to_uppercase(), action.name);
        }
        rows(action.params, "", &mut page);
        if !action.params.is_empty() {
            page.push('\n');
        }
        let outcomes: Vec<String> = action.outcomes.iter().map(|name| format!("`{name}`")).collect();
        let _ = match (action.keys_are_outcomes, action.outcomes.is_empty()) {
            (true, _) => writeln!(page, "Outcomes: each key, {}.", outcomes.join(", ")),
            (false, true) => writeln!(page, "Nothing comes after it: the flow ends."),
            (false, false) => writeln!(page, "Outcomes: {}.", outcomes.join(", ")),
        };
        let fields: Vec<String> = action.fields.iter().map(|name| format!("`result.{name}`")).collect();
        if !fields.is_empty() {
            let _ = writeln!(page, "Result: {}.", fields.join(", "));
        }
        let _ = writeln!(page, "\n```yaml\n{}```\n", example(action));
    }
    page
}

#[test]
fn the_reference_of_actions_is_fresh() {
    let (path, page) = (docs().join("actions.md"), actions_page());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let fresh = fs::read_to_string(&path).is_ok_and(|written| written == page);
    assert!(fresh, "docs/actions.md is not what the catalogue says; write it anew: UPDATE_DOCS=1 cargo test -p flow");
}

/// Every block of the manual that is a whole flow is a good one; those of one page may run each other.
#[test]
fn every_flow_of_the_manual_is_good() {
    let mut seen = 0;
    for entry in fs::read_dir(docs()).unwrap() {
        let path = entry.unwrap().path();
        let page = fs::read_to_string(&path).unwrap_or_default();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let mut sources = Vec::new();
        for (fence, start, ending) in [("```yaml\n", "flow:", "yaml"), ("```rhai\n", "fn main(line)", "rhai")] {
            let blocks = page.split(fence).skip(1).filter_map(|rest| rest.split("```").next());
            for block in blocks.filter(|block| block.contains(start) && (ending == "rhai" || block.contains("states:"))) {
                sources.push(Source::new(format!("{name}/{}.{ending}", sources.len()), block));
            }
        }
        let world = World { mailboxes: None, ..world() };
        if let Err(faults) = FlowSet::load(sources.clone(), &world) {
            panic!("{}", render(&faults, &sources, Format::Text));
        }
        seen += sources.len();
    }
    assert!(seen > 7, "only {seen} flows were found in the manual");
}

#[test]
fn defaults_are_told_once() {
    for action in ACTIONS {
        for param in action.params {
            assert!(!(matches!(param.need, Need::Default(_)) && param.doc.contains("default:")), "{}.{}", action.name, param.name);
        }
    }
}
