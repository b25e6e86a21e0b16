-- Reject all that stands under a rejected line.
--
-- A 028 line that was known and clean has no row yet.
--
-- Reads:  line_under_rejected
-- Writes: judged_meter, judged_reading, judged_other_line
-- Re-run: in the transaction that transforms the files.
WITH reading AS (
    UPDATE judged_reading
    SET rejections = concat_ws(' ', 'parent-rejected', nullif(judged_reading.rejections, ''))
    FROM line_under_rejected AS line
    WHERE judged_reading.line_id = line.line_id
),

other_line AS (
    UPDATE judged_other_line
    SET rejections = concat_ws(' ', 'parent-rejected', nullif(judged_other_line.rejections, ''))
    FROM line_under_rejected AS line
    WHERE judged_other_line.line_id = line.line_id
),

meter AS (
    UPDATE judged_meter
    SET rejections = concat_ws(' ', 'parent-rejected', nullif(judged_meter.rejections, ''))
    FROM line_under_rejected AS line
    WHERE judged_meter.line_id = line.line_id
    RETURNING judged_meter.line_id
)

INSERT INTO judged_meter (line_id, mpan_core, serial_number, is_known, rejections, warnings)
SELECT
    line_id,
    mpan_core,
    '' AS serial_number,
    TRUE AS is_known,
    'parent-rejected' AS rejections,
    '' AS warnings
FROM line_under_rejected
WHERE
    group_code = '028'
    AND line_id NOT IN (SELECT meter.line_id FROM meter);
