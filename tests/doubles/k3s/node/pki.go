package node

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"rollcall.dev/tests/doubles/k3s/contract"
)

// authority signs certificates.
type authority struct {
	pem         []byte
	certificate *x509.Certificate
	key         crypto.Signer
}

// keyed is a certificate with its key, both PEM.
type keyed struct{ Certificate, Key []byte }

// loadAuthority takes the authority at a path, and makes one where there is none.
func loadAuthority(path, name string) (authority, error) {
	if _, err := os.Stat(path + ".crt"); os.IsNotExist(err) {
		if err := makeAuthority(path, name); err != nil {
			return authority{}, fmt.Errorf("could not make the authority %s: %w", path, err)
		}
		Log("k3s", "made the authority %s.crt", path)
	}
	certificate, err := os.ReadFile(path + ".crt")
	if err != nil {
		return authority{}, err
	}
	key, err := os.ReadFile(path + ".key")
	if err != nil {
		return authority{}, err
	}
	block, _ := pem.Decode(certificate)
	if block == nil {
		return authority{}, fmt.Errorf("%s.crt has no certificate", path)
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return authority{}, fmt.Errorf("%s.crt: %w", path, err)
	}
	signer, err := contract.ParseKey(key)
	return authority{pem: certificate, certificate: parsed, key: signer}, err
}

func makeAuthority(path, name string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: fmt.Sprintf("k3s-%s@%d", name, time.Now().Unix())},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	stamp(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	return writePair(path, keyed{Certificate: encode("CERTIFICATE", der), Key: encodeKey(key)})
}

// client makes a certificate for a user and a group, as Kubernetes reads them.
func (a authority) client(user, group string) (keyed, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: user},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if group != "" {
		template.Subject.Organization = []string{group}
	}
	return a.sign(template)
}

// server makes a certificate for names and addresses.
func (a authority) server(name string, hosts []string) (keyed, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return a.sign(template)
}

func (a authority) sign(template *x509.Certificate) (keyed, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyed{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	stamp(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return keyed{}, fmt.Errorf("could not sign a certificate for %s: %w", template.Subject, err)
	}
	return keyed{Certificate: append(encode("CERTIFICATE", der), a.pem...), Key: encodeKey(key)}, nil
}

func stamp(template *x509.Certificate) {
	template.SerialNumber, _ = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	// The clocks of the machines may differ.
	template.NotBefore = time.Now().Add(-24 * time.Hour)
	template.NotAfter = time.Now().AddDate(10, 0, 0)
}

// loadAccountKey takes the key of service account tokens, and makes one where there is none.
func loadAccountKey(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return writeFile(path, encodeKey(key), 0o600)
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// encodeKey writes the form that every reader takes.
func encodeKey(key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		// It was made with a curve that can be written.
		panic(err)
	}
	return encode("EC PRIVATE KEY", der)
}

func writePair(path string, pair keyed) error {
	if err := writeFile(path+".crt", pair.Certificate, 0o644); err != nil {
		return err
	}
	return writeFile(path+".key", pair.Key, 0o600)
}

func writeFile(path string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, content, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
