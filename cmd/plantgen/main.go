// Command plantgen makes synthetic captures of a factory network with the
// truth beside them: which devices there are, who talks to whom, how many OT
// operations of which kind were sent, and which attacks happened when. Same
// seed and flags give the same bytes. Its encoders share no code with the
// decoders that its captures are for; see README.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

type config struct {
	out, attacked, truth string
	devices              int
	seed                 uint64
	start                time.Time
	duration             time.Duration
	attackFrom           time.Duration
	quiet                time.Duration // after attackFrom, before the first attack
	slow                 bool          // all attacks a second time, slowly
	attacks              []string
	scale                float64
	pps                  float64
	load                 loadConfig
}

const usage = `plantgen makes a synthetic capture of a factory network, and the truth beside it.

USAGE
  plantgen --out F.pcap [--attacked F.pcap] [--truth F.json] [flags]
  plantgen --load --out F.pcap [flags]
  plantgen --ot-mix --out F.pcap [flags]
  plantgen --list-attacks

FLAGS
%s
EXAMPLES
  A day of 40 devices, the clean 16 hours and the 8 attacked ones as two files:
    plantgen --seed 7 --out clean.pcap --attacked attacked.pcap --attack-from 16h --truth truth.json
  A week of 200 devices with two attacks in the last day:
    plantgen --devices 200 --duration 168h --attack-from 144h --attacks plc-stop,arp-spoof --out week.pcap
  Four weeks to learn, two clean ones to be silent in, then a day of attacks, fast and slow:
    plantgen --devices 20 --duration 1068h --attack-from 672h --quiet 336h --slow --out learn.pcap --attacked rest.pcap --truth truth.json
  A load of a million packets for benchmarks:
    plantgen --load --out load.pcap
  Half a million packets of controllers that are polled:
    plantgen --ot-mix --out ot.pcap

EXIT STATUS
  0 done; 2 wrong usage; 4 the file could not be written.
`

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.As(err, new(usageError)):
		fmt.Fprintln(os.Stderr, "plantgen:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "plantgen:", err)
		os.Exit(4)
	}
}

