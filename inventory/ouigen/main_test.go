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
	about := map[string]string{"name": "oui-data", "version": "9.9.9"}
	registry := map[string]string{"AABBCC": "Two  Words\nStreet 1\nTown", "AABBCCD": "Other", "AABBCCDDE": "Other"}
	for i := range 10000 {
		registry[fmt.Sprintf("%06X", i)] = "Filler"
	}
	table, err := convert(pack(t, map[string]any{"package.json": about, "index.json": registry}), "2026-01-02")
	if err != nil {
		t.Fatal(err)
	}
	head, packed, _ := bytes.Cut(table, []byte("\n"))
	if want := "MA-L 10001, MA-M 1, MA-S 1; npm package oui-data 9.9.9 of 2026-01-02"; !strings.Contains(string(head), want) {
		t.Errorf("first line %q, want %q in it", head, want)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("the table is not whole: %v", err)
	}
	for _, want := range []string{"\nOther\taabbccd aabbccdde\n", "\nTwo Words\taabbcc\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no line %q", want)
		}
	}

	registry["XYZ"] = "Bad"
	for name, pkg := range map[string]io.Reader{
		"odd prefix":      pack(t, map[string]any{"package.json": about, "index.json": registry}),
		"another package": pack(t, map[string]any{"package.json": map[string]string{"name": "x"}, "index.json": registry}),
		"no registry":     pack(t, map[string]any{"package.json": about}),
		"not packed":      strings.NewReader("hello"),
	} {
		if _, err := convert(pkg, "2026-01-02"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
