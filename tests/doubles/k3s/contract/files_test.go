package contract

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func expect(t *testing.T, err error, says, page string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, part := range []string{says, "(page: " + page + ")"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
}

func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func TestRegistries(t *testing.T) {
	taken := []string{
		"",
		`{"mirrors": {"*": {"endpoint": ["http://10.200.0.9:5000"]}}}`,
		"mirrors:\n  docker.io:\n    endpoint: [registry.example.com:5000]\n    rewrite: {\"^rancher/(.*)\": \"x/$1\"}\nconfigs:\n  \"docker.io\":\n  \"*\":\n    tls: {insecure_skip_verify: true}\n    auth: {username: a, password: b}",
	}
	for _, content := range taken {
		path := filepath.Join(t.TempDir(), "registries.yaml")
		put(t, path, content, 0o600)
		if _, err := ReadRegistries(path); err != nil {
			t.Errorf("%q: %v", content, err)
		}
	}
	if _, err := ReadRegistries("/nonexistent/registries.yaml"); err != nil {
		t.Error(err)
	}
	refused := map[string]string{
		"mirror: {}": "field mirror not found",
		"mirrors: {\"*\": {endpoints: [\"http://a\"]}}":          "field endpoints not found",
		"mirrors: {\"*\": {endpoint: \"http://a\"}}":             "cannot unmarshal",
		"mirrors: {\"*\": {}}":                                   "no endpoint",
		"mirrors: {\"*\": {endpoint: [\"ftp://a\"]}}":            "no address",
		"mirrors: {registry: {endpoint: [\"http://a\"]}}":        "not recognised as a registry",
		"mirrors:\n  *:\n    endpoint: [\"http://a\"]":           "`*` needs quotes",
		"mirrors: {a.b: {endpoint: [x:1], rewrite: {\"(\": y}}}": "no regular expression",
		"configs: {a.b: {tls: {ca_file: /nonexistent}}}":         "/nonexistent",
		"configs: {a.b: {tls: {insecure: true}}}":                "field insecure not found",
		"configs: {a.b: {tls: {cert_file: /proc/version}}}":      "one of them is missing",
	}
	for content, says := range refused {
		path := filepath.Join(t.TempDir(), "registries.yaml")
		put(t, path, content, 0o600)
		_, err := ReadRegistries(path)
		expect(t, err, says, PageRegistries)
	}
}

func TestKubeletDropIns(t *testing.T) {
	folder := t.TempDir()
	put(t, folder+"/90-a.conf", `{"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "failSwapOn": false}`, 0o644)
	if err := CheckKubelet(folder); err != nil {
		t.Fatal(err)
	}
	if err := CheckKubelet(folder + "/none"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][3]string{
		"a.yaml": {"kind: KubeletConfiguration", "end in .conf", PageDropIns},
		"b.conf": {"kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1", "v1`", PageDropIns},
		"c.conf": {"kind: Kubelet\napiVersion: kubelet.config.k8s.io/v1beta1", "a `Kubelet`", PageDropIns},
		"d.conf": {"{", "it is neither", PageKubelet},
	} {
		folder := t.TempDir()
		put(t, filepath.Join(folder, name), c[0], 0o644)
		expect(t, CheckKubelet(folder), c[1], c[2])
	}
}

// certificate makes one in PEM for a key.
func certificate(t *testing.T, key crypto.Signer, isCA bool) string {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: isCA, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func elliptical(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pkcs8(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func sec1(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

func TestAuthorityIsTakenAndWhatIsMissingIsSaid(t *testing.T) {
	if missing, err := CheckAuthority(t.TempDir()); err != nil || missing != nil {
		t.Errorf("an empty folder: %v, %v", missing, err)
	}
	folder := t.TempDir()
	key := elliptical(t)
	for _, name := range []string{"server-ca", "client-ca"} {
		put(t, folder+"/"+name+".crt", certificate(t, key, true), 0o644)
		put(t, folder+"/"+name+".key", pkcs8(t, key), 0o600)
	}
	put(t, folder+"/service.key", sec1(t, key), 0o600)
	missing, err := CheckAuthority(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(missing) != 6 {
		t.Errorf("missing: %v", missing)
	}
}

func TestAuthorityIsRefused(t *testing.T) {
	key, other := elliptical(t), elliptical(t)
	cases := map[string]func(folder string){
		"mode 0644": func(f string) {
			put(t, f+"/server-ca.crt", certificate(t, key, true), 0o644)
			put(t, f+"/server-ca.key", pkcs8(t, key), 0o644)
		},
		"belongs to another": func(f string) {
			put(t, f+"/client-ca.crt", certificate(t, key, true), 0o644)
			put(t, f+"/client-ca.key", pkcs8(t, other), 0o600)
		},
		"bring both or neither": func(f string) { put(t, f+"/client-ca.crt", certificate(t, key, true), 0o644) },
		"the certificate of an authority": func(f string) {
			put(t, f+"/client-ca.crt", certificate(t, key, false), 0o644)
			put(t, f+"/client-ca.key", pkcs8(t, key), 0o600)
		},
		"a certificate in PEM": func(f string) {
			put(t, f+"/client-ca.crt", "x", 0o644)
			put(t, f+"/client-ca.key", pkcs8(t, key), 0o600)
		},
		"PKCS#8":           func(f string) { put(t, f+"/service.key", pkcs8(t, key), 0o600) },
		"no key in a form": func(f string) { put(t, f+"/service.key", "x", 0o600) },
		"mode 0640":        func(f string) { put(t, f+"/service.key", sec1(t, key), 0o640) },
	}
	for says, prepare := range cases {
		t.Run(says, func(t *testing.T) {
			folder := t.TempDir()
			prepare(folder)
			_, err := CheckAuthority(folder)
			expect(t, err, says, PageCA)
		})
	}
}

func TestAccountKeysThatKubernetesReads(t *testing.T) {
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"RSA in PKCS#8":     pkcs8(t, big),
		"elliptic in SEC 1": sec1(t, elliptical(t)),
		"RSA in PKCS#1":     string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(big)})),
	} {
		if _, err := PublicHalf([]byte(content)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLabelsThatAKubeletMaySet(t *testing.T) {
	for key, want := range map[string]bool{
		"node-type": true, "example.com/rack": true, "node.kubernetes.io/x": true, "x.kubelet.kubernetes.io/y": true,
		"topology.kubernetes.io/zone": true, "topology.kubernetes.io/rack": false,
		"node-role.kubernetes.io/worker": false, "example.k8s.io/x": false, "node-restriction.kubernetes.io/x": false,
	} {
		if got := kubeletMaySet(key); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
}
