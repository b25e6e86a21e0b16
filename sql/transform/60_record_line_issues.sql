-- Record what was found: one issue for each code of each line.
--
-- The catalogues come from the domain as arrays, so that severity, wording, names and positions
-- of items stand in one place. Clean lines cost one comparison.
--
-- Params: codes, severities, expectations (text[]): the catalogue of findings, in step
--         item_kinds, item_numbers, item_names (text[]), item_positions (integer[]): the grammar
-- Reads:  judged_meter_point, judged_meter, judged_reading, judged_result, judged_other_line
-- Writes: line_issue
-- Re-run: in the transaction that transforms the files.
INSERT INTO line_issue (
    flow_file_id,
    line_number,
    kind,
    mpan_core,
    severity,
    code,
    item,
    value,
    message
)
WITH judged_line AS (
    SELECT
        line_id,
        'meter_point' AS kind,
        mpan_core,
        rejections,
        warnings,
        payload
    FROM judged_meter_point
    UNION ALL
    SELECT
        line_id,
        'meter' AS kind,
        mpan_core,
        rejections,
        warnings,
        payload
    FROM judged_meter
    UNION ALL
    SELECT
        line_id,
        'reading' AS kind,
        mpan_core,
        rejections,
        warnings,
        payload
    FROM judged_reading
    UNION ALL
    SELECT
        line_id,
        'result' AS kind,
        mpan_core,
        rejections,
        warnings,
        payload
    FROM judged_result
    UNION ALL
    SELECT
        line_id,
        kind,
        mpan_core,
        rejections,
        warnings,
        payload
    FROM judged_other_line
),

finding AS (
    SELECT
        unnest(%(codes)s::text[]) AS code,
        unnest(%(severities)s::text[]) AS severity,
        unnest(%(expectations)s::text[]) AS expectation
),

item AS (
    SELECT
        unnest(%(item_kinds)s::text[]) AS kind,
        unnest(%(item_numbers)s::text[]) AS number,
        unnest(%(item_names)s::text[]) AS name,
        unnest(%(item_positions)s::integer[]) AS position
),

found_code AS (
    SELECT
        line_id,
        kind,
        mpan_core,
        payload,
        unnest(string_to_array(btrim(concat(rejections, ' ', warnings)), ' ')) AS token
    FROM judged_line
    WHERE rejections <> '' OR warnings <> ''
),

found_value AS (
    SELECT
        found_code.line_id,
        found_code.kind,
        found_code.mpan_core,
        item.number AS item_number,
        item.name AS item_name,
        split_part(found_code.token, '/', 1) AS code,
        CASE
            WHEN item.number IS NULL THEN found_code.payload
            ELSE split_part(found_code.payload, '|', 1 + item.position)
        END AS value
    FROM found_code
    LEFT JOIN item
        ON
            found_code.kind = item.kind
            AND split_part(found_code.token, '/', 2) = item.number
),

shown_value AS (
    SELECT
        line_id,
        kind,
        mpan_core,
        item_number,
        item_name,
        code,
        CASE WHEN length(value) > 200 THEN left(value, 200) || '…' ELSE value END AS value
    FROM found_value
)

SELECT
    found.line_id >> 32 AS flow_file_id,
    found.line_id & 4294967295 AS line_number,
    found.kind,
    found.mpan_core,
    finding.severity,
    finding.code,
    coalesce(found.item_number, '') AS item,
    found.value,
    CASE
        WHEN found.item_number IS NULL THEN finding.expectation
        ELSE concat(
            found.item_number, ' ', found.item_name, ' is ''', found.value, ''': ',
            finding.expectation
        )
    END AS message
FROM shown_value AS found
INNER JOIN finding
    ON found.code = finding.code
ORDER BY found.line_id, finding.severity, finding.code, found.item_number;
