package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/access"
	"github.com/af-auth/af-auth/internal/web/page"
)

const (
	toastCookie = "af_auth_done"
	toastLife   = time.Minute
)

// What can have been done. The cookie holds one of these, whom it was done to and
// a number: words come from here alone, so no link can put some on a page.
const (
	doneAllowed    = "allowed"
	doneAlready    = "already"
	doneRefused    = "refused"
	doneRevoked    = "revoked"
	doneUnheard    = "revoked-unheard"
	doneSignOut    = "signed-out"
	doneOutUnheard = "signed-out-unheard"
	doneLowered    = "allowed-unheard"
	doneSession    = "session"
	doneOneUnheard = "session-unheard"
	doneNothing    = "overtaken"
	doneNoSuch     = "no-session"
	toastDivider   = "."
)

// leaveToast has the next page say what was done.
func (s *Server) leaveToast(w http.ResponseWriter, what string, to afauth.ID, n int) {
	s.setCookie(w, s.Origin.Host, toastCookie, "", strings.Join([]string{what, to.String(), strconv.Itoa(n)}, toastDivider), toastLife)
}

// takeToast is what was done before this page, in a sentence, once.
func (s *Server) takeToast(w http.ResponseWriter, r *http.Request) string {
	value, ok := s.cookie(r, s.Origin.Host, toastCookie, "")
	if !ok || r.Method != http.MethodGet {
		return ""
	}
	s.setCookie(w, s.Origin.Host, toastCookie, "", "", -1)
	parts := strings.Split(value, toastDivider)
	if len(parts) != 3 {
		return ""
	}
	id, err := afauth.ParseID(parts[1])
	n, notNumber := strconv.ParseUint(parts[2], 10, 31)
	if err != nil || notNumber != nil {
		return ""
	}
	p, err := s.People.Get(r.Context(), id)
	if err != nil {
		if !errors.Is(err, afauth.ErrNotFound) {
			s.Logger.DebugContext(r.Context(), "what was done is not told", "error", err)
		}
		return ""
	}
	return told(parts[0], p, int(n))
}

// told is what was done, in a sentence; empty for a word that is none of ours.
func told(what string, p access.Person, n int) string {
	name, ended := page.Plain(page.PersonOf(p.User).Display()), page.Count(n, "session")+" ended."
	switch what {
	case doneAllowed, doneLowered:
		if p.Access() != afauth.Allowed {
			return ""
		}
		end := ", without an end date."
		if p.Until != nil {
			end = ", " + page.Moment{At: *p.Until, Now: p.Now}.Ends() + "."
		}
		if what == doneLowered {
			end += unheard
		}
		return name + " is allowed" + end
	case doneAlready:
		return name + " was allowed just so already. Nothing was changed."
	case doneRefused:
		return name + " is refused."
	case doneRevoked:
		return "Access of " + name + " is revoked: " + ended
	case doneUnheard:
		return "Access of " + name + " is revoked: " + ended + unheard
	case doneOutUnheard:
		return name + " is signed out: " + ended + unheard
	case doneSignOut:
		return name + " is signed out: " + ended
	case doneSession:
		return "A session of " + name + " ended."
	case doneOneUnheard:
		return "A session of " + name + " ended." + unheard
	case doneNoSuch:
		return "That session of " + name + " had ended already."
	case doneNothing:
		return "Somebody else decided about " + name + " before you. Nothing was changed."
	default:
		return ""
	}
}

// unheard is said where a server did not confirm.
const unheard = " A server has not confirmed it yet; it decides nothing from memory. /ready on it says why."
