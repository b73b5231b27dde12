package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"rollcall.dev/tests/doubles/k3s/contract"
)

// self is what a node knows of itself before it joins.
type self struct {
	name, address, device, password string
}

func lookAtSelf(settings contract.Settings) (self, error) {
	hostname, err := os.Hostname()
	if err != nil {
		return self{}, err
	}
	own := self{name: settings.Text("node-name", strings.ToLower(hostname))}
	wanted := ""
	if addresses := settings.List("node-ip"); len(addresses) > 0 {
		wanted = addresses[0]
	}
	if own.device, own.address, err = interfaceOf(wanted); err != nil {
		return own, err
	}
	own.password, err = ownPassword(passwordFile)
	return own, err
}

// RunAgent joins a server and runs a node until the context ends.
func RunAgent(ctx context.Context, settings contract.Settings, registries contract.Registries) error {
	own, err := lookAtSelf(settings)
	if err != nil {
		return err
	}
	token, err := givenToken(settings, "token")
	if err != nil {
		return err
	}
	server := settings.Text("server", "")
	member, err := joinServer(ctx, server, token, request{Name: own.name, Address: own.address, Password: own.password})
	if err != nil {
		return err
	}
	return runNode(ctx, settings, registries, own, member, server)
}

// runNode runs what every node runs, once it has been let in.
func runNode(ctx context.Context, settings contract.Settings, registries contract.Registries, own self, member membership, server string) error {
	if err := writeMembership(member, server); err != nil {
		return err
	}
	if member.Flannel != "none" {
		if err := joinNetworks(own.device, member.ClusterRange); err != nil {
			return err
		}
	}
	if err := startRuntime(ctx, settings, registries); err != nil {
		return err
	}
	arguments, err := kubeletArguments(settings, own, member)
	if err != nil {
		return err
	}
	keep(ctx, program{name: "kubelet", arguments: arguments})
	if !member.WithoutProxy {
		keep(ctx, program{name: "kube-proxy", arguments: flags(map[string]string{
			"kubeconfig":                        agentFolder + "/kubeproxy.kubeconfig",
			"cluster-cidr":                      member.ClusterRange,
			"proxy-mode":                        "iptables",
			"hostname-override":                 own.name,
			"healthz-bind-address":              "127.0.0.1",
			"conntrack-max-per-core":            "0",
			"conntrack-tcp-timeout-established": "0s",
			"conntrack-tcp-timeout-close-wait":  "0s",
		}, settings.List("kube-proxy-arg"))})
	}
	client, err := newAPI(server, member.ServerCA, member.Kubelet)
	if err != nil {
		return err
	}
	if err := waitForRange(ctx, client, own, member); err != nil {
		return err
	}
	return annotate(client, own)
}

// waitForRange waits for the node's part of the cluster's addresses, which the controller manager gives it.
func waitForRange(ctx context.Context, client api, own self, member membership) error {
	return until(ctx, "node "+own.name+" to be registered and to have a pod range", 0, func() error {
		found, err := client.node(own.name)
		if err != nil {
			return err
		}
		if member.Flannel == "none" {
			return nil
		}
		if found.Spec.PodCIDR == "" {
			return fmt.Errorf("node %s has no podCIDR yet", own.name)
		}
		return writePodNetwork(found.Spec.PodCIDR)
	})
}

func annotate(client api, own self) error {
	arguments, err := json.Marshal(os.Args[1:])
	if err != nil {
		return err
	}
	err = client.do(http.MethodPatch, "/api/v1/nodes/"+own.name, map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{
			"k3s.io/hostname":    own.name,
			"k3s.io/internal-ip": own.address,
			"k3s.io/node-args":   string(arguments),
		},
	}}, nil)
	if err != nil {
		return fmt.Errorf("could not annotate node %s: %w", own.name, err)
	}
	return nil
}

func writeMembership(member membership, server string) error {
	for name, content := range map[string][]byte{"server-ca.crt": member.ServerCA, "client-ca.crt": member.ClientCA} {
		if err := writeFile(filepath.Join(agentFolder, name), content, 0o644); err != nil {
			return err
		}
	}
	if err := writePair(agentFolder+"/serving-kubelet", member.Serving); err != nil {
		return err
	}
	if err := kubeconfig(agentFolder+"/kubelet.kubeconfig", server, member.ServerCA, member.Kubelet, 0o600); err != nil {
		return err
	}
	return kubeconfig(agentFolder+"/kubeproxy.kubeconfig", server, member.ServerCA, member.Proxy, 0o600)
}

func kubeletArguments(settings contract.Settings, own self, member membership) ([]string, error) {
	resolver := settings.Text("resolv-conf", "")
	if resolver == "" {
		resolver = agentFolder + "/etc/resolv.conf"
		if err := writeFile(resolver, []byte("# The double asks nobody outside.\n"), 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(agentFolder+"/pod-manifests", 0o755); err != nil {
		return nil, err
	}
	defaults, err := json.MarshalIndent(map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1",
		"kind":       "KubeletConfiguration",
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false},
			"webhook":   map[string]any{"enabled": true},
			"x509":      map[string]any{"clientCAFile": agentFolder + "/client-ca.crt"},
		},
		"authorization":            map[string]any{"mode": "Webhook"},
		"cgroupDriver":             "cgroupfs",
		"clusterDNS":               strings.Split(member.DNS, ","),
		"clusterDomain":            member.Domain,
		"containerRuntimeEndpoint": "unix://" + runtimeSocket,
		"evictionHard":             map[string]string{"imagefs.available": "5%", "nodefs.available": "5%"},
		"evictionMinimumReclaim":   map[string]string{"imagefs.available": "10%", "nodefs.available": "10%"},
		"failSwapOn":               false,
		"healthzBindAddress":       "127.0.0.1",
		"readOnlyPort":             0,
		"resolvConf":               resolver,
		"serializeImagePulls":      false,
		"staticPodPath":            agentFolder + "/pod-manifests",
		"tlsCertFile":              agentFolder + "/serving-kubelet.crt",
		"tlsPrivateKeyFile":        agentFolder + "/serving-kubelet.key",
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(contract.KubeletFolder, contract.KubeletDefaults), defaults, 0o600); err != nil {
		return nil, err
	}
	labels := settings.List("node-label")
	lines := map[string]string{
		"config-dir":        contract.KubeletFolder,
		"kubeconfig":        agentFolder + "/kubelet.kubeconfig",
		"hostname-override": own.name,
		"node-ip":           own.address,
	}
	if !member.WithoutCloud {
		// What the cloud controller of k3s would say of the node.
		labels = append(labels, "node.kubernetes.io/instance-type=k3s")
		lines["provider-id"] = "k3s://" + own.name
	}
	if len(labels) > 0 {
		lines["node-labels"] = strings.Join(labels, ",")
	}
	if taints := settings.List("node-taint"); len(taints) > 0 {
		lines["register-with-taints"] = strings.Join(taints, ",")
	}
	return flags(lines, settings.List("kubelet-arg")), nil
}
