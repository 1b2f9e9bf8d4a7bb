package xen

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"virgo/drivers/native/conf"
	"virgo/xml"
)

func (w *writer) interfaces(d *xml.Domain) error {
	var out []string
	for i := range d.Devices.Interfaces {
		text, err := w.vif(&d.Devices.Interfaces[i])
		if err != nil {
			return err
		}
		out = append(out, text)
	}
	if len(out) > 0 {
		w.Strings("vif", out)
	}
	return nil
}

func (w *writer) vif(v *xml.Interface) (string, error) {
	out := "mac=" + v.MAC.Address
	script := ""
	if v.Script != nil {
		script = v.Script.Path
	}
	ips := ""
	if len(v.IPs) > 0 {
		var list []string
		for _, a := range v.IPs {
			address := a.Address
			if ip, err := netip.ParseAddr(address); err == nil {
				address = ip.String()
			}
			list = append(list, address)
		}
		ips = ",ip=" + strings.Join(list, " ")
	}
	switch v.Type {
	case "bridge":
		open := v.VirtualPort != nil && v.VirtualPort.Type == "openvswitch"
		out += ",bridge=" + v.Source.Bridge
		if open {
			out += vlanText(v.VLAN)
		}
		out += ips
		if script == "" {
			if script = "vif-bridge"; open {
				script = "vif-openvswitch"
			}
		}
		out += ",script=" + script
	case "ethernet":
		if script != "" {
			out += ",script=" + script
		}
		out += ips
	default:
		return "", unsupported("Unsupported net type '%s'", v.Type)
	}
	if v.Model != nil && v.Model.Type != "" {
		if v.Model.Type == "netfront" && w.hvm {
			word := "vif"
			if w.dialect == XM {
				word = "netfront"
			}
			out += ",type=" + word
		} else {
			out += ",model=" + v.Model.Type
		}
	}
	if v.Target != nil && v.Target.Dev != "" {
		out += ",vifname=" + v.Target.Dev
	}
	if v.Bandwidth != nil && v.Bandwidth.Outbound != nil && v.Bandwidth.Outbound.Average > 0 {
		out += ",rate=" + strconv.FormatUint(v.Bandwidth.Outbound.Average, 10) + "KB/s"
	}
	return out, nil
}

func vlanText(v *xml.VLAN) string {
	if v == nil || len(v.Tags) == 0 {
		return ""
	}
	if v.Trunk != "yes" {
		return "." + strconv.Itoa(int(v.Tags[0].ID))
	}
	out := ""
	for _, t := range v.Tags {
		out += ":" + strconv.Itoa(int(t.ID))
	}
	return out
}

func (w *writer) pci(d *xml.Domain) error {
	var out []string
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		if h.Mode != "subsystem" || h.Type != "pci" || h.Source == nil || h.Source.Address == nil {
			continue
		}
		a := h.Source.Address
		bus, err := strconv.ParseUint(a.Bus, 0, 8)
		if err != nil {
			bus = 0
		}
		text := fmt.Sprintf("%04x:%02x:%02x.%x", or0(a.Domain), bus, or0(a.Slot), or0(a.Function))
		switch h.Source.WriteFiltering {
		case "no":
			text += ",permissive=1"
		case "yes":
			text += ",permissive=0"
		}
		out = append(out, text)
	}
	if len(out) > 0 {
		w.Strings("pci", out)
	}
	return nil
}

func or0(p *uint) uint {
	if p == nil {
		return 0
	}
	return *p
}

// ports writes parallel and serial ports and sound cards of fully virtual guests.
func (w *writer) ports(d *xml.Domain) error {
	if !w.hvm {
		return nil
	}
	parallel := "none"
	if len(d.Devices.Parallels) > 0 {
		var err error
		if parallel, err = formatChar(&d.Devices.Parallels[0].CharSource); err != nil {
			return err
		}
	}
	w.Str("parallel", parallel)
	if err := w.serials(d.Devices.Serials); err != nil {
		return err
	}
	var sounds []string
	for i := range d.Devices.Sounds {
		sounds = append(sounds, d.Devices.Sounds[i].Model)
	}
	w.optional("soundhw", strings.Join(sounds, ","))
	return nil
}

