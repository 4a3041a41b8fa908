package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// The words of a failed try are fixed: they are kept in a table that others read
// and go into the log, and those of package net name the host, which may be the
// secret, and the address of the resolver.
var (
	errNoName     = errors.New("the name of the receiver is not known")
	errNoResolver = errors.New("the name server does not answer")
	errSlow       = errors.New("the receiver did not answer in time")
	errRefused    = errors.New("nothing listens at the receiver's address")
	errNoWay      = errors.New("there is no way through the network to the receiver")
	errCertified  = errors.New("the receiver's certificate is not accepted")
	errTLS        = errors.New("no encrypted connection to the receiver could be made")
	errHungUp     = errors.New("the receiver closed the connection before it had answered")
	errUnknown    = errors.New("the receiver could not be asked, or its answer is no HTTP")
)

// plain says in fixed words why a request got no answer.
func plain(err error) error {
	var (
		dns       *net.DNSError
		certified *tls.CertificateVerificationError
		header    tls.RecordHeaderError
		alert     tls.AlertError
		timeout   interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, errPrivate):
		return errPrivate
	case errors.As(err, &dns) && dns.IsNotFound:
		return errNoName
	case errors.As(err, &dns):
		return errNoResolver
	case errors.As(err, &certified), isX509(err):
		return errCertified
	case errors.As(err, &header), errors.As(err, &alert):
		return errTLS
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errSlow
	case errors.Is(err, syscall.ECONNREFUSED):
		return errRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return errNoWay
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errHungUp
	}
	return errUnknown
}

func isX509(err error) bool {
	var (
		host      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
	)
	return errors.As(err, &host) || errors.As(err, &authority) || errors.As(err, &invalid)
}
