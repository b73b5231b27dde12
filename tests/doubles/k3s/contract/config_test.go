package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The least that an agent needs.
const agentFile = "server: https://10.0.0.10:6443\ntoken: secret\n"

func read(t *testing.T, role Role, content string, environment, arguments []string) (Settings, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(Sources{Role: role, ConfigFile: path, Environment: environment, Arguments: arguments})
}

func TestWhatRollcallWritesIsTaken(t *testing.T) {
	server := `{
	  "token": "5f", "node-name": "control-plane", "node-ip": "10.200.0.10", "node-label": [], "node-taint": [],
	  "cluster-cidr": "10.244.0.0/16", "service-cidr": "10.96.0.0/16", "cluster-dns": "10.96.0.10",
	  "flannel-backend": "host-gw", "disable": ["traefik", "servicelb", "metrics-server", "local-storage"],
	  "disable-helm-controller": true, "disable-network-policy": true, "disable-cloud-controller": true,
	  "kube-controller-manager-arg": ["node-monitor-period=1s", "node-monitor-grace-period=6s"],
	  "tls-san": ["127.0.0.1"], "write-kubeconfig-mode": "0600"}`
	settings, err := read(t, Server, server, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := settings.Text("cluster-cidr", ""); got != "10.244.0.0/16" {
		t.Errorf("cluster-cidr is %q", got)
	}
	if !settings.Disabled("traefik") || settings.Disabled("coredns") || !settings.Is("disable-cloud-controller") {
		t.Error("what is switched off is not what was said")
	}
	agent := `{"token": "5f", "node-name": "worker-1", "node-ip": "10.200.0.11", "node-label": ["node-type=worker"],
	  "node-taint": ["dedicated=gpu:NoSchedule", "cold:NoExecute"], "server": "https://10.200.0.10:6443"}`
	if _, err := read(t, Agent, agent, nil, nil); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	cases := []struct {
		name        string
		role        Role
		content     string
		environment []string
		arguments   []string
		says, page  string
	}{
		{name: "unknown key", role: Server, content: "node-nam: x", says: "has no such flag", page: PageServer},
		{name: "key of the other", role: Agent, content: agentFile + "cluster-cidr: 10.0.0.0/8", says: "flag of `k3s server` and not of `k3s agent`", page: PageServer},
		{name: "deprecated key", role: Server, content: "no-deploy: [traefik]", says: "use `disable`", page: PageServer},
		{name: "no map", role: Server, content: "- token", says: "it is no map", page: PageConfig},
		{name: "no YAML", role: Server, content: "{", says: "it is no YAML", page: PageConfig},
		{name: "twice", role: Server, content: "token: a\ntoken: b", says: "twice", page: PageConfig},
		{name: "a file names a file", role: Server, content: "config: /x", says: "cannot name itself", page: PageConfig},
		{name: "string for switch", role: Server, content: "disable-helm-controller: \"yes\"", says: "true or false", page: PageServer},
		{name: "list for string", role: Server, content: "token: [a]", says: "it is a list", page: PageServer},
		{name: "string for list", role: Server, content: "disable: traefik", says: "a list of strings", page: PageServer},
		{name: "map in list", role: Server, content: "node-label: [{a: b}]", says: "a map stands in the list", page: PageServer},
		{name: "empty value", role: Server, content: "token:", says: "it is empty", page: PageServer},
		{name: "text for number", role: Server, content: "https-listen-port: many", says: "a number", page: PageServer},
		{name: "mode without quotes", role: Server, content: "write-kubeconfig-mode: 0600", says: "without quotes", page: PageConfig},
		{name: "mode", role: Server, content: "write-kubeconfig-mode: \"999\"", says: "no file mode", page: PageServer},
		{name: "component", role: Server, content: "disable: [traefic]", says: "is none of coredns", page: PageServer},
		{name: "backend", role: Server, content: "flannel-backend: hostgw", says: "is none of none", page: PageServer},
		{name: "egress", role: Server, content: "egress-selector-mode: off", says: "is none of agent", page: PageServer},
		{name: "range", role: Server, content: "cluster-cidr: 10.244.0.0", says: "no range", page: PageServer},
		{name: "range with host", role: Server, content: "cluster-cidr: 10.244.0.1/16", says: "no range", page: PageServer},
		{name: "dns outside", role: Server, content: "cluster-dns: 10.96.0.10", says: "not in service-cidr", page: PageServer},
		{name: "name", role: Server, content: "tls-san: [\"a b\"]", says: "neither a host name", page: PageServer},
		{name: "dashes", role: Server, content: "kubelet-arg: [\"--v=2\"]", says: "without dashes", page: PageServer},
		{name: "second server", role: Server, content: agentFile, says: "one server", page: PageServer},
		{name: "label form", role: Server, content: "node-label: [a]", says: "key=value", page: PageServer},
		{name: "label of a role", role: Server, content: "node-label: [node-role.kubernetes.io/worker=true]", says: "kubelet may not", page: PageLabels},
		{name: "taint form", role: Server, content: "node-taint: [a=b]", says: "key=value:Effect", page: PageServer},
		{name: "taint effect", role: Server, content: "node-taint: [\"a=b:Never\"]", says: "the effect `Never`", page: PageServer},
		{name: "node name", role: Server, content: "node-name: Node_1", says: "no name of a node", page: PageServer},
		{name: "no server", role: Agent, content: "token: a", says: "which server", page: PageAgent},
		{name: "no token", role: Agent, content: "server: https://a:6443", says: "no token", page: PageAgent},
		{name: "http", role: Agent, content: "server: http://a:6443\ntoken: a", says: "https://", page: PageAgent},
		{name: "token hash", role: Agent, content: "server: https://a:6443\ntoken: K10abc::server:x", says: "64 hexadecimal", page: PageAgent},
		{name: "variable", role: Server, environment: []string{"K3S_TOKN=a"}, says: "reads no such variable", page: PageServer},
		{name: "variable of a server", role: Agent, content: agentFile, environment: []string{"K3S_KUBECONFIG_MODE=644"}, says: "reads no such variable", page: PageAgent},
		{name: "install script", role: Server, environment: []string{"INSTALL_K3S_EXEC=server"}, says: "install script", page: PageVariables},
		{name: "argument", role: Server, arguments: []string{"--nodename", "a"}, says: "has no such flag", page: PageServer},
		{name: "bare word", role: Server, arguments: []string{"agent"}, says: "no bare words", page: PageServer},
		{name: "argument without value", role: Server, arguments: []string{"--token"}, says: "no value", page: PageServer},
		{name: "secure token first", role: Server, content: "token: K10" + strings.Repeat("a", 64) + "::server:x", says: "secure form", page: PageToken},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(t, c.role, c.content, c.environment, c.arguments)
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, part := range []string{c.says, "(hint: ", "(page: " + c.page + ")"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
		})
	}
}

