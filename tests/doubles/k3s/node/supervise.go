package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// program is an upstream program that is kept running.
type program struct {
	name      string
	arguments []string
	// log is a file that has its lines too, where k3s documents one.
	log string
}

const (
	restartPause = time.Second
	startLimit   = 120 * time.Second
)

// keep starts a program and starts it again whenever it ends.
func keep(ctx context.Context, p program) {
	go func() {
		for ctx.Err() == nil {
			err := runOnce(ctx, p)
			if ctx.Err() != nil {
				return
			}
			Log("k3s", "%s ended (%v); it is started again in %v", p.name, err, restartPause)
			time.Sleep(restartPause)
		}
	}()
}

func runOnce(ctx context.Context, p program) error {
	command := exec.CommandContext(ctx, p.name, p.arguments...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	output, input, err := os.Pipe()
	if err != nil {
		return err
	}
	command.Stdout, command.Stderr = input, input
	err = command.Start()
	input.Close()
	if err != nil {
		output.Close()
		return err
	}
	go copyLines(p, output)
	return command.Wait()
}

// run runs a command to its end.
func run(command string, arguments ...string) error {
	output, err := exec.Command(command, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("`%s %s`: %w: %s", command, strings.Join(arguments, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}

// until asks again and again, and says after a while what it is waiting for.
func until(ctx context.Context, what string, limit time.Duration, ask func() error) error {
	begun := time.Now()
	told := begun
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if limit > 0 && time.Since(begun) > limit {
			return fmt.Errorf("waited %v for %s: %w", limit, what, err)
		}
		if time.Since(told) > 5*time.Second {
			Log("k3s", "still waiting for %s: %v", what, err)
			told = time.Now()
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func listens(network, address string) func() error {
	return func() error {
		connection, err := net.DialTimeout(network, address, time.Second)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

// flags writes a program's flags; what the user gave wins over what stands here.
func flags(own map[string]string, users []string) []string {
	repeated := map[string]bool{}
	var lines []string
	for _, argument := range users {
		name, value, found := strings.Cut(argument, "=")
		if !found {
			value = "true"
		}
		repeated[name] = true
		lines = append(lines, "--"+name+"="+value)
	}
	for name, value := range own {
		if !repeated[name] {
			lines = append(lines, "--"+name+"="+value)
		}
	}
	return lines
}
