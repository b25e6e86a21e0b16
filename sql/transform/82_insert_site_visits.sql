-- Insert the site visits: at a meter point (027), at a meter (029) or at a reading (033).
--
-- Params: first_line_id, last_line_id (bigint): where those lines are
-- Reads:  judged_other_line, judged_reading, staged_line, meter
-- Writes: site_visit
-- Re-run: refused by the primary key, which is the line that a site visit came from.
INSERT INTO site_visit (
    id,
    flow_file_id,
    meter_id,
    reading_id,
    mpan_core,
    check_code,
    additional_information
)
SELECT
    visit.line_id AS id,
    visit.line_id >> 32 AS flow_file_id,
    meter.id AS meter_id,
    reading.line_id AS reading_id,
    visit.mpan_core,
    visit.check_code,
    visit.additional_information
FROM judged_other_line AS visit
LEFT JOIN judged_reading AS reading
    ON visit.group_code = '033' AND visit.parent_id = reading.line_id
LEFT JOIN staged_line AS meter_line
    ON
        visit.group_code = '029'
        AND visit.parent_id = meter_line.id
        AND meter_line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
LEFT JOIN meter
    ON
        visit.mpan_core = meter.mpan_core
        AND meter.serial_number
        = coalesce(reading.serial_number, split_part(meter_line.payload, '|', 2))
WHERE
    visit.rejections = ''
    AND visit.group_code IN ('027', '029', '033')
ORDER BY visit.line_id;
