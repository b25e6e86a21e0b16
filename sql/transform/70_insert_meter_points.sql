-- Insert the meter points seen for the first time.
--
-- Params: refused_file_ids (bigint[]): those that were refused just now
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
    AND line_id >> 32 <> all(%(refused_file_ids)s::bigint[])
GROUP BY mpan_core
ORDER BY mpan_core;
