package report

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"osect/report/pptx"
	"osect/text"
)

// look is what a template of the tests looks like.
type look struct {
	w, h           int
	dark           bool
	latin, ea      string
	titleY, titleH int // of content slides
	left           int // a coloured band at the left that content must not touch
	partial        bool
	first          int // firstSlideNum
}

const (
	spaces  = `xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"`
	relType = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	xmlDecl = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
)

func rels(list ...string) string { // id, kind, target
	var b strings.Builder
	b.WriteString(xmlDecl + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`)
	for i := 0; i < len(list); i += 3 {
		fmt.Fprintf(&b, `<Relationship Id="%s" Type="%s%s" Target="%s"/>`, list[i], relType, list[i+1], list[i+2])
	}
	return b.String() + `</Relationships>`
}

func holder(id int, ph string, box [4]int, style string) string {
	at := ""
	if box[2] > 0 {
		at = fmt.Sprintf(`<a:xfrm><a:off x="%d" y="%d"/><a:ext cx="%d" cy="%d"/></a:xfrm>`, box[0], box[1], box[2], box[3])
	}
	text := `<a:r><a:rPr lang="en-US"/><a:t>PROMPT</a:t></a:r>`
	if strings.Contains(ph, "sldNum") {
		text = `<a:fld id="{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}" type="slidenum"><a:rPr lang="en-US"/><a:t>‹#›</a:t></a:fld>`
	}
	return fmt.Sprintf(`<p:sp><p:nvSpPr><p:cNvPr id="%d" name="P%d"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr><p:nvPr><p:ph %s/></p:nvPr></p:nvSpPr><p:spPr>%s</p:spPr><p:txBody><a:bodyPr/><a:lstStyle>%s</a:lstStyle><a:p>%s</a:p></p:txBody></p:sp>`, id, id, ph, at, style, text)
}

func sheet(shapes string) string {
	return `<p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/><a:chOff x="0" y="0"/><a:chExt cx="0" cy="0"/></a:xfrm></p:grpSpPr>` + shapes + `</p:spTree>`
}

