-- What a learned row holds beside its key, as its list writes it: the volumes of a pair, the
-- model of a device, a limit or a mode set by hand. Empty for the other lists.
ALTER TABLE learned ADD COLUMN value TEXT NOT NULL DEFAULT '';

DROP TRIGGER learned_update;
CREATE TRIGGER learned_update AFTER UPDATE OF hi, origin, value ON learned BEGIN
  UPDATE generation SET n = n + 1 WHERE list = NEW.list;
END;

-- Stored minutes are given with the facts that were seen first in them.
CREATE INDEX fact_first ON fact (sensor, first);
