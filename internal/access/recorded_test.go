package access_test

import (
	"slices"
	"testing"

	"github.com/af-auth/af-auth"
)

// Whoever was deleted is still in the record, under each id that it knows.
func TestRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := w.signIn(octocat, "octocat").User.ID
	w.run("DELETE FROM users")
	back := w.signIn(octocat, "octocat").User.ID
	hubot := w.signIn(480938, "hubot").User.ID
	w.run("DELETE FROM users WHERE login = 'hubot'")
	w.run("INSERT INTO users (id, github_user_id, login) VALUES ('00000000-0000-4000-8000-000000000001', 7, 'quiet')")
	both := []afauth.ID{gone, back}
	slices.SortFunc(both, afauth.ID.Compare)
	for ref, want := range map[string][]afauth.ID{
		"octocat": {back}, "#583231": both, gone.String(): {gone}, back.String(): {back},
		"#480938": {hubot}, hubot.String(): {hubot},
		"quiet": {{6: 0x40, 8: 0x80, 15: 1}}, // known, and nothing happened
	} {
		if got, err := w.people.Recorded(t.Context(), ref); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %s, %v, want %s", ref, got, err, want)
		}
	}
	for _, ref := range []string{"hubot", "#5", "00000000-0000-4000-8000-000000000002"} {
		_, err := w.people.Recorded(t.Context(), ref)
		fails(t, ref, err, afauth.CodeNotFound, "is known here or in the record")
	}
	_, err := w.people.Recorded(t.Context(), "hubot")
	fails(t, "a login of somebody deleted", err, afauth.CodeNotFound, "'#github-id' or UUID alone")
	_, err = w.people.Recorded(t.Context(), "")
	fails(t, "nothing", err, afauth.CodeInvalid)
}

func TestSessionPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signIn(octocat, "octocat")
	id := w.signIn(octocat, "octocat").User.ID
	first, err := w.people.SessionPage(t.Context(), id, nil, 1)
	if err != nil || len(first) != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	if n, err := w.people.CountSessions(t.Context(), id); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
}
