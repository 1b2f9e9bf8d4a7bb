package xml

import "testing"

func TestUSBVersion(t *testing.T) {
	for text, want := range map[string]string{"2.5": "2.50", "02.05": "2.05", "12.34": "12.34", "-1": "", "0.1": "0.10"} {
		var v USBVersion
		if err := v.ParseValue(text); err != nil || v.FormatValue() != want {
			t.Errorf("%s: %s %v, want %s", text, v, err, want)
		}
	}
	for _, text := range []string{"", "2", "2.", ".5", "2.5.6", "-1.0", "100.0", "1.100", "x.y"} {
		if err := new(USBVersion).ParseValue(text); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}
