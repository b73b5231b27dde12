#!/usr/bin/env bash
# Runs one scenario on a kernel that has nothing but control groups of version 2, in a virtual machine. Everything it
# needs is made below target/cgroup2 and kept there for the next time.
#
# Ends with rollcall's exit code; 3 if this machine is not fit for it, or the virtual machine said nothing in time.
#
# The processor is emulated, which is slow and works everywhere. ROLLCALL_KVM=1 uses the machine's own; it is not the
# default, since a /dev/kvm that is there may still hang.
set -euo pipefail

readonly MEMORY=6000
readonly LIMIT=1800

root=$(cd "$(dirname "$0")/../.." && pwd)
readonly root folder=$root/target/cgroup2 console=$root/target/cgroup2/console.log

say() { printf 'cgroup2: %s\n' "$1"; }

fail() {
	printf 'error: %s\n(hint: %s)\n' "$1" "$2" >&2
	exit 3
}

has() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1; }

check() {
	[[ $(uname -sm) == 'Linux x86_64' ]] || fail "the virtual machine is made for x86-64 Linux, and this is $(uname -sm)" "run it there"
	[[ $EUID -eq 0 ]] || fail "the disk of the virtual machine is made by root" "run this as root"
	local missing=()
	has qemu-system-x86_64 || missing+=(qemu-system-x86)
	has mmdebstrap || missing+=(mmdebstrap)
	has mke2fs || missing+=(e2fsprogs)
	((${#missing[@]})) || return 0
	has apt-get || fail "not installed: ${missing[*]} (the names are Debian's)" "install QEMU for x86-64, mmdebstrap and e2fsprogs"
	local log=$folder/install.log
	if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
		tail -n 15 "$log" >&2
		fail "\`apt-get install ${missing[*]}\` failed" "the lines above are the last of $log"
	fi
	say "installed ${missing[*]}"
}

build() {
	local built
	built=$(cd "$root" && "${CARGO:-cargo}" build --quiet --package rollcall-cli --message-format json-render-diagnostics |
		sed -n 's/.*"executable":"\([^"]*\/rollcall\)".*/\1/p' | tail -n 1)
	[[ -x $built ]] || fail "the command line could not be built" "\`cargo build --package rollcall-cli\` says why"
	printf '%s\n' "$built"
}

# What concerns the reader is marked by those who write it; the rest of the console stays in its file.
shown() { sed -un 's/\r$//; s/^.*\(cgroup2: \)/\1/p'; }

machine() {
	local accelerator=(-accel 'tcg,thread=multi' -cpu max)
	[[ ${ROLLCALL_KVM:-} != 1 ]] || accelerator=(-accel kvm -cpu host)
	# What is written to the first disk is thrown away, so that the next run finds it as it was made.
	TMPDIR=$folder timeout --foreground --kill-after=10 "$LIMIT" nice -n 19 qemu-system-x86_64 \
		"${accelerator[@]}" -smp 2 -m "$MEMORY" -nic none -nographic -no-reboot \
		-kernel "$folder/vmlinuz" -initrd "$folder/initrd.img" \
		-append 'root=/dev/vda rw init=/sbin/rollcall-boot console=ttyS0 quiet cgroup_no_v1=all panic=-1' \
		-drive "file=$folder/disk.ext4,if=virtio,format=raw,snapshot=on" \
		-drive "file=$folder/payload.ext4,if=virtio,format=raw,cache=unsafe" \
		</dev/null 2>&1 | tee "$console" | shown
}

evidence() {
	rm -rf "$folder/evidence"
	PATH=$PATH:/usr/sbin:/sbin debugfs -R "rdump /evidence $folder" "$folder/payload.ext4" >"$folder/debugfs.log" 2>&1 || return 0
	say "what the machine left: $folder/evidence, its console: $console"
}

mkdir -p "$folder"
# An emulated processor is some twenty times slower, and so is everything that has a deadline.
export ROLLCALL_PATIENCE=${ROLLCALL_PATIENCE:-20}
check
rollcall=$(build)
"$root/scripts/cgroup2/disk.sh" "$folder"
"$root/scripts/cgroup2/payload.sh" "$folder" "$rollcall"
say "the virtual machine starts; it has $((LIMIT / 60)) minutes"
started=$SECONDS
code=0
machine || code=$?
took=$((SECONDS - started))
told=$(sed -n 's/\r$//; s/^.*cgroup2: exit \([0-9]*\)$/\1/p' "$console" | tail -n 1)
if [[ -z $told ]]; then
	tail -n 15 "$console" >&2
	evidence
	if ((code == 124 || code == 137)); then
		fail "the virtual machine was not done within ${LIMIT}s" "the lines above are its last; a machine that does nothing else is faster"
	fi
	fail "the virtual machine ended after ${took}s (exit code $code) and said no result" "the lines above are its last"
fi
say "the virtual machine ran for ${took}s, rollcall's exit code is $told"
[[ $told == 0 ]] || evidence
exit "$told"
