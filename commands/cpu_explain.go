package commands

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"virgo/cpu"
	"virgo/xml"
)

// explainHost is cpu-compare with --explain or --suggest: the answer, the
// differences with their causes, and a CPU that would do.
func explainHost(ctx context.Context, c *Call, s *cpu.Source) error {
	file := c.Str("file")
	fail := func(err error) error { return failed(err, "Failed to compare host CPU with %s", file) }
	host, arch, err := hostCPU(ctx, c, "virConnectCompareCPU")
	if err != nil {
		return fail(err)
	}
	other, err := s.CPU(xml.AnyCPU)
	if err != nil {
		return fail(err)
	}
	e, err := cpu.Explain(host, other, arch, host != nil && !host.IsHost())
	if err != nil {
		return fail(err)
	}
	m := comparison(file, e.Result)
	data := m.Data.(Data)
	var text strings.Builder
	text.WriteString(m.Text)
	if c.Has("explain") {
		data = append(data, Pair{"notes", e.Notes}, Pair{"differences", differenceData(e.Differences)})
		explainText(&text, &e)
	}
	if c.Has("suggest") && e.Answer == cpu.Incompatible {
		near, err := cpu.Suggest(host, other, arch)
		if err != nil {
			return fail(err)
		}
		if near == nil {
			text.WriteString("\nNo change of the guest's CPU makes it run on this host.\n")
		} else {
			element := near.EncodeNode("cpu").String()
			data = append(data, Pair{"suggestion", element})
			text.WriteString("\nThis CPU runs on the host:\n\n" + element)
		}
	}
	c.Emit(Message{Text: text.String(), Data: data})
	if e.Answer == cpu.Incompatible {
		return ErrReported
	}
	return nil
}

// explainText writes the differences that count; of those that do not it tells
// the number.
func explainText(b *strings.Builder, e *cpu.Explanation) {
	for _, n := range e.Notes {
		fmt.Fprintf(b, "\n%s\n", n)
	}
	w := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	shown, rest := 0, 0
	for _, d := range e.Differences {
		if !d.Blocking {
			rest++
			continue
		}
		if shown == 0 {
			fmt.Fprint(w, "\nFeature\tWhere\tHost\tAsked for\tCause\tBecause\n")
		}
		shown++
		has := "no"
		if d.Host {
			has = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.Feature, d.Where, has, d.Wanted, d.Cause, d.Because)
	}
	w.Flush()
	for _, line := range e.Summary() {
		fmt.Fprintf(b, "\n%s\n", line)
	}
	if lacking := withoutAll(e.Differences); len(lacking) > 0 {
		fmt.Fprintf(b, "\nmodels without any of these: %s\n", strings.Join(lacking, ", "))
	}
	if rest > 0 {
		fmt.Fprintf(b, "\n%d more features of the host are not asked for\n", rest)
	}
}

// withoutAll are the models that lack every missing feature.
func withoutAll(list []cpu.Difference) []string {
	var names []string
	first := true
	for _, d := range list {
		if !d.Blocking || d.Host {
			continue
		}
		if first {
			names, first = d.Lacking, false
			continue
		}
		var kept []string
		for _, n := range names {
			for _, m := range d.Lacking {
				if n == m {
					kept = append(kept, n)
				}
			}
		}
		names = kept
	}
	return names
}

func differenceData(list []cpu.Difference) []Data {
	out := make([]Data, 0, len(list))
	for _, d := range list {
		row := Data{{"feature", d.Feature}, {"where", d.Where}, {"host", d.Host}, {"wanted", d.Wanted},
			{"cause", string(d.Cause)}, {"because", d.Because}, {"blocking", d.Blocking}}
		if len(d.Lacking) > 0 {
			row = append(row, Pair{"models_without", d.Lacking})
		}
		out = append(out, row)
	}
	return out
}
