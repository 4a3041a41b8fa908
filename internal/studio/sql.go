package studio

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/page"
)

const (
	// sqlTime is how long a typed statement may take, unless one of the other
	// limits is chosen.
	sqlTime = 5 * time.Second
	// sqlRows is how many rows of an answer are shown.
	sqlRows = 500
)

func sqlLimits() []time.Duration {
	return []time.Duration{time.Second, sqlTime, 15 * time.Second, 30 * time.Second, time.Minute}
}

// typed is a statement as the box has sent it.
type typed struct {
	session afauth.TokenHash
	text    string
	// prefix is put before it: EXPLAIN.
	prefix string
	run    string
	limit  time.Duration
	write  bool
}

// confirmations are statements that write and wait for a second look. What runs
// is what was shown: the text stays here, and a token runs it once.
type confirmations struct {
	mu      sync.Mutex
	waiting map[afauth.TokenHash]typed
}

func (c *confirmations) add(t typed) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil || len(c.waiting) >= maxKeys {
		c.waiting = make(map[afauth.TokenHash]typed)
	}
	token := afauth.NewToken()
	c.waiting[token.Hash()] = t
	return token.Reveal()
}

func (c *confirmations) take(token string, session afauth.TokenHash) (typed, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	hash := afauth.Token(token).Hash()
	t, ok := c.waiting[hash]
	if !ok || t.session != session {
		return typed{}, false
	}
	delete(c.waiting, hash)
	return t, true
}

// sql shows the box.
func (s *Server) sql(w http.ResponseWriter, r *http.Request) error {
	st, err := s.standing(r.Context())
	if err != nil {
		return err
	}
	s.send(w, r, http.StatusOK, s.sqlPage(r, st, typed{limit: sqlTime}))
	return nil
}

// standing asks who the box would run statements as, and what speaks against it.
func (s *Server) standing(ctx context.Context) (*standing, error) {
	if s.sqlBox == nil {
		return &standing{why: []string{"the URL leads through PgBouncer, which hands what a statement leaves in its session to others"}}, nil
	}
	var st *standing
	err := s.sqlBox.Check(ctx, s.PageTime, func(tx *database.Tx) (err error) {
		st, err = s.stand(ctx, tx)
		return err
	})
	return st, err
}

// stand is standing inside a transaction of the box.
func (s *Server) stand(ctx context.Context, tx *database.Tx) (*standing, error) {
	db, err := catalog.Load(ctx, tx, s.Masks)
	if err != nil {
		return nil, err
	}
	rights, err := db.Rights(ctx, tx)
	if err != nil {
		return nil, err
	}
	return s.judge(db, rights), nil
}

// runSQL runs what was typed, or shows it once more where it may write.
func (s *Server) runSQL(w http.ResponseWriter, r *http.Request) error {
	session, ok := s.door.session(r)
	if !ok {
		return errDoor
	}
	if err := r.ParseForm(); err != nil {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "the form cannot be read", Hint: "a statement has 60 kB at most", Err: err}
	}
	form := r.PostForm
	t := typed{session: session, text: form.Get("statement"), run: form.Get("run"), limit: limitOf(form.Get("limit"))}
	confirmed := form.Get("confirm") != ""
	switch {
	case confirmed:
		if t, ok = s.toConfirm.take(form.Get("confirm"), session); !ok {
			return &afauth.Error{Code: afauth.CodeInvalid, Message: "this statement was run already, or was shown too long ago", Hint: "nothing was run now; type it again where it is wanted"}
		}
		t.run = form.Get("run")
	case form.Get("do") == "explain":
		t.prefix = "EXPLAIN "
	case form.Get("do") == "analyze":
		t.prefix = "EXPLAIN (ANALYZE, BUFFERS) "
	default:
		t.write = form.Get("write") == "on" && s.SQLWrites && !s.ReadOnly
	}
	if t.write && !confirmed {
		return s.confirmSQL(w, r, t)
	}
	return s.answerSQL(w, r, t)
}

func limitOf(word string) time.Duration {
	seconds, err := strconv.Atoi(word)
	if limit := time.Duration(seconds) * time.Second; err == nil {
		for _, known := range sqlLimits() {
			if known == limit {
				return limit
			}
		}
	}
	return sqlTime
}

// confirmSQL shows a statement that writes before it runs.
func (s *Server) confirmSQL(w http.ResponseWriter, r *http.Request, t typed) error {
	st, err := s.standing(r.Context())
	if err != nil {
		return err
	}
	v := s.sqlPage(r, st, t)
	status := http.StatusOK
	switch refused := refusedText(t.text); {
	case v.Off != nil || len(st.noWrites) > 0:
		status = http.StatusForbidden
	case refused != nil:
		v.Fault, status = refused, http.StatusUnprocessableEntity
	default:
		v.Confirm = &page.SQLConfirm{Statement: t.text, Token: s.toConfirm.add(t), Run: v.Run, Recorded: s.Audit != nil}
		v.Say = "Look at the statement before it runs."
	}
	s.send(w, r, status, v)
	return nil
}

// Statements that were refused by what stands around them.
var (
	errOff      = errors.New("the box is off")
	errNoWrites = errors.New("the box does not write")
)

