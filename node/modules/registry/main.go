// The registry of one cluster: in memory, plain HTTP, reached from the cluster's own network only.
//
// Every node's containerd asks it for every image name, so a manifest runs unmodified and nothing is
// pulled from outside. It never asks another registry: a name that was not pushed is not found.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/netip"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", ":5000", "address to serve on")
	preload := flag.String("preload", "", "docker archive, or directory of them, served from the start")
	control := flag.String("control-from", "", "address whose requests set faults, beside loopback")
	flag.Parse()

	errors := log.New(os.Stderr, "", log.LstdFlags)
	var controller netip.Addr
	if *control != "" {
		var err error
		if controller, err = netip.ParseAddr(*control); err != nil {
			fmt.Fprintf(os.Stderr, "error: `--control-from` takes an address: %v\n", err)
			os.Exit(2)
		}
	}
	handler := newHandler(errors, newFaultTable(controller))
	if *preload != "" {
		if err := preloadPath(handler, *preload); err != nil {
			fmt.Fprintf(os.Stderr, "error: could not preload `%s`: %v\n(hint: `--preload` takes an archive as `docker save` writes it)\n", *preload, err)
			os.Exit(3)
		}
	}
	server := &http.Server{Addr: *listen, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(os.Stderr, "error: could not serve on `%s`: %v\n", *listen, server.ListenAndServe())
	os.Exit(3)
}
