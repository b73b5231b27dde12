package node

import (
	"context"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"net/http"
)

func TestTheSupervisorListensAboveTheServer(t *testing.T) {
	for server, want := range map[string]string{"https://10.0.0.1:6443": "https://10.0.0.1:7443", "https://a": "https://a:1443"} {
		if got, err := supervisorAddress(server); err != nil || got != want {
			t.Errorf("%s: %s, %v", server, got, err)
		}
	}
}

// door serves a supervisor with a certificate of its own authority.
func door(t *testing.T, join func(request) (membership, error)) (address string, ca []byte) {
	t.Helper()
	signer, err := loadAuthority(filepath.Join(t.TempDir(), "ca"), "server-ca")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := signer.server("k3s", []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	s := supervisor{tokens: []string{"right", "K10x::server:other"}, serverCA: signer.pem, join: join}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /cacerts", func(answer http.ResponseWriter, _ *http.Request) { _, _ = answer.Write(signer.pem) })
	mux.HandleFunc("POST /join", s.handle)
	server := httptest.NewUnstartedServer(mux)
	server.TLS = serverTLS(t, pair)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, signer.pem
}

func TestWhoIsLetIn(t *testing.T) {
	address, ca := door(t, func(asked request) (membership, error) {
		if asked.Password == "bad" {
			return membership{}, passwordRejected{node: asked.Name}
		}
		return membership{Domain: asked.Name}, nil
	})
	ask := func(token, password string) (membership, error) {
		return joinOnce(address, token, request{Name: "a", Password: password})
	}
	for _, token := range []string{"right", secure("right", "node", ca), secure("right", "server", ca)} {
		if member, err := ask(token, "good"); err != nil || member.Domain != "a" {
			t.Errorf("%s: %v", token, err)
		}
	}
	var wrong errToken
	if _, err := ask("wrong", "good"); !errors.As(err, &wrong) {
		t.Errorf("a wrong token: %v", err)
	}
	if _, err := ask("K10"+strings.Repeat("0", 64)+"::server:right", "good"); !errors.As(err, &wrong) || !strings.Contains(wrong.why, "another authority") {
		t.Errorf("a token for another authority: %v", err)
	}
	var status statusError
	if _, err := ask("right", "bad"); !errors.As(err, &status) || status.code != http.StatusForbidden {
		t.Errorf("a rejected password: %v", err)
	}
	if _, err := ask("right", ""); !errors.As(err, &status) || status.code != http.StatusBadRequest {
		t.Errorf("no password: %v", err)
	}
}

func TestAWrongTokenEndsTheAgent(t *testing.T) {
	err := error(errToken{server: "https://a:6443", why: "no"})
	for _, part := range []string{"https://a:6443", "(hint: ", "(page: https://docs.k3s.io/cli/token)"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := joinServer(ctx, "https://127.0.0.1:1", "x", request{}); err == nil {
		t.Error("nobody was there")
	}
}

func TestTokens(t *testing.T) {
	for token, want := range map[string]string{"abc": "abc", "K10ff::server:abc": "abc", "K10ff::node:abc": "abc", "K10ff::abc": "abc", "a:b": "a:b"} {
		if got := credentials(token); got != want {
			t.Errorf("%s: %s", token, got)
		}
	}
}
