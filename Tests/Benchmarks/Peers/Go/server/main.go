// Go's servers: `server echo PORT WORKERS` and `server http PORT WORKERS`, until ended by a signal.
//
// Both are what the documentation of net and net/http shows: a goroutine per connection, blocking calls. The net package sets
// TCP_NODELAY by itself.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
)

func echo(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			buffer := make([]byte, 1024)
			for {
				count, err := connection.Read(buffer)
				if err != nil {
					return
				}
				if _, err = connection.Write(buffer[:count]); err != nil {
					return
				}
			}
		}()
	}
}

func serveHTTP(address string) error {
	return http.ListenAndServe(address, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		response.Header().Set("Content-Type", "text/plain")
		io.WriteString(response, "Hello, World!")
	}))
}

func main() {
	if len(os.Args) == 4 {
		workers, err := strconv.Atoi(os.Args[3])
		if err == nil {
			runtime.GOMAXPROCS(workers)
			address := "127.0.0.1:" + os.Args[2]
			switch os.Args[1] {
			case "echo":
				log.Fatal(echo(address))
			case "http":
				log.Fatal(serveHTTP(address))
			}
		}
	}
	fmt.Fprintln(os.Stderr, "usage: server echo|http PORT WORKERS")
	os.Exit(2)
}
