package contract

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
)

// TLSFolder is where a server looks for authorities before it makes any.
const TLSFolder = "/var/lib/rancher/k3s/server/tls"

// required are the files that the page lists for somebody who brings authorities.
var required = []string{
	"server-ca.crt", "server-ca.key", "client-ca.crt", "client-ca.key", "request-header-ca.crt", "request-header-ca.key",
	"etcd/peer-ca.crt", "etcd/peer-ca.key", "etcd/server-ca.crt", "etcd/server-ca.key", "service.key",
}

// CheckAuthority looks at the files that are there. Which of the required ones are missing comes back, when there are
// some but not all: k3s makes the missing ones, though the page asks for all.
func CheckAuthority(folder string) (missing []string, _ error) {
	var refusals Refusals
	there := 0
	for _, name := range required {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			there++
		} else {
			missing = append(missing, name)
		}
	}
	if there == 0 {
		return nil, nil
	}
	for _, name := range []string{"server-ca", "client-ca", "request-header-ca", "etcd/peer-ca", "etcd/server-ca"} {
		pair(filepath.Join(folder, name), &refusals)
	}
	path := filepath.Join(folder, "service.key")
	if _, err := os.Stat(path); err == nil {
		accountKey(path, &refusals)
	}
	return missing, refusals.orNil()
}

func pair(path string, refusals *Refusals) {
	certificate, errCertificate := os.ReadFile(path + ".crt")
	key, errKey := os.ReadFile(path + ".key")
	if os.IsNotExist(errCertificate) && os.IsNotExist(errKey) {
		return
	}
	if errCertificate != nil || errKey != nil {
		refusals.add("`"+path+".crt` and `.key`", PageCA, "bring both or neither", "one of them cannot be read (%v, %v)", errCertificate, errKey)
		return
	}
	private(path+".key", refusals)
	block, _ := pem.Decode(certificate)
	if block == nil || block.Type != "CERTIFICATE" {
		refusals.add("`"+path+".crt`", PageCA, "write a certificate in PEM", "there is none in it")
		return
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !parsed.IsCA {
		refusals.add("`"+path+".crt`", PageCA, "bring the certificate of an authority", "it is none (%v)", err)
		return
	}
	signer, err := ParseKey(key)
	if err != nil {
		refusals.add("`"+path+".key`", PageCA, "write a private key in PEM", "it cannot be read: %v", err)
		return
	}
	if public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(parsed.PublicKey) {
		refusals.add("`"+path+".key`", PageCA, "bring the key that belongs to `"+path+".crt`", "it belongs to another certificate")
	}
}

// private refuses a key that others may read.
func private(path string, refusals *Refusals) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		refusals.add("`"+path+"`", PageCA, "give it the mode 0600", "it has the mode %04o, so others may read this key", info.Mode().Perm())
	}
}

// accountKey checks the key of service account tokens. kube-apiserver reads its public half from the same file, and
// takes fewer forms for that than for signing.
func accountKey(path string, refusals *Refusals) {
	private(path, refusals)
	content, err := os.ReadFile(path)
	if err != nil {
		refusals.add("`"+path+"`", PageCA, "make it a file", "it cannot be read: %v", err)
		return
	}
	signer, err := ParseKey(content)
	if err != nil {
		refusals.add("`"+path+"`", PageCA, "write a private key in PEM", "it cannot be read: %v", err)
		return
	}
	if _, err := PublicHalf(content); err != nil {
		refusals.add("`"+path+"`", PageCA,
			"write an RSA key, or an elliptic one as `EC PRIVATE KEY` (`openssl ec` writes that)",
			"kube-apiserver gets this file as --service-account-key-file too and does not read a %T in the form `PRIVATE KEY` (PKCS#8) there", signer)
	}
}

// ParseKey reads a private key in any of the usual forms.
func ParseKey(content []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if signer, ok := key.(crypto.Signer); ok {
				return signer, nil
			}
		}
		if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
	}
	return nil, errNoKey
}

// PublicHalf reads the public key of a private one in the forms in which kube-apiserver does.
func PublicHalf(content []byte) (crypto.PublicKey, error) {
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return &key.PublicKey, nil
		}
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if rsaKey, ok := key.(*rsa.PrivateKey); ok {
				return &rsaKey.PublicKey, nil
			}
		}
		if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
			var public *ecdsa.PublicKey = &key.PublicKey
			return public, nil
		}
	}
	return nil, errNoKey
}

var errNoKey = errors.New("there is no key in a form that is read here")
