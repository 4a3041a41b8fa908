package page

// Chrome is what every page has around its content.
type Chrome struct {
	// Host is af-auth's own host, with a port where its URL has one. It stands
	// in the title and in the foot.
	Host string
	// Origin is empty on af-auth's own host. A page shown on another host (an
	// application's, or one that is not ours) needs the scheme and host of
	// AF_AUTH_URL here, because links, stylesheet and scripts stay at home. Such
	// a page has no theme switch, and is sent with GuestCSP instead of CSP.
	Origin string
	// Theme is "light" or "dark"; all else follows the system.
	Theme string
	// Path is where the theme form returns to, with its query.
	Path string
	// Place is "Production", "Local" or "Development": administrators see what
	// they change. Empty: it is not said.
	Place string
	// Contact says whom to ask; nil where nobody is named.
	Contact *Contact
	// Dev is true beside the GitHub simulator only. It shows the command that
	// lets a waiting person in, and says that GitHub is simulated.
	Dev bool
	// Program is how this machine's people call af-auth in a shell, with a path
	// where it is not on theirs; empty: "af-auth". Used beside Dev only.
	Program string
}

// Contact is somebody who can be asked.
type Contact struct {
	// Label is a name, an address or a channel: it ends the sentence
	// "Questions go to …".
	Label string
	// Href is an http, https or mailto address. Any other scheme is shown as a
	// link that leads nowhere.
	Href string
}

// Scheme is the value of data-theme, or empty where the system decides.
func (c Chrome) Scheme() string {
	if c.Theme == "light" || c.Theme == "dark" {
		return c.Theme
	}
	return ""
}

// Own returns the address of one of af-auth's own paths.
func (c Chrome) Own(path string) string { return c.Origin + path }

// ThemeChoice is one button of the theme switch.
type ThemeChoice struct {
	Value, Label string
	Current      bool
}

// Themes returns the buttons of the theme switch, one of them current.
func (c Chrome) Themes() []ThemeChoice {
	current := c.Scheme()
	return []ThemeChoice{
		{"system", "System", current == ""},
		{"light", "Light", current == "light"},
		{"dark", "Dark", current == "dark"},
	}
}
