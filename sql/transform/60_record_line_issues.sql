-- Record what was found: one issue for each code of each line.
--
-- The catalogues come from the domain as arrays, so that severity, wording, names and positions
-- of items stand in one place. Clean lines cost one comparison.
--
-- Params: codes, severities, expectations (text[]): the catalogue of findings, in step
--         item_groups, item_numbers, item_names (text[]), item_positions (integer[]): the grammar
-- Reads:  judged_meter_point, judged_meter, judged_reading, judged_other_line, staged_line
-- Writes: line_issue
-- Re-run: in the transaction that transforms the files.
INSERT INTO line_issue (
    flow_file_id,
    line_number,
    group_code,
    mpan_core,
    severity,
    code,
    item,
    value,
    message
)
SELECT
    line.id >> 32 AS flow_file_id,
    line.id & 4294967295 AS line_number,
    line.group_code,
    line.mpan_core,
    finding.severity,
    finding.code,
    coalesce(item.number, '') AS item,
    field.value,
    CASE
        WHEN item.number IS NULL THEN finding.expectation
        ELSE concat(
            item.number, ' ', item.name, ' is ''', field.value, ''': ', finding.expectation
        )
    END AS message
FROM (
    SELECT
        line_id,
        rejections,
        warnings
    FROM judged_meter_point
    WHERE rejections <> '' OR warnings <> ''
    UNION ALL
    SELECT
        line_id,
        rejections,
        warnings
    FROM judged_meter
    WHERE rejections <> '' OR warnings <> ''
    UNION ALL
    SELECT
        line_id,
        rejections,
        warnings
    FROM judged_reading
    WHERE rejections <> '' OR warnings <> ''
    UNION ALL
    SELECT
        line_id,
        rejections,
        warnings
    FROM judged_other_line
    WHERE rejections <> '' OR warnings <> ''
) AS judged
INNER JOIN staged_line AS line
    ON judged.line_id = line.id
CROSS JOIN LATERAL unnest(
    string_to_array(btrim(concat(judged.rejections, ' ', judged.warnings)), ' ')
) WITH ORDINALITY AS found (token, place)
INNER JOIN unnest(
    %(codes)s::text[], %(severities)s::text[], %(expectations)s::text[]
) AS finding (code, severity, expectation)
    ON split_part(found.token, '/', 1) = finding.code
LEFT JOIN unnest(
    %(item_groups)s::text[],
    %(item_numbers)s::text[],
    %(item_names)s::text[],
    %(item_positions)s::integer[]
) AS item (group_code, number, name, position)
    ON
        line.group_code = item.group_code
        AND split_part(found.token, '/', 2) = item.number
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN length(whole.value) > 200 THEN left(whole.value, 200) || '…' ELSE whole.value
        END AS value
    FROM (
        SELECT
            CASE
                WHEN item.number IS NULL THEN line.payload
                ELSE split_part(line.payload, '|', 1 + item.position)
            END AS value
    ) AS whole
) AS field
ORDER BY line.id, found.place;
