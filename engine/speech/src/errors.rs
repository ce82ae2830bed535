//! Word error rate: how far a transcript is from what was said. For tests and for choosing models.

/// Substituted, left out and added words over the words said; 0 is perfect. Case, punctuation and hyphens do not count.
#[must_use]
pub fn word_error_rate(said: &str, heard: &str) -> f64 {
    let (said, heard) = (words(said), words(heard));
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (at, word) in said.iter().enumerate() {
        let mut diagonal = row.first().copied().unwrap_or(0);
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
        for (column, other) in heard.iter().enumerate() {
            let left = row.get(column).copied().unwrap_or(0);
            if let Some(slot) = row.get_mut(column + 1) {
                let above = *slot;
                *slot = (above + 1).min(left + 1).min(diagonal + usize::from(word != other));
                diagonal = above;
            }
        }
    }
    let errors = row.last().copied().unwrap_or(0);
    if said.is_empty() { errors as f64 } else { errors as f64 / said.len() as f64 }
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_in_words() {
        for (said, heard, rate) in [
            ("press one for sales", "Press one for sales.", 0.0),
            ("press one for sales", "press for sales", 0.25),
            ("press one for sales", "press one four sails", 0.5),
            ("a b", "a x b", 0.5),
            ("a b", "", 1.0),
            ("", "", 0.0),
            ("", "noise here", 2.0),
        ] {
            assert!((word_error_rate(said, heard) - rate).abs() < 1e-9, "{said} / {heard}");
        }
    }
}
