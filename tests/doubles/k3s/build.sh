#!/usr/bin/env bash
# Builds the test double of the `rancher/k3s` image from rollcall's node image of the newest Kubernetes, and does
# nothing when it is there already.
set -euo pipefail

readonly MINOR=1.37
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
readonly here root
readonly modules=$root/node/modules
readonly work=$root/target/doubles/k3s

# fail MESSAGE HINT
fail() {
	printf 'error: %s\n(hint: %s)\n' "$1" "$2" >&2
	exit 1
}

# The newest local node image of the minor, as repository:tag.
base_image() {
	docker image ls --format '{{.Repository}}:{{.Tag}}' rollcall/node | grep -F ":v$MINOR." | sort -V | tail -n 1
}

# One hash over everything the image is made from.
inputs() {
	(
		cd "$root"
		find tests/doubles/k3s node/modules/containerd node/modules/tools -type f ! -name '*_test.go' ! -name '*.md' -print0 |
			sort -z | xargs -0 sha256sum
		docker image inspect --format '{{.Id}}' "$base"
		GOTOOLCHAIN=local go env GOVERSION
	) | sha256sum | cut -d ' ' -f 1
}

# build MODULE OUT [FLAG...] PACKAGE: one static program, with the flags of the node image's builder so that what that
# has compiled is used again.
build() {
	local module=$1 out=$2
	shift 2
	(
		cd "$module"
		CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOWORK=off GOTOOLCHAIN=local \
			go build -trimpath -gcflags=all=-dwarf=false -o "$out" "$@"
	)
}

base=$(base_image || true)
[[ -n $base ]] || fail "there is no local image rollcall/node:v$MINOR.x, and the double is made from it" "build it with \`make image\`"
version=${base##*:}
readonly base version
readonly tag=rollcall/k3s-double:$version-k3s1

hash=$(inputs)
if [[ $(docker image inspect --format '{{index .Config.Labels "rollcall.inputs"}}' "$tag" 2>/dev/null || true) == "$hash" ]]; then
	printf '%s is up to date\n' "$tag"
	exit 0
fi

rm -rf "$work"
mkdir -p "$work/bin"
build "$here" "$work/k3s" -ldflags "-s -w -X main.version=$version+k3s1" .
build "$modules/tools" "$work/bin/crictl" -ldflags "-s -w" sigs.k8s.io/cri-tools/cmd/crictl
build "$modules/containerd" "$work/bin/ctr" -ldflags "-s -w" github.com/containerd/containerd/v2/cmd/ctr
build "$here/kubectl" "$work/bin/kubectl" \
	-ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" k8s.io/kubernetes/cmd/kubectl
cp "$here/Dockerfile" "$work/"
# The classic builder: it needs no parts that are fetched, and its steps reach no network.
DOCKER_BUILDKIT=0 docker build --quiet --network none --build-arg "BASE=$base" --label "rollcall.inputs=$hash" --tag "$tag" "$work" >/dev/null
rm -rf "$work"
printf 'built %s\n' "$tag"
