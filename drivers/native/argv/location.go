package argv

import (
	"net/url"
	"strconv"
	"strings"

	"virgo/xml"
)

// location reads what -drive file= and its like name: a path, a URL, or one of
// the older forms that begin with a protocol.
func (r *reader) location(d *device, text string) (*image, bool) {
	im := &image{format: "raw", source: &xml.DiskSource{}}
	switch {
	case strings.HasPrefix(text, "json:"):
		p := r.parse(word{name: d.option, arg: strings.TrimPrefix(text, "json:"), line: d.line}, "")
		if p == nil {
			return nil, false
		}
		return r.node(d, p, 0)
	case strings.HasPrefix(text, "fat:"):
		dir := strings.TrimPrefix(text, "fat:")
		for _, word := range []string{"floppy:", "ro:"} {
			dir = strings.TrimPrefix(dir, word)
		}
		im.kind, im.format, im.source.Dir = "dir", "fat", r.absolute(dir)
		return im, !strings.HasPrefix(dir, "rw:") && !strings.HasPrefix(dir, "12:") && !strings.HasPrefix(dir, "16:") && !strings.HasPrefix(dir, "32:")
	case strings.HasPrefix(text, "nbd:"):
		return im, im.oldNBD(strings.TrimPrefix(text, "nbd:"))
	case strings.HasPrefix(text, "rbd:"):
		return im, im.rbd(strings.TrimPrefix(text, "rbd:"))
	case strings.HasPrefix(text, "nvme://"):
		a, namespace, _ := strings.Cut(strings.TrimPrefix(text, "nvme://"), "/")
		im.kind = "nvme"
		*im.source = xml.DiskSource{Type: "pci", Managed: "yes", Namespace: namespace, Address: hostAddress(a)}
		return im, im.source.Address != nil
	case strings.Contains(text, "://"):
		im.kind = "network"
		return im, im.url(text)
	}
	im.file(r, text)
	return im, true
}

// oldNBD reads host:port:exportname=x and unix:path:exportname=x.
func (im *image) oldNBD(text string) bool {
	if strings.HasPrefix(text, "//") {
		im.kind = "network"
		return im.url("nbd:" + text)
	}
	text, export, _ := strings.Cut(text, ":exportname=")
	h := xml.NetHost{}
	if socket, ok := strings.CutPrefix(text, "unix:"); ok {
		h.Transport, h.Socket = "unix", socket
	} else {
		i := strings.LastIndexByte(text, ':')
		if i < 0 {
			return false
		}
		h.Name, h.Port = strings.Trim(text[:i], "[]"), text[i+1:]
	}
	im.kind = "network"
	*im.source = xml.DiskSource{Protocol: "nbd", Name: export, Hosts: []xml.NetHost{h}}
	return true
}

// rbd reads pool/image@snapshot:key=value:key=value; a colon in a value has a
// backslash before it.
func (im *image) rbd(text string) bool {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case text[i] == ':':
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(text[i])
		}
	}
	parts = append(parts, b.String())
	im.kind = "network"
	s := im.source
	s.Protocol, s.Name = "rbd", parts[0]
	if name, snapshot, ok := strings.Cut(parts[0], "@"); ok {
		s.Name, s.Snapshot = name, &xml.NamedRef{Name: snapshot}
	}
	for _, p := range parts[1:] {
		key, value, _ := strings.Cut(p, "=")
		switch key {
		case "conf":
			s.Config = &xml.FileRef{File: value}
		case "mon_host":
			for _, h := range strings.FieldsFunc(value, func(c rune) bool { return c == ';' || c == ',' }) {
				name, port, _ := strings.Cut(h, ":")
				s.Hosts = append(s.Hosts, xml.NetHost{Name: name, Port: port})
			}
		case "auth_supported":
			if value != "none" {
				return false
			}
		default:
			return false // users and keys: XML has them in secrets
		}
	}
	return true
}

