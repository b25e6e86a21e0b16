-- Bring what is known of these meter points to the coordinator: their meters.
--
-- Params: mpan_cores (text[]): as step 61 tells
-- Reads:  meter
-- Writes: gathered_meter (temporary), to be renamed when all are gathered
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE gathered_meter ON COMMIT DROP AS
SELECT * -- noqa: AM04
FROM meter
WHERE mpan_core = any(%(mpan_cores)s::text[]);
