-- Compare each reading with the line that it came from, and look for lines that became none and
-- readings that came from none.
--
-- What a line takes from those above it is proved elsewhere, from the raw lines. The date is
-- written out again rather than read again, so that the function which read it is not its own
-- witness; times that clocks skip come out an hour on, and their issue says so; of an hour that
-- clocks repeat it is the second. Results, which
-- stand on lines of their own, are compared in the next statement.
--
-- Fields are cut once each, behind a fence (OFFSET '0'): pulled into what is asked of them they
-- would be cut several times, which takes a quarter of the time again.
--
-- A full join compares sets, by a hash or by sorting: no guess about their sizes can make it go
-- through one of them for each row of the other.
--
-- Params: first_stretch, last_stretch (bigint): where the lines and rows of the files are
--         time_zone, blanks (text)
-- Reads:  flow_file, staged_line, reading, line_issue
WITH cut AS (
    SELECT
        id,
        mpan_core,
        serial_key,
        reading_type,
        validation_status,
        split_part(payload, '|', 2) AS identifier, -- J0010
        split_part(payload, '|', 3) AS read_at_text, -- J0016
        split_part(payload, '|', 4) AS value_text, -- J0040
        split_part(payload, '|', 5) AS md_reset_at_text, -- J0044
        split_part(payload, '|', 6) AS md_reset_count_text, -- J1013
        split_part(payload, '|', 7) AS reading_flag, -- J0045
        split_part(payload, '|', 8) AS reading_method, -- J1888
        (
            EXISTS (
                SELECT
                FROM line_issue
                WHERE
                    line_issue.mpan_core = staged_line.mpan_core
                    AND line_issue.flow_file_id = staged_line.id >> 32
                    AND line_issue.line_number = staged_line.id & 4294967295
                    AND line_issue.severity = 'REJECTED'
            )
        ) AS is_rejected
    FROM staged_line
    WHERE
        stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
        AND kind = 'reading'
    OFFSET '0'
),

line AS (
    SELECT
        id,
        mpan_core,
        serial_key,
        reading_type,
        validation_status,
        read_at_text,
        value_text,
        is_rejected,
        unpadded(identifier, %(blanks)s) AS identifier,
        unpadded(md_reset_at_text, %(blanks)s) AS md_reset_at_text,
        unpadded(md_reset_count_text, %(blanks)s) AS md_reset_count_text,
        unpadded(reading_flag, %(blanks)s) AS reading_flag,
        unpadded(reading_method, %(blanks)s) AS reading_method
    FROM cut
),

stored AS (
    SELECT *
    FROM reading
    WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
),

compared AS (
    SELECT
        coalesce(line.id, stored.id) AS id,
        CASE
            WHEN line.id IS NULL THEN 'readings of no line at their meter point'
            WHEN stored.id IS NULL AND line.is_rejected THEN NULL
            WHEN stored.id IS NULL THEN 'readings that are missing'
            WHEN line.is_rejected THEN 'readings of rejected lines'
            WHEN
                stored.serial_key <> line.serial_key
                OR stored.identifier <> line.identifier
                OR stored.reading_type <> line.reading_type
                OR stored.validation_status <> line.validation_status
                THEN 'readings under another register than their lines say'
            WHEN
                to_char(stored.read_at AT TIME ZONE %(time_zone)s, 'YYYYMMDDHH24MISSUS')
                <> concat(line.read_at_text, '000000')
                AND (
                    to_char(
                        stored.read_at AT TIME ZONE %(time_zone)s - interval '1 hour',
                        'YYYYMMDDHH24MISSUS'
                    ) <> concat(line.read_at_text, '000000')
                    OR NOT EXISTS (
                        SELECT
                        FROM line_issue
                        WHERE
                            line_issue.mpan_core = line.mpan_core
                            AND line_issue.flow_file_id = line.id >> 32
                            AND line_issue.line_number = line.id & 4294967295
                            AND line_issue.code = 'clock-skipped'
                            AND line_issue.item = 'J0016'
                    )
                )
                OR substr(line.read_at_text, 9, 2) IN ('01', '02')
                AND stored.read_at AT TIME ZONE %(time_zone)s AT TIME ZONE %(time_zone)s
                <> stored.read_at
                THEN 'readings of another time than their lines say'
            WHEN
                (stored.md_reset_at IS NOT NULL OR line.md_reset_at_text <> '')
                AND (
                    to_char(
                        stored.md_reset_at AT TIME ZONE %(time_zone)s, 'YYYYMMDDHH24MISSUS'
                    ) IS DISTINCT FROM concat(line.md_reset_at_text, '000000')
                    AND (
                        to_char(
                            stored.md_reset_at AT TIME ZONE %(time_zone)s - interval '1 hour',
                            'YYYYMMDDHH24MISSUS'
                        ) IS DISTINCT FROM concat(line.md_reset_at_text, '000000')
                        OR NOT EXISTS (
                            SELECT
                            FROM line_issue
                            WHERE
                                line_issue.mpan_core = line.mpan_core
                                AND line_issue.flow_file_id = line.id >> 32
                                AND line_issue.line_number = line.id & 4294967295
                                AND line_issue.code = 'clock-skipped'
                                AND line_issue.item = 'J0044'
                        )
                    )
                    OR stored.md_reset_at AT TIME ZONE %(time_zone)s AT TIME ZONE %(time_zone)s
                    <> stored.md_reset_at
                )
                OR stored.value <> coalesce(d0010_register_reading(line.value_text), -1)
                OR (stored.md_reset_count IS NOT NULL OR line.md_reset_count_text <> '')
                AND coalesce(stored.md_reset_count::text, '')
                <> coalesce(
                    nullif(ltrim(line.md_reset_count_text, '0'), ''),
                    left(line.md_reset_count_text, 1)
                )
                OR stored.reading_flag <> line.reading_flag
                OR stored.reading_method <> line.reading_method
                OR stored.reading_status = '' AND stored.reason_code <> ''
                THEN 'readings of another value than their lines say'
        END AS what
    FROM line
    FULL JOIN stored
        ON
            line.mpan_core = stored.mpan_core
            AND line.id = stored.id
),

difference AS (
    SELECT
        id >> 32 AS flow_file_id,
        what,
        min(id & 4294967295) AS first_line_number,
        count(*) AS line_count
    FROM compared
    WHERE what IS NOT NULL
    GROUP BY id >> 32, what
)

-- Files come in last: joined to the lines, they would mislead the planner about their number.
SELECT
    difference.flow_file_id,
    concat(difference.what, ', first at line ', difference.first_line_number) AS what,
    0 AS expected,
    difference.line_count AS found
FROM difference
INNER JOIN flow_file
    ON difference.flow_file_id = flow_file.id
WHERE
    flow_file.status IN ('LOADED', 'LOADED_WITH_REJECTIONS')
    AND flow_file.purged_at IS NULL
ORDER BY difference.flow_file_id, difference.what;
