package node

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.dev/tests/doubles/k3s/contract"
)

func TestMirrorsBecomeHosts(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "certs.d")
	registries := contract.Registries{
		Mirrors: map[string]contract.Mirror{
			"*":         {Endpoint: []string{"http://10.200.0.9:5000"}},
			"docker.io": {Endpoint: []string{"one.example.com:5000/v2", "https://two.example.com"}},
		},
		Configs: map[string]contract.Registry{"one.example.com:5000": {TLS: &contract.TLS{CAFile: "/ca.crt", InsecureSkipVerify: true}}},
	}
	if err := writeHosts(folder, registries, false); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"_default": "[host.\"http://10.200.0.9:5000\"]\n  capabilities = [\"pull\", \"resolve\"]\n",
		"docker.io": "[host.\"https://one.example.com:5000\"]\n  capabilities = [\"pull\", \"resolve\"]\n  ca = [\"/ca.crt\"]\n  skip_verify = true\n" +
			"[host.\"https://two.example.com\"]\n  capabilities = [\"pull\", \"resolve\"]\n",
	} {
		content, err := os.ReadFile(filepath.Join(folder, name, "hosts.toml"))
		if err != nil || string(content) != want {
			t.Errorf("%s: %v\n%s", name, err, content)
		}
	}
	if err := writeHosts(folder, contract.Registries{Mirrors: map[string]contract.Mirror{"*": registries.Mirrors["*"]}}, true); err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(filepath.Join(folder, "_default/hosts.toml"))
	if !strings.HasPrefix(string(content), "server = \"http://10.200.0.9:5000\"\n") {
		t.Errorf("others may be asked: %s", content)
	}
	if _, err := os.Stat(filepath.Join(folder, "docker.io")); !os.IsNotExist(err) {
		t.Error("a mirror that is gone stays")
	}
}

func TestUsersFlagsWin(t *testing.T) {
	lines := flags(map[string]string{"a": "1", "b": "2"}, []string{"b=3", "c", "d=x=y"})
	slices.Sort(lines)
	if got := strings.Join(lines, " "); got != "--a=1 --b=3 --c=true --d=x=y" {
		t.Error(got)
	}
}

func TestAnAuthorityThatIsThereIsUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls/server-ca")
	first, err := loadAuthority(path, "server-ca")
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadAuthority(path, "server-ca")
	if err != nil || string(again.pem) != string(first.pem) {
		t.Fatalf("another one was made: %v", err)
	}
	if info, err := os.Stat(path + ".key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info, err)
	}
	pair, err := again.server("x", []string{"a.example.com", "10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(first.pem)
	block, _ := pem.Decode(pair.Certificate)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.example.com", "10.0.0.1"} {
		if _, err := certificate.Verify(x509.VerifyOptions{DNSName: name, Roots: pool}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddressesOfARange(t *testing.T) {
	if got := addressIn("10.96.0.0/16", 10); got != "10.96.0.10" {
		t.Error(got)
	}
}

func TestAProgramThatEndsIsStartedAgain(t *testing.T) {
	folder := t.TempDir()
	script := filepath.Join(folder, "short")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho hello\necho x >> "+folder+"/starts\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	keep(ctx, program{name: script, log: folder + "/log"})
	deadline := time.Now().Add(10 * time.Second)
	for {
		starts, _ := os.ReadFile(folder + "/starts")
		log, _ := os.ReadFile(folder + "/log")
		if strings.Count(string(starts), "x") >= 2 && strings.HasPrefix(string(log), "hello\nhello\n") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("starts: %q, log: %q", starts, log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestOnlyMirrorsMeansNothingFromOutside(t *testing.T) {
	all := contract.Registries{Mirrors: map[string]contract.Mirror{"*": {Endpoint: []string{"http://a:5000"}}}}
	for arguments, want := range map[string]bool{"": true, "--disable-default-registry-endpoint": false} {
		settings, err := contract.Read(contract.Sources{Role: contract.Server, ConfigFile: "/nonexistent", Arguments: strings.Fields(arguments)})
		if err != nil {
			t.Fatal(err)
		}
		if got := outsideIsAsked(settings, all); got != want {
			t.Errorf("%q: %v", arguments, got)
		}
		if !outsideIsAsked(settings, contract.Registries{}) {
			t.Error("without a mirror everybody is asked outside")
		}
	}
}
