package shell

import "testing"

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"plain": "plain", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "X=a b": "X='a b'", "-x=a b": "'-x=a b'", `{"a":1}`: `'{"a":1}'`, "~/x": "'~/x'", "a~": "a~",
	} {
		if got := Quote(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
