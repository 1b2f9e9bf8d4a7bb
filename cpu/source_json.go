package cpu

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sort"

	"virgo/xml"
)

// Expansion is QEMU's answer to query-cpu-model-expansion: the model's name
// and its properties, values as encoding/json gives them.
type Expansion struct {
	Name  string         `json:"name"`
	Props map[string]any `json:"props"`
}

// Definition is one model of QEMU's answer to query-cpu-definitions.
type Definition struct {
	Name        string    `json:"name"`
	Unavailable *[]string `json:"unavailable-features"` // QEMU's names; nil: QEMU does not tell
	Static      bool      `json:"static"`
	Deprecated  bool      `json:"deprecated"`
}

// Blockers are what is in the way of a model: libvirt's names, in QEMU's order.
// Domain capabilities sort them.
func (d *Definition) Blockers() []string {
	if d.Unavailable == nil {
		return nil
	}
	var list []string
	for _, name := range *d.Unavailable {
		list = append(list, FromQEMU(name))
	}
	return list
}

// UsableOf gives the models of QEMU as decoding wants them. For ppc64 its
// lower-case names become libvirt's.
func UsableOf(list []Definition, arch string) []Usable {
	usable := make([]Usable, 0, len(list))
	for i := range list {
		usable = append(usable, Usable{
			Name: ModelFromQEMU(list[i].Name, arch), Blockers: list[i].Blockers(), Told: list[i].Unavailable != nil,
		})
	}
	return usable
}

// answer is a QMP answer, with or without the "return" around it.
type answer struct {
	Return json.RawMessage `json:"return"`
	Model  *Expansion      `json:"model"`
}

// loadJSON reads QEMU's answers, one after another: the first expansion is the
// CPU, a list of definitions its usable models.
func loadJSON(src xml.Source, f func(*Source) error) error {
	dec := json.NewDecoder(bytes.NewReader(src.Data))
	var model *Expansion
	var usable []Usable
	for {
		var value json.RawMessage
		err := dec.Decode(&value)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return badJSON(src, dec.InputOffset(), err)
		}
		m, definitions, err := readAnswer(value)
		if err != nil {
			return badJSON(src, dec.InputOffset(), err)
		}
		if m != nil && model == nil {
			model = m
		}
		if definitions != nil {
			usable = UsableOf(definitions, "x86_64")
		}
	}
	switch {
	case model != nil:
		s := &Source{Name: src.Name, Kind: SourceQEMU, Usable: usable}
		if isX86Expansion(model) {
			s.Arch, s.data = "x86_64", rawOf(model.Props)
		} else {
			s.Arch, s.cpu = "s390x", staticCPU(model)
		}
		return f(s)
	case usable != nil:
		return f(&Source{Name: src.Name, Kind: SourceNames, Usable: usable})
	}
	return noCPU(src)
}

// readAnswer reads one JSON value; answers to other questions give nothing.
func readAnswer(value json.RawMessage) (*Expansion, []Definition, error) {
	body := bytes.TrimSpace(value)
	if len(body) > 0 && body[0] == '{' {
		var a answer
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, nil, err
		}
		if a.Model != nil && a.Model.Props != nil {
			return a.Model, nil, nil
		}
		if a.Return == nil {
			return nil, nil, nil
		}
		body = bytes.TrimSpace(a.Return)
		if len(body) > 0 && body[0] == '{' {
			a = answer{}
			if err := json.Unmarshal(body, &a); err != nil {
				return nil, nil, err
			}
			if a.Model != nil && a.Model.Props == nil {
				return nil, nil, nil
			}
			return a.Model, nil, nil
		}
	}
	if len(body) == 0 || body[0] != '[' {
		return nil, nil, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, err
	}
	definitions := make([]Definition, 0, len(list))
	for _, item := range list {
		var d Definition
		if err := json.Unmarshal(item, &d); err != nil || d.Name == "" {
			return nil, nil, nil
		}
		definitions = append(definitions, d)
	}
	return nil, definitions, nil
}

func badJSON(src xml.Source, offset int64, err error) error {
	offset = min(offset, int64(len(src.Data)))
	e := xml.Errorf(xml.CodePlain, "%s:%d: not QEMU's JSON: %v", src.Name, 1+bytes.Count(src.Data[:offset], []byte("\n")), err)
	e.File = src.Name
	return e
}

func isX86Expansion(m *Expansion) bool {
	_, vendor := m.Props["vendor"].(string)
	_, family := m.Props["family"]
	return vendor || family
}

// rawOf reads the properties of an x86 CPU in QEMU.
func rawOf(props map[string]any) raw {
	var r raw
	for name, v := range props {
		if on, ok := v.(bool); ok && on {
			if i := findFeature(FromQEMU(name)); i >= 0 && i < mapFeatures {
				r.features.add(i)
			}
		}
	}
	if id, ok := props["vendor"].(string); ok {
		r.vendor = vendorByID(id)
	}
	s := Signature{number(props["family"]), number(props["model"]), number(props["stepping"])}
	if s.Family > 0 {
		r.signature = s
	}
	return r
}

func number(v any) int {
	switch v := v.(type) {
	case float64:
		return int(v)
	case json.Number:
		n, _ := v.Int64()
		return int(n)
	case int:
		return v
	case int64:
		return int(v)
	case uint64:
		return int(v)
	}
	return 0
}

// staticCPU takes a static expansion as it is: the model's name, and each
// property as a feature.
func staticCPU(m *Expansion) *xml.CPU {
	c := &xml.CPU{Mode: "custom", Match: "exact", Fallback: "forbid", Model: m.Name}
	names := make([]string, 0, len(m.Props))
	for name, v := range m.Props {
		if _, ok := v.(bool); ok {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		policy := "disable"
		if m.Props[name] == true {
			policy = "require"
		}
		c.Features = append(c.Features, xml.CPUFeature{Policy: policy, Name: name})
	}
	return c
}

// FromExpansion gives the guest CPU that QEMU's answer to
// query-cpu-model-expansion describes: for x86 decoded with the models that
// can be had (nil: all), of other architectures model and properties as they are.
func FromExpansion(m Expansion, arch string, usable []Usable) (*xml.CPU, error) {
	if !IsX86(arch) {
		return staticCPU(&m), nil
	}
	return decodeGuest(rawOf(m.Props), usable, Latest)
}
