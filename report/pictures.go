package report

// Picture is a drawing that renderings show as it is. Whoever makes the Input draws it: nothing here draws.
type Picture struct {
	Key string // map, vendors, systems or roles; the text report.picture.<Key> is its title
	SVG []byte // a whole document that refers to nothing outside of it; nil where there is none
	PNG []byte // the same in pixels; nil where there is none
}

// Picture returns the drawing of that key, or nil.
func (a *Assessment) Picture(key string) *Picture {
	for i := range a.Pictures {
		if a.Pictures[i].Key == key {
			return &a.Pictures[i]
		}
	}
	return nil
}
