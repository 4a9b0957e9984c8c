package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"osect/store"
)

// The exit statuses.
const (
	exitOK     = 0
	exitFound  = 1 // a check found something
	exitUsage  = 2 // wrong usage
	exitInput  = 3 // bad input
	exitSystem = 4 // the system failed, or the run was stopped
)

// exitStatusHelp ends the help of commands with nothing more to say on it.
const exitStatusHelp = `

EXIT STATUS
  0  done
  2  wrong usage
  3  bad input (no such store, not a store, not found)
  4  the system failed (disk, permission)`

// exitError is an error whose exit status is known.
type exitError struct {
	status int
	err    error
	said   bool // nothing more is to be printed
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usageErrorf(format string, args ...any) error {
	return &exitError{status: exitUsage, err: fmt.Errorf(format, args...)}
}

func inputErrorf(format string, args ...any) error {
	return &exitError{status: exitInput, err: fmt.Errorf(format, args...)}
}

func systemErrorf(format string, args ...any) error {
	return &exitError{status: exitSystem, err: fmt.Errorf(format, args...)}
}

// wantArgs checks the number of arguments; names says which, most < 0 for any number more.
func wantArgs(least, most int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usageErrorf("%s needs %s", cmd.CommandPath(), names)
		case most >= 0 && len(args) > most && most == 0:
			return usageErrorf("%s takes no argument: %q", cmd.CommandPath(), args[0])
		case most >= 0 && len(args) > most:
			return usageErrorf("%s takes only %s: %q is too much", cmd.CommandPath(), names, args[most])
		}
		return nil
	}
}

// quietly ends with a status after everything was printed already.
func quietly(status int, why string) error {
	return &exitError{status: status, err: errors.New(why), said: true}
}

// statusOf sorts an error into an exit status.
func statusOf(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.status
	case errors.Is(err, context.Canceled):
		return exitSystem
	case store.BadInput(err), errors.Is(err, fs.ErrNotExist):
		return exitInput
	}
	return exitSystem
}

// advice is what to do about failures of the store that do not say it.
var advice = []struct {
	err error
	do  string
}{
	{store.ErrFull, "what was committed is kept: make room, then give the same command again"},
	{store.ErrReadOnly, "make the file and its directory writable, or take another store with --db"},
	{store.ErrGone, "what is there now was not touched: put the store back, or take another with --db"},
	{store.ErrBusy, "give the command again"},
	{store.ErrCorrupt, "osect doctor says more; go on with a backup, or take another store with --db"},
}

// fail prints an error as one line and returns its exit status.
func (a *app) fail(cmd *cobra.Command, err error) int {
	status := statusOf(err)
	var e *exitError
	if errors.As(err, &e) && e.said {
		return status
	}
	line := err.Error()
	var file *fs.PathError
	switch {
	case e == nil && errors.Is(err, context.Canceled):
		line = "stopped before it was done: the same command begins again"
	case errors.As(err, &file) && file.Path == os.Stdout.Name():
		line = fmt.Sprintf("standard output cannot be written (%v): make room, or send it elsewhere", file.Err)
	}
	for _, x := range advice {
		if errors.Is(err, x.err) {
			line += ": " + x.do
		}
	}
	line = clean(strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
	if status == exitUsage {
		line += " (see " + cmd.CommandPath() + " --help)"
	}
	if a.logFormat == "json" {
		slog.New(slog.NewJSONHandler(a.stderr, nil)).Error(line, "exit_status", status)
	} else {
		fmt.Fprintln(a.stderr, "osect: "+strings.TrimPrefix(line, "osect: "))
	}
	return status
}
