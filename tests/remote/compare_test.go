package remote

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// section is a part of testdata/*.lines: command lines for one connection.
//
//	== URI          each line in a process of its own
//	== life URI     all lines in one process
//	== shell        lines for the shell, before what follows
//
// Of a line that begins with ~ numbers are not compared, of one with ! errors
// are not, of one with ? only the status is.
type section struct {
	name, uri string
	mode      string
	lines     []string
}

func readSections(t *testing.T, name string) []section {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []section
	for n, line := range strings.Split(string(data), "\n") {
		if head, ok := strings.CutPrefix(line, "== "); ok {
			s := section{name: fmt.Sprintf("%s:%d", filepath.Base(name), n+1), mode: "each", uri: head}
			if head == "shell" {
				s.mode = "shell"
			} else if uri, ok := strings.CutPrefix(head, "life "); ok {
				s.mode, s.uri = "life", uri
			}
			out = append(out, s)
			continue
		}
		if line != "" && !strings.HasPrefix(line, "#") && len(out) > 0 {
			s := &out[len(out)-1]
			s.lines = append(s.lines, line)
		}
	}
	return out
}

// TestSideBySide starts a libvirtd and runs TestInside beside it.
func TestSideBySide(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	dir := t.TempDir()
	virgo := filepath.Join(dir, "virsh") // the name under which it tells virsh's version
	if out, err := exec.Command("go", "build", "-o", virgo, "../..").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	writePKI(t, filepath.Join(dir, "pki"))
	cmd := exec.Command("./daemon", self, "-test.run", "^TestInside$", "-test.v")
	cmd.Env = append(os.Environ(), "VIRGO_TEST_BIN="+virgo, "VIRGO_TEST_DIR="+dir, "LC_ALL=C.UTF-8", "TZ=UTC", "VIRGO_TEST_SECOND=1", "VIRGO_TEST_PKI="+filepath.Join(dir, "pki"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == 77 {
		t.Skip(strings.TrimSpace(string(out)))
	}
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// TestInside compares the lines of testdata.
func TestInside(t *testing.T) {
	virgo := os.Getenv("VIRGO_TEST_BIN")
	if virgo == "" {
		t.Skip("part of TestSideBySide")
	}
	peer, err := exec.LookPath("virsh")
	if err != nil {
		t.Skip("no virsh here")
	}
	files, _ := filepath.Glob("testdata/*.lines")
	data, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("VIRGO_TEST_DIR")
	count := 0
	for _, f := range files {
		if only := os.Getenv("VIRGO_TEST_ONLY"); only != "" && !strings.Contains(f, only) {
			continue
		}
		// A file is a story: first one program goes through all of it, then the other.
		var list []section
		for _, s := range readSections(t, f) {
			list = append(list, replaceWords(s, data, dir))
		}
		want, got := tell(t, list, peer, dir), tell(t, list, virgo, dir)
		for i := range want {
			compare(t, want[i].name, want[i].mark, want[i].result, got[i].result)
			count += want[i].lines
		}
	}
	t.Logf("%d command lines compared", count)
}

// part is what one process has done.
type part struct {
	name, mark string
	lines      int
	result
}

// tell runs sections with one program.
func tell(t *testing.T, list []section, program, dir string) []part {
	var out []part
	for _, s := range list {
		switch s.mode {
		case "shell":
			for _, l := range s.lines {
				if text, err := exec.Command("sh", "-c", l).CombinedOutput(); err != nil {
					t.Fatalf("%s: %s: %v: %s", s.name, l, err, text)
				}
			}
		case "life":
			p := part{name: s.name, lines: len(s.lines)}
			script := ""
			for _, l := range s.lines {
				line, mark := cutMark(l)
				script, p.mark = script+line+"\n", p.mark+mark
			}
			p.result = run(program, dir, s.uri, script)
			out = append(out, p)
		default:
			for _, l := range s.lines {
				line, mark := cutMark(l)
				out = append(out, part{s.name + " " + line, mark, 1, run(program, dir, s.uri, line)})
			}
		}
	}
	return out
}

func replaceWords(s section, data, dir string) section {
	words := strings.NewReplacer("@DATA@", data, "@TMP@", dir)
	s.uri = words.Replace(s.uri)
	for i, l := range s.lines {
		s.lines[i] = words.Replace(l)
	}
	return s
}

func cutMark(line string) (rest, mark string) {
	for line != "" && strings.ContainsRune("~!?", rune(line[0])) {
		mark += line[:1]
		line = line[1:]
	}
	return line, mark
}

type result struct {
	out, err string
	status   int
}

// run runs a line, or several, in one process.
func run(program, dir, uri, script string) result {
	ctx, stop := context.WithTimeout(context.Background(), 120*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, program, "-c", uri, script)
	cmd.Dir = dir
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	cmd.Run()
	return result{out.String(), err.String(), cmd.ProcessState.ExitCode()}
}

var digits = regexp.MustCompile(`[0-9]+(\.[0-9]+)?|[0-9a-f]{8}-[0-9a-f-]{27}`)

// compare tells differences of two results.
func compare(t *testing.T, name, mark string, want, got result) {
	t.Helper()
	if strings.Contains(mark, "~") {
		for _, r := range []*result{&want, &got} {
			r.out, r.err = squeeze(r.out), squeeze(r.err)
		}
	}
	if strings.Contains(mark, "!") {
		want.err, got.err = "", ""
	}
	if strings.Contains(mark, "?") {
		want.out, got.out, want.err, got.err = "", "", "", ""
	}
	if want == got {
		return
	}
	t.Errorf("%s\n%s", name, difference(want, got))
}

// squeeze makes all numbers and widths the same.
func squeeze(s string) string {
	s = digits.ReplaceAllString(s, "N")
	s = regexp.MustCompile(`-{4,}`).ReplaceAllString(s, "----")
	return regexp.MustCompile(` {2,}`).ReplaceAllString(s, " ")
}

// difference shows the lines that are not the same.
func difference(want, got result) string {
	var b strings.Builder
	if want.status != got.status {
		fmt.Fprintf(&b, "  status: virsh %d, virgo %d\n", want.status, got.status)
	}
	for _, p := range [][3]string{{"stdout", want.out, got.out}, {"stderr", want.err, got.err}} {
		if p[1] == p[2] {
			continue
		}
		a, c := strings.Split(p[1], "\n"), strings.Split(p[2], "\n")
		fmt.Fprintf(&b, "  %s:\n", p[0])
		shown := 0
		for i := 0; i < max(len(a), len(c)) && shown < 12; i++ {
			x, y := "(no line)", "(no line)"
			if i < len(a) {
				x = a[i]
			}
			if i < len(c) {
				y = c[i]
			}
			if x != y {
				fmt.Fprintf(&b, "    virsh|%s\n    virgo|%s\n", x, y)
				shown++
			}
		}
	}
	return b.String()
}
