package studio

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/studio/address"
	"github.com/af-auth/af-auth/internal/studio/catalog"
	"github.com/af-auth/af-auth/internal/studio/page"
	"github.com/af-auth/af-auth/internal/studio/value"
)

// chrome is what stands around a page. db may be nil.
func (s *Server) chrome(r *http.Request, db *catalog.Database, tab, title string) page.Chrome {
	c := page.Chrome{Base: s.base, Title: title, Tab: tab, Theme: s.chosenTheme(r), Path: r.URL.RequestURI(),
		Database: s.URL.Database(), Host: s.hostName(), Place: s.place(), ReadOnly: s.ReadOnly, Tabs: s.tabs()}
	if db != nil {
		c.Database = db.Name
	}
	return c
}

// tabs are the links in the bar.
func (s *Server) tabs() []page.Tab {
	return []page.Tab{
		{Name: "tables", Label: "Tables", Href: s.base.Path("/")},
		{Name: "sql", Label: "SQL", Href: s.base.Path("/sql")},
		{Name: "diagram", Label: "Diagram", Href: s.base.Path("/diagram")},
	}
}

// hostName is the database's host as people say it.
func (s *Server) hostName() string {
	switch host := s.URL.Host(); {
	case host == "" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@"):
		return "this machine"
	default:
		return host
	}
}

// place says how careful one has to be.
func (s *Server) place() string {
	if s.Production {
		return "Production"
	}
	for _, host := range strings.Split(s.URL.Host(), ",") {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if host != "" && host != "localhost" && !strings.HasPrefix(host, "/") && !strings.HasPrefix(host, "@") && (err != nil || !ip.IsLoopback()) {
			return "Remote"
		}
	}
	return "Local"
}

// side lists the tables beside a table.
func (s *Server) side(db *catalog.Database, current *catalog.Table) []page.SideSchema {
	var all []page.SideSchema
	for _, schema := range db.Schemas() {
		list := page.SideSchema{Name: schema.Name}
		for _, t := range schema.Tables {
			if partitionOf(t) && t != current {
				continue
			}
			rows := ""
			if t.Rows >= 0 {
				rows = value.Roughly(t.Rows)
			}
			list.Tables = append(list.Tables, page.SideTable{Name: t.Name, Rows: rows, Current: t == current,
				Href: s.base.Table(t.Schema, t.Name, address.View{})})
		}
		if len(list.Tables) > 0 {
			all = append(all, list)
		}
	}
	return all
}

// partitionOf reports whether a table is a partition: its rows show in the table
// above it.
func partitionOf(t *catalog.Table) bool {
	return t.Parent != nil && t.Parent.Kind == catalog.Partitioned
}

func (s *Server) themeCookie() string { return s.door.cookie + "_theme" }

func (s *Server) chosenTheme(r *http.Request) string {
	c, err := r.Cookie(s.themeCookie())
	if err != nil {
		return ""
	}
	return c.Value
}

// theme keeps the choice of colours in a cookie.
func (s *Server) theme(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return &afauth.Error{Code: afauth.CodeInvalid, Message: "the form cannot be read"}
	}
	c := &http.Cookie{Name: s.themeCookie(), Path: s.door.path, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.door.secure} // #nosec G124 -- Secure wherever there is https; http is loopback only
	switch theme := r.PostForm.Get("theme"); theme {
	case "light", "dark":
		c.Value, c.MaxAge = theme, int((365 * 24 * time.Hour).Seconds())
	default:
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
	seeOther(w, s.back(r.PostForm.Get("back")))
	return nil
}

// back is an address of ours to return to, the list of tables for any other.
func (s *Server) back(to string) string {
	home := s.base.Path("/")
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, home) || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return home
	}
	return to
}

// seeOther leads on to one of our own pages, so that no form is sent twice. Its
// address comes from address.Base, or through back.
func seeOther(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
