package tests

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"virgo/commands"
	"virgo/drivers/open"
	"virgo/shell"
	"virgo/xml"
)

// example shows what a command prints, as text and as JSON.
type example struct {
	setup  string   // commands before it
	line   string   // the command; $W is a folder with files
	reads  bool     // a list, values or numbers: the two forms are compared
	moving bool     // its numbers grow from run to run
	uri    string   // "" is test:///default
	extra  []string // keys whose values JSON alone has
}

// mark is printed between an example's setup and its command.
const mark = "8<8<8<"

// runForm runs an example in one of the two forms and gives what the command itself printed.
func runForm(t *testing.T, dir, format string, e example) string {
	t.Helper()
	args := []string{"virgo", "--output", format}
	if e.uri != none {
		args = append(args, "-c", cmp.Or(e.uri, "test:///default"))
	}
	expand := strings.NewReplacer("$W", dir, "$FORM", format).Replace
	script := expand(e.line)
	if e.setup != "" {
		script = expand(e.setup) + "; echo " + mark + "; " + script
	}
	for i := range args {
		args[i] = expand(args[i])
	}
	args = append(args, script)
	var out, errs bytes.Buffer
	shell.Main(context.Background(), shell.Process{
		Args: args, In: strings.NewReader(""), Out: &out, Err: &errs,
		Getenv: func(name string) string { return map[string]string{"HOME": dir, "EDITOR": "true"}[name] }, Open: open.Open, Fleet: open.Fleet,
	})
	if errs.Len() > 0 {
		t.Fatalf("%s: %s", script, errs.String())
	}
	text := out.String()
	if i := strings.LastIndex(text, mark); i >= 0 {
		text = text[i+len(mark):]
		text = text[strings.IndexByte(text, '\n')+1:]
	}
	return text
}

// TestJSON is the guardian of --output json: every command has an example here
// or is named with the reason why it has none; the lists, values and numbers
// that it prints as text are those that it gives as JSON; the page of shapes is
// made of the examples.
func TestJSON(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the page is made where all drivers are: on Linux")
	}
	dir := exampleFiles(t)
	var b strings.Builder
	b.WriteString(jsonIntroduction)
	covered := map[string]bool{}
	for _, e := range examples {
		name := strings.Fields(e.line)[0]
		covered[name] = true
		t.Run(e.line, func(t *testing.T) {
			line := strings.TrimSpace(runForm(t, dir, "json", e))
			last := line[strings.LastIndexByte(line, '\n')+1:]
			var v any
			if line != "" {
				d := json.NewDecoder(strings.NewReader(last))
				d.UseNumber()
				if err := d.Decode(&v); err != nil {
					t.Fatalf("%v in %s", err, line)
				}
				fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(e.line, "$W/", ""), shapeOf(json.NewDecoder(strings.NewReader(last))))
			}
			if e.reads {
				compareForms(t, e, runForm(t, dir, "text", e), v)
			}
		})
	}
	for _, g := range commands.NewTable() {
		for i := range g.Commands() {
			c := &g.Commands()[i]
			_, named := without[c.Name]
			switch {
			case c.Hidden || c.Alias != "":
			case covered[c.Name] && named:
				t.Errorf("%s has an example, and a reason to have none", c.Name)
			case !covered[c.Name] && !named && !strings.Contains(" "+lacking+" ", " "+c.Name+" "):
				t.Errorf("%s has no example in tests/json_examples_test.go, and no reason for it", c.Name)
			}
		}
	}
	if !t.Failed() {
		page(t, "json.md", b.String())
	}
}

// compareForms checks that every value of the JSON is in the text, and every
// number of the text in the JSON.
func compareForms(t *testing.T, e example, text string, v any) {
	t.Helper()
	var values []leaf
	leaves("", v, &values)
	if len(values) == 0 {
		t.Errorf("there is nothing to compare in %v", v)
	}
	numbers := numbersOf(text)
	flat := strings.Join(strings.Fields(text), " ")
	for _, l := range values {
		if !slices.Contains(e.extra, l.key) && !l.shown(flat, numbers, e.moving) {
			t.Errorf("%s is %v in JSON, and not in the text:\n%s", l.key, l.value, text)
		}
	}
	for _, n := range numbers {
		found := false
		for _, l := range values {
			found = found || l.gives(n, e.moving)
		}
		if !found {
			t.Errorf("the text has %v, and the JSON has not: %v\n%s", n, values, text)
		}
	}
}

// leaf is a value without parts, with its key.
type leaf struct {
	key   string
	value any
}

func leaves(key string, v any, out *[]leaf) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			leaves(k, e, out)
		}
	case []any:
		for _, e := range v {
			leaves(key, e, out)
		}
	case nil:
	default:
		*out = append(*out, leaf{key, v})
	}
}

