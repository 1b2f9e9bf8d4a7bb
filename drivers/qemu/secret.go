package qemu

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
)

// masterKeySize is that of AES-256, which QEMU's secret objects use.
const masterKeySize = 32

func newMasterKey() []byte {
	key := make([]byte, masterKeySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}

// encrypt is AES-256-CBC with PKCS#7 padding, as QEMU's secret objects read it.
func encrypt(key, iv, text []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(text)%aes.BlockSize
	data := append([]byte{}, text...)
	for range pad {
		data = append(data, byte(pad))
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return data, nil
}
