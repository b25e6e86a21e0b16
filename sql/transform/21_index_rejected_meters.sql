-- Let later steps look up whether the meter line above a line is rejected.
CREATE INDEX ON judged_meter (mpan_core, line_id) WHERE rejections <> '';
