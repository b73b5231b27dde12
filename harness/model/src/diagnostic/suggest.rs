//! "did you mean": the nearest of some words by edit distance.

/// The word that `given` was probably meant to be: at most a third of its letters differ, at least one may.
///
/// Swapped neighbours count as one edit, for they are the commonest slip.
/// Letter case is ignored first, so that `daemonset` finds `daemonSet`.
#[must_use]
pub fn nearest<'a>(given: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given_lower = given.to_lowercase();
    let allowed = (given.chars().count() / 3).max(1);
    words
        .into_iter()
        .filter(|word| *word != given)
        .map(|word| (distance(&given_lower, &word.to_lowercase()), word))
        .filter(|(edits, word)| *edits <= allowed && *edits < word.chars().count())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, word)| word)
}

/// The number of insertions, deletions, substitutions and swaps of neighbours between two words.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    // A name in a file may be a megabyte long; beyond this nobody wants a suggestion.
    if left.len().max(right.len()) > 128 {
        return usize::MAX;
    }
    let mut before_last = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1; right.len() + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (last[j + 1] + 1).min(row[j] + 1).min(last[j] + usize::from(a != b));
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(before_last[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}
