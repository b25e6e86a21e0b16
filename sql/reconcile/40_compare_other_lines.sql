-- Compare site visits, meter points and meters with their lines, and look for lines that became
-- none and visits that came from none: the same as for readings, for all else that a file holds.
--
-- Each line of a meter point or meter finds its row by the key, or that is missing. A row names
-- the line which introduced it, and says what that says; so such lines and such rows are as many,
-- file by file. The full join compares the visits as sets.
--
-- Params: first_line_id, last_line_id (bigint): the files to look at, by the ids of their lines
--         first_stretch, last_stretch (bigint): where their lines and rows are
--         blanks (text)
-- Reads:  flow_file, staged_line, site_visit, meter_point, meter, line_issue
WITH line AS NOT MATERIALIZED (
    SELECT
        id,
        parent_id,
        kind,
        mpan_core,
        serial_key,
        split_part(payload, '|', 2) AS first_item,
        split_part(payload, '|', 3) AS second_item
    FROM staged_line
    WHERE
        stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
        AND (kind IN ('meter_point', 'meter') OR starts_with(kind, 'visit_at_'))
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

visit_line AS (
    SELECT
        id,
        mpan_core,
        first_item,
        second_item,
        CASE WHEN kind = 'visit_at_meter_point' THEN '' ELSE serial_key END
            AS serial_key_of_visit,
        CASE WHEN kind = 'visit_at_reading' THEN parent_id ELSE 0 END AS reading_id
    FROM line
    WHERE starts_with(kind, 'visit_at_')
),

visit AS (
    SELECT *
    FROM site_visit
    WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
),

compared AS (
    SELECT
        coalesce(line.id, visit.id) AS id,
        CASE
            WHEN line.id IS NULL THEN 'site visits of no line at their meter point'
            WHEN visit.id IS NULL THEN 'site visits that are missing'
            WHEN
                visit.check_code <> line.first_item
                OR visit.additional_information <> line.second_item
                THEN 'site visits that say something else than their lines'
            WHEN
                visit.serial_key <> line.serial_key_of_visit
                OR coalesce(visit.reading_id, 0) <> line.reading_id
                THEN 'site visits at something else than their lines say'
        END AS what
    FROM visit_line AS line
    FULL JOIN visit
        ON
            line.mpan_core = visit.mpan_core
            AND line.id = visit.id
),

found AS (
    SELECT
        line.id >> 32 AS flow_file_id,
        'meter points' AS of_what,
        min(line.id) FILTER (WHERE meter_point.mpan_core IS NULL) AS first_missing_id,
        count(*) FILTER (WHERE meter_point.mpan_core IS NULL) AS missing_count,
        count(*) FILTER (WHERE meter_point.line_id = line.id) AS introducing_count
    FROM line
    LEFT JOIN meter_point
        ON line.mpan_core = meter_point.mpan_core
    WHERE line.kind = 'meter_point'
    GROUP BY line.id >> 32
    UNION ALL
    SELECT
        line.id >> 32 AS flow_file_id,
        'meters' AS of_what,
        min(line.id) FILTER (WHERE meter.mpan_core IS NULL) AS first_missing_id,
        count(*) FILTER (WHERE meter.mpan_core IS NULL) AS missing_count,
        count(*) FILTER (
            WHERE
            meter.id = line.id
            AND meter.serial_number = unpadded(line.first_item, %(blanks)s)
        ) AS introducing_count
    FROM line
    LEFT JOIN meter
        ON
            line.mpan_core = meter.mpan_core
            AND line.serial_key = meter.serial_key
    WHERE line.kind = 'meter'
    GROUP BY line.id >> 32
),

introduced AS (
    SELECT
        line_id >> 32 AS flow_file_id,
        'meter points' AS of_what,
        count(*) AS row_count
    FROM meter_point
    WHERE line_id BETWEEN %(first_line_id)s AND %(last_line_id)s
    GROUP BY line_id >> 32
    UNION ALL
    SELECT
        id >> 32 AS flow_file_id,
        'meters' AS of_what,
        count(*) AS row_count
    FROM meter
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    GROUP BY id >> 32
),

difference AS (
    SELECT
        id >> 32 AS flow_file_id,
        concat(what, ', first at line ', min(id & 4294967295)) AS what,
        0 AS expected,
        count(*) AS found
    FROM compared
    WHERE what IS NOT NULL
    GROUP BY id >> 32, what
    UNION ALL
    SELECT
        flow_file_id,
        concat(of_what, ' that are missing, first at line ', first_missing_id & 4294967295)
            AS what,
        0 AS expected,
        missing_count AS found
    FROM found
    WHERE missing_count > 0
    UNION ALL
    SELECT
        coalesce(introduced.flow_file_id, found.flow_file_id) AS flow_file_id,
        concat(
            coalesce(introduced.of_what, found.of_what), ' introduced by a line that says so'
        ) AS what,
        coalesce(introduced.row_count, 0) AS expected,
        coalesce(found.introducing_count, 0) AS found
    FROM introduced
    FULL JOIN found
        ON
            introduced.flow_file_id = found.flow_file_id
            AND introduced.of_what = found.of_what
    WHERE coalesce(introduced.row_count, 0) <> coalesce(found.introducing_count, 0)
)

SELECT
    difference.flow_file_id,
    difference.what,
    difference.expected,
    difference.found
FROM difference
INNER JOIN flow_file
    ON difference.flow_file_id = flow_file.id
WHERE
    flow_file.status IN ('LOADED', 'LOADED_WITH_REJECTIONS')
    AND flow_file.purged_at IS NULL
ORDER BY difference.flow_file_id, difference.what;
