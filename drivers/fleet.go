package drivers

import (
	"fmt"
	"strings"
	"time"
)

// Host is one of several connections that commands run on side by side.
type Host struct{ Name, URI string }

// Fleet is several hosts, and how they are asked.
type Fleet struct {
	Hosts  []Host
	AtOnce int           // so many at once
	Limit  time.Duration // for each to answer
}

// Names are what configuration files say in place of URIs, in libvirt.conf's
// syntax: uri_aliases = [ "name=uri", ... ], which libvirt has too, and
// host_groups = [ "group=name or uri,...", ... ]. The first file that knows a
// name counts.
type Names struct{ texts []string }

// ReadNames takes the texts of configuration files.
func ReadNames(texts ...string) Names { return Names{texts} }

// find is what a list of the files says of a name.
func (n Names) find(list, name string) (string, bool) {
	for _, t := range n.texts {
		for _, item := range List(t, list) {
			if key, value, ok := strings.Cut(item, "="); ok && strings.TrimSpace(key) == name {
				return strings.TrimSpace(value), true
			}
		}
	}
	return "", false
}

// URI is what a word means: a URI, or an alias of one.
func (n Names) URI(word string) string {
	if strings.Contains(word, ":") {
		return word
	}
	if uri, ok := n.find("uri_aliases", word); ok {
		return uri
	}
	return word
}

// Hosts are what words mean: URIs, aliases, groups of them. Each host comes
// once. The error is of groups that contain each other.
func (n Names) Hosts(words []string) ([]Host, error) {
	var out []Host
	seen := map[string]bool{}
	var add func(word string, depth int) error
	add = func(word string, depth int) error {
		if depth > 16 {
			return fmt.Errorf("the host group '%s' contains itself", word)
		}
		if !strings.Contains(word, ":") {
			if members, ok := n.find("host_groups", word); ok {
				for _, m := range strings.Split(members, ",") {
					if m = strings.TrimSpace(m); m == "" {
						continue
					}
					if err := add(m, depth+1); err != nil {
						return err
					}
				}
				return nil
			}
		}
		uri := n.URI(word)
		if seen[uri] {
			return nil
		}
		seen[uri] = true
		name := word
		if word == uri {
			name = hostName(uri)
		}
		out = append(out, Host{name, uri})
		return nil
	}
	for _, w := range words {
		if err := add(w, 0); err != nil {
			return nil, err
		}
	}
	return distinct(out), nil
}

// hostName is how a host is called whose URI is known alone: by the machine's
// name, or, where that says nothing, by the URI.
func hostName(uri string) string {
	if u, err := ParseURI(uri); err == nil && u.Host != "" {
		return u.Host
	}
	return uri
}

// distinct gives hosts of the same name their URIs as names.
func distinct(hosts []Host) []Host {
	count := map[string]int{}
	for _, h := range hosts {
		count[h.Name]++
	}
	for i, h := range hosts {
		if count[h.Name] > 1 {
			hosts[i].Name = h.URI
		}
	}
	return hosts
}

// The values of hosts_at_once and host_timeout where no file has them.
const (
	hostsAtOnce = 32
	hostTimeout = 30
)

// Fleet is the fleet that words mean.
func (n Names) Fleet(words []string) (Fleet, error) {
	hosts, err := n.Hosts(words)
	f := Fleet{Hosts: hosts, AtOnce: hostsAtOnce, Limit: hostTimeout * time.Second}
	for i := len(n.texts) - 1; i >= 0; i-- {
		f.AtOnce = Count(n.texts[i], "hosts_at_once", f.AtOnce)
		f.Limit = time.Duration(Count(n.texts[i], "host_timeout", int(f.Limit/time.Second))) * time.Second
	}
	return f, err
}

// List finds the quoted values of a list in libvirt.conf's syntax:
// name = [ "a", "b" ], over several lines if need be.
func List(text, name string) []string {
	var out []string
	inside := false
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		if !inside {
			key, rest, ok := strings.Cut(line, "=")
			if !ok || strings.TrimSpace(key) != name {
				continue
			}
			if line = strings.TrimSpace(rest); !strings.HasPrefix(line, "[") {
				continue
			}
			inside = true
			line = line[1:]
		}
		for line != "" {
			switch c := line[0]; c {
			case ']':
				return out
			case '#':
				line = " "
			case '"', '\'':
				end := strings.IndexByte(line[1:], c)
				if end < 0 {
					return out
				}
				out = append(out, line[1:end+1])
				line = line[end+1:]
			}
			line = line[1:]
		}
	}
	return out
}
