package page

import (
	"encoding/json"
	"strings"
	"time"

	afauth "github.com/af-auth/af-auth"
)

// EventWords says what happened, and the details worth knowing. Details that
// cannot be read are left out.
func EventWords(e afauth.Event) (what, details string) {
	var d struct {
		Host   string
		Was    afauth.Access
		Until  *time.Time
		Apps   *[]string
		Access afauth.Access
	}
	_ = json.Unmarshal(e.Details, &d)
	var more []string
	if d.Until != nil {
		more = append(more, "until "+utc(*d.Until))
	}
	if d.Apps != nil && len(*d.Apps) > 0 {
		more = append(more, "for "+strings.Join(*d.Apps, ", "))
	}
	switch e.Kind {
	case afauth.EventSignedIn:
		return "Signed in", d.Host
	case afauth.EventSignInRefused:
		return "Sign-in refused", d.Host
	case afauth.EventAccessAllowed:
		return "Allowed", strings.Join(more, ", ")
	case afauth.EventAccessChanged:
		return "Access changed", strings.Join(more, ", ")
	case afauth.EventAccessRevoked:
		return "Access revoked", ""
	case afauth.EventAccessRefused:
		return "Refused", ""
	case afauth.EventSessionEnded:
		return "Session ended", d.Host
	case afauth.EventUserDeleted:
		return "Removed", ""
	default:
		return string(e.Kind), ""
	}
}