// usageError is a mistake in the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func run(args []string, stdout, stderr io.Writer) error {
	var cfg config
	var start, from, attacks string
	var list, load, mix bool
	fs := flag.NewFlagSet("plantgen", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&cfg.out, "out", "", "the capture to write (`F.pcap`, - for standard output)")
	fs.StringVar(&cfg.attacked, "attacked", "", "write what follows --attack-from into this second `F.pcap`")
	fs.StringVar(&cfg.truth, "truth", "", "write the truth as JSON to `F.json`")
	fs.IntVar(&cfg.devices, "devices", 40, "number of devices, `N` from 5 to 5000")
	fs.Uint64Var(&cfg.seed, "seed", 1, "seed `S` of everything random")
	fs.StringVar(&start, "start", "2026-03-02T00:00:00Z", "first moment, RFC 3339; its zone is the plant's wall time")
	fs.DurationVar(&cfg.duration, "duration", 24*time.Hour, "length of packet time")
	fs.StringVar(&from, "attack-from", "", "where the clean part ends: RFC 3339 or an offset like 16h (default two thirds)")
	fs.StringVar(&attacks, "attacks", "", "`LIST` of attacks by comma, all, or none (default none; all with --attacked)")
	fs.DurationVar(&cfg.quiet, "quiet", 0, "clean time between --attack-from and the first attack: what a detector that learned is to be silent in")
	fs.BoolVar(&cfg.slow, "slow", false, "make the attacks twice, in the first sixth of their time and in its last third, there as slowly as the rules that count them still count")
	fs.Float64Var(&cfg.scale, "scale", 0, "F: attacks that a built-in rule counts do so F times its default threshold of times (0: as they are)")
	fs.BoolVar(&list, "list-attacks", false, "list the attacks and what they should raise")
	fs.Float64Var(&cfg.pps, "pps", 0, "mean packets/s aimed at by stretching cyclic intervals, 1 to 5 minutes at most (default 5, growing with the root of devices/40)")
	fs.BoolVar(&load, "load", false, "make a load for benchmarks instead of a plant's day")
	fs.BoolVar(&mix, "ot-mix", false, "make a capture that is all OT: 200 connections that poll by Modbus, S7comm, SLMP and EtherNet/IP")
	fs.Int64Var(&cfg.load.packets, "packets", 1_000_000, "load, OT mix (500000): number of packets (a load has more with --connections, as they need)")
	fs.IntVar(&cfg.load.meanSize, "mean-size", 500, "load: mean frame length in bytes; 64 makes minimal frames only")
	fs.IntVar(&cfg.load.minutes, "minutes", 20, "load, OT mix: minutes of packet time")
	fs.IntVar(&cfg.load.perMinute, "connections-per-minute", 2000, "load: new connections in each minute")
	fs.IntVar(&cfg.load.connections, "connections", 0, "load: new connections in all, instead of a rate (1000000 for the many-connections case)")
	fs.Float64Var(&cfg.load.nonIP, "nonip", 0.2, "load: share of CC-Link IE Field frames (EtherType 0x890F)")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(stdout, usage, flagTable(fs))
			return err
		}
		return usageError(err.Error() + " (plantgen --help lists the flags)")
	}
	if fs.NArg() > 0 {
		return usageError(fmt.Sprintf("unexpected argument %q: captures are named by --out", fs.Arg(0)))
	}
	if list {
		tw := tabwriter.NewWriter(stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(tw, "ATTACK\tTECHNIQUE\tEXPECTED\tDESCRIPTION")
		for _, k := range attackKinds {
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", k.id, k.technique, strings.Join(k.expected, ","), k.description)
		}
		return tw.Flush()
	}
	var err error
	if cfg.start, err = time.Parse(time.RFC3339, start); err != nil {
		return usageError("--start: " + err.Error())
	}
	if cfg.out == "" {
		return usageError("--out is missing: name the capture to write")
	}
	if mix {
		if !isSet(fs, "packets") {
			cfg.load.packets = 500_000
		}
		switch {
		case load:
			return usageError("--load and --ot-mix are two captures: make one at a time")
		case cfg.load.packets < 1000:
			return usageError("--packets must be at least 1000")
		case cfg.load.minutes < 1:
			return usageError("--minutes must be at least 1")
		}
		return runMix(cfg, stdout, stderr)
	}
	if load {
		if !isSet(fs, "devices") {
			cfg.devices = 1400
		}
		if isSet(fs, "connections") && !isSet(fs, "packets") {
			cfg.load.packets = max(cfg.load.packets, int64(float64(cfg.load.connections)*packetsPerConnection/0.8/(1-cfg.load.nonIP)))
		}
		if err := cfg.load.check(cfg.devices); err != nil {
			return err
		}
		return runLoad(cfg, stdout, stderr)
	}
	if cfg.devices < 5 || cfg.devices > 5000 {
		return usageError("--devices must be 5 to 5000")
	}
	if cfg.duration < 10*time.Minute {
		return usageError("--duration must be at least 10m")
	}
	cfg.attackFrom = cfg.duration * 2 / 3
	if from != "" {
		if cfg.attackFrom, err = time.ParseDuration(from); err != nil {
			at, err := time.Parse(time.RFC3339, from)
			if err != nil {
				return usageError("--attack-from: neither an offset like 16h nor an RFC 3339 time: " + from)
			}
			cfg.attackFrom = at.Sub(cfg.start)
		}
		if cfg.attackFrom < 5*time.Minute || cfg.attackFrom > cfg.duration {
			return usageError("--attack-from must leave at least 5m of clean part and lie within the duration")
		}
	}
	if attacks == "" && cfg.attacked != "" {
		attacks = "all"
	}
	if cfg.attacks, err = parseAttacks(attacks); err != nil {
		return err
	}
	if cfg.quiet < 0 || cfg.attackFrom+cfg.quiet > cfg.duration {
		return usageError("--quiet must end within the duration")
	}
	if cfg.slow && cfg.scale != 0 {
		return usageError("--slow and --scale both say how often: give one")
	}
	if cfg.scale < 0 || cfg.scale > 1.6 {
		return usageError("--scale must be above 0 and at most 1.6")
	}
	if cfg.pps < 0 {
		return usageError("--pps must be positive")
	}
	return runPlant(cfg, stdout, stderr)
}

