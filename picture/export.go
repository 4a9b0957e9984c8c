package picture

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteJSON writes a graph with the boxes of its layout, in pixels. As all that is written of the wire it is
// printable; < > & are escaped too, so that it can stand in a page.
func WriteJSON(w io.Writer, g *Graph, l *Layout) error {
	type group struct {
		Group
		Box Box `json:"box"`
	}
	type node struct {
		Node
		Box Box `json:"box"`
	}
	out := struct {
		Title   string  `json:"title"`
		Groups  []group `json:"groups"`
		Nodes   []node  `json:"nodes"`
		Edges   []Edge  `json:"edges"`
		LeftOut LeftOut `json:"left_out"`
	}{g.Title, []group{}, []node{}, g.Edges, g.LeftOut}
	for i := range g.Groups {
		out.Groups = append(out.Groups, group{g.Groups[i], l.Groups[i]})
	}
	for i := range g.Nodes {
		out.Nodes = append(out.Nodes, node{g.Nodes[i], l.Nodes[i]})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(out)
}

// dotText quotes a text for DOT: a double-quoted string, in which only the quote and the backslash are special.
func dotText(lines ...string) string {
	r := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for i := range lines {
		lines[i] = r.Replace(lines[i])
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}

// WriteDOT writes a graph in the language of Graphviz, with a cluster for each group. Positions are given as neato -n wants
// them (points, y upwards); dot makes its own.
func WriteDOT(w io.Writer, g *Graph, l *Layout) error {
	x := newXML(w)
	line := func(format string, args ...any) {
		if _, err := fmt.Fprintf(x.w, format+"\n", args...); err != nil && x.err == nil {
			x.err = err
		}
	}
	line("digraph osect {")
	line("  graph [label=%s, labelloc=t, rankdir=TB, outputorder=edgesfirst, fontname=\"sans-serif\"];", dotText(g.Title))
	line("  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\", fontsize=10];")
	line("  edge [color=\"#8595a5\", fontname=\"sans-serif\", fontsize=8];")
	n := 0
	for i := range g.Groups {
		line("  subgraph cluster_%d {\n    label=%s; color=\"#cfd8e0\";", i, dotText(g.Groups[i].Name))
		for ; n < len(g.Nodes) && g.Nodes[n].Group == i; n++ {
			v, b := &g.Nodes[n], l.Nodes[n]
			cx, cy := b.mid()
			text := []string{v.Label}
			if v.Note != "" {
				text = append(text, v.Note)
			}
			line("    n%d [label=%s, tooltip=%s, fillcolor=%q, fontcolor=%q, pos=\"%s,%s\"];", n, dotText(text...), dotText(append([]string{}, v.Facts...)...), v.colour, inkOn(v.colour), number(cx), number(l.H-cy))
		}
		line("  }")
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		line("  n%d -> n%d [tooltip=%s, color=%q, penwidth=%s];", e.From, e.To, dotText(append([]string{}, e.facts...)...), edgeColours[e.kind()], number(e.thickness()))
	}
	line("}")
	return x.end()
}

// WriteGraphML writes a graph as GraphML (graphml.graphdrawing.org), with the attributes of JSON as data; lists are
// separated by spaces, services by ", ".
func WriteGraphML(w io.Writer, g *Graph, l *Layout) error {
	x := newXML(w)
	x.put(xmlHead + `<graphml xmlns="http://graphml.graphdrawing.org/xmlns">` + "\n")
	for _, k := range []struct{ of, name, kind string }{
		{"node", "label", "string"}, {"node", "kind", "string"}, {"node", "group", "string"}, {"node", "ips", "string"}, {"node", "mac", "string"},
		{"node", "hostname", "string"}, {"node", "vendor", "string"}, {"node", "os", "string"}, {"node", "role", "string"}, {"node", "importance", "int"},
		{"node", "vlans", "string"}, {"node", "site", "string"}, {"node", "in_ledger", "boolean"}, {"node", "packets", "long"}, {"node", "bytes", "long"}, {"node", "x", "double"}, {"node", "y", "double"},
		{"edge", "services", "string"}, {"edge", "classes", "string"}, {"edge", "ot", "boolean"}, {"edge", "packets", "long"}, {"edge", "bytes", "long"},
	} {
		x.put(`<key id="%v" for="%v" attr.name="%v" attr.type="%v"/>`+"\n", k.of[:1]+"_"+k.name, k.of, k.name, k.kind)
	}
	x.put(`<graph id="osect" edgedefault="directed">` + "\n")
	data := func(key, value string) {
		if value != "" {
			x.put(`<data key="%v">%v</data>`, key, value)
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		cx, cy := l.Nodes[i].mid()
		x.put(`<node id="n%d">`, i)
		data("n_label", n.Label)
		data("n_kind", n.Kind)
		data("n_group", g.Groups[n.Group].Name)
		data("n_ips", strings.Join(n.IPs, " "))
		data("n_mac", n.MAC)
		data("n_hostname", n.Hostname)
		data("n_vendor", n.Vendor)
		data("n_os", n.OS)
		data("n_role", n.Role)
		data("n_importance", strconv.Itoa(n.Importance))
		var tags []string
		for _, v := range n.VLANs {
			tags = append(tags, strconv.Itoa(int(v)))
		}
		data("n_vlans", strings.Join(tags, " "))
		data("n_site", n.Site)
		data("n_in_ledger", strconv.FormatBool(n.InLedger))
		data("n_packets", strconv.FormatUint(n.Packets, 10))
		data("n_bytes", strconv.FormatUint(n.Bytes, 10))
		data("n_x", number(cx))
		data("n_y", number(cy))
		x.put("</node>\n")
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		x.put(`<edge id="e%d" source="n%d" target="n%d">`, i, e.From, e.To)
		data("e_services", strings.Join(e.Services, ", "))
		data("e_classes", strings.Join(e.Classes, " "))
		data("e_ot", strconv.FormatBool(e.OT))
		data("e_packets", strconv.FormatUint(e.Packets, 10))
		data("e_bytes", strconv.FormatUint(e.Bytes, 10))
		x.put("</edge>\n")
	}
	x.put("</graph>\n</graphml>\n")
	return x.end()
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// WriteDrawIO writes a graph as a draw.io (diagrams.net) file, uncompressed: groups are containers, nodes stand in them, edges
// are attached. Labels are plain text there, not HTML: names come from the wire.
func WriteDrawIO(w io.Writer, g *Graph, l *Layout) error {
	x := newXML(w)
	x.put(xmlHead+`<mxfile host="osect"><diagram id="map" name="%v"><mxGraphModel dx="1000" dy="800" grid="0" page="0" pageWidth="%v" pageHeight="%v"><root>`+"\n", g.Title, l.W, l.H)
	x.put(`<mxCell id="0"/><mxCell id="1" parent="0"/>` + "\n")
	for i, b := range l.Groups {
		x.put(`<mxCell id="g%d" value="%v" style="rounded=0;html=0;container=1;collapsible=0;verticalAlign=top;align=left;spacingLeft=8;fontStyle=1;fillColor=#f6f8fa;strokeColor=#cfd8e0;" vertex="1" parent="1"><mxGeometry x="%v" y="%v" width="%v" height="%v" as="geometry"/></mxCell>`+"\n",
			i, g.Groups[i].Name, b.X, b.Y, b.W, b.H)
	}
	for i := range g.Nodes {
		n, b := &g.Nodes[i], l.Nodes[i]
		p := l.Groups[n.Group]
		value := n.Label
		if n.Note != "" {
			value += "\n" + n.Note
		}
		rounded := "rounded=1;arcSize=12"
		if n.Kind == "service" {
			rounded = "rounded=1;arcSize=50"
		}
		// tooltip is an attribute of the object around a cell
		x.put(`<object id="n%d" label="%v" tooltip="%v"><mxCell style="%v;html=0;whiteSpace=wrap;fontSize=10;fillColor=%v;fontColor=%v;strokeColor=#7d8a96;" vertex="1" parent="g%d"><mxGeometry x="%v" y="%v" width="%v" height="%v" as="geometry"/></mxCell></object>`+"\n",
			i, value, strings.Join(n.Facts, "\n"), rounded, n.colour, inkOn(n.colour), n.Group, b.X-p.X, b.Y-p.Y, b.W, b.H)
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		x.put(`<object id="e%d" label="" tooltip="%v"><mxCell style="html=0;curved=1;endArrow=block;endSize=4;strokeColor=%v;strokeWidth=%v;opacity=60;" edge="1" parent="1" source="n%d" target="n%d"><mxGeometry relative="1" as="geometry"/></mxCell></object>`+"\n",
			i, strings.Join(e.facts, "\n"), edgeColours[e.kind()], e.thickness(), e.From, e.To)
	}
	x.put("</root></mxGraphModel></diagram></mxfile>\n")
	return x.end()
}
