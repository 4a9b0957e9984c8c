package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/mattn/go-sqlite3"
	"github.com/spf13/cobra"
)

// version is set by the linker in releases.
var version = "development"

// versionInfo is what version prints.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of the source, "" where the build did not know
	Time     string `json:"time"`     // of the revision
	Modified bool   `json:"modified"` // built from changed files
	Go       string `json:"go"`
	SQLite   string `json:"sqlite"`
	Platform string `json:"platform"`
	CGO      bool   `json:"cgo"`
}

func buildInfo() versionInfo {
	v := versionInfo{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	v.SQLite, _, _ = sqlite3.Version()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		case "CGO_ENABLED":
			v.CGO = s.Value == "1"
		}
	}
	return v
}

// program is the name and version for reports.
func (v versionInfo) program() string { return "osect " + v.Version }

func newVersionCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  `Print the version, the source revision, and what it was built with.` + exitStatusHelp,
		Example: `  osect version
  osect version --format json`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runVersion(a, format) },
	}
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}

func runVersion(a *app, format string) error {
	if err := checkFormat(format, "table", "json"); err != nil {
		return err
	}
	v := buildInfo()
	if format == "json" {
		return printJSON(a.stdout, v)
	}
	revision := v.Revision
	if revision == "" {
		revision = "unknown"
	}
	if v.Modified {
		revision += " (with changes)"
	}
	return a.pairs([][2]string{
		{"osect", v.Version}, {"revision", revision + " " + v.Time}, {"go", v.Go + " " + v.Platform + " cgo " + fmt.Sprint(v.CGO)}, {"sqlite", v.SQLite},
	})
}
