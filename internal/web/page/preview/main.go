// Command preview serves every page of af-auth with made-up people, for those
// who work on the pages. It needs no database and no GitHub.
//
//	go run ./internal/web/page/preview            # http://127.0.0.1:8090/
//	go run ./internal/web/page/preview -addr 127.0.0.1:0
//
// It prints the address when it is ready. The start page links to each page;
// add ?theme=light or ?theme=dark, or use the switch in the foot.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8090", "loopback address to listen on")
	flag.Parse()
	if err := run(*addr); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(addr string) error {
	handler, err := newPreview()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for the preview: %w", err)
	}
	fmt.Printf("http://%s/\n", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	return server.Serve(listener)
}
