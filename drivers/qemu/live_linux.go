package qemu

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virgo/cpu"
	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// completeLive writes into the live document what QEMU chose: terminals, ports,
// and the CPU as the guest really has it.
func (g *guest) completeLive(ctx context.Context, st *startConfig, facts liveFacts) ([]byte, error) {
	dom, err := readDomain(xml.Source{Name: g.status.Name, Data: st.Live})
	if err != nil {
		return nil, err
	}
	fillTerminals(dom, facts)
	fillTaps(dom, st.Taps)
	if err := pinAll(ctx, g.qmp, g.status.QEMU.PID, dom); err != nil {
		return nil, err
	}
	if err := scheduleAll(ctx, g.qmp, g.status.QEMU.PID, dom); err != nil {
		return nil, err
	}
	if err := fillMemory(ctx, g.qmp, dom); err != nil {
		return nil, err
	}
	if err := g.tuneAtStart(ctx, dom); err != nil {
		return nil, err
	}
	if err := g.fillPorts(ctx, dom); err != nil {
		return nil, err
	}
	if dom.CPU != nil && cpu.IsX86(dom.OS.Type.Arch) && len(facts.CPUs) > 0 {
		if dom.CPU, err = readCPU(ctx, g.qmp, facts.CPUs[0].QOMPath, dom.CPU); err != nil {
			return nil, err
		}
	}
	if dom.CurrentMem, err = g.memoryInUse(ctx, dom); err != nil {
		return nil, err
	}
	g.closedTrays(dom)
	if agentPort(dom) != nil {
		g.tell("agent-lifecycle", "state: 'disconnected' reason: 'domain started'", "")
	}
	return xml.Marshal(dom)
}

// closedTrays notes that a drive begins with its tray closed, whatever its definition
// says.
func (g *guest) closedTrays(dom *xml.Domain) {
	for i := range dom.Devices.Disks {
		d := &dom.Devices.Disks[i]
		if d.Target == nil || d.Target.Tray != "open" {
			continue
		}
		d.Target.Tray = ""
		g.tell("tray-change", "disk "+aliasOf(d.Alias)+": closed", "")
	}
}

// trayMoved notes whether a drive's tray is open.
func (g *guest) trayMoved(alias string, open bool) {
	_ = editLive(g.dir, func(dom *xml.Domain) error { // else the document says less than it could
		for i := range dom.Devices.Disks {
			d := &dom.Devices.Disks[i]
			if aliasOf(d.Alias) != alias || d.Target == nil {
				continue
			}
			d.Target.Tray = ""
			if open {
				d.Target.Tray = "open"
			}
		}
		return nil
	})
}

// memoryInUse is what the guest has of its memory, which its driver has to give back.
func (g *guest) memoryInUse(ctx context.Context, dom *xml.Domain) (xml.KiB, error) {
	if b := dom.Devices.Memballoon; b == nil || b.Model == "none" {
		return xml.KiB(dom.Memory.KiB), nil
	}
	if uint64(dom.CurrentMem) == dom.Memory.KiB {
		return dom.CurrentMem, nil
	}
	var now struct{ Actual uint64 }
	if err := g.qmp.Execute(ctx, "query-balloon", nil, &now); err != nil {
		return dom.CurrentMem, nil // no balloon of virtio
	}
	return xml.KiB(now.Actual / 1024), nil
}

// readCPU merges what the vCPU has into its definition.
func readCPU(ctx context.Context, conn *qmp.Conn, path string, def *xml.CPU) (*xml.CPU, error) {
	get := func(property string) (*qmp.Pending, error) {
		return conn.Send("qom-get", map[string]string{"path": path, "property": property})
	}
	live := cpu.Live{Props: make(map[string]bool)}
	names := cpu.AskByName(def)
	pending := make([]*qmp.Pending, 0, len(names)+3)
	for _, n := range append([]string{"feature-words", "filtered-features", "unavailable-features"}, names...) {
		p, err := get(n)
		if err != nil {
			return nil, err
		}
		pending = append(pending, p)
	}
	if err := pending[0].Read(ctx, &live.Words); err != nil {
		return nil, err
	}
	if err := pending[1].Read(ctx, &live.Filtered); err != nil {
		return nil, err
	}
	if err := pending[2].Read(ctx, &live.Missing); err != nil { // names bits of MSRs too
		return nil, err
	}
	for i, n := range names {
		var on bool
		if pending[i+3].Read(ctx, &on) == nil { // a property that this QEMU lacks is not on
			live.Props[n] = on
		}
	}
	return cpu.MergeLive(def, live)
}

