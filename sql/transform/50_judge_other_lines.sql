-- Judge what is left: site visits, and lines of no known group.
--
-- Params: first_stretch, last_stretch (bigint), other_file_ids (bigint[]): the lines to judge
--         has_other_lines (boolean): false where there are none, which saves a scan
--         blanks (text): the characters that nobody sees
--         field_…, longest_… (integer), codes_… (text[]), items_of_visit_at_reading (integer):
--         see step 10; visits have the same items wherever they stand
-- Reads:  staged_line, judged_meter_point, judged_meter, judged_reading
-- Writes: judged_other_line (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_other_line ON COMMIT DROP AS
SELECT
    field.line_id,
    field.parent_id,
    field.kind,
    field.mpan_core,
    field.serial_key,
    field.check_code,
    field.additional_information,
    CASE
        WHEN field.kind = 'unknown' THEN 'unknown-group'
        ELSE
            concat_ws(
                ' ',
                CASE WHEN field.parent_id IS NULL THEN 'orphan-line' END,
                CASE
                    WHEN coalesce(meter_point.line_id, meter.line_id, reading.line_id) IS NOT NULL
                        THEN 'parent-rejected'
                END,
                CASE
                    WHEN unpadded(field.check_code, %(blanks)s) = '' THEN 'missing-item/J0024'
                END,
                CASE WHEN length(field.check_code) > %(longest_J0024)s THEN 'too-long/J0024' END,
                CASE
                    WHEN length(field.additional_information) > %(longest_J0012)s
                        THEN 'too-long/J0012'
                END,
                CASE WHEN field.line_end <> 'blank-padding' THEN field.line_end END
            )
    END AS rejections,
    CASE
        WHEN field.kind = 'unknown' THEN ''
        ELSE
            concat_ws(
                ' ',
                CASE
                    WHEN
                        field.check_code <> all(%(codes_J0024)s::text[])
                        AND unpadded(field.check_code, %(blanks)s) <> ''
                        THEN 'unknown-code/J0024'
                END,
                CASE WHEN field.line_end = 'blank-padding' THEN field.line_end END
            )
    END AS warnings,
    field.payload
FROM (
    SELECT
        line.id AS line_id,
        line.parent_id,
        line.kind,
        line.mpan_core,
        line.serial_key,
        line.payload,
        split_part(line.payload, '|', %(field_J0024)s) AS check_code,
        split_part(line.payload, '|', %(field_J0012)s) AS additional_information,
        d0010_line_end(line.payload, %(items_of_visit_at_reading)s, %(blanks)s) AS line_end
    FROM staged_line AS line
    WHERE
        line.stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
        AND line.id >> 32 <> all(%(other_file_ids)s::bigint[])
        AND line.kind NOT IN (
            'meter_point', 'meter', 'reading', 'result', 'header', 'trailer', 'forgotten'
        )
        AND %(has_other_lines)s
    OFFSET '0'
) AS field
LEFT JOIN judged_meter_point AS meter_point
    ON
        field.mpan_core = meter_point.mpan_core
        AND field.parent_id = meter_point.line_id
        AND meter_point.rejections <> ''
LEFT JOIN judged_meter AS meter
    ON
        field.mpan_core = meter.mpan_core
        AND field.parent_id = meter.line_id
        AND meter.rejections <> ''
LEFT JOIN judged_reading AS reading
    ON
        field.mpan_core = reading.mpan_core
        AND field.parent_id = reading.line_id
        AND reading.rejections <> '';
