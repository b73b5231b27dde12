//! The few figures of the host that node agents report, from its `/proc`.

use std::path::Path;

/// Figures of the host.
#[derive(Debug, PartialEq)]
pub(crate) struct Host {
    pub(crate) uptime_seconds: f64,
    pub(crate) load_average: f64,
    pub(crate) memory_total_kib: u64,
    pub(crate) memory_available_kib: u64,
}

/// # Errors
///
/// The file that cannot be read or understood, as a message.
pub(crate) fn read(folder: &Path) -> Result<Host, String> {
    let text = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|error| format!("could not read `{}`: {error}", path.display()))
    };
    let odd = |name: &str| format!("could not understand `{}`", folder.join(name).display());
    let meminfo = text("meminfo")?;
    let memory = |key| kib(&meminfo, key).ok_or_else(|| odd("meminfo"));
    Ok(Host {
        uptime_seconds: first_number(&text("uptime")?).ok_or_else(|| odd("uptime"))?,
        load_average: first_number(&text("loadavg")?).ok_or_else(|| odd("loadavg"))?,
        memory_total_kib: memory("MemTotal:")?,
        memory_available_kib: memory("MemAvailable:")?,
    })
}

fn first_number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok().filter(|number: &f64| number.is_finite())
}

fn kib(meminfo: &str, key: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("uptime"), "12.50 20.00\n").unwrap();
        std::fs::write(folder.path().join("loadavg"), "0.25 0.10 0.05 1/100 7\n").unwrap();
        std::fs::write(folder.path().join("meminfo"), "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable: 400 kB\n")
            .unwrap();
        let expected =
            Host { uptime_seconds: 12.5, load_average: 0.25, memory_total_kib: 1000, memory_available_kib: 400 };
        assert_eq!(read(folder.path()), Ok(expected));
        std::fs::write(folder.path().join("uptime"), "NaN\n").unwrap();
        assert!(read(folder.path()).unwrap_err().contains("uptime"));
    }

    #[test]
    fn a_missing_folder_is_named() {
        assert!(read(Path::new("/nowhere")).unwrap_err().starts_with("could not read `/nowhere/meminfo`"));
    }
}
