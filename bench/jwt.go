package main

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// claims are what a signed token says of a person.
type claims struct {
	Subject  string `json:"sub"`
	GitHubID int64  `json:"github_id"`
	Login    string `json:"login"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Expires  int64  `json:"exp"`
}

// signedTokens is the gate that many build instead of a session: a token in the
// cookie, signed (RFC 7519), checked by the standard library alone. It can take
// nobody's access away.
func signedTokens(algorithm string) (http.Handler, string, error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, "", err
	}
	sum := func(text string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + algorithm + `","typ":"JWT"}`))
	good := func(text string, signature []byte) bool { return hmac.Equal(sum(text), signature) }
	sign := func(text string) ([]byte, error) { return sum(text), nil }
	if algorithm == "RS256" {
		good = func(text string, signature []byte) bool {
			digest := sha256.Sum256([]byte(text))
			return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature) == nil
		}
		sign = func(text string) ([]byte, error) {
			digest := sha256.Sum256([]byte(text))
			return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		}
	}
	login, name, email := profile(1)
	body, err := json.Marshal(claims{"0b9f8a4e-6d55-4c58-9c6b-2f1f3f0f8a11", 1, login, name, email, time.Now().Add(time.Hour).Unix()})
	if err != nil {
		return nil, "", err
	}
	text := header + "." + base64.RawURLEncoding.EncodeToString(body)
	signature, err := sign(text)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := checkToken(r, header, good)
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h := w.Header()
		h.Set("X-Auth-Request-User", c.Login)
		h.Set("X-Auth-Request-User-Id", c.Subject)
		h.Set("X-Auth-Request-Github-Id", strconv.FormatInt(c.GitHubID, 10))
		h.Set("X-Auth-Request-Email", c.Email)
		h.Set("X-Auth-Request-Name", c.Name)
		w.WriteHeader(http.StatusOK)
	})
	return handler, text + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

func checkToken(r *http.Request, header string, good func(text string, signature []byte) bool) (c claims, ok bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return c, false
	}
	text, last := cookie.Value, strings.LastIndexByte(cookie.Value, '.')
	if last < 0 {
		return c, false
	}
	first, body, _ := strings.Cut(text[:last], ".")
	signature, err := base64.RawURLEncoding.DecodeString(text[last+1:])
	if err != nil || first != header || !good(text[:last], signature) {
		return c, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return c, false
	}
	return c, time.Now().Unix() < c.Expires
}
