package xen

import (
	"strconv"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

// emulator reads the device model and what is passed to it as it stands.
func (r *reader) emulator(d *xml.Domain) error {
	path, err := r.str("device_model_override")
	if err != nil {
		return err
	}
	d.Devices.Emulator = path
	if r.dialect == XM {
		return nil
	}
	args, err := r.list("device_model_args", false)
	if err != nil || len(args) == 0 {
		return err
	}
	d.Xen, d.XenCommandline = xml.XenSpace, &xml.XenCommandline{}
	for _, a := range args {
		d.XenCommandline.Args = append(d.XenCommandline.Args, xml.XenArg{Value: a.Text})
	}
	return nil
}

// limits reads what the bus of paravirtual devices may take.
func (r *reader) limits(d *xml.Domain) error {
	c := xml.Controller{Type: "xenbus", Index: new(uint)}
	for _, l := range []struct {
		name string
		to   **uint
	}{{"max_grant_frames", &c.MaxGrants}, {"max_event_channels", &c.MaxEvents}} {
		if r.dialect == XM || r.Get(l.name) == nil {
			continue
		}
		n, err := r.number(l.name, 0)
		if err != nil {
			return err
		}
		if n > 0 && n < 1<<31 {
			v := uint(n)
			*l.to = &v
		}
	}
	if c.MaxGrants != nil || c.MaxEvents != nil {
		d.Devices.Controllers = append([]xml.Controller{c}, d.Devices.Controllers...)
	}
	return nil
}

func (r *reader) pci(d *xml.Domain) error {
	list, err := r.list("pci", false)
	if err != nil {
		return err
	}
	for i := range list {
		h, err := pciDevice(list[i].Text)
		if err != nil {
			return r.At(asError(err), &list[i])
		}
		d.Devices.Hostdevs = append(d.Devices.Hostdevs, *h)
	}
	return nil
}

// pciDevice reads [domain:]bus:slot.function and options.
func pciDevice(text string) (*xml.Hostdev, error) {
	bad := xml.Errorf(xml.CodeInvalidArg, "cannot parse PCI device '%s', expecting [domain:]bus:slot.function", text)
	address, options, _ := strings.Cut(text, ",")
	parts := strings.Split(strings.TrimSpace(address), ":")
	if len(parts) == 2 {
		parts = append([]string{"0"}, parts...)
	}
	if len(parts) != 3 {
		return nil, bad
	}
	slot, function, ok := strings.Cut(parts[2], ".")
	if !ok {
		return nil, bad
	}
	var n [4]uint
	for i, p := range []string{parts[0], parts[1], slot, function} {
		v, err := strconv.ParseUint(p, 16, 16)
		if err != nil || v > []uint64{0xffff, 0xff, 0x1f, 7}[i] {
			return nil, bad
		}
		n[i] = uint(v)
	}
	h := &xml.Hostdev{Mode: "subsystem", Type: "pci", Managed: "no", Source: &xml.HostdevSource{
		Address: &xml.HostAddress{Domain: &n[0], Bus: "0x" + hex2(n[1]), Slot: &n[2], Function: &n[3]}}}
	for _, f := range fields(options) {
		if f.key == "permissive" {
			h.Source.WriteFiltering = yesNo(f.value == "0")
		}
	}
	return h, nil
}

func hex2(v uint) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[v>>4&15], digits[v&15]})
}

// usb reads controllers, devices of the host, and pointers.
func (r *reader) usb(d *xml.Domain) error {
	if r.dialect == XL {
		if err := r.usbControllers(d); err != nil {
			return err
		}
		list, err := r.list("usbdev", false)
		if err != nil {
			return err
		}
		for i := range list {
			h, err := usbDevice(list[i].Text)
			if err != nil {
				return r.At(asError(err), &list[i])
			}
			d.Devices.Hostdevs = append(d.Devices.Hostdevs, *h)
		}
	}
	if !r.hvm {
		return nil
	}
	if v := r.Get("usbdevice"); r.dialect == XM && v != nil && v.Kind == conf.List {
		return r.At(internal("memory conf: expected a string for 'usbdevice' parameter"), v)
	}
	list, err := r.list("usbdevice", true)
	if err != nil {
		return err
	}
	for _, v := range list {
		switch v.Text {
		case "tablet", "mouse", "keyboard":
			d.Devices.Inputs = append(d.Devices.Inputs, xml.Input{Type: v.Text, Bus: "usb"})
		}
	}
	return nil
}

