-- Find all that stands under a rejected line: it goes with it.
--
-- Params: first_line_id, last_line_id (bigint): where those lines are
-- Reads:  judged_meter_point, judged_meter, judged_reading, staged_line
-- Writes: line_under_rejected (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE line_under_rejected ON COMMIT DROP AS
WITH RECURSIVE rejected AS (
    SELECT line_id
    FROM judged_meter_point
    WHERE rejections <> ''
    UNION ALL
    SELECT line_id
    FROM judged_meter
    WHERE rejections <> ''
    UNION ALL
    SELECT line_id
    FROM judged_reading
    WHERE rejections <> ''
),

descendant AS (
    SELECT
        line.id AS line_id,
        line.mpan_core,
        line.group_code
    FROM rejected
    INNER JOIN staged_line AS line
        ON rejected.line_id = line.parent_id
    WHERE line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION
    SELECT
        line.id AS line_id,
        line.mpan_core,
        line.group_code
    FROM descendant
    INNER JOIN staged_line AS line
        ON descendant.line_id = line.parent_id
    WHERE line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
)

SELECT
    line_id,
    mpan_core,
    group_code
FROM descendant;
