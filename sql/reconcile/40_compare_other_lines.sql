-- Compare site visits, meter points and meters with their lines, and look for lines that became
-- none: the same as for readings, for all else that a file can hold.
--
-- Params: first_line_id, last_line_id (bigint): the files to look at, by the ids of their lines
-- Reads:  flow_file, staged_line, site_visit, meter_point, meter, register, reading, line_issue
WITH line AS (
    SELECT
        id,
        parent_id,
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

meter_line AS (
    SELECT
        id,
        split_part(payload, '|', 2) AS serial_number -- J0004
    FROM staged_line
    WHERE
        id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND group_code = '028'
),

-- Few, and each with what it was found at.
visit AS (
    SELECT
        site_visit.id,
        site_visit.mpan_core,
        site_visit.meter_id,
        site_visit.reading_id,
        site_visit.check_code,
        site_visit.additional_information,
        meter.serial_number,
        register.meter_id AS meter_id_of_reading
    FROM site_visit
    LEFT JOIN meter
        ON
            site_visit.mpan_core = meter.mpan_core
            AND site_visit.meter_id = meter.id
    LEFT JOIN reading
        ON
            site_visit.mpan_core = reading.mpan_core
            AND site_visit.reading_id = reading.id
            AND reading.id BETWEEN %(first_line_id)s AND %(last_line_id)s
    LEFT JOIN register
        ON
            reading.mpan_core = register.mpan_core
            AND reading.register_id = register.id
    WHERE site_visit.id BETWEEN %(first_line_id)s AND %(last_line_id)s
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
                THEN 'site visits that say something else than their lines'
            WHEN
                NOT coalesce(
                    CASE line.group_code
                        WHEN '027' THEN visit.meter_id IS NULL AND visit.reading_id IS NULL
                        WHEN '029'
                            THEN
                                visit.serial_number = meter_line.serial_number
                                AND visit.reading_id IS NULL
                        WHEN '033'
                            THEN
                                visit.reading_id = line.parent_id
                                AND visit.meter_id = visit.meter_id_of_reading
                    END,
                    FALSE
                )
                THEN 'site visits at something else than their lines say'
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
    LEFT JOIN visit
        ON line.id = visit.id
    LEFT JOIN meter_line
        ON
            line.group_code = '029'
            AND line.parent_id = meter_line.id
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
