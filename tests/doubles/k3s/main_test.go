package main

import (
	"io"
	"os"
	"strings"
	"testing"
)

// said is what a function prints to standard error.
func said(t *testing.T, do func() int) (string, int) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	kept := os.Stderr
	os.Stderr = writer
	code := do()
	os.Stderr = kept
	writer.Close()
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), code
}

func TestOnlyDocumentedSubCommands(t *testing.T) {
	for arguments, want := range map[string]string{
		"":              "no sub-command",
		"serve":         "no such sub-command",
		"etcd-snapshot": "this double does not have it",
	} {
		text, code := said(t, func() int { return start(strings.Fields(arguments)) })
		if code != 1 || !strings.Contains(text, want) || !strings.Contains(text, "(page: https://docs.k3s.io/cli)") {
			t.Errorf("`k3s %s` ended with %d: %s", arguments, code, text)
		}
	}
}

func TestARefusalEndsWithItsReason(t *testing.T) {
	text, code := said(t, func() int { return start([]string{"agent", "--nothing"}) })
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if last := lines[len(lines)-1]; code != 1 || last != "fatal: argument `--nothing`: `k3s agent` has no such flag" {
		t.Errorf("%d: %s", code, text)
	}
}
