//! The name rules of Kubernetes, each as a function that says why a text breaks it.
//! The rules are those of `k8s.io/apimachinery/pkg/util/validation/validation.go`.

/// Whether `text` is a DNS-1123 label, and why not: the rest of a sentence that begins with the text.
///
/// # Errors
/// The reason.
pub fn dns_label(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if text.len() > 63 {
        return Err(format!("is longer than 63 characters ({})", text.len()));
    }
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !text.chars().all(|c| good(c) || c == '-') {
        return Err("may hold only lower case letters, digits and `-`".to_owned());
    }
    if !text.starts_with(good) || !text.ends_with(good) {
        return Err("must begin and end with a letter or digit".to_owned());
    }
    Ok(())
}

/// Whether `text` is a DNS-1123 subdomain: labels joined by dots, at most 253 characters.
///
/// # Errors
/// The reason.
pub fn dns_subdomain(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if text.len() > 253 {
        return Err(format!("is longer than 253 characters ({})", text.len()));
    }
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !text.chars().all(|c| good(c) || c == '-' || c == '.') {
        return Err("may hold only lower case letters, digits, `-` and `.`".to_owned());
    }
    if !text.split('.').all(|part| part.starts_with(good) && part.ends_with(good)) {
        return Err("must have parts that begin and end with a letter or digit".to_owned());
    }
    Ok(())
}

/// Whether `text` is a qualified name, the key of a label or a taint: `[prefix/]name`.
///
/// # Errors
/// The reason.
pub fn qualified_name(text: &str) -> Result<(), String> {
    let name = match text.split_once('/') {
        Some((prefix, name)) => {
            dns_subdomain(prefix).map_err(|why| format!("has a prefix that {why}"))?;
            name
        }
        None => text,
    };
    if name.is_empty() {
        return Err("is empty".to_owned());
    }
    name_part(name)
}

/// Whether `text` is the value of a label or a taint. It may be empty.
///
/// # Errors
/// The reason.
pub fn label_value(text: &str) -> Result<(), String> {
    if text.is_empty() { Ok(()) } else { name_part(text) }
}

/// Whether `text` is the name of a value of `forEach` or `use`, as `${name}` has it. The rule is rollcall's own.
///
/// # Errors
/// The reason.
pub fn value_name(text: &str) -> Result<(), String> {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err("must begin with a letter".to_owned());
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("may hold only letters, digits and `_`".to_owned());
    }
    Ok(())
}

fn name_part(text: &str) -> Result<(), String> {
    if text.len() > 63 {
        return Err(format!("is longer than 63 characters ({})", text.len()));
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        return Err("may hold only letters, digits, `-`, `_` and `.`".to_owned());
    }
    let good = |c: char| c.is_ascii_alphanumeric();
    if !text.starts_with(good) || !text.ends_with(good) {
        return Err("must begin and end with a letter or digit".to_owned());
    }
    Ok(())
}
