package xen

import (
	"strings"

	"virgo/xml"
)

// parseChar reads the host's side of a port, as QEMU's command line had it once.
func parseChar(text string) (xml.CharSource, error) {
	s := xml.CharSource{}
	if strings.HasPrefix(text, "/") {
		s.Type, s.Path = "dev", text
		return s, nil
	}
	kind, rest, colon := strings.Cut(text, ":")
	malformed := internal("malformed char device string")
	switch kind {
	case "null", "vc", "pty", "stdio":
		s.Type = kind
	case "file", "pipe":
		if !colon { // the word stands for a path, as the peer has it
			rest = kind
		}
		s.Type, s.Path = kind, stated(rest)
	case "tcp", "telnet":
		s.Type, s.Protocol, s.Mode = "tcp", "raw", "connect"
		if kind == "telnet" {
			s.Protocol = "telnet"
		}
		address, options, _ := strings.Cut(rest, ",")
		i := strings.LastIndexByte(address, ':')
		if i < 0 {
			return s, malformed
		}
		s.Host, s.Service = address[:i], address[i+1:]
		if isServer(options) {
			s.Mode = "bind"
		}
	case "udp":
		s.Type = "udp"
		to, from, _ := strings.Cut(rest, "@")
		i := strings.LastIndexByte(to, ':')
		if i < 0 {
			return s, malformed
		}
		s.Host, s.Service = to[:i], to[i+1:]
		if i := strings.LastIndexByte(from, ':'); i >= 0 {
			s.BindHost, s.BindPort = from[:i], from[i+1:]
		} else if strings.Contains(rest, "@") {
			return s, malformed
		}
	case "unix":
		path, options, _ := strings.Cut(rest, ",")
		s.Type, s.Mode, s.Path = "unix", "connect", stated(path)
		if isServer(options) {
			s.Mode = "bind"
		}
	default:
		return s, internal("unknown chr device type '%s'", kind)
	}
	return s, nil
}

func isServer(options string) bool {
	for _, o := range strings.Split(options, ",") {
		if o == "server" || o == "server=on" {
			return true
		}
	}
	return false
}

// formatChar writes it.
func formatChar(s *xml.CharSource) (string, error) {
	switch s.Type {
	case "null", "vc", "stdio", "pty":
		return s.Type, nil
	case "file", "pipe":
		return s.Type + ":" + s.Path, nil
	case "dev":
		return s.Path, nil
	case "tcp":
		kind := "tcp"
		if s.Protocol != "raw" && s.Protocol != "" {
			kind = "telnet"
		}
		out := kind + ":" + s.Host + ":" + s.Service
		if s.Mode == "bind" {
			out += ",server,nowait"
		}
		return out, nil
	case "udp":
		return "udp:" + s.Host + ":" + s.Service + "@" + s.BindHost + ":" + s.BindPort, nil
	case "unix":
		out := "unix:" + s.Path
		if s.Mode == "bind" {
			out += ",server,nowait"
		}
		return out, nil
	}
	return "", unsupported("unsupported chr device type '%s'", s.Type)
}
