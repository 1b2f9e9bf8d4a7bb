package xml

import (
	"strconv"
	"strings"
)

// Address is where a device sits. Which fields count depends on the type.
type Address struct {
	Type string // pci drive virtio-serial ccid usb spapr-vio virtio-s390 ccw virtio-mmio isa dimm unassigned

	Domain, Bus, Slot, Function uint   // pci; Bus of drive, virtio-serial, usb; Slot of ccid, dimm
	Multifunction               OnOff  // pci
	ZPCI                        *ZPCI  // pci on s390
	Controller, Target, Unit    uint   // drive; Controller of virtio-serial, ccid
	SerialPort                  uint   // virtio-serial
	Port                        string // usb: 1 or 1.2.3
	CSSID, SSID, DevNo          uint   // ccw
	Reg                         *uint64
	IOBase, IRQ                 *uint64
	Base                        *uint64 // dimm
	NoBus                       bool    // usb, ccw: written without bus, port, or numbers
	untyped                     bool    // printed without its type
	host                        bool    // a place on the host: of PCI, numbers are printed even if all are 0
}

// ZPCI are the numbers of a PCI device on s390.
type ZPCI struct {
	UID, FID *uint
}

var addressTypes = []string{"pci", "drive", "virtio-serial", "ccid", "usb", "spapr-vio", "virtio-s390", "ccw", "virtio-mmio", "isa", "dimm", "unassigned"}

// IsPCI tells whether a is a PCI address that is not all zero.
func (a *Address) IsPCI() bool {
	return a != nil && a.Type == "pci" && (a.Domain|a.Bus|a.Slot) != 0
}

// DecodeNode reads the address.
func (a *Address) DecodeNode(n *Node) (err error) {
	r := attrReader{n: n}
	a.Type = r.word("type", addressTypes)
	if a.Type == "" && r.err == nil {
		return Errorf(CodeXML, "Missing required attribute 'type' in element 'address'")
	}
	switch a.Type {
	case "virtio-s390":
		return Errorf(CodeXML, "virtio-s390 bus doesn't have an address")
	case "pci":
		a.Domain, a.Bus, a.Slot, a.Function = r.uint("domain", 0), r.uint("bus", 0), r.uint("slot", 0), r.uint("function", 0)
		if r.err == nil {
			r.err = a.checkPCI()
		}
		a.Multifunction = OnOff(r.word("multifunction", []string{"on", "off"}))
		if z := n.Child("zpci"); z != nil {
			zr := attrReader{n: z}
			a.ZPCI = &ZPCI{UID: zr.opt("uid"), FID: zr.opt("fid")}
			if r.err == nil {
				r.err = zr.err
			}
		}
	case "drive":
		a.Controller, a.Bus, a.Target, a.Unit = r.uint("controller", 10), r.uint("bus", 10), r.uint("target", 10), r.uint("unit", 10)
	case "virtio-serial":
		a.Controller, a.Bus, a.SerialPort = r.uint("controller", 10), r.uint("bus", 10), r.uint("port", 10)
	case "ccid":
		a.Controller, a.Slot = r.uint("controller", 10), r.uint("slot", 10)
	case "usb":
		a.Bus = r.uint("bus", 10)
		a.Port, _ = n.Attr("port")
		if a.Port != "" && !usbPort(a.Port) {
			return Errorf(CodeInternal, "Cannot parse <address> 'port' attribute")
		}
	case "spapr-vio":
		a.Reg = r.wide("reg", 16)
	case "ccw":
		_, c := n.Attr("cssid")
		_, s := n.Attr("ssid")
		_, d := n.Attr("devno")
		if !c && !s && !d {
			a.NoBus = true
			break
		}
		if !c || !s || !d {
			return Errorf(CodeInternal, "Invalid partial specification for virtio ccw address")
		}
		defer func() {
			if err == nil && (a.CSSID > 0xfe || a.SSID > 3 || a.DevNo > 0xffff) {
				err = Errorf(CodeInternal, "Invalid specification for virtio ccw address: cssid='0x%x' ssid='0x%x' devno='0x%04x'", a.CSSID, a.SSID, a.DevNo)
			}
		}()
		a.CSSID, a.SSID, a.DevNo = r.uint("cssid", 0), r.uint("ssid", 0), r.uint("devno", 0)
	case "isa":
		a.IOBase, a.IRQ = r.wide("iobase", 0), r.wide("irq", 0)
	case "dimm":
		if _, ok := n.Attr("slot"); !ok && r.err == nil {
			return Errorf(CodeXML, "Missing required attribute 'slot' in element 'address'")
		}
		a.Slot = r.uint("slot", 10)
		a.Base = r.wide("base", 0)
	}
	return r.err
}

