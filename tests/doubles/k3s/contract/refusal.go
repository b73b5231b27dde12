// Package contract knows what the documentation of k3s allows, and refuses everything else.
package contract

import (
	"fmt"
	"strings"
)

// Pages of the documentation that checks refer to.
const (
	PageServer     = "https://docs.k3s.io/cli/server"
	PageAgent      = "https://docs.k3s.io/cli/agent"
	PageCLI        = "https://docs.k3s.io/cli"
	PageConfig     = "https://docs.k3s.io/installation/configuration#configuration-file"
	PageKubelet    = "https://docs.k3s.io/installation/configuration#kubelet-configuration"
	PageRegistries = "https://docs.k3s.io/installation/private-registry"
	PageVariables  = "https://docs.k3s.io/reference/env-variables"
	PageCA         = "https://docs.k3s.io/cli/certificate#using-custom-ca-certificates"
	PageToken      = "https://docs.k3s.io/cli/token"
	PageComponents = "https://docs.k3s.io/installation/packaged-components"
	PageDropIns    = "https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/"
	PageLabels     = "https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction"
)

// Refusal is one thing that the documentation does not know.
type Refusal struct {
	// Object is the file, variable or argument.
	Object string
	// Seen says what was found there.
	Seen string
	// Hint says what to write instead.
	Hint string
	// Page is where the documentation says so.
	Page string
}

func (r Refusal) Error() string {
	return fmt.Sprintf("error: %s: %s\n(hint: %s)\n(page: %s)", r.Object, r.Seen, r.Hint, r.Page)
}

// Refusals are collected, so that one start shows all of them.
type Refusals []Refusal

func (r *Refusals) add(object, page, hint, seen string, args ...any) {
	*r = append(*r, Refusal{Object: object, Seen: fmt.Sprintf(seen, args...), Hint: hint, Page: page})
}

func (r Refusals) Error() string {
	texts := make([]string, len(r))
	for i, refusal := range r {
		texts[i] = refusal.Error()
	}
	return strings.Join(texts, "\n")
}

// orNil is nil when nothing was refused: an empty list in an error interface would not be.
func (r Refusals) orNil() error {
	if len(r) == 0 {
		return nil
	}
	return r
}
