//! Rewrites a CTranslate2 Whisper model (float16) as the ggml file whisper.cpp reads.
//!
//! The weights are the same numbers in another order: CTranslate2 keeps query, key and value in one matrix, ggml wants
//! three; names differ; ggml also carries the mel filter bank and the vocabulary as bytes. The result is byte for byte
//! reproducible, which the catalogue's checksum proves.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// `ggml` in the file's first four bytes, little endian.
const MAGIC: i32 = 0x6767_6d6c;
/// Mel bands and FFT bins of the filter bank (16 kHz, 400-sample windows).
const MELS: usize = 80;
const BINS: usize = 201;
/// Words of GPT-2's vocabulary; the special tokens behind them are made up by whisper.cpp itself.
const WORDS: usize = 50_257;
/// From this word on `<|…|>` is a special token and kept as it is spelt.
const FIRST_SPECIAL: usize = 50_256;

pub(super) enum ConvertFault {
    Content(String),
    Disk(io::Error),
}

impl From<io::Error> for ConvertFault {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

fn content<T>(text: impl Into<String>) -> Result<T, ConvertFault> {
    Err(ConvertFault::Content(text.into()))
}

/// Writes the ggml file of a CTranslate2 `model.bin` and its `vocabulary.txt`.
pub(super) fn convert(model: &[u8], vocabulary: &str, out: &mut dyn Write) -> Result<(), ConvertFault> {
    let tensors = Tensors::read(model)?;
    let mut writer = Writer { tensors: &tensors, out };
    writer.file(vocabulary)
}

/// The numbers of a tensor and their type in the file.
#[derive(Clone, Copy)]
struct Tensor<'a> {
    /// Outermost first; at most four.
    shape: [usize; 4],
    rank: usize,
    is_half: bool,
    bytes: &'a [u8],
}

impl<'a> Tensor<'a> {
    fn dims(&self) -> &[usize] {
        self.shape.get(..self.rank).unwrap_or_default()
    }
    /// Rows `from..to` of the outermost dimension.
    fn rows(self, from: usize, to: usize) -> Option<Self> {
        let all = *self.dims().first()?;
        if from > to || to > all || all == 0 {
            return None;
        }
        let row = self.bytes.len() / all;
        let mut cut = self;
        cut.shape[0] = to - from;
        cut.bytes = self.bytes.get(from * row..to * row)?;
        Some(cut)
    }
    fn with_a_column(self) -> Self {
        let mut wide = self;
        wide.shape = [self.shape[0], 1, 0, 0];
        wide.rank = 2;
        wide
    }
}

struct Tensors<'a>(BTreeMap<&'a str, Tensor<'a>>);

/// A cursor over the model's bytes; everything in it may be cut off or nonsense.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ConvertFault> {
        match self.0.split_at_checked(count) {
            Some((head, tail)) => {
                self.0 = tail;
                Ok(head)
            }
            None => content("model file is cut off"),
        }
    }
    fn u8(&mut self) -> Result<u8, ConvertFault> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }
    fn u32(&mut self) -> Result<usize, ConvertFault> {
        let bytes: [u8; 4] = self.take(4)?.try_into().unwrap_or_default();
        usize::try_from(u32::from_le_bytes(bytes)).or_else(|_| content("size out of range"))
    }
    /// A length of 16 bit, that many bytes, the last of them NUL.
    fn text(&mut self) -> Result<&'a str, ConvertFault> {
        let bytes: [u8; 2] = self.take(2)?.try_into().unwrap_or_default();
        let with_nul = self.take(usize::from(u16::from_le_bytes(bytes)))?;
        let name = with_nul.split_last().map_or(&[][..], |(_, name)| name);
        std::str::from_utf8(name).or_else(|_| content("name is not UTF-8"))
    }
}

