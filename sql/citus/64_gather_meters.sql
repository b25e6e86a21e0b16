-- Bring the meters of some files to the coordinator, for `reconcile`.
--
-- Those of all meter points that the files name, and those that came with the files.
--
-- Params: first_line_id, last_line_id (bigint): the files, by the ids of their lines
--         first_stretch, last_stretch (bigint): where the lines and rows of the files are
-- Reads:  staged_line, reading, site_visit, meter
-- Writes: gathered_meter (temporary), to be renamed when all are gathered
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE gathered_meter ON COMMIT DROP AS
SELECT * -- noqa: AM04
FROM meter
WHERE
    mpan_core IN (
        SELECT named.mpan_core
        FROM (
            SELECT mpan_core
            FROM staged_line
            WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
            UNION ALL
            SELECT mpan_core
            FROM reading
            WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
            UNION ALL
            SELECT mpan_core
            FROM site_visit
            WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
            UNION ALL
            SELECT mpan_core
            FROM meter
            WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
        ) AS named
    );
