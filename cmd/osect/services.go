package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"osect/service"
	"osect/store"
)

// serviceNames are the names of services of a store: its own, and the registry it was given.
func serviceNames(ctx context.Context, st *store.Store) (*service.Names, error) {
	own, err := st.Services(ctx)
	if err != nil {
		return nil, err
	}
	data, err := st.Reference(ctx, store.ReferenceServices)
	if err != nil {
		return nil, err
	}
	var registry []service.Entry
	if data != nil {
		if _, registry, err = service.Unpack(data); err != nil {
			return nil, fmt.Errorf("%s: the registry of services in it: %w: bring it again with osect update services --from", st.Path(), err)
		}
	}
	var entries []service.Entry
	for _, s := range own {
		entries = append(entries, service.Entry{Proto: s.Proto, Port: s.Port, Name: s.Name})
	}
	return service.New(entries, registry), nil
}

func newServicesCommand(a *app) *cobra.Command {
	return newGroup("services", "Names of TCP and UDP services by port", newServicesListCommand(a), newServicesSetCommand(a),
		newServicesRemoveCommand(a), newServicesImportCommand(a))
}

// serviceRow is a row of services list.
type serviceRow struct {
	Proto       string         `json:"proto"`
	Port        uint16         `json:"port"`
	Name        string         `json:"name"`
	Origin      service.Origin `json:"origin"`
	Description string         `json:"description"`
}

type servicesListOptions struct {
	listOptions
	own  bool
	port int
	name string
}

func newServicesListCommand(a *app) *cobra.Command {
	var o servicesListOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the names of services",
		Long: `List the names of TCP and UDP services that listings print, and where each is
from: own (set by hand, wins), field (the usual word of plant and office), iana
(the registry). What a port is named says nothing of what runs there; where
osect recognised the content, listings print that instead.

Without a store it lists what is built in.` + listHelp + exitStatusHelp,
		Example: `  osect services list --own
  osect services list --port 502
  osect services list --name opc --format csv`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			if cmd.Flags().Changed("port") && (o.port < 1 || o.port > 65535) {
				return usageErrorf("--port %d: want 1 to 65535", o.port)
			}
			return runServicesList(cmd.Context(), a, o)
		},
	}
	cmd.Flags().BoolVar(&o.own, "own", false, "only own names")
	cmd.Flags().IntVar(&o.port, "port", 0, "only this `port`")
	cmd.Flags().StringVar(&o.name, "name", "", "only names and descriptions with this `text` in them")
	o.listOptions.addFlags(cmd.Flags())
	return cmd
}

func runServicesList(ctx context.Context, a *app, o servicesListOptions) error {
	st, err := a.open()
	switch {
	case err == nil:
		defer st.Close()
	case !errors.Is(err, store.ErrMissing):
		return err
	}
	var rows []serviceRow
	want := strings.ToLower(o.name)
	for _, e := range a.names.All() {
		if o.own && e.Origin != service.Own || o.port != 0 && int(e.Port) != o.port ||
			!strings.Contains(strings.ToLower(e.Name), want) && !strings.Contains(strings.ToLower(e.Description), want) {
			continue
		}
		rows = append(rows, serviceRow{e.Proto, e.Port, e.Name, e.Origin, e.Description})
	}
	return serviceTable(a).print(a, &o.listOptions, slice(rows))
}

func serviceTable(a *app) listing[serviceRow] {
	type row = serviceRow
	return listing[row]{columns: []column[row]{
		{key: "proto", cell: func(r *row) string { return r.Proto }},
		{key: "port", layout: layout{right: true}, cell: func(r *row) string { return strconv.Itoa(int(r.Port)) }},
		{key: "name", layout: layout{min: 15}, cell: func(r *row) string { return r.Name }},
		{key: "origin", cell: func(r *row) string { return a.or("cli.service.origin."+string(r.Origin), string(r.Origin)) }},
		{key: "description", layout: layout{min: 20, lines: 3, drop: 1}, cell: func(r *row) string { return r.Description }},
	}}
}

func newServicesSetCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "set PORT/PROTOCOL NAME",
		Short: "Give a service a name of your own",
		Long: `Give a TCP or UDP service a name of your own. It wins over the built-in ones
from now on. The store is made where there is none.` + exitStatusHelp,
		Example: `  osect services set 5007/tcp melsec-line3
  osect services set 9600/udp fins`,
		Args: wantArgs(2, 2, "PORT/PROTOCOL and NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			proto, port, err := service.ParsePort(args[0])
			if err != nil {
				return usageErrorf("%w", err)
			}
			e := service.Entry{Proto: proto, Port: port, Name: strings.TrimSpace(args[1])}
			if err := e.Check(); err != nil {
				return usageErrorf("%w", err)
			}
			return a.setServices(true, []store.Service{{Proto: proto, Port: port, Name: e.Name}})
		},
	}
}

func newServicesRemoveCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "remove PORT/PROTOCOL...",
		Short:   "Remove names of your own",
		Long:    `Remove names of your own; the built-in ones count again.` + exitStatusHelp,
		Example: `  osect services remove 5007/tcp`,
		Args:    wantArgs(1, -1, "PORT/PROTOCOL"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			var list []store.Service
			for _, s := range args {
				proto, port, err := service.ParsePort(s)
				if err != nil {
					return usageErrorf("%w", err)
				}
				list = append(list, store.Service{Proto: proto, Port: port})
			}
			st, err := a.openWrite(false)
			if err != nil {
				return err
			}
			defer closing(st, &err)
			own, err := st.Services(cmd.Context())
			if err != nil {
				return err
			}
			for i, s := range list {
				if !slices.ContainsFunc(own, func(x store.Service) bool { return x.Proto == s.Proto && x.Port == s.Port }) {
					return inputErrorf("%s: no name of your own for %s: see osect services list --own", a.db, args[i])
				}
			}
			return st.SetServices(list...)
		},
	}
}

