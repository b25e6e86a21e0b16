-- Mark the files as transformed, and take the rejected lines off the counts of what they hold.
--
-- What was not rejected was stored. A file that was refused on the way keeps its status, and
-- stored nothing; warnings about the file itself count too.
--
-- Params: flow_file_ids (bigint[]): the files transformed
--         transformed_at (timestamptz)
-- Reads:  line_issue
-- Writes: flow_file
-- Re-run: in the transaction that transforms the files, which are transformed once.
WITH result AS (
    SELECT
        file.id,
        CASE WHEN file.status = 'REJECTED' THEN 0 ELSE 1 END AS share,
        count(DISTINCT issue.line_number)
        FILTER (WHERE issue.severity = 'REJECTED' AND issue.kind = 'meter_point')
            AS meter_point_line_count,
        count(DISTINCT issue.line_number)
        FILTER (WHERE issue.severity = 'REJECTED' AND issue.kind = 'meter')
            AS meter_line_count,
        count(DISTINCT issue.line_number)
        FILTER (WHERE issue.severity = 'REJECTED' AND issue.kind = 'reading')
            AS reading_count,
        count(DISTINCT issue.line_number)
        FILTER (WHERE issue.severity = 'REJECTED' AND issue.kind = 'result')
            AS validation_result_count,
        count(DISTINCT issue.line_number)
        FILTER (WHERE issue.severity = 'REJECTED' AND starts_with(issue.kind, 'visit_at_'))
            AS site_visit_count,
        count(DISTINCT issue.line_number) FILTER (WHERE issue.severity = 'REJECTED')
            AS rejected_line_count,
        count(*) FILTER (WHERE issue.severity = 'WARNING') AS warning_count
    FROM flow_file AS file
    LEFT JOIN line_issue AS issue
        ON file.id = issue.flow_file_id
    WHERE file.id = any(%(flow_file_ids)s::bigint[])
    GROUP BY file.id
)

UPDATE flow_file
SET
    status = CASE
        WHEN flow_file.status = 'REJECTED' THEN 'REJECTED'
        WHEN result.rejected_line_count > 0 THEN 'LOADED_WITH_REJECTIONS'
        ELSE 'LOADED'
    END,
    transformed_at = %(transformed_at)s::timestamptz,
    meter_point_line_count
    = result.share * (flow_file.meter_point_line_count - result.meter_point_line_count),
    meter_line_count = result.share * (flow_file.meter_line_count - result.meter_line_count),
    reading_count = result.share * (flow_file.reading_count - result.reading_count),
    validation_result_count
    = result.share * (flow_file.validation_result_count - result.validation_result_count),
    site_visit_count = result.share * (flow_file.site_visit_count - result.site_visit_count),
    rejected_line_count = result.rejected_line_count,
    warning_count = result.warning_count
FROM result
WHERE flow_file.id = result.id;
