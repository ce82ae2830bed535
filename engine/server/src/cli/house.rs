//! Which flows a verb speaks of: those of the configuration, or files by themselves where there is none; and which one is meant.

use crate::config::{Config, Faults, load_alone, load_flows};
use flow::FlowSet;
use notation::nearest;
use std::path::{Path, PathBuf};

/// The flows, with the configuration that they belong to.
#[derive(Debug)]
pub(super) struct House {
    pub(super) flows: FlowSet,
    /// `None`: the file stands alone.
    pub(super) config: Option<Config>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Closed {
    /// Files have faults.
    Faults(Faults),
    /// What was asked for is not there.
    Unknown(String),
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Faults(faults) => faults.fmt(f),
            Self::Unknown(why) => write!(f, "error: {why}"),
        }
    }
}

impl House {
    /// The house of a configuration file and the name of the flow that `asked` means: a flow's name, or the file it is written in.
    /// A file that is not among the configuration's is loaded alone, and so is every file when there is no configuration.
    pub(super) fn open(config: &Path, asked: &str) -> Result<(Self, String), Closed> {
        let file = Path::new(asked);
        if config.exists() {
            let config = Config::read(config).map_err(Closed::Faults)?;
            let (flows, _) = load_flows(&config).map_err(Closed::Faults)?;
            let found = flow_of(&flows, asked);
            if found.is_some() || !file.is_file() {
                let name = found.ok_or_else(|| unknown(&flows, asked))?;
                return Ok((Self { flows, config: Some(config) }, name));
            }
        }
        if !file.is_file() {
            return Err(Closed::Unknown(format!("there is no file {asked}, and no configuration {}", config.display())));
        }
        let (flows, _) = load_alone(&[PathBuf::from(file)]).map_err(Closed::Faults)?;
        let name = flow_of(&flows, asked).ok_or_else(|| Closed::Unknown(format!("{asked} holds no flow: it has no `start:`")))?;
        Ok((Self { flows, config: None }, name))
    }
}

/// The flow of this name, or the one written in this file.
fn flow_of(flows: &FlowSet, asked: &str) -> Option<String> {
    if flows.has(asked) {
        return Some(asked.to_owned());
    }
    let file = Path::new(asked).canonicalize().ok()?;
    let is_there = |name: &&str| flows.outline(name).is_some_and(|outline| Path::new(&*outline.path).canonicalize().is_ok_and(|path| path == file));
    flows.names().into_iter().find(is_there).map(str::to_owned)
}

fn unknown(flows: &FlowSet, asked: &str) -> Closed {
    let near = nearest(asked, flows.names()).map(|near| format!("; did you mean `{near}`?"));
    Closed::Unknown(format!("there is no flow and no file {asked}{}", near.unwrap_or_default()))
}
