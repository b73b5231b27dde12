package node

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// RunFirst is the first process of the container. It runs this program again and takes in the dead: shims and pods
// leave children behind, and the other copy waits for its own only.
func RunFirst() int {
	files := []uintptr{0, 1, 2}
	environment := append(os.Environ(), secondVariable+"=1")
	child, err := syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{Env: environment, Files: files})
	if err != nil {
		Log("k3s", "error: could not start the node's process: %v", err)
		return 1
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		for received := range signals {
			_ = syscall.Kill(child, received.(syscall.Signal))
		}
	}()
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || ended == child {
			if status.Signaled() {
				return 128 + int(status.Signal())
			}
			return status.ExitStatus()
		}
	}
}

const secondVariable = "ROLLCALL_DOUBLE_SECOND"

// IsSecond says whether this process was started by RunFirst.
func IsSecond() bool { return os.Getenv(secondVariable) != "" }
