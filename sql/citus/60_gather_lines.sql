-- Bring the lines of a small file to the coordinator, or those of few.
--
-- Params: first_stretch, last_stretch (bigint), other_file_ids (bigint[]): the lines to judge,
--         and the files between those two whose lines are not meant
-- Reads:  staged_line
-- Writes: gathered_staged_line (temporary), to be renamed when all are gathered
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE gathered_staged_line ON COMMIT DROP AS
SELECT * -- noqa: AM04
FROM staged_line
WHERE
    stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
    AND id >> 32 <> all(%(other_file_ids)s::bigint[]);
