package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newDumpCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "dump",
		Short: "Print the store's content in canonical form",
		Long: `Print the store's content in canonical form: the same captures with the same
settings give the same bytes, whatever the machine and the number of CPUs. Left
out are tables of runs, log, outbox and sessions, and columns of wall-clock
time.` + exitStatusHelp,
		Example: `  osect dump | sha256sum
  osect dump --db a.db > a.txt`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runDump(cmd.Context(), a) },
	}
}

func runDump(ctx context.Context, a *app) (err error) {
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	w := bufio.NewWriterSize(a.stdout, 64<<10)
	if err := st.Dump(ctx, w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}
