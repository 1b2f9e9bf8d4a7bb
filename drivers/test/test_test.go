package test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"virgo/drivers"
	"virgo/xml"
)

func connect(t *testing.T) *Conn {
	t.Helper()
	conn, err := Open(context.Background(), drivers.URI{Text: "test:///default", Path: "/default"}, drivers.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*Conn)
}

const small = `<domain type='test'><name>%s</name><memory>65536</memory><os><type>hvm</type></os></domain>`

func define(t *testing.T, c *Conn, name string) drivers.Ref {
	t.Helper()
	ref, err := c.Objects(drivers.Domain).(drivers.Definer).Define(context.Background(),
		xml.Source{Name: name, Data: []byte(strings.Replace(small, "%s", name, 1))}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// A domain's life is told to those who listen, in order.
func TestEvents(t *testing.T) {
	c := connect(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	d := c.Objects(drivers.Domain).(domains)
	stream, err := d.Events(ctx, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ref := define(t, c, "guest")
	for _, f := range []func() error{
		func() error { return d.Start(ctx, ref, 0) }, func() error { return d.Suspend(ctx, ref) }, func() error { return d.Resume(ctx, ref) },
		func() error { return d.Destroy(ctx, ref, 0) }, func() error { return d.Undefine(ctx, ref, 0) },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"Defined Added", "Started Booted", "Suspended Paused", "Resumed Unpaused", "Stopped Destroyed", "Undefined Removed"} {
		select {
		case e := <-stream:
			if got := e.Detail + " " + e.Reason; got != want || e.Ref.Name != "guest" {
				t.Errorf("event %s of %s, want %s", got, e.Ref.Name, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("no event %s", want)
		}
	}
	stop()
	for range stream { // it ends
	}
}

// Each connection has a node of its own.
func TestConnectionsAreApart(t *testing.T) {
	a, b := connect(t), connect(t)
	define(t, a, "guest")
	list, err := b.Objects(drivers.Domain).List(context.Background(), drivers.Filter{})
	if err != nil || len(list) != 1 {
		t.Errorf("%d domains, %v", len(list), err)
	}
}

// A name and a UUID belong together.
func TestNamesAndUUIDs(t *testing.T) {
	c := connect(t)
	d := c.Objects(drivers.Domain).(drivers.Definer)
	for text, want := range map[string]string{
		strings.Replace(small, "%s", "test", 1): "operation failed: domain 'test' already exists with uuid 6695eb01-f6a4-8304-79aa-97f2502e193f",
		strings.Replace(small, "%s", "a/b", 1):  "XML error: name a/b cannot contain '/'",
	} {
		_, err := d.Define(context.Background(), xml.Source{Data: []byte(text)}, 0)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Every built-in object of test:///default can be read, and is as its document
// says, whichever command asks first.
func TestDefault(t *testing.T) {
	ctx := context.Background()
	for k, want := range map[drivers.Kind]int{drivers.Domain: 1, drivers.Network: 1, drivers.Interface: 1, drivers.Pool: 1, drivers.NodeDevice: 4} {
		c := connect(t)
		list, err := c.Objects(k).List(ctx, drivers.Filter{})
		if err != nil || len(list) != want {
			t.Fatalf("%v: %d objects, want %d (%v)", k, len(list), want, err)
		}
		for i, e := range list {
			if _, err := c.Objects(k).XML(ctx, e.Ref, 0); err != nil {
				t.Error(err)
			}
			if again, err := c.Objects(k).List(ctx, drivers.Filter{}); err != nil || fmt.Sprint(again[i].Ref.Name, again[i].Persistent, again[i].State, again[i].Title) != fmt.Sprint(e.Ref.Name, e.Persistent, e.State, e.Title) {
				t.Errorf("%v: listed as %+v, then, read, as %+v (%v)", k, e, again[i], err)
			}
		}
	}
}
