package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"rollcall.dev/tests/doubles/k3s/contract"
)

// startRuntime starts containerd and gives it the images that lie on the node.
func startRuntime(ctx context.Context, settings contract.Settings, registries contract.Registries) error {
	if err := writeHosts(hostsFolder, registries, settings.Is("disable-default-registry-endpoint")); err != nil {
		return err
	}
	pause := settings.Text("pause-image", pauseImage)
	configuration := fmt.Sprintf(containerdConfiguration, runtimeFolder, runtimeSocket,
		settings.Text("snapshotter", "overlayfs"), pause, hostsFolder, !mayLowerScores(), cniFolder)
	path := agentFolder + "/etc/containerd/config.toml"
	if err := writeFile(path, []byte(configuration), 0o644); err != nil {
		return err
	}
	crictl := fmt.Sprintf("runtime-endpoint: unix://%s\nimage-endpoint: unix://%s\n", runtimeSocket, runtimeSocket)
	if err := writeFile(crictlFile, []byte(crictl), 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(cniFolder, 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(runtimeLog), 0o755); err != nil {
		return err
	}
	keep(ctx, program{name: "containerd", arguments: []string{"--config", path, "--log-level", "warn"}, log: runtimeLog})
	if err := until(ctx, "containerd", startLimit, listens("unix", runtimeSocket)); err != nil {
		return err
	}
	return importImages(pause, outsideIsAsked(settings, registries))
}

// outsideIsAsked says whether k3s would look for its pause image at docker.io, which mirrors can forbid.
func outsideIsAsked(settings contract.Settings, registries contract.Registries) bool {
	if !settings.Is("disable-default-registry-endpoint") {
		return true
	}
	_, all := registries.Mirrors["*"]
	_, one := registries.Mirrors["docker.io"]
	return !all && !one
}

// importImages brings the sandbox image where k3s would fetch it from outside, and what an administrator put beside it
// ("Air-Gap Install").
func importImages(pause string, outside bool) error {
	there, err := exec.Command("ctr", "images", "ls", "-q").Output()
	if err != nil {
		return fmt.Errorf("could not list the images: %w", err)
	}
	if outside && pause == pauseImage && !strings.Contains(string(there), pauseImage) {
		if err := ctr("import", pauseArchive); err != nil {
			return err
		}
		if err := ctr("tag", "--force", pauseInArchive, pauseImage); err != nil {
			return err
		}
	}
	archives, err := filepath.Glob(imagesFolder + "/*.tar")
	if err != nil {
		return err
	}
	for _, archive := range archives {
		if err := ctr("import", archive); err != nil {
			return err
		}
	}
	return nil
}

func ctr(arguments ...string) error {
	return run("ctr", append([]string{"images"}, arguments...)...)
}

// writeHosts says in containerd's words what registries.yaml says.
func writeHosts(folder string, registries contract.Registries, onlyMirrors bool) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	for name, mirror := range registries.Mirrors {
		directory, server := name, ""
		if name == "*" {
			directory = "_default"
		}
		if onlyMirrors && len(mirror.Endpoint) > 0 {
			// The first mirror stands for the registry itself, so nobody else is asked.
			server = fmt.Sprintf("server = %q\n", endpoint(mirror.Endpoint[0]))
		}
		text := server
		for _, address := range mirror.Endpoint {
			text += hostTable(endpoint(address), registries)
			if len(mirror.Rewrite) > 0 {
				Log("k3s", "mirror `%s`: rewrites are accepted, and the double does not act on them", name)
			}
		}
		if err := writeFile(filepath.Join(folder, directory, "hosts.toml"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// endpoint is an address with its scheme; https is what it has when it names none.
func endpoint(address string) string {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	return strings.TrimSuffix(strings.TrimSuffix(address, "/"), "/v2")
}

func hostTable(address string, registries contract.Registries) string {
	text := fmt.Sprintf("[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", address)
	_, host, _ := strings.Cut(address, "://")
	config, ok := registries.Configs[host]
	if !ok {
		config = registries.Configs["*"]
	}
	if config.TLS == nil {
		return text
	}
	if config.TLS.CAFile != "" {
		text += fmt.Sprintf("  ca = [%q]\n", config.TLS.CAFile)
	}
	if config.TLS.CertFile != "" {
		text += fmt.Sprintf("  client = [[%q, %q]]\n", config.TLS.CertFile, config.TLS.KeyFile)
	}
	if config.TLS.InsecureSkipVerify {
		text += "  skip_verify = true\n"
	}
	return text
}

// containerdConfiguration is of version 3. The plug-ins that are switched off cost start time and nobody uses them.
const containerdConfiguration = `version = 3
root = %q
state = "/run/k3s/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.differ.v1.erofs",
  "io.containerd.nri.v1.nri",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]

[grpc]
  address = %q

[plugins."io.containerd.cri.v1.images"]
  snapshotter = %q
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = %q
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = %q

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = %t
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/opt/cni/bin"]
    conf_dir = %q
`
