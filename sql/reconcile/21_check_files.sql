-- Check that what each file says of itself goes together: status, counts, reason, times, and what
-- its deliveries say. Issues and deliveries are looked up by their file, one after the other.
--
-- Params: first_file_id, last_file_id (bigint): the files to look at
-- Reads:  flow_file, delivery, line_issue
WITH chosen AS (
    SELECT *
    FROM flow_file
    WHERE id BETWEEN %(first_file_id)s AND %(last_file_id)s
),

file AS (
    SELECT
        chosen.*,
        (
            SELECT
                CASE
                    WHEN chosen.transformed_at IS NULL
                        THEN min(concat('line ', issue.line_number, ': ', issue.message))
                    ELSE concat(
                        'line ', min(issue.line_number),
                        CASE
                            WHEN count(DISTINCT issue.line_number) > 1
                                THEN
                                    concat(
                                        ' and ', count(DISTINCT issue.line_number) - 1, ' more'
                                    )
                        END,
                        ' would be rejected: expected all lines to load (--strict)'
                    )
                END AS reason
            FROM line_issue AS issue
            WHERE
                issue.flow_file_id = chosen.id
                AND issue.severity = 'REJECTED'
                AND chosen.status = 'REJECTED'
        ) AS reason_by_issues,
        chosen.status IN ('LOADED', 'LOADED_WITH_REJECTIONS') AS is_loaded,
        (
            EXISTS (
                SELECT
                FROM delivery
                WHERE
                    delivery.flow_file_id = chosen.id
                    AND delivery.file_name = chosen.file_name
                    AND delivery.delivered_at = chosen.staged_at
            )
        ) AS is_delivered,
        (
            EXISTS (
                SELECT
                FROM flow_file AS other
                WHERE
                    other.file_identifier = chosen.file_identifier
                    AND other.sender = chosen.sender
                    AND other.sender_role = chosen.sender_role
                    AND other.id <> chosen.id
            )
        ) AS is_reuse
    FROM chosen
),

checked AS (
    SELECT
        file.id AS flow_file_id,
        checked.what,
        checked.is_wrong
    FROM file
    CROSS JOIN LATERAL (
        VALUES
        (
            'status contradicts what was rejected',
            file.status = 'LOADED' AND file.rejected_line_count <> 0
            OR file.status = 'LOADED_WITH_REJECTIONS'
            AND (file.rejected_line_count = 0 OR file.is_strict)
        ),
        (
            'status contradicts when it was transformed',
            CASE file.status
                WHEN 'REJECTED' THEN file.transformed_at IS NOT NULL AND NOT file.is_strict
                ELSE file.is_loaded <> (file.transformed_at IS NOT NULL)
            END
        ),
        (
            'status contradicts that raw lines were dropped',
            file.purged_at IS NOT NULL AND file.status <> 'LOADED'
        ),
        (
            'counts of what was not loaded',
            file.transformed_at IS NULL AND file.rejected_line_count <> 0
            OR file.status IN ('REJECTED', 'FAILED')
            AND (
                file.meter_point_line_count <> 0
                OR file.meter_line_count <> 0
                OR file.reading_count <> 0
                OR file.validation_result_count <> 0
                OR file.site_visit_count <> 0
            )
            OR NOT file.is_loaded AND file.forgotten_line_count <> 0
        ),
        (
            'reason contradicts status and issues',
            CASE file.status
                WHEN 'REJECTED' THEN file.reason IS DISTINCT FROM file.reason_by_issues
                WHEN 'FAILED' THEN NOT starts_with(file.reason, 'could not be transformed: ')
                ELSE file.reason <> ''
            END
        ),
        ('name and time are those of none of its deliveries', NOT file.is_delivered),
        (
            'reuse of a file id that no other file has',
            file.reuses_file_identifier AND NOT file.is_reuse
        )
    ) AS checked (what, is_wrong)
)

SELECT
    flow_file_id,
    what,
    0 AS expected,
    1 AS found
FROM checked
WHERE is_wrong
ORDER BY flow_file_id, what;