// answerSQL runs a statement and shows what came back.
func (s *Server) answerSQL(w http.ResponseWriter, r *http.Request, t typed) error {
	if s.sqlBox == nil {
		return s.sql(w, r)
	}
	// The server's own limits are for pages, which take less.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2*t.limit + time.Minute))
	var st *standing
	if refused := refusedText(t.text); refused != nil {
		var err error
		if st, err = s.standing(r.Context()); err != nil {
			return err
		}
		v := s.sqlPage(r, st, t)
		v.Fault = refused
		s.send(w, r, http.StatusUnprocessableEntity, v)
		return nil
	}
	var columns []*catalog.Column
	answer, err := s.sqlBox.Run(r.Context(), database.Job{
		ID: runID(t.session, t.run), SQL: t.prefix + t.text, Write: t.write, Limit: t.limit, Rows: sqlRows,
		Before: func(tx *database.Tx) (err error) {
			// Rights may have changed since the page was drawn.
			if st, err = s.stand(r.Context(), tx); err != nil {
				return err
			}
			return s.permit(r.Context(), tx, st, t)
		},
		Described: func(tx *database.Tx, fields []database.Field) (err error) {
			columns, err = catalog.Answered(r.Context(), tx, fields)
			return err
		},
	})
	if st == nil { // it was not even asked
		if err != nil && !errors.Is(err, database.ErrBusy) && !errors.Is(err, database.ErrCancelled) {
			return err
		}
		if st, err = s.busy(r.Context(), err); st == nil {
			return err
		}
	}
	v := s.sqlPage(r, st, t)
	if err != nil {
		status := http.StatusForbidden
		if !errors.Is(err, errOff) && !errors.Is(err, errNoWrites) {
			v.Fault, status = sqlFault(t, st.db, err)
			v.Say = v.Fault.Title + ". " + v.Fault.Text
		}
		s.send(w, r, status, v)
		return nil
	}
	v.Result = sqlResult(t, columns, answer)
	v.Say = v.Result.Said
	s.send(w, r, http.StatusOK, v)
	return nil
}

// busy is the page's standing where a statement was turned away at once.
func (s *Server) busy(ctx context.Context, turned error) (*standing, error) {
	st, err := s.standing(ctx)
	if err != nil {
		return nil, err
	}
	return st, turned
}

// permit lets a statement run, in its own transaction, and records one that
// writes before it does: what ends the transaction early ends the record too.
func (s *Server) permit(ctx context.Context, tx *database.Tx, st *standing, t typed) error {
	switch {
	case len(st.why) > 0:
		return errOff
	case !t.write:
		return nil
	case len(st.noWrites) > 0 || !s.SQLWrites || s.ReadOnly:
		return errNoWrites
	}
	// The record is found as in any session of this user.
	if err := tx.Home(ctx); err != nil {
		return err
	}
	if s.Begin != nil {
		if err := s.Begin(ctx, tx.Pgx()); err != nil {
			return err
		}
	}
	if s.Audit == nil {
		return nil
	}
	return s.Audit(ctx, tx.Pgx(), Change{Kind: "sql", Statement: t.text})
}

// runID names a run among those of all sessions.
func runID(session afauth.TokenHash, run string) string {
	if run == "" || len(run) > 64 {
		return ""
	}
	return hex.EncodeToString(session[:]) + run
}

// cancelSQL stops a statement of the same session in PostgreSQL.
func (s *Server) cancelSQL(w http.ResponseWriter, r *http.Request) error {
	session, ok := s.door.session(r)
	if !ok {
		return errDoor
	}
	if err := r.ParseForm(); err != nil {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "the form cannot be read"}
	}
	if id := runID(session, r.PostForm.Get("run")); s.sqlBox != nil && id != "" {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		s.sqlBox.Cancel(ctx, id)
	}
	w.WriteHeader(http.StatusNoContent) // the page that waits is told by its own answer
	return nil
}

// refusedText refuses what the box cannot carry, before anybody is asked.
func refusedText(sql string) *page.SQLFault {
	switch {
	case strings.TrimSpace(sql) == "":
		return &page.SQLFault{Title: "Nothing to run", Text: "The box is empty."}
	case strings.ContainsRune(sql, 0):
		return &page.SQLFault{Title: "Not run", Text: "The statement holds a zero byte, which PostgreSQL's text cannot."}
	case firstWord(sql) == "COPY":
		return &page.SQLFault{Title: "Not run", Text: "COPY sends a stream, which the box does not carry.", Hint: "SELECT shows the rows; psql has \\copy."}
	}
	return nil
}

// firstWord is the statement's first word in capitals, behind comments.
func firstWord(sql string) string {
	for {
		sql = strings.TrimLeft(sql, " \t\r\n\f\v;(")
		switch {
		case strings.HasPrefix(sql, "--"):
			_, sql, _ = strings.Cut(sql, "\n")
		case strings.HasPrefix(sql, "/*"):
			_, sql, _ = strings.Cut(sql, "*/")
		default:
			end := strings.IndexFunc(sql, func(c rune) bool { return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') })
			if end < 0 {
				end = len(sql)
			}
			return strings.ToUpper(sql[:end])
		}
	}
}