impl<'a> Tensors<'a> {
    /// Version, specification's name, revision, then so many (name, shape, type, bytes).
    fn read(model: &'a [u8]) -> Result<Self, ConvertFault> {
        let mut cursor = Cursor(model);
        cursor.u32()?;
        cursor.text()?;
        cursor.u32()?;
        let count = cursor.u32()?;
        let mut tensors = BTreeMap::new();
        for _ in 0..count {
            let name = cursor.text()?;
            let rank = usize::from(cursor.u8()?);
            let mut shape = [0; 4];
            if rank > shape.len() {
                return content(format!("{name} has {rank} dimensions"));
            }
            for size in shape.iter_mut().take(rank) {
                *size = cursor.u32()?;
            }
            let kind = cursor.u8()?;
            let length = cursor.u32()?;
            let bytes = cursor.take(length)?;
            // Types: 0 f32, 1 i8, 2 i16, 3 i32, 4 f16. Small integers are settings, which are not needed.
            if kind == 0 || kind == 4 {
                let is_half = kind == 4;
                let elements = shape.iter().take(rank).try_fold(1_usize, |all, size| all.checked_mul(*size));
                if elements.and_then(|e| e.checked_mul(if is_half { 2 } else { 4 })) != Some(bytes.len()) {
                    return content(format!("{name} has {} bytes, which is not its shape", bytes.len()));
                }
                tensors.insert(name, Tensor { shape, rank, is_half, bytes });
            } else if rank >= 2 {
                return content(format!("{name} is quantised (type {kind}); only float16 models are converted"));
            }
        }
        Ok(Self(tensors))
    }

    fn get(&self, name: &str) -> Result<Tensor<'a>, ConvertFault> {
        self.0.get(name).copied().map_or_else(|| content(format!("model has no {name}")), Ok)
    }

    fn dimension(&self, name: &str, at: usize) -> Result<usize, ConvertFault> {
        self.get(name)?.dims().get(at).copied().map_or_else(|| content(format!("{name} has too few dimensions")), Ok)
    }

    /// How many `prefix0/…`, `prefix1/…` there are.
    fn layers(&self, prefix: &str) -> usize {
        self.0
            .keys()
            .filter_map(|name| name.strip_prefix(prefix)?.split('/').next()?.parse::<usize>().ok())
            .max()
            .map_or(0, |last| last.saturating_add(1))
    }
}

struct Writer<'a, 'o> {
    tensors: &'a Tensors<'a>,
    out: &'o mut dyn Write,
}

