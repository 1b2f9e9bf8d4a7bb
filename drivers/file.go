package drivers

import (
	"bytes"
	"os"
)

// ReadFile reads a regular file through OpenFile.
func ReadFile(path string) ([]byte, error) {
	data, _, err := readFile(path)
	return data, err
}

// readFile also tells what the file is that was read.
func readFile(path string) ([]byte, os.FileInfo, error) {
	f, err := OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	_, err = data.ReadFrom(f)
	return data.Bytes(), info, err
}
