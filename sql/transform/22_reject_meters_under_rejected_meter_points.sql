-- Reject the meters whose meter point line is rejected.
--
-- Reads:  judged_meter_point
-- Writes: judged_meter
-- Re-run: in the transaction that transforms the files.
UPDATE judged_meter
SET rejections = rtrim('parent-rejected' || ' ' || judged_meter.rejections)
FROM judged_meter_point AS meter_point
WHERE
    judged_meter.mpan_core = meter_point.mpan_core
    AND judged_meter.parent_id = meter_point.line_id
    AND meter_point.rejections <> '';