// customerTemplate makes a template as a customer's office might have: the given masters, a slide of the customer's own with notes, sections, fonts
// and a logo, in files of unusual names.
func customerTemplate(t testing.TB, masters ...look) []byte {
	t.Helper()
	parts := map[string]string{}
	overrides := map[string]string{}
	put := func(name, kind, content string) {
		parts[name] = content
		if kind != "" {
			overrides[name] = kind
		}
	}
	const pml = "application/vnd.openxmlformats-officedocument.presentationml."
	var logo bytes.Buffer
	img := image.NewRGBA(image.Rect(0, 0, 40, 16))
	for i := range 40 * 16 {
		img.Set(i%40, i/40, color.RGBA{200, 40, 90, 255})
	}
	if err := png.Encode(&logo, img); err != nil {
		t.Fatal(err)
	}
	put("ppt/media/image1.png", "", logo.String())
	var masterIDs strings.Builder
	presentation := []string{}
	layoutID := 2147483700
	for m, l := range masters {
		n := m + 1
		theme := fmt.Sprintf("ppt/theme/customer%d.xml", n)
		put(theme, "application/vnd.openxmlformats-officedocument.theme+xml", fmt.Sprintf(xmlDecl+`<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" name="Customer %d"><a:themeElements><a:clrScheme name="c"><a:dk1><a:sysClr val="windowText" lastClr="000000"/></a:dk1><a:lt1><a:sysClr val="window" lastClr="FFFFFF"/></a:lt1><a:dk2><a:srgbClr val="0B2545"/></a:dk2><a:lt2><a:srgbClr val="E8E4D9"/></a:lt2><a:accent1><a:srgbClr val="13A89E"/></a:accent1><a:accent2><a:srgbClr val="F4B400"/></a:accent2><a:accent3><a:srgbClr val="FFE08A"/></a:accent3><a:accent4><a:srgbClr val="D7263D"/></a:accent4><a:accent5><a:srgbClr val="8D99AE"/></a:accent5><a:accent6><a:srgbClr val="5C677D"/></a:accent6><a:hlink><a:srgbClr val="13A89E"/></a:hlink><a:folHlink><a:srgbClr val="5C677D"/></a:folHlink></a:clrScheme><a:fontScheme name="f"><a:majorFont><a:latin typeface="%s"/><a:ea typeface="%s"/><a:cs typeface=""/></a:majorFont><a:minorFont><a:latin typeface="%s"/><a:ea typeface="%s"/><a:cs typeface=""/></a:minorFont></a:fontScheme><a:fmtScheme name="x"><a:fillStyleLst>%s</a:fillStyleLst><a:lnStyleLst>%s</a:lnStyleLst><a:effectStyleLst>%s</a:effectStyleLst><a:bgFillStyleLst>%s</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>`, n, l.latin, l.ea, l.latin, l.ea,
			strings.Repeat(`<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>`, 3), strings.Repeat(`<a:ln w="6350"><a:solidFill><a:schemeClr val="phClr"/></a:solidFill></a:ln>`, 3), strings.Repeat(`<a:effectStyle><a:effectLst/></a:effectStyle>`, 3), strings.Repeat(`<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>`, 3)))
		w, h := l.w, l.h
		title := [4]int{l.left + w/30, l.titleY, w - l.left - w/15, l.titleH}
		bodyY := l.titleY + l.titleH + h/40
		if l.titleY > h/2 { // titles at the foot
			bodyY = h / 20
		}
		bodyH := h*17/20 - bodyY
		if l.titleY > h/2 {
			bodyH = l.titleY - h/40 - bodyY
		}
		body := [4]int{title[0], bodyY, title[2], bodyH}
		master := fmt.Sprintf("ppt/slideMasters/m%d.xml", n)
		foot := holder(5, `type="dt" sz="half" idx="10"`, [4]int{title[0], h * 93 / 100, w / 6, h / 25}, "") +
			holder(6, `type="ftr" sz="quarter" idx="21"`, [4]int{w / 3, h * 93 / 100, w / 3, h / 25}, `<a:lvl1pPr algn="ctr"><a:defRPr sz="900"/></a:lvl1pPr>`) +
			holder(7, `type="sldNum" sz="quarter" idx="22"`, [4]int{w * 9 / 10, h * 93 / 100, w / 15, h / 25}, `<a:lvl1pPr algn="r"><a:defRPr sz="900"/></a:lvl1pPr>`)
		colours := `bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2"`
		if l.dark {
			colours = `bg1="dk2" tx1="lt1" bg2="dk1" tx2="lt2"`
		}
		band := ""
		if l.left > 0 {
			band = fmt.Sprintf(`<p:sp><p:nvSpPr><p:cNvPr id="30" name="Band"/><p:cNvSpPr/><p:nvPr userDrawn="1"/></p:nvSpPr><p:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="%d" cy="%d"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom><a:solidFill><a:schemeClr val="accent1"/></a:solidFill></p:spPr></p:sp>`, l.left, h)
		}
		band += fmt.Sprintf(`<p:pic><p:nvPicPr><p:cNvPr id="31" name="Logo"/><p:cNvPicPr/><p:nvPr userDrawn="1"/></p:nvPicPr><p:blipFill><a:blip r:embed="logo"/><a:stretch><a:fillRect/></a:stretch></p:blipFill><p:spPr><a:xfrm><a:off x="%d" y="%d"/><a:ext cx="%d" cy="%d"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr></p:pic>`, title[0], h*96/100, w/20, h/40)
		type sheetOf struct{ kind, shapes string }
		half := (body[2] - w/40) / 2
		list := []sheetOf{
			{"title", holder(2, `type="ctrTitle"`, [4]int{title[0], h / 4, title[2], h / 4}, `<a:lvl1pPr algn="ctr"><a:defRPr sz="3600"/></a:lvl1pPr>`) + holder(3, `type="subTitle" idx="1"`, [4]int{title[0], h * 55 / 100, title[2], h / 5}, `<a:lvl1pPr marL="0" indent="0" algn="ctr"><a:buNone/><a:defRPr sz="2000"/></a:lvl1pPr>`)},
			{"obj", holder(2, `type="title"`, [4]int{}, "") + holder(3, `idx="1"`, [4]int{}, "")},
		}
		if !l.partial {
			list = append(list,
				sheetOf{"secHead", holder(2, `type="title"`, [4]int{title[0], h / 3, title[2], h / 5}, "") + holder(3, `type="body" idx="1"`, [4]int{title[0], h * 6 / 10, title[2], h / 5}, "")},
				sheetOf{"twoObj", holder(2, `type="title"`, [4]int{}, "") + holder(3, `sz="half" idx="1"`, [4]int{body[0], body[1], half, body[3]}, "") + holder(4, `sz="half" idx="2"`, [4]int{body[0] + half + w/40, body[1], half, body[3]}, "")},
				sheetOf{"titleOnly", holder(2, `type="title"`, [4]int{}, "")},
				sheetOf{"vertTx", holder(2, `type="title"`, [4]int{}, "") + holder(3, `type="body" orient="vert" idx="1"`, [4]int{}, "")},
				sheetOf{"blank", ""})
		}
		var ids strings.Builder
		masterRels := []string{"thm", "theme", "/" + theme, "logo", "image", "../media/image1.png"}
		for i, x := range list {
			part := fmt.Sprintf("ppt/slideLayouts/sheet-%d-%d.xml", n, i)
			put(part, pml+"slideLayout+xml", xmlDecl+`<p:sldLayout `+spaces+` type="`+x.kind+`" preserve="1"><p:cSld name="L">`+sheet(x.shapes+foot)+`</p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sldLayout>`)
			put(fmt.Sprintf("ppt/slideLayouts/_rels/sheet-%d-%d.xml.rels", n, i), "", rels("x1", "slideMaster", "/"+master))
			layoutID++
			fmt.Fprintf(&ids, `<p:sldLayoutId id="%d" r:id="lay%d"/>`, layoutID, i)
			masterRels = append(masterRels, fmt.Sprintf("lay%d", i), "slideLayout", "/"+part)
		}
		put(master, pml+"slideMaster+xml", xmlDecl+`<p:sldMaster `+spaces+`><p:cSld><p:bg><p:bgPr><a:solidFill><a:schemeClr val="bg1"/></a:solidFill><a:effectLst/></p:bgPr></p:bg>`+
			sheet(band+holder(2, `type="title"`, title, "")+holder(3, `type="body" idx="1"`, body, "")+foot)+
			`</p:cSld><p:clrMap `+colours+` accent1="accent1" accent2="accent2" accent3="accent3" accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/><p:sldLayoutIdLst>`+ids.String()+`</p:sldLayoutIdLst><p:txStyles><p:titleStyle><a:lvl1pPr><a:lnSpc><a:spcPct val="90000"/></a:lnSpc><a:buNone/><a:defRPr sz="2800"><a:solidFill><a:schemeClr val="tx1"/></a:solidFill><a:latin typeface="+mj-lt"/><a:ea typeface="+mj-ea"/></a:defRPr></a:lvl1pPr></p:titleStyle><p:bodyStyle><a:lvl1pPr marL="228600" indent="-228600"><a:lnSpc><a:spcPct val="90000"/></a:lnSpc><a:spcBef><a:spcPts val="1000"/></a:spcBef><a:buChar char="•"/><a:defRPr sz="2400"><a:solidFill><a:schemeClr val="tx1"/></a:solidFill><a:latin typeface="+mn-lt"/><a:ea typeface="+mn-ea"/></a:defRPr></a:lvl1pPr></p:bodyStyle><p:otherStyle/></p:txStyles></p:sldMaster>`)
		put(fmt.Sprintf("ppt/slideMasters/_rels/m%d.xml.rels", n), "", rels(masterRels...))
		layoutID++
		fmt.Fprintf(&masterIDs, `<p:sldMasterId id="%d" r:id="mst%d"/>`, layoutID, n)
		presentation = append(presentation, fmt.Sprintf("mst%d", n), "slideMaster", fmt.Sprintf("slideMasters/m%d.xml", n))
	}
	put("ppt/slides/slide1.xml", pml+"slide+xml", xmlDecl+`<p:sld `+spaces+`><p:cSld>`+sheet(holder(2, `type="ctrTitle"`, [4]int{}, ""))+`</p:cSld></p:sld>`)
	put("ppt/slides/_rels/slide1.xml.rels", "", rels("r1", "slideLayout", "../slideLayouts/sheet-1-0.xml"))
	put("ppt/presProps.xml", pml+"presProps+xml", xmlDecl+`<p:presentationPr `+spaces+`/>`)
	presentation = append(presentation, "rId1", "slide", "slides/slide1.xml", "rId2", "presProps", "presProps.xml", "rId3", "theme", "theme/customer1.xml")
	put("ppt/main.xml", pml+"template.main+xml", xmlDecl+fmt.Sprintf(`<p:presentation %s firstSlideNum="%d"><p:sldMasterIdLst>%s</p:sldMasterIdLst><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst><p:sldSz cx="%d" cy="%d"/><p:notesSz cx="6858000" cy="9144000"/><p:defaultTextStyle><a:defPPr><a:defRPr lang="ja-JP"/></a:defPPr></p:defaultTextStyle><p:extLst><p:ext uri="{521415D9-36F7-43E2-AB2F-B90AF26B5E84}"><s:sectionLst xmlns:s="http://schemas.microsoft.com/office/powerpoint/2010/main"><s:section name="CONFIDENTIAL" id="{1D5B0E3C-5C0B-4C6B-8C50-2D5E5C6F7A80}"><s:sldIdLst><s:sldId id="256"/></s:sldIdLst></s:section></s:sectionLst></p:ext></p:extLst></p:presentation>`, spaces, masters[0].first, masterIDs.String(), masters[0].w, masters[0].h))
	put("ppt/_rels/main.xml.rels", "", rels(presentation...))
	put("_rels/.rels", "", rels("rId1", "officeDocument", "ppt/main.xml"))
	var types strings.Builder
	types.WriteString(xmlDecl + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="PNG" ContentType="image/png"/><Default Extension="xml" ContentType="application/xml"/>`)
	for name, kind := range overrides {
		fmt.Fprintf(&types, `<Override PartName="/%s" ContentType="%s"/>`, name, kind)
	}
	parts["[Content_Types].xml"] = types.String() + `</Types>`
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range parts {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Templates: one whose first master has two layouts only, so that the second, dark one is used, with slides numbered from 5; one of 4:3 with
// a band at the left and the title at the foot; one with the two layouts alone.
var (
	bright  = look{w: 12192000, h: 6858000, latin: "DejaVu Serif", ea: "Noto Serif CJK JP", titleY: 300000, titleH: 900000, partial: true, first: 5}
	dark    = look{w: 12192000, h: 6858000, dark: true, latin: "DejaVu Serif", ea: "Noto Serif CJK JP", titleY: 300000, titleH: 900000, first: 5}
	footed  = look{w: 9144000, h: 6858000, latin: "DejaVu Sans", ea: "Noto Sans CJK JP", titleY: 5300000, titleH: 800000, left: 700000, first: 1}
	meagre  = look{w: 12192000, h: 6858000, latin: "DejaVu Sans", ea: "Noto Sans CJK JP", titleY: 400000, titleH: 800000, left: 300000, partial: true, first: 1}
	formats = map[string][]look{"two-masters": {bright, dark}, "four-by-three": {footed}, "meagre": {meagre}}
)

// onTemplate writes the deck of in on a template.
func onTemplate(t testing.TB, in Input, lang text.Lang, template []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteDeck(&b, Build(in), lang, template); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTemplatesAreTakenOver(t *testing.T) {
	for name, masters := range formats {
		template := customerTemplate(t, masters...)
		in := plant(20, 30, "")
		in.Pictures = pictures(in, text.JA)
		data := onTemplate(t, in, text.JA, template)
		if !bytes.Equal(data, onTemplate(t, in, text.JA, template)) {
			t.Errorf("%s: not the same bytes twice", name)
		}
		was, is := unzip(t, template), unzip(t, data)
		inside(t, name, is)
		for part, content := range was {
			kept := strings.HasPrefix(part, "ppt/slideMasters/") || strings.HasPrefix(part, "ppt/slideLayouts/") || strings.HasPrefix(part, "ppt/theme/") || strings.HasPrefix(part, "ppt/media/")
			if kept && is[part] != content {
				t.Errorf("%s: %s is not as it was", name, part)
			}
		}
		for part, content := range is {
			if strings.Contains(content, "CONFIDENTIAL") {
				t.Errorf("%s: %s still has the customer's sections", name, part)
			}
			if strings.HasPrefix(part, "ppt/slides/") && strings.Contains(content, "PROMPT") {
				t.Errorf("%s: %s has a prompt", name, part)
			}
		}
		layout := map[string]bool{}
		for i := 1; is[fmt.Sprintf("ppt/slides/slide%d.xml", i)] != ""; i++ {
			layout[related(t, is, fmt.Sprintf("ppt/slides/slide%d.xml", i), "slideLayout")] = true
		}
		for part := range layout {
			if name == "two-masters" && !strings.HasPrefix(part, "ppt/slideLayouts/sheet-2-") {
				t.Errorf("%s: slides on %s", name, part)
			}
		}
		if name == "two-masters" && !strings.Contains(is["ppt/slides/slide2.xml"], ">6</a:t>") {
			t.Errorf("%s: the second slide is not number 6", name)
		}
		validateDeck(t, name, data)
	}
	if _, err := pptx.Open(pptx.Properties{}, deck(t, plant(20, 0, ""), text.JA)); err != nil {
		t.Errorf("a deck of ours as template: %v", err)
	}
}
