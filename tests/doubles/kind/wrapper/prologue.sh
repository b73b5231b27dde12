# What `--privileged` would have done to a node's container, done in it before kind's own entry point.
# shellcheck shell=bash
set -euo pipefail

# Control groups of version 1 are mounted read-only. They are shared with the host, so only this mount is changed.
if [[ ! -f /sys/fs/cgroup/cgroup.controllers ]]; then
	findmnt -lno TARGET -t cgroup | while read -r target; do
		mount -o remount,bind,rw "$target"
	done
fi
# The kubelet ends when it cannot open it.
[[ -e /dev/kmsg ]] || mknod /dev/kmsg c 1 11
# Without CAP_SYS_RESOURCE nobody lowers an out-of-memory score; kind does the same in a user namespace.
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' /etc/containerd/config.toml

exec /usr/local/bin/entrypoint /sbin/init
