package drivers

import (
	"fmt"
	"strings"
	"time"

	"virgo/xml"
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
type Names struct{ configs []*ConfigFile }

// NewNames takes the configuration files.
func NewNames(configs ...*ConfigFile) Names { return Names{configs} }

// find is what a list of the files says of a name.
func (n Names) find(list, name string) (string, bool, error) {
	for _, c := range n.configs {
		items, err := c.Strings(list)
		if err != nil {
			return "", false, err
		}
		for _, item := range items {
			key, value, ok := strings.Cut(item, "=")
			if !ok {
				return "", false, xml.Errorf(xml.CodeConfSyntax, "Malformed '%s' config entry '%s', expected 'alias=uri://host/path'", list, item)
			}
			if strings.TrimSpace(key) == name {
				return strings.TrimSpace(value), true, nil
			}
		}
	}
	return "", false, nil
}

// URI is what a word means: a URI, or an alias of one.
func (n Names) URI(word string) (string, error) {
	if strings.Contains(word, ":") {
		return word, nil
	}
	if uri, ok, err := n.find("uri_aliases", word); ok || err != nil {
		return uri, err
	}
	return word, nil
}

// Hosts are what words mean: URIs, aliases, groups of them. Each host comes
// once. The error is of groups that contain each other,
// and of broken files.
func (n Names) Hosts(words []string) ([]Host, error) {
	var out []Host
	seen := map[string]bool{}
	var add func(word string, depth int) error
	add = func(word string, depth int) error {
		if depth > 16 {
			return fmt.Errorf("the host group '%s' contains itself", word)
		}
		if !strings.Contains(word, ":") {
			members, ok, err := n.find("host_groups", word)
			if err != nil {
				return err
			}
			if ok {
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
		uri, err := n.URI(word)
		if err != nil {
			return err
		}
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
	for i := len(n.configs) - 1; i >= 0 && err == nil; i-- {
		var seconds int
		if f.AtOnce, err = n.configs[i].Count("hosts_at_once", f.AtOnce); err == nil {
			seconds, err = n.configs[i].Count("host_timeout", int(f.Limit/time.Second))
			f.Limit = time.Duration(seconds) * time.Second
		}
	}
	return f, err
}
