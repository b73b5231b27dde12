#!/usr/bin/env bash
# disk.sh FOLDER: makes the disk of the virtual machine in FOLDER, a Debian with a container engine, and beside it the
# kernel and its initial file system. Nothing is done if they are there and were made by this very script.
#
# The disk is written by `mke2fs` out of a folder, so nothing is mounted on this machine.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C

readonly RELEASE=bookworm
readonly PACKAGES=linux-image-cloud-amd64,docker.io,iptables,iproute2,kmod,mount,procps,ca-certificates
# The writes of a run go to a file of their own, so this is only how much room there is, not how much is taken.
readonly SIZE=8G

here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$1" && pwd)
readonly here folder

# The mirror of this machine's own apt, if it is of the same Debian, as for the node image.
mirror() {
	if [[ -n ${ROLLCALL_DEBIAN_MIRROR:-} ]]; then
		printf '%s\n' "$ROLLCALL_DEBIAN_MIRROR"
		return
	fi
	local file
	for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
		if grep --quiet --no-messages --extended-regexp "^(deb|Suites:) .*\b$RELEASE\b" "$file"; then
			printf '%s\n' "$file"
			return
		fi
	done
}

stamp=$(cat "$here/disk.sh" "$here/boot" | sha256sum)
if [[ -e $folder/disk.stamp && $(<"$folder/disk.stamp") == "$stamp" ]]; then
	exit 0
fi
rm -f "$folder/disk.stamp" "$folder/disk.ext4"

tree=$(mktemp --directory "$folder/disk.XXXXXX")
trap 'rm -rf "$tree"' EXIT
sources=$(mirror)
log=$folder/disk.log
if ! mmdebstrap --variant=essential --format=directory --include="$PACKAGES" \
	--aptopt='APT::Install-Recommends "false"' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	"$RELEASE" "$tree" ${sources:+"$sources"} >"$log" 2>&1; then
	tail -n 15 "$log" >&2
	printf 'error: the disk of the virtual machine could not be made\n(hint: %s)\n' \
		"the lines above are the last of $log; ROLLCALL_DEBIAN_MIRROR names another package server" >&2
	exit 3
fi
mv "$tree"/boot/vmlinuz-* "$folder/vmlinuz"
mv "$tree"/boot/initrd.img-* "$folder/initrd.img"
install -m 755 "$here/boot" "$tree/sbin/rollcall-boot"
mke2fs -q -t ext4 -d "$tree" "$folder/disk.ext4" "$SIZE" >>"$log"
printf '%s\n' "$stamp" >"$folder/disk.stamp"
printf 'cgroup2: made the disk (%s of Debian %s)\n' "$(du -h "$folder/disk.ext4" | cut -f 1)" "$RELEASE"
