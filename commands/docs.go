package commands

import (
	"fmt"
	"strings"
)

// Reference is the page of all commands, in Markdown.
func (t Table) Reference() string {
	var b strings.Builder
	b.WriteString("# Commands\n\nMade from the table of commands by `make update`; do not edit. Every command also takes\n" +
		"`--help` and `--output json`. Commands marked * are virgo's own; the others are virsh's.\n")
	for _, g := range t {
		var rows []*Command
		for i := range g.Commands() {
			if c := &g.Commands()[i]; !c.Hidden {
				rows = append(rows, c)
			}
		}
		if len(rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n", g.Title)
		for _, c := range rows {
			mark := ""
			if c.Own {
				mark = " *"
			}
			if c.Alias != "" {
				fmt.Fprintf(&b, "\n### %s%s\n\nAnother name of `%s`.\n", c.Name, mark, c.Alias)
				continue
			}
			text := c.Description
			if text == "" {
				text = sentence(c.Summary)
			}
			fmt.Fprintf(&b, "\n### %s%s\n\n    %s\n\n%s\n", c.Name, mark, c.Synopsis(), text)
			first := true
			for i := range c.Options {
				o := &c.Options[i]
				if o.Kind == Alias {
					continue
				}
				if first {
					b.WriteString("\n| option | |\n| --- | --- |\n")
					first = false
				}
				help := o.Help
				if o.Values != "" && len(o.Values) < 120 {
					help += " (" + strings.Join(strings.Fields(o.Values), ", ") + ")"
				}
				fmt.Fprintf(&b, "| `%s` | %s |\n", o.label(), help)
			}
		}
	}
	return b.String()
}

// Man is the manual page, in roff.
func (t Table) Man() string {
	var b strings.Builder
	b.WriteString(".\\\" Made from the table of commands by make update; do not edit.\n" +
		".TH VIRGO 1 \"\" \"virgo " + Version + "\" \"User Commands\"\n.SH NAME\nvirgo \\- virsh without a daemon\n.SH SYNOPSIS\n" +
		".B virgo\n[\\fIoptions\\fR]... [\\fIcommand_string\\fR]\n.br\n.B virgo\n[\\fIoptions\\fR]... \\fIcommand\\fR [\\fIargs\\fR]...\n" +
		".SH DESCRIPTION\nvirgo manages virtual machines with virsh's commands, options and output. The hypervisor drivers run in the\n" +
		"command itself: no service has to be installed or started. Without a command it opens a prompt; one word is a script, in\n" +
		"which commands are parted by semicolons or newlines.\n.SH OPTIONS\n")
	for _, o := range [][2]string{
		{"-c, --connect=URI", "the hypervisor to connect to"}, {"-d, --debug=NUM", "debug level, 0 to 4"},
		{"-e, --escape CHAR", "key that leaves a console"}, {"-h, --help", "list options and commands"},
		{"-k, --keepalive-interval=NUM", "seconds between keepalive messages, 0 for none"},
		{"-K, --keepalive-count=NUM", "keepalive messages that may stay unanswered"}, {"-l, --log=FILE", "write a log to a file"},
		{"-q, --quiet", "print no more than needed"}, {"-r, --readonly", "refuse all changes"},
		{"-t, --timing", "print how long each command took"}, {"-v, --version[=TYPE]", "print the version; TYPE is short or long"},
		{"-V", "print the long version"}, {"--output=FORMAT", "FORMAT is text or json; each command takes it, too"}} {
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(o[0]), roff(o[1]))
	}
	for _, g := range t {
		if !g.visible() {
			continue
		}
		fmt.Fprintf(&b, ".SH %s\n", strings.ToUpper(roff(g.Title)))
		for i := range g.Commands() {
			c := &g.Commands()[i]
			if c.Hidden || c.Alias != "" {
				continue
			}
			text := c.Description
			if text == "" {
				text = sentence(c.Summary)
			}
			fmt.Fprintf(&b, ".SS %s\n.nf\n%s\n.fi\n.PP\n%s\n", roff(c.Name), roff(wrap(c.Synopsis(), 76)), roff(text))
			for j := range c.Options {
				if o := &c.Options[j]; o.Kind != Alias {
					fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(o.label()), roff(o.Help))
				}
			}
		}
	}
	b.WriteString(".SH ENVIRONMENT\n")
	for _, e := range [][2]string{{"VIRGO_URI, VIRSH_DEFAULT_CONNECT_URI, LIBVIRT_DEFAULT_URI", "the URI that is meant when none is given"},
		{"VISUAL, EDITOR", "the editor of the edit commands"}, {"VIRSH_DEBUG, VIRSH_LOG_FILE", "as -d and -l"},
		{"VIRGO_CACHE_DIR", "where what is known of emulators is kept"}} {
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR\n%s\n", roff(e[0]), roff(e[1]))
	}
	b.WriteString(".SH EXIT STATUS\n0, or 1 if the last command failed.\n")
	return b.String()
}

// wrap breaks a line at blanks.
func wrap(s string, width int) string {
	var b strings.Builder
	at := 0
	for i, w := range strings.Fields(s) {
		switch {
		case i == 0:
		case at+1+len(w) > width:
			b.WriteString("\n    ")
			at = 4
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(w)
		at += len(w)
	}
	return b.String()
}

// roff escapes text for the manual page.
func roff(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\e`), "-", `\-`)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
