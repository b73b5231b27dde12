package node

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"rollcall.dev/tests/doubles/k3s/contract"
)

// givenToken is the token of the settings, from a flag or a file.
func givenToken(settings contract.Settings, name string) (string, error) {
	if path := settings.Text(name+"-file", ""); path != "" {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("could not read the file of flag `%s-file`: %w", name, err)
		}
		return strings.TrimSpace(string(content)), nil
	}
	return settings.Text(name, ""), nil
}

// credentials is the part of a token that is secret.
func credentials(token string) string {
	if strings.HasPrefix(token, "K10") {
		if _, rest, found := strings.Cut(token, "::"); found {
			token = rest
		}
	}
	if user, password, found := strings.Cut(token, ":"); found && (user == "server" || user == "node") {
		return password
	}
	return token
}

// believes says whether a secure token names this authority; a short one believes everybody.
func believes(token string, ca []byte) bool {
	if !strings.HasPrefix(token, "K10") || !strings.Contains(token, "::") {
		return true
	}
	hashed, _, _ := strings.Cut(strings.TrimPrefix(token, "K10"), "::")
	whole := sha256.Sum256(ca)
	if hashed == hex.EncodeToString(whole[:]) {
		return true
	}
	block, _ := pem.Decode(ca)
	if block == nil {
		return false
	}
	one := sha256.Sum256(block.Bytes)
	return hashed == hex.EncodeToString(one[:])
}

// secure is the token in the form that names the authority.
func secure(token, user string, ca []byte) string {
	sum := sha256.Sum256(ca)
	return fmt.Sprintf("K10%s::%s:%s", hex.EncodeToString(sum[:]), user, credentials(token))
}
