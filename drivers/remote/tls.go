package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"virgo/xml"
)

// certificates are the files that TLS needs. The client's own may be missing:
// not all daemons ask for them.
type certificates struct {
	ca, cert, key string
	own           bool // a certificate of ours has to be there
}

// find says where the files are: in the folder of pkipath, in the user's, in
// the system's.
func (a *address) certificates() certificates {
	if dir := a.param("pkipath"); dir != "" {
		return certificates{filepath.Join(dir, "cacert.pem"), filepath.Join(dir, "clientcert.pem"), filepath.Join(dir, "clientkey.pem"), true}
	}
	system := certificates{"/etc/pki/CA/cacert.pem", "/etc/pki/libvirt/clientcert.pem", "/etc/pki/libvirt/private/clientkey.pem", false}
	if os.Geteuid() == 0 {
		return system
	}
	dir := filepath.Join(a.getenv("HOME"), ".pki", "libvirt")
	user := certificates{filepath.Join(dir, "cacert.pem"), filepath.Join(dir, "clientcert.pem"), filepath.Join(dir, "clientkey.pem"), false}
	if _, err := os.Stat(user.ca); err == nil {
		system.ca = user.ca
	}
	if _, err := os.Stat(user.cert); err == nil {
		if _, err := os.Stat(user.key); err == nil {
			system.cert, system.key, system.own = user.cert, user.key, true
		}
	}
	return system
}

// config reads the files.
func (a *address) tlsConfig() (*tls.Config, error) {
	files := a.certificates()
	data, err := os.ReadFile(files.ca)
	if err != nil {
		return nil, xml.Bare(xml.CodeSystem, "Cannot read CA certificate '%s': %s", files.ca, systemText(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, xml.Bare(xml.CodeSystem, "Unable to import CA certificate %s", files.ca)
	}
	c := &tls.Config{RootCAs: pool, ServerName: a.host, MinVersion: tls.VersionTLS12}
	pair, err := tls.LoadX509KeyPair(files.cert, files.key)
	switch {
	case err == nil:
		c.Certificates = []tls.Certificate{pair}
	case errors.Is(err, os.ErrNotExist) && !files.own:
	case errors.Is(err, os.ErrNotExist):
		missing := files.cert
		if _, e := os.Stat(missing); e == nil {
			missing = files.key
		}
		return nil, xml.Bare(xml.CodeSystem, "Cannot read client certificate '%s': %s", missing, systemText(err))
	default:
		return nil, xml.Bare(xml.CodeSystem, "Unable to set x509 key and certificate: %s, %s: %v", files.key, files.cert, err)
	}
	if a.flag("no_verify") {
		c.InsecureSkipVerify = true // asked for, as the peer's parameter of that name does
	}
	return c, nil
}

// dialTLS connects by TLS. After the handshake the daemon sends one byte that
// says whether it has taken the client's certificate.
func (a *address) dialTLS(ctx context.Context) (io.ReadWriteCloser, error) {
	c, err := a.tlsConfig()
	if err != nil {
		return nil, err
	}
	conn, err := dialHost(ctx, a.host, a.port)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, c)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, a.tlsError(err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	var verdict [1]byte
	if _, err := io.ReadFull(secure, verdict[:]); err != nil || verdict[0] != 1 {
		conn.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, a.tlsError(err)
		}
		return nil, xml.Bare(xml.CodeRPC, "server verification (of our certificate or IP address) failed")
	}
	return secure, nil
}

// tlsError says what is wrong with a certificate.
func (a *address) tlsError(err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert *net.OpError
	failed := func(why string) error {
		return xml.Errorf(xml.CodeAuthFailed, "Failed to verify peer's certificate: %s", why)
	}
	switch {
	case errors.As(err, &unknown):
		return failed("it hasn't got a known issuer")
	case errors.As(err, &name):
		return failed("its owner does not match the hostname " + a.host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return failed("it has expired or is not yet active: " + invalid.Detail)
	case errors.As(err, &invalid):
		return failed(invalid.Error())
	case errors.As(err, &alert) && alert.Op == "remote error":
		return xml.Errorf(xml.CodeAuthFailed, "the server has refused our certificate, or the lack of one: %v", alert.Err)
	}
	return xml.Bare(xml.CodeSystem, "TLS handshake failed: %s", strings.TrimPrefix(err.Error(), "tls: "))
}
