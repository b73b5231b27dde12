//! What is built: the options, where things are, and the versions the Go modules pin.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The Kubernetes minor built when none is named, and that with whose libraries CoreDNS and kwok are built for all.
pub(crate) const DEFAULT_MINOR: &str = "1.37";

pub(crate) const USAGE: &str = "\
usage: rollcall-image [node | agent] [--kubernetes MINOR] [--extras] [--plain]

Builds the node image and the probe agent images, or only what is named.

  --kubernetes MINOR  which Kubernetes, one of node/modules/kubernetes/versions (default 1.37)
  --extras            also crictl and ctr in the node image, to look into nodes by hand
  --plain             plain lines instead of progress bars";

/// What was asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) node: bool,
    pub(crate) agent: bool,
    pub(crate) minor: String,
    pub(crate) extras: bool,
    pub(crate) plain: bool,
}

impl Options {
    /// Reads the command line; `None` means that help was asked for.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Option<Self>> {
        let mut options =
            Self { node: true, agent: true, minor: DEFAULT_MINOR.to_owned(), extras: false, plain: false };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "node" => options.agent = false,
                "agent" => options.node = false,
                "--extras" => options.extras = true,
                "--plain" => options.plain = true,
                "--kubernetes" => {
                    options.minor = args.next().context("`--kubernetes` needs a minor version, such as 1.37")?;
                }
                "--help" | "-h" => return Ok(None),
                other => bail!("unknown argument `{other}`\n{USAGE}"),
            }
        }
        if !options.node && !options.agent {
            bail!("`node` and `agent` exclude each other\n(hint: neither builds both)");
        }
        Ok(Some(options))
    }
}

/// The root of the work tree.
pub(crate) fn root() -> Result<PathBuf> {
    // Cargo says where the package is now; the compiled-in place is for a binary that is called by hand.
    let package =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let root = package.join("../..");
    root.canonicalize().with_context(|| format!("could not find the work tree at `{}`", root.display()))
}

/// Versions of what goes into a node image, read from the files that pin them.
#[derive(Debug)]
pub(crate) struct Versions {
    pub(crate) kubernetes: String,
    pub(crate) coredns: String,
    pub(crate) etcd: String,
    pub(crate) containerd: String,
    pub(crate) cni: String,
    pub(crate) registry: String,
    pub(crate) kwok: String,
    pub(crate) crictl: String,
}

impl Versions {
    pub(crate) fn read(root: &Path, minor: &str) -> Result<Self> {
        let modules = root.join("node/modules");
        let kubernetes = modules.join("kubernetes/versions").join(format!("{minor}.mod"));
        if !kubernetes.is_file() {
            bail!("Kubernetes `{minor}` is not one that can be built\n(hint: one of {})", minors(root).join(", "));
        }
        let pinned = |file: &Path, module: &str| -> Result<String> {
            let text = fs::read_to_string(file).with_context(|| format!("could not read `{}`", file.display()))?;
            required(&text, module).with_context(|| format!("`{}` does not require `{module}`", file.display()))
        };
        let addons = modules.join("kubernetes/versions").join(format!("{DEFAULT_MINOR}.mod"));
        Ok(Self {
            kubernetes: pinned(&kubernetes, "k8s.io/kubernetes")?,
            coredns: pinned(&addons, "github.com/coredns/coredns")?,
            etcd: pinned(&modules.join("etcd/go.mod"), "go.etcd.io/etcd/server/v3")?,
            containerd: pinned(&modules.join("containerd/go.mod"), "github.com/containerd/containerd/v2")?,
            cni: pinned(&modules.join("cni/go.mod"), "github.com/containernetworking/plugins")?,
            registry: pinned(&modules.join("registry/go.mod"), "github.com/google/go-containerregistry")?,
            kwok: pinned(&addons, "sigs.k8s.io/kwok")?,
            crictl: pinned(&modules.join("tools/go.mod"), "sigs.k8s.io/cri-tools")?,
        })
    }
}

