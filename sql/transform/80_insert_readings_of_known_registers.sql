-- Insert the readings whose register was known when they were judged: the everyday case.
--
-- Sorted by meter point, which is the order of the index that people search by.
--
-- Reads:  judged_reading
-- Writes: reading
-- Re-run: refused by the primary key, which is the line that a reading came from.
INSERT INTO reading (
    id,
    register_id,
    flow_file_id,
    read_at,
    md_reset_at,
    md_reset_count,
    mpan_core,
    value,
    reading_type,
    validation_status,
    reading_flag,
    reading_method,
    reason_code,
    reading_status
)
SELECT
    line_id AS id,
    register_id,
    line_id >> 32 AS flow_file_id,
    read_at,
    md_reset_at,
    md_reset_count,
    mpan_core,
    value,
    reading_type,
    validation_status,
    reading_flag,
    reading_method,
    reason_code,
    reading_status
FROM judged_reading
WHERE
    rejections = ''
    AND register_id IS NOT NULL
ORDER BY mpan_core, line_id;
