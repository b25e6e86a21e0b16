-- Compare each validation result with the reading that it is of.
--
-- A reading has one result at most, and their number is compared with that of the readings that
-- have one, so a result that no line gave is seen as well.
--
-- Params: first_stretch, last_stretch (bigint): where the lines and rows of the files are
--         blanks (text)
-- Reads:  flow_file, staged_line, reading, line_issue
WITH line AS (
    SELECT
        id,
        parent_id,
        mpan_core,
        split_part(payload, '|', 2) AS reason_code, -- J0332
        unpadded(split_part(payload, '|', 3), %(blanks)s) AS reading_status -- J0047
    FROM staged_line
    WHERE
        stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
        AND kind = 'result'
        AND (
            EXISTS (
                SELECT
                FROM line_issue
                WHERE
                    line_issue.mpan_core = staged_line.mpan_core
                    AND line_issue.flow_file_id = staged_line.id >> 32
                    AND line_issue.line_number = staged_line.id & 4294967295
                    AND line_issue.severity = 'REJECTED'
            )
        ) IS FALSE
),

stored AS (
    SELECT
        id,
        mpan_core,
        reason_code,
        reading_status
    FROM reading
    WHERE
        id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
        AND reading_status <> ''
),

difference AS (
    SELECT
        coalesce(line.id, stored.id) >> 32 AS flow_file_id,
        min(coalesce(line.id, stored.id) & 4294967295) AS first_line_number,
        count(*) AS line_count
    FROM line
    FULL JOIN stored
        ON
            line.mpan_core = stored.mpan_core
            AND line.parent_id = stored.id
    WHERE
        line.id IS NULL
        OR stored.id IS NULL
        OR stored.reading_status <> line.reading_status
        OR stored.reason_code <> line.reason_code
        AND NOT (stored.reason_code = '' AND unpadded(line.reason_code, %(blanks)s) = '')
    GROUP BY coalesce(line.id, stored.id) >> 32
)

SELECT
    difference.flow_file_id,
    concat(
        'readings of another validation result than their lines say, first at line ',
        difference.first_line_number
    ) AS what,
    0 AS expected,
    difference.line_count AS found
FROM difference
INNER JOIN flow_file
    ON difference.flow_file_id = flow_file.id
WHERE
    flow_file.status IN ('LOADED', 'LOADED_WITH_REJECTIONS')
    AND flow_file.purged_at IS NULL
ORDER BY difference.flow_file_id;
