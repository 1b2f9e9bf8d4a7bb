package remote

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "virgo test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	return &authority{t, cert, key}
}

// issue makes a certificate for a name, valid until a time.
func (a *authority) issue(name string, until time.Time) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// folder writes the files of pkipath.
func (a *authority) folder(client *tls.Certificate) string {
	dir := a.t.TempDir()
	write := func(name, kind string, der []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	write("cacert.pem", "CERTIFICATE", a.cert.Raw)
	if client != nil {
		key, _ := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
		write("clientcert.pem", "CERTIFICATE", client.Certificate[0])
		write("clientkey.pem", "PRIVATE KEY", key)
	}
	return dir
}

func TestTLS(t *testing.T) {
	good, other := newAuthority(t), newAuthority(t)
	soon := time.Now().Add(time.Hour)
	client, foreign := good.issue("client", soon), other.issue("client", soon)
	pool := x509.NewCertPool()
	pool.AddCert(good.cert)
	for _, c := range []struct {
		name    string
		server  tls.Certificate
		verdict []byte
		dir     string
		params  string
		want    string
	}{
		{"good", good.issue("127.0.0.1", soon), []byte{1}, good.folder(&client), "", ""},
		{"wrong authority", good.issue("127.0.0.1", soon), []byte{1}, other.folder(&client), "", "hasn't got a known issuer"},
		{"wrong authority, not verified", good.issue("127.0.0.1", soon), []byte{1}, other.folder(&client), "&no_verify=1", ""},
		{"wrong name", good.issue("elsewhere", soon), []byte{1}, good.folder(&client), "", "does not match the hostname 127.0.0.1"},
		{"expired", good.issue("127.0.0.1", time.Now().Add(-time.Hour)), []byte{1}, good.folder(&client), "", "expired"},
		{"refused afterwards", good.issue("127.0.0.1", soon), []byte{0}, good.folder(&client), "", "server verification"},
		{"closed afterwards", good.issue("127.0.0.1", soon), nil, good.folder(&client), "", "server verification"},
		{"foreign client", good.issue("127.0.0.1", soon), []byte{1}, good.folder(&foreign), "", "refused our certificate"},
		{"no client certificate", good.issue("127.0.0.1", soon), []byte{1}, good.folder(nil), "", "Cannot read client certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{c.server}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				if conn.(*tls.Conn).Handshake() != nil || c.verdict == nil {
					conn.Close()
					return
				}
				conn.Write(c.verdict)
				newFake(t, nil).serve(conn)
			}()
			if c.name == "foreign client" {
				c.dir = mixed(t, good.folder(nil), c.dir)
			}
			conn, err := tryAddress(t, "qemu+tls://"+l.Addr().String()+"/system?pkipath="+url.QueryEscape(c.dir)+c.params, 10*time.Second)
			if conn != nil {
				conn.Close()
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

// mixed is a folder with the authority of one and the client's certificate of another.
func mixed(t *testing.T, ca, client string) string {
	data, err := os.ReadFile(filepath.Join(ca, "cacert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(client, "cacert.pem"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return client
}
