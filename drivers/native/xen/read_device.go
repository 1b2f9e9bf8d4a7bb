package xen

import (
	"fmt"
	"strconv"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

// emulator reads the device model and what is passed to it as it stands.
func (r *reader) emulator(d *xml.Domain) error {
	if err := r.texts("device_model_override", &d.Devices.Emulator); err != nil || r.dialect == XM {
		return err
	}
	args := r.strings("device_model_args")
	if len(args) == 0 {
		return nil
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
	list := r.strings("pci")
	if v := r.Get("pci"); v != nil && len(list) < len(v.List) {
		return r.fail("pci", notStrings("pci"))
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
	parts := strings.Split(strings.TrimLeft(address, " "), ":")
	if len(parts) == 2 {
		parts = append([]string{"0"}, parts...)
	}
	if len(parts) != 3 {
		return nil, bad
	}
	slot, function, ok := strings.Cut(parts[2], ".")
	if !ok {
		return nil, internal("Malformed PCI address %s", parts[2])
	}
	var n [4]uint
	for i, p := range []string{parts[0], parts[1], slot, function} {
		v, err := strconv.ParseUint(strings.TrimPrefix(p, "0x"), 16, 31)
		if err != nil {
			return nil, bad
		}
		n[i] = uint(v)
	}
	h := &xml.Hostdev{Mode: "subsystem", Type: "pci", Managed: "no", Source: &xml.HostdevSource{
		Address: &xml.HostAddress{Domain: &n[0], Bus: fmt.Sprintf("0x%02x", n[1]), Slot: &n[2], Function: &n[3]}}}
	if options == "" {
		return h, nil
	}
	for _, o := range strings.Split(options, ",") {
		key, value, ok := strings.Cut(strings.TrimLeft(o, " \t"), "=")
		if !ok {
			return nil, internal("Malformed PCI options %s", o)
		}
		if key == "permissive" {
			on, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return nil, bad
			}
			h.Source.WriteFiltering = yesNo(on == 0)
		}
	}
	return h, nil
}

// usb reads controllers, devices of the host, and pointers.
func (r *reader) usb(d *xml.Domain) error {
	if r.dialect == XL {
		if err := r.usbControllers(d); err != nil {
			return err
		}
		list := r.strings("usbdev")
		for i := range list {
			h, err := usbDevice(list[i].Text)
			if err != nil {
				return r.At(asError(err), &list[i])
			}
			if h != nil {
				d.Devices.Hostdevs = append(d.Devices.Hostdevs, *h)
			}
		}
	}
	if !r.hvm {
		return nil
	}
	if v := r.Get("usbdevice"); v != nil && v.Kind != conf.String {
		switch {
		case r.dialect == XM:
			return r.At(internal("memory conf: expected a string for 'usbdevice' parameter"), v)
		case len(r.strings("usbdevice")) < len(v.List) || v.Kind != conf.List:
			return r.malformed("usbdevice")
		}
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
	index := uint(0)
	for _, v := range r.strings("usbctrl") {
		c, ok := usbController(v.Text)
		if !ok {
			continue
		}
		i := index
		index++
		c.Index = &i
		d.Devices.Controllers = append(d.Devices.Controllers, *c)
	}
	return nil
}

// usbController reads one; what the peer does not understand is none. It takes
// the ports for hexadecimal.
func usbController(text string) (*xml.Controller, bool) {
	c := &xml.Controller{Type: "usb", Model: "qusb2", Ports: new(uint)}
	*c.Ports = 8
	for _, part := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(strings.TrimLeft(part, " \t"), "=")
		if !ok {
			return nil, false
		}
		switch key {
		case "type":
			if value != "qusb" && value != "qusb2" {
				return nil, false
			}
		case "version":
			n, err := strconv.ParseUint(strings.TrimLeft(value, " "), 10, 32)
			if err != nil {
				return nil, false
			}
			if c.Model = "qusb2"; n == 1 {
				c.Model = "qusb1"
			}
		case "ports":
			n, err := strconv.ParseInt(strings.TrimLeft(value, " "), 16, 31)
			switch {
			case err != nil:
				return nil, false
			case n < 0:
				c.Ports = nil
			default:
				*c.Ports = uint(n)
			}
		}
	}
	return c, true
}

// usbDevice reads a device of the host, named by its bus and address; nil if the
// peer does not understand it.
func usbDevice(text string) (*xml.Hostdev, error) {
	var bus, device *uint
	for _, part := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(strings.TrimLeft(part, " \t"), "=")
		if !ok {
			return nil, nil
		}
		if key != "hostbus" && key != "hostaddr" {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimPrefix(value, "0x"), 16, 16)
		if err != nil {
			return nil, nil
		}
		v := uint(n)
		if key == "hostbus" {
			bus = &v
		} else {
			device = &v
		}
	}
	if bus == nil {
		bus = new(uint)
	}
	if device == nil {
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
	if r.Get("parallel") != nil && parallel != "none" {
		c, err := r.port(parallel, 0, r.Get("parallel"))
		if err != nil {
			return err
		}
		d.Devices.Parallels = append(d.Devices.Parallels, *c)
	}
	switch v := r.Get("serial"); {
	case v == nil:
	case v.Kind == conf.Number:
		return r.At(internal("memory conf: expected a string for 'serial' parameter"), v)
	case len(r.strings("serial")) < len(v.List):
		return r.At(notStrings("serial"), v)
	case r.dialect == XM && v.Kind == conf.List:
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
	list := r.strings("channel")
next:
	for i := range list {
		c, path := xml.Chardev{Target: &xml.CharTarget{Type: "xen"}}, ""
		for _, part := range strings.Split(list[i].Text, ",") {
			key, value, ok := strings.Cut(strings.TrimLeft(part, " \t"), "=")
			if !ok {
				continue next
			}
			switch key {
			case "connection":
				switch value {
				case "pty":
					c.Type = "pty"
				case "socket":
					c.Type, c.Mode = "unix", "bind"
				}
			case "path":
				path = value
			case "name":
				c.Target.Name = stated(value)
			}
		}
		switch c.Type {
		case "":
			return r.At(xml.Errorf(xml.CodeInvalidArg, "channel '%s': connection must be pty or socket", list[i].Text), &list[i])
		case "unix":
			c.Path = path
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
	for _, m := range strings.Split(strings.TrimSuffix(text, ","), ",") {
		if !known(soundModels, m) {
			return r.fail("soundhw", xml.Errorf(xml.CodeInvalidArg, "unknown sound card '%s'", m))
		}
		d.Devices.Sounds = append(d.Devices.Sounds, xml.Sound{Model: m})
	}
	return nil
}
