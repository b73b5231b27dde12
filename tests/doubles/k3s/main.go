// A test double of `k3s`: it takes what the documentation of k3s knows, refuses the rest, and runs upstream Kubernetes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"rollcall.dev/tests/doubles/k3s/contract"
	"rollcall.dev/tests/doubles/k3s/node"
)

// tools are the programs that k3s has inside.
var tools = map[string]bool{"kubectl": true, "crictl": true, "ctr": true}

// notHere are documented sub-commands that the double does not have.
var notHere = map[string]bool{
	"etcd-snapshot": true, "secrets-encrypt": true, "certificate": true, "token": true, "check-config": true, "completion": true,
}

func main() {
	// As in the real image, where the tools are links to the one program.
	if name := filepath.Base(os.Args[0]); tools[name] {
		os.Exit(tool(name, os.Args[1:]))
	}
	os.Exit(start(os.Args[1:]))
}

func start(arguments []string) int {
	if len(arguments) == 0 {
		return refuse("`k3s`: no sub-command was given")
	}
	command := arguments[0]
	switch {
	case command == "server" || command == "agent":
		return run(contract.Role(command), arguments[1:])
	case command == "--version" || command == "-v":
		fmt.Println("k3s version " + version + " (test double)")
		return 0
	case tools[command]:
		return tool(command, arguments[1:])
	case notHere[command]:
		return refuse("`k3s " + command + "`: it is documented, and this double does not have it")
	}
	return refuse("`k3s " + command + "`: there is no such sub-command")
}

// version is set when the program is built.
var version = "unknown"

func refuse(seen string) int {
	fmt.Fprintf(os.Stderr, "error: %s\n(hint: give `server` or `agent`)\n(page: %s)\n", seen, contract.PageCLI)
	return 1
}

// toolDefaults are what the tools are told when nobody says otherwise.
var toolDefaults = map[string]string{
	"KUBECONFIG":           "/etc/rancher/k3s/k3s.yaml",
	"CONTAINERD_ADDRESS":   "/run/k3s/containerd/containerd.sock",
	"CONTAINERD_NAMESPACE": "k8s.io",
}

// tool becomes another program.
func tool(name string, arguments []string) int {
	for variable, value := range toolDefaults {
		if os.Getenv(variable) == "" {
			_ = os.Setenv(variable, value)
		}
	}
	err := syscall.Exec("/opt/k3s/bin/"+name, append([]string{name}, arguments...), os.Environ())
	fmt.Fprintf(os.Stderr, "error: could not run %s: %v\n", name, err)
	return 1
}

func run(role contract.Role, arguments []string) int {
	if os.Getpid() == 1 && !node.IsSecond() {
		// Refusals need no node, and are said at once.
		if _, _, err := check(role, arguments); err != nil {
			return fail(err)
		}
		return node.RunFirst()
	}
	settings, registries, err := check(role, arguments)
	if err == nil {
		err = node.PrepareMachine()
	}
	if err != nil {
		return fail(err)
	}
	for _, name := range settings.Ignored() {
		node.Log("k3s", "flag `%s` is documented, and this double does not act on it", name)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if role == contract.Server {
		err = node.RunServer(ctx, settings, registries)
	} else {
		err = node.RunAgent(ctx, settings, registries)
		if err == nil {
			<-ctx.Done()
		}
	}
	if err != nil && ctx.Err() == nil {
		return fail(err)
	}
	return 0
}

// fail says why, and says the first reason again in the last line: some who start containers show only that one.
func fail(err error) int {
	first, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "error: "), "\n")
	fmt.Fprintf(os.Stderr, "%v\nfatal: %s\n", err, first)
	return 1
}

// check reads everything that k3s is told by, and refuses what the documentation does not know.
func check(role contract.Role, arguments []string) (contract.Settings, contract.Registries, error) {
	settings, err := contract.Read(contract.Sources{Role: role, Arguments: arguments, Environment: os.Environ()})
	if err != nil {
		return settings, contract.Registries{}, err
	}
	registries, err := contract.ReadRegistries(settings.Text("private-registry", contract.RegistriesFile))
	if err != nil {
		return settings, registries, err
	}
	if err := contract.CheckKubelet(contract.KubeletFolder); err != nil {
		return settings, registries, err
	}
	if role == contract.Server {
		missing, err := contract.CheckAuthority(contract.TLSFolder)
		if err != nil {
			return settings, registries, err
		}
		if len(missing) > 0 && node.IsSecond() {
			node.Log("k3s", "warning: %s has some of the authorities that %s lists as required; these are made now: %v",
				contract.TLSFolder, contract.PageCA, missing)
		}
	}
	return settings, registries, nil
}
