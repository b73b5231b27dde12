//! What the node image is made of, and where in it each part lies.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::archive::{Entry, Image, architecture, programs, write_archive, write_layer};
use crate::graph::{Action, Lane};
use crate::settings::{DEBIAN, DEFAULT_MINOR, Versions};
use crate::steps::{Part, Rust, Steps, drop_replaced};
use crate::{go, rootfs};

/// The names that the Kubernetes binary answers to.
const KUBERNETES: &[&str] = &["kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet"];

/// The names that the other binary made of Kubernetes libraries answers to.
const ADDONS: &[&str] = &["coredns", "kwok"];

/// The sandbox image, which a node's containerd configuration must name: its own default is a later one.
const PAUSE: &str = "registry.k8s.io/pause:3.10";

/// Folders the node's programs expect, each with its parents: an engine gives a parent that no layer
/// names the mode 0600.
const FOLDERS: &[&str] = &[
    "etc/cni",
    "etc/cni/net.d",
    "etc/containerd",
    "etc/containerd/certs.d",
    "etc/kubernetes",
    "etc/rollcall",
    "var/lib/containerd",
    "var/lib/etcd",
    "var/lib/kubelet",
    "var/log/containers",
    "var/log/pods",
    "var/log/rollcall",
];

/// The node image that is to be made.
pub(crate) struct Node {
    pub(crate) minor: String,
    pub(crate) versions: Versions,
    pub(crate) mirror: Option<String>,
    pub(crate) extras: bool,
    pub(crate) target: String,
    pub(crate) inputs: String,
}

impl Node {
    pub(crate) fn tag(&self) -> String {
        format!("rollcall/node:{}", self.versions.kubernetes)
    }

    fn labels(&self) -> Value {
        json!({
            "rollcall.inputs": self.inputs,
            "rollcall.kubernetes": self.versions.kubernetes,
            "rollcall.extras": self.extras.to_string(),
        })
    }

    /// What `/etc/rollcall-release` says.
    fn release(&self) -> String {
        let versions = &self.versions;
        let mut release = json!({
            "kubernetes": versions.kubernetes,
            "coredns": versions.coredns,
            "kwok": versions.kwok,
            "etcd": versions.etcd,
            "containerd": versions.containerd,
            "cniPlugins": versions.cni,
            "registry": versions.registry,
            "debian": DEBIAN,
            "architecture": architecture(),
            "pauseImage": PAUSE,
            "inputs": self.inputs,
        });
        if self.extras {
            release["crictl"] = json!(versions.crictl);
        }
        format!("{release:#}\n")
    }
}

fn rename(out: &Path, from: &str, to: &str) -> Result<()> {
    fs::rename(out.join(from), out.join(to)).with_context(|| format!("`{from}` was not built"))
}

/// Turns the pause program into the archive that the registry serves from the start.
fn pause_archive(out: &Path) -> Result<()> {
    let layer = out.join("layer.tar");
    write_layer(&layer, &[Entry::File("pause".into(), out.join("pause"), 0o755)])?;
    let config = json!({"Entrypoint": ["/pause"], "User": "65535:65535"});
    write_archive(
        &out.join("pause.tar"),
        &[Image { tags: vec![PAUSE.to_owned()], layers: vec![layer.clone()], config }],
    )?;
    fs::remove_file(&layer).context("could not remove the layer of the pause image")
}

