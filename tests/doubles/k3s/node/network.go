package node

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// interfaceOf finds the interface with an address; the first address of the machine when none is named.
func interfaceOf(address string) (name, found string, _ error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return "", "", err
	}
	for _, one := range interfaces {
		addresses, err := one.Addrs()
		if err != nil || one.Flags&net.FlagLoopback != 0 {
			continue
		}
		for _, candidate := range addresses {
			network, ok := candidate.(*net.IPNet)
			if !ok || network.IP.To4() == nil {
				continue
			}
			if address == "" || network.IP.String() == address {
				return one.Name, network.IP.String(), nil
			}
		}
	}
	return "", "", fmt.Errorf("no interface of this container has the address `%s` of flag `node-ip`", address)
}

// joinNetworks lets pods of different nodes reach each other without a route for each node: all are on one link, every
// node answers for its own pods, and asks there for those of others.
func joinNetworks(device, clusterRange string) error {
	for _, setting := range [][2]string{
		{"net/ipv4/conf/" + device + "/proxy_arp", "1"},
		// A proxied answer waits up to 0.8 s otherwise.
		{"net/ipv4/neigh/" + device + "/proxy_delay", "0"},
	} {
		if err := SetKernel(setting[0], setting[1]); err != nil {
			return err
		}
	}
	return run("ip", "route", "replace", clusterRange, "dev", device)
}

// writePodNetwork tells containerd how pods get their addresses.
func writePodNetwork(podRange string) error {
	document, err := json.MarshalIndent(map[string]any{
		"cniVersion": "1.0.0",
		"name":       "cbr0",
		"plugins": []any{
			map[string]any{
				"type": "ptp",
				"ipam": map[string]any{
					"type": "host-local",
					// Memory: after a restart no pod holds an address any more.
					"dataDir": "/run/k3s/cni",
					"ranges":  []any{[]any{map[string]any{"subnet": podRange}}},
					"routes":  []any{map[string]any{"dst": "0.0.0.0/0"}},
				},
			},
			map[string]any{"type": "portmap", "capabilities": map[string]any{"portMappings": true}},
		},
	}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(cniFolder, "10-flannel.conflist")
	// The kubelet reads it as soon as it is there, so it must be there all at once.
	if err := writeFile(path+".new", document, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
