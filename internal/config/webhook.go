package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// readWebhookURL shows none of the value: many receivers put a secret into the
// path.
func readWebhookURL(c *Config, value string) *Fault {
	const hint = "write an https URL: https://hooks.example.com/af-auth"
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Opaque != "" || u.Scheme != "http" && u.Scheme != "https" || !isVisible(value) {
		return wrong(hint, "is no https URL with a host")
	}
	host, ok := canonicalHost(u.Hostname())
	switch {
	case u.User != nil:
		return wrong(hint, "holds a user name or password; the signature is what the receiver checks")
	case strings.Contains(value, "#"):
		return wrong(hint, "holds a fragment, which is never sent")
	case !ok || strings.HasSuffix(u.Host, ":") || u.Port() != "" && !validPort(u.Port(), 1):
		return wrong(hint, "has a host or port that cannot be")
	case u.Scheme == "http" && !isLoopback(host):
		return wrong(hint, "is http:// and not loopback, so names of people would travel in clear")
	}
	c.WebhookURL = NewSecret(value)
	return nil
}

// readWebhookAllow takes true for every network.
func readWebhookAllow(c *Config, value string) *Fault {
	var fault *Fault
	switch value {
	case "false":
		c.WebhookAllow = nil
	case "true":
		c.WebhookAllow = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	default:
		c.WebhookAllow, fault = readNetworks(value)
	}
	return fault
}
