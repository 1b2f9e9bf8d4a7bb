package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"virgo/cpu"
	"virgo/xml"
)

// cpuFiles lists the files that arguments name: a folder stands for its files.
func cpuFiles(c *Call, args []string) ([]string, error) {
	var out []string
	for _, name := range args {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			out = append(out, name) // a missing file is told when it is opened
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, shellError("Failed to read folder '%s': %s", name, systemText(err))
		}
		for _, e := range entries {
			if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
				out = append(out, filepath.Join(name, e.Name()))
			}
		}
	}
	return out, nil
}

// excluded tells whether --exclude names a file, by its path or its last part.
func excluded(c *Call, name string) bool {
	for _, x := range c.Words("exclude") {
		if x == name || x == filepath.Base(name) {
			return true
		}
	}
	return false
}

// eachCPU calls f with every CPU of the files. Where there are several files
// one that cannot be read is named and passed over, unless --strict.
func eachCPU(c *Call, files []string, tables cpu.Map, f func(name string, s *cpu.Source, x *xml.CPU)) error {
	bad := 0
	for _, name := range files {
		src, err := cpuFile(c, name)
		if err == nil {
			n := 0
			err = cpu.LoadEach(src, func(s *cpu.Source) error {
				s.Map = tables
				x, err := s.CPU(xml.HostCPU)
				if err != nil {
					return err
				}
				n++
				label := name
				if n > 1 {
					label = fmt.Sprintf("%s#%d", name, n)
				}
				f(label, s, x)
				return nil
			})
		}
		if err == nil {
			continue
		}
		if len(files) == 1 || c.Has("strict") {
			return err
		}
		var said *Failure
		if errors.As(err, &said) || strings.Contains(err.Error(), name) {
			c.Errorf("%s", err)
		} else {
			c.Errorf("%s: %s", name, err)
		}
		if bad++; bad == len(files) {
			return ErrReported
		}
	}
	return nil
}

// matrix writes the features that differ, a column for each host.
func matrix(b *strings.Builder, f *cpu.Fleet) []Data {
	b.WriteString("\n")
	for i, h := range f.Hosts {
		fmt.Fprintf(b, "%d: %s\n", i+1, h.Name)
	}
	w := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	fmt.Fprint(w, "\nFeature")
	for i := range f.Hosts {
		fmt.Fprintf(w, "\t%d", i+1)
	}
	fmt.Fprint(w, "\n")
	var rows []Data
	for _, name := range f.Differ {
		fmt.Fprint(w, name)
		var with []string
		for i, h := range f.Hosts {
			mark := "-"
			if f.Has(i, name) {
				mark = "x"
				with = append(with, h.Name)
			}
			fmt.Fprint(w, "\t"+mark)
		}
		fmt.Fprint(w, "\n")
		rows = append(rows, Data{{"feature", name}, {"hosts", with}})
	}
	w.Flush()
	return rows
}

// usableOn lists the models that all sources can give, or all models with what
// is in the way.
func usableOn(_ context.Context, c *Call) error {
	if !cpu.IsX86(c.Str("arch")) {
		return shellError("what is usable on a host can only be told for x86_64 and i686")
	}
	files, err := cpuFiles(c, c.Words("usable-on"))
	if err != nil {
		return err
	}
	var sources []*cpu.Source
	for _, name := range files {
		src, err := cpuFile(c, name)
		if err != nil {
			return err
		}
		all, err := cpu.LoadAll(src)
		if err != nil {
			return err
		}
		for i := range all {
			if err := all[i].HasCPU(); err != nil {
				return err
			}
			sources = append(sources, &all[i])
		}
	}
	offers, err := cpu.Offers(sources)
	if err != nil {
		return err
	}
	var text strings.Builder
	var rows []Data
	w := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	for _, o := range offers {
		switch {
		case c.Has("blockers"):
			note := "usable"
			if !o.Usable() {
				note = strings.Join(o.Blockers, ", ")
			}
			fmt.Fprintf(w, "%s\t%s\n", o.Name, note)
		case o.Usable():
			fmt.Fprintf(w, "%s\n", o.Name)
		default:
			continue
		}
		row := Data{{"model", o.Name}, {"usable", o.Usable()}, {"other_vendor", o.Vendor}}
		if len(o.Blockers) > 0 {
			row = append(row, Pair{"blockers", o.Blockers})
		}
		rows = append(rows, row)
	}
	w.Flush()
	c.Emit(Message{Text: text.String(), Data: Data{{"models", rows}}})
	return nil
}
