package xml

import "reflect"

// lintNames are the names in types that read themselves: attributes, then
// children, and the types or names of children that are checked too.
type lintNames struct {
	attrs, kids string
	once        string // the children of which a schema allows one
	text        bool   // text may stand beside the children
	inner       map[string]reflect.Type
	nested      map[string]*lintNames
}

// lintables are the types whose fields do not tell their names.
func lintables() map[reflect.Type]lintNames {
	device := map[string]reflect.Type{"alias": reflect.TypeFor[Alias](), "address": reflect.TypeFor[Address](), "log": reflect.TypeFor[CharLog](), "boot": reflect.TypeFor[BootOrder]()}
	rule := lintNames{attrs: "action direction priority statematch"}
	for _, p := range filterProtocols() {
		rule.kids += " " + p.name
	}
	return map[reflect.Type]lintNames{
		reflect.TypeFor[CPU]():     lintCPU(),
		reflect.TypeFor[CPUNUMA](): lintNUMA(),
		reflect.TypeFor[NWFilter](): {attrs: "name chain priority", kids: "uuid rule filterref",
			inner: map[string]reflect.Type{"rule": reflect.TypeFor[FilterRule](), "filterref": reflect.TypeFor[FilterRef]()}},
		reflect.TypeFor[Mirror](): {attrs: "type job ready file format", kids: "format source", // file and format: of old documents
			inner: map[string]reflect.Type{"format": reflect.TypeFor[DiskFormat](), "source": reflect.TypeFor[DiskSource]()}},
		reflect.TypeFor[FilterRule]():  rule,
		reflect.TypeFor[Address]():     {attrs: "type domain bus slot function multifunction controller target unit port cssid ssid devno reg iobase irq base uuid device", kids: "zpci"},
		reflect.TypeFor[Chardev]():     {attrs: "type tty", kids: "source protocol target log alias acpi address", once: "protocol target log alias acpi address", inner: device},
		reflect.TypeFor[Redirdev]():    {attrs: "type bus", kids: "source protocol log boot alias address", inner: device},
		reflect.TypeFor[Smartcard]():   {attrs: "mode type", kids: "source protocol log certificate database alias address", inner: device},
		reflect.TypeFor[RNGBackend]():  {attrs: "model type", kids: "source protocol log", text: true},
		reflect.TypeFor[KiB]():         {attrs: "unit"},
		reflect.TypeFor[Bytes]():       {attrs: "unit"},
		reflect.TypeFor[MiB]():         {attrs: "unit"},
		reflect.TypeFor[ByteSize]():    {attrs: "unit"},
		reflect.TypeFor[LiveSize]():    {attrs: "unit"},
		reflect.TypeFor[ClusterSize](): {attrs: "unit"},
	}
}

// lintCPU are the names in a guest's <cpu>.
func lintCPU() lintNames {
	return lintNames{attrs: "mode match check migratable deprecated_features",
		once: "arch model vendor microcode signature topology maxphysaddr numa",
		kids: "arch model vendor microcode signature topology maxphysaddr counter cache feature pages numa",
		nested: map[string]*lintNames{
			"model": {attrs: "fallback vendor_id"}, "vendor": {}, "arch": {}, "microcode": {attrs: "version"},
			"signature": {attrs: "family model stepping"}, "topology": {attrs: "sockets dies clusters cores threads"},
			"maxphysaddr": {attrs: "mode bits limit"}, "counter": {attrs: "name frequency scaling"},
			"cache": {attrs: "level mode"}, "feature": {attrs: "policy name"}, "pages": {attrs: "unit size"},
		},
		inner: map[string]reflect.Type{"numa": reflect.TypeFor[CPUNUMA]()}}
}

// lintNUMA are the names in its <numa>.
func lintNUMA() lintNames {
	value := &lintNames{attrs: "value unit"}
	return lintNames{kids: "cell interconnects", nested: map[string]*lintNames{
		"cell": {attrs: "id cpus memory unit discard memAccess", kids: "distances cache", nested: map[string]*lintNames{
			"distances": {kids: "sibling", nested: map[string]*lintNames{"sibling": {attrs: "id value"}}},
			"cache":     {attrs: "level associativity policy", kids: "size line", nested: map[string]*lintNames{"size": value, "line": value}},
		}},
		"interconnects": {kids: "latency bandwidth", nested: map[string]*lintNames{
			"latency":   {attrs: "initiator target cache type value"},
			"bandwidth": {attrs: "initiator target cache type value unit"},
		}},
	}}
}

// lintFree are types under which anything goes.
var lintFree = []reflect.Type{reflect.TypeFor[Metadata](), reflect.TypeFor[LXCCaps](), reflect.TypeFor[Capability]()}
