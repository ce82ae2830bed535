//! `bundles:` which calls are kept, where and how many.

use super::{
    keys,
    read::{Reading, Section},
    server::{bytes, path},
};
use call::{Keep, Keeping};
use notation::Map;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Calls that are kept to be run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bundles {
    /// `keep:` and `call_max:`.
    pub(crate) keeping: Keeping,
    /// `folder:` made when missing.
    pub(crate) folder: PathBuf,
    /// `count_max:` bundles, 1–1,000,000.
    pub(crate) count_max: usize,
    /// `age_max:` how long one is kept.
    pub(crate) age_max: Duration,
    /// `size_max:` bytes of all.
    pub(crate) size_max: u64,
}

/// `None`: no call is kept.
pub(super) fn read(reading: &mut Reading, root: Map<'_>, base: &Path, data: &Path) -> Option<Bundles> {
    let node = root.get("bundles")?;
    // A word alone is `keep`, with every default.
    let word = node.as_text().is_some();
    let section = if word { Section { map: None, keys: keys::BUNDLES } } else { Section::of(reading, root, "bundles", keys::BUNDLES) };
    let keep = if word { reading.reader.one_of(node, keys::KEEPS)? } else { section.word(reading, "keep") };
    let what = match keep {
        "all" => Keep::All,
        "failed" => Keep::Failed,
        _ => return None,
    };
    let call_max = section.value(reading, "call_max", bytes);
    Some(Bundles {
        keeping: Keeping { what, bytes_max: usize::try_from(call_max).unwrap_or(usize::MAX) },
        folder: section.read(reading, "folder", data.join("bundles"), |reading, node| path(reading, node, base)),
        count_max: section.integer(reading, "count_max"),
        age_max: section.span(reading, "age_max"),
        size_max: section.value(reading, "size_max", bytes),
    })
}
