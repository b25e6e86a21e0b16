-- Insert the registers seen for the first time on each meter.
--
-- Params: refused_file_ids (bigint[]): see step 70
-- Reads:  judged_reading
-- Writes: register
-- Re-run: refused by the key where another loader inserted a register meanwhile; the transform
--         then begins again, and finds it known.
INSERT INTO register (id, mpan_core, serial_key, identifier)
SELECT
    min(line_id) AS id,
    mpan_core,
    serial_key,
    identifier
FROM judged_reading
WHERE
    rejections = ''
    AND NOT is_known
    AND line_id >> 32 <> all(%(refused_file_ids)s::bigint[])
GROUP BY mpan_core, serial_key, identifier
ORDER BY mpan_core, serial_key, identifier;
