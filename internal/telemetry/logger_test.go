package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/af-auth/af-auth/internal/telemetry"
)

// valuer is a type that says what a log may show of it, and says too much.
type valuer struct{ text string }

func (v valuer) LogValue() slog.Value {
	return slog.GroupValue(slog.String("token", v.text), slog.String("note", "gho_"+v.text))
}

// stringer is a type with a String method.
type stringer struct{ text string }

func (s *stringer) String() string { return s.text }

// failure is an error type whose nil pointer panics.
type failure struct{ text string }

func (f *failure) Error() string { return f.text }

type account struct {
	Name     string
	Password string
	Inner    map[string]any
}

// leaks plants the canary in every way that a line can carry it.
func leaks() map[string]func(*slog.Logger) {
	token := "gho_" + canary
	return map[string]func(*slog.Logger){
		"message":         func(l *slog.Logger) { l.Info("got " + token) },
		"text":            func(l *slog.Logger) { l.Info("m", "body", "postgres://u:"+canary+"@db") },
		"name":            func(l *slog.Logger) { l.Info("m", "cookie", canary) },
		"name of a group": func(l *slog.Logger) { l.Info("m", slog.Group("secrets", "a", canary)) },
		"open group":      func(l *slog.Logger) { l.WithGroup("ticket").Info("m", "a", canary) },
		"deep group":      func(l *slog.Logger) { l.Info("m", slog.Group("a", slog.Group("b", "nonce", canary))) },
		"kept attribute":  func(l *slog.Logger) { l.With("verifier", canary).Info("m") },
		"built-in names":  func(l *slog.Logger) { l.Info("m", "time", token, "level", token, "msg", token) },
		"error":           func(l *slog.Logger) { l.Info("m", "error", fmt.Errorf("asking: %w", errors.New(token))) },
		"valuer":          func(l *slog.Logger) { l.Info("m", "v", valuer{canary}) },
		"stringer":        func(l *slog.Logger) { l.Info("m", "v", &stringer{token}) },
		"struct":          func(l *slog.Logger) { l.Info("m", "v", account{Name: token, Password: canary}) },
		"pointer":         func(l *slog.Logger) { l.Info("m", "v", &account{Inner: map[string]any{"state": canary}}) },
		"map":             func(l *slog.Logger) { l.Info("m", "v", map[string]string{"code": canary, token: "x"}) },
		"list":            func(l *slog.Logger) { l.Info("m", "v", []string{token}) },
		"headers":         func(l *slog.Logger) { l.Info("m", "v", http.Header{"Authorization": {"Bearer " + canary}}) },
		"request":         func(l *slog.Logger) { l.Info("m", "v", &http.Request{Header: http.Header{"Cookie": {canary}}}) },
		"user info":       func(l *slog.Logger) { l.Info("m", "v", url.UserPassword("u", canary)) },
		"url": func(l *slog.Logger) {
			l.Info("m", "v", &url.URL{Scheme: "postgres", User: url.UserPassword("u", canary)})
		},
		"bytes":       func(l *slog.Logger) { l.Info("m", "v", []byte(token)) },
		"raw json":    func(l *slog.Logger) { l.Info("m", "v", json.RawMessage(`{"access_token":"`+canary+`"}`)) },
		"broken json": func(l *slog.Logger) { l.Info("m", "v", json.RawMessage(`{"access_token":"`+canary)) },
	}
}

func TestLoggerKeepsSecrets(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		for name, leak := range leaks() {
			t.Run(format+"/"+name, func(t *testing.T) {
				t.Parallel()
				var out bytes.Buffer
				leak(telemetry.NewLogger(&out, format, slog.LevelDebug))
				if strings.Contains(out.String(), canary) {
					t.Errorf("the secret is in the log: %s", &out)
				}
				if strings.Count(out.String(), "\n") != 1 {
					t.Errorf("want one line, got %q", &out)
				}
			})
		}
	}
}

