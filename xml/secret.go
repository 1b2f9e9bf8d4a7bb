package xml

// SecretDef is a secret's definition; its value lies elsewhere.
type SecretDef struct {
	_           struct{}     `root:"secret"`
	Ephemeral   YesNo        `el:"ephemeral,attr,empty" unknown:"XML error: invalid value of 'ephemeral'"`
	Private     YesNo        `el:"private,attr,empty" unknown:"XML error: invalid value of 'private'"`
	UUID        UUID         `el:"uuid,blank" unknown:"internal error: malformed uuid element"`
	Description string       `el:"description"`
	Usage       *SecretUsage `el:"usage"`
}

// SecretUsage is what a secret is for.
type SecretUsage struct {
	Type   string `el:"type,attr,required" enum:"none volume ceph iscsi tls vtpm"`
	Volume string `el:"volume"`
	Name   string `el:"name"`
	Target string `el:"target"`
}

// usageIDs are what the types of usage are known by.
var usageIDs = []struct {
	typ, what string
	id        func(*SecretUsage) *string
}{
	{"ceph", "Ceph usage specified, but name is missing", func(u *SecretUsage) *string { return &u.Name }},
	{"iscsi", "iSCSI usage specified, but target is missing", func(u *SecretUsage) *string { return &u.Target }},
	{"tls", "TLS usage specified, but name is missing", func(u *SecretUsage) *string { return &u.Name }},
	{"volume", "volume usage specified, but volume path is missing", func(u *SecretUsage) *string { return &u.Volume }},
	{"vtpm", "vTPM usage specified, but name is missing", func(u *SecretUsage) *string { return &u.Name }},
}

// ID is what tells one usage of a type from another: a path or name.
func (u *SecretUsage) ID() string {
	for _, t := range usageIDs {
		if u != nil && t.typ == u.Type {
			return *t.id(u)
		}
	}
	return ""
}

// CheckNode wants the element that goes with the type; others are dropped.
func (u *SecretUsage) CheckNode(*Node) error {
	for _, t := range usageIDs {
		if t.typ != u.Type {
			continue
		}
		id := *t.id(u)
		if id == "" {
			return Errorf(CodeInternal, "%s", t.what)
		}
		*u = SecretUsage{Type: u.Type}
		*t.id(u) = id
		return nil
	}
	*u = SecretUsage{Type: u.Type}
	return nil
}

// DecodeNode reads the definition; a usage of type none is none.
func (s *SecretDef) DecodeNode(n *Node) error {
	s.Ephemeral, s.Private = "no", "no"
	err := DecodeFields(n, s)
	if s.Usage != nil && s.Usage.Type == "none" {
		s.Usage = nil
	}
	return err
}
