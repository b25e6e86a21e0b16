-- Compare the issues of lines with those of a fresh judgement.
--
-- What is in the future was judged when each file was transformed, and afresh as if all had been
-- at once, the first time of them: of what that gives too much, the values tell. What concerns the
-- file as a whole was found when it was staged and is left out here, as are forgotten lines.
--
-- Params: flow_file_ids (bigint[]): the files that were judged
--         time_zone (text)
-- Reads:  fresh_issue, line_issue, flow_file
WITH fresh AS (
    SELECT
        fresh_issue.flow_file_id,
        fresh_issue.line_number,
        fresh_issue.kind,
        fresh_issue.mpan_core,
        fresh_issue.severity,
        fresh_issue.code,
        fresh_issue.item,
        fresh_issue.value,
        fresh_issue.message
    FROM fresh_issue
    INNER JOIN flow_file
        ON fresh_issue.flow_file_id = flow_file.id
    WHERE
        CASE
            WHEN fresh_issue.code = 'future-date'
                THEN
                    d0010_clock_time(fresh_issue.value::bigint) AT TIME ZONE %(time_zone)s
                    > flow_file.transformed_at
            ELSE TRUE
        END
),

kept AS (
    SELECT
        flow_file_id,
        line_number,
        kind,
        mpan_core,
        severity,
        code,
        item,
        value,
        message
    FROM line_issue
    WHERE
        flow_file_id = any(%(flow_file_ids)s::bigint[])
        AND kind NOT IN ('', 'header', 'trailer', 'forgotten')
),

missing AS (
    SELECT * FROM fresh
    EXCEPT ALL
    SELECT * FROM kept
),

added AS (
    SELECT * FROM kept
    EXCEPT ALL
    SELECT * FROM fresh
),

difference AS (
    SELECT
        flow_file_id,
        line_number,
        'issues that a fresh judgement gives and are missing' AS what
    FROM missing
    UNION ALL
    SELECT
        flow_file_id,
        line_number,
        'issues that a fresh judgement does not give' AS what
    FROM added
)

SELECT
    flow_file_id,
    concat(what, ', first at line ', min(line_number)) AS what,
    0 AS expected,
    count(*) AS found
FROM difference
GROUP BY flow_file_id, what
ORDER BY flow_file_id, what;
