package studio

import (
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/af-auth/af-auth/internal/studio/catalog"
)

// standing is what the box may do, as the rights are now.
type standing struct {
	db   *catalog.Database
	role string
	// why says what keeps the box off, noWrites what keeps it from writing; none:
	// nothing does.
	why, noWrites []string
	// mend are the statements that make it work, start the flag to start with.
	mend  []string
	start string
}

// startAs is the command that starts studio with another user for the box, on the
// same server: by the host of the URL, or by its socket.
func (s *Server) startAs(role, database string) string {
	to := url.URL{Scheme: "postgres", User: url.User(role), Host: "localhost", Path: "/" + database}
	if given, err := url.Parse(s.URL.Redacted()); err == nil {
		kept := url.Values{}
		for _, name := range []string{"host", "port"} {
			if v := given.Query().Get(name); v != "" {
				kept.Set(name, v)
			}
		}
		to.Host, to.RawQuery = given.Host, kept.Encode()
	}
	if to.RawQuery != "" {
		return "af-auth db studio --sql-url '" + to.String() + "'"
	}
	return "af-auth db studio --sql-url " + to.String()
}

// judge decides whether statements may run as this user. The user that logs in
// has to be harmless by itself: a role that is put on can be taken off by the
// statement.
func (s *Server) judge(db *catalog.Database, r *catalog.Rights) *standing {
	st := &standing{db: db, role: r.Session}
	// A superuser may do all of it: one reason says enough.
	who := "the user " + r.Session
	if r.Superuser {
		st.why = append(st.why, who+" is a superuser: it reads every column, and the files of the server")
	} else {
		for _, power := range r.Powers {
			st.why = append(st.why, "the role "+power)
		}
		for _, role := range r.Unseen {
			st.why = append(st.why, who+" can become "+role+", which has rights of its own")
		}
		if len(r.Reads) > 0 {
			st.why = append(st.why, who+" may read what is masked: "+strings.Join(r.Reads, ", "))
		}
		if len(r.Owns) > 0 {
			st.why = append(st.why, who+" owns tables with masked columns, and may give itself rights on them: "+strings.Join(r.Owns, ", "))
		}
	}
	own := len(st.why) > 0 // another user is needed
	if len(r.Definers) > 0 && !r.Superuser {
		st.why = append(st.why, who+" may run functions that have the rights of somebody else: "+strings.Join(r.Definers, ", "))
	}
	if own {
		st.mend = readRole(db)
		st.start = s.startAs(readRoleName(db), db.Name)
	}
	grantee := pgx.Identifier{r.Session}.Sanitize()
	if own {
		grantee = pgx.Identifier{readRoleName(db)}.Sanitize()
	}
	borrowed := r.Definers
	if own {
		borrowed = r.Public
	}
	for _, f := range borrowed {
		st.mend = append(st.mend, "REVOKE EXECUTE ON FUNCTION "+f+" FROM PUBLIC, "+grantee+";")
	}
	if len(r.Changes) > 0 {
		st.noWrites = append(st.noWrites, who+" may write what is masked: "+strings.Join(r.Changes, ", "))
	}
	for _, place := range r.Creates {
		st.noWrites = append(st.noWrites, who+" may make objects in "+place+"; REVOKE CREATE ON "+strings.ToUpper(place[:strings.IndexByte(place, ' ')])+place[strings.IndexByte(place, ' '):]+" FROM PUBLIC, "+grantee)
	}
	return st
}

func readRoleName(db *catalog.Database) string { return db.Name + "_read" }

// readRole are the statements that make a user which may read all but what is
// masked.
func readRole(db *catalog.Database) []string {
	role := pgx.Identifier{readRoleName(db)}.Sanitize()
	lines := []string{
		"CREATE ROLE " + role + " LOGIN PASSWORD '…';",
		"GRANT CONNECT ON DATABASE " + pgx.Identifier{db.Name}.Sanitize() + " TO " + role + ";",
	}
	for _, schema := range db.Schemas() {
		lines = append(lines, "GRANT USAGE ON SCHEMA "+pgx.Identifier{schema.Name}.Sanitize()+" TO "+role+";")
		var whole []string
		for _, t := range schema.Tables {
			var open []string
			for _, c := range t.Columns {
				if !c.Masked {
					open = append(open, c.Identifier())
				}
			}
			switch {
			case len(open) == len(t.Columns):
				whole = append(whole, t.Identifier())
			case len(open) > 0:
				lines = append(lines, "GRANT SELECT ("+strings.Join(open, ", ")+") ON "+t.Identifier()+" TO "+role+";")
			}
		}
		if len(whole) > 0 {
			lines = append(lines, "GRANT SELECT ON "+strings.Join(whole, ", ")+" TO "+role+";")
		}
	}
	return lines
}

// byName says, where the message of a refusal names a table with masked columns,
// that the others can be selected; "" where there is none. PostgreSQL names the
// table without its schema, and no column.
func byName(db *catalog.Database, message string) string {
	if db == nil {
		return ""
	}
	var all []string
	for _, t := range db.Tables {
		if !strings.Contains(" "+message+" ", " "+t.Name+" ") {
			continue
		}
		var masked, open []string
		for _, c := range t.Columns {
			switch {
			case c.Masked:
				masked = append(masked, c.Name)
			case c.Readable:
				open = append(open, c.Identifier())
			}
		}
		if len(masked) > 0 && len(open) > 0 {
			all = append(all, "Masked in "+t.Label()+": "+strings.Join(masked, ", ")+". Name the others: SELECT "+strings.Join(open, ", ")+" FROM "+t.Identifier()+".")
		}
	}
	return strings.Join(all, " ")
}
