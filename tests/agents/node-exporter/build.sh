#!/usr/bin/env bash
# Builds the image of Prometheus's node_exporter from its Go module, and does nothing when it is there already.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
readonly here root
readonly work=$root/target/agents/node-exporter
readonly package=github.com/prometheus/node_exporter

version=$(cd "$here" && sed -n "s|^[[:space:]]*$package \(v[0-9.]*\).*|\1|p" go.mod | head -n 1)
readonly version
readonly tag=rollcall/node-exporter:$version

hash=$(cd "$here" && cat go.mod go.sum Dockerfile build.sh | sha256sum | cut -d ' ' -f 1)
readonly hash
if [[ $(docker image inspect --format '{{index .Config.Labels "rollcall.inputs"}}' "$tag" 2>/dev/null || true) == "$hash" ]]; then
	printf '%s is up to date\n' "$tag"
	exit 0
fi

rm -rf "$work"
mkdir -p "$work"
(
	cd "$here"
	CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOWORK=off GOTOOLCHAIN=local \
		go build -trimpath -ldflags "-s -w -X github.com/prometheus/common/version.Version=${version#v}" \
		-o "$work/node_exporter" "$package"
)
cp "$here/Dockerfile" "$work/"
# The classic builder: it needs no parts that are fetched, and its steps reach no network.
DOCKER_BUILDKIT=0 docker build --quiet --network none --label "rollcall.inputs=$hash" --tag "$tag" "$work" >/dev/null
rm -rf "$work"
printf 'built %s\n' "$tag"
