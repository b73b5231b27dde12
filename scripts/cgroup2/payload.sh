#!/usr/bin/env bash
# payload.sh FOLDER ROLLCALL: makes the second disk of the virtual machine in FOLDER, with everything that is of this
# work tree: the command line ROLLCALL, the images, the scenario, and the program that runs it.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C

readonly AGENT_IMAGE=rollcall/agent:1

root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(cd "$1" && pwd)
rollcall=$2
# The version that a scenario without a word about it gets.
node_image=rollcall/node:$(sed -n 's/^pub const DEFAULT_KUBERNETES: .* "\(.*\)";$/\1/p' "$root/harness/engine/src/cluster/builder.rs")
readonly root folder rollcall node_image

fail() {
	printf 'error: %s\n(hint: %s)\n' "$1" "$2" >&2
	exit 3
}

# The program's libraries come along: the machine it was built on may have newer ones than the disk.
libraries() {
	local line path
	mkdir "$tree/lib"
	while read -r line; do
		path=$(grep --only-matching --extended-regexp '/[^ ]+' <<<"$line") || continue
		cp -L "$path" "$tree/lib/"
		[[ $path != */ld-linux* ]] || ln -s "${path##*/}" "$tree/lib/ld.so"
	done < <(ldd "$rollcall")
	[[ -e $tree/lib/ld.so ]] || fail "\`ldd $rollcall\` names no loader" "is it a program of this machine?"
}

images() {
	local image ids=''
	for image in "$node_image" "$AGENT_IMAGE"; do
		ids+=$(docker image inspect --format '{{.Id}} ' "$image") || fail "image \`$image\` is not there" "\`make image\` builds it"
	done
	# Saving them takes the longest of all this.
	if [[ ! -e $folder/images.tar || ! -e $folder/images.stamp || $(<"$folder/images.stamp") != "$ids" ]]; then
		rm -f "$folder/images.stamp"
		docker save --output "$folder/images.tar" "$node_image" "$AGENT_IMAGE"
		printf '%s\n' "$ids" >"$folder/images.stamp"
	fi
	ln "$folder/images.tar" "$tree/images.tar"
}

tree=$(mktemp --directory "$folder/payload.XXXXXX")
trap 'rm -r "$tree"' EXIT
mkdir -p "$tree/scripts/cgroup2" "$tree/manifests" "$tree/evidence"
install -m 755 "$root/scripts/cgroup2/init" "$tree/init"
# Without the debugging information that nobody reads there.
strip -o "$tree/rollcall" "$rollcall" 2>/dev/null || cp "$rollcall" "$tree/rollcall"
cp "$root/scripts/cgroup2/nodes-come-and-go.yaml" "$tree/scripts/cgroup2/"
cp "$root/manifests/01-log-collector-daemonset.yaml" "$tree/manifests/"
# What the host was told that concerns the scenario.
printf 'export ROLLCALL_PATIENCE=%q\n' "$ROLLCALL_PATIENCE" >"$tree/environment"
libraries
images
rm -f "$folder/payload.ext4"
# Without a journal, in which what the machine leaves behind could still lie when it is read from outside.
mke2fs -q -t ext4 -O ^has_journal -d "$tree" "$folder/payload.ext4" 2G >"$folder/payload.log"
