package catalog

// twins are columns that hold the same values, or values made of one another:
// where one is masked the others are.
type twins map[*Column][]*Column

func (w twins) join(a, b *Column) {
	if a != nil && b != nil && a != b {
		w[a] = append(w[a], b)
	}
}

// mask marks the columns that the masks name, and all that their values reach.
func (d *Database) mask(masks []Mask, w twins) {
	for _, t := range d.Tables {
		for _, r := range t.Out {
			for i, c := range r.FromColumns {
				w.join(c, r.ToColumns[i])
				w.join(r.ToColumns[i], c)
			}
		}
	}
	var reached []*Column
	for _, t := range d.Tables {
		for _, m := range masks {
			if c := t.Column(m.Column); c != nil && m.covers(t) {
				reached = append(reached, c)
			}
		}
	}
	for len(reached) > 0 {
		c := reached[len(reached)-1]
		reached = reached[:len(reached)-1]
		if !c.Masked {
			c.Masked = true
			d.Masked++
			reached = append(reached, w[c]...)
		}
	}
}

// Has reports whether a mask names a column that there is.
func (d *Database) Has(m Mask) bool {
	for _, t := range d.Tables {
		if m.covers(t) && t.Column(m.Column) != nil {
			return true
		}
	}
	return false
}
