-- Judge the 028 lines: which name a meter that is new at its meter point, or have something wrong?
--
-- Params: first_line_id, last_line_id (bigint), other_file_ids (bigint[]): the lines to judge
--         reading_types (text[]): valid set of J0171
-- Reads:  staged_line, meter
-- Writes: judged_meter (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_meter ON COMMIT DROP AS
SELECT
    judged.line_id,
    judged.mpan_core,
    judged.serial_number,
    judged.is_known,
    judged.rejections,
    judged.warnings
FROM (
    SELECT
        field.line_id,
        field.mpan_core,
        field.serial_number,
        meter.id IS NOT NULL AS is_known,
        concat_ws(
            ' ',
            CASE WHEN field.parent_id IS NULL THEN 'orphan-line' END,
            CASE WHEN btrim(field.serial_number) = '' THEN 'missing-item/J0004' END,
            CASE WHEN length(field.serial_number) > 10 THEN 'too-long/J0004' END,
            CASE WHEN btrim(field.reading_type) = '' THEN 'missing-item/J0171' END,
            CASE WHEN length(field.reading_type) > 1 THEN 'too-long/J0171' END,
            CASE
                WHEN field.is_irregular AND field.payload ~ '^([^|]*\|){3}.*[^ |]'
                    THEN 'extra-field'
                WHEN field.is_irregular AND rtrim(field.payload) !~ '\|$'
                    THEN 'unterminated-line'
            END
        ) AS rejections,
        concat_ws(
            ' ',
            CASE
                WHEN
                    field.reading_type <> all(%(reading_types)s::text[])
                    AND length(field.reading_type) = 1
                    THEN 'unknown-code/J0171'
            END,
            CASE
                WHEN field.is_irregular AND field.payload ~ '^([^|]*\|){3}[ |]+$'
                    THEN 'blank-padding'
            END
        ) AS warnings
    FROM (
        SELECT
            cut.*,
            octet_length(cut.payload)
            - octet_length(cut.serial_number)
            - octet_length(cut.reading_type) <> 3 + 3 AS is_irregular
        FROM (
            SELECT
                line.id AS line_id,
                line.parent_id,
                line.mpan_core,
                line.payload,
                split_part(line.payload, '|', 2) AS serial_number, -- J0004
                split_part(line.payload, '|', 3) AS reading_type -- J0171
            FROM staged_line AS line
            WHERE
                line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
                AND line.id >> 32 <> all(%(other_file_ids)s::bigint[])
                AND line.group_code = '028'
            OFFSET '0'
        ) AS cut
        OFFSET '0'
    ) AS field
    LEFT JOIN meter
        ON
            field.mpan_core = meter.mpan_core
            AND field.serial_number = meter.serial_number
    OFFSET '0'
) AS judged
WHERE
    NOT judged.is_known
    OR judged.rejections <> ''
    OR judged.warnings <> '';
