package commands

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"

	"virgo/drivers"
	"virgo/xml"
)

// Call is one run of a command: its options, its connection, its results.
type Call struct {
	*Session
	Command *Command
	args    []argument

	documents map[string][]byte // capabilities of running hosts, by the names that they go by
}

// Has tells whether an option was given.
func (c *Call) Has(name string) bool {
	for _, a := range c.args {
		if a.option.Name == name {
			return true
		}
	}
	return false
}

// Str is an option's word, or "" if it was not given.
func (c *Call) Str(name string) string {
	for _, a := range c.args {
		if a.option.Name == name {
			return a.text
		}
	}
	return ""
}

// Words are all words of an Argv option.
func (c *Call) Words(name string) []string {
	var out []string
	for _, a := range c.args {
		if a.option.Name == name {
			out = append(out, a.text)
		}
	}
	return out
}

// Int is an option's number, and whether it was given. It has to fit min and
// max, which are the limits of the type that the peer reads it into.
func (c *Call) Int(name string, min, max int64) (int64, bool, error) {
	if !c.Has(name) {
		return 0, false, nil
	}
	text := c.Str(name)
	v, err := strconv.ParseInt(strings.TrimLeft(text, " \t\n"), 10, 64)
	if err != nil || v < min || v > max {
		return 0, true, shellError("Numeric value '%s' for <%s> option is malformed or out of range", text, name)
	}
	return v, true, nil
}

// Int32 is a number of C's type int.
func (c *Call) Int32(name string) (int, bool, error) {
	v, ok, err := c.Int(name, math.MinInt32, math.MaxInt32)
	return int(v), ok, err
}

// Uint32 is a number of C's type unsigned int.
func (c *Call) Uint32(name string) (uint32, bool, error) {
	v, ok, err := c.Int(name, 0, math.MaxUint32)
	return uint32(v), ok, err
}

// Uint64 is a number of C's type unsigned long long.
func (c *Call) Uint64(name string) (uint64, bool, error) {
	if !c.Has(name) {
		return 0, false, nil
	}
	text := c.Str(name)
	v, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(text, " \t\n"), "+"), 10, 64)
	if err != nil {
		return 0, true, shellError("Numeric value '%s' for <%s> option is malformed or out of range", text, name)
	}
	return v, true, nil
}

// Scaled is a size with a unit, in bytes; without a unit it counts in scale.
func (c *Call) Scaled(name string, scale, max uint64) (uint64, bool, error) {
	if !c.Has(name) {
		return 0, false, nil
	}
	text := c.Str(name)
	bad := func(err error) error {
		return &Failure{Text: "Scaled numeric value '" + text + "' for <" + name + "> option is malformed or out of range", Err: err}
	}
	s := strings.TrimPrefix(strings.TrimLeft(text, " \t\n"), "+")
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	v, err := strconv.ParseUint(s[:end], 10, 64)
	if err != nil {
		return 0, true, bad(nil)
	}
	bytes, err := xml.Scale(v, strings.TrimLeft(s[end:], " "), scale)
	if xml.CodeOf(err) == xml.CodeOverflow {
		err = xml.Errorf(xml.CodeOverflow, "value too large: %s", text)
	}
	if err != nil {
		return 0, true, bad(err)
	}
	if bytes > max {
		return 0, true, bad(xml.Errorf(xml.CodeOverflow, "value too large: %s", text))
	}
	return bytes, true, nil
}

// Lists tells whether an option's row lists a word. What it does not list is not
// refused by itself: virsh has words of its own for each.
func (c *Call) Lists(option, word string) bool { return c.Command.Option(option).knows(word) }

// Exclusive refuses two options together; the first two that are given are named.
func (c *Call) Exclusive(names ...string) error {
	for i, a := range names {
		for _, b := range names[i+1:] {
			if c.Has(a) && c.Has(b) {
				return shellError("Options --%s and --%s are mutually exclusive", a, b)
			}
		}
	}
	return nil
}

// Requires refuses an option without another.
func (c *Call) Requires(option, needed string) error {
	if c.Has(option) && !c.Has(needed) {
		return shellError("Option --%s is required by option --%s", needed, option)
	}
	return nil
}

// Flags gathers drivers' flags from options; pairs are names and flags.
func (c *Call) Flags(pairs ...any) drivers.Flags {
	var f drivers.Flags
	for i := 0; i+1 < len(pairs); i += 2 {
		if c.Has(pairs[i].(string)) {
			f |= pairs[i+1].(drivers.Flags)
		}
	}
	return f
}

// Conn is the connection.
func (c *Call) Conn(ctx context.Context) (drivers.Conn, error) {
	if err := c.Connect(ctx); err != nil {
		return nil, err
	}
	return c.conn, nil
}

// File reads the document that an option names.
func (c *Call) File(option string) (xml.Source, error) { return readSource(c.Str(option)) }

func readSource(name string) (xml.Source, error) {
	f, err := drivers.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return xml.Source{}, shellError("Failed to open file '%s': %s", name, systemText(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return xml.Source{}, shellError("Failed to read file '%s': %s", name, systemText(err))
	}
	if len(data) > maxDocument {
		return xml.Source{}, shellError("Failed to read file '%s': Value too large for defined data type", name)
	}
	return xml.Source{Name: name, Data: data}, nil
}

// maxDocument is virsh's limit on a document's size.
const maxDocument = 10 << 20

// systemText is an error of the system in its own words alone, capitalised as
// libc does it.
func systemText(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// query finds an ability that only reads.
func query[T any](v any, api string) (T, error) { return drivers.As[T](v, api) }

// change finds an ability that changes something: refused on a read-only
// connection.
func change[T any](c *Call, v any, api string) (T, error) {
	if c.ReadOnly {
		var none T
		return none, xml.Errorf(xml.CodeForbidden, "read only access prevents %s", api)
	}
	return drivers.As[T](v, api)
}
