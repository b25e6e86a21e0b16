-- Compare each reading with the lines that it came from, and look for lines that became none.
--
-- The date is written out again rather than read again, so that the function which read it is
-- not its own witness; times that clocks skip come out an hour on, and their issue says so.
--
-- Params: first_line_id, last_line_id (bigint): the files to look at, by the ids of their lines
--         time_zone (text)
-- Reads:  flow_file, staged_line, reading, register, meter, line_issue
WITH line AS (
    SELECT
        id,
        parent_id,
        split_part(payload, '|', 2) AS identifier, -- J0010
        split_part(payload, '|', 3) AS read_at_text, -- J0016
        split_part(payload, '|', 4) AS value_text, -- J0040
        btrim(split_part(payload, '|', 5)) AS md_reset_at_text, -- J0044
        btrim(split_part(payload, '|', 6)) AS md_reset_count_text, -- J1013
        btrim(split_part(payload, '|', 7)) AS reading_flag, -- J0045
        btrim(split_part(payload, '|', 8)) AS reading_method -- J1888
    FROM staged_line
    WHERE
        id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND group_code = '030'
),

-- Used twice, and all the same to be merged into the query, which can then run in parallel.
issue AS NOT MATERIALIZED (
    SELECT
        flow_file_id << 32 | line_number AS line_id,
        bool_or(severity = 'REJECTED') AS is_rejected,
        bool_or(code = 'clock-skipped' AND item = 'J0016') AS is_read_at_skipped,
        bool_or(code = 'clock-skipped' AND item = 'J0044') AS is_md_reset_at_skipped
    FROM line_issue
    WHERE
        flow_file_id BETWEEN %(first_line_id)s >> 32 AND %(last_line_id)s >> 32
        AND (severity = 'REJECTED' OR code = 'clock-skipped')
    GROUP BY flow_file_id, line_number
),

meter_line AS (
    SELECT
        meter_line.id,
        split_part(meter_line.payload, '|', 2) AS serial_number, -- J0004
        split_part(meter_line.payload, '|', 3) AS reading_type, -- J0171
        split_part(meter_point_line.payload, '|', 2) AS mpan_core, -- J0003
        split_part(meter_point_line.payload, '|', 3) AS validation_status -- J0022
    FROM staged_line AS meter_line
    LEFT JOIN staged_line AS meter_point_line
        ON
            meter_line.parent_id = meter_point_line.id
            AND meter_point_line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
            AND meter_point_line.group_code = '026'
    WHERE
        meter_line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND meter_line.group_code = '028'
),

result_line AS (
    SELECT
        staged_line.parent_id,
        split_part(staged_line.payload, '|', 2) AS reason_code, -- J0332
        split_part(staged_line.payload, '|', 3) AS reading_status -- J0047
    FROM staged_line
    LEFT JOIN issue
        ON staged_line.id = issue.line_id
    WHERE
        staged_line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND staged_line.group_code = '032'
        AND NOT coalesce(issue.is_rejected, FALSE)
),

compared AS (
    SELECT
        line.id,
        CASE
            WHEN reading.id IS NULL AND coalesce(issue.is_rejected, FALSE) THEN NULL
            WHEN reading.id IS NULL THEN 'readings that are missing'
            WHEN coalesce(issue.is_rejected, FALSE) THEN 'readings of rejected lines'
            WHEN
                NOT coalesce(
                    reading.mpan_core = meter_line.mpan_core
                    AND meter.mpan_core = meter_line.mpan_core
                    AND meter.serial_number = meter_line.serial_number
                    AND register.identifier = line.identifier
                    AND reading.reading_type = meter_line.reading_type
                    AND reading.validation_status = meter_line.validation_status,
                    FALSE
                )
                THEN 'readings under another register than their lines say'
            WHEN
                to_char(reading.read_at AT TIME ZONE %(time_zone)s, 'YYYYMMDDHH24MISS')
                <> line.read_at_text
                AND NOT coalesce(issue.is_read_at_skipped, FALSE)
                THEN 'readings of another time than their lines say'
            WHEN
                reading.value
                <> coalesce(d0010_register_reading_v2(line.value_text), -1)
                OR coalesce(
                    to_char(reading.md_reset_at AT TIME ZONE %(time_zone)s, 'YYYYMMDDHH24MISS'),
                    ''
                ) <> line.md_reset_at_text
                AND NOT coalesce(issue.is_md_reset_at_skipped, FALSE)
                OR coalesce(reading.md_reset_count::text, '')
                <> coalesce(
                    nullif(ltrim(line.md_reset_count_text, '0'), ''),
                    left(line.md_reset_count_text, 1)
                )
                OR reading.reading_flag <> line.reading_flag
                OR reading.reading_method <> line.reading_method
                OR reading.reason_code <> coalesce(result_line.reason_code, '')
                OR reading.reading_status <> coalesce(result_line.reading_status, '')
                THEN 'readings of another value than their lines say'
        END AS what
    FROM line
    LEFT JOIN reading
        ON
            line.id = reading.id
            AND reading.id BETWEEN %(first_line_id)s AND %(last_line_id)s
    LEFT JOIN register
        ON
            reading.mpan_core = register.mpan_core
            AND reading.register_id = register.id
    LEFT JOIN meter
        ON
            register.mpan_core = meter.mpan_core
            AND register.meter_id = meter.id
    LEFT JOIN meter_line
        ON line.parent_id = meter_line.id
    LEFT JOIN result_line
        ON line.id = result_line.parent_id
    LEFT JOIN issue
        ON line.id = issue.line_id
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