// fillTerminals puts the pseudo-terminals' paths where the definition has pty.
func fillTerminals(dom *xml.Domain, facts liveFacts) {
	paths := make(map[string]string)
	for _, c := range facts.Chardevs {
		if p, ok := strings.CutPrefix(c.Filename, "pty:"); ok {
			paths[c.Label] = p
		}
	}
	fill := func(list []xml.Chardev, tty bool) {
		for i := range list {
			c := &list[i]
			if p := paths["char"+aliasOf(c.Alias)]; p != "" && c.Type == "pty" {
				c.Path = p
				if tty && (i == 0 || c.Target == nil || c.Target.Type == "serial") {
					c.TTY = p
				}
			}
		}
	}
	fill(dom.Devices.Serials, false)
	fill(dom.Devices.Parallels, false)
	fill(dom.Devices.Consoles, true)
	fill(dom.Devices.Channels, false)
	fillChannels(dom, facts)
}

// fillChannels says which channels the guest has open.
func fillChannels(dom *xml.Domain, facts liveFacts) {
	for i := range dom.Devices.Channels {
		c := &dom.Devices.Channels[i]
		if c.Target == nil || c.Target.Type != "virtio" {
			continue
		}
		for _, f := range facts.Chardevs {
			if f.Label == "char"+aliasOf(c.Alias) {
				c.Target.State = channelWord(f.Open)
			}
		}
	}
}

// liveDisks adds to the disks what only a running guest's have: the numbers of
// their block nodes, and where a chain of images ends. status gets to know the
// numbers that are taken, and whose images were found by probing.
func liveDisks(dom *xml.Domain, b Build, status *Status) {
	a := args{d: dom, Build: b}
	a.numberNodes()
	status.Nodes = a.backends
	for s := range b.Probed {
		status.Probed = append(status.Probed, a.nodes[s])
	}
	slices.Sort(status.Probed)
	labelImages(dom)
	for i := range dom.Devices.Disks {
		d := &dom.Devices.Disks[i]
		if emptySource(d.Source) {
			if d.Driver != nil {
				d.Driver.Type = ""
			}
			continue
		}
		for _, im := range chain(d) {
			*im.index = itoa(a.nodes[im.source])
			if s := im.source.DataStore; s != nil && s.Source != nil {
				s.Source.Index = itoa(a.nodes[s.Source])
			}
		}
		if d.BackingStore == nil && (d.Driver == nil || slices.Contains([]string{"", "raw", "fat"}, d.Driver.Type)) {
			d.BackingStore = &xml.BackingStore{}
		}
	}
}

// channelStates asks which channels the guest has open: of a guest that goes on,
// nobody has heard it open them.
func (g *guest) channelStates(ctx context.Context) {
	var facts liveFacts
	if g.qmp.Execute(ctx, "query-chardev", nil, &facts.Chardevs) == nil {
		_ = editLive(g.dir, func(dom *xml.Domain) error { fillChannels(dom, facts); return nil })
	}
}

// channelState notes whether the guest has a channel open, for live documents.
func (g *guest) channelState(alias string, open bool) {
	_ = editLive(g.dir, func(dom *xml.Domain) error { // else the document says less than it could
		for i := range dom.Devices.Channels {
			if c := &dom.Devices.Channels[i]; aliasOf(c.Alias) == alias && c.Target != nil {
				if c.Target.Name == agentChannel && c.Target.State != channelWord(open) {
					g.tell("agent-lifecycle", "state: '"+channelWord(open)+"' reason: 'channel event'", "")
				}
				c.Target.State = channelWord(open)
			}
		}
		return nil
	})
}

func channelWord(open bool) string {
	if open {
		return "connected"
	}
	return "disconnected"
}

