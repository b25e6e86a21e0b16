-- Mark the files as transformed, with the counts of what became of their lines.
--
-- A file that was refused on the way keeps its status; warnings about the file itself count too.
--
-- Params: flow_file_ids (bigint[]): the files transformed
--         transformed_at (timestamptz)
-- Reads:  judged_meter_point, judged_meter, judged_reading, judged_other_line, line_issue
-- Writes: flow_file
-- Re-run: safe; gives the same counts.
WITH accepted AS (
    SELECT
        line_id >> 32 AS flow_file_id,
        '026' AS group_code,
        count(*) AS line_count
    FROM judged_meter_point
    WHERE rejections = ''
    GROUP BY line_id >> 32
    UNION ALL
    SELECT
        line_id >> 32 AS flow_file_id,
        '028' AS group_code,
        count(*) AS line_count
    FROM judged_meter
    WHERE rejections = ''
    GROUP BY line_id >> 32
    UNION ALL
    SELECT
        line_id >> 32 AS flow_file_id,
        '030' AS group_code,
        count(*) AS line_count
    FROM judged_reading
    WHERE rejections = ''
    GROUP BY line_id >> 32
    UNION ALL
    SELECT
        line_id >> 32 AS flow_file_id,
        group_code,
        count(*) AS line_count
    FROM judged_other_line
    WHERE rejections = ''
    GROUP BY line_id >> 32, group_code
),

counted AS (
    SELECT
        flow_file_id,
        sum(line_count) FILTER (WHERE group_code = '026') AS meter_point_line_count,
        sum(line_count) FILTER (WHERE group_code = '028') AS meter_line_count,
        sum(line_count) FILTER (WHERE group_code = '030') AS reading_count,
        sum(line_count) FILTER (WHERE group_code = '032') AS validation_result_count,
        sum(line_count) FILTER (WHERE group_code IN ('027', '029', '033')) AS site_visit_count
    FROM accepted
    GROUP BY flow_file_id
),

issue AS (
    SELECT
        flow_file_id,
        count(DISTINCT line_number) FILTER (WHERE severity = 'REJECTED') AS rejected_line_count,
        count(*) FILTER (WHERE severity = 'WARNING') AS warning_count
    FROM line_issue
    WHERE flow_file_id = any(%(flow_file_ids)s::bigint[])
    GROUP BY flow_file_id
),

result AS (
    SELECT
        file.id,
        CASE
            WHEN file.status = 'REJECTED' THEN 'REJECTED'
            WHEN issue.rejected_line_count > 0 THEN 'LOADED_WITH_REJECTIONS'
            ELSE 'LOADED'
        END AS status,
        coalesce(counted.meter_point_line_count, 0) AS meter_point_line_count,
        coalesce(counted.meter_line_count, 0) AS meter_line_count,
        coalesce(counted.reading_count, 0) AS reading_count,
        coalesce(counted.validation_result_count, 0) AS validation_result_count,
        coalesce(counted.site_visit_count, 0) AS site_visit_count,
        coalesce(issue.rejected_line_count, 0) AS rejected_line_count,
        coalesce(issue.warning_count, 0) AS warning_count
    FROM flow_file AS file
    LEFT JOIN counted
        ON file.id = counted.flow_file_id
    LEFT JOIN issue
        ON file.id = issue.flow_file_id
    WHERE file.id = any(%(flow_file_ids)s::bigint[])
)

UPDATE flow_file
SET
    status = result.status,
    transformed_at = %(transformed_at)s::timestamptz,
    meter_point_line_count = result.meter_point_line_count,
    meter_line_count = result.meter_line_count,
    reading_count = result.reading_count,
    validation_result_count = result.validation_result_count,
    site_visit_count = result.site_visit_count,
    rejected_line_count = result.rejected_line_count,
    warning_count = result.warning_count
FROM result
WHERE flow_file.id = result.id;
