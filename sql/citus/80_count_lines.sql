-- Count the lines that are to be judged, as far as they can be seen.
--
-- After the loss of a worker it may have yet to finish a part of what was committed.
--
-- Params: first_stretch, last_stretch (bigint), other_file_ids (bigint[]): the lines to judge,
--         and the files between those two whose lines are not meant
-- Reads:  staged_line
-- Writes: nothing
SELECT count(*) AS seen_line_count
FROM staged_line
WHERE
    stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
    AND id >> 32 <> all(%(other_file_ids)s::bigint[]);
