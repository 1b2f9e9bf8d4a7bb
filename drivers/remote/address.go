package remote

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virgo/drivers"
	"virgo/xml"
)

// transports are the ways to a daemon. libssh and libssh2 are ssh to this
// driver, which has a client of its own.
var transports = [...]string{"tls", "unix", "ssh", "ext", "tcp", "libssh2", "libssh"}

// defaultPorts are where daemons listen if the address names no port.
var defaultPorts = [...]struct{ transport, port string }{{"tcp", "16509"}, {"tls", "16514"}, {"ssh", "22"}}

// daemons are the names of drivers' own daemons, beside the one for all.
var daemons = [...]struct{ driver, daemon string }{
	{"bhyve", "virtbhyved"}, {"ch", "virtchd"}, {"interface", "virtinterfaced"}, {"lxc", "virtlxcd"}, {"network", "virtnetworkd"},
	{"nodedev", "virtnodedevd"}, {"nwfilter", "virtnwfilterd"}, {"qemu", "virtqemud"}, {"secret", "virtsecretd"},
	{"storage", "virtstoraged"}, {"vbox", "virtvboxd"}, {"vz", "virtvzd"}, {"xen", "virtxend"},
}

// own are the parameters of an address that are meant for the client; what else
// there is goes to the daemon.
var own = [...]string{"auth", "command", "keyfile", "known_hosts", "known_hosts_verify", "mode", "name", "netcat", "no_sanity", "no_tty",
	"no_verify", "pkipath", "proxy", "socket", "sshauth", "tls_priority"}

// address says where a daemon is, and what it is asked for.
type address struct {
	uri       drivers.URI
	transport string
	host      string // "localhost" if none is given and the transport needs one
	port      string
	name      string // the URI that the daemon opens
	readOnly  bool
	among     bool // many connections at once
	getenv    func(string) string
	patience  time.Duration // until the daemon has let us in
	ask       func(prompt string, secret bool) (string, error)
}

func (a *address) param(name string) string { return a.uri.Query.Get(name) }

// flag is a parameter that is 0 or 1.
func (a *address) flag(name string) bool {
	v := a.param(name)
	return v != "" && v != "0"
}

// parseAddress reads what an opener gets. An address with a host and no
// transport means TLS.
func parseAddress(u drivers.URI, o drivers.OpenOptions) (*address, error) {
	a := &address{uri: u, transport: u.Transport, host: u.Host, port: u.Port, readOnly: o.ReadOnly, among: o.Among, getenv: o.Getenv, ask: o.Ask, patience: patience}
	switch {
	case a.transport == "" && u.Host != "":
		a.transport = "tls"
	case a.transport == "":
		a.transport = "unix"
	case !slices.Contains(transports[:], a.transport):
		return nil, xml.Errorf(xml.CodeInvalidArg, "remote_open: transport in URL not recognised (should be %s)", strings.Join(transports[:], "|"))
	case strings.HasPrefix(a.transport, "libssh"):
		a.transport = "ssh"
	}
	if u.Transport != "" && u.Path == "/embed" {
		return nil, xml.Bare(xml.CodeNoConnect, "no connection driver available for URI scheme '%s+%s' for embedded driver is not valid", u.Driver, u.Transport)
	}
	if a.transport == "unix" && u.Host != "" {
		return nil, xml.Errorf(xml.CodeInvalidArg, "using unix socket and remote server '%s' is not supported.", u.Host)
	}
	if a.transport == "ext" && a.param("command") == "" {
		return nil, xml.Errorf(xml.CodeInvalidArg, "remote_open: for 'ext' transport, command is required")
	}
	for _, choice := range []struct {
		param, what string
		of          []string
	}{{"mode", "remote mode", []string{"auto", "legacy", "direct"}}, {"proxy", "remote proxy", []string{"auto", "netcat", "native"}},
		{"known_hosts_verify", "known_hosts_verify", []string{"normal", "auto", "ignore"}}} {
		if v := a.param(choice.param); v != "" && !slices.Contains(choice.of, v) {
			return nil, xml.Errorf(xml.CodeInvalidArg, "Unknown %s '%s'", choice.what, v)
		}
	}
	if a.host == "" {
		a.host = "localhost"
	}
	for _, p := range defaultPorts {
		if a.port == "" && p.transport == a.transport && a.transport != "ssh" {
			a.port = p.port
		}
	}
	if !o.Terminal {
		a.ask = nil // a script's lines are commands, not answers
	}
	a.name = a.inner()
	return a, nil
}

// inner is the URI that the daemon is asked to open: without the transport, the
// host, and the parameters that are the client's.
func (a *address) inner() string {
	if name := a.param("name"); name != "" {
		return name
	}
	rest := url.Values{}
	for k, v := range a.uri.Query {
		if !slices.Contains(own[:], k) {
			rest[k] = v
		}
	}
	path := a.uri.Path
	if path != "" && path[0] != '/' {
		path = "/" + path
	}
	name := a.uri.Driver + "://" + path
	if len(rest) > 0 {
		name += "?" + rest.Encode()
	}
	return name
}

// session tells whether the daemon is a user's own.
func (a *address) session() bool {
	return a.uri.Path == "/session"
}

// daemon is the name of the driver's own daemon, "" if it has none.
func (a *address) daemon() string {
	for _, d := range daemons {
		if d.driver == a.uri.Driver {
			return d.daemon
		}
	}
	return ""
}

// systemSockets is where the system's daemons have their sockets.
const systemSockets = "/var/run/libvirt"

// sockets are the paths of sockets to try on the daemon's machine, the best first.
// dir is the folder.
func (a *address) sockets(dir string) []string {
	if s := a.param("socket"); s != "" {
		return []string{s}
	}
	suffix := "-sock"
	if a.readOnly && dir == systemSockets {
		suffix = "-sock-ro"
	}
	legacy := filepath.Join(dir, "libvirt"+suffix)
	switch daemon := a.daemon(); {
	case daemon == "" || a.param("mode") == "legacy":
		return []string{legacy}
	case a.param("mode") == "direct":
		return []string{filepath.Join(dir, daemon+suffix)}
	default:
		return []string{filepath.Join(dir, daemon+suffix), legacy}
	}
}

// localDir is the folder of sockets on this machine.
func (a *address) localDir() string {
	if !a.userDaemon() {
		return systemSockets
	}
	if dir := a.getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "libvirt")
	}
	if dir := a.getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "libvirt")
	}
	return filepath.Join(a.getenv("HOME"), ".cache", "libvirt")
}