func (r *reader) usbControllers(d *xml.Domain) error {
	list, err := r.list("usbctrl", false)
	if err != nil {
		return err
	}
	index := uint(0)
	for _, v := range list {
		kind, version, ports := "qusb", "2", uint(8)
		for _, f := range fields(v.Text) {
			switch f.key {
			case "type":
				kind = f.value
			case "version":
				version = f.value
			case "ports":
				n, err := strconv.ParseUint(f.value, 10, 31)
				if err != nil {
					return r.At(internal("malformed ports '%s' of a USB controller", f.value), &v)
				}
				ports = uint(n)
			}
		}
		if kind != "qusb" || ports > 31 {
			continue
		}
		model := "qusb2"
		if version == "1" {
			model = "qusb1"
		}
		i := index
		index++
		d.Devices.Controllers = append(d.Devices.Controllers, xml.Controller{Type: "usb", Index: &i, Model: model, Ports: &ports})
	}
	return nil
}

// usbDevice reads a device of the host, named by its bus and address.
func usbDevice(text string) (*xml.Hostdev, error) {
	var bus, device *uint
	for _, f := range fields(text) {
		if f.key != "hostbus" && f.key != "hostaddr" {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimPrefix(f.value, "0x"), 16, 16)
		if err != nil {
			return nil, xml.Errorf(xml.CodeInvalidArg, "cannot parse USB device '%s': malformed %s", text, f.key)
		}
		v := uint(n)
		if f.key == "hostbus" {
			bus = &v
		} else {
			device = &v
		}
	}
	if bus == nil || device == nil {
		return nil, xml.Errorf(xml.CodeInvalidArg, "cannot parse USB device '%s', expecting hostbus and hostaddr", text)
	}
	return &xml.Hostdev{Mode: "subsystem", Type: "usb", Managed: "no",
		Source: &xml.HostdevSource{Address: &xml.HostAddress{Bus: number(int64(*bus)), Device: device}}}, nil
}

// ports reads serial and parallel ports, which fully virtual guests have.
func (r *reader) ports(d *xml.Domain) error {
	if !r.hvm {
		return nil
	}
	parallel, err := r.str("parallel")
	if err != nil {
		return err
	}
	if parallel != "" && parallel != "none" {
		c, err := r.port(parallel, 0, r.Get("parallel"))
		if err != nil {
			return err
		}
		d.Devices.Parallels = append(d.Devices.Parallels, *c)
	}
	if v := r.Get("serial"); r.dialect == XM && v != nil && v.Kind == conf.List {
		return r.At(unsupported("Multiple serial devices are not supported by xen-xm"), v)
	}
	list, err := r.list("serial", true)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Text == "none" {
			continue
		}
		c, err := r.port(list[i].Text, uint(i), &list[i])
		if err != nil {
			return err
		}
		d.Devices.Serials = append(d.Devices.Serials, *c)
	}
	return nil
}

func (r *reader) port(text string, n uint, v *conf.Value) (*xml.Chardev, error) {
	s, err := parseChar(text)
	if err != nil {
		return nil, r.At(asError(err), v)
	}
	return &xml.Chardev{CharSource: s, Target: &xml.CharTarget{Port: &n}}, nil
}

func (r *reader) channels(d *xml.Domain) error {
	if r.dialect == XM {
		return nil
	}
	list, err := r.list("channel", false)
	if err != nil {
		return err
	}
	for i := range list {
		c := xml.Chardev{Target: &xml.CharTarget{Type: "xen"}}
		for _, f := range fields(list[i].Text) {
			switch f.key {
			case "connection":
				switch f.value {
				case "pty":
					c.Type = "pty"
				case "socket":
					c.Type, c.Mode = "unix", "bind"
				}
			case "path":
				c.Path = f.value
			case "name":
				c.Target.Name = f.value
			}
		}
		if c.Type == "" {
			return r.At(xml.Errorf(xml.CodeInvalidArg, "channel '%s': connection must be pty or socket", list[i].Text), &list[i])
		}
		d.Devices.Channels = append(d.Devices.Channels, c)
	}
	return nil
}

func (r *reader) sounds(d *xml.Domain) error {
	text, err := r.str("soundhw")
	if err != nil || text == "" || !r.hvm {
		return err
	}
	if text == "all" {
		text = "sb16,es1370"
	}
	for _, m := range strings.Split(text, ",") {
		if !known(soundModels, m) {
			return r.fail("soundhw", xml.Errorf(xml.CodeInvalidArg, "unknown sound card '%s'", m))
		}
		d.Devices.Sounds = append(d.Devices.Sounds, xml.Sound{Model: m})
	}
	return nil
}
