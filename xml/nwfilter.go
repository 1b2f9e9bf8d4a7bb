package xml

import (
	"slices"
	"strconv"
	"strings"
)

// NWFilter is a network filter: rules and other filters, in order.
type NWFilter struct {
	_        struct{} `root:"filter"`
	Name     string
	Chain    string
	Priority int
	UUID     UUID
	Entries  []FilterEntry
}

// FilterEntry is one of both.
type FilterEntry struct {
	Rule *FilterRule
	Ref  *FilterRef
}

// FilterRule is what becomes of packets that match all of its values.
type FilterRule struct {
	Action     string `el:"action,attr,required" enum:"drop accept reject return continue"`
	Direction  string `el:"direction,attr,required" enum:"in out inout"`
	Priority   *int32 `el:"priority,attr"`
	StateMatch string `el:"statematch,attr"`

	Protocol string // "": packets of all kinds
	Values   []FilterValue
}

// FilterValue is a value that packets have, or, if No, have not.
type FilterValue struct {
	Name, Value string
	No          bool
}

// filterChains are what a chain's name begins with, and the chain's priority
// where none is written.
var filterChains = []struct {
	prefix   string
	priority int
}{{"mac", -800}, {"vlan", -750}, {"stp", 0}, {"arp", -500}, {"rarp", -400}, {"ipv4", -700}, {"ipv6", -600}}

const (
	maxFilterPriority     = 1000
	defaultFilterPriority = 500
	maxFilterChain        = 12
)

// DecodeNode reads the filter.
func (f *NWFilter) DecodeNode(n *Node) error {
	if f.Name, _ = n.Attr("name"); f.Name == "" {
		return Errorf(CodeInternal, "filter has no name")
	}
	if err := f.decodeChain(n); err != nil {
		return err
	}
	if c := n.Child("uuid"); c != nil && c.Value() != "" {
		if f.UUID.ParseValue(c.Value()) != nil {
			return Errorf(CodeXML, "malformed uuid element")
		}
	}
	for _, c := range n.Children {
		var e FilterEntry
		var err error
		switch {
		case !c.IsElement():
			continue
		case c.Name == "rule":
			e.Rule = &FilterRule{}
			err = Decode(c, e.Rule)
		case c.Name == "filterref":
			e.Ref = &FilterRef{}
			if err = Decode(c, e.Ref); err == errVoid {
				err = located(Errorf(CodeXML, "Missing required attribute 'filter' in element 'filterref'"), c)
			}
		default:
			continue
		}
		if err != nil {
			return err
		}
		f.Entries = append(f.Entries, e)
	}
	return nil
}

func (f *NWFilter) decodeChain(n *Node) error {
	f.Chain = "root"
	written := 0
	p, _ := n.Attr("priority")
	if p != "" {
		v, err := strconv.ParseInt(strings.TrimLeft(p, blanks), 10, 32)
		if err != nil {
			return Errorf(CodeInvalidArg, "Could not parse chain priority '%s'", p)
		}
		if v < -maxFilterPriority || v > maxFilterPriority {
			return Errorf(CodeInvalidArg, "Priority '%d' is outside valid range of [-%d,%d]", v, maxFilterPriority, maxFilterPriority)
		}
		written = int(v)
	}
	c, _ := n.Attr("chain")
	if c == "" {
		return nil
	}
	f.Chain = c
	switch {
	case len(c) > maxFilterChain:
		return Errorf(CodeInvalidArg, "Name of chain is longer than %d characters", maxFilterChain)
	case !only(c, "_.:-"):
		return Errorf(CodeInvalidArg, "Chain name contains invalid characters")
	case c != "root":
		var names []string
		for _, k := range filterChains {
			if strings.HasPrefix(c, k.prefix) {
				f.Priority = k.priority
				names = nil
				break
			}
			names = append(names, k.prefix)
		}
		if names != nil {
			return Errorf(CodeInvalidArg, "Invalid chain name '%s'. Please use a chain name called 'root' or any of the following prefixes: %s", c, strings.Join(names, ", "))
		}
	}
	if p != "" {
		f.Priority = written
	}
	return nil
}

// blanks are what the C library passes over before numbers.
const blanks = " \t\n\v\f\r"

// only tells whether a text consists of letters, digits and the others.
func only(text, others string) bool {
	for _, r := range text {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(others, r) {
			continue
		}
		return false
	}
	return true
}

// EncodeNode writes the filter.
func (f *NWFilter) EncodeNode(string) *Node {
	n := Element("filter").With("name", f.Name).With("chain", f.Chain)
	if f.Priority != 0 {
		n.With("priority", strconv.Itoa(f.Priority))
	}
	n.Add(TextElement("uuid", string(f.UUID)))
	for _, e := range f.Entries {
		if e.Rule != nil {
			n.Add(Encode(e.Rule, "rule"))
		} else {
			n.Add(Encode(e.Ref, "filterref"))
		}
	}
	return n
}

