-- Insert the meters seen for the first time at each meter point.
--
-- Reads:  judged_meter
-- Writes: meter
-- Re-run: refused by the unique key where another loader inserted a meter meanwhile; the
--         transform then begins again, and finds it known.
INSERT INTO meter (id, mpan_core, serial_number)
SELECT
    min(line_id) AS id,
    mpan_core,
    serial_number
FROM judged_meter
WHERE
    rejections = ''
    AND NOT is_known
GROUP BY mpan_core, serial_number
ORDER BY mpan_core, serial_number;
