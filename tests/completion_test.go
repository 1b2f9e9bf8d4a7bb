package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shellRun runs a script in a shell, with this test binary as virgo.
func shellRun(t *testing.T, name, script string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("there is no %s here", name)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "virgo")); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(bin, "script")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append(args, file)...)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+bin, "VIRSH_DEFAULT_CONNECT_URI=test:///default")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestBash completes in a real bash, without the bash-completion package.
func TestBash(t *testing.T) {
	out := shellRun(t, "bash", `source <(virgo completion bash)
t() {
  COMP_LINE="$1" COMP_POINT=${#1}
  read -ra COMP_WORDS <<<"$1"
  [[ $1 == *' ' ]] && COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _virgo 2>/dev/null
  echo "$1:${COMPREPLY[*]}"
}
t 'virgo domstat'
t 'virgo dominfo '
t 'virgo -c test:///default start --force'
t 'virgo reboot test --mode=ag'
t 'virgo net-info d'
t 'virgo -c test:///de'
t 'virgo domid "te'
COMP_TYPE=63 COLUMNS=80 t 'virgo domstat'
complete -p virgo
`, "--norc")
	for _, want := range []string{"virgo dominfo :test\n", "start --force:--force-boot\n", "--mode=ag:--mode=agent\n", "net-info d:default\n",
		"virgo -c test:///de:test:///default\n", "domid \"te:test\n",
		"virgo domstat:domstate  (show a domain's state)", "complete -F _virgo virgo\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestZsh completes in a real zsh, by its own completion system, on a pseudo
// terminal.
func TestZsh(t *testing.T) {
	out := shellRun(t, "zsh", `
zmodload zsh/zpty || exit 0
zpty z zsh -f -i
zpty -w z "PS1='' ; unsetopt zle_bracketed_paste 2>/dev/null; autoload -Uz compinit; compinit -u -D; source <(virgo completion zsh); echo READY"
until zpty -r -t z line && [[ $line == *READY* && $line != *echo* ]]; do sleep 0.05; done
zpty -w -n z $'virgo dominfo te\t\n'
found=
for i in {1..100}; do
  zpty -r -t z line && found+=$line
  [[ $found == *"Security model"* ]] && break
  sleep 0.05
done
print -r -- "$found"
zpty -d z
`, "-f")
	if !strings.Contains(out, "6695eb01-f6a4-8304-79aa-97f2502e193f") {
		t.Errorf("zsh did not complete the domain's name:\n%s", out)
	}
}

// TestFish completes in a real fish.
func TestFish(t *testing.T) {
	out := shellRun(t, "fish", `virgo completion fish | source
complete -C 'virgo dominfo te'
complete -C 'virgo list --inac'
complete -C 'virgo -c test:///de'
`, "-N")
	for _, want := range []string{"test\trunning\n", "--inactive\tthose that are inactive\n", "test:///default\tmade up, in memory\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
