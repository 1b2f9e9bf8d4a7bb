package qemu

import (
	"encoding/json"
	"strconv"

	"virgo/xml"
)

// props is a JSON object under construction; QEMU's -device, -blockdev and
// -object take it, and the order of its members is part of the peer's form.
type props struct{ b []byte }

// newProps begins an object with one string member, such as driver or qom-type.
func newProps(key, value string) *props {
	return (&props{}).str(key, value)
}

func (p *props) key(key string) {
	if len(p.b) == 0 {
		p.b = append(p.b, '{')
	} else {
		p.b = append(p.b, ',')
	}
	p.b = append(p.b, quote(key)...)
	p.b = append(p.b, ':')
}

// str adds a string, also an empty one.
func (p *props) str(key, value string) *props {
	p.key(key)
	p.b = append(p.b, quote(value)...)
	return p
}

// opt adds a string that is not empty.
func (p *props) opt(key, value string) *props {
	if value == "" {
		return p
	}
	return p.str(key, value)
}

// num adds a number.
func (p *props) num(key string, value uint64) *props {
	p.key(key)
	p.b = strconv.AppendUint(p.b, value, 10)
	return p
}

// optNum adds a number that is not zero.
func (p *props) optNum(key string, value uint64) *props {
	if value == 0 {
		return p
	}
	return p.num(key, value)
}

// int adds a number that may be negative.
func (p *props) int(key string, value int64) *props {
	p.key(key)
	p.b = strconv.AppendInt(p.b, value, 10)
	return p
}

// flag adds a boolean.
func (p *props) flag(key string, value bool) *props {
	p.key(key)
	p.b = strconv.AppendBool(p.b, value)
	return p
}

// optFlag adds a boolean if value is on, off, yes or no.
func (p *props) optFlag(key, value string) *props {
	switch value {
	case "on", "yes":
		return p.flag(key, true)
	case "off", "no":
		return p.flag(key, false)
	}
	return p
}

// virtio adds the switches that all virtio devices have.
func (p *props) virtio(iommu, ats, packed, perQueue xml.OnOff) *props {
	return p.optFlag("iommu_platform", string(iommu)).optFlag("ats", string(ats)).optFlag("packed", string(packed)).optFlag("page-per-vq", string(perQueue))
}

// obj adds an object.
func (p *props) obj(key string, value *props) *props {
	p.key(key)
	p.b = append(p.b, value.String()...)
	return p
}

// raw adds JSON.
func (p *props) raw(key, value string) *props {
	p.key(key)
	p.b = append(p.b, value...)
	return p
}

// String is the object.
func (p *props) String() string {
	if len(p.b) == 0 {
		return "{}"
	}
	return string(p.b) + "}"
}

func quote(s string) []byte {
	b, err := json.Marshal(xml.Plain(s))
	if err != nil {
		return []byte(`""`)
	}
	return unescapeHTML(b)
}

// unescapeHTML takes back what encoding/json does for web pages.
func unescapeHTML(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+5 < len(b) && b[i+1] == 'u' {
			switch string(b[i+2 : i+6]) {
			case "003c":
				out = append(out, '<')
			case "003e":
				out = append(out, '>')
			case "0026":
				out = append(out, '&')
			default:
				out = append(out, b[i:i+6]...)
			}
			i += 5
			continue
		}
		if b[i] == '\\' && i+1 < len(b) {
			out = append(out, b[i], b[i+1])
			i++
			continue
		}
		out = append(out, b[i])
	}
	return out
}
