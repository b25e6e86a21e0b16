-- Judge the 026 lines: which name a meter point that is new, or have something wrong with them?
--
-- Every judge step writes codes of etl/domain/findings.py, with the J-item behind a slash,
-- joined by spaces. A line with rejections goes no further and takes its descendants with it.
-- What is known and clean, nearly all of an everyday file, needs no row here.
-- OFFSET '0' keeps the planner from working a field out anew at each use; as a number it would
-- keep it from sharing the work among processes as well.
--
-- Params: first_line_id, last_line_id (bigint), other_file_ids (bigint[]): the lines to judge,
--         and the files between those two whose lines are not meant
--         validation_statuses (text[]): valid set of J0022
-- Reads:  staged_line, meter_point
-- Writes: judged_meter_point (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_meter_point ON COMMIT DROP AS
SELECT
    judged.line_id,
    judged.mpan_core,
    judged.is_known,
    judged.rejections,
    judged.warnings
FROM (
    SELECT
        field.line_id,
        field.mpan_core,
        meter_point.mpan_core IS NOT NULL AS is_known,
        concat_ws(
            ' ',
            CASE WHEN field.mpan_core_text = '' THEN 'missing-item/J0003' END,
            CASE
                WHEN field.mpan_core = '' AND field.mpan_core_text <> '' THEN 'bad-mpan/J0003'
            END,
            CASE WHEN btrim(field.validation_status) = '' THEN 'missing-item/J0022' END,
            CASE WHEN length(field.validation_status) > 1 THEN 'too-long/J0022' END,
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
                    field.mpan_core <> ''
                    AND mpan_check_digit_v1(field.mpan_core)
                    <> right(field.mpan_core, 1)::integer
                    THEN 'mpan-check-digit/J0003'
            END,
            CASE
                WHEN
                    field.validation_status <> all(%(validation_statuses)s::text[])
                    AND length(field.validation_status) = 1
                    THEN 'unknown-code/J0022'
            END,
            CASE
                WHEN field.is_irregular AND field.payload ~ '^([^|]*\|){3}[ |]+$'
                    THEN 'blank-padding'
            END
        ) AS warnings
    FROM (
        SELECT
            cut.*,
            -- One pipe behind the group code and each of two items: all is in its place.
            octet_length(cut.payload)
            - octet_length(cut.mpan_core_text)
            - octet_length(cut.validation_status) <> 3 + 3 AS is_irregular
        FROM (
            SELECT
                line.id AS line_id,
                line.mpan_core,
                line.payload,
                split_part(line.payload, '|', 2) AS mpan_core_text, -- J0003
                split_part(line.payload, '|', 3) AS validation_status -- J0022
            FROM staged_line AS line
            WHERE
                line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
                AND line.id >> 32 <> all(%(other_file_ids)s::bigint[])
                AND line.group_code = '026'
            OFFSET '0'
        ) AS cut
        OFFSET '0'
    ) AS field
    LEFT JOIN meter_point
        ON field.mpan_core = meter_point.mpan_core
    OFFSET '0'
) AS judged
WHERE
    NOT judged.is_known
    OR judged.rejections <> ''
    OR judged.warnings <> '';
