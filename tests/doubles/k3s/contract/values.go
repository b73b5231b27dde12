package contract

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// The forms of Kubernetes' names.
var (
	namePart   = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	dnsName    = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	octalMode  = regexp.MustCompile(`^0?[0-7]{3}$`)
	secureForm = regexp.MustCompile(`^K10[0-9a-f]{64}::.+$`)
)

// components are what `--disable` may name, from the help text of `k3s server`.
var components = []string{"coredns", "servicelb", "traefik", "local-storage", "metrics-server", "runtimes"}

func isOneOf(words ...string) func(string) string {
	return func(value string) string {
		if slices.Contains(words, value) {
			return ""
		}
		return fmt.Sprintf("`%s` is none of %s", value, strings.Join(words, ", "))
	}
}

func isComponent(value string) string {
	for _, name := range strings.Split(value, ",") {
		if wrong := isOneOf(components...)(name); wrong != "" {
			return wrong
		}
	}
	return ""
}

func isAddress(value string) string {
	for _, part := range strings.Split(value, ",") {
		if _, err := netip.ParseAddr(part); err != nil {
			return fmt.Sprintf("`%s` is no IP address", part)
		}
	}
	return ""
}

func isRange(value string) string {
	for _, part := range strings.Split(value, ",") {
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			return fmt.Sprintf("`%s` is no range of addresses such as 10.42.0.0/16", part)
		}
		if prefix != prefix.Masked() {
			return fmt.Sprintf("`%s` is an address in `%s`, and no range", part, prefix.Masked())
		}
	}
	return ""
}

func isHost(value string) string {
	if net.ParseIP(value) != nil || dnsName.MatchString(strings.TrimPrefix(value, "*.")) {
		return ""
	}
	return fmt.Sprintf("`%s` is neither a host name nor an IP address", value)
}

func isMode(value string) string {
	if octalMode.MatchString(value) {
		return ""
	}
	return fmt.Sprintf("`%s` is no file mode in octal digits, such as \"0644\"", value)
}

func isServerURL(value string) string {
	address, err := url.Parse(value)
	switch {
	case err != nil || address.Host == "":
		return fmt.Sprintf("`%s` is no address such as https://10.0.0.1:6443", value)
	case address.Scheme != "https":
		return fmt.Sprintf("`%s` does not begin with https://", value)
	case strings.Trim(address.Path, "/") != "":
		return fmt.Sprintf("`%s` has a path", value)
	}
	return ""
}

func isToken(value string) string {
	switch {
	case value == "":
		return "it is empty"
	case strings.ContainsAny(value, " \t\n"):
		return "it has white space"
	case strings.HasPrefix(value, "K10") && strings.Contains(value, "::") && !secureForm.MatchString(value):
		return "it begins like a secure token (`K10`) and has no hash of 64 hexadecimal digits before `::`"
	}
	return ""
}

func isNodeName(value string) string {
	if len(value) <= 253 && dnsName.MatchString(value) {
		return ""
	}
	return fmt.Sprintf("`%s` is no name of a node: lower case letters, digits, `-` and `.`", value)
}

// isProgramFlag is the form in which the documentation passes flags on: without dashes.
func isProgramFlag(value string) string {
	name, _, _ := strings.Cut(value, "=")
	if name == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, " \t") {
		return fmt.Sprintf("`%s` is not of the form flag=value, without dashes before it", value)
	}
	return ""
}

func isQualifiedName(key string) bool {
	prefix, name, found := strings.Cut(key, "/")
	if !found {
		return namePart.MatchString(key)
	}
	return len(prefix) <= 253 && dnsName.MatchString(prefix) && namePart.MatchString(name)
}

func isLabelValue(value string) bool { return value == "" || namePart.MatchString(value) }

func isNodeLabel(label string) string {
	key, value, found := strings.Cut(label, "=")
	if !found || !isQualifiedName(key) || !isLabelValue(value) {
		return fmt.Sprintf("`%s` is no label of the form key=value", label)
	}
	if !kubeletMaySet(key) {
		return fmt.Sprintf("`%s` is a label that a kubelet may not give its own node, so the node would not come up", key)
	}
	return ""
}

// kubeletMaySet is the rule of the NodeRestriction admission plug-in and of `kubelet --node-labels`.
func kubeletMaySet(key string) bool {
	prefix, _, found := strings.Cut(key, "/")
	below := func(domain string) bool { return prefix == domain || strings.HasSuffix(prefix, "."+domain) }
	if !found || (!below("kubernetes.io") && !below("k8s.io")) {
		return true
	}
	if below("kubelet.kubernetes.io") || below("node.kubernetes.io") {
		return true
	}
	return slices.Contains([]string{
		"kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os",
		"beta.kubernetes.io/instance-type", "beta.kubernetes.io/arch", "beta.kubernetes.io/os",
		"failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
		"topology.kubernetes.io/zone", "topology.kubernetes.io/region",
	}, key)
}

func isNodeTaint(taint string) string {
	rest, effect, found := strings.Cut(taint, ":")
	key, value, _ := strings.Cut(rest, "=")
	if !found || !isQualifiedName(key) || !isLabelValue(value) {
		return fmt.Sprintf("`%s` is no taint of the form key=value:Effect", taint)
	}
	if wrong := isOneOf("NoSchedule", "PreferNoSchedule", "NoExecute")(effect); wrong != "" {
		return "the effect " + wrong
	}
	return ""
}
