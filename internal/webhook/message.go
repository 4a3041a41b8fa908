package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/af-auth/af-auth"
	"github.com/af-auth/af-auth/internal/postgres"
)

// message is the body of a delivery.
type message struct {
	ID      afauth.ID       `json:"id"`
	Kind    string          `json:"kind"`
	At      time.Time       `json:"at"` // UTC
	User    person          `json:"user"`
	Actor   *string         `json:"actor"`
	Reason  *string         `json:"reason"`
	Details json.RawMessage `json:"details"`
}

type person struct {
	ID       afauth.ID `json:"id"`
	GitHubID *int64    `json:"github_user_id"`
	Login    *string   `json:"login"`
}

func messageOf(d postgres.Delivery) message {
	m := message{ID: d.ID, Kind: d.Kind, At: d.At.UTC(), Actor: d.Actor, Reason: d.Reason, Details: d.Details,
		User: person{ID: d.UserID, GitHubID: d.GitHubID, Login: d.Login}}
	if m.User.GitHubID == nil { // deleted since: the event may still know
		var left struct {
			GitHubID *int64 `json:"github_user_id"`
		}
		if json.Unmarshal(d.Details, &left) == nil {
			m.User.GitHubID = left.GitHubID
		}
	}
	return m
}

// Sign is the value of X-AF-Auth-Signature-256: "sha256=" and the HMAC-SHA256
// (RFC 2104) in hex of the timestamp as X-AF-Auth-Timestamp writes it, a dot,
// and the body. With the time inside, an old delivery cannot be sent as new.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
