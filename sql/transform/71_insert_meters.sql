-- Insert the meters seen for the first time at each meter point, as their first line names them.
--
-- Params: refused_file_ids (bigint[]): see step 70
-- Reads:  judged_meter
-- Writes: meter
-- Re-run: refused by the key where another loader inserted a meter meanwhile; the transform then
--         begins again, and finds it known.
INSERT INTO meter (id, mpan_core, serial_key, serial_number)
SELECT DISTINCT ON (mpan_core, serial_key)
    line_id AS id,
    mpan_core,
    serial_key,
    serial_number
FROM judged_meter
WHERE
    rejections = ''
    AND NOT is_known
    AND line_id >> 32 <> all(%(refused_file_ids)s::bigint[])
ORDER BY mpan_core, serial_key, line_id;
