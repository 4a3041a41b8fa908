package page

import "strings"

// Browser makes a short name, such as "Firefox on Linux", of a User-Agent
// header (RFC 9110 section 10.1.5). It is for a person to recognise a browser
// by; nothing is ever decided by it, because anybody may send any header.
func Browser(userAgent string) string {
	if strings.TrimSpace(userAgent) == "" {
		return "Unknown browser"
	}
	name := firstMatch(userAgent, [][2]string{
		// Order matters: Edge and Opera also say Chrome, and all say Safari.
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"}, {"Version/", "Safari"},
	})
	if name == "" {
		name = product(userAgent)
	}
	system := firstMatch(userAgent, [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"},
		{"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	})
	if system == "" {
		return name
	}
	return name + " on " + system
}

func firstMatch(s string, names [][2]string) string {
	for _, n := range names {
		if strings.Contains(s, n[0]) {
			return n[1]
		}
	}
	return ""
}

// product is the first product name, "curl" of "curl/8.5.0", cut to 32
// characters.
func product(userAgent string) string {
	word, _, _ := strings.Cut(strings.Fields(userAgent)[0], "/")
	letters := []rune(word)
	if len(letters) > 32 {
		return string(letters[:31]) + "…"
	}
	if word == "" {
		return "Unknown browser"
	}
	return word
}
