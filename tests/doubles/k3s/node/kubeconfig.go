package node

import (
	"encoding/json"
	"os"
)

// kubeconfig writes one with everything in it; JSON is YAML too.
func kubeconfig(path, server string, ca []byte, user keyed, mode os.FileMode) error {
	document := map[string]any{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": "default",
		"clusters": []any{map[string]any{"name": "default", "cluster": map[string]any{
			"server": server, "certificate-authority-data": ca}}},
		"users": []any{map[string]any{"name": "default", "user": map[string]any{
			"client-certificate-data": user.Certificate, "client-key-data": user.Key}}},
		"contexts": []any{map[string]any{"name": "default", "context": map[string]any{
			"cluster": "default", "user": "default"}}},
	}
	content, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, content, mode)
}