// checkPCI checks the ranges of a PCI address.
func (a *Address) checkPCI() error {
	switch {
	case a.Domain > 0xFFFFFFFF:
		return Errorf(CodeXML, "Invalid PCI address domain='0x%x', must be <= 0xFFFF", a.Domain)
	case a.Bus > 0xFF:
		return Errorf(CodeXML, "Invalid PCI address bus='0x%x', must be <= 0xFF", a.Bus)
	case a.Slot > 0x1F:
		return Errorf(CodeXML, "Invalid PCI address slot='0x%x', must be <= 0x1F", a.Slot)
	case a.Function > 7:
		return Errorf(CodeXML, "Invalid PCI address function=0x%x, must be <= 7", a.Function)
	}
	return nil
}

// usbPort checks a path of ports: up to four numbers below 256 with dots.
func usbPort(port string) bool {
	parts := strings.Split(port, ".")
	for _, p := range parts {
		if v, err := strconv.ParseUint(p, 10, 8); err != nil || v > 255 {
			return false
		}
	}
	return len(parts) <= 4
}

// EncodeNode makes the element.
func (a *Address) EncodeNode(name string) *Node {
	n := Element(name)
	var list [8]addressAttr
	for _, v := range a.attrs(list[:0]) {
		value := v.text
		switch {
		case v.digits > 0:
			value = hexText(v.number, v.digits)
		case v.digits < 0:
			value = strconv.FormatUint(v.number, 10)
		}
		n.Attrs = append(n.Attrs, Attr{Name: v.name, Value: value})
	}
	if a.hasZPCI() {
		n.Add(Element("zpci").With("uid", hexText(uint64(orZero(a.ZPCI.UID)), 4), "fid", hexText(uint64(orZero(a.ZPCI.FID)), 8)))
	}
	return n
}

func (a *Address) printNode(p *printer, name string) {
	p.open(name)
	var list [8]addressAttr
	for _, v := range a.attrs(list[:0]) {
		switch {
		case v.digits > 0:
			p.hexAttr(v.name, v.number, v.digits)
		case v.digits < 0:
			p.attrStart(v.name)
			p.buf = strconv.AppendUint(p.buf, v.number, 10)
			p.buf = append(p.buf, '\'')
		default:
			p.attr(v.name, v.text)
		}
	}
	if a.hasZPCI() {
		p.zpci(a.ZPCI, name)
		return
	}
	p.buf = append(p.buf, '/', '>', '\n')
}

func (a *Address) hasZPCI() bool {
	return a.Type == "pci" && a.ZPCI != nil && (a.ZPCI.UID != nil || a.ZPCI.FID != nil)
}

func (p *printer) hexAttr(name string, v uint64, digits int) {
	p.attrStart(name)
	p.hex(v, digits)
	p.buf = append(p.buf, '\'')
}

// addressAttr is one attribute: a text (digits 0), or a number in decimal
// (digits below 0) or hexadecimal.
type addressAttr struct {
	name, text string
	number     uint64
	digits     int
}

