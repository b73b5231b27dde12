// What a node and a pusher see of the registry.
package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// archive writes a docker archive of one random image under a name.
func archive(t *testing.T, directory, tagName string) string {
	t.Helper()
	image, err := random.Image(64, 2)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(tagName)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, "image.tar")
	if err := tarball.WriteToFile(path, tag, image); err != nil {
		t.Fatal(err)
	}
	return path
}

func status(t *testing.T, handler http.Handler, target string) int {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, target, nil))
	return recorder.Code
}

func TestMirrorRequestIsAnsweredFromThePrefixedRepository(t *testing.T) {
	handler := newHandler(log.New(io.Discard, "", 0), newFaultTable(netip.Addr{}))
	if err := preloadPath(handler, archive(t, t.TempDir(), "fluentd:latest")); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]int{
		"/v2/":              http.StatusOK,
		"/v2/?ns=docker.io": http.StatusOK,
		"/v2/library/fluentd/manifests/latest?ns=docker.io":  http.StatusOK,
		"/v2/docker.io/library/fluentd/manifests/latest":     http.StatusOK,
		"/v2/library/fluentd/manifests/latest":               http.StatusNotFound,
		"/v2/library/fluentd/manifests/latest?ns=quay.io":    http.StatusNotFound,
		"/v2/library/fluentd/manifests/missing?ns=docker.io": http.StatusNotFound,
	} {
		if got := status(t, handler, target); got != want {
			t.Errorf("GET %s: %d, want %d", target, got, want)
		}
	}
}

func TestDirectoryOfArchivesIsPreloadedUnderTheirOwnNames(t *testing.T) {
	directory := t.TempDir()
	archive(t, directory, "registry.k8s.io/pause:3.10")
	handler := newHandler(log.New(io.Discard, "", 0), newFaultTable(netip.Addr{}))
	if err := preloadPath(handler, directory); err != nil {
		t.Fatal(err)
	}
	if got := status(t, handler, "/v2/pause/manifests/3.10?ns=registry.k8s.io"); got != http.StatusOK {
		t.Errorf("pause: %d, want 200", got)
	}
}

func TestPortOfARegistryIsPartOfItsNameWithoutTheColon(t *testing.T) {
	directory := t.TempDir()
	archive(t, directory, "localhost:5000/agent:1")
	handler := newHandler(log.New(io.Discard, "", 0), newFaultTable(netip.Addr{}))
	if err := preloadPath(handler, directory); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{
		"/v2/agent/manifests/1?ns=localhost:5000",
		"/v2/localhost_5000/agent/manifests/1",
	} {
		if got := status(t, handler, target); got != http.StatusOK {
			t.Errorf("GET %s: %d, want 200", target, got)
		}
	}
}

func TestOnlyFailedRequestsAreLoggedOneLineEach(t *testing.T) {
	var logged bytes.Buffer
	handler := newHandler(log.New(&logged, "", 0), newFaultTable(netip.Addr{}))
	status(t, handler, "/v2/")
	status(t, handler, "/v2/absent/manifests/1?ns=quay.io")
	if got, want := logged.String(), "404 GET /v2/quay.io/absent/manifests/1\n"; got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}

func TestArchiveThatIsNotThereIsNamed(t *testing.T) {
	err := preloadPath(newHandler(log.New(io.Discard, "", 0), newFaultTable(netip.Addr{})), "/nonexistent/pause.tar")
	if err == nil || !strings.Contains(err.Error(), "/nonexistent/pause.tar") {
		t.Errorf("got %v", err)
	}
}
