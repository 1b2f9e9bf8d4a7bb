package argv

import (
	"encoding/json"
	"path"
	"strings"

	"virgo/drivers/native/shell"
	"virgo/xml"
)

// commandText makes a script of the shell of the files in which command lines
// stand: pages in Markdown, units of systemd, Dockerfiles, Makefiles, batch
// files. Lines keep their numbers. Scripts stay as they are.
func commandText(src xml.Source) xml.Source {
	text := string(src.Data)
	name := strings.ToLower(path.Base(src.Name))
	convert := func(f func(string) string) xml.Source { return xml.Source{Name: src.Name, Data: []byte(f(text))} }
	switch {
	case strings.HasPrefix(text, "#!"):
	case hasLine(text, func(l string) bool { return l == "[Service]" }):
		return convert(unit)
	case strings.HasSuffix(name, ".bat"), strings.HasSuffix(name, ".cmd"):
		return convert(batch)
	case hasLine(text, fence):
		return convert(fenced)
	case hasLine(text, func(l string) bool { return strings.HasPrefix(l, "FROM ") }):
		return convert(dockerfile)
	case isMakefile(name, text):
		return convert(makefile)
	}
	return src
}

func hasLine(text string, is func(string) bool) bool {
	for line := range strings.Lines(text) {
		if is(strings.TrimRight(line, "\r\n")) {
			return true
		}
	}
	return false
}

// eachLine writes a text anew, line by line.
func eachLine(text string, change func(string) string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(change(strings.TrimRight(line, "\r\n")))
		b.WriteByte('\n')
	}
	return b.String()
}

// fence tells the lines that begin and end a block of code.
func fence(line string) bool {
	line = strings.TrimLeft(line, " \t>")
	return strings.HasPrefix(line, "```") || strings.HasPrefix(line, "~~~")
}

// fenced keeps the blocks of code of a page.
func fenced(text string) string {
	inside := false
	return eachLine(text, func(line string) string {
		if fence(line) {
			inside = !inside
			return ""
		}
		if !inside {
			return ""
		}
		return line
	})
}

// unit keeps what a unit of systemd runs, and the variables that it sets.
func unit(text string) string {
	goesOn := false
	return eachLine(text, func(line string) string {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case goesOn:
		case ok && key == "ExecStart":
			line = strings.TrimLeft(value, "-@:+!|")
		case ok && key == "Environment":
			line = "export " + value
			if strings.HasPrefix(value, `"`) { // "NAME=value" as a whole
				if name, v, ok := strings.Cut(strings.Trim(value, `"`), "="); ok {
					line = "export " + name + "=" + shell.Quote(v)
				}
			}
		case ok && key == "WorkingDirectory":
			line = "cd " + shell.Quote(strings.TrimLeft(value, "-"))
		default:
			return ""
		}
		goesOn = strings.HasSuffix(line, `\`)
		return strings.ReplaceAll(line, "%%", "%")
	})
}

// dockerfile keeps what an image runs, be it written as a list.
func dockerfile(text string) string {
	goesOn := false
	return eachLine(text, func(line string) string {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case goesOn:
		case word == "CMD" || word == "ENTRYPOINT" || word == "RUN":
			var list []string
			line = rest
			if json.Unmarshal([]byte(rest), &list) == nil {
				return shell.Join(list)
			}
		case word == "ENV":
			line = "export " + rest
		default:
			return ""
		}
		goesOn = strings.HasSuffix(line, `\`)
		return line
	})
}

// batch makes a shell's script of one for cmd.exe.
func batch(text string) string {
	return eachLine(text, func(line string) string {
		line = strings.TrimPrefix(strings.TrimSpace(line), "@")
		word, rest, _ := strings.Cut(line, " ")
		switch strings.ToLower(word) {
		case "rem", "::", "echo":
			return ""
		case "set":
			name, value, ok := strings.Cut(strings.Trim(rest, `"`), "=")
			if !ok {
				return ""
			}
			return name + "=" + shell.Quote(strings.Trim(value, `"`))
		}
		end := ""
		if strings.HasSuffix(line, "^") {
			line, end = strings.TrimSuffix(line, "^"), `\`
		}
		for parts := strings.SplitN(line, "%", 3); len(parts) == 3 && nameOnly(parts[1]); parts = strings.SplitN(line, "%", 3) {
			line = parts[0] + "${" + parts[1] + "}" + parts[2]
		}
		return strings.ReplaceAll(strings.ReplaceAll(line, `\`, `\\`), "'", `\'`) + end
	})
}

func nameOnly(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}
