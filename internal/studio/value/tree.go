package value

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// Node is a part of a JSON value: a scalar, or what is inside an object or array.
type Node struct {
	// Name is the member's name or the element's number; empty at the top.
	Name string
	// Text is a scalar as JSON writes it, or what a folded part says of itself.
	Text  string
	Nodes []Node
	// Inside says that there are Nodes to unfold.
	Inside bool
}

const (
	treeDepth = 24
	treeNodes = 5000
)

var errTree = errors.New("too large to draw as a tree")

// Tree reads JSON in the order that it is written in; ok is false for what is
// no JSON, or too much of it to draw.
func Tree(text string) (top Node, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // all digits
	left := treeNodes
	top, err := readNode(d, "", treeDepth, &left)
	if err != nil {
		return Node{}, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Node{}, false
	}
	return top, top.Inside
}

func readNode(d *json.Decoder, name string, depth int, left *int) (Node, error) {
	if *left--; *left < 0 || depth < 0 {
		return Node{}, errTree
	}
	token, err := d.Token()
	if err != nil {
		return Node{}, err
	}
	n := Node{Name: name}
	open, ok := token.(json.Delim)
	if !ok {
		n.Text, err = scalar(token)
		return n, err
	}
	n.Inside = true
	for i := 0; d.More(); i++ {
		inside := strconv.Itoa(i)
		if open == '{' {
			member, err := d.Token()
			if err != nil {
				return n, err
			}
			inside, _ = member.(string)
		}
		child, err := readNode(d, inside, depth-1, left)
		if err != nil {
			return n, err
		}
		n.Nodes = append(n.Nodes, child)
	}
	if _, err := d.Token(); err != nil {
		return n, err
	}
	n.Text = "[" + strconv.Itoa(len(n.Nodes)) + "]"
	if open == '{' {
		n.Text = "{" + strconv.Itoa(len(n.Nodes)) + "}"
	}
	return n, nil
}

// scalar writes a token as JSON does, without escapes for HTML.
func scalar(token json.Token) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(token)
	return strings.TrimSuffix(b.String(), "\n"), err
}
