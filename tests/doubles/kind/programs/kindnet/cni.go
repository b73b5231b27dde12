package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// The folder that the DaemonSet mounts, and the file by kind's own name.
const (
	folder = "/etc/cni/net.d"
	file   = "10-kindnet.conflist"
)

// writeConfiguration is what makes a node Ready: its runtime waits for this file.
func writeConfiguration(pods string) error {
	type object = map[string]any
	content, err := json.MarshalIndent(object{
		"cniVersion": "0.4.0",
		"name":       "kindnet",
		"plugins": []object{
			{
				"type":   "ptp",
				"ipMasq": false,
				"ipam": object{
					"type":    "host-local",
					"dataDir": "/run/cni-ipam-state",
					"routes":  []object{{"dst": "0.0.0.0/0"}},
					"ranges":  [][]object{{{"subnet": pods}}},
				},
			},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	}, "", "  ")
	if err != nil {
		return err
	}
	// A runtime that reads half a file complains; one that reads an old one serves.
	half := filepath.Join(folder, "."+file)
	if err := os.WriteFile(half, content, 0o644); err != nil {
		return fmt.Errorf("could not write the CNI configuration: %w", err)
	}
	if err := os.Rename(half, filepath.Join(folder, file)); err != nil {
		return fmt.Errorf("could not put the CNI configuration in its place: %w", err)
	}
	return nil
}
