package vmx

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// maxSerials and maxParallels are how many ports VMware's machines have.
const (
	maxSerials   = 4
	maxParallels = 3
)

func (r *reader) serials(d *xml.Domain) error {
	for i := range uint(maxSerials) {
		name := "serial" + strconv.Itoa(int(i))
		on, err := r.present(name)
		if err != nil {
			return err
		}
		if !on {
			continue
		}
		c := xml.Chardev{Target: &xml.CharTarget{Port: &i}}
		if err := r.serial(&c.CharSource, name); err != nil {
			return err
		}
		d.Devices.Serials = append(d.Devices.Serials, c)
	}
	return nil
}

func (r *reader) serial(s *xml.CharSource, name string) error {
	file := r.given(name + ".fileName")
	kind, ok := r.text(name + ".fileType")
	switch low := strings.ToLower(kind); {
	case !ok, low == "device":
		s.Type, s.Path = "dev", file
	case low == "file":
		s.Type = "file"
		if _, err := r.need(name + ".fileName"); err != nil {
			return err
		}
		var err error
		if s.Path, err = r.file(file); err != nil {
			return r.At(asError(err), r.Get(name+".fileName"))
		}
	case low == "pipe":
		s.Type, s.Path = "pipe", file
	case low == "network":
		return r.network(s, name, file)
	default:
		return r.fail(name+".fileType", "Expecting VMX entry '%s.fileType' to be 'device', 'file' or 'pipe' or 'network' but found '%s'", name, kind)
	}
	return nil
}

// schemes are the protocols of serial ports on a network: VMware's words and the domain's.
var schemes = []struct{ word, protocol string }{
	{"tcp", "raw"}, {"tcp4", "raw"}, {"telnet", "telnet"}, {"telnets", "telnets"}, {"ssl", "tls"}, {"tcp+ssl", "tls"}, {"tcp4+ssl", "tls"},
}

// network reads a serial port that is a connection. What names no host and
// port, such as a proxy's token, is one that goes nowhere.
func (r *reader) network(s *xml.CharSource, name, file string) error {
	u, err := url.Parse(file)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		s.Type = "null"
		return nil
	}
	i := slices.IndexFunc(schemes, func(x struct{ word, protocol string }) bool { return x.word == strings.ToLower(u.Scheme) })
	if i < 0 {
		return r.fail(name+".fileName", "VMX entry '%s.fileName' contains unsupported scheme '%s'", name, u.Scheme)
	}
	s.Type, s.Protocol, s.Host, s.Service = "tcp", schemes[i].protocol, u.Hostname(), u.Port()
	switch end, ok := r.text(name + ".network.endPoint"); {
	case !ok, strings.EqualFold(end, "server"):
		s.Mode = "bind"
	case strings.EqualFold(end, "client"):
		s.Mode = "connect"
	default:
		return r.fail(name+".network.endPoint", "Expecting VMX entry '%s.network.endPoint' to be 'server' or 'client' but found '%s'", name, end)
	}
	return nil
}

// hostPort joins the two as a URI has them.
func hostPort(host, port string) string { return net.JoinHostPort(host, port) }

func (r *reader) parallels(d *xml.Domain) error {
	for i := range uint(maxParallels) {
		name := "parallel" + strconv.Itoa(int(i))
		on, err := r.present(name)
		if err != nil {
			return err
		}
		if !on {
			continue
		}
		kind, err := r.need(name + ".fileType")
		if err != nil {
			return err
		}
		if _, err := r.need(name + ".fileName"); err != nil {
			return err
		}
		file := r.given(name + ".fileName")
		c := xml.Chardev{Target: &xml.CharTarget{Port: &i}}
		switch strings.ToLower(kind) {
		case "device":
			c.Type, c.Path = "dev", file
		case "file":
			c.Type = "file"
			if c.Path, err = r.file(file); err != nil {
				return r.At(asError(err), r.Get(name+".fileName"))
			}
		default:
			return r.fail(name+".fileType", "Expecting VMX entry '%s.fileType' to be 'device' or 'file' but found '%s'", name, kind)
		}
		d.Devices.Parallels = append(d.Devices.Parallels, c)
	}
	return nil
}