func TestAllRefusalsAreShownAtOnce(t *testing.T) {
	_, err := read(t, Server, "one: 1\ntwo: 2", nil, nil)
	if err == nil || strings.Count(err.Error(), "error: ") != 2 {
		t.Errorf("not two: %v", err)
	}
}

func TestArgumentsWinOverFilesAndFilesOverVariables(t *testing.T) {
	settings, err := read(t, Server, "token: file\nnode-label: [a=1]", []string{"K3S_TOKEN=variable", "K3S_NODE_NAME=one"},
		[]string{"--node-label=b=2", "--node-label", "c=3"})
	if err != nil {
		t.Fatal(err)
	}
	if settings.Text("token", "") != "file" || settings.Text("node-name", "") != "one" {
		t.Error("the file does not win over variables, or they are not read")
	}
	if labels := settings.List("node-label"); len(labels) != 2 || labels[0] != "b=2" {
		t.Errorf("labels are %v", labels)
	}
}

func TestDropInsReplaceAndAppend(t *testing.T) {
	folder := t.TempDir()
	write := func(name, content string) {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("config.yaml", "token: boop\nnode-label: [foo=bar]\nnode-taint: [\"alice=bob:NoExecute\"]")
	write("config.yaml.d/1.yaml", "node-label: [other=what]\nnode-taint+: [\"charlie=delta:NoSchedule\"]")
	settings, err := Read(Sources{Role: Server, ConfigFile: filepath.Join(folder, "config.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(settings.List("node-label"), " "); got != "other=what" {
		t.Errorf("labels: %s", got)
	}
	if got := strings.Join(settings.List("node-taint"), " "); got != "alice=bob:NoExecute charlie=delta:NoSchedule" {
		t.Errorf("taints: %s", got)
	}
}

func TestWhatDoesNothingIsSaid(t *testing.T) {
	settings, err := read(t, Server, "rootless: true\ntoken: a", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := settings.Ignored(); len(got) != 1 || got[0] != "rootless" {
		t.Errorf("ignored: %v", got)
	}
}
