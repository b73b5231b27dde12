#!/usr/bin/env bash
# Makes this machine able to build and run rollcall: a container engine that answers, and the tools the
# node image is built with. Prints one line for each thing it did and nothing when there is nothing to do.
#
# It installs only as root on Debian or Ubuntu; elsewhere it says what to install and exits 3. It never
# changes an engine that answers, and never adds a user to a group.
set -euo pipefail

readonly MIN_GO=1.26 MIN_RUST=1.95
readonly LOG=/var/log/rollcall-dockerd.log
readonly ENGINE_TIMEOUT=60
# Each node takes nine instances of inotify, its kubelet most of them, and all containers share the host's number. The
# usual 128 are used up by three clusters side by side; what a node cannot watch then, it cannot run.
readonly INOTIFY=/proc/sys/fs/inotify/max_user_instances MIN_INOTIFY=1024

done_line() { printf 'prepare: %s\n' "$1"; }

# fail MESSAGE HINT: the environment is not fit, exit 3 as everywhere in rollcall.
fail() {
	printf 'error: %s\n(hint: %s)\n' "$1" "$2" >&2
	exit 3
}

is_root() { [[ $EUID -eq 0 ]]; }

has() { command -v "$1" >/dev/null 2>&1; }

# at_least HAVE WANT: is version HAVE (1.26.8) not below WANT (1.26)?
at_least() {
	local have_major have_minor want_major want_minor
	IFS=. read -r have_major have_minor _ <<<"$1"
	IFS=. read -r want_major want_minor _ <<<"$2"
	((have_major > want_major || (have_major == want_major && ${have_minor%%[!0-9]*} >= want_minor)))
}

check_toolchains() {
	local version
	has git || missing+=(git)
	if has go; then
		version=$(GOTOOLCHAIN=local go env GOVERSION)
		at_least "${version#go}" "$MIN_GO" || fail "Go ${version#go} is too old, $MIN_GO is the least" "install it from https://go.dev/dl"
	else
		fail "\`go\` is not there, and the node image is compiled with it" "install Go $MIN_GO or newer from https://go.dev/dl"
	fi
	has cargo || fail "\`cargo\` is not there" "install Rust $MIN_RUST or newer from https://rustup.rs"
	version=$(cargo --version)
	version=${version#cargo }
	at_least "${version%% *}" "$MIN_RUST" || fail "Rust ${version%% *} is too old, $MIN_RUST is the least" "\`rustup update stable\`"
}

# engine_answers also fills `answer` with why not. The socket is asked, not the process list: an engine
# may be remote (DOCKER_HOST) or be another one that speaks the same API.
engine_answers() { answer=$(docker version --format '{{.Server.Version}}' 2>&1); }

check_permission() {
	if [[ $answer == *"permission denied"* ]]; then
		fail "the container engine runs, but \`$(id -un)\` may not use its socket" "\`sudo usermod -aG docker $(id -un)\`, then log in again"
	fi
}

install_missing() {
	((${#missing[@]})) || return 0
	local id='' id_like=''
	if [[ -r /etc/os-release ]]; then
		id=$(. /etc/os-release && printf %s "${ID:-}")
		id_like=$(. /etc/os-release && printf %s "${ID_LIKE:-}")
	fi
	if [[ " $id $id_like " != *" debian "* && $id != ubuntu ]]; then
		fail "not installed: ${missing[*]} (the names are Debian's)" "install Docker Engine 20.10 or newer (https://docs.docker.com/engine/install), git, and mmdebstrap for the image build"
	fi
	is_root || fail "not installed: ${missing[*]}" "\`sudo apt-get install --no-install-recommends ${missing[*]}\`, or run this as root"

	local log
	log=$(mktemp)
	if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
		tail -n 15 "$log" >&2
		rm -f "$log"
		fail "\`apt-get install ${missing[*]}\` failed" "the lines above are its last"
	fi
	rm -f "$log"
	done_line "installed ${missing[*]}"
}

start_engine() {
	is_root || fail "the container engine is installed but does not answer: $answer" "\`sudo systemctl start docker\`, or run this as root"
	[[ -z ${DOCKER_HOST:-} ]] || fail "the engine at DOCKER_HOST=$DOCKER_HOST does not answer: $answer" "start it there, or unset DOCKER_HOST"
	local started=$SECONDS engine='' how
	if [[ -d /run/systemd/system ]]; then
		how='systemctl start docker'
		systemctl start docker || fail "\`$how\` failed" "\`journalctl -u docker -n 30\` says why"
	else
		has dockerd || fail "the docker client is there, but neither systemd nor \`dockerd\`" "install Docker Engine (Debian: \`docker.io\`)"
		how="dockerd, log in $LOG"
		# A pid file outlives an engine that was killed, and the next engine then refuses to start.
		if [[ -f /var/run/docker.pid ]] && ! kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null; then
			rm -f /var/run/docker.pid
		fi
		# A session of its own, so that Ctrl-C at this script's terminal is not the engine's end.
		setsid dockerd >>"$LOG" 2>&1 </dev/null &
		engine=$!
		disown
	fi
	until engine_answers; do
		if [[ -n $engine ]] && ! kill -0 "$engine" 2>/dev/null; then
			tail -n 15 "$LOG" >&2
			fail "\`dockerd\` ended right after its start" "the lines above are the last of $LOG"
		fi
		if ((SECONDS - started >= ENGINE_TIMEOUT)); then
			[[ -z $engine ]] || tail -n 15 "$LOG" >&2
			fail "the engine does not answer ${ENGINE_TIMEOUT}s after its start: $answer" "look at ${engine:+$LOG}${engine:-\`journalctl -u docker\`}"
		fi
		sleep 0.2
	done
	done_line "started the container engine $answer ($how)"
}

# raise_limits: the engine's host is this machine unless DOCKER_HOST says otherwise.
raise_limits() {
	[[ -r $INOTIFY && -z ${DOCKER_HOST:-} ]] || return 0
	local now
	now=$(<"$INOTIFY")
	((now < MIN_INOTIFY)) || return 0
	if is_root && { echo "$MIN_INOTIFY" >"$INOTIFY"; } 2>/dev/null; then
		done_line "raised fs.inotify.max_user_instances from $now to $MIN_INOTIFY, until the next boot"
	else
		printf 'prepare: fs.inotify.max_user_instances is %s: enough for a dozen nodes at a time\n(hint: `sudo sysctl fs.inotify.max_user_instances=%s`)\n' "$now" "$MIN_INOTIFY"
	fi
}

missing=()
answer=''
check_toolchains
answers=false
has docker && engine_answers && answers=true
# A client alone is no engine; one that DOCKER_HOST names is elsewhere and not ours to install.
if ! has docker || { ! $answers && [[ -z ${DOCKER_HOST:-} ]] && ! has dockerd; }; then
	missing+=(docker.io)
fi
# `iptables` is what the engine programs its networks with; Debian's package only recommends it.
if [[ ${missing[*]} == *docker.io* ]] || { has dockerd && ! has iptables; }; then
	missing+=(iptables)
fi
has mmdebstrap || missing+=(mmdebstrap)
# What the packages of the node image are checked against; Ubuntu does not have it by itself.
[[ -e /usr/share/keyrings/debian-archive-keyring.gpg || -e /usr/share/keyrings/debian-archive-keyring.pgp ]] || missing+=(debian-archive-keyring)
raise_limits
if $answers; then
	install_missing
	exit 0
fi
check_permission
install_missing
engine_answers || start_engine
