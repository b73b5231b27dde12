package node

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// api is a client of kube-apiserver for the few objects that are needed here.
type api struct {
	server string
	client *http.Client
}

// statusError is an answer that is no success.
type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return fmt.Sprintf("status %d: %s", e.code, e.text) }

func newAPI(server string, ca []byte, user keyed) (api, error) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	certificate, err := tls.X509KeyPair(user.Certificate, user.Key)
	if err != nil {
		return api{}, err
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{certificate}}}
	return api{server: server, client: &http.Client{Transport: transport, Timeout: 10 * time.Second}}, nil
}

func (a api) do(method, path string, body, answer any) error {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequest(method, a.server+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	response, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return statusError{code: response.StatusCode, text: string(text)}
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// ensure makes an object where there is none. It looks first: a Service with an address of its own that is there
// already is answered like an invalid one.
func (a api) ensure(path, name string, object any) error {
	err := a.do(http.MethodGet, path+"/"+name, nil, nil)
	if status, ok := err.(statusError); ok && status.code == http.StatusNotFound {
		return a.do(http.MethodPost, path, object, nil)
	}
	return err
}

// nodeObject is the part of a Node object that is looked at here.
type nodeObject struct {
	Metadata struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		PodCIDR string `json:"podCIDR"`
	} `json:"spec"`
}

func (a api) node(name string) (nodeObject, error) {
	var found nodeObject
	err := a.do(http.MethodGet, "/api/v1/nodes/"+name, nil, &found)
	return found, err
}
