//! What a start does with the recordings an earlier run left in the spool.
//!
//! Every ticket ends as exactly one of: a message (whole where it was sealed, partial where the engine died while it was
//! spoken), a plain recording, nothing (too short), or quarantine (unreadable, and named).

use crate::{
    LeftOver, StoreFault,
    seal::{self, SPOOL, Sealed, Sealing, Ticket},
};
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};
use terms::MessageId;
use voicemail::EndCause;

/// What a start found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Recordings that became messages marked partial.
    pub partial: Vec<MessageId>,
    /// Recordings that had ended and were now acknowledged to nobody; they are whole.
    pub completed: Vec<MessageId>,
    /// Recordings too short to keep.
    pub discarded: Vec<MessageId>,
    /// What could not be read, where it lies now, and why.
    pub quarantined: Vec<(PathBuf, String)>,
}

/// What must still be committed.
pub(crate) enum Found {
    Partial(Sealing),
    Whole(Sealing),
}

/// Looks through the spool and makes the audio of every good ticket safe; the rows are the caller's part.
pub(crate) fn look_through(root: &Path) -> Result<(Vec<Found>, Recovered), StoreFault> {
    let spool = root.join(SPOOL);
    let mut told = Recovered::default();
    let mut found = Vec::new();
    let entries = fs::read_dir(&spool).map_err(|fault| StoreFault::file(&spool, &fault))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|e| e.path())).collect();
    paths.sort();
    for path in &paths {
        match path.extension().and_then(OsStr::to_str) {
            Some("json") => match take_up(root, path) {
                Ok(Taken::Keep(keep)) => found.push(keep),
                Ok(Taken::TooShort(id)) => {
                    let _ = fs::remove_file(seal::part_path(root, id));
                    let _ = fs::remove_file(path);
                    told.discarded.push(id);
                }
                Err(why) => {
                    let part = path.with_extension("part.wav");
                    quarantine(root, path, &why, &mut told);
                    if part.exists() {
                        quarantine(root, &part, &why, &mut told);
                    }
                }
            },
            Some("tmp") => {
                let _ = fs::remove_file(path);
            }
            Some("wav") => {}
            Some(_) | None => quarantine(root, path, "nothing of ours", &mut told),
        }
    }
    // Audio whose ticket is not there: nobody knows whose it is.
    for path in paths.iter().filter(|path| path.extension() == Some(OsStr::new("wav")) && path.exists()) {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let ticket = name.strip_suffix(".part.wav").map(|id| spool.join(format!("{id}.json")));
        if !ticket.is_some_and(|ticket| ticket.exists()) {
            quarantine(root, path, "no ticket tells whose it is", &mut told);
        }
    }
    Ok((found, told))
}

enum Taken {
    Keep(Found),
    TooShort(MessageId),
}

fn take_up(root: &Path, path: &Path) -> Result<Taken, String> {
    let text = seal::read_bounded(path).map_err(|fault| fault.to_string())?;
    let ticket: Ticket = serde_json::from_slice(&text).map_err(|fault| fault.to_string())?;
    let id = ticket.meta.id;
    if path.file_stem().and_then(OsStr::to_str) != Some(id.to_string().as_str()) {
        return Err(format!("the ticket is of {id}"));
    }
    let (rate, part) = (ticket.meta.samples_a_second(), seal::part_path(root, id));
    if !(1_000..=192_000).contains(&ticket.meta.rate_hz) || !(1..=2).contains(&ticket.meta.channels) {
        return Err(format!("{rate} samples a second in {} channels cannot be", ticket.meta.channels));
    }
    let safe = |sealing: Sealing| sealing.make_safe(root).map(|_| sealing).map_err(|fault| fault.to_string());
    if let Some(sealed) = ticket.sealed {
        if let Sealed::Message(_, draft) = &sealed
            && draft.envelope.id != id
        {
            return Err("the ticket and its message disagree".to_owned());
        }
        return safe(Sealing { meta: ticket.meta, sealed }).map(|whole| Taken::Keep(Found::Whole(whole)));
    }
    let samples = if part.exists() { seal::samples_in(&part).map_err(|fault| fault.to_string())? } else { 0 };
    let length = seal::span_of(samples, rate);
    if samples == 0 || length < ticket.meta.length_min {
        return Ok(Taken::TooShort(id));
    }
    let draft = match &ticket.meta.left_over {
        LeftOver::Message(envelope) if envelope.id != id => return Err("the ticket and its message disagree".to_owned()),
        LeftOver::Message(envelope) => Some(envelope.as_ref().clone().sealed(length, None, EndCause::Crash)),
        LeftOver::File => None,
    };
    let is_plain = draft.is_none();
    safe(Sealing::new(ticket.meta, samples, None, draft, is_plain)).map(|partial| Taken::Keep(Found::Partial(partial)))
}

/// Moves what cannot be read out of the way and says so; never stops a start.
pub(crate) fn quarantine(root: &Path, path: &Path, why: &str, told: &mut Recovered) {
    let folder = root.join("quarantine");
    let name = path.file_name().unwrap_or_else(|| OsStr::new("nameless"));
    let mut target = folder.join(name);
    let mut again = 1_u32;
    while target.exists() && again < 1_000 {
        target = folder.join(format!("{}.{again}", name.to_string_lossy()));
        again += 1;
    }
    let moved = fs::create_dir_all(&folder).and_then(|()| fs::rename(path, &target));
    match moved {
        Ok(()) => tracing::error!(path = %path.display(), to = %target.display(), why, "quarantined"),
        Err(fault) => tracing::error!(path = %path.display(), why, %fault, "could not be quarantined"),
    }
    told.quarantined.push((target, why.to_owned()));
}
