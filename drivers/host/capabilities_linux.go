package host

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"virgo/xml"
)

func text(n uint64) string { return strconv.FormatUint(n, 10) }

// Capabilities is the <host> element; cpu is the host's CPU, or nil. migration
// tells whether guests can be moved.
func Capabilities(cpu *xml.Node, migration bool) *xml.Node {
	h := xml.Element("host")
	if id := uuid(); id != "" {
		h.Add(xml.TextElement("uuid", id))
	}
	if cpu != nil {
		for _, size := range PageSizes() {
			cpu.Add(xml.Element("pages").With("unit", "KiB", "size", text(size)))
		}
		h.Add(cpu)
	}
	h.Add(powerManagement(), iommu())
	if migration {
		h.Add(xml.Element("migration_features", xml.Element("live"), xml.Element("uri_transports",
			xml.TextElement("uri_transport", "tcp"), xml.TextElement("uri_transport", "rdma"))))
	}
	return h.Add(topology(Cells()), caches(), xml.Element("secmodel", xml.TextElement("model", "none"), xml.TextElement("doi", "0")))
}

// uuid is the machine's own: the firmware's, or else made of the system's id.
func uuid() string {
	for _, f := range []string{"/sys/class/dmi/id/product_uuid", "/etc/machine-id"} {
		if id, ok := xml.ParseUUID(readText(f)); ok && strings.Trim(id, "0-") != "" {
			return id
		}
	}
	return ""
}

func powerManagement() *xml.Node {
	n := xml.Element("power_management")
	states := strings.Fields(readText("/sys/power/state"))
	for _, s := range states {
		switch s {
		case "mem":
			n.Add(xml.Element("suspend_mem"))
		case "disk":
			n.Add(xml.Element("suspend_disk"))
		}
	}
	return n
}

func iommu() *xml.Node {
	answer := "no"
	if entries, err := os.ReadDir("/sys/kernel/iommu_groups"); err == nil && len(entries) > 0 {
		answer = "yes"
	}
	return xml.Element("iommu").With("support", answer)
}

func topology(cells []Cell) *xml.Node {
	list := xml.Element("cells").With("num", strconv.Itoa(len(cells)))
	for _, c := range cells {
		n := xml.Element("cell", xml.TextElement("memory", text(c.Memory)).With("unit", "KiB")).With("id", strconv.Itoa(c.ID))
		for _, p := range c.Pages {
			n.Add(xml.TextElement("pages", text(p.Count)).With("unit", "KiB", "size", text(p.Size)))
		}
		distances := xml.Element("distances")
		for i, d := range c.Distances {
			if i < len(cells) {
				distances.Add(xml.Element("sibling").With("id", strconv.Itoa(cells[i].ID), "value", strconv.Itoa(d)))
			}
		}
		cpus := xml.Element("cpus").With("num", strconv.Itoa(len(c.CPUs)))
		for _, p := range c.CPUs {
			cpus.Add(xml.Element("cpu").With("id", strconv.Itoa(p.ID), "socket_id", strconv.Itoa(p.Socket), "die_id", strconv.Itoa(p.Die),
				"cluster_id", strconv.Itoa(p.Cluster), "core_id", strconv.Itoa(p.Core), "siblings", p.Siblings))
		}
		list.Add(n.Add(distances, cpus))
	}
	return xml.Element("topology", list)
}

// bank is one cache from the second level on.
type bank struct {
	id, level  int
	kind, cpus string
	size       uint64 // KiB
}

func caches() *xml.Node {
	kinds := map[string]string{"Unified": "both", "Data": "data", "Instruction": "code"}
	seen := make(map[string]bool)
	var banks []bank
	dirs, _ := filepath.Glob(sysCPU + "/cpu[0-9]*/cache/index[0-9]*")
	for _, d := range dirs {
		b := bank{id: readInt(d + "/id"), level: readInt(d + "/level"), kind: kinds[readText(d+"/type")], cpus: readText(d + "/shared_cpu_list")}
		b.size, _ = strconv.ParseUint(strings.TrimSuffix(readText(d+"/size"), "K"), 10, 64)
		key := fmt.Sprint(b.level, b.kind, b.id, b.cpus)
		if b.level < 2 || seen[key] {
			continue
		}
		seen[key] = true
		banks = append(banks, b)
	}
	if len(banks) == 0 {
		return nil
	}
	sort.SliceStable(banks, func(i, j int) bool {
		if banks[i].level != banks[j].level {
			return banks[i].level < banks[j].level
		}
		return banks[i].id < banks[j].id
	})
	n := xml.Element("cache")
	for _, b := range banks {
		size, unit := b.size, "KiB"
		if size%1024 == 0 && size > 0 {
			size, unit = size/1024, "MiB"
		}
		n.Add(xml.Element("bank").With("id", strconv.Itoa(b.id), "level", strconv.Itoa(b.level), "type", b.kind,
			"size", text(size), "unit", unit, "cpus", b.cpus))
	}
	return n
}
