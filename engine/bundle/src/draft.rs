//! A call's own words as they are when it ends, secrets and all, and how they become a bundle.

use crate::{Bundle, End, Head, Turn, disguise::Disguise, limits::FLOWS_INLINE_BYTES};
use flow::{FlowSet, Materials};
use notation::{Fault, Source};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use terms::Secret;

/// What a call kept of itself. Nothing in it is masked yet: it is for [`Draft::finish`] alone.
#[derive(Debug)]
pub struct Draft {
    /// What it began with. [`crate::Plan::secrets`] is empty as yet.
    pub head: Head,
    /// Its turns.
    pub turns: Vec<Turn>,
    /// Its end.
    pub end: End,
    /// The flows it ran.
    pub set: FlowSet,
    /// The configuration's secrets by name.
    pub secrets: Vec<(String, Secret<String>)>,
    /// What was keyed in secret, as far as an action made a value of it.
    pub keyed: Vec<Secret<String>>,
}

/// The flows of a bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flows {
    /// Content hash of the set as it was, before the disguise.
    pub version: String,
    /// Its files; `None`: they are large and lie in a file of their own.
    pub files: Option<Vec<File>>,
    /// The name of that file, in the bundle's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
    /// Opening hours of the configuration.
    pub hours: Json,
}

/// One file of a flow set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its path as it was loaded.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Draft {
    /// The bundle, with a stand-in for each secret. `chance`: random, so that nobody can tell the secrets from their stand-ins.
    /// `beside`: the name of the file that holds the flows, made with the same `chance`, when they [are large](Self::is_large).
    #[must_use]
    pub fn finish(self, chance: u64, beside: Option<String>) -> Bundle {
        let Self { mut head, mut turns, mut end, set, secrets, keyed } = self;
        let materials = set.materials();
        let disguise = match &beside {
            Some(_) => Disguise::of_flows(chance),
            None => Disguise::apart_from(materials, chance, &keyed, &turns),
        };
        let disguise = disguise.hiding(&secrets, &keyed, &turns);
        head.plan.secrets = secrets.iter().map(|(name, secret)| (name.clone(), disguise.stand_in(secret.expose()))).collect();
        disguise.head(&mut head);
        turns.iter_mut().for_each(|turn| disguise.turn(turn));
        disguise.end(&mut end);
        let files = beside.is_none().then(|| disguised(materials, &disguise));
        Bundle { flows: Flows { version: head.version.clone(), files, beside, hours: materials.hours.clone() }, head, turns, end }
    }

    /// Whether the flows lie beside the bundle, once for all calls of their version, because they are large.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.set.materials().sources.iter().map(|source| source.text.len()).sum::<usize>() > FLOWS_INLINE_BYTES
    }

    /// The flows to lie beside bundles that are made with the same `chance`.
    #[must_use]
    pub fn flows(&self, chance: u64) -> Flows {
        let materials = self.set.materials();
        let files = Some(disguised(materials, &Disguise::of_flows(chance)));
        Flows { version: self.head.version.clone(), files, beside: None, hours: materials.hours.clone() }
    }
}

fn disguised(materials: &Materials, disguise: &Disguise) -> Vec<File> {
    let file = |source: &Source| File { path: source.path.to_string(), text: disguise.source(&source.text) };
    materials.sources.iter().map(file).collect()
}

impl Flows {
    /// The flow set again; `None` when the files lie elsewhere. Run it where [`FlowSet::load`] may run.
    ///
    /// # Errors
    /// All faults of the files.
    pub fn load(&self) -> Option<Result<FlowSet, Vec<Fault>>> {
        let files = self.files.as_ref()?;
        let sources = files.iter().map(|file| Source::new(file.path.as_str(), file.text.as_str())).collect();
        Some(Materials { sources, hours: self.hours.clone() }.load())
    }
}
