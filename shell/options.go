package shell

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"virgo/commands"
)

// options are what stands before the command.
type options struct {
	uri                               string
	uris                              []string // all that were given; uri is the last
	connect                           bool
	readOnly                          bool
	quiet                             bool
	timing                            bool
	debug                             int
	debugSet                          bool
	log                               string
	escape                            string
	keepalive                         bool // asked for messages
	keepaliveOff                      bool
	keepaliveInterval, keepaliveCount int
	output                            string
	timeout                           time.Duration // 0: none
	help                              bool
	version                           string // "short", "long" or ""
	warnings                          []string
	rest                              []string // the command
}

// bad is a mistake in the options, in virsh's words.
func bad(format string, args ...any) error {
	return &commands.Failure{Text: fmt.Sprintf(format, args...)}
}

// errStop ends the reading of options: help and versions are shown at once.
var errStop = errors.New("stop")

// long are the long options; takes says whether a value follows. Virsh's come
// first: an abbreviation that fits one of them never means one of ours.
var long = []struct {
	name  string
	short byte
	takes byte // n no, y yes, o only after =
	own   bool
	help  string // beside the option in completion
}{
	{"connect", 'c', 'y', false, "the hypervisor to connect to"}, {"debug", 'd', 'y', false, "debug level"},
	{"escape", 'e', 'y', false, "key that leaves a console"}, {"help", 'h', 'n', false, "what there is"},
	{"keepalive-interval", 'k', 'y', false, "seconds between keepalive messages"},
	{"keepalive-count", 'K', 'y', false, "keepalive messages that may stay unanswered"}, {"log", 'l', 'y', false, "write a log to a file"},
	{"quiet", 'q', 'n', false, "print no more than needed"}, {"readonly", 'r', 'n', false, "refuse all changes"},
	{"timing", 't', 'n', false, "print how long each command took"}, {"version", 'v', 'o', false, "print the version"},
	{"output", 'o', 'y', true, "text or json"}, {"timeout", 'T', 'y', true, "end commands that take longer"},
	{"no-pkttyagent", 'P', 'n', true, "accepted: no agent is ever started"},
}

// short are the options of one letter, as getopt writes them.
const short = "d:hqtc:vVrl:e:k:K:"

// parse reads the global options; they end at the first word that is none.
func (o *options) parse(args []string) error {
	for len(args) > 0 {
		word := args[0]
		switch {
		case word == "--":
			o.rest = args[1:]
			return nil
		case strings.HasPrefix(word, "--"):
			n, err := o.parseLong(word[2:], args[1:])
			if err != nil {
				return err
			}
			args = args[1+n:]
		case len(word) > 1 && word[0] == '-':
			n, err := o.parseShort(word[1:], args[1:])
			if err != nil {
				return err
			}
			args = args[1+n:]
		default:
			o.rest = args
			return nil
		}
	}
	return nil
}

// parseLong reads --name[=value]; the number is of further words that it took.
func (o *options) parseLong(word string, rest []string) (int, error) {
	name, value, equals := strings.Cut(word, "=")
	found := -1
	for i, l := range long {
		if l.name == name {
			found = i
			break
		}
		if strings.HasPrefix(l.name, name) {
			if found >= 0 && !l.own {
				found = -2
			} else if found == -1 {
				found = i
			}
		}
	}
	if found < 0 {
		return 0, bad("unsupported option '--%s'. See --help.", word)
	}
	l := long[found]
	switch {
	case l.takes == 'n' && equals:
		return 0, bad("unsupported option '-%c'. See --help.", l.short)
	case l.takes == 'y' && !equals:
		if len(rest) == 0 {
			if l.own {
				return 0, bad("option '--%s' requires an argument", l.name)
			}
			return 0, bad("option '-%c'/'--%s' requires an argument", l.short, l.name)
		}
		return 1, o.set(l.short, "--"+l.name, rest[0])
	}
	return 0, o.set(l.short, "--"+l.name, value)
}

// parseShort reads a cluster of one-letter options.
func (o *options) parseShort(cluster string, rest []string) (int, error) {
	for i := 0; i < len(cluster); i++ {
		c := cluster[i]
		at := strings.IndexByte(short, c)
		switch {
		case at < 0 || c == ':':
			return 0, bad("unsupported option '-%c'. See --help.", c)
		case at+1 == len(short) || short[at+1] != ':':
			if err := o.set(c, "-"+string(c), ""); err != nil {
				return 0, err
			}
			continue
		case i+1 < len(cluster):
			return 0, o.set(c, "-"+string(c), cluster[i+1:])
		case len(rest) == 0:
			for _, l := range long {
				if l.short == c {
					return 0, bad("option '-%c'/'--%s' requires an argument", c, l.name)
				}
			}
		}
		return 1, o.set(c, "-"+string(c), rest[0])
	}
	return 0, nil
}

// set takes one option; name is how the user wrote it.
func (o *options) set(c byte, name, value string) error {
	switch c {
	case 'c':
		o.uri, o.connect = value, true
		o.uris = append(o.uris, value)
	case 'd':
		n, err := strconv.Atoi(value)
		if err != nil {
			return bad("option %s takes a numeric argument", name)
		}
		if n < 0 || n > 4 {
			o.warnings = append(o.warnings, fmt.Sprintf("ignoring debug level %d out of range [0-4]", n))
			break
		}
		o.debug, o.debugSet = n, true
	case 'e':
		if !(len(value) == 1 || len(value) == 2 && value[0] == '^') || value == "^" {
			return bad("Invalid string '%s' for escape sequence", value)
		}
		o.escape = value
	case 'h':
		o.help = true
		return errStop
	case 'k', 'K':
		n, err := strconv.Atoi(value)
		if err != nil {
			return bad("Invalid value for option %s", name)
		}
		if n < 0 {
			return bad("option %s requires a positive integer argument", name)
		}
		if c == 'k' {
			o.keepaliveOff, o.keepaliveInterval = n == 0, n
		} else {
			o.keepaliveCount = n
		}
		o.keepalive = true
	case 'l':
		o.log = value
	case 'o':
		o.output = value
	case 'P': // nobody is asked through polkit anyway
	case 'T':
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || !(n > 0 && n < math.MaxInt32) {
			return bad("option %s takes a number of seconds", name)
		}
		o.timeout = time.Duration(n * float64(time.Second))
	case 'q':
		o.quiet = true
	case 'r':
		o.readOnly = true
	case 't':
		o.timing = true
	case 'v':
		o.version = "short"
		if value == "long" {
			o.version = "long"
		}
		return errStop
	case 'V':
		o.version = "long"
		return errStop
	}
	return nil
}
