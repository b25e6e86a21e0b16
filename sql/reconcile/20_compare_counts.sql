-- Compare what each file says of itself with what the tables hold, kind by kind.
--
-- What is not compared, for a file of this status, is expected to be null. Of a file that is not
-- loaded nothing is stored. Where the raw lines were purged the rest is still compared.
--
-- Full joins compare sets, by a hash or by sorting: no guess about their sizes can make one go
-- through all counts for each file.
--
-- Params: first_file_id, last_file_id (bigint): the files to look at
--         first_stretch, last_stretch (bigint): where their lines and rows are
-- Reads:  flow_file, staged_line, reading, site_visit, line_issue
WITH file AS (
    SELECT
        *,
        status IN ('LOADED', 'LOADED_WITH_REJECTIONS') AS is_loaded,
        status IN ('LOADED', 'LOADED_WITH_REJECTIONS', 'STAGED') AS is_counted,
        status IN ('LOADED', 'LOADED_WITH_REJECTIONS', 'STAGED') AND purged_at IS NULL AS is_kept,
        purged_at IS NULL AND (status <> 'REJECTED' OR transformed_at IS NOT NULL) AS has_lines
    FROM flow_file
    WHERE id BETWEEN %(first_file_id)s AND %(last_file_id)s
),

staged AS (
    SELECT
        id >> 32 AS flow_file_id,
        count(*) AS line_count,
        count(*) FILTER (WHERE kind = 'meter_point') AS meter_point_line_count,
        count(*) FILTER (WHERE kind = 'meter') AS meter_line_count,
        count(*) FILTER (WHERE kind = 'reading') AS reading_count,
        count(*) FILTER (WHERE kind = 'result') AS validation_result_count,
        count(*) FILTER (WHERE starts_with(kind, 'visit_at_')) AS site_visit_count,
        count(*) FILTER (WHERE kind = 'forgotten') AS forgotten_line_count
    FROM staged_line
    WHERE stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
    GROUP BY id >> 32
),

stored_reading AS (
    SELECT
        id >> 32 AS flow_file_id,
        count(*) AS row_count,
        count(*) FILTER (WHERE reading_status <> '') AS validation_result_count
    FROM reading
    WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
    GROUP BY id >> 32
),

stored_visit AS (
    SELECT
        id >> 32 AS flow_file_id,
        count(*) AS row_count
    FROM site_visit
    WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
    GROUP BY id >> 32
),

flawed_line AS (
    SELECT
        flow_file_id,
        line_number,
        kind,
        bool_or(severity = 'REJECTED') AS is_rejected,
        count(*) FILTER (WHERE severity <> 'REJECTED') AS warning_count,
        bool_or(code = 'flow-count-differs') AS is_flow_count_wrong,
        bool_or(code = 'wrong-count-accepted') AS is_group_count_wrong
    FROM line_issue
    WHERE flow_file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
    GROUP BY flow_file_id, line_number, kind
),

flawed AS (
    SELECT
        flow_file_id,
        bool_or(is_flow_count_wrong) AS is_flow_count_wrong,
        bool_or(is_group_count_wrong) AS is_group_count_wrong,
        sum(warning_count)::bigint AS warning_count,
        count(*) FILTER (WHERE is_rejected) AS line_count,
        count(*) FILTER (WHERE is_rejected AND kind = 'forgotten') AS forgotten_line_count,
        count(*) FILTER (WHERE is_rejected AND kind = 'meter_point') AS meter_point_line_count,
        count(*) FILTER (WHERE is_rejected AND kind = 'meter') AS meter_line_count,
        count(*) FILTER (WHERE is_rejected AND kind = 'reading') AS reading_count,
        count(*) FILTER (WHERE is_rejected AND kind = 'result') AS validation_result_count,
        count(*) FILTER (
            WHERE is_rejected AND starts_with(kind, 'visit_at_')
        ) AS site_visit_count
    FROM flawed_line
    GROUP BY flow_file_id
),

comparison AS (
    SELECT
        file.id AS flow_file_id,
        compared.what,
        compared.expected,
        compared.found
    FROM file
    FULL JOIN staged
        ON file.id = staged.flow_file_id
    FULL JOIN stored_reading
        ON file.id = stored_reading.flow_file_id
    FULL JOIN stored_visit
        ON file.id = stored_visit.flow_file_id
    FULL JOIN flawed
        ON file.id = flawed.flow_file_id
    CROSS JOIN LATERAL (
        VALUES
        (
            'staged lines',
            CASE WHEN file.has_lines THEN file.line_count - file.blank_line_count ELSE 0 END,
            coalesce(staged.line_count, 0)
        ),
        (
            'lines that the trailer counts',
            CASE
                WHEN file.is_counted AND NOT coalesce(flawed.is_group_count_wrong, FALSE)
                    THEN mod(file.line_count - file.blank_line_count - 2, 10000000000)
            END,
            file.declared_group_count
        ),
        (
            'meter point lines that the trailer counts',
            CASE
                WHEN
                    file.is_counted
                    AND NOT coalesce(flawed.is_flow_count_wrong, FALSE)
                    AND file.forgotten_line_count = 0
                    THEN file.meter_point_line_count + coalesce(flawed.meter_point_line_count, 0)
            END,
            file.declared_flow_count
        ),
        (
            'meter point lines',
            CASE WHEN file.is_kept THEN file.meter_point_line_count END,
            coalesce(staged.meter_point_line_count, 0)
            - coalesce(flawed.meter_point_line_count, 0)
        ),
        (
            'meter lines',
            CASE WHEN file.is_kept THEN file.meter_line_count END,
            coalesce(staged.meter_line_count, 0) - coalesce(flawed.meter_line_count, 0)
        ),
        (
            'reading lines',
            CASE WHEN file.is_kept THEN file.reading_count END,
            coalesce(staged.reading_count, 0) - coalesce(flawed.reading_count, 0)
        ),
        (
            'validation result lines',
            CASE WHEN file.is_kept THEN file.validation_result_count END,
            coalesce(staged.validation_result_count, 0)
            - coalesce(flawed.validation_result_count, 0)
        ),
        (
            'site visit lines',
            CASE WHEN file.is_kept THEN file.site_visit_count END,
            coalesce(staged.site_visit_count, 0) - coalesce(flawed.site_visit_count, 0)
        ),
        (
            'readings',
            CASE WHEN file.is_loaded THEN file.reading_count ELSE 0 END,
            coalesce(stored_reading.row_count, 0)
        ),
        (
            'validation results at readings',
            CASE WHEN file.is_loaded THEN file.validation_result_count ELSE 0 END,
            coalesce(stored_reading.validation_result_count, 0)
        ),
        (
            'site visits',
            CASE WHEN file.is_loaded THEN file.site_visit_count ELSE 0 END,
            coalesce(stored_visit.row_count, 0)
        ),
        (
            'forgotten lines',
            CASE
                WHEN file.is_loaded AND file.is_kept
                    THEN file.forgotten_line_count + coalesce(flawed.forgotten_line_count, 0)
            END,
            coalesce(staged.forgotten_line_count, 0)
        ),
        (
            'rejected lines',
            CASE
                WHEN file.transformed_at IS NOT NULL THEN file.rejected_line_count
                WHEN file.status = 'REJECTED' THEN 1
                ELSE 0
            END,
            coalesce(flawed.line_count, 0)
        ),
        ('warnings', file.warning_count, coalesce(flawed.warning_count, 0))
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
