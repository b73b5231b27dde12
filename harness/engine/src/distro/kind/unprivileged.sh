# Does for the image's own entry point what `--privileged` would have done, where the engine cannot give that.
set -euo pipefail

# Control groups of version 1 are mounted read-only. They are the host's, so only this node's mounts are changed.
if [[ ! -f /sys/fs/cgroup/cgroup.controllers ]]; then
	findmnt -lno TARGET -t cgroup | while read -r target; do
		mount -o remount,bind,rw "$target"
	done
fi
# The kubelet ends when it cannot open it.
[[ -e /dev/kmsg ]] || mknod /dev/kmsg c 1 11
# Without CAP_SYS_RESOURCE nobody may lower an out-of-memory score; where that is missing, the image's own setting for
# user namespaces is what helps.
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' /etc/containerd/config.toml

exec /usr/local/bin/entrypoint /sbin/init
