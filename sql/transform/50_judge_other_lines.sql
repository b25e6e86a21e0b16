-- Judge what is left: site visits (027, 029, 033), results (032, judged before), and lines of no
-- known group.
--
-- Params: first_line_id, last_line_id (bigint), other_file_ids (bigint[]): the lines to judge
--         has_other_lines (boolean): false where there are none, which saves a scan
--         known_groups, site_visit_codes (text[]): group codes, and the valid set of J0024
-- Reads:  staged_line, judged_validation_result
-- Writes: judged_other_line (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_other_line ON COMMIT DROP AS
SELECT
    field.line_id,
    field.group_code,
    field.mpan_core,
    field.parent_id,
    field.check_code,
    field.additional_information,
    CASE
        WHEN field.group_code <> all(%(known_groups)s::text[]) THEN 'unknown-group'
        ELSE
            concat_ws(
                ' ',
                CASE WHEN field.parent_id IS NULL THEN 'orphan-line' END,
                result.rejections,
                CASE WHEN btrim(field.check_code) = '' THEN 'missing-item/J0024' END,
                CASE WHEN length(field.check_code) > 2 THEN 'too-long/J0024' END,
                CASE WHEN length(field.additional_information) > 200 THEN 'too-long/J0012' END,
                CASE
                    WHEN result.line_id IS NOT NULL THEN NULL
                    WHEN field.payload ~ '^([^|]*\|){3}.*[^ |]' THEN 'extra-field'
                    WHEN rtrim(field.payload) !~ '\|$' THEN 'unterminated-line'
                END
            )
    END AS rejections,
    CASE
        WHEN field.group_code <> all(%(known_groups)s::text[]) THEN ''
        ELSE
            concat_ws(
                ' ',
                result.warnings,
                CASE
                    WHEN
                        field.check_code <> all(%(site_visit_codes)s::text[])
                        AND btrim(field.check_code) <> ''
                        THEN 'unknown-code/J0024'
                END,
                CASE
                    WHEN result.line_id IS NULL AND field.payload ~ '^([^|]*\|){3}[ |]+$'
                        THEN 'blank-padding'
                END
            )
    END AS warnings
FROM (
    SELECT
        line.id AS line_id,
        line.parent_id,
        line.group_code,
        line.mpan_core,
        line.payload,
        CASE
            WHEN line.group_code <> '032' THEN split_part(line.payload, '|', 2)
        END AS check_code, -- J0024
        CASE
            WHEN line.group_code <> '032' THEN split_part(line.payload, '|', 3)
        END AS additional_information -- J0012
    FROM staged_line AS line
    WHERE
        line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND line.id >> 32 <> all(%(other_file_ids)s::bigint[])
        AND line.group_code NOT IN ('026', '028', '030', 'ZHV', 'ZPT')
        AND %(has_other_lines)s
    OFFSET '0'
) AS field
LEFT JOIN judged_validation_result AS result
    ON field.line_id = result.line_id;
