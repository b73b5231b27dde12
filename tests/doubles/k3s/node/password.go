package node

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// ownPassword is what this node proves its name with: random, made once, and kept as long as the container.
func ownPassword(path string) (string, error) {
	if content, err := os.ReadFile(path); err == nil {
		return strings.TrimSpace(string(content)), nil
	}
	password := randomHex(16)
	return password, writeFile(path, []byte(password+"\n"), 0o600)
}

func randomHex(bytes int) string {
	random := make([]byte, bytes)
	// It never fails.
	_, _ = rand.Read(random)
	return hex.EncodeToString(random)
}

// hash is what the server keeps of a password.
func hash(password, salt string) string {
	sum := sha256.Sum256([]byte(salt + ":" + password))
	return "$1:" + salt + ":" + hex.EncodeToString(sum[:])
}

func matches(password, kept string) bool {
	parts := strings.Split(kept, ":")
	return len(parts) == 3 && subtle.ConstantTimeCompare([]byte(hash(password, parts[1])), []byte(kept)) == 1
}

// secretName is the documented name.
func secretName(node string) string { return node + ".node-password.k3s" }

// passwordRejected says that another machine has had this name.
type passwordRejected struct{ node string }

func (e passwordRejected) Error() string {
	return fmt.Sprintf("node password rejected: a node named `%s` was here before with another password; delete the Node and Secret kube-system/%s, or bring back %s",
		e.node, secretName(e.node), passwordFile)
}

// checkPassword compares the password with the Secret, and makes the Secret for a new name.
func checkPassword(client api, node, password string) error {
	const secrets = "/api/v1/namespaces/kube-system/secrets"
	var secret struct {
		Data map[string][]byte `json:"data"`
	}
	err := client.do(http.MethodGet, secrets+"/"+secretName(node), nil, &secret)
	if status, ok := err.(statusError); ok && status.code == http.StatusNotFound {
		return client.do(http.MethodPost, secrets, map[string]any{
			"apiVersion": "v1",
			"kind":       "Secret",
			"metadata":   map[string]any{"name": secretName(node), "namespace": "kube-system"},
			"immutable":  true,
			"data":       map[string]any{"hash": []byte(hash(password, randomHex(8)))},
		}, nil)
	}
	if err != nil {
		return err
	}
	if !matches(password, string(secret.Data["hash"])) {
		return passwordRejected{node: node}
	}
	return nil
}
