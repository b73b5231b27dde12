# Where things are, and how the scripts here talk. Sourced, never run.
# shellcheck shell=bash disable=SC2034 # Those who source this use them.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
# What takes long to make and can be made again.
WORK=${ROLLCALL_DOUBLE_WORK:-$ROOT/target/doubles/kind}
# The Debian below the image: that of kind's own base image.
SUITE=${ROLLCALL_DOUBLE_SUITE:-trixie}

say() { printf 'kind-double: %s\n' "$1"; }

# fail MESSAGE HINT
fail() {
	printf 'error: %s\n(hint: %s)\n' "$1" "$2" >&2
	exit 1
}

# need PROGRAM PACKAGE
need() {
	command -v "$1" >/dev/null 2>&1 || fail "\`$1\` is not there, and the image is built with it" "\`apt-get install $2\`"
}

# go_in FOLDER ARGUMENTS...: `go` in a module, independent of the user's own settings of it.
go_in() {
	(cd "$1" && shift && CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOWORK=off GOTOOLCHAIN=local go "$@")
}

# required MODULE FILE: the version of a module that a go.mod requires.
required() {
	local version
	version=$(awk -v module="$1" '!/=>/ { sub(/^require /, ""); if ($1 == module) { print $2; exit } }' "$2")
	[[ -n $version ]] || fail "\`$2\` does not require \`$1\`" "the module was renamed, or the file is not what this script expects"
	printf '%s' "$version"
}

KUBERNETES=$(required k8s.io/kubernetes "$HERE/programs/go.mod")
NODE_IMAGE=rollcall/node:$KUBERNETES
TAG=$KUBERNETES
[[ $SUITE == trixie ]] || TAG+=-$SUITE
IMAGE=rollcall/kind-double:$TAG
BASE_IMAGE=rollcall/kind-double-base:$TAG
