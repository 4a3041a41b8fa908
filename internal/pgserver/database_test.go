package pgserver

import "testing"

func TestCreateDatabase(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Dir: folder(t)})
	const name = `af "auth"`
	for range 2 { // the second time it is there
		if err := s.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if got := query(t, s.URL(name), "SELECT current_database()"); got != name {
		t.Errorf("in %q", got)
	}
}
