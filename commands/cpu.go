package commands

import (
	"context"
	"io"
	"io/fs"
	"os"
	"strings"

	"virgo/completion"
	"virgo/cpu"
	"virgo/drivers"
	"virgo/xml"
)

// cpuRows are the commands about CPUs. They open a connection only where no
// source stands in for it.
func cpuRows() []Command {
	virt := func(f Flag) []Option {
		return opts(
			str("virttype", f, "type of the hypervisor, as in a domain").of("kvm qemu"),
			str("emulator", f, "the emulator's path").with(completion.Files),
			str("arch", f, "architecture of the guest").of(strings.Join(xml.Architectures[:], " ")),
			str("machine", f, "type of the machine").with(completion.Free))
	}
	source := "file that describes a CPU: CPU, capabilities, domain, CPUID dump, QEMU's answer; - is standard input"
	return []Command{
		{Name: "cpu-baseline", Summary: "find the CPU that several hosts can give", NoConnect: true, Run: cpuBaseline,
			Description: "Computes the guest CPU that can run on all hosts whose CPUs the files describe.",
			Options: opts(
				str("file", RP, source).with(completion.Files).unless("host"),
				flag("features", "list the features that the model has, too"),
				flag("migratable", "leave out features that block migration"),
				argv("host", 0, "the running host of this connection, too; may be given again").with(completion.Free).own(),
				flag("explain", "show which host costs which features").own(),
				flag("matrix", "show the features in which the hosts differ").own(),
				flag("groups", "a baseline for each architecture and vendor").own(),
				cpuMapOption(),
				flag("strict", "fail if a file among several cannot be read").own(),
				str("exclude", 0, "leave out this file, and show what the baseline gains").with(completion.Files).own(),
				argv("source", Positional, "more such files, or folders of them").with(completion.Files).own())},
		{Name: "cpu-compare", Summary: "compare a CPU with the host's", NoConnect: true, Run: cpuCompare,
			Description: "Tells whether a host can give the CPU that a file describes.",
			Options: opts(
				str("file", RP, source).with(completion.Files),
				flag("error", "fail with the reason if the CPUs are incompatible"),
				flag("validate", "check the file against the schema"),
				str("host-cpu", 0, "file that describes the host, in place of the connection").with(completion.Files).own(),
				flag("explain", "show what differs, where it is, and why").own(),
				flag("suggest", "show the nearest guest CPU that runs on the host").own())},
		{Name: "cpu-models", Summary: "list CPU models", NoConnect: true, Run: cpuModels,
			Description: "Lists the CPU models that are known for an architecture.",
			Options: opts(
				str("arch", RP, "architecture").of(strings.Join(xml.Architectures[:], " ")),
				cpuMapOption(),
				flag("blockers", "with --usable-on: all models, and what is in the way").own(),
				argv("usable-on", Loose, "only those that the hosts of these files can give").with(completion.Files).own())},
		{Name: "cpu-decode", Summary: "find the model of raw CPU data", NoConnect: true, Own: true, Run: cpuDecode,
			Description: "Finds the CPU model, and the features beside it, that describe a CPU best.",
			Options: opts(
				str("source", RP, source).with(completion.Files).own(),
				flag("guest", "as a guest's CPU, not as a host's"),
				cpuMapOption(),
				str("models", 0, "models to choose from: a list, or QEMU's answer to query-cpu-definitions").with(completion.Files))},
		{Name: "cpu-update", Summary: "show what a guest's CPU comes to on a host", NoConnect: true, Own: true, Run: cpuUpdate,
			Description: "Applies a guest CPU's mode, match and policies to a host.",
			Options: opts(
				str("file", RP, "file with a guest's CPU, or a domain").with(completion.Files),
				str("host-cpu", 0, "file that describes the host, in place of the connection").with(completion.Files).own(),
				str("models", 0, "do as a start does, with these models: a list, or QEMU's answer").with(completion.Files))},
		{Name: "hypervisor-cpu-baseline", Summary: "find the CPU that a hypervisor can give on several hosts", NoConnect: true,
			Run: hypervisorCPUBaseline, Description: "Computes the guest CPU that this hypervisor can run on all hosts that a file describes.",
			Options: opts(
				str("file", Loose, "file that describes CPUs").with(completion.Files), virt(Loose),
				flag("features", "list the features that the model has, too"),
				flag("migratable", "leave out features that block migration"),
				str("model", Loose, "a single model in place of a file").with(completion.Free),
				ownFlag("ignore-host", "what the hypervisor could give on any host, not on this one"))},
		{Name: "hypervisor-cpu-compare", Summary: "compare a CPU with the hypervisor's", NoConnect: true,
			Run: hypervisorCPUCompare, Description: "Tells whether the hypervisor can give the CPU that a file describes.",
			Options: opts(
				str("file", RP, source).with(completion.Files), virt(Loose),
				flag("error", "fail with the reason if the CPUs are incompatible"),
				flag("validate", "check the file against the schema"))},
		{Name: "hypervisor-cpu-models", Summary: "list the hypervisor's CPU models", Run: hypervisorCPUModels,
			Description: "Lists the CPU models that the hypervisor can give on this host.",
			Options:     opts(virt(0), flag("all", "also those that cannot be had on this host"))},
	}
}

func cpuMapOption() Option {
	return str("cpu-map", 0, "tables of models: 11.3 for libvirt 11.3.0's, or latest").own().of("11.3 latest")
}

