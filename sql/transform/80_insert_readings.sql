-- Insert the readings, whether their registers were known or came with them.
--
-- They come in the order in which they were judged: that of their key.
--
-- Params: stated_ats (timestamptz[]), first_file_id (bigint): when each file was made, from this
--         file on; an array, so that a line's file gives its place
--         refused_file_ids (bigint[]): see step 70
-- Reads:  judged_reading, judged_result
-- Writes: reading
-- Re-run: refused by the key, which holds the line that a reading came from.
INSERT INTO reading (
    id,
    mpan_core,
    read_at,
    stated_at,
    md_reset_at,
    md_reset_count,
    serial_key,
    identifier,
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
    reading.mpan_core,
    reading.read_at,
    (%(stated_ats)s::timestamptz[])[(reading.line_id >> 32) - %(first_file_id)s + 1] AS stated_at,
    reading.md_reset_at,
    reading.md_reset_count,
    reading.serial_key,
    reading.identifier,
    reading.value,
    reading.reading_type,
    reading.validation_status,
    reading.reading_flag,
    reading.reading_method,
    coalesce(result.reason_code, '') AS reason_code,
    coalesce(result.reading_status, '') AS reading_status
FROM judged_reading AS reading
LEFT JOIN judged_result AS result
    ON
        reading.mpan_core = result.mpan_core
        AND reading.line_id = result.parent_id
        AND result.rejections = ''
WHERE
    reading.rejections = ''
    AND reading.line_id >> 32 <> all(%(refused_file_ids)s::bigint[]);
