package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"osect/service"
	"osect/store"
	"osect/text"
)

// app is what all commands share: where they read and write, and the global flags.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	isTerminal     func(io.Writer) bool

	db, config, langName, tz string
	quiet                    bool
	verbose                  bool
	logFormat                string

	// Set by settle, before a command runs.
	started bool
	lang    text.Lang
	langSet bool // by flag, environment or config, not by the locale
	zone    *time.Location
	colour  bool // standard output is a terminal that wants it

	names *service.Names // of the store that open opened; nil: the built-in ones
}

func (a *app) addFlags(f *pflag.FlagSet) {
	f.StringVar(&a.db, "db", "osect.db", "the store, a `file`")
	f.StringVar(&a.config, "config", "", "YAML `file` with settings; its keys are flag names")
	f.StringVar(&a.langName, "lang", "", "`language` of tables, alerts and reports: ja or en")
	f.StringVar(&a.tz, "tz", "", "time `zone` for display, such as Asia/Tokyo or UTC (default: local)")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "say nothing on standard error but errors")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say more on standard error")
	f.StringVar(&a.logFormat, "log-format", "text", "`form` of messages on standard error: text or json")
}

// settle completes the flags from the environment and the config file, and
// reads those that all commands share.
func (a *app) settle(cmd *cobra.Command) error {
	if err := a.fillFlags(cmd); err != nil {
		return err
	}
	if a.logFormat != "text" && a.logFormat != "json" {
		name := a.logFormat
		a.logFormat = "text"
		return usageErrorf("--log-format %q: use text or json", name)
	}
	if a.quiet && a.verbose {
		return usageErrorf("--quiet and --verbose exclude each other")
	}
	a.lang = localeLang(a.getenv)
	if a.langName != "" {
		l, err := text.ParseLang(a.langName)
		if err != nil {
			return usageErrorf("--lang: %w", err)
		}
		a.lang, a.langSet = l, true
	}
	a.zone = time.Local
	if a.tz != "" && !strings.EqualFold(a.tz, "local") {
		z, err := time.LoadLocation(a.tz)
		if err != nil {
			return usageErrorf("--tz %q: no such time zone: use a name such as Asia/Tokyo or UTC", a.tz)
		}
		a.zone = z
	}
	a.colour = a.isTerminal(a.stdout) && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
	a.started = true
	return nil
}

// localeLang is the language of the locale: ja where it begins so, else en.
func localeLang(getenv func(string) string) text.Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(name); v != "" {
			if strings.HasPrefix(v, "ja") {
				return text.JA
			}
			return text.EN
		}
	}
	return text.EN
}

// envName is the environment variable of a flag: --log-format is OSECT_LOG_FORMAT.
func envName(flag string) string {
	return "OSECT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fillFlags sets each flag that was not given from its variable, else from the config file.
func (a *app) fillFlags(cmd *cobra.Command) error {
	var failed error
	fill := func(from func(f *pflag.Flag) (values []string, where string)) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if failed != nil || f.Changed || f.Name == "help" {
				return
			}
			values, where := from(f)
			for _, v := range values {
				if err := cmd.Flags().Set(f.Name, v); err != nil && failed == nil {
					failed = usageErrorf("%s: %w", where, err)
				}
			}
		})
	}
	fill(func(f *pflag.Flag) ([]string, string) {
		if v := a.getenv(envName(f.Name)); v != "" {
			return []string{v}, envName(f.Name)
		}
		return nil, ""
	})
	if failed != nil || a.config == "" {
		return failed
	}
	settings, err := readConfig(a.config, cmd.Root())
	if err != nil {
		return err
	}
	fill(func(f *pflag.Flag) ([]string, string) { return settings[f.Name], a.config + ": " + f.Name })
	return failed
}

// maxConfig is the most bytes of a config file.
const maxConfig = 1 << 20

