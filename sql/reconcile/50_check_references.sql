-- Check what no foreign key holds: that the rows which a row names are there, and that it came
-- with a file that is loaded, when that says.
--
-- Rows are looked up by their keys. Where no key holds an id, a full join compares sets; no
-- condition may ask for one side of it, or the planner takes it for another join.
--
-- Params: first_line_id, last_line_id (bigint): the files to look at, by the ids of their lines
--         first_stretch, last_stretch (bigint): where their lines and rows are
--         blanks (text)
-- Reads:  flow_file, staged_line, reading, site_visit, register, meter, meter_point
WITH visit_at_reading AS (
    SELECT
        id,
        mpan_core,
        serial_key,
        reading_id
    FROM site_visit
    WHERE
        id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
        AND reading_id IS NOT NULL
),

read_meter AS (
    SELECT
        id,
        mpan_core,
        serial_key
    FROM reading
    WHERE
        id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
        AND EXISTS (SELECT FROM visit_at_reading)
),

named AS (
    SELECT
        reading.id,
        'readings of no register' AS what
    FROM reading
    LEFT JOIN register
        ON
            reading.mpan_core = register.mpan_core
            AND reading.serial_key = register.serial_key
            AND reading.identifier = register.identifier
    WHERE
        reading.id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
        AND register.mpan_core IS NULL
    UNION ALL
    SELECT
        register.id,
        'registers of no meter' AS what
    FROM register
    LEFT JOIN meter
        ON
            register.mpan_core = meter.mpan_core
            AND register.serial_key = meter.serial_key
    WHERE
        register.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND meter.mpan_core IS NULL
    UNION ALL
    SELECT
        meter.id,
        'meters of no meter point' AS what
    FROM meter
    LEFT JOIN meter_point
        ON meter.mpan_core = meter_point.mpan_core
    WHERE
        meter.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND meter_point.mpan_core IS NULL
    UNION ALL
    SELECT
        visit.id,
        CASE
            WHEN meter_point.mpan_core IS NULL THEN 'site visits at no meter point'
            WHEN visit.serial_key <> '' AND meter.mpan_core IS NULL
                THEN 'site visits at no meter'
        END AS what
    FROM site_visit AS visit
    LEFT JOIN meter_point
        ON visit.mpan_core = meter_point.mpan_core
    LEFT JOIN meter
        ON
            visit.mpan_core = meter.mpan_core
            AND visit.serial_key = meter.serial_key
    WHERE visit.id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
    UNION ALL
    SELECT
        coalesce(visit.id, reading.id) AS id,
        CASE
            WHEN reading.id IS NULL THEN 'site visits at no reading of their file and meter'
        END AS what
    FROM visit_at_reading AS visit
    FULL JOIN read_meter AS reading
        ON
            visit.mpan_core = reading.mpan_core
            AND visit.reading_id = reading.id
            AND visit.serial_key = reading.serial_key
),

-- What introduced a meter point, a meter or a register.
introducing_line AS (
    SELECT
        id,
        kind,
        mpan_core,
        serial_key,
        split_part(payload, '|', 2) AS first_item
    FROM staged_line
    WHERE
        id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
        AND kind IN ('meter_point', 'meter', 'reading')
),

introduced AS (
    SELECT
        line_id AS id,
        'meter_point' AS kind,
        mpan_core,
        '' AS serial_key,
        mpan_core AS first_item
    FROM meter_point
    WHERE line_id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        'meter' AS kind,
        mpan_core,
        serial_key,
        serial_number AS first_item
    FROM meter
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        'reading' AS kind,
        mpan_core,
        serial_key,
        identifier AS first_item
    FROM register
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
),

unlined AS (
    SELECT
        coalesce(introduced.id, line.id) AS id,
        CASE
            WHEN introduced.id IS NULL THEN NULL
            WHEN
                line.kind = introduced.kind
                AND line.serial_key = introduced.serial_key
                AND unpadded(line.first_item, %(blanks)s) = introduced.first_item
                THEN NULL
            WHEN introduced.kind = 'meter_point' THEN 'meter points of no line that says so'
            WHEN introduced.kind = 'meter' THEN 'meters of no line that says so'
            ELSE 'registers of no line that says so'
        END AS what
    FROM introduced
    FULL JOIN introducing_line AS line
        ON
            introduced.mpan_core = line.mpan_core
            AND introduced.id = line.id
),

unlined_of_file AS (
    SELECT
        id >> 32 AS flow_file_id,
        what,
        min(id) AS first_id,
        count(*) AS row_count
    FROM unlined
    WHERE what IS NOT NULL
    GROUP BY id >> 32, what
),

-- By file, so that there are few.
rows_of_file AS (
    SELECT
        id >> 32 AS flow_file_id,
        'readings' AS what,
        min(id) AS first_id,
        count(*) AS row_count,
        min(stated_at) AS first_stated_at,
        max(stated_at) AS last_stated_at
    FROM reading
    WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
    GROUP BY id >> 32
    UNION ALL
    SELECT
        id >> 32 AS flow_file_id,
        'site visits' AS what,
        min(id) AS first_id,
        count(*) AS row_count,
        NULL AS first_stated_at,
        NULL AS last_stated_at
    FROM site_visit
    WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
    GROUP BY id >> 32
    UNION ALL
    SELECT
        id >> 32 AS flow_file_id,
        CASE kind
            WHEN 'meter_point' THEN 'meter points'
            WHEN 'meter' THEN 'meters'
            ELSE 'registers'
        END AS what,
        min(id) AS first_id,
        count(*) AS row_count,
        NULL AS first_stated_at,
        NULL AS last_stated_at
    FROM introduced
    GROUP BY id >> 32, kind
    UNION ALL
    SELECT
        id >> 32 AS flow_file_id,
        'staged lines' AS what,
        min(id) AS first_id,
        count(*) AS row_count,
        NULL AS first_stated_at,
        NULL AS last_stated_at
    FROM staged_line
    WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
    GROUP BY id >> 32
),

wrong AS (
    SELECT
        id >> 32 AS flow_file_id,
        what,
        min(id) AS first_id,
        count(*) AS row_count
    FROM named
    WHERE what IS NOT NULL
    GROUP BY id >> 32, what
    UNION ALL
    SELECT
        unlined.flow_file_id,
        unlined.what,
        unlined.first_id,
        unlined.row_count
    FROM unlined_of_file AS unlined
    INNER JOIN flow_file
        ON unlined.flow_file_id = flow_file.id
    WHERE flow_file.purged_at IS NULL
    UNION ALL
    SELECT
        stored.flow_file_id,
        CASE
            WHEN stored.what = 'staged lines' AND flow_file.id IS NOT NULL THEN NULL
            WHEN stored.what = 'staged lines' THEN 'staged lines of no file'
            WHEN
                flow_file.id IS NULL
                OR flow_file.status NOT IN ('LOADED', 'LOADED_WITH_REJECTIONS')
                THEN concat(stored.what, ' of no loaded file')
            WHEN
                stored.first_stated_at <> flow_file.file_created_at
                OR stored.last_stated_at <> flow_file.file_created_at
                THEN 'readings stated at another time than their file says'
        END AS what,
        stored.first_id,
        stored.row_count
    FROM rows_of_file AS stored
    LEFT JOIN flow_file
        ON stored.flow_file_id = flow_file.id
)

SELECT
    flow_file_id,
    concat(what, ', first at line ', first_id & 4294967295) AS what,
    0 AS expected,
    row_count AS found
FROM wrong
WHERE what IS NOT NULL
ORDER BY flow_file_id, what;
