package signin

import (
	"time"

	"github.com/af-auth/af-auth"
)

// notice says who last signed in with this browser, so that a refused page can
// speak to somebody who has no session. It gives no access to anything.
type notice struct {
	User afauth.ID `json:"u"`
	At   time.Time `json:"at"`
}

const purposeNotice = "notice"

// NoticeLife is how long a browser is remembered in this way: a day longer than
// any session, so that whoever is revoked in its last hour is still told.
func (f *Flow) NoticeLife() time.Duration { return f.Limits.Max + 24*time.Hour }

// SealNotice makes the value for the browser to keep.
func (f *Flow) SealNotice(user afauth.ID) (string, error) {
	return f.sealer.seal(purposeNotice, notice{User: user, At: f.DB.Now()})
}

// OpenNotice returns who last signed in with the browser, if it is known.
func (f *Flow) OpenNotice(sealed string) (afauth.ID, bool) {
	var n notice
	if err := f.sealer.open(purposeNotice, sealed, &n); err != nil || f.DB.Now().Sub(n.At) > f.NoticeLife() {
		return afauth.ID{}, false
	}
	return n.User, true
}
