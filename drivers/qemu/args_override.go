package qemu

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"virgo/xml"
)

// overridden is a device with what the definition's qemu:override says of it.
func (a *args) overridden(device string) string {
	if len(a.d.QEMUOverride) == 0 {
		return device
	}
	var id struct{ ID string }
	_ = json.Unmarshal([]byte(device), &id)
	for i := range a.d.QEMUOverride {
		o := &a.d.QEMUOverride[i]
		if o.Alias != id.ID {
			continue
		}
		list := propertiesOf(device)
		for _, p := range o.Properties {
			list = overrideOne(list, p)
		}
		device = object(list)
	}
	return device
}

// property is one of an object's, with its value as JSON.
type property struct{ key, value string }

// propertiesOf are an object's, in their order.
func propertiesOf(object string) []property {
	var out []property
	d := json.NewDecoder(strings.NewReader(object))
	_, _ = d.Token()
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			break
		}
		name, _ := key.(string)
		out = append(out, property{name, string(value)})
	}
	return out
}

func overrideOne(list []property, p xml.QEMUProperty) []property {
	list = slices.DeleteFunc(list, func(m property) bool { return m.key == p.Name })
	switch p.Type {
	case "remove":
		return list
	case "bool":
		return append(list, property{p.Name, strconv.FormatBool(p.Value == "true")})
	case "signed", "unsigned":
		return append(list, property{p.Name, p.Value})
	}
	return append(list, property{p.Name, string(quote(p.Value))})
}

func object(list []property) string {
	words := make([]string, len(list))
	for i, m := range list {
		words[i] = string(quote(m.key)) + ":" + m.value
	}
	return "{" + strings.Join(words, ",") + "}"
}
