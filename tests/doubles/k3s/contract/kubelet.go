package contract

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// KubeletFolder has the drop-ins of the kubelet's configuration.
const KubeletFolder = "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d"

// KubeletDefaults is the drop-in that k3s writes itself.
const KubeletDefaults = "00-k3s-defaults.conf"

// CheckKubelet looks at the head of every drop-in; the kubelet looks at the fields.
func CheckKubelet(folder string) error {
	var refusals Refusals
	entries, err := os.ReadDir(folder)
	if err != nil && !os.IsNotExist(err) {
		refusals.add("`"+folder+"`", PageKubelet, "make it a folder", "it cannot be read: %v", err)
	}
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		object := "`" + path + "`"
		if !strings.HasSuffix(entry.Name(), ".conf") {
			refusals.add(object, PageDropIns, "let its name end in .conf", "the kubelet reads only files that end in .conf")
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			refusals.add(object, PageKubelet, "make it a file", "it cannot be read: %v", err)
			continue
		}
		var head struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string `yaml:"kind"`
		}
		if err := yaml.Unmarshal(content, &head); err != nil {
			refusals.add(object, PageKubelet, "write YAML or JSON", "it is neither: %v", err)
			continue
		}
		if head.APIVersion != "kubelet.config.k8s.io/v1beta1" || head.Kind != "KubeletConfiguration" {
			refusals.add(object, PageDropIns, "begin it with apiVersion kubelet.config.k8s.io/v1beta1 and kind KubeletConfiguration",
				"it is a `%s` of `%s`", head.Kind, head.APIVersion)
		}
	}
	return refusals.orNil()
}
