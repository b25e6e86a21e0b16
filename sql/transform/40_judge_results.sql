-- Judge the validation results: the reason and the outcome of checking a reading.
--
-- Params: first_stretch, last_stretch (bigint), other_file_ids (bigint[]): the lines to judge
--         has_other_lines (boolean): false where there are none, which saves a scan
--         blanks (text): the characters that nobody sees
--         field_…, longest_… (integer), codes_… (text[]), items_of_result (integer): see step 10
-- Reads:  staged_line, judged_reading
-- Writes: judged_result (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_result ON COMMIT DROP AS
SELECT
    field.line_id,
    field.parent_id,
    field.mpan_core,
    field.reason_code,
    field.reading_status,
    concat_ws(
        ' ',
        CASE WHEN field.parent_id IS NULL THEN 'orphan-line' END,
        CASE WHEN reading.line_id IS NOT NULL THEN 'parent-rejected' END,
        CASE
            WHEN
                row_number() OVER (
                    PARTITION BY field.mpan_core, field.parent_id ORDER BY field.line_id
                ) > 1
                AND field.parent_id IS NOT NULL
                THEN 'repeated-group'
        END,
        CASE WHEN length(field.reason_code_text) > %(longest_J0332)s THEN 'too-long/J0332' END,
        CASE WHEN field.reading_status = '' THEN 'missing-item/J0047' END,
        CASE WHEN length(field.reading_status_text) > %(longest_J0047)s THEN 'too-long/J0047' END,
        CASE WHEN field.line_end <> 'blank-padding' THEN field.line_end END
    ) AS rejections,
    concat_ws(
        ' ',
        CASE WHEN field.reason_code = '' THEN 'missing-reason/J0332' END,
        CASE
            WHEN
                field.reason_code_text <> all(%(codes_J0332)s::text[])
                AND field.reason_code <> ''
                THEN 'unknown-code/J0332'
        END,
        CASE
            WHEN
                field.reading_status_text <> all(%(codes_J0047)s::text[])
                AND field.reading_status <> ''
                THEN 'unknown-code/J0047'
        END,
        CASE WHEN field.line_end = 'blank-padding' THEN field.line_end END
    ) AS warnings,
    field.payload
FROM (
    SELECT
        cut.*,
        CASE
            WHEN unpadded(cut.reason_code_text, %(blanks)s) <> '' THEN cut.reason_code_text
            ELSE ''
        END AS reason_code,
        unpadded(cut.reading_status_text, %(blanks)s) AS reading_status,
        d0010_line_end(cut.payload, %(items_of_result)s, %(blanks)s) AS line_end
    FROM (
        SELECT
            line.id AS line_id,
            line.parent_id,
            line.mpan_core,
            line.payload,
            split_part(line.payload, '|', %(field_J0332)s) AS reason_code_text,
            split_part(line.payload, '|', %(field_J0047)s) AS reading_status_text
        FROM staged_line AS line
        WHERE
            line.stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
            AND line.id >> 32 <> all(%(other_file_ids)s::bigint[])
            AND line.kind = 'result'
            AND %(has_other_lines)s
        OFFSET '0'
    ) AS cut
    OFFSET '0'
) AS field
LEFT JOIN judged_reading AS reading
    ON
        field.mpan_core = reading.mpan_core
        AND field.parent_id = reading.line_id
        AND reading.rejections <> '';