// fillTaps names the host's ends of interfaces that have devices there.
func fillTaps(dom *xml.Domain, taps []Tap) {
	for i := range dom.Devices.Interfaces {
		n := &dom.Devices.Interfaces[i]
		if usesPasst(n) && len(taps) > 0 {
			taps = taps[1:] // it has no name
			continue
		}
		switch n.Type {
		case "bridge", "network", "ethernet", "direct":
			if len(taps) == 0 {
				return
			}
			if n.Target == nil {
				n.Target = &xml.InterfaceTarget{}
			}
			n.Target.Dev = taps[0].Name
			taps = taps[1:]
		}
	}
}

// fillPorts asks where VNC listens.
func (g *guest) fillPorts(ctx context.Context, dom *xml.Domain) error {
	for i := range dom.Devices.Graphics {
		v := &dom.Devices.Graphics[i]
		if err := g.passwords(ctx, v); err != nil {
			return err
		}
		if v.Type != "vnc" {
			continue
		}
		var info struct{ Host, Service string }
		if err := g.qmp.Execute(ctx, "query-vnc", nil, &info); err != nil {
			return err
		}
		port, err := strconv.Atoi(info.Service)
		if err != nil { // a socket
			continue
		}
		v.Port = &port
		if v.WebSocket != nil && *v.WebSocket < 0 {
			ws := port - 5900 + 5700
			v.WebSocket = &ws
		}
		if len(v.Listens) > 0 && v.Listens[0].Type == "address" && v.Listens[0].Address == "" {
			v.Listens[0].Address, v.Listen = info.Host, info.Host
		}
	}
	return nil
}

// inactive takes out what only a running domain has.
func inactive(dom *xml.Domain) {
	dom.ID, dom.Resource = nil, nil
	for i := range dom.SecLabels {
		dom.SecLabels[i].ImageLabel = ""
	}
	drop := func(list []xml.Chardev) {
		for i := range list {
			if list[i].Type == "pty" {
				list[i].Path, list[i].TTY = "", ""
			}
			if list[i].TLS == "no" { // of plainChardevs, or the same
				list[i].TLS = ""
			}
		}
	}
	drop(dom.Devices.Serials)
	drop(dom.Devices.Parallels)
	drop(dom.Devices.Consoles)
	drop(dom.Devices.Channels)
	for _, s := range dom.Devices.OtherSources() {
		if s.TLS == "no" {
			s.TLS = ""
		}
	}
	for i := range dom.Devices.Graphics {
		if v := &dom.Devices.Graphics[i]; v.Type == "vnc" && v.Autoport == "yes" {
			none := -1
			v.Port = &none
		}
	}
	for i := range dom.Devices.Disks {
		dom.Devices.Disks[i].Mirror = nil
		withoutOverlay(dom.Name, &dom.Devices.Disks[i])
	}
	domain.DropAliases(dom)
}

// propNames lists the boolean properties of an expanded CPU model, sorted.
func propNames(props json.RawMessage) []string {
	var all map[string]any
	if json.Unmarshal(props, &all) != nil {
		return nil
	}
	var names []string
	for n, v := range all {
		if _, ok := v.(bool); ok {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// taints are the reasons why a bug report about this guest would be doubted.
func (d *domains) taints(dom *xml.Domain) []string {
	var list, override []string
	if _, err := os.Stat(filepath.Join(d.layout.guest(dom.Name), customFile)); err == nil {
		list = append(list, "tainted: custom monitor control commands issued")
	}
	if dom.QEMUCommandline != nil && len(dom.QEMUCommandline.Args) > 0 {
		list = append(list, "tainted: custom configuration parameters specified")
	}
	if c := dom.QEMUCapabilities; c != nil && len(c.Add)+len(c.Del) > 0 {
		override = append(override, "tainted: hypervisor feature autodetection override")
	}
	if len(dom.QEMUOverride) > 0 {
		override = append(override, "tainted: custom device configuration")
	}
	if os.Geteuid() == 0 {
		list = append(list, "tainted: running with undesirable elevated privileges")
	}
	return append(list, override...)
}

var _ drivers.HostCPUer = (*Conn)(nil)
var _ drivers.CPUModeler = (*Conn)(nil)
var _ drivers.HypervisorCPUer = (*Conn)(nil)
