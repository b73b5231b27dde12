#!/usr/bin/env bash
# Pins a Kubernetes release for the node image: writes node/modules/kubernetes/versions/<minor>.{mod,sum}.
#
# It asks the Go module proxy only, and builds nothing. CoreDNS is the one that kubeadm of the release
# installs: a newer one would raise the libraries they share above what upstream was released with.
# kwok is the one release there is; where it asks for later libraries than upstream was released with, the
# whole build gets them (with 1.37 it asks for none).
set -euo pipefail

if [[ ! ${1:-} =~ ^v1\.[0-9]+\.[0-9]+$ ]]; then
	printf 'usage: %s v1.37.2\n' "$0" >&2
	exit 2
fi
version=$1
kwok=v0.8.0
staging=v0.${version#v1.}
minor=${version#v}
minor=${minor%.*}

cd "$(dirname "${BASH_SOURCE[0]}")/../node/modules/kubernetes"
source=$(go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
coredns=$(sed -n 's/.*CoreDNSVersion = "\(v[^"]*\)".*/\1/p' "$source/cmd/kubeadm/app/constants/constants.go")

rm -f "versions/$minor.sum"
{
	cat <<-HEADER
		// Requirements of Kubernetes $version, chosen with \`go build -modfile versions/$minor.mod\`.
		// Upstream requires its staging modules at v0.0.0 and replaces them by directories; the same
		// modules are published as $staging. CoreDNS is the version that kubeadm of this Kubernetes installs:
		// a newer one would raise the libraries they share above what upstream was released with.
		// kwok $kwok may raise some for an older Kubernetes.
		// Written by scripts/pin-kubernetes.sh.
		module rollcall.dev/node/kubernetes

		go 1.26.0

	HEADER
	grep '^godebug' "$source/go.mod" || true
	printf '\nrequire (\n\tk8s.io/kubernetes %s\n\tgithub.com/coredns/coredns %s\n\tsigs.k8s.io/kwok %s\n)\n\nreplace (\n' "$version" "$coredns" "$kwok"
	awk -v staging="$staging" '$1 ~ /^k8s\.io\// && $2 == "v0.0.0" && !seen[$1]++ {print "\t" $1 " => " $1 " " staging}' "$source/go.mod"
	printf ')\n'
} >"versions/$minor.mod"
GOFLAGS='' go mod tidy -modfile="versions/$minor.mod"
GOFLAGS='' go list -modfile="versions/$minor.mod" -deps . ./addons >/dev/null
printf 'pinned Kubernetes %s with CoreDNS %s and kwok %s\n' "$version" "$coredns" "$kwok"