func (a *app) setServices(create bool, list []store.Service) (err error) {
	st, err := a.openWrite(create)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	return st.SetServices(list...)
}

type servicesImportOptions struct{ replace, dryRun bool }

func newServicesImportCommand(a *app) *cobra.Command {
	var o servicesImportOptions
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Read names of your own from CSV",
		Long: `Read names of your own from CSV with a header that has proto, port and name (as
osect services list --own --format csv writes it; - is standard input), and add
them. With --replace own names that are not in the file are removed.

The whole file is checked before anything is changed. The store is made where
there is none.` + exitStatusHelp,
		Example: `  osect services import names.csv
  osect services import --replace --dry-run names.csv`,
		Args: wantArgs(1, 1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runServicesImport(cmd.Context(), a, o, args[0])
		},
	}
	cmd.Flags().BoolVar(&o.replace, "replace", false, "remove own names that are not in the file")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what would change")
	return cmd
}

func runServicesImport(ctx context.Context, a *app, o servicesImportOptions, path string) (err error) {
	in, err := a.input(path)
	if err != nil {
		return err
	}
	defer in.Close()
	file, err := readOwnServices(in)
	if err != nil {
		return inputErrorf("%s: %w", path, err)
	}
	st, err := a.openWrite(!o.dryRun)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	own, err := st.Services(ctx)
	if err != nil {
		return err
	}
	var change []store.Service
	same, added, removed := 0, 0, 0
	for _, s := range file {
		if slices.Contains(own, s) {
			same++
			continue
		}
		added++
		change = append(change, s)
	}
	for _, s := range own {
		if o.replace && !slices.ContainsFunc(file, func(x store.Service) bool { return x.Proto == s.Proto && x.Port == s.Port }) {
			removed++
			s.Name = ""
			change = append(change, s)
		}
	}
	if !o.dryRun {
		if err := st.SetServices(change...); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(a.stdout, a.get("cli.imported", "added", added, "removed", removed, "same", same))
	return err
}

// input opens a file for reading, or standard input for "-".
func (a *app) input(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(a.stdin), nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, inputErrorf("%s: no such file", path)
	}
	if err != nil {
		return nil, systemErrorf("%w", err)
	}
	return f, nil
}

// maxServices is the most bytes of a file of own names.
const maxServices = 16 << 20

// readOwnServices reads and checks a whole file: CSV with the columns proto, port and name
// among others, in any order. A port that is there twice is an error.
func readOwnServices(in io.Reader) ([]store.Service, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxServices+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxServices {
		return nil, errors.New("over 16 MiB: this is no list of services")
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\uFEFF"))))
	head, err := r.Read()
	var at [3]int
	for i, name := range []string{"proto", "port", "name"} {
		if at[i] = slices.Index(head, name); err != nil || at[i] < 0 {
			return nil, errors.New("line 1: want a header with proto, port and name, as osect services list --own --format csv writes it")
		}
	}
	var list []store.Service
	seen := map[store.Service]bool{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err // names the line
		}
		line, _ := r.FieldPos(0)
		name := strings.TrimSpace(cells[at[2]])
		if rest, quoted := strings.CutPrefix(name, "'"); quoted && noFormula(rest) == name {
			name = rest
		}
		proto, port, err := service.ParsePort(strings.TrimSpace(cells[at[1]]) + "/" + strings.TrimSpace(cells[at[0]]))
		if err == nil {
			e := service.Entry{Proto: proto, Port: port, Name: name}
			err = e.Check()
		}
		k := store.Service{Proto: proto, Port: port}
		if err == nil && seen[k] {
			err = fmt.Errorf("%d/%s is there twice", port, proto)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		seen[k] = true
		k.Name = name
		list = append(list, k)
	}
}

// newUpdateServicesCommand is osect update services.
func newUpdateServicesCommand(a *app) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "services --from FILE",
		Short: "Bring a newer registry of service names",
		Long: `Bring a registry of service names from a file, in place of the built-in one: the
CSV that IANA publishes (service-names-port-numbers.csv), or a file like
/etc/services. It is kept in the store; own names and the usual words of the
field win over it. --from built-in goes back to what is built in.` + exitStatusHelp,
		Example: `  osect update services --from service-names-port-numbers.csv
  osect update services --from built-in`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runUpdateServices(a, from) },
	}
	cmd.Flags().StringVar(&from, "from", "", "the `file`, - for standard input, or built-in")
	return cmd
}

func runUpdateServices(a *app, from string) (err error) {
	if from == "" {
		return usageErrorf("--from is missing: a file, - for standard input, or built-in")
	}
	var data []byte
	source := service.Source()
	n := 0
	if from != "built-in" {
		in, err := a.input(from)
		if err != nil {
			return err
		}
		defer in.Close()
		list, err := service.ReadRegistry(in)
		if err != nil {
			return inputErrorf("%s: %w", from, err)
		}
		n = len(list)
		source = fmt.Sprintf("names of services: %d of %s", n, filepath.Base(from))
		if data, err = service.Pack(source, list); err != nil {
			return err
		}
	}
	st, err := a.openWrite(true)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	if err := st.SetReference(store.ReferenceServices, source, data); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, clean(source))
	return err
}
