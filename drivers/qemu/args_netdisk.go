package qemu

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"virgo/xml"
)

// server is one host of a network disk.
func (a *args) server(h xml.NetHost, port string) *props {
	switch h.Transport {
	case "unix":
		return newProps("type", "unix").str("path", h.Socket)
	case "rdma":
		a.fail(xml.CodeInternal, "transport protocol 'rdma' is not yet supported")
	}
	p := newProps("type", "inet").str("host", h.Name)
	if h.Port != "" && h.Port != "0" {
		port = h.Port
	}
	return p.str("port", port)
}

// inet is a server that only TCP reaches.
func (a *args) inet(h xml.NetHost, port string) *props {
	if h.Transport == "unix" || h.Transport == "rdma" {
		a.fail(xml.CodeInternal, "only TCP protocol can be converted to InetSocketAddress")
	}
	if h.Port != "" && h.Port != "0" {
		port = h.Port
	}
	return newProps("host", h.Name).str("port", port)
}

func firstHost(s *xml.DiskSource) xml.NetHost {
	if len(s.Hosts) > 0 {
		return s.Hosts[0]
	}
	return xml.NetHost{}
}

// pathMarks makes of a path as Go escapes it one as the peer does: of the marks of RFC 2396
// none is escaped, and a colon is.
var pathMarks = strings.NewReplacer(":", "%3A", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")

// oneHost are the protocols with exactly one server, and how the peer says so.
var oneHost = []struct{ protocol, refusal string }{
	{"nbd", "nbd protocol accepts only one host"}, {"ssh", "ssh protocol accepts only one host"}, {"http", "protocol 'http' accepts only one host"},
	{"https", "protocol 'https' accepts only one host"}, {"ftp", "protocol 'ftp' accepts only one host"}, {"ftps", "protocol 'ftps' accepts only one host"},
}

func (a *args) network(s *xml.DiskSource, prefix string) *props {
	if s.TLS == "yes" && s.Protocol != "nbd" && s.Protocol != "vxhs" {
		a.fail(xml.CodeConfigUnsupported, "TLS transport is not supported for disk protocol '%s'", s.Protocol)
		return nil
	}
	for _, o := range oneHost {
		if o.protocol == s.Protocol && len(s.Hosts) != 1 {
			a.fail(xml.CodeInternal, "%s", o.refusal)
			return nil
		}
	}
	switch s.Protocol {
	case "nbd":
		p := newProps("driver", "nbd").obj("server", a.server(firstHost(s), "10809")).opt("export", s.Name)
		if s.TLS == "yes" {
			p.str("tls-creds", a.tlsObject(prefix, s.TLSHostname))
		}
		p.opt("tls-hostname", s.TLSHostname)
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
			hosts = append(hosts, a.server(h, "24007").String())
		}
		return newProps("driver", "gluster").str("volume", volume).str("path", file).raw("server", "["+strings.Join(hosts, ",")+"]").num("debug", 4)
	case "nfs":
		p := newProps("driver", "nfs").obj("server", newProps("host", firstHost(s).Name).str("type", "inet")).str("path", s.Name)
		if i := s.Identity; i != nil {
			for _, who := range []struct{ kind, text string }{{"user", i.User}, {"group", i.Group}} {
				if who.text == "" {
					continue
				}
				id, err := accountID(who.kind, who.text)
				if err != nil {
					a.fail(xml.CodeInvalidArg, "Failed to parse %s '%s'", who.kind, strings.TrimPrefix(who.text, "+"))
					return nil
				}
				if id != -1 { // nobody: the server's choice
					p.raw(who.kind, strconv.FormatInt(id, 10))
				}
			}
		}
		return p
	case "ssh":
		return a.ssh(s, prefix)
	case "rbd":
		return a.rbd(s, prefix)
	case "iscsi":
		return a.iscsi(s, "3260", prefix+"-storage-auth-secret0")
	case "vxhs":
		a.fail(xml.CodeConfigUnsupported, "VxHS protocol is not supported with this QEMU binary")
		return nil
	}
	a.fail(xml.CodeConfigUnsupported, "protocol '%s' is not supported", s.Protocol)
	return nil
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
	at := "://" + host + ":" + port
	switch h.Transport {
	case "unix":
		at = "+unix://"
	case "rdma": // which QEMU does not know here, but is told
		at = "+rdma://" + host
	}
	u := s.Protocol + at + pathMarks.Replace((&url.URL{Path: "/" + strings.TrimPrefix(s.Name, "/")}).EscapedPath())
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
	if key := a.authKey(s, prefix); key != "" {
		p.str("username", s.Auth.Username).str("password-secret", key)
	}
	if s.SSL != nil {
		p.optFlag("sslverify", string(s.SSL.Verify))
	}
	p.opt("cookie-secret", cookie)
	if s.Timeout != nil {
		p.optNum("timeout", s.Timeout.Seconds)
	}
	if s.Readahead != nil {
		p.optNum("readahead", s.Readahead.Size)
	}
	return p
}

func (a *args) ssh(s *xml.DiskSource, prefix string) *props {
	p := newProps("driver", "ssh").str("path", s.Name).obj("server", a.inet(firstHost(s), "22"))
	if a.authKey(s, prefix) != "" {
		p.str("user", s.Auth.Username)
	} else if s.Identity != nil {
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
		hosts = append(hosts, a.inet(h, "0").String())
	}
	if len(hosts) > 0 {
		p.raw("server", "["+strings.Join(hosts, ",")+"]")
	}
	if key := a.authKey(s, prefix); key != "" {
		p.str("user", s.Auth.Username).raw("auth-client-required", `["cephx","none"]`).str("key-secret", key)
	}
	if e := s.Encryption; e != nil && e.Engine == "librbd" {
		a.imageKeys(e, prefix+"-storage")
		var encrypt *props // the last secret is that of the innermost layer
		for i := len(e.Secrets) - 1; i >= 0; i-- {
			layer := newProps("format", e.Format).str("key-secret", keyObject(prefix+"-storage", i))
			if encrypt != nil {
				layer.obj("parent", encrypt)
			}
			encrypt = layer
		}
		if encrypt != nil {
			p.obj("encrypt", encrypt)
		}
	}
	return p
}

// iscsi is a source at an iSCSI target; key names its password.
func (a *args) iscsi(s *xml.DiskSource, port, key string) *props {
	if len(s.Hosts) != 1 {
		a.fail(xml.CodeInternal, "iSCSI protocol accepts only one host")
		return nil
	}
	h := s.Hosts[0]
	if h.Port != "" && h.Port != "0" {
		port = h.Port
	}
	target, lun, ok := strings.Cut(s.Name, "/")
	if !ok {
		lun = "0"
	}
	n, err := strconv.ParseUint(lun, 10, 32)
	if err != nil {
		a.fail(xml.CodeInternal, "cannot parse target for lunStr '%s'", target)
		return nil
	}
	portal := h.Name + ":" + port
	if strings.Contains(h.Name, ":") {
		portal = "[" + h.Name + "]:" + port
	}
	p := newProps("driver", "iscsi").str("portal", portal).str("target", target).num("lun", n).str("transport", "tcp")
	if a.authSecret(s.Auth, key) {
		p.str("user", s.Auth.Username).str("password-secret", key)
	}
	return p.opt("initiator-name", s.Initiator)
}
