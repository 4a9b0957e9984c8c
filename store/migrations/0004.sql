-- The ledger: the site's own list of its devices. All as text in canonical form
-- (docs/ledger.md): mac lower case with colons, ip several separated by a space, dates
-- ISO 8601. n is the order of the list.
CREATE TABLE ledger (
  n           INTEGER PRIMARY KEY,
  ip          TEXT NOT NULL,
  mac         TEXT NOT NULL,
  hostname    TEXT NOT NULL,
  location    TEXT NOT NULL,
  department  TEXT NOT NULL,
  owner       TEXT NOT NULL,
  vendor      TEXT NOT NULL,
  model       TEXT NOT NULL,
  os          TEXT NOT NULL,
  firmware    TEXT NOT NULL,
  role        TEXT NOT NULL,
  zone        TEXT NOT NULL,
  criticality TEXT NOT NULL,
  installed   TEXT NOT NULL,
  note        TEXT NOT NULL,
  asset       TEXT NOT NULL,
  serial      TEXT NOT NULL,
  flags       TEXT NOT NULL,
  flags_until TEXT NOT NULL,
  site        TEXT NOT NULL,
  state       TEXT NOT NULL
);
INSERT INTO generation VALUES ('ledger', 0);
CREATE TRIGGER ledger_insert AFTER INSERT ON ledger BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'ledger';
END;
CREATE TRIGGER ledger_update AFTER UPDATE ON ledger BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'ledger';
END;
CREATE TRIGGER ledger_delete AFTER DELETE ON ledger BEGIN
  UPDATE generation SET n = n + 1 WHERE list = 'ledger';
END;
