package storage

import (
	"strings"

	"virgo/xml"
)

// Capabilities is the document of which kinds of pools there can be; supported
// tells of a kind whether pools of it can be started here.
func Capabilities(supported func(kind string) bool) []byte {
	doc := xml.Element("storagepoolCapabilities")
	for i := range kinds {
		k := &kinds[i]
		pool := xml.Element("pool").With("type", k.name).With("supported", "no")
		if supported(k.name) {
			pool = xml.Element("pool").With("type", k.name).With("supported", "yes")
		}
		pool.Pair = true
		if k.formats != "" {
			pool.Add(formatOptions("poolOptions", "sourceFormatType", defaultFormat(k.formats), sortedFormats(k)))
		}
		switch {
		case k.name == "rbd": // its volumes have a format, and no choice of it
			pool.Add(formatOptions("volOptions", "targetFormatType", "raw", ""))
		case k.volumes != "":
			usual := "raw"
			if k.name == "disk" {
				usual = defaultFormat(k.volumes)
			}
			pool.Add(formatOptions("volOptions", "targetFormatType", usual, k.volumes))
		}
		doc.Add(pool)
	}
	return doc.Print()
}

// sortedFormats are the formats of a kind's source in libvirt's order, which for
// logical pools is not that of how likely they are.
func sortedFormats(k *kind) string {
	if k.name == "logical" {
		return "unknown lvm2"
	}
	return k.formats
}

func formatOptions(element, enum, usual, all string) *xml.Node {
	list := xml.Element("enum").With("name", enum)
	for _, f := range strings.Fields(all) {
		list.Add(xml.TextElement("value", f))
	}
	if all == "" {
		list.Pair = true
	}
	return xml.Element(element, xml.Element("defaultFormat").With("type", usual), list)
}
