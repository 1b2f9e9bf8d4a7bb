package qemu

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"virgo/drivers"
	"virgo/drivers/domain"
	"virgo/drivers/qemu/qmp"
	"virgo/xml"
)

// A device that is plugged in is made of the same words as at a start; each of
// them becomes a command of QMP, with the one that takes it back.

// Step is a command of QMP with the one that undoes it.
type Step = qmp.Step

// plugged gives the steps that plug a device of the live domain d into the
// running guest. It has its alias and its address; a disk's images have numbers
// (numberImages).
func plugged(d *xml.Domain, v *domain.Device, b Build) ([]Step, error) {
	only := *d
	only.Devices = xml.Devices{Controllers: d.Devices.Controllers, RedirFilter: d.Devices.RedirFilter}
	a := &args{Build: b, d: &only, pci: pciBuses(d), made: map[string]bool{"masterKey0": true}, nodes: make(map[*xml.DiskSource]int)}
	a.Live = true
	if c, ok := v.Value.(*xml.Controller); ok {
		if c.Type == "pci" {
			a.pciController(*c)
		} else {
			a.controller(*c)
		}
	} else {
		domain.Add(&only, v)
		if err := a.single(v); err != nil {
			return nil, err
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	list, err := steps(a.words)
	// A command line may name what is behind; commands may not.
	slices.SortStableFunc(list, func(x, y Step) int { return cmp.Compare(rank(x), rank(y)) })
	return list, err
}

// rank orders steps: first what others use.
func rank(s Step) int {
	if s.Execute == "chardev-add" {
		return 0
	}
	return 1
}

// both is the definition and the running guest.
const both = drivers.Config | drivers.Live

// plugKind is what can be done to devices of a kind. What is not in the table can
// neither be attached nor detached.
type plugKind struct {
	kind           string
	attach, detach drivers.Flags // what it can be put into, and taken out of
	words          func(*args)   // of the only device, as at a start
}

var plugKinds = []plugKind{
	{"disk", both, both, func(a *args) { a.imageNumbers(&a.d.Devices.Disks[0]); a.disks() }},
	{"controller", both, both, nil}, // plugged makes its words
	{"lease", both, both, nil},      // QEMU has no part in it
	{"filesystem", both, both, (*args).filesystems},
	{"interface", both, both, func(a *args) { a.fd = 0; a.interfaces(); a.hostdevs() }},
	{"serial", both, both, (*args).chardevs},
	{"parallel", both, both, (*args).chardevs},
	{"console", both, both, (*args).chardevs},
	{"channel", both, both, (*args).chardevs},
	{"input", both, both, (*args).inputs},
	{"tpm", 0, 0, nil},
	{"sound", drivers.Config, drivers.Config, nil},
	{"hostdev", both, both, (*args).hostdevs},
	{"redirdev", both, both, (*args).redirdevs},
	{"watchdog", both, both, (*args).watchdogs},
	{"rng", both, both, (*args).rngs},
	{"shmem", both, both, func(a *args) { a.shmem(&a.d.Devices.Shmems[0]) }},
	{"memory", both, both, (*args).memoryDevices},
	{"iommu", drivers.Config, drivers.Config, nil},
	{"vsock", both, both, func(a *args) { a.fd = 0; a.later() }},
}

func plugKindOf(kind string) plugKind {
	for _, k := range plugKinds {
		if k.kind == kind {
			return k
		}
	}
	return plugKind{kind: kind}
}

// single adds the words of the only device.
func (a *args) single(v *domain.Device) error {
	if v.Kind == "hostdev" {
		h := &a.d.Devices.Hostdevs[0]
		if s := h.Source; h.Type == "scsi" && s != nil && s.Adapter != nil && s.Address != nil {
			if _, err := scsiGeneric(s); err != nil {
				return err
			}
		}
		if t := h.Type; t == "scsi" || t == "scsi_host" { // nothing would know its node's number when it goes
			return notPluggable("attach", "hostdev type "+t)
		}
	}
	words := plugKindOf(v.Kind).words
	if words == nil {
		return notPluggable("attach", v.Kind)
	}
	words(a)
	return nil
}

func notPluggable(verb, kind string) error {
	return xml.Errorf(xml.CodeUnsupported, "live %s of device '%s' is not supported", verb, kindWord(kind))
}

// kindWord is a kind of devices as errors call it.
func kindWord(kind string) string {
	switch kind {
	case "serial", "parallel", "console", "channel":
		return "chr"
	}
	return kind
}

// imageNumbers takes the numbers of a disk's block nodes from its live form.
func (a *args) imageNumbers(d *xml.Disk) {
	if d.Source == nil {
		return
	}
	for _, im := range chain(d) {
		a.nodes[im.source], _ = strconv.Atoi(*im.index)
		if s := im.source.DataStore; s != nil && s.Source != nil {
			a.nodes[s.Source], _ = strconv.Atoi(s.Source.Index)
		}
	}
}

// numberImages numbers the images of a disk that is to be plugged in, from the
// one behind last on, and gives the last number then. A number is never used twice.
func numberImages(name string, v *xml.Disk, last int) int {
	if v.Source == nil {
		return last
	}
	images := chain(v)
	if isOverlay(name, v) { // made after the others
		images = append(images[1:], images[0])
	}
	for _, im := range images {
		last++
		*im.index = itoa(last)
		if s := im.source.DataStore; s != nil && s.Source != nil {
			last++
			s.Source.Index = itoa(last)
		}
	}
	return last
}

// indexOf is the number of an image of a disk, or of the file with its data.
func indexOf(k *xml.Disk, source *xml.DiskSource) string {
	for _, im := range chain(k) {
		if im.source == source {
			return *im.index
		}
	}
	return source.Index
}

// highestNode is the highest number of a block node in a live document.
func highestNode(d *xml.Domain) int {
	highest := len(d.Devices.Disks) // numbers that drives without medium had
	see := func(index string) {
		if n, err := strconv.Atoi(index); err == nil {
			highest = max(highest, n)
		}
	}
	for i := range d.Devices.Disks {
		k := &d.Devices.Disks[i]
		if k.Mirror != nil && k.Mirror.Source != nil {
			see(k.Mirror.Source.Index)
		}
		if k.Source == nil {
			continue
		}
		for _, im := range chain(k) {
			see(*im.index)
			if s := im.source.DataStore; s != nil && s.Source != nil {
				see(s.Source.Index)
			}
		}
	}
	return highest
}

// steps turns words of a command line into commands.
func steps(words []string) ([]Step, error) {
	var out []Step
	for i := 0; i+1 < len(words); i += 2 {
		s, err := stepOf(words[i], words[i+1])
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func stepOf(option, value string) (Step, error) {
	raw := json.RawMessage(value)
	switch option {
	case "-blockdev":
		return Step{Execute: "blockdev-add", Arguments: raw}.Undone("blockdev-del", "node-name", member(raw, "node-name")), nil
	case "-object":
		return Step{Execute: "object-add", Arguments: raw}.Undone("object-del", "id", member(raw, "id")), nil
	case "-netdev":
		return Step{Execute: "netdev_add", Arguments: raw}.Undone("netdev_del", "id", member(raw, "id")), nil
	case "-device":
		return Step{Execute: "device_add", Arguments: raw}.Undone("device_del", "id", member(raw, "id")), nil
	case "-chardev":
		return chardevStep(value)
	case "-watchdog-action":
		return qmp.NewStep("watchdog-set-action", map[string]string{"action": value}), nil
	}
	return Step{}, xml.Errorf(xml.CodeUnsupported, "the device needs QEMU's option %s, which a running guest cannot be given", option)
}

// member is a string of a JSON object.
func member(data json.RawMessage, name string) string {
	var m map[string]any
	if json.Unmarshal(data, &m) != nil {
		return ""
	}
	s, _ := m[name].(string)
	return s
}

// fields cuts an option's value at single commas; a doubled one is a comma.
func fields(value string) []string {
	parts := strings.Split(strings.ReplaceAll(value, ",,", "\x00"), ",")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "\x00", ",")
	}
	return parts
}

// chardevStep makes chardev-add of -chardev's value.
func chardevStep(value string) (Step, error) {
	parts := fields(value)
	kind := parts[0]
	given := map[string]string{}
	for _, p := range parts[1:] {
		name, v, _ := strings.Cut(p, "=")
		given[name] = v
	}
	data := map[string]any{}
	word := func(to, from string) {
		if v, ok := given[from]; ok {
			data[to] = v
		}
	}
	onOff := func(to, from string) {
		if v, ok := given[from]; ok {
			data[to] = v == "on"
		}
	}
	switch kind {
	case "null", "vc", "pty", "stdio":
	case "file":
		word("out", "path")
		onOff("append", "append")
	case "serial", "pipe":
		word("device", "path")
	case "socket":
		if path, ok := given["path"]; ok {
			data["addr"] = map[string]any{"type": "unix", "data": map[string]any{"path": path}}
		} else {
			data["addr"] = map[string]any{"type": "inet", "data": map[string]any{"host": given["host"], "port": given["port"]}}
		}
		data["server"] = given["server"] == "on"
		if data["server"] == true {
			data["wait"] = given["wait"] == "on" // a running guest waits for nobody
		}
		onOff("telnet", "telnet")
		if ms, err := strconv.Atoi(given["reconnect-ms"]); err == nil && ms > 0 {
			data["reconnect"] = ms / 1000
		}
	case "udp":
		inet := func(host, port string) map[string]any {
			return map[string]any{"type": "inet", "data": map[string]any{"host": given[host], "port": given[port]}}
		}
		data["remote"] = inet("host", "port")
		if given["localport"] != "0" || given["localaddr"] != "" {
			data["local"] = inet("localaddr", "localport")
		}
	case "spicevmc":
		word("type", "name")
	case "spiceport":
		word("fqdn", "name")
	case "qemu-vdagent":
		onOff("clipboard", "clipboard")
		onOff("mouse", "mouse")
	case "dbus":
		word("name", "name")
	default:
		return Step{}, xml.Errorf(xml.CodeUnsupported, "character devices of type '%s' cannot be plugged in", kind)
	}
	word("logfile", "logfile")
	onOff("logappend", "logappend")
	s := qmp.NewStep("chardev-add", map[string]any{"id": given["id"], "backend": map[string]any{"type": kind, "data": data}})
	return s.Undone("chardev-remove", "id", given["id"]), nil
}

// unplugged gives the commands that unplug a device: the one that asks the
// guest for it, and those that take its other half away once it is gone.
func unplugged(plug []Step) (ask Step, after []Step) {
	for _, s := range slices.Backward(plug) {
		switch {
		case s.Execute == "device_add" && ask.Execute == "":
			ask = s.Back()
		case s.Undo != "":
			after = append(after, s.Back())
		}
	}
	return ask, after
}
