package argv

import (
	"path"
	"slices"
	"strings"

	"virgo/drivers/native/shell"
	"virgo/xml"
)

// maxNested is how deep scripts may stand in scripts: bash -c "bash -c ...".
const maxNested = 4

// candidate is a command that may run QEMU, and where its program stands.
type candidate struct {
	shell.Command
	at  int
	dir string // where it is run
}

// search goes through the commands of a script.
type search struct {
	r        *reader
	dir      string
	exported []shell.Variable
	found    []candidate // in the place of a program
	doubtful []candidate // behind words that are not known
	depth    int
}

// choose finds the command that runs QEMU, and goes along with cd.
func (r *reader) choose(s *shell.Script) (*shell.Command, error) {
	f := search{r: r, dir: r.o.Dir}
	if err := f.commands(s, 0); err != nil {
		return nil, err
	}
	if len(f.found)+len(f.doubtful) == 0 { // a script that writes another one
		f.depth++
		for _, d := range s.Documents {
			if err := f.nested(d.Text, d.Line, s); err != nil && len(s.Documents) == 1 {
				return nil, err
			}
		}
	}
	list := append(f.found, f.doubtful...)
	if len(list) == 0 {
		return nil, xml.Errorf(xml.CodeConfSyntax, "there is no command that runs QEMU (qemu-system-..., qemu-kvm or kvm)")
	}
	for _, other := range f.found[min(1, len(f.found)):] {
		r.note("only the first command is read; there is another one in line %d", other.Line)
	}
	c := list[0]
	own := c.Command
	r.dir = c.dir
	r.program, own.Words, own.Lines = c.Words[c.at], c.Words[c.at+1:], c.Lines[c.at+1:]
	r.environment(&own, c.Words[:c.at])
	return &own, nil
}

// commands looks at the commands of one script. Lines are counted from before.
func (f *search) commands(s *shell.Script, before int) error {
	for i := range s.Commands {
		c := s.Commands[i]
		c.Line += before
		c.Lines = slices.Clone(c.Lines)
		for n := range c.Lines {
			c.Lines[n] += before
		}
		if len(c.Words) > 1 && c.Words[0] == "cd" && len(f.found) == 0 {
			f.dir = join(f.dir, c.Words[1])
		}
		if c.Words[0] == "export" && len(f.found) == 0 {
			f.exported = append(f.exported, c.Env...)
		}
		c.Env = append(slices.Clone(f.exported), c.Env...)
		if text, ok := script(c.Words); ok && f.depth < maxNested {
			f.depth++
			err := f.nested(text, c.Line, s)
			if f.depth--; err != nil {
				return err
			}
			continue
		}
		at := slices.IndexFunc(c.Words, isQEMU)
		switch {
		case at < 0:
		case runs(c.Words[:at]):
			f.found = append(f.found, candidate{c, at, f.dir})
		case !slices.ContainsFunc(c.Words[:at], func(w string) bool { return slices.Contains(mentions, path.Base(w)) }) && !assigns(c.Words[:at]):
			f.doubtful = append(f.doubtful, candidate{c, at, f.dir})
		}
	}
	return nil
}

// nested reads a script that stands in another one, whose variables it has.
func (f *search) nested(text string, line int, outer *shell.Script) error {
	env := func(name string) (string, bool) {
		if value, ok := outer.Variable(name); ok {
			return value, true
		}
		if f.r.o.Env == nil {
			return "", false
		}
		return f.r.o.Env(name)
	}
	inner, err := shell.Parse(commandText(xml.Source{Name: f.r.file, Data: []byte(text)}), env)
	if err != nil {
		return err
	}
	outer.Unknown = append(outer.Unknown, inner.Unknown...)
	return f.commands(inner, line-1)
}

// script is the text that a command gives to a shell.
func script(words []string) (string, bool) {
	for i, w := range words {
		switch path.Base(w) {
		case "bash", "sh", "dash", "zsh", "ash", "ksh", "su":
			for n := i + 1; n+1 < len(words); n++ {
				if w := words[n]; strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.HasSuffix(w, "c") {
					return words[n+1], true
				}
			}
			return "", false
		case "eval":
			return strings.Join(words[i+1:], " "), i == 0 && len(words) > 1 && strings.ContainsAny(strings.Join(words[1:], ""), " \"'")
		}
		if !slices.Contains(wrappers, path.Base(w)) {
			return "", false
		}
	}
	return "", false
}

