-- Check what no foreign key holds: that the rows which a row names are there, and that it came
-- with a file that is loaded, when that says.
--
-- Rows are looked up by their keys. What introduced a register is a reading of it, which its line
-- proves; so registers and such readings are as many, file by file. Where no key holds an id, a
-- full join compares sets; no condition may ask for one side of it, or the planner takes it for
-- another join.
--
-- Params: first_line_id, last_line_id (bigint): the files to look at, by the ids of their lines
--         first_stretch, last_stretch (bigint): where their lines and rows are
-- Reads:  flow_file, staged_line, reading, site_visit, register, meter, meter_point
WITH visit_at_reading AS NOT MATERIALIZED (
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

-- By file, so that there are few.
rows_of_file AS (
    SELECT
        reading.id >> 32 AS flow_file_id,
        'readings' AS of_what,
        'readings of no register' AS homeless,
        min(reading.id) AS first_id,
        count(*) AS row_count,
        min(reading.id) FILTER (WHERE register.mpan_core IS NULL) AS first_homeless_id,
        count(*) FILTER (WHERE register.mpan_core IS NULL) AS homeless_count,
        count(*) FILTER (WHERE register.id = reading.id) AS introducing_count,
        min(reading.stated_at) AS first_stated_at,
        max(reading.stated_at) AS last_stated_at
    FROM reading
    LEFT JOIN register
        ON
            reading.mpan_core = register.mpan_core
            AND reading.serial_key = register.serial_key
            AND reading.identifier = register.identifier
    WHERE reading.id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
    GROUP BY reading.id >> 32
    UNION ALL
    SELECT
        register.id >> 32 AS flow_file_id,
        'registers' AS of_what,
        'registers of no meter' AS homeless,
        min(register.id) AS first_id,
        count(*) AS row_count,
        min(register.id) FILTER (WHERE meter.mpan_core IS NULL) AS first_homeless_id,
        count(*) FILTER (WHERE meter.mpan_core IS NULL) AS homeless_count,
        0 AS introducing_count,
        NULL AS first_stated_at,
        NULL AS last_stated_at
    FROM register
    LEFT JOIN meter
        ON
            register.mpan_core = meter.mpan_core
            AND register.serial_key = meter.serial_key
    WHERE register.id BETWEEN %(first_line_id)s AND %(last_line_id)s
    GROUP BY register.id >> 32
    UNION ALL
    SELECT
        meter.id >> 32 AS flow_file_id,
        'meters' AS of_what,
        'meters of no meter point' AS homeless,
        min(meter.id) AS first_id,
        count(*) AS row_count,
        min(meter.id) FILTER (WHERE meter_point.mpan_core IS NULL) AS first_homeless_id,
        count(*) FILTER (WHERE meter_point.mpan_core IS NULL) AS homeless_count,
        0 AS introducing_count,
        NULL AS first_stated_at,
        NULL AS last_stated_at
    FROM meter
    LEFT JOIN meter_point
        ON meter.mpan_core = meter_point.mpan_core
    WHERE meter.id BETWEEN %(first_line_id)s AND %(last_line_id)s
    GROUP BY meter.id >> 32
    UNION ALL
    SELECT
        line_id >> 32 AS flow_file_id,
        'meter points' AS of_what,
        NULL AS homeless,
        min(line_id) AS first_id,
        count(*) AS row_count,
        NULL AS first_homeless_id,
        0 AS homeless_count,
        0 AS introducing_count,
        NULL AS first_stated_at,
        NULL AS last_stated_at
    FROM meter_point
    WHERE line_id BETWEEN %(first_line_id)s AND %(last_line_id)s
    GROUP BY line_id >> 32
    UNION ALL
    SELECT
        id >> 32 AS flow_file_id,
        'site visits' AS of_what,
        NULL AS homeless,
        min(id) AS first_id,
        count(*) AS row_count,
        NULL AS first_homeless_id,
        0 AS homeless_count,
        0 AS introducing_count,
        NULL AS first_stated_at,
        NULL AS last_stated_at
    FROM site_visit
    WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
    GROUP BY id >> 32
    UNION ALL
    SELECT
        id >> 32 AS flow_file_id,
        'staged lines' AS of_what,
        NULL AS homeless,
        min(id) AS first_id,
        count(*) AS row_count,
        NULL AS first_homeless_id,
        0 AS homeless_count,
        0 AS introducing_count,
        NULL AS first_stated_at,
        NULL AS last_stated_at
    FROM staged_line
    WHERE stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
    GROUP BY id >> 32
),

homeless_visit AS (
    SELECT
        looked_up.id,
        looked_up.what
    FROM (
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
    ) AS looked_up
    WHERE looked_up.what IS NOT NULL
    UNION ALL
    SELECT
        compared.id,
        compared.what
    FROM (
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
    ) AS compared
    WHERE compared.what IS NOT NULL
),

wrong AS (
    SELECT
        id >> 32 AS flow_file_id,
        what,
        min(id) AS first_id,
        count(*) AS row_count
    FROM homeless_visit
    GROUP BY id >> 32, what
    UNION ALL
    SELECT
        flow_file_id,
        homeless AS what,
        first_homeless_id AS first_id,
        homeless_count AS row_count
    FROM rows_of_file
    WHERE homeless_count > 0
    UNION ALL
    SELECT
        stored.flow_file_id,
        CASE
            WHEN stored.of_what = 'staged lines' AND flow_file.id IS NOT NULL THEN NULL
            WHEN stored.of_what = 'staged lines' THEN 'staged lines of no file'
            WHEN
                flow_file.id IS NULL
                OR flow_file.status NOT IN ('LOADED', 'LOADED_WITH_REJECTIONS')
                THEN concat(stored.of_what, ' of no loaded file')
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
),

registers_of_file AS (
    SELECT
        flow_file_id,
        row_count
    FROM rows_of_file
    WHERE of_what = 'registers'
),

readings_of_file AS (
    SELECT
        flow_file_id,
        introducing_count
    FROM rows_of_file
    WHERE of_what = 'readings'
),

unintroduced AS (
    SELECT
        coalesce(register.flow_file_id, reading.flow_file_id) AS flow_file_id,
        coalesce(register.row_count, 0) AS expected,
        coalesce(reading.introducing_count, 0) AS found
    FROM registers_of_file AS register
    FULL JOIN readings_of_file AS reading
        ON register.flow_file_id = reading.flow_file_id
)

SELECT
    flow_file_id,
    concat(what, ', first at line ', first_id & 4294967295) AS what,
    0 AS expected,
    row_count AS found
FROM wrong
WHERE what IS NOT NULL
UNION ALL
SELECT
    flow_file_id,
    'registers introduced by a reading that says so' AS what,
    expected,
    found
FROM unintroduced
WHERE expected <> found
ORDER BY flow_file_id, what;
