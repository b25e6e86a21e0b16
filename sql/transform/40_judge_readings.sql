-- Judge the 030 lines and find the register that each reads.
--
-- One pass over the lines: text becomes values (null where it is none), meter and meter point come
-- from the lines above and the register, if it is known, from the warehouse. Only lines whose
-- register is not yet known go through the inserts of new meters and registers later. No temporary
-- table is read, so that the server may share the work among processes; nor is it asked here
-- whether the lines above are rejected. Sorted by meter point, the order of the index that people
-- search by, for the insert that follows.
--
-- Params: first_line_id, last_line_id (bigint), other_file_ids (bigint[]): the lines to judge
--         version_001_ids (bigint[]): those of the files whose version has no J1888
--         booleans, reading_methods (text[]): valid sets of J0045 and J1888
--         time_zone (text), transformed_at (timestamptz): what clock time and future mean
-- Reads:  staged_line, meter, register
-- Writes: judged_reading (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_reading ON COMMIT DROP AS
WITH meter_line AS (
    SELECT
        line.id,
        line.mpan_core,
        split_part(line.payload, '|', 2) AS serial_number, -- J0004
        split_part(line.payload, '|', 3) AS reading_type, -- J0171
        split_part(meter_point_line.payload, '|', 3) AS validation_status -- J0022
    FROM staged_line AS line
    LEFT JOIN staged_line AS meter_point_line
        ON
            line.parent_id = meter_point_line.id
            AND meter_point_line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
            AND meter_point_line.group_code = '026'
    WHERE
        line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
        AND line.group_code = '028'
    OFFSET '0'
),

above AS (
    SELECT
        meter_line.id,
        meter_line.serial_number,
        meter_line.reading_type,
        meter_line.validation_status,
        meter.id AS meter_id
    FROM meter_line
    LEFT JOIN meter
        ON
            meter_line.mpan_core = meter.mpan_core
            AND meter_line.serial_number = meter.serial_number
    OFFSET '0'
)

SELECT
    item.line_id,
    item.mpan_core,
    above.serial_number,
    register.id AS register_id,
    item.identifier,
    item.read_at,
    item.value,
    item.md_reset_at,
    item.md_reset_count,
    above.reading_type,
    above.validation_status,
    btrim(item.reading_flag) AS reading_flag,
    btrim(item.reading_method) AS reading_method,
    concat_ws(
        ' ',
        CASE WHEN item.parent_id IS NULL THEN 'orphan-line' END,
        CASE WHEN btrim(item.identifier) = '' THEN 'missing-item/J0010' END,
        CASE WHEN length(item.identifier) > 2 THEN 'too-long/J0010' END,
        CASE
            WHEN item.read_on_clock IS NULL AND btrim(item.read_at_text) = ''
                THEN 'missing-item/J0016'
            WHEN item.read_on_clock IS NULL THEN 'bad-date/J0016'
        END,
        CASE
            WHEN item.value IS NULL AND btrim(item.value_text) = '' THEN 'missing-item/J0040'
            WHEN item.value IS NULL THEN 'bad-number/J0040'
        END,
        CASE
            WHEN item.md_reset_on_clock IS NULL AND btrim(item.md_reset_at_text) <> ''
                THEN 'bad-date/J0044'
        END,
        CASE
            WHEN item.md_reset_count IS NULL AND btrim(item.md_reset_count_text) <> ''
                THEN 'bad-number/J1013'
        END,
        CASE WHEN length(item.reading_flag) > 1 THEN 'too-long/J0045' END,
        CASE
            WHEN length(item.reading_method) > 1 THEN 'too-long/J1888'
            WHEN
                btrim(item.reading_method) = ''
                AND item.line_id >> 32 <> all(%(version_001_ids)s::bigint[])
                THEN 'missing-item/J1888'
            WHEN
                btrim(item.reading_method) <> ''
                AND item.line_id >> 32 = any(%(version_001_ids)s::bigint[])
                THEN 'extra-field'
        END,
        CASE
            WHEN item.is_irregular AND item.payload ~ '^([^|]*\|){8}.*[^ |]' THEN 'extra-field'
            WHEN item.is_irregular AND rtrim(item.payload) !~ '\|$' THEN 'unterminated-line'
        END
    ) AS rejections,
    concat_ws(
        ' ',
        CASE
            WHEN item.read_at > %(transformed_at)s::timestamptz
                THEN 'future-date/J0016'
        END,
        CASE
            -- UK clocks change at one or two o'clock; only there is the look-up worth its cost.
            WHEN
                substr(item.read_at_text, 9, 2) IN ('01', '02')
                AND item.read_at AT TIME ZONE %(time_zone)s <> item.read_on_clock
                THEN 'clock-skipped/J0016'
            WHEN
                substr(item.read_at_text, 9, 2) IN ('01', '02')
                AND item.read_on_clock IN (
                    (item.read_at - interval '1 hour') AT TIME ZONE %(time_zone)s,
                    (item.read_at + interval '1 hour') AT TIME ZONE %(time_zone)s
                )
                THEN 'clock-repeated/J0016'
        END,
        CASE
            WHEN
                substr(item.md_reset_at_text, 9, 2) IN ('01', '02')
                AND item.md_reset_at AT TIME ZONE %(time_zone)s <> item.md_reset_on_clock
                THEN 'clock-skipped/J0044'
            WHEN
                substr(item.md_reset_at_text, 9, 2) IN ('01', '02')
                AND item.md_reset_on_clock IN (
                    (item.md_reset_at - interval '1 hour') AT TIME ZONE %(time_zone)s,
                    (item.md_reset_at + interval '1 hour') AT TIME ZONE %(time_zone)s
                )
                THEN 'clock-repeated/J0044'
        END,
        CASE
            WHEN
                right(item.read_at_text, 6) NOT IN ('000000', '235959')
                AND above.reading_type <> 'S'
                AND item.read_on_clock IS NOT NULL
                THEN 'time-of-day/J0016'
        END,
        CASE
            WHEN
                item.reading_flag <> all(%(booleans)s::text[])
                AND btrim(item.reading_flag) <> ''
                THEN 'unknown-code/J0045'
        END,
        CASE
            WHEN
                item.reading_method <> all(%(reading_methods)s::text[])
                AND btrim(item.reading_method) <> ''
                THEN 'unknown-code/J1888'
        END,
        CASE
            WHEN item.is_irregular AND item.payload ~ '^([^|]*\|){8}[ |]+$' THEN 'blank-padding'
        END
    ) AS warnings
FROM (
    SELECT
        clock.*,
        clock.read_on_clock AT TIME ZONE %(time_zone)s AS read_at,
        clock.md_reset_on_clock AT TIME ZONE %(time_zone)s AS md_reset_at
    FROM (
        SELECT
            cut.*,
            d0010_clock_time_v2(cut.read_at_number) AS read_on_clock,
            d0010_clock_time_v2(cut.md_reset_at_number) AS md_reset_on_clock,
            d0010_register_reading_v2(cut.value_text) AS value,
            CASE
                WHEN
                    octet_length(cut.md_reset_count_text) BETWEEN 1 AND 3
                    AND translate(cut.md_reset_count_text, '0123456789', '') = ''
                    THEN cut.md_reset_count_text::smallint
            END AS md_reset_count,
            -- One pipe behind the group code and each of seven items: all is in its place.
            octet_length(cut.payload)
            - octet_length(cut.identifier)
            - octet_length(cut.read_at_text)
            - octet_length(cut.value_text)
            - octet_length(cut.md_reset_at_text)
            - octet_length(cut.md_reset_count_text)
            - octet_length(cut.reading_flag)
            - octet_length(cut.reading_method) <> 3 + 8 AS is_irregular
        FROM (
            SELECT
                field.*,
                CASE
                    WHEN
                        octet_length(field.read_at_text) = 14
                        AND btrim(field.read_at_text, '0123456789') = ''
                        THEN field.read_at_text::bigint
                END AS read_at_number,
                CASE
                    WHEN
                        octet_length(field.md_reset_at_text) = 14
                        AND btrim(field.md_reset_at_text, '0123456789') = ''
                        THEN field.md_reset_at_text::bigint
                END AS md_reset_at_number
            FROM (
                SELECT
                    line.id AS line_id,
                    line.parent_id,
                    line.mpan_core,
                    line.payload,
                    split_part(line.payload, '|', 2) AS identifier, -- J0010
                    split_part(line.payload, '|', 3) AS read_at_text, -- J0016
                    split_part(line.payload, '|', 4) AS value_text, -- J0040
                    split_part(line.payload, '|', 5) AS md_reset_at_text, -- J0044
                    split_part(line.payload, '|', 6) AS md_reset_count_text, -- J1013
                    split_part(line.payload, '|', 7) AS reading_flag, -- J0045
                    split_part(line.payload, '|', 8) AS reading_method -- J1888
                FROM staged_line AS line
                WHERE
                    line.id BETWEEN %(first_line_id)s AND %(last_line_id)s
                    AND line.id >> 32 <> all(%(other_file_ids)s::bigint[])
                    AND line.group_code = '030'
                OFFSET '0'
            ) AS field
            OFFSET '0'
        ) AS cut
        OFFSET '0'
    ) AS clock
    OFFSET '0'
) AS item
LEFT JOIN above
    ON item.parent_id = above.id
LEFT JOIN register
    ON
        item.mpan_core = register.mpan_core
        AND above.meter_id = register.meter_id
        AND item.identifier = register.identifier
ORDER BY item.mpan_core COLLATE "C", item.line_id; -- noqa: RF02
