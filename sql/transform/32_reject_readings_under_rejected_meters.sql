-- Reject the readings whose meter line is rejected, be it for the meter point line above it.
--
-- Params: first_stretch, last_stretch (bigint): where their payloads are, to be quoted
-- Reads:  judged_meter, staged_line
-- Writes: judged_reading
-- Re-run: in the transaction that transforms the files.
UPDATE judged_reading
SET
    rejections = concat_ws(' ', 'parent-rejected', nullif(judged_reading.rejections, '')),
    payload = line.payload
FROM judged_meter AS meter, staged_line AS line
WHERE
    judged_reading.mpan_core = meter.mpan_core
    AND judged_reading.parent_id = meter.line_id
    AND meter.rejections <> ''
    AND judged_reading.mpan_core = line.mpan_core
    AND judged_reading.line_id = line.id
    AND judged_reading.line_id >> 10 = line.id >> 10
    AND line.id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s;
