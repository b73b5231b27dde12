package node

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

var logging sync.Mutex

// Log writes one line, with the name of the program that it is about.
func Log(program, format string, args ...any) {
	logging.Lock()
	defer logging.Unlock()
	fmt.Fprintf(os.Stderr, "[%s] %s\n", program, fmt.Sprintf(format, args...))
}

// copyLines passes on what a program writes, until it and everything it started have closed their output.
func copyLines(p program, from io.ReadCloser) {
	defer from.Close()
	var file io.Writer = io.Discard
	if p.log != "" {
		opened, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
		if err != nil {
			Log("k3s", "could not open the log of %s: %v", p.name, err)
		} else {
			defer opened.Close()
			file = opened
		}
	}
	reader := bufio.NewReader(from)
	for {
		line, err := reader.ReadString('\n')
		if len(line) > 0 {
			fmt.Fprintln(file, strings.TrimRight(line, "\r\n"))
			Log(p.name, "%s", strings.TrimRight(line, "\r\n"))
		}
		if err != nil {
			return
		}
	}
}
