# Forms of TCP SYNs (request) and SYN+ACKs (response) of operating systems.
#
# The file has the form of p0f version 3's fp files, so that one reader does for both (docs/inventory.md, "Fingerprints").
# ';' or '#' begins a comment. Sections: [tcp:request], [tcp:response]; others are passed over.
#
#   label = TYPE:CLASS:NAME:FLAVOUR   TYPE s: specific, g: generic, tried after all specific ones.
#                                     CLASS '!' is a program with a TCP of its own: no operating system.
#                                     FLAVOUR may name several versions: "7, 8 or 8.1".
#   sig = VER:ITTL:OLEN:MSS:WSIZE,SCALE:OLAYOUT:QUIRKS:PCLASS
#
#   VER     4, 6 or *
#   ITTL    initial TTL; "64-": at most
#   OLEN    bytes of IP options
#   MSS     number or *
#   WSIZE   number, *, mss*N, mtu*N, %N (a multiple of N);  SCALE: number or *
#   OLAYOUT mss nop ws sok sack ts eol+N ?N, in the order on the wire, with commas
#   QUIRKS  df id+ id- ecn 0+ flow seq- ack+ ack- uptr+ urgf+ pushf+ ts1- ts2+ opt+ exws bad, with commas
#   PCLASS  0 no payload, + payload, * either
#
# The entries come from what the systems document of themselves: default TTL and initial receive window, RFC 1323
# options and their order, and whether IDs are counted with DF set. Where versions cannot be told apart, all are named.

[tcp:request]

; Windows: TTL 128, IDs counted with DF set. The default window (TcpWindowSize) was 8 KB in NT 4.0, 16 KB in 2000, 64 KB in XP,
; 8 KB with scaling from Vista on, and 64,240 bytes (44 segments) or 65,535 from Windows 10 on.
label = s:win:Windows:NT 4.0
sig = *:128:0:*:8192,0:mss:df,id+:0

label = s:win:Windows:2000
sig = *:128:0:*:16384,0:mss,nop,nop,sok:df,id+:0

label = s:win:Windows:XP or Server 2003
sig = *:128:0:*:65535,0:mss,nop,nop,sok:df,id+:0
sig = *:128:0:*:65535,0:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:65535,1:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:65535,2:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:64240,0:mss,nop,nop,sok:df,id+:0
sig = *:128:0:*:64512,0:mss,nop,nop,sok:df,id+:0

label = s:win:Windows:Vista, 7, 8, 8.1, Server 2008, Server 2008 R2, Server 2012 or Server 2012 R2
sig = *:128:0:*:8192,0:mss,nop,nop,sok:df,id+:0
sig = *:128:0:*:8192,2:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:8192,2:mss,nop,ws,sok,ts:df,id+:0
sig = *:128:0:*:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0

label = s:win:Windows:10, 11, Server 2016, Server 2019, Server 2022 or Server 2025
sig = *:128:0:*:mss*44,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:64240,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:mss*45,8:mss,nop,ws,sok,ts:df,id+:0
sig = 6:128:0:*:64800,8:mss,nop,ws,nop,nop,sok:flow:0
sig = 6:128:0:*:64800,8:mss,nop,ws,nop,nop,sok::0

label = g:win:Windows:
sig = *:128:0:*:*,*:mss,nop,nop,sok:df,id+:0
sig = *:128:0:*:*,*:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:*,*:mss,nop,ws,sok,ts:df,id+:0
sig = *:128:0:*:*,*:mss,nop,ws,nop,nop,ts,nop,nop,sok:df,id+:0

; Windows CE: TTL 128 (64 in early ones), window 32,768, without scaling.
label = s:win:Windows CE:
sig = *:128:0:*:32768,0:mss,nop,nop,sok:df,id+:0

; Linux: TTL 64; options in this one order since 2.2. The window is the initial one of RFC 6928 and of tcp_rmem's default.
label = s:unix:Linux:3.11 and newer
sig = *:64:0:*:mss*20,*:mss,sok,ts,nop,ws:df,id+:0
sig = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws:df,id+:0
sig = *:64:0:*:mss*45,7:mss,sok,ts,nop,ws:df,id+:0
sig = *:64:0:*:65535,7:mss,sok,ts,nop,ws:df,id+:0
sig = *:64:0:*:65495,7:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:2.6.39 to 3.10
sig = *:64:0:*:mss*10,*:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:2.6
sig = *:64:0:*:mss*4,*:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:2.4
sig = *:64:0:*:mss*4,0:mss,sok,ts,nop,ws:df,id+:0
sig = *:64:0:*:mss*4,1:mss,sok,ts,nop,ws:df,id+:0
sig = *:64:0:*:mss*4,2:mss,sok,ts,nop,ws:df,id+:0

label = g:unix:Linux:
sig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df,id+:0
sig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df:0
sig = *:64:0:*:*,*:mss,nop,nop,sok,nop,ws:df,id+:0
sig = *:64:0:*:*,*:mss,sok,nop,nop,nop,ws:df,id+:0

; Apple: TTL 64, window 65,535, timestamps before SACK, two bytes of padding; the scale tells generations apart.
label = s:unix:macOS:10.8 and older
sig = *:64:0:*:65535,1:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig = *:64:0:*:65535,3:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0

label = s:unix:iOS:
sig = *:64:0:*:65535,2:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0

