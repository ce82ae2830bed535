//! `${NAME}` from the environment, for configuration: secrets stay out of files.

use crate::{
    node::{Kind, Node},
    reader::Reader,
};

/// Replaces `${NAME}` and `${NAME:-default}` in every scalar of the tree by what `lookup` answers; `$${` writes a plain `${`.
///
/// A name without a value or default and a brace that never closes are faults at their place. Places stay those of the file.
/// The depth of a parsed tree is limited, so the recursion is.
pub fn substitute(node: &mut Node, reader: &mut Reader, lookup: &dyn Fn(&str) -> Option<String>) {
    let replaced = match &node.kind {
        Kind::Scalar(text, _) if text.contains("${") => Some(replace(node, text, reader, lookup)),
        Kind::Null | Kind::Scalar(..) | Kind::List(_) | Kind::Map(_) => None,
    };
    match &mut node.kind {
        Kind::Null => {}
        Kind::Scalar(text, _) => {
            if let Some(replaced) = replaced {
                *text = replaced;
            }
        }
        Kind::List(items) => items.iter_mut().for_each(|item| substitute(item, reader, lookup)),
        Kind::Map(entries) => entries.iter_mut().for_each(|entry| substitute(&mut entry.value, reader, lookup)),
    }
}

fn replace(node: &Node, text: &str, reader: &mut Reader, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("${")).map(|i| at + i) {
        if text[..found].ends_with('$') && found > at {
            out.push_str(&text[at..found - 1]);
            out.push_str("${");
            at = found + 2;
            continue;
        }
        out.push_str(&text[at..found]);
        let place = |to: usize, reader: &Reader| node.within(&reader.source().text, found, to);
        let Some(close) = text[found..].find('}').map(|i| found + i) else {
            let span = place(text.len(), reader);
            reader.error("environment", span, "`${` without its `}`").help("write `$${` for a plain `${`");
            return out;
        };
        let (name, default) = match text[found + 2..close].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&text[found + 2..close], None),
        };
        match lookup(name).or_else(|| default.map(str::to_owned)) {
            Some(value) => out.push_str(&value),
            None => {
                let span = place(close + 1, reader);
                reader
                    .error("environment", span, format!("the environment has no `{name}`"))
                    .help(format!("set it, or write a default: ${{{name}:-…}}"));
            }
        }
        at = close + 1;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