// scales are what text may show a number in, by the unit that its key names.
var scales = []struct {
	unit string
	by   []float64
}{
	{"_kib", []float64{1, 1 << 10, 1 << 20, 1 << 30}}, {"_bytes", []float64{1, 1 << 10, 1 << 20, 1 << 30, 1 << 40}},
	{"_ns", []float64{1, 1e3, 1e6, 1e9}}, {"_ms", []float64{1, 1e3}}, {"_percent", []float64{1}},
}

// forms are the numbers that stand for a leaf in text.
func (l leaf) forms() []float64 {
	n, ok := l.value.(json.Number)
	if !ok {
		return nil
	}
	f, _ := n.Float64()
	for _, s := range scales {
		if strings.HasSuffix(l.key, s.unit) {
			var out []float64
			for _, by := range s.by {
				out = append(out, f/by)
			}
			return out
		}
	}
	return []float64{f}
}

// words stand for truth in virsh's text.
var words = map[bool][]string{
	true:  {"yes", "enable", "enabled", "on", "active", "true", "Marked", "y", "running", "persistent", "supported"},
	false: {"no", "disable", "disabled", "off", "inactive", "false", "n", "-", "unsupported"},
}

func (l leaf) shown(text string, numbers []float64, moving bool) bool {
	switch v := l.value.(type) {
	case bool:
		for _, w := range words[v] {
			if strings.Contains(" "+text+" ", " "+w+" ") {
				return true
			}
		}
		return false
	case string:
		if set, err := xml.ParseSet(v); err == nil && set.Last() >= 0 && drawn.MatchString(text) { // processors are drawn as yy-y
			return drawn.FindStringSubmatch(text)[1][set.Last()] == 'y'
		}
		if when, err := time.Parse(time.RFC3339, v); err == nil {
			v = when.UTC().Format(time.DateTime)
		}
		return strings.Contains(strings.ToLower(text), strings.ToLower(strings.Join(strings.Fields(v), " ")))
	}
	if l.value == json.Number("9007199254740991") && strings.Contains(text, "unlimited") {
		return true
	}
	for _, f := range l.forms() {
		for _, n := range numbers {
			if near(f, n, moving) {
				return true
			}
		}
	}
	return strings.Contains(text, "CPU"+fmt.Sprint(l.value)+":")
}

// drawn is a set of processors as text draws it.
var drawn = regexp.MustCompile(`(?:CPU map|Affinity): +([y-]+)`)

// gives tells whether a leaf is a number of the text, or has it in a string.
func (l leaf) gives(n float64, moving bool) bool {
	if s, ok := l.value.(string); ok {
		if _, err := time.Parse(time.RFC3339, s); err == nil {
			s = strings.ReplaceAll(s, "T", " ") + " 0" // the zone is UTC
		}
		for _, m := range numbersOf(s) {
			if m == n {
				return true
			}
		}
		return false
	}
	for _, f := range l.forms() {
		if near(f, n, moving) {
			return true
		}
	}
	return false
}

// near: text rounds to two or more digits.
func near(a, b float64, moving bool) bool {
	tolerance := 0.0051
	if moving {
		tolerance += 0.01 * math.Abs(a)
	}
	return math.Abs(a-b) <= tolerance || strconv.FormatFloat(a, 'f', 1, 64) == strconv.FormatFloat(b, 'f', 1, 64) && a != math.Trunc(a)
}

var numberText = regexp.MustCompile(`(^|[^\w.])(\d+(\.\d+)?)`)

func numbersOf(text string) []float64 {
	var out []float64
	for _, m := range numberText.FindAllStringSubmatch(text, -1) {
		f, _ := strconv.ParseFloat(m[2], 64)
		out = append(out, f)
	}
	return out
}

// exampleFiles makes the folder of the examples' files.
func exampleFiles(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range exampleDocuments {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const jsonIntroduction = "# JSON\n\n`--output json`, before or behind the command's name, prints one line of JSON for each result: an array of objects for a\n" +
	"list, an object for everything else. Keys are stable; numbers are numbers, and a key's unit is in its name (`_kib`, `_ns`).\n" +
	"Events are one line each, as they come. An error is a line on standard error: `error` is the shell's text, `detail` the\n" +
	"driver's, `code` libvirt's number of its class, and `file`, `line`, `column` say where in a document.\n\n" +
	"On QEMU, `start --dry-run` gives {argv: [string, ...], env: {NAME: string, ...}, files: [{path: string, kind: folder, key or copy, from: string or null}, ...],\n" +
	"inherited: [string, ...], user: string or null}; with `--format shell`, {script: string}.\n\n" +
	"This list is made by running the commands (`make update`); do not edit.\n\n| command | JSON |\n| --- | --- |\n"
