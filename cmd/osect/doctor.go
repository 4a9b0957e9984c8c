package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"osect/store"
)

// doctorRow is one check of doctor.
type doctorRow struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, warn or fail
	Detail string `json:"detail"`
	Action string `json:"action"` // what to do, "" where all is well
}

func newDoctorCommand(a *app) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the store and the system",
		Long: `Check the store (readable, every page sound, its version), the space on its
disk, this program, time zones, and what live capture needs. Each line is ok,
warn or fail, with what to do.

EXIT STATUS
  0  no check failed
  1  a check failed
  2  wrong usage`,
		Example: `  osect doctor
  osect doctor --db /var/lib/osect/osect.db --format json`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runDoctor(cmd.Context(), a, o)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runDoctor(ctx context.Context, a *app, o listOptions) error {
	rows := checkStore(ctx, a.db)
	rows = append(rows, checkDisk(filepath.Dir(a.db)), checkProgram(), checkZone(), checkCapture(), checkInterfaces())
	type row = doctorRow
	if o.format == "table" && !o.wide {
		var lines [][2]string
		for _, r := range rows {
			detail := r.Detail
			if r.Action != "" {
				detail += ": " + r.Action
			}
			lines = append(lines, [2]string{fmt.Sprintf("%-4s  %s", r.Result, r.Check), detail})
		}
		if err := a.pairs(lines); err != nil {
			return err
		}
	} else if err := (listing[row]{}).print(a, &o, slice(rows)); err != nil {
		return err
	}
	for _, r := range rows {
		if r.Result == "fail" {
			return quietly(exitFound, "a check failed")
		}
	}
	return nil
}

func checkStore(ctx context.Context, path string) []doctorRow {
	st, err := store.Open(path, store.Options{ReadOnly: true})
	switch {
	case errors.Is(err, store.ErrMissing):
		return []doctorRow{{"store", "warn", path + " is not there", "osect replay makes it, or give --db"}}
	case errors.Is(err, store.ErrOlder):
		return []doctorRow{{"store", "warn", err.Error(), "the next replay upgrades it and keeps a copy"}}
	case err != nil:
		return []doctorRow{{"store", "fail", err.Error(), "give another --db, or restore a backup"}}
	}
	defer st.Close()
	rows := []doctorRow{{"store", "ok", fmt.Sprintf("%s, %s", path, human(uint64(st.Size()))), ""}}
	if err := st.Check(ctx); err != nil {
		return append(rows, doctorRow{"store pages", "fail", err.Error(), "restore a backup, or read the captures again into a new store"})
	}
	rows = append(rows, doctorRow{"store pages", "ok", "every page is sound", ""})
	if err := unix.Access(path, unix.W_OK); err != nil {
		rows = append(rows, doctorRow{"store writable", "warn", "no permission to write " + path, "listings work; replay and edits need it"})
	}
	return rows
}

func checkDisk(dir string) doctorRow {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return doctorRow{"disk", "fail", fmt.Sprintf("%s: %v", dir, err), "give --db in a directory that is there"}
	}
	free := fs.Bavail * uint64(fs.Bsize)
	const warn, fail = 1 << 30, 100 << 20
	r := doctorRow{"disk", "ok", human(free) + " free in " + dir, ""}
	switch {
	case free < fail:
		r.Result, r.Action = "fail", "make room: a full disk ends every run"
	case free < warn:
		r.Result, r.Action = "warn", "make room"
	}
	return r
}

func checkProgram() doctorRow {
	v := buildInfo()
	return doctorRow{"program", "ok", fmt.Sprintf("%s, %s, SQLite %s", v.program(), v.Go, v.SQLite), ""}
}

func checkZone() doctorRow {
	name, offset := time.Now().Zone()
	r := doctorRow{"time zone", "ok", fmt.Sprintf("local is %s (UTC%+03d:%02d)", name, offset/3600, max(offset, -offset)/60%60), ""}
	if tz := os.Getenv("TZ"); tz != "" {
		if _, err := time.LoadLocation(strings.TrimPrefix(tz, ":")); err != nil {
			r.Result, r.Detail, r.Action = "warn", "TZ="+tz+" is no known zone", "set it to a name such as Asia/Tokyo, or use --tz"
		}
	}
	return r
}

// capNetRaw is the number of CAP_NET_RAW, see capabilities(7).
const capNetRaw = 13

func checkCapture() doctorRow {
	r := doctorRow{"live capture", "warn", "no permission (CAP_NET_RAW)", "not needed for files; else run as root, or: setcap cap_net_raw+ep osect"}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		r.Detail, r.Action = "capabilities cannot be read: "+err.Error(), "not needed for files"
		return r
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "CapEff:"); ok {
			caps, err := strconv.ParseUint(strings.TrimSpace(v), 16, 64)
			if err == nil && caps&(1<<capNetRaw) != 0 {
				return doctorRow{"live capture", "ok", "permitted (CAP_NET_RAW)", ""}
			}
		}
	}
	return r
}

func checkInterfaces() doctorRow {
	all, err := net.Interfaces()
	if err != nil {
		return doctorRow{"interfaces", "warn", err.Error(), "not needed for files"}
	}
	var names []string
	for _, i := range all {
		name := i.Name
		if i.Flags&net.FlagUp == 0 {
			name += " (down)"
		}
		names = append(names, name)
	}
	return doctorRow{"interfaces", "ok", strings.Join(names, ", "), ""}
}
