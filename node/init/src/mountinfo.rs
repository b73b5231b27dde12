//! Reads `/proc/self/mountinfo` (format: proc_pid_mountinfo(5)). Pure parsing; it changes nothing.

use std::path::{Path, PathBuf};

/// What is of interest about one mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Never that of another mount while this one is there.
    pub(crate) id: u64,
    pub(crate) point: PathBuf,
    pub(crate) kind: String,
}

/// # Errors
///
/// The file cannot be read, as a message.
pub(crate) fn read() -> Result<Vec<Mount>, String> {
    let path = "/proc/self/mountinfo";
    std::fs::read_to_string(path).map(|text| parse(&text)).map_err(|error| format!("could not read `{path}`: {error}"))
}

/// Lines that are not of the known form are passed over.
fn parse(text: &str) -> Vec<Mount> {
    text.lines()
        .filter_map(|line| {
            let (mount, file_system) = line.split_once(" - ")?;
            let id = mount.split(' ').next()?.parse().ok()?;
            let point = PathBuf::from(unescape(mount.split(' ').nth(4)?));
            Some(Mount { id, point, kind: file_system.split(' ').next()?.to_owned() })
        })
        .collect()
}

/// The type of the file system mounted last on exactly this path, which is the one that is seen.
pub(crate) fn kind_at<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a str> {
    mounts.iter().rev().find(|mount| mount.point == path).map(|mount| mount.kind.as_str())
}

/// The kernel writes blanks and backslashes as three octal digits.
fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        match after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = &after[3..];
            }
            None => {
                plain.push('\\');
                rest = after;
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a
30 22 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
31 30 0:27 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:9 - cgroup cgroup rw,cpu,cpuacct
32 22 0:40 / /mnt/a\\040b rw - tmpfs tmpfs rw
nonsense
33 22 0:41 / /mnt/a\\040b rw - ext4 /dev/sda rw
";

    #[test]
    fn mounts_are_read_with_their_type() {
        let mounts = parse(HYBRID);
        assert_eq!(mounts.len(), 5);
        assert_eq!(mounts[2], Mount { id: 31, point: "/sys/fs/cgroup/cpu,cpuacct".into(), kind: "cgroup".to_owned() });
    }

    #[test]
    fn the_last_mount_on_a_path_is_the_one_that_counts() {
        let mounts = parse(HYBRID);
        assert_eq!(kind_at(&mounts, Path::new("/mnt/a b")), Some("ext4"));
        assert_eq!(kind_at(&mounts, Path::new("/mnt")), None);
    }

    #[test]
    fn only_whole_escapes_are_undone() {
        assert_eq!(unescape(r"a\040b\134c"), r"a b\c");
        assert_eq!(unescape(r"a\9"), r"a\9");
    }
}
