-- Judge the meter point lines: which name one that is new, or have something wrong with them?
--
-- Every judge step writes codes of etl/domain/findings.py, with the J-item behind a slash,
-- joined by spaces. A line with rejections goes no further and takes its descendants with it; the
-- payload of one with either is kept, to quote it. What is known and clean, nearly all of an
-- everyday file, needs no row here.
-- OFFSET '0' keeps the planner from working a field out anew at each use; as a number it would
-- keep it from sharing the work among processes as well.
--
-- Params: first_stretch, last_stretch (bigint), other_file_ids (bigint[]): the lines to judge,
--         and the files between those two whose lines are not meant
--         blanks (text): the characters that nobody sees
--         field_…, longest_… (integer), codes_… (text[]), items_of_meter_point (integer): of each
--         item its place in a line, its length and its valid set; and their number
-- Reads:  staged_line, meter_point
-- Writes: judged_meter_point (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_meter_point ON COMMIT DROP AS
SELECT
    judged.line_id,
    judged.mpan_core,
    judged.is_known,
    judged.rejections,
    judged.warnings,
    CASE WHEN judged.rejections <> '' OR judged.warnings <> '' THEN judged.payload END AS payload
FROM (
    SELECT
        field.*,
        meter_point.mpan_core IS NOT NULL AS is_known,
        concat_ws(
            ' ',
            CASE
                WHEN field.mpan_core = '' AND unpadded(field.mpan_core_text, %(blanks)s) = ''
                    THEN 'missing-item/J0003'
                WHEN field.mpan_core = '' THEN 'bad-mpan/J0003'
            END,
            CASE
                WHEN unpadded(field.validation_status, %(blanks)s) = ''
                    THEN 'missing-item/J0022'
            END,
            CASE
                WHEN length(field.validation_status) > %(longest_J0022)s THEN 'too-long/J0022'
            END,
            CASE WHEN field.line_end <> 'blank-padding' THEN field.line_end END
        ) AS rejections,
        concat_ws(
            ' ',
            CASE
                WHEN mpan_check_digit(field.mpan_core_number) <> mod(field.mpan_core_number, 10)
                    THEN 'mpan-check-digit/J0003'
            END,
            CASE
                WHEN
                    field.mpan_core <> field.mpan_core_text
                    AND field.mpan_core <> ''
                    AND rtrim(field.mpan_core_text) <> field.mpan_core
                    THEN 'blank-padding/J0003'
            END,
            CASE
                WHEN
                    field.validation_status <> all(%(codes_J0022)s::text[])
                    AND length(field.validation_status) = %(longest_J0022)s
                    THEN 'unknown-code/J0022'
            END,
            CASE WHEN field.line_end = 'blank-padding' THEN field.line_end END
        ) AS warnings
    FROM (
        SELECT
            cut.*,
            CASE WHEN cut.mpan_core <> '' THEN cut.mpan_core::bigint END AS mpan_core_number,
            -- One pipe behind the group code and each item: all is in its place.
            CASE
                WHEN
                    octet_length(cut.payload)
                    - octet_length(cut.mpan_core_text)
                    - octet_length(cut.validation_status) <> 3 + 1 + %(items_of_meter_point)s
                    THEN d0010_line_end(cut.payload, %(items_of_meter_point)s, %(blanks)s)
            END AS line_end
        FROM (
            SELECT
                line.id AS line_id,
                line.mpan_core,
                line.payload,
                split_part(line.payload, '|', %(field_J0003)s) AS mpan_core_text,
                split_part(line.payload, '|', %(field_J0022)s) AS validation_status
            FROM staged_line AS line
            WHERE
                line.stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
                AND line.id >> 32 <> all(%(other_file_ids)s::bigint[])
                AND line.kind = 'meter_point'
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
