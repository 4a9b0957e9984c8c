-- Who saw it. The first sensor of a store has id 1.
CREATE TABLE site (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE sensor (
  id   INTEGER PRIMARY KEY,
  site INTEGER NOT NULL REFERENCES site,
  name TEXT NOT NULL,
  UNIQUE (site, name)
);

-- Dictionaries: addresses (4, 16 or 6 bytes, see decode.Addr.Bytes) and texts.
CREATE TABLE end (
  id   INTEGER PRIMARY KEY,
  addr BLOB NOT NULL UNIQUE
);
CREATE TABLE text (
  id    INTEGER PRIMARY KEY,
  value TEXT NOT NULL UNIQUE
);

-- What does not change from minute to minute, once: edges (also the ends of connections,
-- with client_port 0), kinds of operation, and addresses with their totals.
-- VLAN 65535: untagged. MACs are 48-bit integers, 0 for none.
CREATE TABLE edge (
  id          INTEGER PRIMARY KEY,
  client      INTEGER NOT NULL,
  server      INTEGER NOT NULL,
  server_port INTEGER NOT NULL,
  client_port INTEGER NOT NULL,
  proto       INTEGER NOT NULL,
  vlan        INTEGER NOT NULL,
  tunnel      INTEGER NOT NULL,
  client_mac  INTEGER NOT NULL,
  server_mac  INTEGER NOT NULL,
  multicast   INTEGER NOT NULL,
  service     INTEGER NOT NULL,
  UNIQUE (client, server, server_port, client_port, proto, vlan, tunnel, client_mac, server_mac, multicast, service)
);
CREATE INDEX edge_server ON edge (server);
CREATE TABLE operation (
  id        INTEGER PRIMARY KEY,
  src       INTEGER NOT NULL,
  dst       INTEGER NOT NULL,
  protocol  INTEGER NOT NULL,
  code      INTEGER NOT NULL,
  function  INTEGER NOT NULL,
  status    INTEGER NOT NULL,
  unit      INTEGER NOT NULL,
  direction INTEGER NOT NULL,
  class     INTEGER NOT NULL,
  tunnel    INTEGER NOT NULL,
  UNIQUE (src, dst, protocol, code, function, status, unit, direction, class, tunnel)
);
CREATE INDEX operation_dst ON operation (dst);
CREATE TABLE address (
  id               INTEGER PRIMARY KEY,
  ip               INTEGER NOT NULL,
  mac              INTEGER NOT NULL,
  vlan             INTEGER NOT NULL,
  sensor           INTEGER NOT NULL,
  evidence         INTEGER NOT NULL,
  ends             INTEGER NOT NULL, -- 1 client, 2 server
  packets_sent     INTEGER NOT NULL,
  bytes_sent       INTEGER NOT NULL,
  packets_received INTEGER NOT NULL,
  bytes_received   INTEGER NOT NULL,
  ttl              INTEGER NOT NULL,
  first            INTEGER NOT NULL,
  last             INTEGER NOT NULL,
  UNIQUE (ip, mac, vlan, sensor)
);

-- Minutes that were seen, with their counters; those that are not 0 of the two
-- lists by name ("skipped.bad-ip", "dropped.events").
CREATE TABLE minute (
  minute    INTEGER NOT NULL,
  sensor    INTEGER NOT NULL,
  parts     INTEGER NOT NULL,
  packets   INTEGER NOT NULL,
  bytes     INTEGER NOT NULL,
  decoded   INTEGER NOT NULL,
  fragments INTEGER NOT NULL,
  truncated INTEGER NOT NULL,
  late      INTEGER NOT NULL,
  PRIMARY KEY (minute, sensor)
) WITHOUT ROWID;
CREATE TABLE minute_counter (
  minute INTEGER NOT NULL,
  sensor INTEGER NOT NULL,
  name   INTEGER NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (minute, sensor, name)
) WITHOUT ROWID;

-- Hours whose hour rows are behind their minute rows.
CREATE TABLE pending (
  hour   INTEGER NOT NULL,
  sensor INTEGER NOT NULL,
  PRIMARY KEY (hour, sensor)
) WITHOUT ROWID;

-- The first hour of which a grain is whole: retention let go what was before. No row: all.
CREATE TABLE kept (
  grain TEXT PRIMARY KEY,
  hour  INTEGER NOT NULL
) WITHOUT ROWID;

-- Grain 1: a row a connection. duration = last - first. inner_vlan NULL: none.
-- icmp = type * 256 + code.
CREATE TABLE connection (
  first         INTEGER NOT NULL,
  sensor        INTEGER NOT NULL,
  id            INTEGER NOT NULL,
  edge          INTEGER NOT NULL,
  client_port   INTEGER NOT NULL,
  inner_vlan    INTEGER,
  duration      INTEGER NOT NULL,
  packets_out   INTEGER NOT NULL,
  bytes_out     INTEGER NOT NULL,
  packets_in    INTEGER NOT NULL,
  bytes_in      INTEGER NOT NULL,
  fragments_out INTEGER NOT NULL,
  fragments_in  INTEGER NOT NULL,
  icmp          INTEGER NOT NULL,
  state         INTEGER NOT NULL,
  closed        INTEGER NOT NULL,
  PRIMARY KEY (first, sensor, id)
) WITHOUT ROWID;
-- The few that are longer than a quarter of an hour, by their last frame, so that a
-- window finds those which began long before it.
CREATE INDEX connection_long ON connection (first + duration) WHERE duration > 900000000000;

-- Grain 2 and 3: minutes and hours. first, last: ns since the minute's or hour's
-- start. capture, number: the first frame.
CREATE TABLE edge_minute (
  minute      INTEGER NOT NULL,
  sensor      INTEGER NOT NULL,
  edge        INTEGER NOT NULL,
  packets_out INTEGER NOT NULL,
  bytes_out   INTEGER NOT NULL,
  packets_in  INTEGER NOT NULL,
  bytes_in    INTEGER NOT NULL,
  opened      INTEGER NOT NULL,
  failed      INTEGER NOT NULL,
  answered    INTEGER NOT NULL,
  first       INTEGER NOT NULL,
  last        INTEGER NOT NULL,
  capture     INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  PRIMARY KEY (minute, sensor, edge)
) WITHOUT ROWID;
CREATE TABLE edge_hour (
  hour        INTEGER NOT NULL,
  sensor      INTEGER NOT NULL,
  edge        INTEGER NOT NULL,
  packets_out INTEGER NOT NULL,
  bytes_out   INTEGER NOT NULL,
  packets_in  INTEGER NOT NULL,
  bytes_in    INTEGER NOT NULL,
  opened      INTEGER NOT NULL,
  failed      INTEGER NOT NULL,
  answered    INTEGER NOT NULL,
  first       INTEGER NOT NULL,
  last        INTEGER NOT NULL,
  PRIMARY KEY (hour, sensor, edge)
) WITHOUT ROWID;
-- All hours that were made, summed; first, last: ns since 1970.
CREATE TABLE edge_total (
  edge        INTEGER NOT NULL,
  sensor      INTEGER NOT NULL,
  packets_out INTEGER NOT NULL,
  bytes_out   INTEGER NOT NULL,
  packets_in  INTEGER NOT NULL,
  bytes_in    INTEGER NOT NULL,
  opened      INTEGER NOT NULL,
  failed      INTEGER NOT NULL,
  answered    INTEGER NOT NULL,
  first       INTEGER NOT NULL,
  last        INTEGER NOT NULL,
  PRIMARY KEY (edge, sensor)
) WITHOUT ROWID;
CREATE TABLE operation_minute (
  minute    INTEGER NOT NULL,
  sensor    INTEGER NOT NULL,
  operation INTEGER NOT NULL,
  count     INTEGER NOT NULL,
  first     INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  capture   INTEGER NOT NULL,
  number    INTEGER NOT NULL,
  PRIMARY KEY (minute, sensor, operation)
) WITHOUT ROWID;
CREATE TABLE operation_hour (
  hour      INTEGER NOT NULL,
  sensor    INTEGER NOT NULL,
  operation INTEGER NOT NULL,
  count     INTEGER NOT NULL,
  first     INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  PRIMARY KEY (hour, sensor, operation)
) WITHOUT ROWID;
CREATE TABLE operation_total (
  operation INTEGER NOT NULL,
  sensor    INTEGER NOT NULL,
  count     INTEGER NOT NULL,
  first     INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  PRIMARY KEY (operation, sensor)
) WITHOUT ROWID;
-- The sensor of an address is in its dictionary row; it is repeated here so that
-- all grains have one key.
CREATE TABLE address_minute (
  minute           INTEGER NOT NULL,
  sensor           INTEGER NOT NULL,
  address          INTEGER NOT NULL,
  evidence         INTEGER NOT NULL,
  ends             INTEGER NOT NULL,
  packets_sent     INTEGER NOT NULL,
  bytes_sent       INTEGER NOT NULL,
  packets_received INTEGER NOT NULL,
  bytes_received   INTEGER NOT NULL,
  ttl              INTEGER NOT NULL,
  first            INTEGER NOT NULL,
  last             INTEGER NOT NULL,
  capture          INTEGER NOT NULL,
  number           INTEGER NOT NULL,
  PRIMARY KEY (minute, sensor, address)
) WITHOUT ROWID;
CREATE TABLE address_hour (
  hour             INTEGER NOT NULL,
  sensor           INTEGER NOT NULL,
  address          INTEGER NOT NULL,
  evidence         INTEGER NOT NULL,
  ends             INTEGER NOT NULL,
  packets_sent     INTEGER NOT NULL,
  bytes_sent       INTEGER NOT NULL,
  packets_received INTEGER NOT NULL,
  bytes_received   INTEGER NOT NULL,
  ttl              INTEGER NOT NULL,
  first            INTEGER NOT NULL,
  last             INTEGER NOT NULL,
  PRIMARY KEY (hour, sensor, address)
) WITHOUT ROWID;

-- Events of a minute, numbered from 0 in their canonical order; first, last as above.
CREATE TABLE event (
  minute  INTEGER NOT NULL,
  sensor  INTEGER NOT NULL,
  n       INTEGER NOT NULL,
  kind    INTEGER NOT NULL,
  src     INTEGER NOT NULL,
  dst     INTEGER NOT NULL,
  arg     INTEGER NOT NULL,
  text    INTEGER NOT NULL,
  count   INTEGER NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  capture INTEGER NOT NULL,
  number  INTEGER NOT NULL,
  PRIMARY KEY (minute, sensor, n)
) WITHOUT ROWID;

-- What devices told of themselves. first, last: ns since 1970.
CREATE TABLE fact (
  sensor  INTEGER NOT NULL,
  ip      INTEGER NOT NULL,
  mac     INTEGER NOT NULL,
  kind    INTEGER NOT NULL,
  value   INTEGER NOT NULL,
  source  INTEGER NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  capture INTEGER NOT NULL,
  number  INTEGER NOT NULL,
  PRIMARY KEY (sensor, ip, mac, kind, value, source)
) WITHOUT ROWID;

-- Captures and the runs that read them. sha256 is NULL until the capture was read whole.
CREATE TABLE capture (
  id      INTEGER PRIMARY KEY,
  path    TEXT NOT NULL,
  size    INTEGER NOT NULL,
  sha256  TEXT,
  status  TEXT NOT NULL,
  reason  TEXT NOT NULL,
  packets INTEGER NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL
);
CREATE INDEX capture_size ON capture (size, sha256);
CREATE TABLE run (
  id       INTEGER PRIMARY KEY,
  sensor   INTEGER NOT NULL,
  settings TEXT NOT NULL,
  begun    INTEGER NOT NULL, -- wall clock
  ended    INTEGER,          -- wall clock; NULL: not ended
  seq      INTEGER NOT NULL,
  hash     BLOB NOT NULL
);
CREATE TABLE run_capture (
  run     INTEGER NOT NULL,
  n       INTEGER NOT NULL, -- observe.FrameRef.Capture
  capture INTEGER NOT NULL,
  PRIMARY KEY (run, n)
) WITHOUT ROWID;

-- Detection. A learned row is detect.Row; site by name, "" for any.
CREATE TABLE learned (
  list   TEXT NOT NULL,
  site   TEXT NOT NULL,
  src    TEXT NOT NULL,
  dst    TEXT NOT NULL,
  proto  TEXT NOT NULL,
  item   TEXT NOT NULL,
  lo     INTEGER NOT NULL,
  hi     INTEGER NOT NULL,
  origin TEXT NOT NULL,
  first  INTEGER NOT NULL,
  last   INTEGER NOT NULL,
  count  INTEGER NOT NULL,
  PRIMARY KEY (list, site, src, dst, proto, item, lo)
) WITHOUT ROWID;
CREATE TABLE detector (
  kind  TEXT PRIMARY KEY,
  mode  TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE alert (
  id        TEXT PRIMARY KEY,
  kind      TEXT NOT NULL,
  subkind   TEXT NOT NULL,
  key       TEXT NOT NULL,
  severity  TEXT NOT NULL,
  first     INTEGER NOT NULL,
  last      INTEGER NOT NULL,
  count     INTEGER NOT NULL,
  src_ip    TEXT NOT NULL,
  src_mac   TEXT NOT NULL,
  dst_ip    TEXT NOT NULL,
  dst_mac   TEXT NOT NULL,
  technique TEXT NOT NULL,
  site      TEXT NOT NULL,
  sensor    TEXT NOT NULL,
  args      TEXT NOT NULL, -- JSON
  refs      TEXT NOT NULL, -- JSON
  state     TEXT NOT NULL
);
CREATE INDEX alert_last ON alert (last, first);
CREATE TABLE alert_note (
  alert  TEXT NOT NULL,
  n      INTEGER NOT NULL,
  at     INTEGER NOT NULL, -- wall clock
  author TEXT NOT NULL,
  text   TEXT NOT NULL,
  PRIMARY KEY (alert, n)
) WITHOUT ROWID;
CREATE TABLE exclusion (
  kind TEXT NOT NULL,
  site TEXT NOT NULL,
  src  TEXT NOT NULL,
  item TEXT NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (kind, site, src, item)
) WITHOUT ROWID;

-- Settings, names of services, the system log.
CREATE TABLE setting (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE service (
  proto TEXT NOT NULL,
  port  INTEGER NOT NULL,
  name  TEXT NOT NULL,
  PRIMARY KEY (proto, port)
) WITHOUT ROWID;
CREATE TABLE log (
  id     INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL, -- wall clock
  time   INTEGER NOT NULL, -- packet time, 0 for none
  level  TEXT NOT NULL,
  site   TEXT NOT NULL,
  sensor TEXT NOT NULL,
  key    TEXT NOT NULL,
  args   TEXT NOT NULL -- JSON
);
CREATE INDEX log_at ON log (at);

-- A number per list that grows with each edit, and the keys that edits removed, so that a
-- minute which was learned before it knew of the edit does not bring them back.
CREATE TABLE generation (
  list TEXT PRIMARY KEY,
  n    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE removed (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  list  TEXT NOT NULL,
  site  TEXT NOT NULL,
  src   TEXT NOT NULL,
  dst   TEXT NOT NULL,
  proto TEXT NOT NULL,
  item  TEXT NOT NULL,
  lo    INTEGER NOT NULL
);
INSERT INTO generation VALUES
  ('connected-device', 0), ('vulnerable-device', 0), ('ip-communication', 0),
  ('ip-volume', 0), ('ip-statistics', 0), ('ot-ip', 0), ('ot-ethernet', 0),
  ('signature', 0), ('built-in', 0),
  ('detector', 0), ('exclusion', 0), ('setting', 0), ('service', 0);

CREATE TRIGGER learned_insert AFTER INSERT ON learned BEGIN
  UPDATE generation SET n = n + 1 WHERE list = NEW.list;
END;
CREATE TRIGGER learned_update AFTER UPDATE OF hi, origin ON learned BEGIN
  UPDATE generation SET n = n + 1 WHERE list = NEW.list;
END;
CREATE TRIGGER learned_delete AFTER DELETE ON learned BEGIN
  UPDATE generation SET n = n + 1 WHERE list = OLD.list;
END;
CREATE TRIGGER detector_insert AFTER INSERT ON detector BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'detector';
END;
CREATE TRIGGER detector_update AFTER UPDATE ON detector BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'detector';
END;
CREATE TRIGGER exclusion_insert AFTER INSERT ON exclusion BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'exclusion';
END;
CREATE TRIGGER exclusion_update AFTER UPDATE ON exclusion BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'exclusion';
END;
CREATE TRIGGER exclusion_delete AFTER DELETE ON exclusion BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'exclusion';
END;
CREATE TRIGGER setting_insert AFTER INSERT ON setting BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'setting';
END;
CREATE TRIGGER setting_update AFTER UPDATE ON setting BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'setting';
END;
CREATE TRIGGER setting_delete AFTER DELETE ON setting BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'setting';
END;
CREATE TRIGGER service_insert AFTER INSERT ON service BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'service';
END;
CREATE TRIGGER service_update AFTER UPDATE ON service BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'service';
END;
CREATE TRIGGER service_delete AFTER DELETE ON service BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'service';
END;
