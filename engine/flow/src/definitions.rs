//! What editors need to complete and explain scripts: the definitions file (`.d.rhai`) of `line`, from the catalogue.

use crate::{
    catalogue::{ACTIONS, Action, Need, Param},
    spoken::{CURRENCIES, FORMS},
    template::NOW_FIELDS,
    value::{Kind, wanted},
};
use std::fmt::Write as _;

/// The definitions of `line` and of the functions beside it, for the Rhai language server: save it as `callflow.d.rhai` beside the scripts.
#[must_use]
pub fn definitions() -> String {
    let mut text = String::from("module static;\n");
    for action in ACTIONS {
        of_action(&mut text, action);
    }
    for (doc, signature) in others() {
        let _ = write!(text, "\n{}\n{signature};\n", comment(&doc));
    }
    text
}

/// What `line` has beside the actions.
fn others() -> Vec<(String, &'static str)> {
    let forms: Vec<&str> = FORMS.into_iter().chain(CURRENCIES.map(|(code, _)| code)).collect();
    let forms = format!("the words in which people say a value, in the call's language; form: {}", forms.join(", "));
    let plain = |doc: &str| doc.to_owned();
    vec![
        (plain("run another flow as a subroutine; its `return:` name is the `outcome` of the answer"), "fn run(line: Line, flow: string) -> map"),
        (plain("run another flow as a subroutine with values for its settings"), "fn run(line: Line, flow: string, with: map) -> map"),
        (plain("whether these opening hours are open now"), "fn open(line: Line, hours: string) -> bool"),
        (plain("the value of a secret of the configuration; it never reaches a log"), "fn secret(line: Line, name: string) -> string"),
        (plain("the call's clock in RFC 3339; it moves with the actions"), "fn now(line: Line) -> string"),
        (format!("the call's clock in a time zone; fields: {}", NOW_FIELDS.join(", ")), "fn now(line: Line, zone: string) -> map"),
        (plain("the words in which people say a number, a date or digits, by the value's look"), "fn spoken(line: Line, value: ?) -> string"),
        (forms.clone(), "fn spoken(line: Line, value: ?, form: string) -> string"),
        (format!("{forms}; language: en, de, …"), "fn spoken(value: ?, form: string, language: string) -> string"),
        (plain("who calls: number, name, spoken, connection"), "fn get caller(line: Line) -> map"),
        (plain("settings of this connection or number"), "fn get settings(line: Line) -> map"),
        (plain("the call's language, such as en-GB; empty when nobody said one"), "fn get language(line: Line) -> string"),
        (plain("sets the call's language"), "fn set language(line: Line, tag: string)"),
        (plain("the call's id"), "fn get id(line: Line) -> string"),
        (plain("the number or user dialled"), "fn get number(line: Line) -> string"),
        (plain("the connection called; empty when a number leads here directly"), "fn get connection(line: Line) -> string"),
        (plain("the mailbox of the connection called; empty when it has none"), "fn get mailbox(line: Line) -> string"),
    ]
}

fn of_action(text: &mut String, action: &Action) {
    let outcomes = match (action.keys_are_outcomes, action.outcomes) {
        (true, outcomes) => format!("Outcomes: each key, {}.", outcomes.join(", ")),
        (false, []) => "Ends the call's flow.".to_owned(),
        (false, outcomes) => format!("Outcomes: {}.", outcomes.join(", ")),
    };
    let mut doc = format!("{}. {outcomes}", action.summary);
    if !action.fields.is_empty() {
        let _ = write!(doc, "\nFields of the answer: outcome, {}.", action.fields.join(", "));
    }
    for param in action.params {
        let _ = write!(doc, "\n- {}", of_param(param));
    }
    let doc = comment(&doc);
    let name = action.name;
    let needs_nothing = action.params.iter().all(|param| !matches!(param.need, Need::Required));
    if needs_nothing {
        let _ = write!(text, "\n{doc}\nfn {name}(line: Line) -> map;\n");
    }
    match action.main.and_then(|main| action.params.iter().find(|param| param.name == main)) {
        Some(main) => {
            let kind = type_of(&main.kind);
            let _ = write!(text, "\n{doc}\nfn {name}(line: Line, {}: {kind}) -> map;\n", main.name);
            if action.params.len() > 1 {
                let _ = write!(text, "\n{doc}\nfn {name}(line: Line, {}: {kind}, options: map) -> map;\n", main.name);
            }
        }
        None if action.params.is_empty() => {}
        None => {
            let _ = write!(text, "\n{doc}\nfn {name}(line: Line, options: map) -> map;\n");
        }
    }
}

/// `wait: a duration from 100ms to 10m, … (default 5s): silence after the prompt that counts as no input`.
fn of_param(param: &Param) -> String {
    let need = match param.need {
        Need::Default(text) => format!(" (default {text})"),
        Need::Required => " (needed)".to_owned(),
        Need::Optional => String::new(),
    };
    format!("{}: {}{need}: {}", param.name, wanted(&param.kind), param.doc)
}

fn type_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::Int(..) => "int",
        Kind::Bool => "bool",
        Kind::KeyList | Kind::Words(_) => "array",
        Kind::Headers | Kind::Fields(_) => "map",
        Kind::Prompt | Kind::Say | Kind::Any | Kind::Targets => "?",
        Kind::Line | Kind::Url | Kind::Mailbox | Kind::Span(..) | Kind::Word(_) | Kind::Key | Kind::Dtmf | Kind::Pattern => "string",
    }
}

fn comment(doc: &str) -> String {
    doc.lines().map(|line| format!("/// {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::MEMBERS;

    #[test]
    fn every_action_and_every_member_of_the_line_is_defined_and_explained() {
        let text = definitions();
        for action in ACTIONS {
            assert!(text.contains(&format!("\nfn {}(line: Line", action.name)), "{}", action.name);
            assert!(text.contains(&format!("/// {}.", action.summary)), "{}", action.name);
        }
        for member in MEMBERS {
            assert!(text.contains(&format!("\nfn {member}(line")) || text.contains(&format!("\nfn get {member}(line")), "{member}");
        }
        assert!(text.contains("/// - wait: a duration from 100ms to 10m, such as 800ms, 5s or 2m (default 5s): silence after the prompt"), "{text}");
    }
}
