// What a node sees of an image that is not well, and who may make it so.
package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const (
	gateway = "10.200.0.1:40000"
	node    = "10.200.0.11:40000"
)

// faulty is a registry that has `fluentd:latest`, and answers requests from addresses.
func faulty(t *testing.T) func(from, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	handler := newHandler(log.New(io.Discard, "", 0), newFaultTable(netip.MustParseAddr("10.200.0.1")))
	if err := preloadPath(handler, archive(t, t.TempDir(), "fluentd:latest")); err != nil {
		t.Fatal(err)
	}
	return func(from, method, target, body string) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequest(method, target, strings.NewReader(body))
		request.RemoteAddr = from
		handler.ServeHTTP(recorder, request)
		return recorder
	}
}

const (
	pull    = "/v2/library/fluentd/manifests/latest?ns=docker.io"
	control = "/rollcall/faults/docker.io/library/fluentd:latest"
)

func TestFaultOfAnImageIsWhatNodesSeeUntilItIsSwitchedOff(t *testing.T) {
	ask := faulty(t)
	for kind, want := range map[string]int{
		"absent":          http.StatusNotFound,
		"unauthorized":    http.StatusUnauthorized,
		"tooManyRequests": http.StatusTooManyRequests,
	} {
		if got := ask(gateway, http.MethodPut, control, `{"fault":"`+kind+`"}`); got.Code != http.StatusNoContent {
			t.Fatalf("PUT %s: %d %s", kind, got.Code, got.Body)
		}
		for _, method := range []string{http.MethodHead, http.MethodGet} {
			if got := ask(node, method, pull, "").Code; got != want {
				t.Errorf("%s with %s: %d, want %d", method, kind, got, want)
			}
		}
		if got := ask(node, http.MethodGet, pull, "").Body.String(); !strings.Contains(got, `"errors":[{"code":`) {
			t.Errorf("%s: %s", kind, got)
		}
		// The harness pushes and looks as if nothing were wrong.
		if got := ask(gateway, http.MethodGet, "/v2/docker.io/library/fluentd/manifests/latest", "").Code; got != http.StatusOK {
			t.Errorf("the harness with %s: %d", kind, got)
		}
		ask(gateway, http.MethodDelete, control, "")
		if got := ask(node, http.MethodGet, pull, "").Code; got != http.StatusOK {
			t.Errorf("after %s: %d", kind, got)
		}
	}
}

func TestUnauthorizedNamesTheWayToAuthorize(t *testing.T) {
	ask := faulty(t)
	ask(gateway, http.MethodPut, control, `{"fault":"unauthorized"}`)
	if got := ask(node, http.MethodHead, pull, "").Header().Get("WWW-Authenticate"); got == "" {
		t.Error("no challenge")
	}
}

func TestSlowAnswerIsTheRightOne(t *testing.T) {
	ask := faulty(t)
	ask(gateway, http.MethodPut, control, `{"fault":"slow","delayMilliseconds":150}`)
	started := time.Now()
	if got := ask(node, http.MethodGet, pull, "").Code; got != http.StatusOK {
		t.Errorf("%d, want 200", got)
	}
	if took := time.Since(started); took < 150*time.Millisecond {
		t.Errorf("it took %s", took)
	}
}

func TestFaultConcernsNoOtherImage(t *testing.T) {
	ask := faulty(t)
	ask(gateway, http.MethodPut, "/rollcall/faults/docker.io/library/fluentd:2", `{"fault":"unauthorized"}`)
	ask(gateway, http.MethodPut, "/rollcall/faults/quay.io/library/fluentd:latest", `{"fault":"unauthorized"}`)
	if got := ask(node, http.MethodGet, pull, "").Code; got != http.StatusOK {
		t.Errorf("%d, want 200", got)
	}
	digest := ask(node, http.MethodHead, pull, "").Header().Get("Docker-Content-Digest")
	ask(gateway, http.MethodPut, "/rollcall/faults/docker.io/library/fluentd@"+digest, `{"fault":"absent"}`)
	if got := ask(node, http.MethodGet, "/v2/library/fluentd/manifests/"+digest+"?ns=docker.io", "").Code; got != http.StatusNotFound {
		t.Errorf("by digest: %d, want 404", got)
	}
}

func TestOnlyTheHarnessSetsFaults(t *testing.T) {
	ask := faulty(t)
	if got := ask(node, http.MethodPut, control, `{"fault":"absent"}`).Code; got != http.StatusForbidden {
		t.Errorf("a node: %d, want 403", got)
	}
	if got := ask(node, http.MethodGet, pull, "").Code; got != http.StatusOK {
		t.Errorf("%d, want 200", got)
	}
}

func TestWhatIsNoFaultIsRefused(t *testing.T) {
	ask := faulty(t)
	for body, said := range map[string]string{
		`{"fault":"broken"}`:           `no such fault: "broken"`,
		`{"fault":"absent","delay":5}`: "unknown field",
		`absent`:                       "not a fault",
	} {
		got := ask(gateway, http.MethodPut, control, body)
		if got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), said) {
			t.Errorf("%s: %d %s", body, got.Code, got.Body)
		}
	}
	if got := ask(gateway, http.MethodPost, control, "").Code; got != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got)
	}
	if got := ask(gateway, http.MethodPut, faultsPath, `{"fault":"absent"}`).Code; got != http.StatusBadRequest {
		t.Errorf("no name: %d", got)
	}
}
