//! After the database was lost: what lies in the folders gets its rows back from the descriptions beside the sound.
//!
//! Nobody is told again of what is found there: the webhook of nearly all of it arrived long ago. What a ticket in the spool still
//! vouches for was taken in before, with all that is owed for it ([`crate::recovery`]), and is passed over here. From now on
//! everything that happens to a message is told as ever. What only the database knew stays lost: who heard what, transcripts,
//! webhooks on their way.

use crate::{
    Recovered, RecordingMeta, StoreFault,
    recovery, seal,
    writer::{Answer, Write, Writer},
};
use serde::de::DeserializeOwned;
use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};
use voicemail::MessageDraft;

/// Samples a second by which Ogg Opus counts, whatever was encoded (RFC 7845, 4).
const OPUS_HZ: u32 = 48_000;
/// The last page of an Ogg file begins within so many bytes of its end (RFC 3533, 6: a page has 65,307 at most).
const PAGE_BYTES_MAX: u64 = 65_307;

/// Takes in every message and recording that has no row.
pub(crate) async fn adopt(root: &Path, writer: &Writer, told: &mut Recovered) -> Result<(), StoreFault> {
    let mut adopted = 0_usize;
    for path in descriptions(&root.join("messages"), 2) {
        let sound = path.with_extension("wav");
        if !sound.exists() {
            continue;
        }
        match read::<MessageDraft>(&path) {
            Ok(draft) if seal::message_path(root, &draft.envelope.realm, &draft.envelope.mailbox, draft.envelope.id) == sound => {
                adopted += usize::from(take_in(writer, Write::AdoptMessage(Box::new(draft))).await?);
            }
            Ok(_) => recovery::quarantine(root, &path, "describes another message", told),
            Err(why) => recovery::quarantine(root, &path, &why, told),
        }
    }
    for path in descriptions(&root.join("recordings"), 1) {
        let sounds = [path.with_extension("wav"), path.with_extension("opus")];
        let Some(sound) = sounds.iter().find(|sound| sound.exists()) else { continue };
        let known = read::<RecordingMeta>(&path).and_then(|meta| match seal::recording_path(root, &meta.realm, meta.id) == sounds[0] {
            true => length_of(sound, &meta).map(|length| (meta, length)).map_err(|fault| fault.to_string()),
            false => Err("describes another recording".to_owned()),
        });
        match known {
            Ok((meta, length)) => adopted += usize::from(take_in(writer, Write::AdoptRecording(Box::new(meta), length)).await?),
            Err(why) => recovery::quarantine(root, &path, &why, told),
        }
    }
    if adopted > 0 {
        tracing::warn!(adopted, "the database was lost: messages and recordings are taken from their folders, and nobody is told of them again");
    }
    Ok(())
}

/// True when it had no row.
async fn take_in(writer: &Writer, write: Write) -> Result<bool, StoreFault> {
    Ok(matches!(writer.write(write).await?, Answer::Changed(true)))
}

/// Descriptions so many folders below one, in the order of their names.
fn descriptions(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    for _ in 0..depth {
        folders = folders.iter().flat_map(|folder| entries(folder)).filter(|path| path.is_dir()).collect();
    }
    let all = folders.iter().flat_map(|folder| entries(folder));
    all.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).map(|all| all.filter_map(|entry| entry.ok().map(|e| e.path())).collect()).unwrap_or_default();
    all.sort();
    all
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = seal::read_bounded(path).map_err(|fault| fault.to_string())?;
    serde_json::from_slice(&text).map_err(|fault| fault.to_string())
}

/// How long a recording is: of WAV by its size, of Ogg Opus by what its last page says.
fn length_of(sound: &Path, meta: &RecordingMeta) -> io::Result<Duration> {
    if sound.extension().is_some_and(|kind| kind == "wav") {
        return Ok(seal::span_of(seal::samples_in(sound)?, meta.samples_a_second()));
    }
    let mut file = File::open(sound)?;
    let size = file.metadata()?.len();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    (&mut file).take(PAGE_BYTES_MAX).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(size.saturating_sub(PAGE_BYTES_MAX)))?;
    file.take(PAGE_BYTES_MAX).read_to_end(&mut tail)?;
    opus_length(&head, &tail).ok_or_else(|| io::Error::other("no Ogg Opus"))
}

/// Samples at the end of the last page (RFC 3533, 6) less those that a player skips (RFC 7845, 5.1).
fn opus_length(head: &[u8], tail: &[u8]) -> Option<Duration> {
    let id = head.windows(8).position(|bytes| bytes == b"OpusHead")?;
    let skipped = u16::from_le_bytes(head.get(id + 10..id + 12)?.try_into().ok()?);
    let page = tail.windows(4).rposition(|bytes| bytes == b"OggS")?;
    let end = u64::from_le_bytes(tail.get(page + 6..page + 14)?.try_into().ok()?);
    Some(seal::span_of(end.checked_sub(u64::from(skipped))?, OPUS_HZ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_ogg_opus_is_read_from_its_ends_and_nothing_else_is_taken_for_it() {
        let head = [b"OggS".as_slice(), &[0; 24], b"OpusHead\x01\x01", &312_u16.to_le_bytes(), &[0; 7]].concat();
        let page = |end: u64| [b"OggS\0\0".as_slice(), &end.to_le_bytes(), &[7; 40]].concat();
        let tail = [page(48_000), page(2 * 48_000 + 312)].concat();
        assert_eq!(opus_length(&head, &tail), Some(Duration::from_secs(2)));
        for (head, tail) in [(&head[..30], &tail[..]), (&head[..37], &tail[..]), (&tail[..], &tail[..]), (&head[..], &tail[..9]), (&head[..], &page(311)[..])] {
            assert_eq!(opus_length(head, tail), None);
        }
        // A page that claims to end after all time there is must not be believed into a panic.
        assert!(opus_length(&head, &page(u64::MAX)).is_some());
    }
}