impl<'a> Writer<'a, '_> {
    fn file(&mut self, vocabulary: &str) -> Result<(), ConvertFault> {
        let state = self.tensors.dimension("encoder/conv1/weight", 0)?;
        let mels = self.tensors.dimension("encoder/conv1/weight", 1)?;
        if mels != MELS {
            return content(format!("{mels} mel bands; only {MELS} are supported"));
        }
        let heads = state / 64;
        let encoders = self.tensors.layers("encoder/layer_");
        let decoders = self.tensors.layers("decoder/layer_");
        let audio_positions = self.tensors.dimension("encoder/position_encodings/encodings", 0)?;
        let text_positions = self.tensors.dimension("decoder/position_encodings/encodings", 0)?;
        let words = self.tensors.dimension("decoder/embeddings/weight", 0)?;
        self.int(MAGIC)?;
        for number in [words, audio_positions, state, heads, encoders, text_positions, state, heads, decoders, mels, 1] {
            self.size(number)?;
        }
        self.size(MELS)?;
        self.size(BINS)?;
        for weight in mel_filters() {
            self.out.write_all(&weight.to_le_bytes())?;
        }
        self.vocabulary(vocabulary)?;
        self.encoder(state, encoders)?;
        self.decoder(state, decoders)
    }

    fn int(&mut self, number: i32) -> Result<(), ConvertFault> {
        Ok(self.out.write_all(&number.to_le_bytes())?)
    }

    fn size(&mut self, number: usize) -> Result<(), ConvertFault> {
        i32::try_from(number).map_or_else(|_| content("size out of range"), |number| self.int(number))
    }

    fn vocabulary(&mut self, text: &str) -> Result<(), ConvertFault> {
        let bytes_of = byte_of_char();
        let lines: Vec<&str> = text.split('\n').take(WORDS).collect();
        self.size(lines.len())?;
        for (at, line) in lines.iter().enumerate() {
            let is_special = at >= FIRST_SPECIAL && line.starts_with("<|") && line.ends_with("|>");
            let word = if is_special {
                line.as_bytes().to_vec()
            } else {
                let bytes: Option<Vec<u8>> = line.chars().map(|c| bytes_of.get(&c).copied()).collect();
                match bytes {
                    Some(bytes) => bytes,
                    None => return content(format!("vocabulary line {} is not spelt in GPT-2's alphabet", at + 1)),
                }
            };
            self.size(word.len())?;
            self.out.write_all(&word)?;
        }
        Ok(())
    }

    fn encoder(&mut self, state: usize, layers: usize) -> Result<(), ConvertFault> {
        self.tensor("encoder.positional_embedding", self.tensors.get("encoder/position_encodings/encodings")?, true)?;
        for conv in ["conv1", "conv2"] {
            let (weight, bias) = (format!("encoder/{conv}/weight"), format!("encoder/{conv}/bias"));
            self.tensor(&format!("encoder.{conv}.weight"), self.tensors.get(&weight)?, false)?;
            self.tensor(&format!("encoder.{conv}.bias"), self.tensors.get(&bias)?.with_a_column(), true)?;
        }
        for layer in 0..layers {
            let (to, from) = (format!("encoder.blocks.{layer}"), format!("encoder/layer_{layer}"));
            self.attention(&format!("{to}.attn"), &format!("{from}/self_attention"), state, false)?;
            self.norm(&format!("{to}.attn_ln"), &format!("{from}/self_attention/layer_norm"))?;
            self.feed_forward(&to, &from)?;
        }
        self.norm("encoder.ln_post", "encoder/layer_norm")
    }

    fn decoder(&mut self, state: usize, layers: usize) -> Result<(), ConvertFault> {
        self.tensor("decoder.positional_embedding", self.tensors.get("decoder/position_encodings/encodings")?, true)?;
        self.tensor("decoder.token_embedding.weight", self.tensors.get("decoder/embeddings/weight")?, false)?;
        for layer in 0..layers {
            let (to, from) = (format!("decoder.blocks.{layer}"), format!("decoder/layer_{layer}"));
            self.attention(&format!("{to}.attn"), &format!("{from}/self_attention"), state, false)?;
            self.norm(&format!("{to}.attn_ln"), &format!("{from}/self_attention/layer_norm"))?;
            self.attention(&format!("{to}.cross_attn"), &format!("{from}/attention"), state, true)?;
            self.norm(&format!("{to}.cross_attn_ln"), &format!("{from}/attention/layer_norm"))?;
            self.feed_forward(&to, &from)?;
        }
        self.norm("decoder.ln", "decoder/layer_norm")
    }

    /// Self-attention keeps query, key and value in one matrix; cross-attention keeps the query apart. ggml has no key bias,
    /// so it must be zero.
    fn attention(&mut self, to: &str, from: &str, state: usize, is_cross: bool) -> Result<(), ConvertFault> {
        let part = |name: &str, from_row: usize, to_row: usize| {
            let whole = self.tensors.get(name)?;
            whole.rows(from_row, to_row).map_or_else(|| content(format!("{name} is too small")), Ok)
        };
        let joined = |kind: &str| {
            let first = format!("{from}/linear_0/{kind}");
            if is_cross {
                let second = format!("{from}/linear_1/{kind}");
                Ok::<_, ConvertFault>([self.tensors.get(&first)?, part(&second, 0, state)?, part(&second, state, 2 * state)?])
            } else {
                Ok([part(&first, 0, state)?, part(&first, state, 2 * state)?, part(&first, 2 * state, 3 * state)?])
            }
        };
        let [query, key, value] = joined("weight")?;
        let [query_bias, key_bias, value_bias] = joined("bias")?;
        if key_bias.bytes.iter().any(|byte| byte & 0x7f != 0) {
            return content(format!("{from} has a key bias"));
        }
        self.tensor(&format!("{to}.query.weight"), query, false)?;
        self.tensor(&format!("{to}.query.bias"), query_bias, false)?;
        self.tensor(&format!("{to}.key.weight"), key, false)?;
        self.tensor(&format!("{to}.value.weight"), value, false)?;
        self.tensor(&format!("{to}.value.bias"), value_bias, false)?;
        self.linear(&format!("{to}.out"), &format!("{from}/linear_{}", if is_cross { 2 } else { 1 }))
    }

    fn feed_forward(&mut self, to: &str, from: &str) -> Result<(), ConvertFault> {
        self.linear(&format!("{to}.mlp.0"), &format!("{from}/ffn/linear_0"))?;
        self.linear(&format!("{to}.mlp.2"), &format!("{from}/ffn/linear_1"))?;
        self.norm(&format!("{to}.mlp_ln"), &format!("{from}/ffn/layer_norm"))
    }

    fn linear(&mut self, to: &str, from: &str) -> Result<(), ConvertFault> {
        self.tensor(&format!("{to}.weight"), self.tensors.get(&format!("{from}/weight"))?, false)?;
        self.tensor(&format!("{to}.bias"), self.tensors.get(&format!("{from}/bias"))?, false)
    }

    fn norm(&mut self, to: &str, from: &str) -> Result<(), ConvertFault> {
        self.tensor(&format!("{to}.weight"), self.tensors.get(&format!("{from}/gamma"))?, false)?;
        self.tensor(&format!("{to}.bias"), self.tensors.get(&format!("{from}/beta"))?, false)
    }

    /// Rank, length of the name, type (0 f32, 1 f16), sizes innermost first, name, numbers. Vectors are always f32.
    fn tensor(&mut self, name: &str, tensor: Tensor<'a>, wants_single: bool) -> Result<(), ConvertFault> {
        let is_single = wants_single || tensor.rank < 2;
        self.size(tensor.rank)?;
        self.size(name.len())?;
        self.int(i32::from(!is_single))?;
        for size in tensor.dims().iter().rev() {
            self.size(*size)?;
        }
        self.out.write_all(name.as_bytes())?;
        match (is_single, tensor.is_half) {
            (true, false) | (false, true) => self.out.write_all(tensor.bytes)?,
            (true, true) => {
                for half in tensor.bytes.chunks_exact(2) {
                    let bits = u16::from_le_bytes(half.try_into().unwrap_or_default());
                    self.out.write_all(&single_of_half(bits).to_le_bytes())?;
                }
            }
            (false, false) => return content(format!("{name} is not float16")),
        }
        Ok(())
    }
}

