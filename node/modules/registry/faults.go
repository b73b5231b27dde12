// Faults that a scenario switches on for single images: what a registry answers when it is not well.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// faultsPath is where faults are set: `PUT` and `DELETE` of it with an image's repository and tag or digest
// behind, as `/rollcall/faults/docker.io/library/fluentd:latest`.
const faultsPath = "/rollcall/faults/"

// fault is what is wrong with one image. Its JSON is the body of a PUT.
type fault struct {
	// Kind is `absent`, `slow`, `unauthorized` or `tooManyRequests`.
	Kind              string `json:"fault"`
	DelayMilliseconds int64  `json:"delayMilliseconds,omitempty"`
}

// faultTable holds the faults by image, as `repository:tag` or `repository@digest`.
type faultTable struct {
	// control is whose requests set faults and are not subject to them: the harness, which reaches the
	// registry by a port of the host's loopback and so comes from the network's gateway. Nodes and pods do not.
	control netip.Addr
	mutex   sync.RWMutex
	byImage map[string]fault
}

func newFaultTable(control netip.Addr) *faultTable {
	return &faultTable{control: control, byImage: map[string]fault{}}
}

// controls says whether a request comes from the harness, or from inside the registry's own node.
func (t *faultTable) controls(request *http.Request) bool {
	address, err := netip.ParseAddrPort(request.RemoteAddr)
	if err != nil {
		return false
	}
	from := address.Addr().Unmap()
	return from.IsLoopback() || from == t.control
}

// set answers a request to switch a fault on or off.
func (t *faultTable) set(response http.ResponseWriter, request *http.Request) {
	if !t.controls(request) {
		http.Error(response, "faults are set by the harness alone", http.StatusForbidden)
		return
	}
	image := strings.TrimPrefix(request.URL.Path, faultsPath)
	if image == "" {
		http.Error(response, "name an image behind "+faultsPath, http.StatusBadRequest)
		return
	}
	switch request.Method {
	case http.MethodDelete:
		t.mutex.Lock()
		delete(t.byImage, image)
		t.mutex.Unlock()
	case http.MethodPut:
		var wanted fault
		decoder := json.NewDecoder(request.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&wanted); err != nil {
			http.Error(response, fmt.Sprintf("not a fault: %v", err), http.StatusBadRequest)
			return
		}
		switch wanted.Kind {
		case "absent", "slow", "unauthorized", "tooManyRequests":
		default:
			http.Error(response, fmt.Sprintf("no such fault: %q", wanted.Kind), http.StatusBadRequest)
			return
		}
		t.mutex.Lock()
		t.byImage[image] = wanted
		t.mutex.Unlock()
	default:
		response.Header().Set("Allow", "PUT, DELETE")
		http.Error(response, "use PUT or DELETE", http.StatusMethodNotAllowed)
		return
	}
	response.WriteHeader(http.StatusNoContent)
}

// play does what the fault of the request's image says, and reports whether that was the answer. Only pulls
// are concerned, and of them only the first question, which is for the manifest by the name in the pod.
func (t *faultTable) play(response http.ResponseWriter, request *http.Request) bool {
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		return false
	}
	repository, reference, found := strings.Cut(strings.TrimPrefix(request.URL.Path, "/v2/"), "/manifests/")
	if !found {
		return false
	}
	separator := ":"
	if strings.Contains(reference, ":") {
		separator = "@"
	}
	t.mutex.RLock()
	active, faulty := t.byImage[repository+separator+reference]
	t.mutex.RUnlock()
	if !faulty || t.controls(request) {
		return false
	}
	switch active.Kind {
	case "absent":
		answerError(response, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
	case "unauthorized":
		response.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		answerError(response, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	case "tooManyRequests":
		response.Header().Set("Retry-After", strconv.Itoa(60))
		answerError(response, http.StatusTooManyRequests, "TOOMANYREQUESTS", "you have reached your pull rate limit")
	case "slow":
		timer := time.NewTimer(time.Duration(active.DelayMilliseconds) * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-request.Context().Done():
		}
		return false
	}
	return true
}

// answerError writes an error as the distribution specification has it.
func answerError(response http.ResponseWriter, status int, code, message string) {
	body, err := json.Marshal(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
	if err != nil {
		body = nil
	}
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(status)
	_, _ = response.Write(body)
}
