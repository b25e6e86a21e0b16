-- Let later steps look up whether the meter point line above a line is rejected.
CREATE INDEX ON judged_meter_point (mpan_core, line_id) WHERE rejections <> '';