func isSet(fs *flag.FlagSet, name string) bool {
	set := false
	fs.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

func flagTable(fs *flag.FlagSet) string {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	fs.VisitAll(func(f *flag.Flag) {
		_, text := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(tw, "  --%s\t%s\n", f.Name, text)
	})
	tw.Flush()
	return b.String()
}

// parseAttacks reads the --attacks list.
func parseAttacks(s string) ([]string, error) {
	var ids []string
	switch s {
	case "", "none":
		return nil, nil
	case "all":
		for _, k := range attackKinds {
			ids = append(ids, k.id)
		}
		return ids, nil
	}
	for id := range strings.SplitSeq(s, ",") {
		id = strings.TrimSpace(id)
		if attackByID(id) == nil {
			return nil, usageError(fmt.Sprintf("--attacks: no attack %q (plantgen --list-attacks)", id))
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// create opens an output; "-" is standard output.
func create(name string, stdout io.Writer) (io.Writer, func() error, error) {
	if name == "-" {
		return stdout, func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

// build makes the world with everything scheduled.
func build(cfg config) *world {
	w := newWorld(cfg)
	p := w.furnish()
	w.live(p)
	pps := cfg.pps
	if pps == 0 {
		pps = 5 * max(1, math.Sqrt(float64(cfg.devices)/40))
	}
	w.fit(pps)
	w.schedule(p)
	return w
}

// runPlant makes the capture or the two parts of it, and the truth.
func runPlant(cfg config, stdout, stderr io.Writer) error {
	began := time.Now()
	w := build(cfg)
	var closers []func() error
	open := func(name string) (*pcapWriter, error) {
		f, closeFile, err := create(name, stdout)
		if err != nil {
			return nil, err
		}
		closers = append(closers, closeFile)
		return newPcapWriter(f)
	}
	first, err := open(cfg.out)
	if err != nil {
		return err
	}
	second := first
	if cfg.attacked != "" {
		if second, err = open(cfg.attacked); err != nil {
			return err
		}
	}
	var total, clean pcapTotals
	bySender := map[mac]*sent{}
	w.sink = func(f *frame) error {
		total.packets++
		total.bytes += int64(len(f.b))
		s := bySender[mac(f.b[6:12])]
		if s == nil {
			s = &sent{}
			bySender[mac(f.b[6:12])] = s
		}
		s.packets++
		s.bytes += int64(len(f.b))
		if f.t < w.cut {
			clean.packets++
			return first.write(f.t, f.b)
		}
		return second.write(f.t, f.b)
	}
	if err := w.run(); err != nil {
		return err
	}
	if err := first.flush(); err != nil {
		return err
	}
	if err := second.flush(); err != nil {
		return err
	}
	for _, c := range closers {
		if err := c(); err != nil {
			return err
		}
	}
	t := w.truth(&total, &clean, bySender)
	if cfg.truth != "" {
		f, closeFile, err := create(cfg.truth, stdout)
		if err != nil {
			return err
		}
		if err := t.write(f); err != nil {
			return err
		}
		if err := closeFile(); err != nil {
			return err
		}
	}
	fmt.Fprintf(stderr, "plantgen: %d packets (%d clean), %d bytes, %d devices, %d attacks, %.1f s\n",
		total.packets, clean.packets, total.bytes, len(t.Devices), len(t.Attacks), time.Since(began).Seconds())
	return nil
}
