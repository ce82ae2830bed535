//! `use:`: files whose hours, prompts and states are included, and what they use in turn.

use super::{Compiler, Libraries};
use notation::{Map, Reader, Span};

/// Keys of a file that others use.
pub(crate) const LIBRARY_KEYS: [&str; 5] = ["description", "use", "hours", "prompts", "states"];

impl<'w> Compiler<'w> {
    /// Includes what file `file` uses. `chain`: paths from the flow to this file, to see circles.
    pub(super) fn include(
        &mut self,
        file: usize,
        map: Map<'w>,
        libraries: &'w Libraries,
        chain: &mut Vec<String>,
        files: &mut Vec<Map<'w>>,
    ) {
        let Some(uses) = map.get("use") else { return };
        for node in self.reader(file).list(uses) {
            let Some(name) = self.reader(file).text(node) else { continue };
            let by_name = || libraries.iter().find(|(path, _)| path.rsplit('/').next() == Some(name.as_str()));
            let Some((path, (source, tree))) = libraries.get_key_value(&name).or_else(by_name) else {
                (self.torn, self.blind) = (true, true);
                self.no_such_file(file, node.span, &name, libraries);
                continue;
            };
            let Some(tree) = tree else {
                // What is wrong with that file is told there.
                (self.torn, self.blind) = (true, true);
                continue;
            };
            if let Some(from) = chain.iter().position(|before| before == path) {
                let circle: Vec<&str> = chain.iter().skip(from).chain([path]).map(|path| path.rsplit('/').next().unwrap_or(path)).collect();
                self.reader(file).error("cycle", node.span, format!("files use each other in a circle: {}", circle.join(" uses ")));
                continue;
            }
            if self.readers.iter().any(|reader| *reader.source().path == **path) {
                continue;
            }
            self.readers.push(Reader::new(source));
            let inner = self.readers.len() - 1;
            // Also when it is no map (its fault is told): files and readers keep the same numbers.
            let map = self.reader(inner).map(tree, "a file that others use", &LIBRARY_KEYS).unwrap_or(Map { node: tree });
            files.push(map);
            chain.push(path.clone());
            self.include(inner, map, libraries, chain, files);
            chain.pop();
        }
    }

    fn no_such_file(&mut self, file: usize, span: Span, name: &str, libraries: &Libraries) {
        let good = libraries.iter().filter(|(_, (_, tree))| tree.is_some());
        let known: Vec<&str> = good.map(|(path, _)| path.rsplit('/').next().unwrap_or(path)).collect();
        self.reader(file).unknown("missing-file", span, "file to use", name, &known);
        if let Some(fault) = self.readers[file].last_fault().filter(|fault| fault.help.is_none()) {
            fault.help("a file with `start:` is a flow of its own: run it with `run:`");
        }
    }

    /// `flows/common.yaml:3:5`.
    pub(crate) fn place(&self, file: usize, span: Span) -> String {
        let path = self.readers.get(file).map(|reader| reader.source().path.to_string()).unwrap_or_default();
        format!("{path}:{}:{}", span.line, span.column)
    }
}