label = g:unix:macOS or iOS:
sig = *:64:0:*:65535,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0
sig = *:64:0:*:65535,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig = *:64:0:*:65535,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df,ecn:0
sig = *:64:0:*:65535,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+,ecn:0

; BSD
label = s:unix:FreeBSD:
sig = *:64:0:*:65535,*:mss,nop,ws,sok,ts:df,id+:0
sig = *:64:0:*:65535,*:mss,nop,ws,sok,ts:df:0

label = s:unix:OpenBSD:
sig = *:64:0:*:16384,*:mss,nop,nop,sok,nop,ws,nop,nop,ts:df,id+:0

label = s:unix:NetBSD:
sig = *:64:0:*:32768,*:mss,nop,ws,sok,nop,nop,ts:df,id+:0

label = s:unix:Solaris:
sig = *:64:0:*:32850,*:nop,ws,nop,nop,ts,nop,nop,sok,mss:df,id+:0
sig = *:64:0:*:*,*:mss,nop,ws,nop,nop,sok:df,id+:0

; Systems without an MMU. lwIP: TTL 255, window of four segments (opt.h: TCP_WND = 4 * TCP_MSS). uIP: window of one segment.
label = s:emb:Embedded:lwIP
sig = *:255:0:*:mss*4,0:mss::0
sig = *:255:0:*:mss*4,0:mss:id-:0

label = s:emb:Embedded:uIP
sig = *:64:0:*:mss*1,0:mss::0

; VxWorks' network stack is 4.4BSD's: TTL 64, window of 8 KB or 60,000 bytes (configuration TCP_RCV_SIZE_DFLT), old BSD order.
label = s:emb:VxWorks:
sig = *:64:0:*:60000,0:mss,nop,ws,nop,nop,ts:df:0
sig = *:64:0:*:60000,0:mss,nop,ws,nop,nop,ts::0
sig = *:64:0:*:8192,0:mss,nop,ws,nop,nop,ts::0

; QNX Neutrino's io-pkt comes from NetBSD: window of 32 KB, old BSD order.
label = s:emb:QNX:
sig = *:64:0:*:32768,0:mss,nop,ws,nop,nop,ts::0
sig = *:64:0:*:32768,0:mss,nop,ws,nop,nop,ts:df:0

; Controllers, panels, I/O: no option but the MSS, small window, no DF.
label = g:emb:Embedded:
sig = *:30:0:*:*,0:mss::0
sig = *:32:0:*:*,0:mss::0
sig = *:60:0:*:*,0:mss::0
sig = *:64:0:*:*,0:mss::0
sig = *:64:0:*:*,0:mss:id-:0
sig = *:128:0:*:*,0:mss::0
sig = *:255:0:*:*,0:mss::0
sig = *:255:0:*:*,0:mss:id-:0
sig = *:64:0:*:*,0:::0
sig = *:255:0:*:*,0:::0

; Scanners: not what runs on the machine.
label = s:!:nmap:SYN scan
sig = *:64-:0:1460:1024,0:mss::0
sig = *:64-:0:1460:2048,0:mss::0
sig = *:64-:0:1460:3072,0:mss::0
sig = *:64-:0:1460:4096,0:mss::0

[tcp:response]

; An answer can only hold options that the SYN held.
label = s:win:Windows:Vista, 7, 8, 8.1, Server 2008, Server 2008 R2, Server 2012 or Server 2012 R2
sig = *:128:0:*:8192,*:mss,nop,nop,sok:df,id+:0
sig = *:128:0:*:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:8192,8:mss,nop,ws,sok,ts:df,id+:0

label = s:win:Windows:10, 11, Server 2016, Server 2019, Server 2022 or Server 2025
sig = *:128:0:*:65535,8:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:64240,8:mss,nop,ws,nop,nop,sok:df,id+:0

label = g:win:Windows:
sig = *:128:0:*:*,*:mss,nop,nop,sok:df,id+:0
sig = *:128:0:*:*,*:mss,nop,ws,nop,nop,sok:df,id+:0
sig = *:128:0:*:*,*:mss,nop,ws,sok,ts:df,id+:0
sig = *:128:0:*:*,*:mss,nop,ws,nop,nop,ts,nop,nop,sok:df,id+:0

label = g:unix:Linux:
sig = *:64:0:*:*,*:mss,sok,ts,nop,ws:df:0
sig = *:64:0:*:*,*:mss,sok,ts:df:0
sig = *:64:0:*:*,*:mss,nop,nop,sok,nop,ws:df:0
sig = *:64:0:*:*,*:mss,nop,nop,sok:df:0

label = g:unix:macOS or iOS:
sig = *:64:0:*:65535,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df:0
sig = *:64:0:*:65535,*:mss,nop,ws,nop,nop,ts,sok,eol+1:df,id+:0

label = s:unix:FreeBSD:
sig = *:64:0:*:65535,*:mss,nop,ws,sok,ts:df,id+:0
sig = *:64:0:*:65535,*:mss,nop,ws,sok,ts:df:0

label = g:emb:Embedded:
sig = *:30:0:*:*,0:mss::0
sig = *:32:0:*:*,0:mss::0
sig = *:60:0:*:*,0:mss::0
sig = *:64:0:*:*,0:mss::0
sig = *:64:0:*:*,0:mss:id-:0
sig = *:128:0:*:*,0:mss::0
sig = *:255:0:*:*,0:mss::0
sig = *:255:0:*:*,0:mss:id-:0
