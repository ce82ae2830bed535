//! "Did you mean …": the nearest of the names that exist.

use crate::limits::NEAREST_EDITS;

/// The candidate nearest to `name` by edits (case does not count, a swap of neighbours counts one), if any is near enough to be meant.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let name: Vec<char> = name.chars().take(64).flat_map(char::to_lowercase).collect();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.chars().take(64).flat_map(char::to_lowercase).collect();
            let allowed = (name.len().max(other.len()) / 3).clamp(1, NEAREST_EDITS);
            let edits = distance(&name, &other);
            (edits <= allowed && edits < other.len()).then_some((edits, candidate))
        })
        .min_by_key(|(edits, candidate)| (*edits, candidate.len()))
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_find_their_word() {
        let words = ["prompt", "wait", "attempts", "no_input", "then"];
        for (slip, meant) in [("promt", "prompt"), ("prmopt", "prompt"), ("Wait", "wait"), ("noinput", "no_input"), ("thne", "then")] {
            assert_eq!(nearest(slip, words), Some(meant), "{slip}");
        }
        assert_eq!(nearest("banana", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest("x", ["y"]), None, "a whole replacement is not a slip");
    }
}
