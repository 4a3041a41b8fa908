package config

import (
	"strings"
	"testing"
)

func TestParseEnvFile(t *testing.T) {
	t.Parallel()
	text := "\ufeff# comment\r\n" + `
A=plain
export B = spaced out   # comment
  C='single $HOME "kept" \n # no comment' # comment
D="double \"q\" \\ \$X\n\tend"
E=
F=a#b
G=# only a comment
H=''
exported=yes
I=${A}
J=it's
` + "K=tab\t# comment"
	got, faults := parseEnvFile("f", []byte(text))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := map[string]string{
		"A": "plain", "B": "spaced out", "C": `single $HOME "kept" \n # no comment`, "D": "double \"q\" \\ $X\n\tend",
		"E": "", "F": "a#b", "G": "", "H": "", "exported": "yes", "I": "${A}", "J": "it's", "K": "tab",
	}
	if len(got) != len(want) {
		t.Errorf("%d settings, want %d", len(got), len(want))
	}
	for name, text := range want {
		if got[name].text != text {
			t.Errorf("%s is %q, want %q", name, got[name].text, text)
		}
	}
	if got["A"].where != "f:3" || got["A"].source != "f" {
		t.Errorf("A stands at %q in %q", got["A"].where, got["A"].source)
	}
}

func TestParseEnvFileRefuses(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"canary", "1A=canary", "A B=canary", "=canary", "A='canary", `A="canary`, `A="canary\`, `A="can\xary"`, `A="canary" x`, "A='canary'x",
		"A=canary\x00", "A=canary\xff", "A.B=canary", "export=canary canary\x01", "B=canary", "expörtA=canary",
	} {
		_, faults := parseEnvFile("f", []byte("B=1\n"+line+"\n"))
		if len(faults) != 1 || faults[0].Source != "f:2" || faults[0].Hint == "" {
			t.Errorf("%q gives %v", line, faults)
		}
		if strings.Contains(faults.Error(), "canary") {
			t.Errorf("%q is shown: %v", line, faults)
		}
	}
}

func FuzzParseEnvFile(f *testing.F) {
	for _, seed := range []string{"A=b", "export A='b' # c", `A="\n\"" x`, "A=1\nA=2", "\ufeff#\r\nA = b # c", "A='", "=\x00"} {
		f.Add(seed, "some value of a secret")
	}
	f.Fuzz(func(t *testing.T, text, secret string) {
		_, faults := parseEnvFile("f", []byte(text))
		for _, fault := range faults {
			if fault.Problem == "" || fault.Hint == "" || !strings.HasPrefix(fault.Source, "f:") {
				t.Errorf("a poor fault: %+v", fault)
			}
		}
		// A value in double quotes comes back as it was.
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(secret)
		got, faults := parseEnvFile("f", []byte(`A="`+quoted+`"`))
		if len(faults) == 0 && got["A"].text != secret {
			t.Errorf("%q came back as %q", secret, got["A"].text)
		}
		// A bad line shows nothing of its value, however it is quoted.
		if len(secret) < 12 {
			return
		}
		for _, line := range []string{"A='" + secret, `A="` + secret, "A B=" + secret, "A=x\nA=" + secret, "A='x'" + secret} {
			_, faults := parseEnvFile("f", []byte(line))
			for _, fault := range faults {
				shown := fault.Problem + fault.Source
				if strings.Contains(shown, secret) {
					t.Errorf("%q is shown: %v", secret, fault)
				}
			}
		}
	})
}
