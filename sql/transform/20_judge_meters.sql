-- Judge the meter lines: which name a meter that is new at its meter point, or have something
-- wrong?
--
-- No temporary table is joined, so that the server may share the work among processes; whether
-- the lines above are rejected is asked in a later step. Where that could be, all are kept.
--
-- Params: first_stretch, last_stretch (bigint), other_file_ids (bigint[]): the lines to judge
--         blanks (text): the characters that nobody sees
--         field_…, longest_… (integer), codes_… (text[]), items_of_meter (integer): see step 10
--         has_rejected_meter_points (boolean): as the step before tells
-- Reads:  staged_line, meter
-- Writes: judged_meter (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_meter ON COMMIT DROP AS
SELECT
    judged.line_id,
    judged.parent_id,
    judged.mpan_core,
    judged.serial_key,
    judged.serial_number,
    judged.is_known,
    judged.rejections,
    judged.warnings,
    CASE
        WHEN
            judged.rejections <> ''
            OR judged.warnings <> ''
            OR %(has_rejected_meter_points)s
            THEN judged.payload
    END AS payload
FROM (
    SELECT
        field.*,
        meter.mpan_core IS NOT NULL AS is_known,
        concat_ws(
            ' ',
            CASE WHEN field.parent_id IS NULL THEN 'orphan-line' END,
            CASE WHEN field.serial_key = '' THEN 'missing-item/J0004' END,
            CASE WHEN length(field.serial_number) > %(longest_J0004)s THEN 'too-long/J0004' END,
            CASE
                WHEN unpadded(field.reading_type, %(blanks)s) = '' THEN 'missing-item/J0171'
            END,
            CASE WHEN length(field.reading_type) > %(longest_J0171)s THEN 'too-long/J0171' END,
            CASE WHEN field.line_end <> 'blank-padding' THEN field.line_end END
        ) AS rejections,
        concat_ws(
            ' ',
            CASE
                WHEN
                    field.serial_number <> field.serial_number_text
                    AND field.serial_key <> ''
                    AND rtrim(field.serial_number_text) <> field.serial_number
                    THEN 'blank-padding/J0004'
            END,
            CASE
                WHEN
                    field.reading_type <> all(%(codes_J0171)s::text[])
                    AND length(field.reading_type) = %(longest_J0171)s
                    THEN 'unknown-code/J0171'
            END,
            CASE WHEN field.line_end = 'blank-padding' THEN field.line_end END
        ) AS warnings
    FROM (
        SELECT
            cut.*,
            unpadded(cut.serial_number_text, %(blanks)s) AS serial_number,
            CASE
                WHEN
                    octet_length(cut.payload)
                    - octet_length(cut.serial_number_text)
                    - octet_length(cut.reading_type) <> 3 + 1 + %(items_of_meter)s
                    THEN d0010_line_end(cut.payload, %(items_of_meter)s, %(blanks)s)
            END AS line_end
        FROM (
            SELECT
                line.id AS line_id,
                line.parent_id,
                line.mpan_core,
                line.serial_key,
                line.payload,
                split_part(line.payload, '|', %(field_J0004)s) AS serial_number_text,
                split_part(line.payload, '|', %(field_J0171)s) AS reading_type
            FROM staged_line AS line
            WHERE
                line.stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
                AND line.id >> 32 <> all(%(other_file_ids)s::bigint[])
                AND line.kind = 'meter'
            OFFSET '0'
        ) AS cut
        OFFSET '0'
    ) AS field
    LEFT JOIN meter
        ON
            field.mpan_core = meter.mpan_core
            AND field.serial_key = meter.serial_key
    OFFSET '0'
) AS judged
WHERE
    NOT judged.is_known
    OR judged.rejections <> ''
    OR judged.warnings <> ''
    OR %(has_rejected_meter_points)s;
