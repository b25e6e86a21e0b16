-- Bring the lines of some files to the coordinator, for `reconcile`.
--
-- Params: first_stretch, last_stretch (bigint): where the lines and rows of the files are
-- Reads:  staged_line
-- Writes: gathered_staged_line (temporary), to be renamed when all are gathered
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE gathered_staged_line ON COMMIT DROP AS
SELECT * -- noqa: AM04
FROM staged_line
WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s;
