package remote

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virgo/xml"
)

// sshQuery is what ssh's configuration is asked for.
type sshQuery struct {
	host, user, port string // as they were written; user and port may be ""
	home, localUser  string
	getenv           func(string) string
	system           string // the configuration of all users
	run              func(ctx context.Context, line string) bool
	resolves         func(ctx context.Context, host string) bool
}

// sshSettings are what the configuration says of a host.
type sshSettings struct {
	sshQuery
	values map[string]string   // by keyword in lower case; the first counts
	lists  map[string][]string // those that are several words
}

// maxIncludes is how deep configuration files may include each other.
const maxIncludes = 16

// sshReader reads configuration files.
type sshReader struct {
	*sshSettings
	ctx       context.Context
	canonical bool // the host's name was made a full one
	final     bool // this is the last reading
	again     bool // Match final is used: there has to be one
	err       error
}

// readSSHConfig reads the user's configuration, then the system's: the first
// value of each setting counts, but for files of keys and certificates, of which
// all do.
func readSSHConfig(ctx context.Context, q sshQuery) (*sshSettings, error) {
	s := &sshSettings{q, map[string]string{}, map[string][]string{}}
	for key, v := range map[string]string{"user": q.user, "port": q.port} {
		if v != "" {
			s.values[key] = v
		}
	}
	r := &sshReader{sshSettings: s, ctx: ctx}
	r.files()
	if r.err == nil && s.canonicalize(ctx) {
		r.canonical, r.again = true, true
	}
	if r.err == nil && r.again {
		r.final = true
		r.files()
	}
	if r.err != nil {
		return nil, r.err
	}
	s.values["hostname"] = s.hostname()
	if s.values["port"] == "" {
		s.values["port"] = "22"
	}
	if s.values["user"] == "" {
		s.values["user"] = q.localUser
	}
	for _, list := range s.lists {
		for i, name := range list {
			list[i] = s.path(name)
		}
	}
	return s, nil
}

// hostname is the name or address of the host as far as it is known.
func (s *sshSettings) hostname() string {
	if name := s.values["hostname"]; name != "" {
		return strings.NewReplacer("%%", "%", "%h", s.host).Replace(name)
	}
	return s.host
}

// canonicalize looks the host up in CanonicalDomains. It tells whether the
// configuration wants that.
func (s *sshSettings) canonicalize(ctx context.Context) bool {
	mode := strings.ToLower(s.values["canonicalizehostname"])
	if mode != "always" && (mode != "yes" || s.values["proxycommand"] != "" || s.values["proxyjump"] != "") {
		return false
	}
	name := s.hostname()
	dots := 1
	fmt.Sscan(s.values["canonicalizemaxdots"], &dots)
	if strings.Count(name, ".") > dots || strings.HasSuffix(name, ".") {
		return true
	}
	for _, domain := range s.lists["canonicaldomains"] {
		if full := name + "." + domain; s.resolves(ctx, full) {
			s.host, s.values["hostname"] = full, full
			break
		}
	}
	return true
}

func (r *sshReader) files() {
	r.file(filepath.Join(r.home, ".ssh", "config"), filepath.Join(r.home, ".ssh"), true, 0)
	r.file(r.system, filepath.Dir(r.system), false, 0)
}

// file reads one file; of the blocks that are for other hosts nothing is taken.
func (r *sshReader) file(name, dir string, own bool, depth int) {
	info, err := os.Stat(name)
	if err != nil || info.IsDir() || r.err != nil {
		return
	}
	if own && writable(info) { // it may name programs
		r.err = xml.Bare(xml.CodeConfSyntax, "configuration file syntax error: Bad owner or permissions on %s", name)
		return
	}
	data, err := os.ReadFile(name)
	if err != nil || len(data) > 1<<20 {
		return
	}
	if depth > maxIncludes {
		r.err = xml.Bare(xml.CodeConfSyntax, "configuration file syntax error: Too many levels of configuration files at %s", name)
		return
	}
	applies := true
	for n, line := range strings.Split(string(data), "\n") {
		words := sshWords(line)
		if len(words) < 2 {
			continue
		}
		switch key := strings.ToLower(words[0]); key {
		case "host":
			applies = matchesHost(words[1:], r.host)
		case "match":
			applies, err = r.match(words[1:])
			if err != nil && r.err == nil {
				r.err = xml.Bare(xml.CodeConfSyntax, "configuration file syntax error: %s:%d: %v", name, n+1, err)
			}
		case "include":
			for i := 1; applies && i < len(words); i++ {
				pattern := r.path(words[i])
				if !filepath.IsAbs(pattern) {
					pattern = filepath.Join(dir, pattern)
				}
				list, _ := filepath.Glob(pattern)
				for _, f := range list {
					r.file(f, dir, own, depth+1)
				}
			}
		default:
			if applies {
				r.set(key, words[1:], line)
			}
		}
	}
}

// listed are the settings of several words.
const listed = " userknownhostsfile globalknownhostsfile canonicaldomains "

// set takes a setting that has no value yet.
func (s *sshSettings) set(key string, words []string, line string) {
	switch {
	case key == "identityfile" || key == "certificatefile":
		if !slices.Contains(s.lists[key], words[0]) {
			s.lists[key] = append(s.lists[key], words[0])
		}
	case strings.Contains(listed, " "+key+" "):
		if s.lists[key] == nil {
			s.lists[key] = words
		}
	case s.values[key] != "":
	case key == "proxycommand":
		if s.values["proxyjump"] == "" {
			s.values[key] = sshRest(line)
		}
	case key == "proxyjump":
		if s.values["proxycommand"] == "" {
			s.values[key] = words[0]
		}
	default:
		s.values[key] = words[0]
	}
}

// is tells whether a setting has one of some values.
func (s *sshSettings) is(key string, values ...string) bool {
	return slices.Contains(values, strings.ToLower(s.values[key]))
}

// seconds is a setting that is a time, 0 if it has none: 90, 5m, 1h30m.
func (s *sshSettings) seconds(key string) time.Duration {
	v := s.values[key]
	if strings.Trim(v, "0123456789") == "" {
		v += "s"
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 {
		return 0
	}
	return d
}

// number is a setting that is a number.
func (s *sshSettings) number(key string, usual int) int {
	n := usual
	if _, err := fmt.Sscan(s.values[key], &n); err != nil || n < 0 {
		return usual
	}
	return n
}
