package argv

import (
	"strings"
	"testing"

	"virgo/xml"
)

// TestChoose finds the command in what people keep command lines in: each names
// its guest ok.
func TestChoose(t *testing.T) {
	const qemu = "qemu-system-x86_64 -name ok"
	for name, c := range map[string]struct{ file, text, note string }{
		"behind a mention":       {"", "command -v qemu-system-x86_64 || echo qemu-system-x86_64 is missing\n" + qemu, ""},
		"behind packages":        {"", "apt-get install -y qemu-system-x86 qemu-system-arm\n" + qemu, ""},
		"behind a loop":          {"", "for p in qemu-system-x86_64 qemu-img; do which $p; done\n" + qemu, ""},
		"behind a kill":          {"", "killall -9 qemu-system-x86_64; sleep 1\n" + qemu, ""},
		"in a function":          {"", "run() { " + qemu + " \"$@\"; }\nrun", ""},
		"in a condition":         {"", "if ! " + qemu + "; then exit; fi", ""},
		"in a shell":             {"", "bash -ec '" + qemu + " -s'", ""},
		"in a shell in a shell":  {"", `sh -c "bash -c '` + qemu + `'"`, ""},
		"evaluated":              {"", "CMD=\"" + qemu + "\"\nCMD+=' -m 64'\neval \"$CMD\"", ""},
		"an array":               {"", "C=(qemu-system-x86_64 -name)\n\"${C[@]}\" ok", ""},
		"from Windows":           {"", "qemu-system-x86_64.exe -name ok", ""},
		"a batch file":           {"go.bat", "@echo off\r\nrem qemu-system-x86_64\r\nset NAME=ok\r\n\"C:\\Program Files\\qemu\\qemu-system-x86_64.exe\" ^\r\n  -name %NAME% -hda C:\\vm\\disk.img\r\n", ""},
		"a Dockerfile":           {"", "FROM debian\nRUN apt-get install -y qemu-system-x86\nENV NAME=ok\nENTRYPOINT [\"qemu-system-x86_64\", \"-name\", \"ok\"]\n", ""},
		"a here-document":        {"", "NAME=ok\ncat >x <<EOF\nqemu-system-x86_64 \\\\\n -name $NAME\nEOF\n", ""},
		"beside a here-document": {"", "cat <<'EOF'\nIt's \"odd\nqemu-system-arm -name no\nEOF\n" + qemu, ""},
		"prompts":                {"", "$ " + qemu, ""},
		"wrappers":               {"", "sudo -u joe nice -n 5 numactl -N 0 " + qemu, "'-u joe nice -n 5 numactl -N 0' before the program is left out"},
		"an unknown wrapper":     {"", "docker run -it image " + qemu, "'docker run -it image' before the program is left out"},
		"two":                    {"", qemu + "\nqemu-system-arm -name no", "only the first command is read; there is another one in line 2"},
		"a rule":                 {"", "Q := qemu-system-x86_64\nN = $(NAME)\nNAME = ok\nrun: disk\n\t@$(Q) -name $(N) \\\n\t  -s\n", ""},
		"a rule with conditions": {"", "ifdef NO\nN = no\nelse ifeq ($(A),b)\nN = no\nelse\nN = ok\nendif\nrun:\n\tqemu-system-x86_64 -name $N\n", ""},
		"options not known":      {"", qemu + " $MORE ${KVM} $(probe)", "left out: $(probe) (what it stands for is not known here)"},
		"an argument not known":  {"", qemu + " -m $MEMORY", "left out: -m $MEMORY (what it stands for is not known here)"},
	} {
		t.Run(name, func(t *testing.T) {
			d, notes, err := From(xml.Source{Name: c.file, Data: []byte(c.text)}, Options{Dir: "/vm"})
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(notes, "\n"); d.Name != "ok" || !strings.Contains(all, c.note) {
				t.Errorf("%s: %s", d.Name, all)
			}
		})
	}
}

// TestMakefileEnds: variables that double each other do not become too much.
func TestMakefileEnds(t *testing.T) {
	var b strings.Builder
	b.WriteString("A0 = qemu-system-x86_64\n")
	for i := range 60 {
		n, m := string(rune('A'+(i+1)%26))+utoa(uint(i+1)), string(rune('A'+i%26))+utoa(uint(i))
		b.WriteString(n + " = $(" + m + ")$(" + m + ")\n")
	}
	b.WriteString("SELF = $(SELF) x\nrun:\n\tqemu-system-x86_64 -name ok $(SELF) $(I60)\n")
	if _, _, err := From(xml.Source{Name: "Makefile", Data: []byte(b.String())}, Options{}); err == nil {
		t.Error("it was read as if its variables were known")
	}
}

// TestBehind: figures and switches are none in JSON where a device has words.
func TestBehind(t *testing.T) {
	d, _ := read(t, "qemu-system-x86_64 -M q35 -nodefaults -device pcie-root-port,id=rp,chassis=1 -device nvme,bus=rp,serial=7,max_ioqpairs=0x4,use-intel-id=on,cmb_size_mb=1K,msix=on")
	const want = `{"driver":"nvme","bus":"ua-rp","serial":"7","max_ioqpairs":4,"use-intel-id":true,"cmb_size_mb":1024,"msix":"on","addr":"0x0"}`
	args := d.QEMUCommandline.Args
	if got := args[len(args)-1].Value; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
