package shell

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"virgo/commands"
	"virgo/drivers"
	"virgo/drivers/open"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		args string
		want string // the rest, or the error
	}{
		{"-c test:///default list", "list"},
		{"-ctest:///default list --all", "list --all"},
		{"--conn test:///default uri", "uri"},
		{"-qrt domid x", "domid x"},
		{"-- --help", "--help"},
		{"--connect", "error: option '-c'/'--connect' requires an argument"},
		{"-Z", "error: unsupported option '-Z'. See --help."},
		{"--ke 5", "error: unsupported option '--ke'. See --help."},
		{"--quiet=1", "error: unsupported option '-q'. See --help."},
		{"-k abc", "error: Invalid value for option -k"},
		{"-k -1", "error: option -k requires a positive integer argument"},
		{"-e ab", "error: Invalid string 'ab' for escape sequence"},
		{"-d x", "error: option -d takes a numeric argument"},
		{"--output json list", "list"},
	} {
		var o options
		err := o.parse(strings.Fields(c.args))
		got := strings.Join(o.rest, " ")
		if err != nil && !errors.Is(err, errStop) {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.args, got, c.want)
		}
	}
}

// run runs virgo on the test driver.
func run1(in string, args ...string) (string, string, int) {
	var out, errs bytes.Buffer
	status := Main(context.Background(), Process{
		Args: append([]string{"virgo"}, args...), In: strings.NewReader(in), Out: &out, Err: &errs,
		Getenv: func(name string) string {
			if name == "VIRSH_DEFAULT_CONNECT_URI" {
				return "test:///default"
			}
			return ""
		}, Open: open.Open,
	})
	return out.String(), errs.String(), status
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"domid test"}, 0}, {[]string{"domid", "test"}, 0}, {[]string{"domid nosuch"}, 1}, {[]string{"domid nosuch; domid test"}, 0},
		{[]string{"domid nosuch; quit"}, 0}, {[]string{""}, 1}, {[]string{" "}, 0}, {[]string{"# x"}, 0}, {[]string{"-v"}, 0},
		{[]string{"--bogus"}, 1}, {[]string{"bogus"}, 1}, {[]string{"echo \"open"}, 1},
	} {
		if _, _, got := run1("", c.args...); got != c.want {
			t.Errorf("%q: status %d, want %d", c.args, got, c.want)
		}
	}
}

// Whatever comes through a pipe, virgo says what it is and goes on.
func TestGarbage(t *testing.T) {
	long := "echo " + strings.Repeat("x", 10<<20)
	out, _, status := run1("\x00\xff\xfe\x01\x7f\n"+long+"\necho 'done\n", "-q")
	if status != 0 || !strings.HasSuffix(out, "donevirsh # \n") {
		t.Errorf("status %d, the end is %q", status, out[max(0, len(out)-60):])
	}
}

func TestKeyboard(t *testing.T) {
	k := &keyboard{in: strings.NewReader("ab\x1b[200~one\ntwo\x1b[201~c\rrest")}
	var got strings.Builder
	buf := make([]byte, 64)
	for {
		n, err := k.Read(buf)
		got.Write(buf[:n])
		got.WriteByte('|')
		if err != nil {
			break
		}
	}
	mark := string(pasteMark)
	if want := "ab" + mark + "\r|" + mark + "c\r|rest||"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
	if a, b := k.paste(), k.paste(); a != "one" || b != "two" {
		t.Errorf("pasted %q, %q", a, b)
	}
}

// What was pasted is there at once, although the next key is waited for already.
func TestPasteAtOnce(t *testing.T) {
	in, keys := io.Pipe()
	defer keys.Close()
	k := &keyboard{in: in}
	go keys.Write([]byte("\x1b[200~text\x1b[201~"))
	buf := make([]byte, 64)
	if n, err := k.Read(buf); err != nil || string(buf[:n]) != string(pasteMark) {
		t.Fatalf("%q %v", buf[:n], err)
	}
	go k.Read(make([]byte, 64))
	time.Sleep(20 * time.Millisecond)
	got := make(chan string, 1)
	go func() { got <- k.paste() }()
	select {
	case text := <-got:
		if text != "text" {
			t.Errorf("got %q", text)
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits for the next key")
	}
}

func TestEditorKeys(t *testing.T) {
	for sent, want := range map[string]string{
		"plain": "plain", "a\x1b[1~b\x1b[4~c": "a\x01b\x05c", "\x1b[1;5D\x1b[1;3Cx": "\x1bb\x1bfx",
		"\x1b[D\x1b[3~\x1bOH": "\x1b[D\x1b[3~\x1bOH", "\x1b[3;5~": "\x1bd",
	} {
		k := editorKeys{&keyboard{in: strings.NewReader(sent)}}
		buf := make([]byte, 64)
		n, err := k.Read(buf)
		if got := string(buf[:n]); got != want || err != nil {
			t.Errorf("%q: got %q, want %q, %v", sent, got, want, err)
		}
	}
}

func FuzzOptions(f *testing.F) {
	f.Add("-c x -qr --conn=y list")
	f.Fuzz(func(t *testing.T, text string) {
		var o options
		_ = o.parse(strings.Split(text, " "))
	})
}

// A group of one host is that host; several are a fleet, of which the last is
// the connection.
func TestGroups(t *testing.T) {
	config, err := drivers.ParseConfig("virgo.conf", `host_groups = [ "solo=test:///default", "two=test:///a,test:///b" ]`)
	if err != nil {
		t.Fatal(err)
	}
	names := drivers.NewNames(config)
	fleet := func(_ func(string) string, words []string) (drivers.Fleet, error) { return names.Fleet(words) }
	for _, c := range []struct {
		name, program string
		words         []string
		uri           string
		hosts         int
	}{
		{"a group of one", "virgo", []string{"solo"}, "test:///default", 0},
		{"a group of two", "virgo", []string{"two"}, "test:///b", 2},
		{"no group", "virgo", []string{"other"}, "other", 0},
		{"under virsh's name", "virsh", []string{"two"}, "two", 0},
	} {
		s := &commands.Session{Name: c.program, URI: c.words[0], Getenv: func(string) string { return "" }}
		if err := hosts(s, &options{uri: c.words[0], uris: c.words}, fleet); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if s.URI != c.uri || len(s.Fleet.Hosts) != c.hosts {
			t.Errorf("%s: got %q and %d hosts, want %q and %d", c.name, s.URI, len(s.Fleet.Hosts), c.uri, c.hosts)
		}
	}
}
