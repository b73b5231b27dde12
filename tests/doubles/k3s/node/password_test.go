package node

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// secretsOnly is an API server that knows Secrets and nothing else.
func secretsOnly(t *testing.T) (api, map[string]json.RawMessage) {
	t.Helper()
	kept := map[string]json.RawMessage{}
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, asked *http.Request) {
		const folder = "/api/v1/namespaces/kube-system/secrets"
		if asked.Method == http.MethodPost && asked.URL.Path == folder {
			content, _ := io.ReadAll(asked.Body)
			var object struct {
				Metadata struct{ Name string }
			}
			_ = json.Unmarshal(content, &object)
			kept[object.Metadata.Name] = content
			answer.WriteHeader(http.StatusCreated)
			return
		}
		if content, ok := kept[strings.TrimPrefix(asked.URL.Path, folder+"/")]; ok {
			_, _ = answer.Write(content)
			return
		}
		http.NotFound(answer, asked)
	}))
	t.Cleanup(server.Close)
	return api{server: server.URL, client: server.Client()}, kept
}

func TestANameBelongsToItsFirstPassword(t *testing.T) {
	client, kept := secretsOnly(t)
	if err := checkPassword(client, "worker-1", "one"); err != nil {
		t.Fatal(err)
	}
	secret, ok := kept["worker-1.node-password.k3s"]
	if !ok || strings.Contains(string(secret), "\"one\"") {
		t.Fatalf("the secret is %s", secret)
	}
	if err := checkPassword(client, "worker-1", "one"); err != nil {
		t.Errorf("the same machine again: %v", err)
	}
	var rejected passwordRejected
	if err := checkPassword(client, "worker-1", "two"); !errors.As(err, &rejected) {
		t.Errorf("another machine: %v", err)
	}
	delete(kept, "worker-1.node-password.k3s")
	if err := checkPassword(client, "worker-1", "two"); err != nil {
		t.Errorf("after the secret is gone: %v", err)
	}
}

func TestAnotherErrorIsNoRejection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		http.Error(answer, "no", http.StatusForbidden)
	}))
	defer server.Close()
	var rejected passwordRejected
	if err := checkPassword(api{server: server.URL, client: server.Client()}, "a", "b"); err == nil || errors.As(err, &rejected) {
		t.Errorf("%v", err)
	}
}

func TestAPasswordIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node/password")
	first, err := ownPassword(path)
	if err != nil || len(first) != 32 {
		t.Fatalf("%q, %v", first, err)
	}
	if again, err := ownPassword(path); err != nil || again != first {
		t.Errorf("%q, %v", again, err)
	}
}
