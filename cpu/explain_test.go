package cpu

import "testing"

func TestExplain(t *testing.T) {
	broadwell := load(t, "<cpu><arch>x86_64</arch><model>Broadwell-noTSX</model><vendor>Intel</vendor><signature family='6' model='79' stepping='1'/></cpu>")
	guest := load(t, "<cpu><model>Skylake-Client-IBRS</model><feature policy='require' name='smx'/><feature policy='require' name='md-clear'/></cpu>")
	e, err := Explain(broadwell, guest, "", false)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]Cause)
	for _, d := range e.Differences {
		if d.Blocking {
			got[d.Feature] = d.Cause
		}
	}
	for name, want := range map[string]Cause{
		"xsavec": Absent, "rtm": Masked, "spec-ctrl": Masked, "md-clear": Masked, "smx": Unknown,
		"f16c": Unknown, "rdrand": Unknown, "arat": Unknown, "abm": Unknown, // real ones have these
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}

func TestSuggest(t *testing.T) {
	for _, tt := range []struct{ name, host, other, want string }{
		{"one feature", nehalem, "<cpu><model>Westmere</model></cpu>", "Nehalem/allow"},
		{"forbidden", nehalem, "<cpu><model>Conroe</model><feature policy='forbid' name='vmx'/></cpu>", "Conroe/allow -vmx"},
		{"vendor", nehalem, "<cpu><model>Conroe</model><vendor>AMD</vendor></cpu>", "Conroe/allow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			host := load(t, tt.host)
			c, err := Suggest(host, load(t, tt.other), "")
			if err != nil || c == nil {
				t.Fatal(c, err)
			}
			if line(c) != tt.want {
				t.Errorf("got %s, want %s", line(c), tt.want)
			}
			if r, err := Compare(host, c, ""); err != nil || r.Answer == Incompatible {
				t.Errorf("the suggestion is incompatible: %v %v", r, err)
			}
		})
	}
}
