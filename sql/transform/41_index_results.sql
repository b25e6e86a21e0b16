-- Let later steps look up the result of a reading; there is one at most that counts.
CREATE UNIQUE INDEX ON judged_result (mpan_core, parent_id) WHERE rejections = '';
