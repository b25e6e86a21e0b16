-- Judge the 032 lines by themselves: the reason and the outcome of checking a reading.
--
-- Whether there is a reading above, and whether it is stored, is asked in a later step; here only
-- what the line says, and that it is the first one under its reading.
--
-- Params: first_line_id, last_line_id (bigint), other_file_ids (bigint[]): the lines to judge
--         has_other_lines (boolean): false where all are 026, 028 and 030, which saves a scan
--         reason_codes, booleans (text[]): valid sets of J0332 and J0047
-- Reads:  staged_line
-- Writes: judged_validation_result (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_validation_result ON COMMIT DROP AS
SELECT
    field.line_id,
    field.parent_id,
    field.reason_code,
    field.reading_status,
    concat_ws(
        ' ',
        CASE
            WHEN
                row_number() OVER (PARTITION BY field.parent_id ORDER BY field.line_id) > 1
                AND field.parent_id IS NOT NULL
                THEN 'repeated-group'
        END,
        CASE WHEN btrim(field.reason_code) = '' THEN 'missing-item/J0332' END,
        CASE WHEN length(field.reason_code) > 2 THEN 'too-long/J0332' END,
        CASE WHEN btrim(field.reading_status) = '' THEN 'missing-item/J0047' END,
        CASE WHEN length(field.reading_status) > 1 THEN 'too-long/J0047' END,
        CASE
            WHEN field.payload ~ '^([^|]*\|){3}.*[^ |]' THEN 'extra-field'
            WHEN rtrim(field.payload) !~ '\|$' THEN 'unterminated-line'
        END
    ) AS rejections,
    concat_ws(
        ' ',
        CASE
            WHEN
                field.reason_code <> all(%(reason_codes)s::text[])
                AND btrim(field.reason_code) <> ''
                THEN 'unknown-code/J0332'
        END,
        CASE
            WHEN
                field.reading_status <> all(%(booleans)s::text[])
                AND btrim(field.reading_status) <> ''
                THEN 'unknown-code/J0047'
        END,
        CASE WHEN field.payload ~ '^([^|]*\|){3}[ |]+$' THEN 'blank-padding' END
    ) AS warnings
FROM (
    SELECT
        line.id AS line_id,
        line.parent_id,
        line.payload,
        split_part(line.payload, '|', 2) AS reason_code, -- J0332
        split_part(line.payload, '|', 3) AS reading_status -- J0047
    FROM staged_line AS line
    WHERE
        line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND line.id >> 32 <> all(%(other_file_ids)s::bigint[])
        AND line.group_code = '032'
        AND %(has_other_lines)s
    OFFSET '0'
) AS field;
