//! Human speech with its words, from the test data of the `pocketsphinx` source package (LibriVox, public domain).

use std::path::PathBuf;

/// A recording and what is said in it.
#[derive(Debug)]
pub(crate) struct Speech {
    pub(crate) file: PathBuf,
    pub(crate) words: &'static str,
}

/// The folder `tests/install.sh` puts the recordings into.
fn folder() -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    cache.join("callflow/test-speech")
}

/// Seven seconds, 23 words.
#[track_caller]
pub(crate) fn sentence() -> Speech {
    let file = folder().join("sense_and_sensibility_01_austen_64kb-0870.wav");
    assert!(file.exists(), "{} is not there; run tests/install.sh", file.display());
    Speech { file, words: "and mister john dashwood had then leisure to consider how much there might be prudently in his power to do for them" }
}

/// The share (0–1) of `words` found in `heard`, in their order, whatever stands between them.
pub(crate) fn share_heard(words: &str, heard: &str) -> f64 {
    let plain = |text: &str| -> Vec<String> {
        let text = text.to_lowercase().replace("mr.", "mister").replace("mr ", "mister ");
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let (words, heard) = (plain(words), plain(heard));
    // The longest common subsequence, row by row.
    let mut row = vec![0_u32; heard.len() + 1];
    for word in &words {
        let mut before = 0;
        for (at, other) in heard.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if word == other { before + 1 } else { above.max(row[at]) };
            before = above;
        }
    }
    f64::from(row[heard.len()]) / words.len().max(1) as f64
}

#[test]
fn words_are_compared_in_order_and_without_punctuation() {
    assert!((share_heard("and mister john had", "And Mr. John, had!") - 1.0).abs() < 1e-9);
    assert!((share_heard("one two three four", "four three two one") - 0.25).abs() < 1e-9);
    assert!(share_heard("one two", "") < 1e-9);
}
