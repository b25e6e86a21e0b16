-- Mark the files as transformed, with the counts of what became of their lines.
--
-- A file that was refused on the way keeps its status; warnings about the file itself count too.
--
-- Params: flow_file_ids (bigint[]): the files transformed
--         transformed_at (timestamptz)
-- Reads:  judged_reading, line_issue
-- Writes: flow_file
-- Re-run: safe; gives the same counts.
WITH accepted AS (
    SELECT
        line_id >> 32 AS flow_file_id,
        count(*) AS reading_count
    FROM judged_reading
    WHERE rejections = ''
    GROUP BY line_id >> 32
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

counted AS (
    SELECT
        file.id,
        coalesce(accepted.reading_count, 0) AS reading_count,
        coalesce(issue.rejected_line_count, 0) AS rejected_line_count,
        coalesce(issue.warning_count, 0) AS warning_count
    FROM flow_file AS file
    LEFT JOIN accepted
        ON file.id = accepted.flow_file_id
    LEFT JOIN issue
        ON file.id = issue.flow_file_id
    WHERE file.id = any(%(flow_file_ids)s::bigint[])
)

UPDATE flow_file
SET
    status = CASE
        WHEN flow_file.status = 'REJECTED' THEN 'REJECTED'
        WHEN counted.rejected_line_count > 0 THEN 'LOADED_WITH_REJECTIONS'
        ELSE 'LOADED'
    END,
    transformed_at = %(transformed_at)s::timestamptz,
    reading_count = counted.reading_count,
    rejected_line_count = counted.rejected_line_count,
    warning_count = counted.warning_count
FROM counted
WHERE flow_file.id = counted.id;
