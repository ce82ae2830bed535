//! Faults together with the texts they lie in, so that they can be shown whole.

use notation::{Fault, Format, Severity, Source};
use std::fmt;

/// What is wrong in a set of files. Shown as text by `Display`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// The faults, file by file in order of their places.
    pub(crate) list: Vec<Fault>,
    /// The files they lie in.
    pub(crate) sources: Vec<Source>,
}

impl Faults {
    /// The faults of one file.
    #[must_use]
    pub(crate) fn of(list: Vec<Fault>, source: &Source) -> Self {
        Self { list, sources: vec![source.clone()] }
    }

    /// Something wrong with a file as a whole: it is not there, not UTF-8, too long.
    #[must_use]
    pub(crate) fn whole(code: &'static str, path: &str, message: String) -> Self {
        let source = Source::new(path, "");
        let span = notation::Span { start: 0, end: 0, line: 1, column: 1 };
        let fault = Fault { severity: Severity::Error, code, path: source.path, span, message, help: None };
        Self { list: vec![fault], sources: Vec::new() }
    }

    /// As shown to people and tools.
    #[must_use]
    pub(crate) fn render(&self, format: Format) -> String {
        notation::render(&self.list, &self.sources, format)
    }

    /// How many are errors; the rest are warnings.
    #[must_use]
    pub(crate) fn errors(&self) -> usize {
        self.list.iter().filter(|fault| fault.severity == Severity::Error).count()
    }

    /// Takes in the faults of other files.
    pub(crate) fn extend(&mut self, other: Self) {
        self.list.extend(other.list);
        self.sources.extend(other.sources);
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(Format::Text).trim_end())
    }
}

impl std::error::Error for Faults {}
