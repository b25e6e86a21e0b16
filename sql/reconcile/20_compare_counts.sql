-- Compare what each file says of itself with what the tables hold.
--
-- Params: first_line_id, last_line_id (bigint): the files to look at, by the ids of their lines
-- Reads:  flow_file, staged_line, reading, site_visit, line_issue
WITH file AS (
    SELECT
        *,
        status IN ('LOADED', 'LOADED_WITH_REJECTIONS') AS is_loaded
    FROM flow_file
    WHERE id BETWEEN %(first_line_id)s >> 32 AND %(last_line_id)s >> 32
),

staged AS (
    SELECT
        id >> 32 AS flow_file_id,
        count(*) AS line_count,
        count(*) FILTER (WHERE group_code NOT IN ('ZHV', 'ZPT')) AS group_count
    FROM staged_line
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    GROUP BY id >> 32
),

stored_reading AS (
    SELECT
        id >> 32 AS flow_file_id,
        count(*) AS row_count
    FROM reading
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    GROUP BY id >> 32
),

stored_visit AS (
    SELECT
        id >> 32 AS flow_file_id,
        count(*) AS row_count
    FROM site_visit
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    GROUP BY id >> 32
),

rejected AS (
    SELECT
        flow_file_id,
        count(DISTINCT line_number) AS line_count
    FROM line_issue
    WHERE
        severity = 'REJECTED'
        AND flow_file_id BETWEEN %(first_line_id)s >> 32 AND %(last_line_id)s >> 32
    GROUP BY flow_file_id
),

comparison AS (
    SELECT
        file.id AS flow_file_id,
        compared.what,
        compared.expected,
        compared.found
    FROM file
    LEFT JOIN staged
        ON file.id = staged.flow_file_id
    LEFT JOIN stored_reading
        ON file.id = stored_reading.flow_file_id
    LEFT JOIN stored_visit
        ON file.id = stored_visit.flow_file_id
    LEFT JOIN rejected
        ON file.id = rejected.flow_file_id
    CROSS JOIN LATERAL (
        VALUES
        (
            'staged lines',
            CASE
                WHEN file.purged_at IS NOT NULL OR file.status IN ('REJECTED', 'FAILED')
                    THEN coalesce(staged.line_count, 0)
                ELSE file.line_count - file.blank_line_count
            END,
            coalesce(staged.line_count, 0)
        ),
        (
            'groups that the trailer counts',
            CASE
                WHEN file.declared_group_count IS NULL THEN NULL
                WHEN file.is_loaded OR file.status = 'STAGED'
                    THEN mod(file.line_count - file.blank_line_count - 2, 10000000000)
            END,
            file.declared_group_count
        ),
        (
            'readings',
            CASE WHEN file.is_loaded THEN file.reading_count ELSE 0 END,
            coalesce(stored_reading.row_count, 0)
        ),
        (
            'site visits',
            CASE WHEN file.is_loaded THEN file.site_visit_count ELSE 0 END,
            coalesce(stored_visit.row_count, 0)
        ),
        (
            'rejected lines',
            CASE WHEN file.is_loaded THEN file.rejected_line_count END,
            coalesce(rejected.line_count, 0)
        )
    ) AS compared (what, expected, found)
)

SELECT
    flow_file_id,
    what,
    expected,
    found
FROM comparison
WHERE expected <> found
ORDER BY flow_file_id, what;
