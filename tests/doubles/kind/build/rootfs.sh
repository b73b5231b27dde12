# The Debian packages below kind's base image. Sourced by build.sh.
# shellcheck shell=bash

# packages DOCKERFILE: what kind's Dockerfile installs, one a line.
packages() {
	awk '/clean-install \\$/ && !on { on = 1; next } on && /^ *&&/ { exit } on { gsub(/\\/, ""); for (i = 1; i <= NF; i++) print $i }' "$1"
}

# make_rootfs DOCKERFILE: writes $WORK/rootfs-$SUITE.tar and the folder of the same content, unless both are there.
make_rootfs() {
	local list mirror=()
	list=$(packages "$1" | paste -sd,)
	[[ $list == systemd,* ]] || fail "no list of packages with systemd was found in $1" "kind's Dockerfile has changed; change packages() with it"
	if ! grep -q "^ARG BASE_IMAGE=debian:$SUITE" "$1"; then
		say "Debian $SUITE is not what kind has: $(sed -n "s/^ARG BASE_IMAGE=//p" "$1")"
	fi
	[[ $(cat "$WORK/rootfs-$SUITE.packages" 2>/dev/null) != "$list" ]] || return 0
	need mmdebstrap mmdebstrap
	if [[ -n ${ROLLCALL_DEBIAN_MIRROR:-} ]]; then
		mirror=("$ROLLCALL_DEBIAN_MIRROR")
	elif grep -qsw "$SUITE" /etc/apt/sources.list.d/debian.sources; then
		mirror=(/etc/apt/sources.list.d/debian.sources)
	fi
	say "installing Debian $SUITE"
	# Without what kind's base image removes too.
	# shellcheck disable=SC2016 # mmdebstrap's shell expands it.
	mmdebstrap --quiet --variant=minbase "--include=$list" \
		'--aptopt=APT::Install-Recommends "false"' \
		'--dpkgopt=path-exclude=/usr/share/doc/*' '--dpkgopt=path-exclude=/usr/share/man/*' '--dpkgopt=path-exclude=/usr/share/locale/*' \
		'--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/debconf/* "$1"/var/log/*' \
		"$SUITE" "$WORK/rootfs-$SUITE.tar" "${mirror[@]}"
	rm -rf "$WORK/rootfs-$SUITE"
	mkdir -p "$WORK/rootfs-$SUITE"
	tar -xf "$WORK/rootfs-$SUITE.tar" -C "$WORK/rootfs-$SUITE" --exclude='./dev/*'
	printf '%s' "$list" >"$WORK/rootfs-$SUITE.packages"
}