/// IEEE 754 binary16 to binary32; exact.
fn single_of_half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0_f32 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    match exponent {
        0 => sign * fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1024.0 + fraction) * 2_f32.powi(exponent - 25),
    }
}

/// Slaney's mel filter bank as Whisper was trained with it: 80 triangles over 201 bins, each of equal area.
/// Computed in f64 and rounded to f32 twice, exactly where the reference rounds.
fn mel_filters() -> Vec<f32> {
    let log_step = 6.4_f64.ln() / 27.0;
    let mel_of = |hz: f64| if hz >= 1000.0 { 15.0 + (hz / 1000.0).ln() / log_step } else { hz / (200.0 / 3.0) };
    let hz_of = |mel: f64| if mel >= 15.0 { 1000.0 * (log_step * (mel - 15.0)).exp() } else { mel * 200.0 / 3.0 };
    let step = |from: f64, to: f64, count: usize, at: usize| {
        if at + 1 == count { to } else { from + at as f64 * ((to - from) / (count - 1) as f64) }
    };
    let bins: Vec<f64> = (0..BINS).map(|at| step(0.0, 8000.0, BINS, at)).collect();
    let edges: Vec<f64> =
        (0..MELS + 2).map(|at| hz_of(step(mel_of(0.0), mel_of(8000.0), MELS + 2, at))).collect();
    let mut weights = Vec::with_capacity(MELS * BINS);
    for corner in edges.windows(3) {
        let &[left, top, right] = corner else { continue };
        let area = 2.0 / (right - left);
        for bin in &bins {
            let rising = -(left - bin) / (top - left);
            let falling = (right - bin) / (right - top);
            // Of two zeroes the reference keeps the second, which is the negative zero of the very first corner.
            let lower = rising.min(falling);
            let height = if lower < 0.0 { 0.0 } else { lower } as f32;
            weights.push((f64::from(height) * area) as f32);
        }
    }
    weights
}

/// GPT-2 spells bytes as printable characters: most as themselves, the others from U+0100 on.
fn byte_of_char() -> BTreeMap<char, u8> {
    let mut next = 0x100_u32;
    (0..=255_u8)
        .map(|byte| {
            let is_itself = matches!(byte, 33..=126 | 161..=172 | 174..=255);
            let code = if is_itself {
                u32::from(byte)
            } else {
                next += 1;
                next - 1
            };
            (char::from_u32(code).unwrap_or('\u{fffd}'), byte)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_become_singles_exactly() {
        for (bits, value) in [(0x0000, 0.0), (0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 2_f32.powi(-24)), (0x3555, 0.333_251_95)] {
            assert_eq!(single_of_half(bits), value, "{bits:#x}");
        }
        assert!(single_of_half(0x7e00).is_nan());
    }

    #[test]
    fn all_bytes_have_a_letter_of_their_own() {
        let table = byte_of_char();
        assert_eq!(table.len(), 256);
        assert_eq!(table.get(&'Ġ'), Some(&b' '));
        assert_eq!(table.get(&'A'), Some(&b'A'));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = convert(&bytes, "a\nb", &mut io::sink());
        }
    }
}