// maxPort is the last port that is written; the peer has no limit.
const maxPort = 1 << 12

func (w *writer) serials(list []xml.Chardev) error {
	high := -1
	for i := range list {
		if t := list[i].Target; t != nil && t.Port != nil && *t.Port <= maxPort {
			high = max(high, int(*t.Port))
		}
	}
	out := make([]string, high+1)
	taken := make([]bool, len(out))
	for i := range out {
		out[i] = "none"
	}
	for i := range list {
		t := list[i].Target
		if t == nil || t.Port == nil || *t.Port > maxPort {
			return unsupported("serial port out of range")
		}
		text, err := formatChar(&list[i].CharSource)
		if err != nil {
			return err
		}
		if !taken[*t.Port] { // the first one has it
			out[*t.Port], taken[*t.Port] = text, true
		}
	}
	switch {
	case len(out) == 0:
		w.Str("serial", "none")
	case len(out) == 1 && len(list) == 1:
		w.Str("serial", out[0])
	case w.dialect == XM:
		return unsupported("Multiple serial devices are not supported by xen-xm")
	default:
		w.Strings("serial", out)
	}
	return nil
}

// usb writes pointers, and what xl alone has: devices of the host and controllers.
func (w *writer) usb(d *xml.Domain) error {
	var inputs []string
	for i := range d.Devices.Inputs {
		if in := &d.Devices.Inputs[i]; in.Bus == "usb" && w.hvm && in.Type != "passthrough" {
			inputs = append(inputs, in.Type)
		}
	}
	switch {
	case len(inputs) == 1, len(inputs) > 1 && w.dialect == XM:
		w.Bool("usb", true)
		w.Str("usbdevice", inputs[0])
	case len(inputs) > 1:
		w.Bool("usb", true)
		w.Strings("usbdevice", inputs)
	}
	if w.dialect == XM {
		return nil
	}
	if err := w.usbDevices(d); err != nil {
		return err
	}
	var controllers []conf.Value
	for i := range d.Devices.Controllers {
		c := &d.Devices.Controllers[i]
		if c.Type != "usb" {
			continue
		}
		text := ""
		switch c.Model {
		case "":
		case "qusb1", "qusb2":
			text = "type=qusb,version=" + c.Model[4:] + ","
		default:
			return unknown()
		}
		if c.Ports != nil {
			text += "ports=" + strconv.FormatInt(int64(*c.Ports), 16)
		}
		controllers = append(controllers, conf.Value{Text: text})
		if text == "" { // nothing is written in its place, as the peer has it
			controllers[len(controllers)-1].Kind = conf.None
		}
	}
	if len(controllers) > 0 {
		w.List("usbctrl", controllers)
	}
	return nil
}

func (w *writer) usbDevices(d *xml.Domain) error {
	var out []string
	for i := range d.Devices.Hostdevs {
		h := &d.Devices.Hostdevs[i]
		if h.Mode != "subsystem" || h.Type != "usb" || h.Source == nil {
			continue
		}
		a := h.Source.Address
		if a == nil {
			a = &xml.HostAddress{}
		}
		bus, _ := strconv.ParseUint(a.Bus, 10, 32)
		out = append(out, fmt.Sprintf("hostbus=%x,hostaddr=%x", bus, or0(a.Device)))
	}
	if len(out) > 0 {
		w.Strings("usbdev", out)
	}
	return nil
}

func (w *writer) channels(d *xml.Domain) error {
	if w.dialect == XM {
		return nil
	}
	var out []string
	for i := range d.Devices.Channels {
		c := &d.Devices.Channels[i]
		if c.Target == nil || c.Target.Type != "xen" {
			continue
		}
		text := ""
		switch c.Type {
		case "pty":
			text = "connection=pty"
		case "unix":
			if text = "connection=socket"; c.Path != "" {
				text += ",path=" + c.Path
			}
		default:
			return unknown()
		}
		name := c.Target.Name
		if name == "" {
			name = "(null)" // the peer's text
		}
		out = append(out, text+",name="+name)
	}
	if len(out) > 0 {
		w.Strings("channel", out)
	}
	return nil
}
