// The programs beside Kubernetes on a control-plane node, CoreDNS and kwok, in one binary.
//
// The name it is called by picks the program: both are made of client-go and the API types, and linked
// once they take 71 MB instead of 121. An unknown name lists the known ones and exits 2.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/coredns/coredns/coremain"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "coredns":
		coremain.Run()
	case "kwok":
		os.Exit(runKwok())
	default:
		fmt.Fprintf(os.Stderr, "error: `%s` is not a program of this binary\n(hint: call it as one of: coredns, kwok)\n", name)
		os.Exit(2)
	}
}
