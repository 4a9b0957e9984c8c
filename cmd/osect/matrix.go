package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"osect/picture"
)

type matrixOptions struct {
	listOptions
	where
	by       string
	svg, png string
}

func newMatrixCommand(a *app) *cobra.Command {
	var o matrixOptions
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "Show all devices at a glance: grids coloured by vendor, OS or role",
		Long: `Show all devices at a glance: grids of 16 by 16, a cell for each device in the
order of addresses, coloured and lettered by vendor, OS or role. Grids of OS
have the accuracy of the estimate (0 to 100) beside the letter. The address
before a row is that of its first cell.

Without a terminal, or with NO_COLOR, there are letters only. PNG is in English,
as its fonts have no Japanese.` + listHelp + exitStatusHelp,
		Example: `  osect devices matrix --by vendor
  osect devices matrix --by os --svg os.svg
  osect devices matrix --by role --png role.png --address 192.168.3.0/24
  osect devices matrix --by os --format csv --bom`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(true); err != nil {
				return err
			}
			return runMatrix(cmd.Context(), a, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.by, "by", "vendor", "colours by `what`: vendor, os or role")
	pictureFlags(f, &o.svg, &o.png)
	f.StringVar(&o.format, "format", "table", "`form`: table (the grids), json or csv")
	f.BoolVar(&o.bom, "bom", false, "begin CSV with a byte order mark, for Excel")
	o.where.addFlags(f)
	o.listOptions.all = true
	return cmd
}

func runMatrix(ctx context.Context, a *app, o matrixOptions) (err error) {
	if err := oneOf("by", o.by, picture.MatrixBy...); err != nil {
		return err
	}
	if o.svg == "-" && o.png == "-" {
		return usageErrorf("only one picture fits on standard output")
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	f, err := o.filter(ctx, st)
	if err != nil {
		return err
	}
	q := f
	q.From, q.To = 0, 0
	devices, _, err := a.devices(ctx, st, q, false)
	if err != nil {
		return err
	}
	m := picture.NewMatrix(seenIn(devices, f), o.by, a.lang, shortVendor)
	if o.svg != "" {
		if err := a.writeOut(o.svg, m.WriteSVG); err != nil {
			return err
		}
	}
	if o.png != "" {
		english := picture.NewMatrix(seenIn(devices, f), o.by, "en", shortVendor)
		if err := a.writeOut(o.png, english.WritePNG); err != nil {
			return err
		}
	}
	if o.svg != "" || o.png != "" {
		return nil
	}
	if o.format == "table" {
		if len(m.Cells) == 0 {
			a.note(a.get("cli.none"))
			return nil
		}
		_, err := io.WriteString(a.stdout, m.Terminal(a.columns(), a.colour))
		return err
	}
	return listing[picture.Cell]{}.print(a, &o.listOptions, slice(m.Cells))
}