impl Steps<'_> {
    /// Everything the node image is made of, longest first so that the rest fits beside it.
    pub(crate) fn node(&mut self, node: Node) -> Result<()> {
        let versions = &node.versions;
        let kubernetes = self.root.join("node/modules/kubernetes");
        let modfile = format!("-modfile=versions/{}.mod", node.minor);
        let modfile_path = format!("node/modules/kubernetes/versions/{}.mod", node.minor);
        let sums_path = format!("node/modules/kubernetes/versions/{}.sum", node.minor);
        let sources = ["node/modules/kubernetes/main.go", &modfile_path, &sums_path];
        // The same for every minor: kwok needs the libraries of Kubernetes 1.36 or newer, and neither it nor CoreDNS
        // asks an API server for anything that an older one lacks.
        let addons_modfile = format!("-modfile=versions/{DEFAULT_MINOR}.mod");
        let addons_requirements =
            ["mod", "sum"].map(|kind| format!("node/modules/kubernetes/versions/{DEFAULT_MINOR}.{kind}"));
        let addons_sources = ["node/modules/kubernetes/addons", &addons_requirements[0], &addons_requirements[1]];
        let (major, minor) = node.minor.split_once('.').context("a Kubernetes minor is written as `1.37`")?;

        self.add(Part {
            name: "modules",
            label: format!("modules-{}", node.minor),
            lane: Lane::Network,
            seconds: 25.0,
            after: &[],
            inputs: &sources,
            commands: Box::new(|_| {
                let list =
                    |modfile: &str, package: &str| go::command(&kubernetes, &["list", modfile, "-deps", package]);
                vec![list(&modfile, "."), list(&addons_modfile, "./addons")]
            }),
            finish: None,
        })?;
        let kubernetes_result = self.add(Part {
            name: "kubernetes",
            label: format!("kubernetes-{}", node.minor),
            lane: Lane::Processor,
            seconds: 317.0,
            after: &["modules"],
            inputs: &sources,
            commands: Box::new(|out| {
                let values = [
                    ("k8s.io/component-base/version.gitVersion", versions.kubernetes.as_str()),
                    ("k8s.io/component-base/version.gitMajor", major),
                    ("k8s.io/component-base/version.gitMinor", minor),
                    ("k8s.io/component-base/version.gitTreeState", "clean"),
                ];
                vec![go::build(&kubernetes, &[&modfile], &values, &out.join("kubernetes"), &["."])]
            }),
            finish: None,
        })?;
        let mirror = node.mirror.as_deref();
        let root = self.root;
        let rootfs = self.add(Part {
            name: "rootfs",
            label: "rootfs".to_owned(),
            lane: Lane::Network,
            seconds: 43.0,
            after: &[],
            inputs: &[],
            commands: Box::new(move |out| vec![rootfs::command(root, mirror, &out.join("rootfs.tar"))]),
            finish: None,
        })?;
        let containerd = self.go(
            "containerd",
            40.0,
            vec![("github.com/containerd/containerd/v2/version.Version", &versions.containerd)],
            &[
                "github.com/containerd/containerd/v2/cmd/containerd",
                "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
            ],
            None,
        )?;
        let etcd = self.go(
            "etcd",
            16.0,
            vec![],
            &["go.etcd.io/etcd/server/v3"],
            Some(Box::new(|out| rename(out, "server", "etcd"))),
        )?;
        let cni = self.go(
            "cni",
            4.0,
            vec![("github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion", &versions.cni)],
            &[
                "github.com/containernetworking/plugins/plugins/ipam/host-local",
                "github.com/containernetworking/plugins/plugins/main/loopback",
                "github.com/containernetworking/plugins/plugins/main/ptp",
                "github.com/containernetworking/plugins/plugins/meta/portmap",
            ],
            None,
        )?;
        let registry = self.go("registry", 3.0, vec![], &["."], None)?;
        let pause = self.go("pause", 1.0, vec![], &["."], Some(Box::new(pause_archive)))?;
        let init = self.rust(
            Rust {
                name: "init",
                package: "rollcall-init",
                binary: "rollcall-init",
                inputs: &["node/init"],
                seconds: 15.0,
                after: &[],
            },
            &node.target,
        )?;
        let addons = self.add(Part {
            name: "addons",
            label: "addons".to_owned(),
            lane: Lane::Processor,
            seconds: 15.0,
            // They share most packages with the newest Kubernetes, and beside it both would compile them.
            after: &["kubernetes"],
            inputs: &addons_sources,
            commands: Box::new(|out| {
                let values = [("sigs.k8s.io/kwok/pkg/consts.Version", versions.kwok.trim_start_matches('v'))];
                vec![go::build(&kubernetes, &[&addons_modfile], &values, &out.join("addons"), &["./addons"])]
            }),
            finish: None,
        })?;
        let mut after =
            vec!["kubernetes", "addons", "rootfs", "containerd", "etcd", "cni", "registry", "pause", "init"];
        let extras = if node.extras {
            after.push("extras");
            Some(self.extras(versions)?)
        } else {
            None
        };

        let (labels, release, tag) = (node.labels(), node.release(), node.tag());
        let archive: Action = Box::new(move |out| {
            let programs_below = |from: &Path| programs(from, "usr/local/bin");
            let mut binaries =
                vec![Entry::File("usr/local/bin/kubernetes".into(), kubernetes_result.join("kubernetes"), 0o755)];
            binaries.extend(
                KUBERNETES.iter().map(|name| Entry::Link(format!("usr/local/bin/{name}"), "kubernetes".into())),
            );
            binaries.push(Entry::File("usr/local/bin/addons".into(), addons.join("addons"), 0o755));
            binaries.extend(ADDONS.iter().map(|name| Entry::Link(format!("usr/local/bin/{name}"), "addons".into())));
            let mut around = Vec::new();
            for result in [&containerd, &etcd, &registry] {
                around.extend(programs_below(result)?);
            }
            around.extend(["opt/cni", "opt/cni/bin"].map(|name| Entry::Folder(name.into())));
            around.extend(programs(&cni, "opt/cni/bin")?);
            around.push(Entry::Folder("usr/local/share/rollcall".into()));
            around.push(Entry::File("usr/local/share/rollcall/pause.tar".into(), pause.join("pause.tar"), 0o644));
            let mut own = vec![
                Entry::File("usr/local/bin/rollcall-init".into(), init.join("program"), 0o755),
                Entry::Text("etc/rollcall-release".into(), release.clone()),
            ];
            own.extend(FOLDERS.iter().map(|&name| Entry::Folder(name.into())));

            // From what changes least to what changes most: a new init loads one small layer.
            let mut layers = vec![rootfs.join("rootfs.tar")];
            let mut groups = vec![("around", around), ("kubernetes", binaries)];
            if let Some(extras) = &extras {
                groups.push(("extras", programs_below(extras)?));
            }
            groups.push(("own", own));
            for (name, entries) in groups {
                let path = out.join(format!("{name}.tar"));
                write_layer(&path, &entries)?;
                layers.push(path);
            }
            let config = json!({
                "Entrypoint": ["/usr/local/bin/rollcall-init"],
                "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                "Labels": labels,
                "StopSignal": "SIGTERM",
                "WorkingDir": "/",
            });
            write_archive(&out.join("archive.tar"), &[Image { tags: vec![tag.clone()], layers, config }])
        });
        let finish = drop_replaced(self.root, &[node.tag()]);
        self.add_load("image", 8.0, &after, archive, finish);
        Ok(())
    }

    /// Programs to look into a node by hand: crictl and ctr.
    fn extras(&mut self, versions: &Versions) -> Result<PathBuf> {
        let tools = self.root.join("node/modules/tools");
        let containerd = self.root.join("node/modules/containerd");
        let values = [("sigs.k8s.io/cri-tools/pkg/version.Version", versions.crictl.as_str())];
        self.add(Part {
            name: "extras",
            label: "extras".to_owned(),
            lane: Lane::Processor,
            seconds: 40.0,
            after: &["kubernetes", "containerd"],
            inputs: &["node/modules/tools", "node/modules/containerd"],
            commands: Box::new(move |out| {
                let bin = out.join("");
                vec![
                    go::build(&tools, &[], &values, &bin, &["sigs.k8s.io/cri-tools/cmd/crictl"]),
                    go::build(&containerd, &[], &[], &bin, &["github.com/containerd/containerd/v2/cmd/ctr"]),
                ]
            }),
            finish: None,
        })
    }
}
