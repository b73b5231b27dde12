// Package node runs upstream Kubernetes where k3s would run its own.
package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	kernelFS = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC
	cgroups  = "/sys/fs/cgroup"
)

// PrepareMachine makes of the container what a node needs: what an engine withholds from one that is not privileged,
// it mounts again where the capabilities allow that.
func PrepareMachine() error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return fmt.Errorf("could not read the mounts: %w", err)
	}
	if err := remount("/sys", 0); err != nil {
		return err
	}
	// Pods with mount propagation need it.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("could not make the mounts below / shared: %w", err)
	}
	if err := prepareCgroups(string(mounts)); err != nil {
		return err
	}
	if err := kernelLog(); err != nil {
		return err
	}
	for _, setting := range [][2]string{
		// First, because it resets others.
		{"net/ipv4/ip_forward", "1"},
		{"net/ipv4/conf/all/route_localnet", "1"},
	} {
		if err := SetKernel(setting[0], setting[1]); err != nil {
			return err
		}
	}
	return nil
}

// SetKernel writes a setting below /proc/sys.
func SetKernel(name, value string) error {
	path := filepath.Join("/proc/sys", name)
	if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
		return fmt.Errorf("could not write %s to %s: %w", value, path, err)
	}
	return nil
}

func remount(path string, how uintptr) error {
	if err := syscall.Mount("", path, "", syscall.MS_REMOUNT|kernelFS|how, ""); err != nil {
		return fmt.Errorf("could not remount %s for writing: %w", path, err)
	}
	return nil
}

func prepareCgroups(mounts string) error {
	for _, line := range strings.Split(mounts, "\n") {
		fields := strings.Fields(line)
		if len(fields) < 3 || (fields[2] != "cgroup" && fields[2] != "cgroup2") {
			continue
		}
		// A plain remount is refused for hierarchies that the whole machine shares; this changes only the mount.
		if err := remount(fields[1], syscall.MS_BIND); err != nil {
			return err
		}
		if fields[1] == cgroups {
			return versionTwo()
		}
	}
	return nil
}

// versionTwo moves everything out of the root group: one that passes controllers on may hold no processes.
func versionTwo() error {
	own := filepath.Join(cgroups, "init")
	if err := os.MkdirAll(own, 0o755); err != nil {
		return fmt.Errorf("could not make %s: %w", own, err)
	}
	processes, err := os.ReadFile(filepath.Join(cgroups, "cgroup.procs"))
	if err != nil {
		return fmt.Errorf("could not list the processes of %s: %w", cgroups, err)
	}
	for _, id := range strings.Fields(string(processes)) {
		// One that has ended meanwhile is refused, and that is well.
		_ = os.WriteFile(filepath.Join(own, "cgroup.procs"), []byte(id), 0o644)
	}
	controllers, err := os.ReadFile(filepath.Join(cgroups, "cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("could not list the controllers of %s: %w", cgroups, err)
	}
	for _, name := range strings.Fields(string(controllers)) {
		if err := os.WriteFile(filepath.Join(cgroups, "cgroup.subtree_control"), []byte("+"+name), 0o644); err != nil {
			Log("k3s", "control group controller %s cannot be passed on: %v", name, err)
		}
	}
	return nil
}

// kernelLog makes /dev/kmsg, without which the kubelet does not start.
func kernelLog() error {
	const path = "/dev/kmsg"
	if file, err := os.Open(path); err == nil {
		return file.Close()
	}
	_ = os.Remove(path)
	if err := syscall.Mknod(path, syscall.S_IFCHR|0o600, 1<<8|11); err == nil {
		if file, err := os.Open(path); err == nil {
			return file.Close()
		}
		_ = os.Remove(path)
	}
	if err := os.Symlink("/dev/null", path); err != nil {
		return fmt.Errorf("could not make %s: %w", path, err)
	}
	return nil
}

// mayLowerScores says whether this node may lower out-of-memory scores.
func mayLowerScores() bool {
	const sysResource = 24
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for _, line := range strings.Split(string(status), "\n") {
		if value, found := strings.CutPrefix(line, "CapBnd:"); found {
			var set uint64
			_, err := fmt.Sscanf(strings.TrimSpace(value), "%x", &set)
			return err == nil && set&(1<<sysResource) != 0
		}
	}
	return false
}
