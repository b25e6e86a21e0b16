-- Tell the steps that follow whether any meter point line is rejected.
--
-- Asked apart, so that no temporary table stands in the next step.
--
-- Reads:  judged_meter_point
-- Gives:  has_rejected_meter_points (boolean)
SELECT count(*) > 0 AS has_rejected_meter_points
FROM judged_meter_point
WHERE rejections <> '';
