package remote

import (
	"os"
	"path/filepath"
	"strings"
)

// sshSettings are what ssh's configuration says of a host.
type sshSettings struct {
	host, user, port  string
	keys              []string // files
	jump              string   // hosts on the way, with commas
	knownHosts        []string
	strict            string // yes, no, accept-new, ask
	onlyKeys          bool   // IdentitiesOnly
	proxyCommand      string
	systemFile, homes string
}

// maxIncludes is how deep configuration files may include each other.
const maxIncludes = 16

// readSSHConfig reads the user's configuration, then the system's: the first
// value of each setting counts, but for key files, of which all do.
func readSSHConfig(host, home, system string) sshSettings {
	s := sshSettings{homes: home, systemFile: system}
	s.file(filepath.Join(home, ".ssh", "config"), host, filepath.Join(home, ".ssh"), 0)
	s.file(system, host, filepath.Dir(system), 0)
	if s.host == "" {
		s.host = host
	}
	s.host = strings.ReplaceAll(s.host, "%h", host)
	for i, k := range s.keys {
		s.keys[i] = s.expand(k)
	}
	for i, k := range s.knownHosts {
		s.knownHosts[i] = s.expand(k)
	}
	return s
}

// expand fills a file's name in.
func (s *sshSettings) expand(name string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		name = filepath.Join(s.homes, rest)
	}
	return strings.NewReplacer("%%", "%", "%d", s.homes, "%h", s.host, "%r", s.user, "%p", s.port).Replace(name)
}

// file reads one file; of the blocks that are for other hosts nothing is taken.
func (s *sshSettings) file(name, host, dir string, depth int) {
	data, err := os.ReadFile(name)
	if err != nil || depth > maxIncludes || len(data) > 1<<20 {
		return
	}
	applies := true
	for _, line := range strings.Split(string(data), "\n") {
		words := sshWords(line)
		if len(words) < 2 {
			continue
		}
		key := strings.ToLower(words[0])
		switch key {
		case "host":
			applies = matchesHost(words[1:], host)
			continue
		case "match":
			applies = len(words) == 2 && strings.EqualFold(words[1], "all") // other conditions would run programs
			continue
		}
		if !applies {
			continue
		}
		if key == "include" {
			for _, pattern := range words[1:] {
				pattern = s.expand(pattern)
				if !filepath.IsAbs(pattern) {
					pattern = filepath.Join(dir, pattern)
				}
				list, _ := filepath.Glob(pattern)
				for _, f := range list {
					s.file(f, host, dir, depth+1)
				}
			}
			continue
		}
		s.set(key, words[1:])
	}
}

// set takes a setting that has no value yet.
func (s *sshSettings) set(key string, values []string) {
	first := func(at *string) {
		if *at == "" {
			*at = values[0]
		}
	}
	switch key {
	case "hostname":
		first(&s.host)
	case "user":
		first(&s.user)
	case "port":
		first(&s.port)
	case "proxyjump":
		first(&s.jump)
	case "proxycommand":
		if s.proxyCommand == "" {
			s.proxyCommand = strings.Join(values, " ")
		}
	case "stricthostkeychecking":
		first(&s.strict)
	case "identityfile":
		s.keys = append(s.keys, values[0])
	case "identitiesonly":
		s.onlyKeys = s.onlyKeys || strings.EqualFold(values[0], "yes")
	case "userknownhostsfile":
		if s.knownHosts == nil {
			s.knownHosts = values
		}
	}
}

// sshWords splits a line of the configuration: blanks, or one =, after the
// keyword; quotes around words with blanks.
func sshWords(line string) []string {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil
	}
	end := strings.IndexAny(line, " \t=")
	if end < 0 {
		return []string{line}
	}
	words := []string{line[:end]}
	rest := strings.TrimLeft(line[end:], " \t")
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "="), " \t")
	for rest != "" {
		var w string
		if rest[0] == '"' {
			w, rest, _ = strings.Cut(rest[1:], `"`)
		} else if i := strings.IndexAny(rest, " \t"); i >= 0 {
			w, rest = rest[:i], rest[i:]
		} else {
			w, rest = rest, ""
		}
		words = append(words, w)
		rest = strings.TrimLeft(rest, " \t")
	}
	return words
}

// matchesHost tells whether patterns let a host through; one with ! keeps it out.
func matchesHost(patterns []string, host string) bool {
	found := false
	for _, p := range patterns {
		p, not := strings.CutPrefix(p, "!")
		if !wildcard(strings.ToLower(p), strings.ToLower(host)) {
			continue
		}
		if not {
			return false
		}
		found = true
	}
	return found
}

// wildcard matches * and ?.
func wildcard(pattern, s string) bool {
	star, at := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i] && pattern[p] != '*'):
			p, i = p+1, i+1
		case p < len(pattern) && pattern[p] == '*':
			star, at = p, i
			p++
		case star >= 0:
			at++
			p, i = star+1, at
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
