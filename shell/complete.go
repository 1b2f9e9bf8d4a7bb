package shell

import (
	"strings"

	"virgo/commands"
	"virgo/completion"
)

// globals takes the global options in front of a command, and completes them.
func globals(s *commands.Session, words []string) ([]string, []completion.Candidate) {
	last := words[len(words)-1]
	if len(words) > 1 {
		if c := pendingGlobal(words[len(words)-2]); c != 0 {
			var o options
			if err := o.parse(words[:len(words)-2]); err == nil && len(o.rest) == 0 {
				return nil, values(c, last)
			}
		}
	}
	var o options
	if err := o.parse(words[:len(words)-1]); err != nil {
		return nil, nil
	}
	if o.connect {
		s.URI = o.uri
	}
	if len(o.rest) > 0 || !strings.HasPrefix(last, "-") {
		return append(o.rest, last), nil
	}
	var out []completion.Candidate
	for _, l := range long {
		if strings.HasPrefix("--"+l.name, last) {
			out = append(out, completion.Candidate{Text: "--" + l.name, Help: l.help})
		}
	}
	return nil, out
}

// pendingGlobal is the option whose value the next word is, or 0.
func pendingGlobal(word string) byte {
	for _, l := range long {
		if l.takes == 'y' && (word == "--"+l.name || !l.own && word == "-"+string(l.short)) {
			return l.short
		}
	}
	return 0
}

// values are what a global option takes.
func values(option byte, word string) []completion.Candidate {
	var list []completion.Candidate
	switch option {
	case 'c':
		list = []completion.Candidate{{Text: "qemu:///system", Help: "QEMU, the machine's guests"},
			{Text: "qemu:///session", Help: "QEMU, your own guests"}, {Text: "test:///default", Help: "made up, in memory"}}
	case 'd':
		list = []completion.Candidate{{Text: "0", Help: "everything"}, {Text: "1"}, {Text: "2"}, {Text: "3"}, {Text: "4", Help: "errors only"}}
	case 'o':
		list = []completion.Candidate{{Text: "text"}, {Text: "json"}}
	}
	var out []completion.Candidate
	for _, c := range list {
		if strings.HasPrefix(c.Text, word) {
			out = append(out, c)
		}
	}
	return out
}
