package block

import "context"

// tops are the nodes of images that devices use, each with the node by which its
// device does: a filter above the image, or the same.
func (m *Manager) tops(ctx context.Context) (map[string]string, error) {
	var list []struct {
		Inserted *struct {
			Node string `json:"node-name"`
		}
	}
	if err := m.guest.Execute(ctx, "query-block", nil, &list); err != nil {
		return nil, err
	}
	all := make(map[string]string)
	var below map[string]string
	for _, b := range list {
		if b.Inserted == nil {
			continue
		}
		node := b.Inserted.Node
		if isFilter(node) && below == nil {
			var err error
			if below, err = m.below(ctx); err != nil {
				return nil, err
			}
		}
		for isFilter(node) && below[node] != "" {
			node = below[node]
		}
		all[node] = b.Inserted.Node
	}
	return all, nil
}

// below gives the node below each filter. No command that is meant for programs
// tells of it, and the file that query-block names for a filter may be the one that
// was below it before.
func (m *Manager) below(ctx context.Context) (map[string]string, error) {
	var graph struct {
		Nodes []struct {
			ID   uint64
			Name string
		}
		Edges []struct {
			Parent, Child uint64
			Name          string
		}
	}
	if err := m.guest.Execute(ctx, "x-debug-query-block-graph", nil, &graph); err != nil {
		return nil, err
	}
	names := make(map[uint64]string, len(graph.Nodes))
	for _, n := range graph.Nodes {
		names[n.ID] = n.Name
	}
	all := make(map[string]string)
	for _, e := range graph.Edges {
		if e.Name == "file" && isFilter(names[e.Parent]) {
			all[names[e.Parent]] = names[e.Child]
		}
	}
	return all, nil
}

// root is the node by which a device uses a chain of images.
func (m *Manager) root(ctx context.Context, c Chain) (string, error) {
	tops, err := m.tops(ctx)
	node := c.Layers[0].Node()
	if top := tops[node]; top != "" {
		node = top
	}
	return node, err
}

// among tells whether an image is one of those that devices use.
func (l *Layer) among(tops map[string]string) bool { return tops[l.Node()] != "" }
