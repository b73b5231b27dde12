package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// supervisorAddress is where the double of a server listens.
func supervisorAddress(server string) (string, error) {
	address, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	port := 443
	if text := address.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return "", err
		}
	}
	return "https://" + net.JoinHostPort(address.Hostname(), strconv.Itoa(port+supervisorOffset)), nil
}

// refusedPause is how long a node waits before it asks again.
const refusedPause = 500 * time.Millisecond

// errToken ends an agent: it will not get better by waiting.
type errToken struct{ server, why string }

func (e errToken) Error() string {
	return fmt.Sprintf("error: could not join %s: %s\n(hint: set `token` to that of the server, `%s/token` there)\n(page: https://docs.k3s.io/cli/token)", e.server, e.why, serverFolder)
}

// joinServer asks until it is let in, as k3s does; only a wrong token ends it.
func joinServer(ctx context.Context, server, token string, asking request) (membership, error) {
	var member membership
	var final error
	address, err := supervisorAddress(server)
	if err != nil {
		return member, err
	}
	err = until(ctx, "server "+server+" to let this node in", 0, func() error {
		var err error
		member, err = joinOnce(address, token, asking)
		var wrong errToken
		if errors.As(err, &wrong) {
			wrong.server = server
			final = wrong
			return nil
		}
		if err != nil {
			// A server that is asked ten times a second has nothing else to do.
			time.Sleep(refusedPause)
		}
		return err
	})
	if err == nil {
		err = final
	}
	return member, err
}

func joinOnce(address, token string, asking request) (membership, error) {
	var member membership
	// Who answers here is believed when the token names its authority, or when the token is a short one.
	first := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	ca, err := read(first.Get(address + "/cacerts"))
	if err != nil {
		return member, err
	}
	if !believes(token, ca) {
		return member, errToken{why: "the token was made for another authority"}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	second := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	body, err := json.Marshal(asking)
	if err != nil {
		return member, err
	}
	post, err := http.NewRequest(http.MethodPost, address+"/join", bytes.NewReader(body))
	if err != nil {
		return member, err
	}
	post.SetBasicAuth("node", credentials(token))
	answer, err := read(second.Do(post))
	var status statusError
	if errors.As(err, &status) && status.code == http.StatusUnauthorized {
		return member, errToken{why: status.text}
	}
	if err != nil {
		return member, err
	}
	err = json.Unmarshal(answer, &member)
	return member, err
}

func read(response *http.Response, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = statusError{code: response.StatusCode, text: strings.TrimSpace(string(content))}
	}
	return content, err
}
