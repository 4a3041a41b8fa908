package telemetry

import (
	"context"
	"io"
	"log/slog"
	"slices"
)

// requestIDKey is the attribute that ties log lines to a request and to the
// reference on an error page.
const requestIDKey = "request_id"

// NewLogger returns a logger that writes lines of at least the given level to
// w: JSON objects where format is "json", key=value text otherwise.
//
// Secrets are replaced in messages, attributes, errors and groups. A context
// that holds a request id (WithRequestID) adds it to its lines, at the top
// level whatever groups are open.
func NewLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: redactAttr}
	if format == "json" {
		return slog.New(&handler{root: slog.NewJSONHandler(w, options)})
	}
	return slog.New(&handler{root: slog.NewTextHandler(w, options)})
}

// handler adds the request id. Attributes and groups are kept as steps and
// applied to root for each line, because root, once it stands inside a group,
// can only add there.
type handler struct {
	root  slog.Handler
	steps []func(slog.Handler) slog.Handler
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.root.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	out := h.root
	if id := RequestID(ctx); id != "" {
		out = out.WithAttrs([]slog.Attr{slog.String(requestIDKey, id)})
	}
	for _, step := range h.steps {
		out = step(out)
	}
	return out.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.with(func(out slog.Handler) slog.Handler { return out.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(func(out slog.Handler) slog.Handler { return out.WithGroup(name) })
}

// with returns a copy with one more step. Clip keeps two loggers made from the
// same one from sharing the tail of a slice.
func (h *handler) with(step func(slog.Handler) slog.Handler) *handler {
	return &handler{root: h.root, steps: append(slices.Clip(h.steps), step)}
}
