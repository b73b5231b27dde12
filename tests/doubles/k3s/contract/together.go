package contract

import (
	"net/netip"
	"os"
	"strings"
)

// together checks what only several flags show.
func together(settings Settings, refusals *Refusals) {
	if settings.Role == Agent {
		togetherAgent(settings, refusals)
		return
	}
	togetherServer(settings, refusals)
}

func togetherAgent(settings Settings, refusals *Refusals) {
	if !settings.Has("server") {
		refusals.add("`k3s agent`", PageAgent, "set `server` (K3S_URL)", "it was not told which server to join")
	}
	if !settings.Has("token") && !settings.Has("token-file") {
		refusals.add("`k3s agent`", PageAgent, "set `token` (K3S_TOKEN) or `token-file`", "it has no token to join with")
	}
}

func togetherServer(settings Settings, refusals *Refusals) {
	services := settings.Text("service-cidr", "10.43.0.0/16")
	for _, dns := range settings.List("cluster-dns") {
		address, err := netip.ParseAddr(dns)
		if err == nil && !inOneOf(address, services) {
			refusals.add("flag `cluster-dns`", PageServer, "take an address of the range of Services", "`%s` is not in service-cidr `%s`", dns, services)
		}
	}
	if settings.Has("server") {
		refusals.add("flag `server`", PageServer, "leave it out", "the double has one server, and none can join it")
	}
	if settings.Has("datastore-endpoint") {
		refusals.add("flag `datastore-endpoint`", PageServer, "leave it out", "the double keeps its data itself")
	}
	if token := settings.Text("token", ""); strings.HasPrefix(token, "K10") && strings.Contains(token, "::") {
		if _, err := os.Stat(TLSFolder + "/server-ca.crt"); err != nil {
			refusals.add("flag `token`", PageToken, "use the short form", "a first server that makes its own authority cannot be given the secure form")
		}
	}
}

func inOneOf(address netip.Addr, ranges string) bool {
	for _, part := range strings.Split(ranges, ",") {
		if prefix, err := netip.ParsePrefix(part); err == nil && prefix.Contains(address) {
			return true
		}
	}
	return false
}
