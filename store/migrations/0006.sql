-- Minutes, hours and connections as blocks: all rows of one kind that a sensor has of a minute or an hour
-- are one BLOB (store/block.go), so that writing them costs no tree of their own, and reading
-- them no row at a time. What the columns are and how rows of one id are joined stands in store/grain.go
-- and store/connection.go. The rows of the tables before are packed by store/migrate.go.
ALTER TABLE edge_minute RENAME TO old_edge_minute;
ALTER TABLE edge_hour RENAME TO old_edge_hour;
ALTER TABLE operation_minute RENAME TO old_operation_minute;
ALTER TABLE operation_hour RENAME TO old_operation_hour;
ALTER TABLE address_minute RENAME TO old_address_minute;
ALTER TABLE address_hour RENAME TO old_address_hour;
ALTER TABLE connection RENAME TO old_connection;
DROP INDEX connection_long;

-- count: how many rows. first, last in the rows: ns since the minute's or hour's start.
CREATE TABLE edge_minute (
  minute INTEGER NOT NULL,
  sensor INTEGER NOT NULL,
  count  INTEGER NOT NULL,
  rows   BLOB NOT NULL, -- edge, packets_out, bytes_out, packets_in, bytes_in, opened, failed, answered, first, last, capture, number
  PRIMARY KEY (minute, sensor)
) WITHOUT ROWID;
CREATE TABLE edge_hour (
  hour   INTEGER NOT NULL,
  sensor INTEGER NOT NULL,
  count  INTEGER NOT NULL,
  rows   BLOB NOT NULL, -- the same without capture, number
  PRIMARY KEY (hour, sensor)
) WITHOUT ROWID;
CREATE TABLE operation_minute (
  minute INTEGER NOT NULL,
  sensor INTEGER NOT NULL,
  count  INTEGER NOT NULL,
  rows   BLOB NOT NULL, -- operation, count, first, last, capture, number
  PRIMARY KEY (minute, sensor)
) WITHOUT ROWID;
CREATE TABLE operation_hour (
  hour   INTEGER NOT NULL,
  sensor INTEGER NOT NULL,
  count  INTEGER NOT NULL,
  rows   BLOB NOT NULL,
  PRIMARY KEY (hour, sensor)
) WITHOUT ROWID;
CREATE TABLE address_minute (
  minute INTEGER NOT NULL,
  sensor INTEGER NOT NULL,
  count  INTEGER NOT NULL,
  rows   BLOB NOT NULL, -- address, evidence, ends, packets_sent, bytes_sent, packets_received, bytes_received, ttl, first, last, capture, number
  PRIMARY KEY (minute, sensor)
) WITHOUT ROWID;
CREATE TABLE address_hour (
  hour   INTEGER NOT NULL,
  sensor INTEGER NOT NULL,
  count  INTEGER NOT NULL,
  rows   BLOB NOT NULL,
  PRIMARY KEY (hour, sensor)
) WITHOUT ROWID;

-- Connections by the minute that they began in; n: the parts of a minute, in the order in which
-- they were written. Of rows with the same first and id the one of the later part holds, and that of
-- connection_long before all.
CREATE TABLE connection_minute (
  minute INTEGER NOT NULL,
  sensor INTEGER NOT NULL,
  n      INTEGER NOT NULL,
  count  INTEGER NOT NULL,
  rows   BLOB NOT NULL, -- first (ns since the minute's start), id, edge, client_port, … as below
  PRIMARY KEY (minute, sensor, n)
) WITHOUT ROWID;
-- The few that are longer than a quarter of an hour, a row each: they are written again and
-- again, long after their first minute. duration = last - first; inner_vlan -1: none;
-- icmp = type * 256 + code.
CREATE TABLE connection_long (
  first         INTEGER NOT NULL,
  sensor        INTEGER NOT NULL,
  id            INTEGER NOT NULL,
  edge          INTEGER NOT NULL,
  client_port   INTEGER NOT NULL,
  inner_vlan    INTEGER NOT NULL,
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
-- By their last frame, so that a window finds those which began long before it.
CREATE INDEX connection_long_last ON connection_long (first + duration);

-- Facts get ids: that a device told the same again, which it does all the time, changes last in
-- a row that is found by its id.
DROP INDEX fact_first;
ALTER TABLE fact RENAME TO old_fact;
CREATE TABLE fact (
  id      INTEGER PRIMARY KEY,
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
  UNIQUE (sensor, ip, mac, kind, value, source)
);
INSERT INTO fact (sensor, ip, mac, kind, value, source, first, last, capture, number)
  SELECT sensor, ip, mac, kind, value, source, first, last, capture, number FROM old_fact;
DROP TABLE old_fact;
CREATE INDEX fact_first ON fact (sensor, first);
