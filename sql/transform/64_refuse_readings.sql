-- Mark the readings of refused files as rejected too, so that no later step takes one up.
--
-- Params: refused_file_ids (bigint[]): those that were refused just now
-- Writes: judged_reading
-- Re-run: in the transaction that transforms the files.
UPDATE judged_reading
SET rejections = 'strict'
WHERE line_id >> 32 = any(%(refused_file_ids)s::bigint[]);