// url reads the locations of servers.
func (im *image) url(text string) bool {
	u, err := url.Parse(text)
	if err != nil {
		return false
	}
	scheme, transport, _ := strings.Cut(u.Scheme, "+")
	s := im.source
	s.Protocol = scheme
	h := xml.NetHost{Name: u.Hostname(), Port: u.Port()}
	s.Name = strings.TrimPrefix(u.Path, "/")
	query := u.Query()
	if transport == "unix" {
		h = xml.NetHost{Transport: "unix", Socket: query.Get("socket")}
		query.Del("socket")
	} else if transport != "" && transport != "tcp" {
		h.Transport = transport
	}
	switch scheme {
	case "nbd", "gluster", "iscsi":
	case "http", "https", "ftp", "ftps", "tftp":
		s.Query, query = u.RawQuery, nil
	case "ssh", "nfs":
		s.Name = u.Path
		if u.User != nil && scheme == "ssh" {
			return false // definitions have a user only with a key
		}
		if scheme == "nfs" && (query.Has("uid") || query.Has("gid")) {
			s.Identity = &xml.Identity{User: "+" + query.Get("uid"), Group: "+" + query.Get("gid")}
			query.Del("uid")
			query.Del("gid")
		}
	default:
		return false
	}
	s.Hosts = []xml.NetHost{h}
	return len(query) == 0 && u.User == nil && (h.Name != "" || h.Socket != "")
}

// server reads the address of a server below a key: server.host, server.0.host.
func server(p *props, key string) (xml.NetHost, bool) {
	h := xml.NetHost{}
	kind := p.take(key + "type")
	if path := p.take(key + "path"); kind == "unix" || path != "" {
		return xml.NetHost{Transport: "unix", Socket: path}, path != ""
	}
	h.Name, h.Port = p.take(key+"host"), p.take(key+"port")
	return h, h.Name != ""
}

func servers(p *props) []xml.NetHost {
	var out []xml.NetHost
	for i := 0; ; i++ {
		h, ok := server(p, "server."+strconv.Itoa(i)+".")
		if !ok {
			return out
		}
		out = append(out, h)
	}
}

// network reads the properties of nodes that are on a network.
func (im *image) network(p *props, driver string) bool {
	s := im.source
	s.Protocol = driver
	switch driver {
	case "nbd":
		h, ok := server(p, "server.")
		if !ok {
			h, ok = server(p, "")
		}
		s.Hosts, s.Name = []xml.NetHost{h}, p.take("export")
		if n := p.uint("reconnect-delay"); n > 0 {
			s.Reconnect = &xml.Reconnect{Delay: n}
		}
		return ok
	case "http", "https", "ftp", "ftps":
		ok := im.url(p.take("url"))
		if v := p.yesNo("sslverify"); v != "" {
			s.SSL = &xml.SSL{Verify: v}
		}
		if n, has := p.number("readahead"); has {
			s.Readahead = &xml.Readahead{Size: n}
		}
		if n, has := p.number("timeout"); has {
			s.Timeout = &xml.Timeout{Seconds: n}
		}
		return ok
	case "ssh":
		h, ok := server(p, "server.")
		s.Hosts, s.Name = []xml.NetHost{h}, p.take("path")
		return ok // definitions have a user only with a key
	case "nfs":
		h, ok := server(p, "server.")
		s.Hosts, s.Name = []xml.NetHost{h}, p.take("path")
		if user, group := p.take("user"), p.take("group"); user+group != "" {
			s.Identity = &xml.Identity{User: "+" + user, Group: "+" + group}
		}
		return ok
	case "rbd":
		s.Name = p.take("pool") + "/" + p.take("image")
		if v := p.take("snapshot"); v != "" {
			s.Snapshot = &xml.NamedRef{Name: v}
		}
		if v := p.take("conf"); v != "" {
			s.Config = &xml.FileRef{File: v}
		}
		s.Hosts = servers(p)
		return true
	case "gluster":
		s.Name = p.take("volume") + "/" + strings.TrimPrefix(p.take("path"), "/")
		s.Hosts = servers(p)
		p.take("debug", "logfile")
		return len(s.Hosts) > 0
	case "iscsi":
		p.ignore("transport", "tcp")
		name, port, _ := strings.Cut(p.take("portal"), ":")
		lun := p.take("lun")
		if lun == "" {
			lun = "0"
		}
		s.Name, s.Hosts = p.take("target")+"/"+lun, []xml.NetHost{{Name: name, Port: port}}
		s.Initiator = p.take("initiator-name")
		return name != ""
	}
	return false
}
