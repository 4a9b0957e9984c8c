// Command ouigen makes inventory/oui.dat, the table of MAC vendors, from the
// npm package oui-data (the IEEE registries MA-L, MA-M and MA-S as JSON;
// BSD-2-Clause):
//
//	npm pack oui-data@2.1.9
//	go run ./inventory/ouigen -date 2026-08-26 -o inventory/oui.dat oui-data-2.1.9.tgz
//
// EXIT STATUS: 0 done, 2 wrong usage, 3 bad input, 4 the system failed.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	out := flag.String("o", "oui.dat", "file to write")
	date := flag.String("date", "", "date of the package, YYYY-MM-DD (required)")
	flag.Parse()
	if flag.NArg() != 1 || *date == "" {
		fmt.Fprintln(os.Stderr, "usage: ouigen -date YYYY-MM-DD [-o FILE] oui-data-VERSION.tgz")
		os.Exit(2)
	}
	f, err := os.Open(flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "ouigen:", err)
		os.Exit(4)
	}
	table, err := convert(f, *date)
	if err != nil {
		fmt.Fprintf(os.Stderr, "ouigen: %s: %v\n", flag.Arg(0), err)
		os.Exit(3)
	}
	if err := os.WriteFile(*out, table, 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "ouigen:", err)
		os.Exit(4)
	}
}

// convert reads the package and gives the table: see inventory/vendor.go for its form.
func convert(pkg io.Reader, date string) ([]byte, error) {
	z, err := gzip.NewReader(pkg)
	if err != nil {
		return nil, err
	}
	var registry map[string]string
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
	if about.Name != "oui-data" || len(registry) < 10000 {
		return nil, fmt.Errorf("not the package oui-data: name %q, %d entries", about.Name, len(registry))
	}
	vendors := map[string][]string{}
	count := map[int]int{}
	for prefix, address := range registry {
		prefix = strings.ToLower(prefix)
		name, _, _ := strings.Cut(address, "\n") // what follows is the postal address
		name = strings.Join(strings.Fields(name), " ")
		if strings.Trim(prefix, "0123456789abcdef") != "" || len(prefix) != 6 && len(prefix) != 7 && len(prefix) != 9 || name == "" {
			return nil, fmt.Errorf("odd entry %q: %q", prefix, name)
		}
		vendors[name] = append(vendors[name], prefix)
		count[len(prefix)]++
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# MAC vendors: IEEE MA-L %d, MA-M %d, MA-S %d; npm package oui-data %s of %s (BSD-2-Clause)\n",
		count[6], count[7], count[9], about.Version, date)
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(vendors)) {
		prefixes := vendors[name]
		slices.Sort(prefixes)
		if _, err := fmt.Fprintf(w, "%s\t%s\n", name, strings.Join(prefixes, " ")); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
