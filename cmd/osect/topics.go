package main

import "github.com/spf13/cobra"

// newTopics are pages of help that belong to no command.
func newTopics() []*cobra.Command {
	return []*cobra.Command{
		{
			Use:   "exit-status",
			Short: "What the exit status says",
			Long: `What the exit status says:

  0  done
  1  a check found something (detect --fail-on SEVERITY, diff --exit-code)
  2  wrong usage
  3  bad input: no such file, not a capture, not a store, not found
  4  the system failed (disk, permission), or the run was stopped

replay is 0 when at least one capture gave frames (bad ones are named in the
summary) or all were read before, 3 when none did, and with --strict 3 when any
did not.

An error is one line on standard error that says what, where and what to do.`,
		},
		{
			Use:   "environment",
			Short: "Environment variables and the config file",
			Long: `Settings that are not in the store come from flags, then from the environment,
then from the file named by --config.

  OSECT_DB           the store (--db)
  OSECT_LANG         ja or en (--lang)
  OSECT_TZ           time zone for display (--tz)
  OSECT_LOG_FORMAT   text or json (--log-format)
  OSECT_CONFIG       config file (--config)
  OSECT_<FLAG>       any other flag: --fail-on is OSECT_FAIL_ON
  LC_ALL, LC_MESSAGES, LANG
                     the language when nothing else says: Japanese where the
                     first of them that is set begins with ja, else English
                     (reports are Japanese unless --lang or OSECT_LANG says en)
  NO_COLOR           no colour; where output is no terminal there is none in
                     any case
  COLUMNS            width of tables where output is no terminal (default: 80)

The config file is YAML; its keys are the names of flags:

  db: /var/lib/osect/osect.db
  lang: ja
  tz: Asia/Tokyo

A key that is no flag of any command is an error; one that is no flag of the
command at hand is for another one.`,
		},
	}
}
