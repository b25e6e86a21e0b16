-- Check what no foreign key holds: that rows point at files and lines which are there and say
-- what the rows say, and that what belongs together has one MPAN.
--
-- What a reading or a site visit says is compared with its line elsewhere, so it is null here.
--
-- Params: first_line_id, last_line_id (bigint): the files to look at, by the ids of their lines
-- Reads:  flow_file, staged_line, reading, site_visit, register, meter, meter_point
WITH lined_row AS (
    SELECT
        id,
        'readings' AS what,
        ARRAY['030'] AS group_codes,
        NULL AS mpan_core,
        NULL AS first_item
    FROM reading
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        'site visits' AS what,
        ARRAY['027', '029', '033'] AS group_codes,
        NULL AS mpan_core,
        NULL AS first_item
    FROM site_visit
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        line_id AS id,
        'meter points' AS what,
        ARRAY['026'] AS group_codes,
        mpan_core,
        mpan_core AS first_item
    FROM meter_point
    WHERE line_id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        'meters' AS what,
        ARRAY['028'] AS group_codes,
        mpan_core,
        serial_number AS first_item
    FROM meter
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        'registers' AS what,
        ARRAY['030'] AS group_codes,
        mpan_core,
        identifier AS first_item
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
            WHEN line.group_code <> all(lined_row.group_codes)
                THEN concat(lined_row.what, ' of a line of another group')
            WHEN split_part(line.payload, '|', 2) <> lined_row.first_item
                THEN concat(lined_row.what, ' of a line that says something else')
            WHEN line.mpan_core <> lined_row.mpan_core
                THEN concat(lined_row.what, ' of a line at another meter point')
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
    LEFT JOIN register
        ON
            reading.mpan_core = register.mpan_core
            AND reading.register_id = register.id
    WHERE
        reading.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND register.id IS NULL
    UNION ALL
    SELECT
        register.id,
        'registers whose meter is at another meter point' AS what
    FROM register
    LEFT JOIN meter
        ON
            register.mpan_core = meter.mpan_core
            AND register.meter_id = meter.id
    WHERE
        register.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND meter.id IS NULL
    UNION ALL
    SELECT
        visit.id,
        CASE
            WHEN visit.meter_id IS NOT NULL AND meter.id IS NULL
                THEN 'site visits whose meter is at another meter point'
            WHEN visit.reading_id IS NOT NULL AND reading.id IS NULL
                THEN 'site visits whose reading is of another meter point or file'
            WHEN register.meter_id <> visit.meter_id
                THEN 'site visits whose reading is of another meter'
        END AS what
    FROM site_visit AS visit
    LEFT JOIN meter
        ON
            visit.mpan_core = meter.mpan_core
            AND visit.meter_id = meter.id
    LEFT JOIN reading
        ON
            visit.mpan_core = reading.mpan_core
            AND visit.reading_id = reading.id
            AND reading.id BETWEEN %(first_line_id)s AND %(last_line_id)s
    LEFT JOIN register
        ON
            reading.mpan_core = register.mpan_core
            AND reading.register_id = register.id
    WHERE visit.id BETWEEN %(first_line_id)s AND %(last_line_id)s
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