// cpuMap is the tables that --cpu-map asks for; other is what none means.
func cpuMap(c *Call, other cpu.Map) (cpu.Map, error) {
	switch c.Str("cpu-map") {
	case "":
		return other, nil
	case "11.3", "11.3.0":
		return cpu.Map113, nil
	case "latest":
		return cpu.Latest, nil
	}
	return other, shellError("Unknown CPU map '%s', there are 11.3 and latest", c.Str("cpu-map"))
}

// maxSource is far above what thousands of hosts come to.
const maxSource = 1 << 30

// cpuFile reads a source's text; - is standard input.
func cpuFile(c *Call, name string) (xml.Source, error) {
	if doc, ok := c.documents[name]; ok {
		return xml.Source{Name: name, Data: doc}, nil
	}
	in, shown := io.Reader(c.In), "-"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return xml.Source{}, shellError("Failed to open file '%s': %s", name, systemText(err))
		}
		defer f.Close()
		in, shown = f, name
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() <= maxSource {
			data := make([]byte, info.Size())
			n, err := io.ReadFull(f, data)
			if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
				return xml.Source{Name: shown, Data: data[:n]}, nil
			}
			return xml.Source{}, shellError("Failed to read file '%s': %s", name, systemText(err))
		}
	}
	data, err := io.ReadAll(io.LimitReader(in, maxSource+1))
	if err != nil {
		return xml.Source{}, shellError("Failed to read file '%s': %s", name, systemText(err))
	}
	if len(data) > maxSource {
		return xml.Source{}, shellError("Failed to read file '%s': Value too large for defined data type", name)
	}
	return xml.Source{Name: shown, Data: data}, nil
}

// cpuSource reads the first CPU of the file that an option names. What a script
// names again and again, such as the host of many comparisons, is read once.
func cpuSource(c *Call, option string) (*cpu.Source, error) {
	name := c.Str(option)
	info, _ := os.Stat(name)
	if last, ok := c.sources[option]; ok && info != nil && last.name == name && sameFile(info, last.info) {
		s := *last.source
		return &s, s.HasCPU()
	}
	src, err := cpuFile(c, name)
	if err != nil {
		return nil, err
	}
	s, err := cpu.Load(src)
	if err != nil {
		return nil, err
	}
	if info != nil && info.Mode().IsRegular() && len(src.Data) <= maxKept {
		if c.sources == nil {
			c.sources = make(map[string]keptSource)
		}
		c.sources[option] = keptSource{name, info, s}
		kept := *s
		s = &kept
	}
	return s, s.HasCPU()
}

// keptSource is a source that a session has read.
type keptSource struct {
	name   string
	info   fs.FileInfo // of before it was read
	source *cpu.Source
}

// maxKept is the size of a text from which on its source is not kept.
const maxKept = 1 << 20

// sameFile tells whether nothing has been written since.
func sameFile(now, before fs.FileInfo) bool {
	return os.SameFile(now, before) && now.ModTime().Equal(before.ModTime()) && now.Size() == before.Size()
}

// usableModels reads the list of models that an option names; nil without it.
func usableModels(c *Call) ([]cpu.Usable, error) {
	if !c.Has("models") {
		return nil, nil
	}
	src, err := cpuFile(c, c.Str("models"))
	if err != nil {
		return nil, err
	}
	s, err := cpu.Load(src)
	if err != nil {
		return nil, err
	}
	if s.Usable == nil {
		return nil, shellError("File '%s' does not list any models", c.Str("models"))
	}
	return s.Usable, nil
}

// hostCPU gives the host's CPU and architecture: of --host-cpu, else of the connection.
func hostCPU(ctx context.Context, c *Call, api string) (*xml.CPU, string, error) {
	if c.Has("host-cpu") {
		s, err := cpuSource(c, "host-cpu")
		if err != nil {
			return nil, "", err
		}
		host, err := s.CPU(xml.AnyCPU)
		return host, s.HostArch(), err
	}
	conn, err := c.Conn(ctx)
	if err != nil {
		return nil, "", err
	}
	h, err := query[drivers.HostCPUer](conn, api)
	if err != nil {
		return nil, "", err
	}
	host, err := h.HostCPU(ctx)
	if err != nil {
		return nil, "", err
	}
	return host, host.Arch, nil
}

// emitCPU shows a CPU's element.
func emitCPU(c *Call, x *xml.CPU) {
	n := x.EncodeNode("cpu")
	if n == nil {
		n = xml.Element("cpu")
	}
	c.Emit(Document{Text: n.String()})
}

// driver is the name of the connection's driver, without opening it.
func (c *Call) driver() string {
	scheme, _, _ := strings.Cut(c.uri(), ":")
	driver, _, _ := strings.Cut(scheme, "+")
	return driver
}

// uri is the connection's address, without opening it; "" if none is named.
func (c *Call) uri() string {
	uri := c.URI
	if c.conn != nil {
		uri = c.conn.URI()
	}
	for _, name := range []string{"VIRGO_URI", "VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI"} {
		if uri == "" {
			uri = c.Getenv(name)
		}
	}
	return uri
}

// answerData is a comparison's answer for programs.
func answerData(file string, r cpu.Result) Data {
	words := [...]string{cpu.Incompatible: "incompatible", cpu.Identical: "identical", cpu.Superset: "superset"}
	d := Data{{"file", file}, {"result", words[r.Answer]}}
	for _, p := range []struct {
		key   string
		value []string
	}{{"missing", r.Missing}, {"forbidden", r.Forbidden}, {"extra", r.Extra}} {
		if len(p.value) > 0 {
			d = append(d, Pair{p.key, p.value})
		}
	}
	if r.Reason != "" {
		d = append(d, Pair{"reason", r.Reason})
	}
	return d
}
