package tests

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// fakeSwitch is the program fakeswitch of scripts: as much of a switch in user space as QEMU
// wants to see before it starts a guest with an interface of type 'vhostuser'. It moves no
// packets. Its words are "listen" or "connect", and the socket; it ends with the connection.
func fakeSwitch() {
	if err := serveSwitch(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "fakeswitch:", err)
		os.Exit(1)
	}
}

func serveSwitch(mode, path string) error {
	var c net.Conn
	var err error
	if mode == "listen" {
		var l net.Listener
		if l, err = net.Listen("unix", path); err != nil {
			return err
		}
		defer l.Close()
		c, err = l.Accept()
	} else {
		for range 100 {
			if c, err = net.Dial("unix", path); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		if err := answerSwitch(c); err != nil {
			return nil // QEMU has gone
		}
	}
}

// The requests of the vhost-user protocol that are answered, by number:
// https://qemu-project.gitlab.io/qemu/interop/vhost-user.html
const (
	getFeatures         = 1
	getVringBase        = 11
	getProtocolFeatures = 15
	getQueueNum         = 17
)

// answerSwitch reads one request and answers it, if it wants an answer.
func answerSwitch(c net.Conn) error {
	var head [3]uint32 // request, flags, size
	if err := binary.Read(c, binary.LittleEndian, &head); err != nil {
		return err
	}
	payload := make([]byte, head[2])
	if _, err := io.ReadFull(c, payload); err != nil {
		return err
	}
	reply := func(v uint64) error {
		return binary.Write(c, binary.LittleEndian, struct {
			Head  [3]uint32
			Value uint64
		}{[3]uint32{head[0], 5, 8}, v})
	}
	const wantsReply = 8
	switch {
	case head[0] == getFeatures:
		return reply(1<<32 | 1<<30 | 1<<22) // virtio 1, protocol features, several queues
	case head[0] == getProtocolFeatures:
		return reply(1<<0 | 1<<4) // several queues, MTU
	case head[0] == getQueueNum:
		return reply(4)
	case head[0] == getVringBase:
		return reply(uint64(binary.LittleEndian.Uint32(payload)))
	case head[1]&wantsReply != 0:
		return reply(0)
	}
	return nil
}