// attrs appends the attributes in print order.
func (a *Address) attrs(out []addressAttr) []addressAttr {
	put := func(name, text string) { out = append(out, addressAttr{name: name, text: text}) }
	hex := func(name string, v uint64, digits int) { out = append(out, addressAttr{name, "", v, digits}) }
	num := func(name string, v uint) { out = append(out, addressAttr{name, "", uint64(v), -1}) }
	if !a.untyped {
		put("type", a.Type)
	}
	switch a.Type {
	case "pci":
		if a.host || a.Domain|a.Bus|a.Slot|a.Function != 0 {
			hex("domain", uint64(a.Domain), 4)
			hex("bus", uint64(a.Bus), 2)
			hex("slot", uint64(a.Slot), 2)
			hex("function", uint64(a.Function), 1)
		}
		if a.Multifunction != "" {
			put("multifunction", string(a.Multifunction))
		}
	case "drive":
		num("controller", a.Controller)
		num("bus", a.Bus)
		num("target", a.Target)
		num("unit", a.Unit)
	case "virtio-serial":
		num("controller", a.Controller)
		num("bus", a.Bus)
		num("port", a.SerialPort)
	case "ccid":
		num("controller", a.Controller)
		num("slot", a.Slot)
	case "usb":
		num("bus", a.Bus)
		if a.Port != "" {
			put("port", a.Port)
		}
	case "spapr-vio":
		if a.Reg != nil {
			hex("reg", *a.Reg, 8)
		}
	case "ccw":
		hex("cssid", uint64(a.CSSID), 1)
		hex("ssid", uint64(a.SSID), 1)
		hex("devno", uint64(a.DevNo), 4)
	case "isa":
		if a.IOBase != nil && *a.IOBase > 0 {
			hex("iobase", *a.IOBase, 1)
		}
		if a.IRQ != nil && *a.IRQ > 0 {
			hex("irq", *a.IRQ, 1)
		}
	case "dimm":
		num("slot", a.Slot)
		if a.Base != nil && *a.Base > 0 {
			hex("base", *a.Base, 1)
		}
	}
	return out
}

func (p *printer) zpci(z *ZPCI, name string) {
	p.buf = append(p.buf, '>', '\n')
	p.depth++
	p.open("zpci")
	p.hexAttr("uid", uint64(orZero(z.UID)), 4)
	p.hexAttr("fid", uint64(orZero(z.FID)), 8)
	p.buf = append(p.buf, '/', '>', '\n')
	p.depth--
	p.indent()
	p.closeTag(name)
}

func orZero(p *uint) uint {
	if p == nil {
		return 0
	}
	return *p
}

// attrReader reads attributes and keeps the first error.
type attrReader struct {
	n   *Node
	err error
}

func (r *attrReader) fail(name, value, expected string) {
	if r.err == nil {
		e := Errorf(CodeXML, "Invalid value for attribute '%s' in element '%s': '%s'.%s", name, r.n.Name, value, expected)
		e.Line, e.Column = int(r.n.Line), int(r.n.Column)
		r.err = e
	}
}

func (r *attrReader) word(name string, words []string) string {
	v, ok := r.n.Attr(name)
	if ok && !contains(words, v) {
		r.fail(name, v, "")
		return ""
	}
	return v
}

// required is word of an attribute that must be there.
func (r *attrReader) required(name string, words []string) string {
	if _, ok := r.n.Attr(name); !ok && r.err == nil {
		r.err = Errorf(CodeXML, "Missing required attribute '%s' in element '%s'", name, r.n.Name)
	}
	return r.word(name, words)
}

func (r *attrReader) uint(name string, base int) uint {
	v, ok := r.n.Attr(name)
	if !ok {
		return 0
	}
	u, err := parseUint(v, base, 32)
	if err != nil {
		r.fail(name, v, " Expected non-negative integer value")
	}
	return uint(u)
}

func (r *attrReader) opt(name string) *uint {
	if _, ok := r.n.Attr(name); !ok {
		return nil
	}
	v := r.uint(name, 0)
	return &v
}

func (r *attrReader) wide(name string, base int) *uint64 {
	v, ok := r.n.Attr(name)
	if !ok {
		return nil
	}
	u, err := parseUint(v, base, 64)
	if err != nil {
		r.fail(name, v, " Expected non-negative integer value")
	}
	return &u
}

// parseUint is strconv's with C's prefixes: base 0 is 0x.., 0.. or decimal.
func parseUint(text string, base, bits int) (uint64, error) {
	text = strings.TrimPrefix(strings.TrimLeft(text, " \t\n"), "+")
	if strings.Contains(text, "_") {
		return 0, strconv.ErrSyntax
	}
	low := strings.ToLower(text)
	if strings.HasPrefix(low, "0x") && (base == 0 || base == 16) {
		return strconv.ParseUint(low[2:], 16, bits)
	}
	if base == 0 {
		base = 10
		if len(text) > 1 && text[0] == '0' {
			base = 8
		}
	}
	return strconv.ParseUint(text, base, bits)
}
