-- Check what no foreign key holds: that rows point at files and lines which are there, and that
-- the MPAN on a row is that of what it belongs to.
--
-- Params: first_line_id, last_line_id (bigint): the files to look at, by the ids of their lines
-- Reads:  flow_file, staged_line, reading, site_visit, register, meter, meter_point
WITH lined_row AS (
    SELECT
        id,
        'readings' AS what,
        '030' AS group_code
    FROM reading
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        'site visits' AS what,
        NULL AS group_code
    FROM site_visit
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        line_id AS id,
        'meter points' AS what,
        '026' AS group_code
    FROM meter_point
    WHERE line_id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        'meters' AS what,
        '028' AS group_code
    FROM meter
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        'registers' AS what,
        '030' AS group_code
    FROM register
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
),

wrong AS (
    SELECT
        lined_row.id,
        CASE
            WHEN
                flow_file.id IS NULL
                OR flow_file.status NOT IN ('LOADED', 'LOADED_WITH_REJECTIONS')
                THEN concat(lined_row.what, ' of no loaded file')
            WHEN flow_file.purged_at IS NULL AND line.id IS NULL
                THEN concat(lined_row.what, ' of no line')
            WHEN line.group_code <> lined_row.group_code
                THEN concat(lined_row.what, ' of a line of another group')
        END AS what
    FROM lined_row
    LEFT JOIN flow_file
        ON lined_row.id >> 32 = flow_file.id
    LEFT JOIN staged_line AS line
        ON
            lined_row.id = line.id
            AND line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        reading.id,
        'readings whose register is at another meter point' AS what
    FROM reading
    INNER JOIN register
        ON reading.register_id = register.id
    WHERE
        reading.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND reading.mpan_core <> register.mpan_core
    UNION ALL
    SELECT
        register.id,
        'registers whose meter is at another meter point' AS what
    FROM register
    INNER JOIN meter
        ON register.meter_id = meter.id
    WHERE
        register.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND register.mpan_core <> meter.mpan_core
    UNION ALL
    SELECT
        staged_line.id,
        'staged lines of no file' AS what
    FROM staged_line
    LEFT JOIN flow_file
        ON staged_line.id >> 32 = flow_file.id
    WHERE
        staged_line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND flow_file.id IS NULL
)

SELECT
    id >> 32 AS flow_file_id,
    concat(what, ', first at line ', min(id & 4294967295)) AS what,
    0 AS expected,
    count(*) AS found
FROM wrong
WHERE what IS NOT NULL
GROUP BY id >> 32, what
ORDER BY id >> 32, what;
