package qemu

import "virgo/xml"

// Secrets that a definition names are looked up in the domain's root, and given
// to QEMU as objects that are encrypted with the guest's key.

// named adds the object of a secret that the definition names.
func (a *args) named(id, usageType, uuid, usage string) {
	var value []byte
	if a.Reveal != nil {
		var err error
		if value, err = a.Reveal(usageType, uuid, usage); err != nil {
			if a.err == nil {
				a.err = err
			}
			return
		}
	}
	a.secret(id, string(value))
}

func keyObject(node string, index int) string { return node + "-encryption-secret" + itoa(index) }

// imageKeys adds the secrets that an image is encrypted with, for a node, and
// names the first, "" if there is none.
func (a *args) imageKeys(e *xml.Encryption, node string) string {
	for i, s := range e.Secrets {
		a.named(keyObject(node, i), "volume", string(s.UUID), s.Usage)
	}
	if len(e.Secrets) == 0 {
		if e.Engine != "librbd" {
			a.fail(xml.CodeInternal, "missing secret info for '%s' driver", e.Format)
		}
		return ""
	}
	return keyObject(node, 0)
}

// authKey adds the secret with which a source's server knows the host, and
// names it, "" if there is none.
func (a *args) authKey(s *xml.DiskSource, prefix string) string {
	if id := prefix + "-storage-auth-secret0"; a.authSecret(s.Auth, id) {
		return id
	}
	return ""
}

// authSecret adds the object of a password, if there is one.
func (a *args) authSecret(auth *xml.Auth, id string) bool {
	if auth == nil || auth.Secret == nil {
		return false
	}
	a.named(id, auth.Secret.Type, string(auth.Secret.UUID), auth.Secret.Usage)
	return true
}
