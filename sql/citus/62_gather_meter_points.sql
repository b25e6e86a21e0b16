-- Bring those of these meter points that are known to the coordinator.
--
-- Params: mpan_cores (text[]): as step 61 tells
-- Reads:  meter_point
-- Writes: gathered_meter_point (temporary), to be renamed when all are gathered
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE gathered_meter_point ON COMMIT DROP AS
SELECT * -- noqa: AM04
FROM meter_point
WHERE mpan_core = any(%(mpan_cores)s::text[]);
