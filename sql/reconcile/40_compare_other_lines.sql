-- Compare site visits, meter points and meters with their lines, and look for lines that became
-- none and visits that came from none: the same as for readings, for all else that a file holds.
--
-- Meter points and meters are looked up by their keys, one row each; the full join compares the
-- visits as sets.
--
-- Params: first_stretch, last_stretch (bigint): where the lines and rows of the files are
-- Reads:  flow_file, staged_line, site_visit, meter_point, meter, line_issue
WITH line AS (
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
        id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
        AND (kind IN ('meter_point', 'meter') OR starts_with(kind, 'visit_at_'))
        AND (
            EXISTS (
                SELECT
                FROM line_issue
                WHERE
                    line_issue.flow_file_id = staged_line.id >> 32
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
        line.id,
        'meter points that are missing' AS what
    FROM line
    LEFT JOIN meter_point
        ON line.mpan_core = meter_point.mpan_core
    WHERE
        line.kind = 'meter_point'
        AND meter_point.mpan_core IS NULL
    UNION ALL
    SELECT
        line.id,
        'meters that are missing' AS what
    FROM line
    LEFT JOIN meter
        ON
            line.mpan_core = meter.mpan_core
            AND line.serial_key = meter.serial_key
    WHERE
        line.kind = 'meter'
        AND meter.mpan_core IS NULL
    UNION ALL
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
