-- One row a line, as it came, with its place: what everything reads of raw lines.
--
-- The lines of a usual meter point stand in one row of `staged_text`, LF between them: that of the
-- meter point, that of one meter, those of its readings. Of the first two its code alone is there
-- where the columns beside say all that the line says. Ids follow one another, all in the stretch
-- of the first. A condition on kind is all that it takes to read one of the parts alone. To cut a
-- line out costs next to nothing, to take a row apart a microsecond: the first two readings, all
-- that most meters have, are cut out.
CREATE VIEW staged_line AS
SELECT
    held.id,
    held.id >> 10 AS stretch,
    held.parent_id,
    held.kind,
    held.mpan_core,
    held.serial_key,
    held.reading_type,
    held.validation_status,
    held.payload
FROM staged_text AS held
WHERE held.kind <> 'usual'
UNION ALL
SELECT
    held.id,
    held.id >> 10 AS stretch,
    NULL::bigint AS parent_id,
    'meter_point'::text AS kind,
    held.mpan_core,
    ''::text COLLATE "C" AS serial_key,
    ''::text AS reading_type,
    held.validation_status,
    CASE
        WHEN strpos(split_part(held.payload, E'\n', 1), '|') > 0
            THEN split_part(held.payload, E'\n', 1)
        ELSE
            split_part(held.payload, E'\n', 1)
            || '|' || held.mpan_core || '|' || held.validation_status || '|'
    END AS payload
FROM staged_text AS held
WHERE held.kind = 'usual'
UNION ALL
SELECT
    held.id + 1 AS id,
    held.id >> 10 AS stretch,
    held.id AS parent_id,
    'meter'::text AS kind,
    held.mpan_core,
    held.serial_key,
    held.reading_type,
    held.validation_status,
    CASE
        WHEN strpos(split_part(held.payload, E'\n', 2), '|') > 0
            THEN split_part(held.payload, E'\n', 2)
        ELSE
            split_part(held.payload, E'\n', 2)
            || '|' || held.serial_key || '|' || held.reading_type || '|'
    END AS payload
FROM staged_text AS held
WHERE held.kind = 'usual'
UNION ALL
SELECT
    held.id + 2 AS id,
    held.id >> 10 AS stretch,
    held.id + 1 AS parent_id,
    'reading'::text AS kind,
    held.mpan_core,
    held.serial_key,
    held.reading_type,
    held.validation_status,
    split_part(held.payload, E'\n', 3) AS payload
FROM staged_text AS held
WHERE held.kind = 'usual'
UNION ALL
SELECT
    held.id + 3 AS id,
    held.id >> 10 AS stretch,
    held.id + 1 AS parent_id,
    'reading'::text AS kind,
    held.mpan_core,
    held.serial_key,
    held.reading_type,
    held.validation_status,
    split_part(held.payload, E'\n', 4) AS payload
FROM staged_text AS held
WHERE held.kind = 'usual' AND split_part(held.payload, E'\n', 4) <> ''
UNION ALL
SELECT
    held.id + 3 + line.number AS id,
    held.id >> 10 AS stretch,
    held.id + 1 AS parent_id,
    'reading'::text AS kind,
    held.mpan_core,
    held.serial_key,
    held.reading_type,
    held.validation_status,
    line.payload
FROM staged_text AS held
CROSS JOIN
    LATERAL unnest((string_to_array(held.payload, E'\n'))[5:])
    WITH ORDINALITY AS line (payload, number)
WHERE
    held.kind = 'usual'
    AND split_part(held.payload, E'\n', 5) <> ''
    -- As many as there may be: so the planner expects one a row, not ten.
    AND line.number BETWEEN 1 AND 30;
