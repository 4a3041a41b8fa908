package githubsim

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// panelView is the simulator's own page.
type panelView struct {
	Problem string
	Form    url.Values // what was sent, shown again when it was refused
	Kinds   []FaultKind
	Doors   []string
	Faults  []armedView
	People  []personView
	Calls   []callView
}

type armedView struct {
	Kind   FaultKind
	Left   int
	Path   string
	Detail string
}

type personView struct {
	User
	Email string
	Live  int
}

type callView struct {
	Path string
	N    int
}

// doors are the servers' doors that a fault can be limited to.
var doors = []string{
	"/login/oauth/access_token", "/api/v3/user", "/api/v3/user/emails", "/api/v3/users/{login}",
	"/api/v3/user/{id}", "/api/v3/applications/{client_id}/token", "/api/v3/applications/{client_id}/grant",
}

func (s *Sim) panel(w http.ResponseWriter, _ *http.Request) {
	s.showPanel(w, http.StatusOK, "", url.Values{})
}

func (s *Sim) showPanel(w http.ResponseWriter, status int, problem string, form url.Values) {
	v := panelView{Problem: problem, Form: form, Kinds: FaultKinds(), Doors: doors}
	s.mu.Lock()
	now := s.o.Now()
	live := map[int64]int{}
	for _, t := range s.order {
		if t.alive(now) {
			live[t.userID]++
		}
	}
	for i := len(s.people) - 1; i >= 0; i-- {
		p := s.people[i]
		if i < 2 || len(v.People) < 50 {
			v.People = append(v.People, personView{User: p.User, Email: p.addresses()[0].Address, Live: live[p.ID]})
		}
	}
	slices.Reverse(v.People)
	for _, f := range s.faults {
		v.Faults = append(v.Faults, armedView{Kind: f.Kind, Left: f.Left, Path: f.Path, Detail: f.detail()})
	}
	for _, path := range slices.Sorted(maps.Keys(s.calls)) {
		v.Calls = append(v.Calls, callView{path, s.calls[path]})
	}
	s.mu.Unlock()
	s.page.render(w, status, "panel.html", "", v)
}

// detail says what is particular about this fault.
func (f Fault) detail() string {
	switch f.Kind {
	case Latency:
		return f.Latency.String()
	case ServerError:
		return strconv.Itoa(f.Status)
	case RateLimited:
		return strconv.Itoa(f.Status) + ", retry after " + f.RetryAfter.String()
	case Clock:
		return f.Offset.String()
	case Renamed:
		return f.Login + " to " + f.To
	case Reclaimed, Revoked:
		return f.Login
	}
	return ""
}

// form reads a POST of the panel.
func (s *Sim) form(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		s.showPanel(w, http.StatusBadRequest, "The form cannot be read. Send it as a form of at most 64 KiB.", url.Values{})
		return nil, false
	}
	for name := range r.PostForm {
		r.PostForm.Set(name, strings.TrimSpace(r.PostForm.Get(name)))
	}
	return r.PostForm, true
}

// panelFaults takes kind, calls, path, latency, status, retry_after, offset,
// login and to. Durations are Go's, for instance 1m30s. kind=clear takes all
// waiting faults back.
func (s *Sim) panelFaults(w http.ResponseWriter, r *http.Request) {
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	if form.Get("kind") == "clear" {
		s.ClearFaults()
		http.Redirect(w, r, "/_sim", http.StatusSeeOther)
		return
	}
	f := Fault{Kind: FaultKind(form.Get("kind")), Path: form.Get("path"), Login: form.Get("login"), To: form.Get("to")}
	calls, wrong := 1, ""
	number := func(name string, into *int) {
		if v := form.Get(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil {
				wrong = name + " is not a whole number"
			}
			*into = n
		}
	}
	duration := func(name string, into *time.Duration) {
		if v := form.Get(name); v != "" {
			d, err := time.ParseDuration(v)
			if err != nil {
				wrong = name + " is not a duration such as 10s or 1h30m"
			}
			*into = d
		}
	}
	number("calls", &calls)
	number("status", &f.Status)
	duration("latency", &f.Latency)
	duration("retry_after", &f.RetryAfter)
	duration("offset", &f.Offset)
	if wrong == "" {
		if err := s.arm(calls, f); err != nil {
			wrong = err.Error()
		}
	}
	if wrong != "" {
		s.showPanel(w, http.StatusUnprocessableEntity, "Nothing was set: "+wrong+".", form)
		return
	}
	http.Redirect(w, r, "/_sim", http.StatusSeeOther)
}

// panelPeople takes do=add (login, name), do=rename (login, to),
// do=reclaim (login) and do=revoke (login), which happen at once.
func (s *Sim) panelPeople(w http.ResponseWriter, r *http.Request) {
	form, ok := s.form(w, r)
	if !ok {
		return
	}
	var err error
	login := form.Get("login")
	switch form.Get("do") {
	case "add":
		_, err = s.AddUser(User{Login: login, Name: form.Get("name")})
	case "rename":
		err = s.Rename(login, form.Get("to"))
	case "reclaim":
		_, err = s.Reclaim(login)
	case "revoke":
		err = s.RevokeGrant(login)
	default:
		err = errFault
	}
	if err != nil {
		s.showPanel(w, http.StatusUnprocessableEntity, "Nothing was changed: "+err.Error()+".", form)
		return
	}
	http.Redirect(w, r, "/_sim", http.StatusSeeOther)
}