fn minors(root: &Path) -> Vec<String> {
    let mut minors: Vec<String> = fs::read_dir(root.join("node/modules/kubernetes/versions"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().strip_suffix(".mod").map(str::to_owned))
        .collect();
    minors.sort();
    minors
}

/// The version a `go.mod` requires of a module; its `replace` lines carry an arrow and are passed over.
fn required(text: &str, module: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| *word == "require");
        (words.next() == Some(module))
            .then(|| words.next())?
            .filter(|version| version.starts_with('v'))
            .map(str::to_owned)
    })
}

/// Where the packages of the root filesystem come from, as mmdebstrap takes it: the mirror the user says,
/// else this machine's own sources file if it is of the same Debian, with its mirror and its security
/// updates, else mmdebstrap's default.
pub(crate) fn debian_mirror() -> Option<String> {
    if let Ok(mirror) = env::var("ROLLCALL_DEBIAN_MIRROR") {
        return Some(mirror).filter(|mirror| !mirror.is_empty());
    }
    ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"]
        .into_iter()
        .find(|path| fs::read_to_string(path).is_ok_and(|text| has_suite(&text, DEBIAN)))
        .map(str::to_owned)
}

/// The Debian release of the root filesystem.
pub(crate) const DEBIAN: &str = "bookworm";

/// Do these apt sources, of the one-line or the deb822 kind, have the suite?
fn has_suite(text: &str, suite: &str) -> bool {
    text.lines().any(|line| {
        let kind = line.split_whitespace().next();
        matches!(kind, Some("deb" | "Suites:")) && line.split_whitespace().any(|word| word == suite)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_read_from_a_requirement_and_not_from_a_replacement() {
        let text =
            "replace (\n\tk8s.io/api => k8s.io/api v0.37.2\n)\nrequire (\n\tk8s.io/api v0.1.0\n)\nrequire x v2.0.0\n";
        assert_eq!(required(text, "k8s.io/api").as_deref(), Some("v0.1.0"));
        assert_eq!(required(text, "x").as_deref(), Some("v2.0.0"));
        assert_eq!(required(text, "y"), None);
    }

    #[test]
    fn suite_of_the_machine_is_found_in_both_kinds_of_sources() {
        let sources = "Types: deb\nURIs: http://mirror.invalid/debian\nSuites: bookworm bookworm-updates\n";
        assert!(has_suite(sources, "bookworm"));
        let list =
            "# deb http://mirror.invalid noble main\ndeb [arch=amd64] http://mirror.invalid/debian bookworm main\n";
        assert!(has_suite(list, "bookworm"));
        assert!(!has_suite(list, "noble"));
    }

    #[test]
    fn both_images_are_built_unless_one_is_named() {
        let parse = |args: &[&str]| Options::parse(args.iter().map(|&arg| arg.to_owned()));
        let options = parse(&[]).expect("no argument is fine").expect("no help");
        assert!(options.node && options.agent && options.minor == DEFAULT_MINOR);
        let options = parse(&["agent"]).expect("it is known").expect("no help");
        assert!(options.agent && !options.node);
        assert_eq!(parse(&["--help"]).expect("it is known"), None);
        assert!(
            parse(&["--kubernetse"]).expect_err("it is not").to_string().starts_with("unknown argument `--kubernetse`")
        );
    }

    #[test]
    fn every_pinned_version_can_be_read() {
        let root = root().expect("the work tree is there");
        for minor in minors(&root) {
            let versions = Versions::read(&root, &minor).expect("the modules pin them");
            assert!(versions.kubernetes.starts_with(&format!("v{minor}.")), "{versions:?}");
        }
        let error = Versions::read(&root, "1.2").expect_err("nobody builds 1.2");
        assert!(error.to_string().contains("(hint: one of 1.34, 1.35, 1.36, 1.37)"), "{error}");
    }
}
