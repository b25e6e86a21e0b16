-- Refuse whole the files that were to be loaded whole or not at all, and can't be.
--
-- Their lines are marked as rejected too, so that no later step takes one up. `IN` under `IS TRUE`
-- is looked up in a hash, in every plan; a join could go through all lines once for each file.
--
-- Params: flow_file_ids (bigint[]): the files to transform
-- Reads:  flow_file, line_issue
-- Writes: flow_file, judged_meter_point, judged_meter, judged_reading,
--         judged_result, judged_other_line
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
),

refused_meter_point AS (
    UPDATE judged_meter_point
    SET rejections = 'strict'
    WHERE
        EXISTS (SELECT FROM refused_file)
        AND (judged_meter_point.line_id >> 32 IN (SELECT id FROM refused_file)) IS TRUE
),

refused_meter AS (
    UPDATE judged_meter
    SET rejections = 'strict'
    WHERE
        EXISTS (SELECT FROM refused_file)
        AND (judged_meter.line_id >> 32 IN (SELECT id FROM refused_file)) IS TRUE
),

refused_reading AS (
    UPDATE judged_reading
    SET rejections = 'strict'
    WHERE
        EXISTS (SELECT FROM refused_file)
        AND (judged_reading.line_id >> 32 IN (SELECT id FROM refused_file)) IS TRUE
),

refused_result AS (
    UPDATE judged_result
    SET rejections = 'strict'
    WHERE
        EXISTS (SELECT FROM refused_file)
        AND (judged_result.line_id >> 32 IN (SELECT id FROM refused_file)) IS TRUE
)

UPDATE judged_other_line
SET rejections = 'strict'
WHERE
    EXISTS (SELECT FROM refused_file)
    AND (judged_other_line.line_id >> 32 IN (SELECT id FROM refused_file)) IS TRUE;
