package shell

import "testing"

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"plain": "plain", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "X=a b": "'X=a b'", "-x=a b": "'-x=a b'", `{"a":1}`: `'{"a":1}'`, "~/x": "'~/x'", "a~": "a~",
	} {
		if got := Quote(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

func TestAssignment(t *testing.T) {
	for word, want := range map[string]string{"X=1": "X=1", "X=": "X=''", "X=a b": "X='a b'", "X=~": "X='~'", "a b=c": "'a b=c'", "a b": "'a b'"} {
		if got := Assignment(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
	if got, want := JoinEnv([]string{"X=a b"}, []string{"p", "Y=a b"}), "X='a b' p 'Y=a b'"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
