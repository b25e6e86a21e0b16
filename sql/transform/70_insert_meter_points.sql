-- Insert the meter points seen for the first time.
--
-- Reads:  judged_meter_point
-- Writes: meter_point
-- Re-run: refused by the unique key where another loader inserted a meter point meanwhile; the
--         transform then begins again, and finds it known.
INSERT INTO meter_point (mpan_core, line_id)
SELECT
    mpan_core,
    min(line_id) AS line_id
FROM judged_meter_point
WHERE
    rejections = ''
    AND NOT is_known
GROUP BY mpan_core
ORDER BY mpan_core;
