-- Let the next step look up whether the line above a meter line is rejected.
CREATE INDEX ON judged_meter_point (mpan_core, line_id) WHERE rejections <> '';
