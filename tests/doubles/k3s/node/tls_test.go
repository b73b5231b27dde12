package node

import (
	"crypto/tls"
	"testing"
)

func serverTLS(t *testing.T, pair keyed) *tls.Config {
	t.Helper()
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}}
}