// readConfig reads flag name → values. A key that is no flag of any command is an error.
func readConfig(path string, root *cobra.Command) (map[string][]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, inputErrorf("--config %s: no such file", path)
	}
	if err != nil {
		return nil, systemErrorf("--config: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, systemErrorf("--config: %w", err)
	}
	if len(data) > maxConfig {
		return nil, inputErrorf("%s: over 1 MiB: this is no config file of osect", path)
	}
	var raw map[string]any
	if err := yaml.UnmarshalWithOptions(data, &raw, yaml.Strict()); err != nil {
		return nil, inputErrorf("%s: %s", path, strings.Join(strings.Fields(yaml.FormatError(err, false, false)), " "))
	}
	known := map[string]bool{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	out := map[string][]string{}
	for key, value := range raw {
		if !known[key] || key == "help" || key == "config" {
			return nil, inputErrorf("%s: unknown setting %q: keys are the names of flags, without the dashes", path, key)
		}
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, v := range list {
			switch v := v.(type) {
			case string:
				out[key] = append(out[key], v)
			case bool, int, int64, uint64, float64:
				out[key] = append(out[key], fmt.Sprint(v))
			default:
				return nil, inputErrorf("%s: %s: want a text, a number, true, false or a list of these", path, key)
			}
		}
	}
	return out, nil
}

// open opens the store for reading, with its names of services. One of an older version is
// upgraded first.
func (a *app) open() (*store.Store, error) {
	st, err := store.Open(a.db, store.Options{ReadOnly: true})
	if errors.Is(err, store.ErrOlder) {
		st, err = a.openWrite(false)
	}
	if err != nil {
		return nil, err
	}
	if a.names, err = serviceNames(context.Background(), st); err != nil {
		st.Close()
		return nil, err
	}
	return st, nil
}

// openWrite opens the store for writing, and makes it where create says so.
func (a *app) openWrite(create bool) (*store.Store, error) {
	st, err := store.Open(a.db, store.Options{Create: create})
	if err == nil && st.Upgraded != "" {
		a.note("the store was upgraded to this version; the old one is kept as " + st.Upgraded)
	}
	return st, err
}

// closing closes the store and keeps the first error.
func closing(st *store.Store, err *error) {
	if e := st.Close(); *err == nil {
		*err = e
	}
}

// note says something on standard error, unless --quiet.
func (a *app) note(line string) {
	if a.quiet {
		return
	}
	if a.logFormat == "json" {
		slog.New(slog.NewJSONHandler(a.stderr, nil)).Info(clean(line))
		return
	}
	fmt.Fprintln(a.stderr, clean(line))
}

// hint says what to do next, to people only: where standard error is a terminal.
func (a *app) hint(key string, args ...any) {
	if a.logFormat == "text" && a.isTerminal(a.stderr) {
		for line := range strings.SplitSeq(a.get(key, args...), "\n") {
			a.note(line)
		}
	}
}

// detail says something on standard error with --verbose.
func (a *app) detail(line string) {
	if a.verbose {
		a.note(line)
	}
}

// get is a text of the catalogue in the language of the command.
func (a *app) get(key string, args ...any) string { return text.Get(a.lang, key, args...) }

// isTerminal says whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// columns is the width that a table may have: the terminal's; where standard output is
// none, $COLUMNS; else 80, so that output to a file does not depend on a window.
func (a *app) columns() int {
	const usual, least = 80, 40
	if f, ok := a.stdout.(*os.File); ok && isTerminal(f) {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 { // a serial line may say 0
			return max(w, least)
		}
	}
	if w, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil && w > 0 {
		return max(w, least)
	}
	return usual
}

// clock writes a packet time for people, in --tz.
func (a *app) clock(t int64) string {
	return time.Unix(0, t).In(a.zone).Format("2006-01-02 15:04:05")
}

// human writes a number of bytes for people: 999 B, 1.2 kB, 3.4 GB (powers of 1000).
func human(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10) + " B"
	}
	v, units := float64(n), "kMGTPE"
	for i := range len(units) {
		v /= 1000
		if v < 999.95 || i == len(units)-1 {
			return strconv.FormatFloat(v, 'f', 1, 64) + " " + units[i:i+1] + "B"
		}
	}
	return ""
}

// or is the text of key, or the word itself where the catalogue has none.
func (a *app) or(key, word string) string { return text.Or(a.lang, key, word) }

// role is the name of a role.
func (a *app) role(role string) string { return a.or("device.role."+role, role) }

// The colours of words in tables: SGR codes (ECMA-48), of the eight that every terminal has.
var (
	severityColours = map[string]string{"critical": "1;31", "high": "31", "medium": "33", "low": "36"}
	roleColours     = map[string]string{
		"plc": "32", "io-device": "32", "hmi": "36", "engineering-workstation": "35", "scada": "36", "server": "34", "domain-controller": "34", "network-equipment": "33", "router": "33", "external": "31",
	}
	classColours = map[string]string{"write": "33", "control": "31"}
)
