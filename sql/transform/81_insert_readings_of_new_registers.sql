-- Insert the readings whose register came with them. Left joins for the reason given in 72.
--
-- Reads:  judged_reading, judged_validation_result, meter, register
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
    reading.line_id AS id,
    register.id AS register_id,
    reading.line_id >> 32 AS flow_file_id,
    reading.read_at,
    reading.md_reset_at,
    reading.md_reset_count,
    reading.mpan_core,
    reading.value,
    reading.reading_type,
    reading.validation_status,
    reading.reading_flag,
    reading.reading_method,
    coalesce(result.reason_code, '') AS reason_code,
    coalesce(result.reading_status, '') AS reading_status
FROM judged_reading AS reading
LEFT JOIN meter
    ON
        reading.mpan_core = meter.mpan_core
        AND reading.serial_number = meter.serial_number
LEFT JOIN register
    ON
        meter.mpan_core = register.mpan_core
        AND meter.id = register.meter_id
        AND reading.identifier = register.identifier
LEFT JOIN judged_validation_result AS result
    ON reading.line_id = result.parent_id AND result.rejections = ''
WHERE
    reading.rejections = ''
    AND reading.register_id IS NULL;
