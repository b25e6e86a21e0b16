-- Insert the meters seen for the first time at each meter point.
--
-- Reads:  judged_meter
-- Writes: meter
-- Re-run: safe; a meter that another loader inserted meanwhile is left as it is.
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
ORDER BY mpan_core, serial_number
ON CONFLICT (mpan_core, serial_number) DO NOTHING;