// DecodeNode reads the rule.
func (r *FilterRule) DecodeNode(n *Node) error {
	if err := DecodeFields(n, r); err != nil {
		return err
	}
	if r.Priority == nil || *r.Priority < -maxFilterPriority || *r.Priority > maxFilterPriority {
		p := int32(defaultFilterPriority)
		r.Priority = &p
	}
	if r.StateMatch != "0" && !strings.EqualFold(r.StateMatch, "false") {
		r.StateMatch = ""
	} else {
		r.StateMatch = "false"
	}
	var p *filterProtocol
	for _, c := range n.Children {
		if !c.IsElement() {
			continue
		}
		if p == nil {
			p = findFilterProtocol(c.Name)
		}
		if p == nil || p.name != c.Name {
			continue // one protocol is all that a rule has
		}
		if err := r.decodeValues(c, p); err != nil {
			return located(err, c)
		}
	}
	if p == nil {
		return nil
	}
	r.Protocol = p.name
	return r.settle(p)
}

// decodeValues reads one element of the protocol. What is wrong with the last
// of several bad values is told.
func (r *FilterRule) decodeValues(n *Node, p *filterProtocol) error {
	match, _ := n.Attr("match")
	var err error
	for _, a := range p.attrs() {
		text, ok := n.Attr(a.name)
		if !ok {
			continue
		}
		v, ok := filterWord(text, a)
		if !ok {
			err = Errorf(CodeInternal, "%s has illegal value %s", a.name, text)
			continue
		}
		r.set(FilterValue{a.name, v, match == "no"})
	}
	return err
}

func (r *FilterRule) set(v FilterValue) {
	if old := r.value(v.Name); old != nil {
		*old = v
		return
	}
	r.Values = append(r.Values, v)
}

func (r *FilterRule) value(name string) *FilterValue {
	for i := range r.Values {
		if r.Values[i].Name == name {
			return &r.Values[i]
		}
	}
	return nil
}

// settle puts the values in order and checks what goes with what. Masks and ends
// of ranges are denied as what they belong to.
func (r *FilterRule) settle(p *filterProtocol) error {
	if !strings.HasPrefix(p.name, "all") {
		switch set, flags := r.value("ipset"), r.value("ipsetflags"); {
		case set == nil:
			r.Values = slices.DeleteFunc(r.Values, func(v FilterValue) bool { return v.Name == "ipsetflags" })
		case flags == nil:
			r.set(FilterValue{Name: "ipsetflags", Value: "src"})
		}
	}
	attrs := p.attrs()
	slices.SortFunc(r.Values, func(a, b FilterValue) int { return attrIndex(attrs, a.Name) - attrIndex(attrs, b.Name) })
	for i := range r.Values {
		v := &r.Values[i]
		if of := attrs[attrIndex(attrs, v.Name)].of; of != "" {
			head := r.value(of)
			v.No = head != nil && head.No
		}
	}
	if p.name != "ip" && p.name != "ipv6" {
		return nil
	}
	ports := slices.ContainsFunc(r.Values, func(v FilterValue) bool { return strings.Contains(v.Name, "port") })
	if proto := r.value("protocol"); ports && (proto == nil || !slices.Contains([]string{"tcp", "udp", "sctp", "33", "0x21"}, proto.Value)) {
		word := map[string]string{"ip": "IP", "ipv6": "IPv6"}[p.name]
		return Errorf(CodeInternal, "%s rule with port specification requires protocol specification with protocol to be either one of tcp(6), udp(17), dccp(33), or sctp(132)", word)
	}
	return nil
}

func attrIndex(attrs []filterAttr, name string) int {
	return slices.IndexFunc(attrs, func(a filterAttr) bool { return a.name == name })
}

// EncodeNode writes the rule: what packets must have, then what they must not.
func (r *FilterRule) EncodeNode(name string) *Node {
	n := EncodeFields(r, name)
	if r.Protocol == "" {
		return n
	}
	yes, no := Element(r.Protocol), Element(r.Protocol).With("match", "no")
	for _, v := range r.Values {
		to := yes
		if v.No {
			to = no
		}
		to.Attrs = append(to.Attrs, Attr{Name: v.Name, Value: v.Value})
	}
	if len(yes.Attrs) > 0 || len(no.Attrs) == 1 {
		n.Add(yes)
	}
	if len(no.Attrs) > 1 {
		n.Add(no)
	}
	return n
}
