package node

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sync"
)

var logging sync.Mutex

// Log writes one line, with the name of the program that it is about.
func Log(program, format string, args ...any) {
	logging.Lock()
	defer logging.Unlock()
	fmt.Fprintf(os.Stderr, "[%s] %s\n", program, fmt.Sprintf(format, args...))
}

// copyLines passes on what a program writes until it ends.
func copyLines(program string, from io.Reader) {
	reader := bufio.NewReader(from)
	for {
		line, err := reader.ReadString('\n')
		if len(line) > 0 {
			Log(program, "%s", trimEnd(line))
		}
		if err != nil {
			return
		}
	}
}

func trimEnd(line string) string {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}
