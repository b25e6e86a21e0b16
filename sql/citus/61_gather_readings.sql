-- Bring the readings of some files to the coordinator, for `reconcile`.
--
-- Params: first_stretch, last_stretch (bigint): where the lines and rows of the files are
-- Reads:  reading
-- Writes: gathered_reading (temporary), to be renamed when all are gathered
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE gathered_reading ON COMMIT DROP AS
SELECT * -- noqa: AM04
FROM reading
WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s;
