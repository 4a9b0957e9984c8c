package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// httpGet is one request on a connection of its own.
func (w *world) httpGet(t int64, c, s *node, port uint16, path, agent, server string, size int, r *rand.Rand) {
	k := w.newConn(c, s, port, r)
	t = k.open(t)
	req := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nConnection: close\r\n\r\n", path, strings.ToLower(s.name), agent)
	body := "<html><head><title>" + s.name + "</title></head><body>" + strings.Repeat("<p>line status ok</p>\n", size/22+1) + "</body></html>"
	resp := fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", server, len(body), body)
	t = k.exchange(t, []byte(req), []byte(resp))
	k.close(t + between(r, 5*ms, 50*ms))
}

const (
	agentWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
	agentHMI     = "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko"
)
