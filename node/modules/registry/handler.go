// Requests: the name an image is stored under, and the log of what went wrong.
package main

import (
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
)

// newHandler serves an empty registry where nothing is wrong but what the table says. It logs one line a request that failed and none otherwise:
// a node asks dozens of times a second, and its log is read when something is wrong.
func newHandler(errors *log.Logger, faults *faultTable) http.Handler {
	store := registry.New(
		registry.Logger(log.New(io.Discard, "", 0)),
		registry.WithReferrersSupport(true),
	)
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if strings.HasPrefix(request.URL.Path, faultsPath) {
			faults.set(response, request)
			return
		}
		prefixByNamespace(request)
		recorder := &statusRecorder{ResponseWriter: response, status: http.StatusOK}
		if !faults.play(recorder, request) {
			store.ServeHTTP(recorder, request)
		}
		if recorder.status >= http.StatusBadRequest {
			errors.Printf("%d %s %s", recorder.status, request.Method, request.URL.Path)
		}
	})
}

// prefixByNamespace puts the registry that the client means before the repository: containerd asks a
// mirror for `/v2/library/fluentd/…?ns=docker.io`, and the images of two registries must not meet
// under one name. A push names the prefixed repository itself and carries no `ns`.
func prefixByNamespace(request *http.Request) {
	namespace := request.URL.Query().Get("ns")
	repository, found := strings.CutPrefix(request.URL.Path, "/v2/")
	if namespace == "" || !found || repository == "" {
		return
	}
	request.URL.Path = "/v2/" + hostPath(namespace) + "/" + repository
	request.URL.RawPath = ""
}

// hostPath is a registry's name as the first part of a repository: a port's colon and an address's brackets
// are not allowed there. Whoever pushes writes it the same way.
func hostPath(host string) string {
	return strings.NewReplacer(":", "_", "[", "_", "]", "_").Replace(host)
}

// statusRecorder remembers the status that was written.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
