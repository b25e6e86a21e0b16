-- Compare site visits, meter points and meters with their lines, and look for lines that became
-- none: the same as for readings, for all else that a file can hold.
--
-- Params: first_line_id, last_line_id (bigint): the files to look at, by the ids of their lines
-- Reads:  flow_file, staged_line, site_visit, meter_point, meter, line_issue
WITH line AS (
    SELECT
        id,
        group_code,
        mpan_core,
        split_part(payload, '|', 2) AS first_item,
        split_part(payload, '|', 3) AS second_item
    FROM staged_line
    WHERE
        id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND group_code IN ('026', '027', '028', '029', '033')
),

rejected AS (
    SELECT DISTINCT flow_file_id << 32 | line_number AS line_id
    FROM line_issue
    WHERE
        flow_file_id BETWEEN %(first_line_id)s >> 32 AND %(last_line_id)s >> 32
        AND severity = 'REJECTED'
),

compared AS (
    SELECT
        line.id,
        CASE
            WHEN line.group_code = '026' AND meter_point.mpan_core IS NULL
                THEN 'meter points that are missing'
            WHEN line.group_code = '028' AND meter.id IS NULL THEN 'meters that are missing'
            WHEN line.group_code IN ('026', '028') THEN NULL
            WHEN visit.id IS NULL THEN 'site visits that are missing'
            WHEN
                visit.mpan_core <> line.mpan_core
                OR visit.check_code <> line.first_item
                OR visit.additional_information <> line.second_item
                OR (visit.meter_id IS NULL) <> (line.group_code = '027')
                OR (visit.reading_id IS NULL) <> (line.group_code <> '033')
                THEN 'site visits that say something else than their lines'
        END AS what
    FROM line
    LEFT JOIN rejected
        ON line.id = rejected.line_id
    LEFT JOIN meter_point
        ON
            line.group_code = '026'
            AND line.mpan_core = meter_point.mpan_core
    LEFT JOIN meter
        ON
            line.group_code = '028'
            AND line.mpan_core = meter.mpan_core
            AND line.first_item = meter.serial_number
    LEFT JOIN site_visit AS visit
        ON line.id = visit.id
    WHERE rejected.line_id IS NULL
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
