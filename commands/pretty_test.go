package commands

import "testing"

func TestPrettyJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"return":{}}`:       "{\n  \"return\": {\n  }\n}",
		`{"a":[],"b":["{}"]}`: "{\n  \"a\": [\n  ],\n  \"b\": [\n    \"{}\"\n  ]\n}",
		`[{},{"a":"x{},"}]`:   "[\n  {\n  },\n  {\n    \"a\": \"x{},\"\n  }\n]",
		`{"a":1}`:             "{\n  \"a\": 1\n}",
		"no JSON":             "no JSON",
	} {
		if got, ok := prettyJSON(text); got != want || ok != (text != "no JSON") {
			t.Errorf("%s:\n%s\nwant\n%s", text, got, want)
		}
	}
}