func TestLoggerShowsTheRest(t *testing.T) {
	t.Parallel()
	var none *failure
	for _, test := range []struct {
		name string
		attr slog.Attr
		want string // the attribute in the JSON line
	}{
		{"text", slog.String("user", "octocat"), `"user":"octocat"`},
		{"number", slog.Int64("github_id", 583231), `"github_id":583231`},
		{"count under a secret's name", slog.Int("tokens", 3), `"tokens":3`},
		{"duration", slog.Duration("took", time.Second), `"took":"1s"`},
		{"time under a secret's name", slog.Time("token_expires_at", time.Unix(0, 0).UTC()), `"token_expires_at":"1970-01-01T00:00:00Z"`},
		{"error", slog.Any("error", errors.New("refused")), `"error":"refused"`},
		{"error that is nil inside", slog.Any("error", none), `"error":"[*telemetry_test.failure that cannot be shown]"`},
		{"nil", slog.Any("v", nil), `"v":null`},
		{"bytes", slog.Any("v", []byte("abc")), `"v":"[3 bytes]"`},
		{"struct", slog.Any("v", account{Name: "a"}), `"v":{"Inner":null,"Name":"a","Password":"[redacted]"}`},
		{"big number", slog.Any("v", []uint64{1<<63 + 1}), `"v":[9223372036854775809]`},
		{"not JSON", slog.Any("v", func() {}), `"v":"[func() that cannot be shown]"`},
		{"group", slog.Group("pool", "state", "full", "size", 10), `"pool":{"state":"[redacted]","size":10}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			telemetry.NewLogger(&out, "json", slog.LevelInfo).LogAttrs(t.Context(), slog.LevelInfo, "m", test.attr)
			if !strings.Contains(out.String(), test.want) {
				t.Errorf("got %s\nwant %s in it", &out, test.want)
			}
		})
	}
}

func TestLoggerTextFormat(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := telemetry.NewLogger(&out, "text", slog.LevelInfo)
	l.Debug("not shown")
	l.Warn("careful", "v", map[string]string{"password": "x", "user": "app"}, "text", "two\nlines")
	line := out.String()
	for _, want := range []string{"level=WARN", "msg=careful", `"{\"password\":\"[redacted]\",\"user\":\"app\"}"`, `text="two\nlines"`} {
		if !strings.Contains(line, want) {
			t.Errorf("got %s\nwant %s in it", line, want)
		}
	}
	if strings.Count(line, "\n") != 1 {
		t.Errorf("a stranger's line break made a line of its own: %q", line)
	}
}

func TestLoggerAddsTheRequestID(t *testing.T) {
	t.Parallel()
	ctx := telemetry.WithRequestID(t.Context(), "7QX2-M4KD")
	for _, test := range []struct {
		name string
		with func(*slog.Logger) *slog.Logger
		ctx  context.Context
		want string // the line after its message
	}{
		{"none", func(l *slog.Logger) *slog.Logger { return l }, t.Context(), `,"a":1}`},
		{"plain", func(l *slog.Logger) *slog.Logger { return l }, ctx, `,"request_id":"7QX2-M4KD","a":1}`},
		{"attributes", func(l *slog.Logger) *slog.Logger { return l.With("b", 2).With() }, ctx, `,"request_id":"7QX2-M4KD","b":2,"a":1}`},
		{"in a group", func(l *slog.Logger) *slog.Logger { return l.WithGroup("g").With("b", 2).WithGroup("") }, ctx,
			`,"request_id":"7QX2-M4KD","g":{"b":2,"a":1}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			l := test.with(telemetry.NewLogger(&out, "json", slog.LevelInfo))
			l.InfoContext(test.ctx, "m", "a", 1)
			if got := strings.TrimSpace(out.String()); !strings.HasSuffix(got, `"msg":"m"`+test.want) {
				t.Errorf("got %s\nwant it to end in %s", got, test.want)
			}
		})
	}
}

// Two loggers made from one must not see each other's attributes.
func TestLoggersDoNotMix(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	base := telemetry.NewLogger(&out, "json", slog.LevelInfo).With("a", 1).With("b", 2).With("c", 3)
	left, right := base.With("side", "left"), base.With("side", "right")
	left.Info("m")
	right.Info("m")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "left") || !strings.Contains(lines[1], "right") {
		t.Errorf("got %s", &out)
	}
}

// One thing is one line: a length of time has its unit in both formats, and a
// cause that a driver wrote over several lines is joined.
func TestLoggerWritesPlainValues(t *testing.T) {
	t.Parallel()
	cause := errors.New("failed to connect to `user=af`:\n\t[::1]:5432 (localhost): refused\n\t127.0.0.1:5432 (localhost): refused\r\n\t127.0.0.1:5432 (localhost): refused\n")
	for format, want := range map[string][]string{
		"json": {`"took":"1.5s"`, `"deep":{"wait":"250ms"}`, `"token_age":"2h0m0s"`,
			"\"error\":\"connecting: failed to connect to `user=af`: [::1]:5432 (localhost): refused; 127.0.0.1:5432 (localhost): refused\""},
		"text": {`took=1.5s`, `deep.wait=250ms`, `token_age=2h0m0s`,
			"error=\"connecting: failed to connect to `user=af`: [::1]:5432 (localhost): refused; 127.0.0.1:5432 (localhost): refused\""},
	} {
		var out bytes.Buffer
		telemetry.NewLogger(&out, format, slog.LevelInfo).Info("m", "took", 1500*time.Millisecond,
			slog.Group("deep", "wait", 250*time.Millisecond), "token_age", 2*time.Hour, "error", fmt.Errorf("connecting: %w", cause))
		for _, part := range want {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s: no %s in %s", format, part, &out)
			}
		}
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                    "",
		"plain":               "plain",
		" as it is ":          " as it is ",
		"a:\n\tb\n\tc\n":      "a: b; c",
		"a\r\nb\rc":           "a; b; c",
		"a: x\nx\n\n  \nb\na": "a: x; b",
		"\n":                  "",
	} {
		if got := telemetry.OneLine(text); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", text, got, want)
		}
	}
}
