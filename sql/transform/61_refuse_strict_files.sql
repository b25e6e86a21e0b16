-- Refuse whole the files that were to be loaded whole or not at all, and can't be.
--
-- Params: flow_file_ids (bigint[]): the files to transform
-- Reads:  flow_file, line_issue
-- Writes: flow_file
-- Gives:  refused_file_ids (bigint[])
-- Re-run: in the transaction that transforms the files.
WITH refused_file AS (
    UPDATE flow_file
    SET
        status = 'REJECTED',
        reason = concat(
            'line ', issue.first_line_number,
            CASE WHEN issue.line_count > 1 THEN concat(' and ', issue.line_count - 1, ' more') END,
            ' would be rejected: expected all lines to load (--strict)'
        )
    FROM (
        SELECT
            flow_file_id,
            min(line_number) AS first_line_number,
            count(DISTINCT line_number) AS line_count
        FROM line_issue
        WHERE
            flow_file_id = any(%(flow_file_ids)s::bigint[])
            AND severity = 'REJECTED'
        GROUP BY flow_file_id
    ) AS issue
    WHERE
        flow_file.id = issue.flow_file_id
        AND flow_file.is_strict
    RETURNING flow_file.id
)

SELECT coalesce(array_agg(id), '{}') AS refused_file_ids
FROM refused_file;
