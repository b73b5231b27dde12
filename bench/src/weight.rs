//! Memory and disk: of nodes and image as Docker counts them, of this process as the kernel does.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// Memory of a node's container without the page cache, in bytes: what `docker stats` shows.
pub(crate) fn node_bytes(cluster: &str, node: &str) -> Result<u64> {
    let container = format!("rollcall-{cluster}-{node}");
    let usage = docker(&["stats", "--no-stream", "--format", "{{.MemUsage}}", &container])?;
    let used = usage.split('/').next().unwrap_or_default().trim();
    parse_bytes(used).with_context(|| format!("`docker stats` printed `{usage}`"))
}

/// Size of the node image, in bytes.
pub(crate) fn image_bytes() -> Result<u64> {
    let image = format!("{}:{}", rollcall::NODE_IMAGE_REPOSITORY, rollcall::DEFAULT_KUBERNETES);
    Ok(docker(&["image", "inspect", "--format", "{{.Size}}", &image])?.parse()?)
}

/// The most memory this process has had, in bytes.
pub(crate) fn harness_bytes() -> Result<u64> {
    own_bytes("VmHWM:")
}

/// The memory that this process has now, in bytes.
pub(crate) fn resident_bytes() -> Result<u64> {
    own_bytes("VmRSS:")
}

/// A figure of `/proc/self/status` (proc(5)).
fn own_bytes(field: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).with_context(|| format!("no {field}"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes * 1024)
}

fn docker(arguments: &[&str]) -> Result<String> {
    let output = Command::new("docker").args(arguments).output().context("could not run `docker`")?;
    if !output.status.success() {
        bail!("`docker {}`: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Reads `484.2MiB`.
fn parse_bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 4] = [("GiB", 1_073_741_824.0), ("MiB", 1_048_576.0), ("KiB", 1024.0), ("B", 1.0)];
    let (number, factor) = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?.trim(), *factor)))?;
    let bytes = number.parse::<f64>().ok()? * factor;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size that Docker printed")]
    Some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::parse_bytes;

    #[test]
    fn sizes_are_read_as_docker_prints_them() {
        assert_eq!(parse_bytes("1.5KiB"), Some(1536));
        assert_eq!(parse_bytes("2GiB"), Some(2_147_483_648));
        assert_eq!(parse_bytes("a lot"), None);
    }
}
