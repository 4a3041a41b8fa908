package studio

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/database"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// home lists the tables.
func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	db, err := s.catalog(r.Context())
	if err != nil {
		return err
	}
	sizes := s.sizes(r.Context(), db)
	search := strings.TrimSpace(r.URL.Query().Get("q"))
	v := page.Home{Chrome: s.chrome(r, db, "tables", "Tables"), Search: search, Facts: facts(db, sizes)}
	found := 0
	for _, schema := range db.Schemas() {
		list := page.HomeSchema{Name: schema.Name}
		for _, t := range schema.Tables {
			line, ok := s.homeTable(t, sizes, search)
			if ok {
				list.Tables = append(list.Tables, line)
				found++
			}
		}
		if len(list.Tables) > 0 {
			v.Schemas = append(v.Schemas, list)
		}
	}
	v.None = search != "" && found == 0
	v.Say = count(found, "table", "tables")
	for _, t := range db.Tables {
		for _, c := range t.Columns {
			if c.Masked {
				v.Masked = append(v.Masked, t.Label()+"."+c.Name)
			}
		}
	}
	v.Diagram = s.drawing(db, true)
	s.send(w, r, http.StatusOK, v)
	return nil
}

// sizes asks how large tables are. Where somebody holds one for themselves
// nobody waits: the page has no sizes then.
func (s *Server) sizes(ctx context.Context, db *catalog.Database) map[uint32]int64 {
	var sizes map[uint32]int64
	err := s.db.Read(ctx, database.Limits{Statement: time.Second, Lock: 200 * time.Millisecond}, func(tx *database.Tx) (err error) {
		sizes, err = db.Sizes(ctx, tx)
		return err
	})
	if err != nil {
		return nil
	}
	return sizes
}

func facts(db *catalog.Database, sizes map[uint32]int64) string {
	text := fmt.Sprintf("PostgreSQL %s · %s in %s", db.Version, count(len(db.Tables), "table", "tables"), count(len(db.Schemas()), "schema", "schemas"))
	total := int64(0)
	for _, t := range db.Tables {
		if t.Kind != catalog.Partitioned {
			total += sizes[t.OID]
		}
	}
	if total > 0 {
		text += " · " + value.Size(total)
	}
	return text
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// homeTable is a table's line; false where it is not what was looked for.
func (s *Server) homeTable(t *catalog.Table, sizes map[uint32]int64, search string) (page.HomeTable, bool) {
	line := page.HomeTable{Name: t.Name, Href: s.base.Table(t.Schema, t.Name, address.View{}), Comment: t.Comment,
		Rows: about(t.Rows), Columns: strconv.Itoa(len(t.Columns))}
	if t.Kind != catalog.Plain {
		line.Kind = t.Kind.String()
	}
	if partitionOf(t) {
		line.Kind = "partition of " + t.Parent.Name
	}
	if size, ok := sizes[t.OID]; ok {
		line.Size = value.Size(size)
	}
	var masked, matches []string
	for _, c := range t.Columns {
		if c.Masked {
			masked = append(masked, c.Name)
		}
		if search != "" && contains(c.Name, search) {
			matches = append(matches, c.Name)
		}
	}
	if search != "" && !contains(t.Name, search) {
		if len(matches) == 0 {
			return line, false
		}
		line.Matches = "has " + strings.Join(matches, ", ")
	}
	if len(masked) > 0 {
		line.Masked = "masked: " + strings.Join(masked, ", ")
	}
	if n := len(t.In); n > 0 {
		line.Pointed = count(n, "relation points here", "relations point here") + " "
	}
	seen := make(map[*catalog.Table]bool)
	for _, rel := range t.Out {
		if !seen[rel.To] {
			seen[rel.To] = true
			line.Points = append(line.Points, page.Link{Text: rel.To.Label(), Href: s.base.Table(rel.To.Schema, rel.To.Name, address.View{})})
		}
	}
	return line, true
}

func contains(name, search string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(search))
}

// about is an estimate as it is shown.
func about(rows int64) string {
	if rows < 0 {
		return "not counted"
	}
	return "≈ " + catalog.Thousands(rows)
}
