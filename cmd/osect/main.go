// Command osect shows what talks on a factory network, learns what is normal
// there and raises alerts on the rest.
//
// Each sub-command is one file: newXCommand makes it, an options struct holds
// its flags, and runX does it. This room knows flags, tables and progress, and
// nothing of how anything is computed.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // --tz works on systems without zone files too

	"github.com/spf13/cobra"
)

func main() {
	paceMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the program at once: the store stands that.
	context.AfterFunc(ctx, stop)
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, isTerminal: isTerminal}
	os.Exit(a.run(ctx, os.Args[1:]))
}

// run executes one command line and returns its exit status.
func (a *app) run(ctx context.Context, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var e *exitError
	if !a.started && !errors.As(err, &e) {
		err = usageErrorf("%s", err)
	}
	return a.fail(cmd, err)
}

// newRoot makes the whole tree of commands.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "osect",
		Short: "Visibility and anomaly detection for factory networks",
		Long: `osect reads captures (or, on a sensor, the wire), shows what devices there are,
who talks to whom and which control operations they send, learns what is
normal, and raises alerts on the rest.

A first walk:

  osect learn   monday.pcap            read a quiet day and learn it
  osect detect  tuesday.pcap           read another one and hold it against that
  osect devices list                   what is there
  osect ot list --class write,control  who changes what
  osect alerts list                    what was not normal
  osect report --pptx report.pptx      the deck

All of it is kept in one file, the store: --db PATH, else $OSECT_DB, else
osect.db here. See also: osect help environment, osect help exit-status.`,
		Args:          cobra.ArbitraryArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.settle(cmd) },
	}
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped 80 "))
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageErrorf("%s", err) })
	root.PersistentFlags().SortFlags = false
	a.addFlags(root.PersistentFlags())
	root.AddGroup(
		&cobra.Group{ID: "take", Title: "Take in, learn, detect:"},
		&cobra.Group{ID: "see", Title: "See:"},
		&cobra.Group{ID: "run", Title: "Run it:"},
	)
	in := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	in("take", newReplayCommand(a), newCaptureCommand(a), newLearnCommand(a), newDetectCommand(a), newExcludeCommand(a))
	in("see", newDevicesCommand(a), newAddressesCommand(a), newFlowsCommand(a), newOTCommand(a),
		newMapCommand(a), newTrafficCommand(a), newRankCommand(a),
		newAlertsCommand(a), newLedgerCommand(a), newDiffCommand(a), newReportCommand(a), newExportCommand(a), newDecodeCommand(a))
	in("run", newSensorsCommand(a), newServicesCommand(a), newSettingsCommand(a), newUpdateCommand(a), newLogCommand(a), newDumpCommand(a), newDoctorCommand(a), newVersionCommand(a))
	root.SetCompletionCommandGroupID("run")
	root.SetHelpCommand(newHelpCommand())
	root.SetHelpCommandGroupID("run")
	root.AddCommand(newTopics()...)
	return root
}

// newGroup makes a command that only holds others.
func newGroup(use, short string, cmds ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs}
	g.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return usageErrorf("%s needs one of: %s", cmd.CommandPath(), subcommands(cmd))
	}
	g.AddCommand(cmds...)
	return g
}

// newHelpCommand is cobra's, but for a topic that is not there.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command or a topic",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || about.HasSubCommands() && len(rest) > 0 {
				return usageErrorf("there is no help on %q: see osect help", strings.Join(args, " "))
			}
			return about.Help()
		},
	}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		return usageErrorf("there is no %q in %s: did you mean %s?", name, cmd.CommandPath(), strings.Join(near, " or "))
	}
	return usageErrorf("there is no %q in %s: it has %s", name, cmd.CommandPath(), subcommands(cmd))
}

func subcommands(cmd *cobra.Command) string {
	var names string
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() {
			continue
		}
		if names != "" {
			names += ", "
		}
		names += c.Name()
	}
	return names
}
