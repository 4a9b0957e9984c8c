package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"osect/detect"
	"osect/inventory"
	"osect/store"
)

// The names of reference data of the inventory in the store.
const (
	referenceOUI = "oui"
	referenceOS  = "os"
)

// maxFingerprintFile is the most bytes of a file of fingerprints.
const maxFingerprintFile = 4 << 20

func newUpdateCommand(a *app) *cobra.Command {
	return newGroup("update", "Reference data from files, for sites without a network", newUpdateOUICommand(a), newUpdateOSCommand(a), newUpdateServicesCommand(a), newUpdateEOLCommand(a))
}

// inventoryOptions are the tables that the store was given in place of those built in.
func inventoryOptions(ctx context.Context, st *store.Store) (o inventory.Options, err error) {
	data, err := st.Reference(ctx, referenceOUI)
	if err != nil {
		return o, err
	}
	if data != nil {
		if o.Vendors, err = inventory.ReadVendors(data); err != nil {
			return o, fmt.Errorf("%s: %w: bring it again with osect update oui --from", st.Path(), err)
		}
	}
	settings, err := st.Settings(ctx)
	if err != nil {
		return o, err
	}
	var set detect.Settings
	if err := set.ParseSettings(settings); err != nil {
		return o, fmt.Errorf("%s: %w: see osect settings", st.Path(), err)
	}
	o.Internal, o.InternetEach = set.Internal, set.InternetEach
	if data, err = st.Reference(ctx, referenceOS); err != nil || data == nil {
		return o, err
	}
	f, err := inventory.ParseFingerprints(bytes.NewReader(data))
	if err != nil {
		return o, fmt.Errorf("%s: the fingerprints in it: %w: bring them again with osect update os --from", st.Path(), err)
	}
	o.Fingerprints = f.With()
	return o, nil
}

// newUpdateOUICommand is osect update oui.
func newUpdateOUICommand(a *app) *cobra.Command {
	var from []string
	cmd := &cobra.Command{
		Use:   "oui --from FILE",
		Short: "Bring newer registries of MAC vendors",
		Long: `Bring registries of MAC vendors from files, in place of the built-in ones: what
IEEE publishes (oui.csv for MA-L, mam.csv for MA-M, oui36.csv for MA-S, or
oui.txt), or Wireshark's manuf. Give --from once for each file; of a registry
that no file has, the built-in one stays. They are kept in the store.
--from built-in goes back to what is built in.` + exitStatusHelp,
		Example: `  osect update oui --from oui.csv --from mam.csv --from oui36.csv
  osect update oui --from built-in`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runUpdateOUI(a, from) },
	}
	cmd.Flags().StringArrayVar(&from, "from", nil, "a `file`, - for standard input, or built-in")
	return cmd
}

func runUpdateOUI(a *app, from []string) error {
	if len(from) == 0 {
		return usageErrorf("--from is missing: a file, - for standard input, or built-in")
	}
	source := inventory.VendorSource()
	var data []byte
	if len(from) > 1 || from[0] != "built-in" {
		r := inventory.Registry{}
		var names []string
		for _, name := range from {
			in, err := a.input(name)
			if err != nil {
				return err
			}
			err = r.Read(in)
			in.Close()
			if err != nil {
				return inputErrorf("%s: %w", name, err)
			}
			names = append(names, filepath.Base(name))
		}
		r.Fill(inventory.BuiltinVendors())
		large, medium, small := r.Count()
		source = fmt.Sprintf("MAC vendors: IEEE MA-L %d, MA-M %d, MA-S %d; %s", large, medium, small, strings.Join(names, ", "))
		var err error
		if data, err = r.Pack(source); err != nil {
			return err
		}
	}
	return a.keepReference(referenceOUI, source, data)
}

// newUpdateOSCommand is osect update os.
func newUpdateOSCommand(a *app) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "os --from FILE",
		Short: "Bring fingerprints of operating systems",
		Long: `Bring forms of TCP SYNs and the operating systems that send them, from a file in
the form of p0f version 3's fp files. They are tried before the built-in ones,
and kept in the store. --from built-in removes them again.` + exitStatusHelp,
		Example: `  osect update os --from p0f.fp
  osect update os --from built-in`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runUpdateOS(a, from) },
	}
	cmd.Flags().StringVar(&from, "from", "", "the `file`, - for standard input, or built-in")
	return cmd
}

func runUpdateOS(a *app, from string) error {
	if from == "" {
		return usageErrorf("--from is missing: a file, - for standard input, or built-in")
	}
	source := "fingerprints: those built in"
	var data []byte
	if from != "built-in" {
		in, err := a.input(from)
		if err != nil {
			return err
		}
		defer in.Close()
		if data, err = io.ReadAll(io.LimitReader(in, maxFingerprintFile+1)); err != nil {
			return systemErrorf("%s: %w", from, err)
		}
		if len(data) > maxFingerprintFile {
			return inputErrorf("%s: over 4 MiB: this is no file of fingerprints", from)
		}
		f, err := inventory.ParseFingerprints(bytes.NewReader(data))
		if err != nil {
			return inputErrorf("%s: %w", from, err)
		}
		syn, answer := f.Count()
		if syn+answer == 0 {
			return inputErrorf("%s: no fingerprint in it: want sections [tcp:request] or [tcp:response] with label and sig lines", from)
		}
		source = fmt.Sprintf("fingerprints: %d of SYNs, %d of answers; %s", syn, answer, filepath.Base(from))
	}
	return a.keepReference(referenceOS, source, data)
}

// keepReference puts reference data into the store and says where it is from.
func (a *app) keepReference(name, source string, data []byte) (err error) {
	st, err := a.openWrite(true)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	if err := st.SetReference(name, source, data); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, clean(source))
	return err
}
