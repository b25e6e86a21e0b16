-- Insert the site visits: at a meter point, at a meter or at a reading.
--
-- Params: refused_file_ids (bigint[]): see step 70
-- Reads:  judged_other_line
-- Writes: site_visit
-- Re-run: refused by the key, which holds the line that a site visit came from.
INSERT INTO site_visit (
    id,
    mpan_core,
    reading_id,
    serial_key,
    check_code,
    additional_information
)
SELECT
    line_id AS id,
    mpan_core,
    CASE WHEN kind = 'visit_at_reading' THEN parent_id END AS reading_id,
    CASE WHEN kind = 'visit_at_meter_point' THEN '' ELSE serial_key END AS serial_key,
    check_code,
    additional_information
FROM judged_other_line
WHERE
    rejections = ''
    AND line_id >> 32 <> all(%(refused_file_ids)s::bigint[])
ORDER BY mpan_core, line_id;
