-- Reject the readings whose meter line is rejected, be it for the meter point line above it.
--
-- Reads:  judged_meter
-- Writes: judged_reading
-- Re-run: in the transaction that transforms the files.
UPDATE judged_reading
SET rejections = rtrim('parent-rejected' || ' ' || judged_reading.rejections)
FROM judged_meter AS meter
WHERE
    judged_reading.mpan_core = meter.mpan_core
    AND judged_reading.parent_id = meter.line_id
    AND meter.rejections <> '';
