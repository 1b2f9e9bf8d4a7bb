package shell

import "strings"

// Document is the text of a here-document.
type Document struct {
	Text string // as the command reads it, but for variables
	Line int    // where it begins
	// Plain tells that variables in it are not put in.
	Plain bool
}

// redirection passes over >file, 2>&1, <file and their like. A here-document is
// kept for the end of the line.
func (p *parser) redirection() (bool, error) {
	i := p.pos
	for i < len(p.text) && p.text[i] >= '0' && p.text[i] <= '9' {
		i++
	}
	if i < len(p.text)-1 && i == p.pos && p.text[i] == '&' && p.text[i+1] == '>' { // both outputs
		i++
	}
	if i >= len(p.text) || p.text[i] != '>' && p.text[i] != '<' {
		return false, nil
	}
	operator := i
	for i < len(p.text) && strings.IndexByte("<>&|-", p.text[i]) >= 0 {
		i++
	}
	here := p.text[operator:i]
	p.pos = i
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
	if here == "<<" || here == "<<-" {
		return true, p.document()
	}
	unknown := len(p.out.Unknown)
	_, err := p.word()
	p.out.Unknown = p.out.Unknown[:unknown] // what it names is no part of the command
	return true, err
}

// document reads the word that will end a here-document.
func (p *parser) document() error {
	start := p.pos
	words, err := p.word()
	if err != nil {
		return err
	}
	written := p.text[start:p.pos]
	if len(words) == 0 {
		return nil
	}
	p.pending = append(p.pending, Document{Plain: strings.ContainsAny(written, "'\"\\")})
	p.ends = append(p.ends, words[0])
	return nil
}

// documents reads the here-documents that begin with this line.
func (p *parser) documents() {
	for i, d := range p.pending {
		d.Line = p.line
		var text strings.Builder
		for p.pos < len(p.text) {
			line, _, _ := strings.Cut(p.text[p.pos:], "\n")
			p.pos = min(p.pos+len(line)+1, len(p.text))
			p.line++
			if strings.Trim(line, "\t\r") == p.ends[i] {
				break
			}
			text.WriteString(line + "\n")
		}
		d.Text = text.String()
		if !d.Plain {
			d.Text = strings.NewReplacer(`\\`, `\`, `\$`, `$`, "\\`", "`").Replace(d.Text)
		}
		p.out.Documents = append(p.out.Documents, d)
	}
	p.pending, p.ends = nil, nil
}
