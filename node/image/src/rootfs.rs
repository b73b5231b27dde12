//! The Debian part of the node image: what the kubelet, kube-proxy, containerd and the CNI plugins call.

use std::path::Path;

use crate::command::Invocation;
use crate::settings::DEBIAN;

/// The essential packages are below these: a shell, coreutils, grep, sed, tar.
const PACKAGES: &[&str] = &["mount", "iptables", "iproute2", "conntrack", "kmod", "procps", "runc", "ethtool"];

/// Nothing in a node reads these, and they are half of the tree. Perl comes with the package scripts,
/// which are over; `var` is copied into each container's volume at its start and must be small.
const UNUSED: &[&str] = &[
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/i18n",
    "usr/share/lintian",
    "usr/share/zoneinfo",
    "usr/share/bash-completion",
    "usr/share/common-licenses",
    "usr/share/debconf",
    "usr/share/perl*",
    "usr/bin/perl*",
    "usr/bin/localedef",
    "usr/lib/*/gconv",
    "usr/lib/*/perl*",
    "usr/lib/*/libperl.so*",
    "usr/lib/locale",
    "usr/lib/udev",
    "usr/lib/systemd",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/cache",
    "var/log/*",
    "var/backups",
];

/// The command that writes the root filesystem as a tar file.
///
/// `essential` and not less: dpkg's own scripts want `diff`.
pub(crate) fn command(root: &Path, mirror: Option<&str>, out: &Path) -> Invocation {
    let hook = UNUSED.iter().map(|path| format!("\"$1\"/{path}")).collect::<Vec<_>>().join(" ");
    let include = format!("--include={}", PACKAGES.join(","));
    let hook = format!("--customize-hook=rm -rf {hook}; mkdir -p \"$1\"/var/cache \"$1\"/usr/lib/modules");
    let out = out.to_string_lossy();
    let mut args = vec![
        "--variant=essential",
        &include,
        "--aptopt=APT::Install-Recommends \"false\"",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        &hook,
        DEBIAN,
        &out,
    ];
    args.extend(mirror);
    // The epoch for every file: the same packages give the same layer.
    Invocation::new(root, "mmdebstrap", &args).env("SOURCE_DATE_EPOCH", "0").env("LC_ALL", "C")
}
