package drivers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// History keeps the former definitions of a store's objects: links to the files
// that changes replaced, so that keeping one costs a name and no data. What a
// revision is (its number, when a change took its place, which change) stands in
// its file's name: it is there whole or not at all.
type History struct {
	Dir    string        // NAME/ holds what changes replaced
	Gone   string        // what was dropped, of all objects: KEY~ before the rest of the file's name
	Config string        // file with the settings history and history_undefined
	By     func() string // the command that is at work; nil: unknown

	once           sync.Once
	broken         error // of the configuration
	limit, objects int
}

// The bounds where the root's configuration names none.
const (
	defaultRevisions = 20  // of one object
	defaultGone      = 200 // dropped definitions
)

// Change is what took the place of a revision.
type Change string

// The changes.
const (
	Redefined Change = "changed"   // another definition
	Dropped   Change = "undefined" // none
	Restored  Change = "restored"  // a definition, where there was none: the revision is empty
)

// Revision is a former definition of an object.
type Revision struct {
	Number                   int       // counts up as long as the object's history is kept
	Time                     time.Time // when the change came
	Command                  string    // that made it, "" if unknown
	Change                   Change
	Autostart, AutostartOnce bool // Dropped: the marks that went with it

	path string
}

// FormerObject is an object that is defined no more.
type FormerObject struct {
	Name string
	Last Revision
}

// bounds reads the root's configuration, once.
func (h *History) bounds() (revisions, objects int, err error) {
	h.once.Do(func() {
		var c *ConfigFile
		if c, h.broken = ReadConfig(h.Config); h.broken != nil {
			return
		}
		if h.limit, h.broken = c.Count("history", defaultRevisions); h.broken == nil {
			h.objects, h.broken = c.Count("history_undefined", defaultGone)
		}
	})
	return h.limit, h.objects, h.broken
}

// fileName is a revision's: NUMBER.MICROSECONDS.FLAGS.COMMAND.xml, behind a prefix.
func (r *Revision) fileName(prefix string) string {
	flags := map[Change]string{Redefined: "c", Dropped: "u", Restored: "r"}[r.Change]
	if r.Autostart {
		flags += "a"
	}
	if r.AutostartOnce {
		flags += "o"
	}
	head := fmt.Sprintf("%s%06d.%d.%s.", prefix, r.Number, r.Time.UnixMicro(), flags)
	const longest = 250 // of a file's name, less a little
	return head + fileWord(r.Command, "", longest-len(head)-len(suffix)) + suffix
}

// fileWord fits a text into a file's name of at most so many bytes; what it may
// not have is escaped.
func fileWord(text, more string, most int) string {
	var b strings.Builder
	for _, c := range text {
		word := string(c)
		if c == '/' || c == '%' || c < ' ' || strings.ContainsRune(more, c) {
			word = fmt.Sprintf("%%%02X", c)
		}
		if c == utf8.RuneError || b.Len()+len(word) > most {
			continue
		}
		b.WriteString(word)
	}
	return b.String()
}

// unescapeWord reads such a text.
func unescapeWord(word string) string {
	if !strings.Contains(word, "%") {
		return word
	}
	var b strings.Builder
	for s := word; s != ""; {
		if c, err := strconv.ParseUint(s[1:min(3, len(s))], 16, 8); s[0] == '%' && len(s) > 2 && err == nil {
			b.WriteByte(byte(c))
			s = s[3:]
			continue
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}

// keyOf is what the files of an object's dropped definitions begin with: its
// name, or a number made of one that is too long or no text.
func keyOf(name string) string {
	const longest = 150
	key := fileWord(name, "~@", longest+1)
	if len(key) > longest || unescapeWord(key) != name {
		sum := sha256.Sum256([]byte(name))
		key = "@" + hex.EncodeToString(sum[:20])
	}
	return key + "~"
}

// parseRevision reads a file's name.
func parseRevision(file string) (Revision, bool) {
	base, ok := strings.CutSuffix(file, suffix)
	parts := strings.SplitN(base, ".", 4)
	if !ok || len(parts) < 4 || parts[2] == "" {
		return Revision{}, false
	}
	n, err := strconv.Atoi(parts[0])
	micros, err2 := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || err2 != nil {
		return Revision{}, false
	}
	r := Revision{Number: n, Time: time.UnixMicro(micros), Command: unescapeWord(parts[3]), Autostart: strings.Contains(parts[2][1:], "a"),
		AutostartOnce: strings.Contains(parts[2][1:], "o")}
	switch parts[2][0] {
	case 'c':
		r.Change = Redefined
	case 'u':
		r.Change = Dropped
	case 'r':
		r.Change = Restored
	default:
		return Revision{}, false
	}
	return r, true
}

// read lists an object's revisions, the oldest first: what changes replaced, and
// what was dropped. gone is how many files of dropped definitions there are.
func (h *History) read(name string) (out []Revision, gone int, err error) {
	for _, at := range []struct{ dir, prefix string }{{filepath.Join(h.Dir, name), ""}, {h.Gone, keyOf(name)}} {
		files, err := filesIn(at.dir)
		if err != nil {
			return nil, 0, err
		}
		gone = len(files) // of the last one
		for _, f := range files {
			if rest, ok := strings.CutPrefix(f, at.prefix); ok {
				if r, ok := parseRevision(rest); ok {
					r.path = filepath.Join(at.dir, f)
					out = append(out, r)
				}
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Number < out[j].Number })
	return out, gone, nil
}
