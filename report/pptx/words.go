package pptx

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lineHeight is the height of a line in units of the letters' size. Japanese fonts are taller than Latin ones: from 1.25
// (Meiryo UI) to 1.45 (Noto Sans CJK). The tallest is used, so that text fits with each.
const lineHeight = 1.45

// bodyInset is the distance that placeholders keep between edge and text.
const bodyInset = 45720

// Clean makes s fit for XML 1.0 and for one line of print: bytes that are not UTF-8, control characters, characters
// that XML forbids and those that change the direction of text become U+FFFD; tabs and line ends become spaces.
func Clean(s string) string {
	return clean(s, false)
}

// clean is Clean that keeps line feeds when lines is set.
func clean(s string, lines bool) string {
	bad := func(r rune) bool {
		return r == utf8.RuneError || r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0xfffe || r == 0xffff || r&0xfffe == 0xfffe ||
			r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x2028 || r == 0x2029 || r == 0xfeff
	}
	if utf8.ValidString(s) && strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' && lines:
			b.WriteRune(r)
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case bad(r):
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// esc returns s cleaned and escaped for XML text and attributes.
func esc(s string) string { return xmlEscapes.Replace(Clean(s)) }

// ems estimates the width of a rune in units of its size; on the wide side, as the font is the reader's.
func ems(r rune) float64 {
	switch {
	case r == ' ' || strings.ContainsRune("il.,:;'|!Ijtfr()[]", r):
		return 0.36
	case r < 0x250:
		if r >= 'A' && r <= 'Z' || r == 'm' || r == 'w' || r == '%' || r == '@' {
			return 0.78
		}
		return 0.64
	case unicode.Is(unicode.Mn, r):
		return 0
	case r >= 0xff61 && r <= 0xff9f:
		return 0.55
	}
	return 1
}

func width(s string) float64 {
	w := 0.0
	for _, r := range s {
		w += ems(r)
	}
	return w
}

// SizeFor returns the size in points, at most max and at least 8, at which s stands on one line of the given width, bold letters
// included.
func SizeFor(s string, w EMU, max float64) float64 {
	if n := width(s); n > 0 {
		max = math.Min(max, math.Floor(float64(w)/float64(Point)/n/1.12))
	}
	return math.Max(max, 8)
}

// Clip cuts s with an ellipsis to at most max ems (a Japanese letter is one em, a Latin one about half).
func Clip(s string, max float64) string {
	if width(s) <= max {
		return s
	}
	w := 1.0 // the ellipsis
	for i, r := range s {
		w += ems(r)
		if w > max {
			return s[:i] + "…"
		}
	}
	return s
}

// countLines estimates how many lines s takes at the given width in ems: words break at spaces, Japanese between
// any two letters, and a word wider than the line inside.
func countLines(s string, max float64) int {
	if max < 1 {
		max = 1
	}
	n := 0
	for line := range strings.SplitSeq(s, "\n") {
		n++
		at, word := 0.0, 0.0 // width of the line before the current word, and of the word
		before := ' '
		for _, r := range line {
			w := ems(r)
			// Between Latin and Japanese letters programs leave a space of their own.
			if r != ' ' && before != ' ' && (r >= 0x2e80) != (before >= 0x2e80) {
				w += 0.2
			}
			before = r
			if r == ' ' || r >= 0x2e80 { // a place to break
				at, word = at+word, 0
				if r == ' ' {
					if at+w <= max { // spaces at the line's end hang over
						at += w
					}
					continue
				}
				if at+w > max {
					n++
					at = 0
				}
				at += w
				continue
			}
			if at+word+w > max {
				n++
				if word+w > max || at == 0 {
					at, word = 0, 0
				}
				at = 0
			}
			word += w
		}
	}
	return n
}

// heightOf estimates the height of paragraphs in a box of the given inner width.
func heightOf(ps []Paragraph, size float64, w EMU) EMU {
	h := 0.0
	for _, p := range ps {
		text, big := "", 0.0
		for _, r := range p.Runs {
			text += r.Text
			if s := r.Size; s > 0 {
				big = math.Max(big, s)
			} else {
				big = math.Max(big, size)
			}
		}
		if big == 0 {
			big = size
		}
		inner := w
		if p.Bullet {
			inner -= indent * EMU(p.Level+1)
		}
		h += float64(countLines(text, float64(inner)/float64(Point)/big))*big*lineHeight + p.After
	}
	return EMU(h * float64(Point))
}

// indent is the width that a bullet takes, a level.
const indent EMU = 228600

// scaleTo returns the largest scale in percent, at least min, at which ps fit into w × h.
func scaleTo(ps []Paragraph, size float64, w, h EMU, min int) int {
	for percent := 100; percent > min; percent -= 5 {
		if heightOf(scaled(ps, percent), size*float64(percent)/100, w) <= h {
			return percent
		}
	}
	return min
}

func scaled(ps []Paragraph, percent int) []Paragraph {
	if percent == 100 {
		return ps
	}
	out := make([]Paragraph, len(ps))
	for i, p := range ps {
		p.Runs = append([]Run(nil), p.Runs...)
		for j := range p.Runs {
			p.Runs[j].Size = math.Floor(p.Runs[j].Size*float64(percent)/10) / 10
		}
		p.After = p.After * float64(percent) / 100
		out[i] = p
	}
	return out
}

// cut shortens ps, the last paragraphs first, until they fit into w × h.
func cut(ps []Paragraph, size float64, w, h EMU) []Paragraph {
	for len(ps) > 1 && heightOf(ps, size, w) > h {
		ps = ps[:len(ps)-1]
		last := ps[len(ps)-1]
		last.Runs = append(append([]Run(nil), last.Runs...), Run{Text: " …"})
		ps = append(ps[:len(ps)-1:len(ps)-1], last)
	}
	for len(ps) == 1 && heightOf(ps, size, w) > h {
		p := ps[0]
		text := ""
		for _, r := range p.Runs {
			text += r.Text
		}
		if utf8.RuneCountInString(text) < 4 {
			break
		}
		first := Run{}
		if len(p.Runs) > 0 {
			first = p.Runs[0]
		}
		first.Text = Clip(text, width(text)*0.85)
		p.Runs = []Run{first}
		ps = []Paragraph{p}
	}
	return ps
}

// part adds "(2/3)" to the title of slides that go on.
func part(title string, i, n int) string {
	if n < 2 {
		return title
	}
	return fmt.Sprintf("%s (%d/%d)", title, i+1, n)
}

// paragraphs writes a:p elements, with spacing of their own: a template's would be taller than what heightOf knows. size is the size of runs that have none of their own, 0 to leave it to the layout.
func paragraphs(b *strings.Builder, ps []Paragraph, size float64, color Color, lang string) {
	if len(ps) == 0 {
		fmt.Fprintf(b, `<a:p><a:endParaRPr lang="%s"/></a:p>`, lang) // a box that is a bar
	}
	for _, p := range ps {
		b.WriteString(`<a:p><a:pPr`)
		if p.Bullet {
			level := min(max(p.Level, 0), 3)
			fmt.Fprintf(b, ` marL="%d" indent="-%d" lvl="%d"`, indent*EMU(level+1), indent, level)
		} else {
			b.WriteString(` marL="0" indent="0"`)
		}
		if p.Align != "" {
			fmt.Fprintf(b, ` algn="%s"`, p.Align)
		}
		b.WriteString(`><a:lnSpc><a:spcPct val="100000"/></a:lnSpc><a:spcBef><a:spcPts val="0"/></a:spcBef>`)
		if p.After > 0 {
			fmt.Fprintf(b, `<a:spcAft><a:spcPts val="%d"/></a:spcAft>`, int(p.After*100))
		}
		if p.Bullet {
			b.WriteString(`<a:buFont typeface="Arial"/><a:buChar char="•"/>`)
		} else {
			b.WriteString(`<a:buNone/>`)
		}
		b.WriteString(`</a:pPr>`)
		empty := true
		for _, r := range p.Runs {
			look := runLook(r, size, color, lang)
			first := true
			for line := range strings.SplitSeq(clean(r.Text, true), "\n") {
				if !first {
					fmt.Fprintf(b, `<a:br><a:rPr%s</a:rPr></a:br>`, look)
				}
				first = false
				if line != "" {
					empty = false
					fmt.Fprintf(b, `<a:r><a:rPr%s</a:rPr><a:t>%s</a:t></a:r>`, look, esc(line))
				}
			}
		}
		if empty && size > 0 { // else the line has the height of the template's own letters
			fmt.Fprintf(b, `<a:endParaRPr lang="%s" sz="%d"/>`, lang, int(math.Round(size*100)))
		}
		b.WriteString(`</a:p>`)
	}
}

// runLook writes the attributes and children of a:rPr, from behind its name to before its end.
func runLook(r Run, size float64, color Color, lang string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ` lang="%s"`, lang)
	if strings.HasPrefix(lang, "ja") {
		b.WriteString(` altLang="en-US"`)
	}
	if r.Size > 0 {
		size = r.Size
	}
	if size > 0 {
		fmt.Fprintf(&b, ` sz="%d"`, int(math.Round(size*100)))
	}
	if r.Bold {
		b.WriteString(` b="1"`)
	}
	b.WriteString(` dirty="0">`)
	if r.Color != "" {
		color = r.Color
	}
	if color != "" {
		b.WriteString(fill(color))
	}
	if size > 0 { // not a placeholder's text, which has the layout's font
		b.WriteString(themeFont)
	}
	return b.String()
}

// themeFont is the theme's font of bodies: templates need not say that boxes have it.
const themeFont = `<a:latin typeface="+mn-lt"/><a:ea typeface="+mn-ea"/>`

func fill(c Color) string {
	return fmt.Sprintf(`<a:solidFill><a:schemeClr val="%s"/></a:solidFill>`, c)
}
