-- Tell the steps that follow whether any meter line is rejected.
--
-- Asked apart, so that no temporary table stands in the next step.
--
-- Reads:  judged_meter
-- Gives:  has_rejected_meters (boolean)
SELECT count(*) > 0 AS has_rejected_meters
FROM judged_meter
WHERE rejections <> '';
