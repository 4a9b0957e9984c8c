-- Reference data that a site brought in place of what is built in (osect update): the
-- registry's name ("services", "oui"), where it is from in one line, and its bytes in the
-- form of the built-in table.
CREATE TABLE reference (
  name   TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  data   BLOB NOT NULL
);
