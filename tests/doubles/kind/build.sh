#!/usr/bin/env bash
# Builds the test double of kind's node image: kind's own base image and `kind build node-image`, with Kubernetes and
# the container runtime taken from rollcall's node image instead of releases. Says "up to date" when there is nothing
# to do.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for part in common rootfs programs base images; do
	# shellcheck source=/dev/null
	source "$here/build/$part.sh"
done

# inputs: a digest of everything that the image is made of, but the newest packages of Debian.
inputs() {
	local file
	{
		docker image inspect --format '{{.Id}}' "$NODE_IMAGE"
		go env GOVERSION
		echo "$SUITE"
		cd "$ROOT"
		for file in tests/doubles/kind/{build.sh,build,programs,kindcli,storage,snapshotter} node/modules/{tools,containerd}; do
			find "$file" -type f
		done | sort | xargs sha256sum
	} | sha256sum | cut -d' ' -f1
}

need docker docker.io
need go golang
need jq jq
docker image inspect "$NODE_IMAGE" >/dev/null 2>&1 ||
	fail "there is no image \`$NODE_IMAGE\`, from which this one takes Kubernetes" "\`make image\` builds it"
digest=$(inputs)
if [[ $(docker image inspect --format '{{index .Config.Labels "rollcall.inputs"}}' "$IMAGE" 2>/dev/null) == "$digest" ]]; then
	say "$IMAGE is up to date"
	exit 0
fi

started=$SECONDS
mkdir -p "$WORK"
# shellcheck disable=SC2153 # common.sh sets it.
go_in "$HERE/kindcli" mod download sigs.k8s.io/kind
source=$(go_in "$HERE/kindcli" list -m -f '{{.Dir}}' sigs.k8s.io/kind)
make_programs
take_from_node_image
make_rootfs "$source/images/base/Dockerfile"
make_base "$source" "$digest"
make_release "$source"
say "running \`kind build node-image\`"
PATH=$HERE/wrapper:$PATH "$WORK/bin/kind" build node-image --type file --base-image "$BASE_IMAGE" --image "$IMAGE" "$WORK/release.tar.gz" >"$WORK/kind-build.log" 2>&1 || {
	tail -n 20 "$WORK/kind-build.log" >&2
	fail "\`kind build node-image\` failed" "the lines above are the last of $WORK/kind-build.log"
}
docker image rm "$BASE_IMAGE" "$BASE_IMAGE-debian" "$BASE_IMAGE-programs" >/dev/null
rm -f "$WORK/release.tar.gz"
docker image prune --force --filter "label=rollcall.double=kind" >/dev/null
say "built $IMAGE in $((SECONDS - started))s"
