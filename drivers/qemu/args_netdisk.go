package qemu

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"virgo/xml"
)

func server(h xml.NetHost, port string) *props {
	if h.Transport == "unix" {
		return newProps("type", "unix").str("path", h.Socket)
	}
	p := newProps("type", "inet").str("host", h.Name)
	if h.Port != "" && h.Port != "0" {
		port = h.Port
	}
	return p.str("port", port)
}

func firstHost(s *xml.DiskSource) xml.NetHost {
	if len(s.Hosts) > 0 {
		return s.Hosts[0]
	}
	return xml.NetHost{}
}

func (a *args) network(s *xml.DiskSource, prefix string) *props {
	switch s.Protocol {
	case "nbd":
		p := newProps("driver", "nbd").obj("server", server(firstHost(s), "10809")).opt("export", s.Name)
		if s.TLS == "yes" {
			p.str("tls-creds", a.tlsObject(prefix, s.TLSHostname)).opt("tls-hostname", s.TLSHostname)
		}
		if s.Reconnect != nil {
			p.optNum("reconnect-delay", uint64(s.Reconnect.Delay))
		}
		return p
	case "http", "https", "ftp", "ftps", "tftp":
		return a.curl(s, prefix)
	case "gluster":
		volume, file, _ := strings.Cut(s.Name, "/")
		var hosts []string
		for _, h := range s.Hosts {
			hosts = append(hosts, server(h, "24007").String())
		}
		return newProps("driver", "gluster").str("volume", volume).str("path", file).raw("server", "["+strings.Join(hosts, ",")+"]").num("debug", 4)
	case "nfs":
		p := newProps("driver", "nfs").obj("server", newProps("host", firstHost(s).Name).str("type", "inet")).str("path", s.Name)
		if i := s.Identity; i != nil {
			p.optID("user", i.User).optID("group", i.Group)
		}
		return p
	case "ssh":
		return a.ssh(s)
	case "rbd":
		return a.rbd(s, prefix)
	case "iscsi":
		return a.iscsi(s, prefix)
	}
	a.fail(xml.CodeConfigUnsupported, "protocol '%s' is not supported", s.Protocol)
	return nil
}

func (p *props) optID(key, id string) *props {
	if n, err := strconv.ParseUint(strings.TrimPrefix(id, "+"), 10, 32); err == nil {
		return p.num(key, n)
	}
	return p
}

func (a *args) tlsObject(prefix, _ string) string {
	return a.tlsCredentials("obj"+prefix+"-storage_tls0", false)
}

// tlsCredentials are the host's certificates, for either end of a connection.
func (a *args) tlsCredentials(id string, server bool) string {
	end := "client"
	if server {
		end = "server"
	}
	a.object(newProps("qom-type", "tls-creds-x509").str("id", id).str("dir", filepath.Join(a.Layout.Root, "etc/pki/qemu")).str("endpoint", end).flag("verify-peer", true))
	return id
}

var defaultPorts = map[string]string{"http": "80", "https": "443", "ftp": "21", "ftps": "990", "tftp": "69"}

func (a *args) curl(s *xml.DiskSource, prefix string) *props {
	h := firstHost(s)
	port := h.Port
	if port == "" || port == "0" {
		port = defaultPorts[s.Protocol]
	}
	host := h.Name
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	u := s.Protocol + "://" + host + ":" + port + (&url.URL{Path: "/" + strings.TrimPrefix(s.Name, "/")}).EscapedPath()
	if s.Query != "" {
		u += "?" + s.Query
	}
	var cookie string
	if len(s.Cookies) > 0 {
		cookie = prefix + "-storage-httpcookie-secret0"
		var text []string
		for _, c := range s.Cookies {
			text = append(text, c.Name+"="+c.Text)
		}
		a.secret(cookie, strings.Join(text, "; "))
	}
	p := newProps("driver", s.Protocol).str("url", u)
	if s.SSL != nil {
		p.optFlag("sslverify", string(s.SSL.Verify))
	}
	p.opt("cookie-secret", cookie)
	if s.Timeout != nil {
		p.num("timeout", s.Timeout.Seconds)
	}
	if s.Readahead != nil {
		p.num("readahead", s.Readahead.Size)
	}
	return p
}

func (a *args) ssh(s *xml.DiskSource) *props {
	h := firstHost(s)
	port := h.Port
	if port == "" || port == "0" {
		port = "22"
	}
	p := newProps("driver", "ssh").str("path", s.Name).obj("server", newProps("host", h.Name).str("port", port))
	if s.Identity != nil {
		p.opt("user", s.Identity.Username)
	}
	return p
}

func (a *args) rbd(s *xml.DiskSource, prefix string) *props {
	pool, image, _ := strings.Cut(s.Name, "/")
	p := newProps("driver", "rbd").str("pool", pool).str("image", image)
	if s.Snapshot != nil {
		p.opt("snapshot", s.Snapshot.Name)
	}
	if s.Config != nil {
		p.opt("conf", s.Config.File)
	}
	var hosts []string
	for _, h := range s.Hosts {
		port := h.Port
		if port == "" || port == "0" {
			port = "6789"
		}
		hosts = append(hosts, newProps("host", h.Name).str("port", port).String())
	}
	if len(hosts) > 0 {
		p.raw("server", "["+strings.Join(hosts, ",")+"]")
	}
	return p
}

func (a *args) iscsi(s *xml.DiskSource, _ string) *props {
	if len(s.Hosts) != 1 {
		a.fail(xml.CodeInternal, "iSCSI protocol accepts only one host")
		return nil
	}
	h := s.Hosts[0]
	port := h.Port
	if port == "" || port == "0" {
		port = "3260"
	}
	target, lun, ok := strings.Cut(s.Name, "/")
	if !ok {
		lun = "0"
	}
	n, _ := strconv.ParseUint(lun, 10, 16)
	p := newProps("driver", "iscsi").str("portal", h.Name+":"+port).str("target", target).num("lun", n).str("transport", "tcp")
	return p.opt("initiator-name", s.Initiator)
}