// isQEMU tells a word that runs QEMU.
func isQEMU(w string) bool {
	base := programName(w)
	if base == "qemu-kvm" || base == "kvm" {
		return !strings.HasPrefix(w, "/dev/")
	}
	arch, ok := strings.CutPrefix(base, "qemu-system-")
	return ok && arch != "" && arch != "x86" && arch != "common" && arch != "gui" && arch != "misc" && arch != "data" &&
		strings.Trim(arch, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// programName is a program's name without its folder, nor the ending that it
// has on Windows.
func programName(w string) string {
	return strings.TrimSuffix(path.Base(strings.ReplaceAll(w, `\`, "/")), ".exe")
}

// wrappers run the command that stands behind them, or are words of the shell
// behind which a command begins.
var wrappers = []string{"!", "$", "%", "&", "(", ">", "builtin", "cgexec", "choom", "chroot", "chrt", "command", "do", "doas", "elif", "else", "env", "eval", "exec", "firejail",
	"gdb", "if", "ionice", "nice", "nohup", "numactl", "prime-run", "prlimit", "setarch", "setpriv", "setsid", "softlimit", "start", "stdbuf", "strace", "sudo", "systemd-inhibit",
	"systemd-run", "taskset", "then", "time", "timeout", "unbuffer", "unshare", "until", "valgrind", "while", "xvfb-run", "{", "}"}

// mentions are commands that only name programs.
var mentions = []string{":", "[", "[[", "alias", "apk", "apt", "apt-get", "aptitude", "basename", "brew", "cat", "chmod", "chown", "complete", "cp", "dirname", "dnf", "dpkg", "echo",
	"emerge", "file", "find", "for", "grep", "hash", "install", "kill", "killall", "ldd", "ln", "ls", "man", "mv", "pacman", "pgrep", "pidof", "pip", "pkg", "pkill", "port", "printf",
	"ps", "realpath", "rm", "rpm", "set", "setcap", "source", "stat", "test", "touch", "trap", "type", "update-alternatives", "whereis", "which", "xbps-install", "yum", "zypper"}

// runs tells whether the words before a program let it be run.
func runs(before []string) bool {
	for i, w := range before {
		base := path.Base(w)
		name, _, assigned := strings.Cut(w, "=")
		switch {
		case base == "command" && i+1 < len(before) && (before[i+1] == "-v" || before[i+1] == "-V"):
			return false
		case slices.Contains(wrappers, base), strings.HasSuffix(w, "()"), strings.HasPrefix(w, "-"), assigned && !strings.ContainsAny(name, "/ "):
		case i > 0 && !slices.Contains(mentions, base) && slices.ContainsFunc(before[:i], func(o string) bool { return takesWords(path.Base(o)) }):
		default:
			return false
		}
	}
	return true
}

// takesWords tells the wrappers that have arguments of their own.
func takesWords(wrapper string) bool {
	switch wrapper {
	case "cgexec", "choom", "chroot", "chrt", "doas", "env", "firejail", "gdb", "ionice", "nice", "numactl", "prlimit", "setarch", "setpriv", "softlimit", "stdbuf", "strace", "sudo",
		"systemd-inhibit", "systemd-run", "taskset", "time", "timeout", "unshare", "valgrind", "xvfb-run":
		return true
	}
	return false
}

// assigns tells an assignment as Makefiles and other languages write it.
func assigns(before []string) bool {
	return slices.ContainsFunc(before, func(w string) bool { return w == "=" || w == ":=" || w == "?=" || w == "+=" || w == "==" || w == "!=" })
}

// join makes a path absolute, as seen from a folder.
func join(dir, p string) string {
	if p == "" || path.IsAbs(p) || strings.HasPrefix(p, "$") || dir == "" {
		return p
	}
	if len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/') { // a path of Windows
		return p
	}
	return path.Join(dir, p)
}

// environment keeps the variables that are set for QEMU, also behind env.
func (r *reader) environment(c *shell.Command, before []string) {
	vars := slices.Clone(c.Env)
	var left []string
	for _, w := range before {
		name, value, ok := strings.Cut(w, "=")
		switch {
		case ok && !strings.HasPrefix(w, "-") && !strings.Contains(name, "/"):
			vars = append(vars, shell.Variable{Name: name, Value: value})
		case strings.HasSuffix(w, "()"), slices.Contains([]string{"!", "$", "%", "&", "(", ">", "builtin", "command", "do", "elif", "else", "env", "eval", "exec", "if", "nohup", "start", "sudo",
			"then", "time", "until", "while", "{", "}"}, w) && len(left) == 0:
		case w == "-i" && slices.Contains(before, "env"), w == "-E" && slices.Contains(before, "sudo"):
		default:
			left = append(left, w)
		}
	}
	if len(left) > 0 {
		r.note("'%s' before the program is left out", strings.Join(left, " "))
	}
	for _, v := range vars {
		if slices.Contains([]string{"LC_ALL", "PATH", "HOME", "USER", "LOGNAME"}, v.Name) {
			continue // set for every guest
		}
		value := v.Value
		c := r.commandline()
		c.Env = append(c.Env, xml.QEMUEnv{Name: v.Name, Value: &value})
	}
}
