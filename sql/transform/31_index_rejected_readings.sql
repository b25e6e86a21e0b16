-- Let later steps look up whether the reading above a line is rejected.
CREATE INDEX ON judged_reading (mpan_core, line_id) WHERE rejections <> '';
