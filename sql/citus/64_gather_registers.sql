-- Bring what is known of these meter points to the coordinator: their registers.
--
-- Params: mpan_cores (text[]): as step 61 tells
-- Reads:  register
-- Writes: gathered_register (temporary), to be renamed when all are gathered
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE gathered_register ON COMMIT DROP AS
SELECT * -- noqa: AM04
FROM register
WHERE mpan_core = any(%(mpan_cores)s::text[]);
