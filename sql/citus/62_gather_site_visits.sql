-- Bring the site visits of some files to the coordinator, for `reconcile`.
--
-- Params: first_stretch, last_stretch (bigint): where the lines and rows of the files are
-- Reads:  site_visit
-- Writes: gathered_site_visit (temporary), to be renamed when all are gathered
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE gathered_site_visit ON COMMIT DROP AS
SELECT * -- noqa: AM04
FROM site_visit
WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s;
