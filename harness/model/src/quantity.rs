//! Quantities of resources as numbers.

/// The number of a quantity, near enough to compare (`k8s.io/apimachinery/pkg/api/resource/quantity.go`).
pub(crate) fn quantity(text: &str) -> Option<f64> {
    // `1e3` and `1E3` are numbers, `1E` is an exa.
    let split = text.char_indices().find(|(at, c)| match c {
        'e' | 'E' => !text[at + 1..].starts_with(|next: char| next.is_ascii_digit() || matches!(next, '+' | '-')),
        c => c.is_ascii_alphabetic(),
    });
    let (number, suffix) = text.split_at(split.map_or(text.len(), |(at, _)| at));
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::quantity;

    #[test]
    fn quantities_are_numbers_with_a_suffix() {
        let same = [("1", 1.0), ("250m", 0.25), ("1e3", 1e3), ("2E-3", 2e-3), ("1E", 1e18), ("16Gi", 17_179_869_184.0)];
        for (text, number) in same {
            assert_eq!(quantity(text), Some(number), "{text}");
        }
        for text in ["", "x", "1x", "Gi", "1 Gi"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
