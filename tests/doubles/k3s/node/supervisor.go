package node

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// supervisorOffset is how far above the API server's port the double listens for joining nodes. k3s answers both on
// one port; only the double's own agents notice.
const supervisorOffset = 1000

// supervisor lets nodes in.
type supervisor struct {
	tokens      []string
	serverCA    []byte
	certificate keyed
	// join answers a request from somebody who had the token.
	join func(request) (membership, error)
}

func (s supervisor) serve(ctx context.Context, port int) error {
	certificate, err := tls.X509KeyPair(s.certificate.Certificate, s.certificate.Key)
	if err != nil {
		return err
	}
	handler := http.NewServeMux()
	handler.HandleFunc("GET /cacerts", func(answer http.ResponseWriter, _ *http.Request) {
		_, _ = answer.Write(s.serverCA)
	})
	handler.HandleFunc("POST /join", s.handle)
	server := &http.Server{
		Addr:              fmt.Sprintf(":%d", port),
		Handler:           handler,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}},
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	return server.ListenAndServeTLS("", "")
}

func (s supervisor) handle(answer http.ResponseWriter, asked *http.Request) {
	_, password, _ := asked.BasicAuth()
	allowed := false
	for _, token := range s.tokens {
		allowed = allowed || subtle.ConstantTimeCompare([]byte(credentials(token)), []byte(password)) == 1
	}
	var joining request
	err := json.NewDecoder(asked.Body).Decode(&joining)
	switch {
	case !allowed:
		Log("k3s", "refused a node from %s: it has another token", asked.RemoteAddr)
		http.Error(answer, "the token is not the one of this server", http.StatusUnauthorized)
		return
	case err != nil || joining.Name == "" || joining.Password == "":
		http.Error(answer, "this is no request to join", http.StatusBadRequest)
		return
	}
	member, err := s.join(joining)
	var rejected passwordRejected
	switch {
	case errors.As(err, &rejected):
		Log("k3s", "refused node %s: %v", joining.Name, err)
		http.Error(answer, err.Error(), http.StatusForbidden)
	case err != nil:
		http.Error(answer, "the server is not ready: "+err.Error(), http.StatusServiceUnavailable)
	default:
		Log("k3s", "node %s joins from %s", joining.Name, asked.RemoteAddr)
		_ = json.NewEncoder(answer).Encode(member)
	}
}
