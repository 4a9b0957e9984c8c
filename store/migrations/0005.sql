-- Frames that show an alert of a live capture: what the ring in memory still had of them
-- when the alert was raised or grew. Of captures in files the alert names the frames.
CREATE TABLE evidence (
  alert  TEXT NOT NULL,
  time   INTEGER NOT NULL, -- ns
  number INTEGER NOT NULL, -- of the frame on its interface, from 1
  link   INTEGER NOT NULL, -- LINKTYPE_
  wire   INTEGER NOT NULL, -- length on the wire, bytes
  data   BLOB NOT NULL,
  PRIMARY KEY (alert, time, number)
);
