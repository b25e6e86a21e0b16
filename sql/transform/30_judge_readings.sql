-- Judge the reading lines, and tell which of their registers are known.
--
-- One pass over the lines: text becomes values (null where it is none); meter point, meter, type
-- and validation status stand on each line. No temporary table is joined, so that the server may
-- share the work among processes; whether the lines above are rejected is asked in the next step.
-- Where that could be, all payloads are kept to be quoted: no join finds a line again at a cost
-- that is the same in every plan. Sorted by the key of readings, for the insert that follows.
--
-- Params: first_stretch, last_stretch (bigint), other_file_ids (bigint[]): the lines to judge
--         ids_without_J1888 (bigint[]): those of the files whose version has no such item
--         blanks (text): the characters that nobody sees
--         field_…, longest_… (integer), codes_… (text[]), items_of_reading (integer): see step 10
--         time_zone (text), transformed_at (timestamptz): what clock time and future mean
--         has_rejected_meters (boolean): as the step before tells
-- Reads:  staged_line, register
-- Writes: judged_reading (temporary)
-- Re-run: in a transaction of its own.
CREATE TEMPORARY TABLE judged_reading ON COMMIT DROP AS
SELECT
    judged.line_id,
    judged.parent_id,
    judged.mpan_core,
    judged.serial_key,
    judged.identifier,
    judged.is_known,
    judged.read_at,
    judged.value,
    judged.md_reset_at,
    judged.md_reset_count,
    judged.reading_type,
    judged.validation_status,
    judged.reading_flag,
    judged.reading_method,
    judged.rejections,
    judged.warnings,
    CASE
        WHEN
            judged.rejections <> ''
            OR judged.warnings <> ''
            OR judged.reading_flag = 'F'
            OR %(has_rejected_meters)s
            THEN judged.payload
    END AS payload
FROM (
    SELECT
        item.*,
        register.mpan_core IS NOT NULL AS is_known,
        unpadded(item.reading_flag_text, %(blanks)s) AS reading_flag,
        unpadded(item.reading_method_text, %(blanks)s) AS reading_method,
        concat_ws(
            ' ',
            CASE WHEN item.parent_id IS NULL THEN 'orphan-line' END,
            CASE WHEN item.identifier = '' THEN 'missing-item/J0010' END,
            CASE WHEN length(item.identifier) > %(longest_J0010)s THEN 'too-long/J0010' END,
            CASE
                WHEN item.read_on_clock IS NULL AND unpadded(item.read_at_text, %(blanks)s) = ''
                    THEN 'missing-item/J0016'
                WHEN item.read_on_clock IS NULL THEN 'bad-date/J0016'
            END,
            CASE
                WHEN item.value IS NULL AND unpadded(item.value_text, %(blanks)s) = ''
                    THEN 'missing-item/J0040'
                WHEN item.value IS NULL THEN 'bad-number/J0040'
            END,
            CASE
                WHEN
                    item.md_reset_on_clock IS NULL
                    AND unpadded(item.md_reset_at_text, %(blanks)s) <> ''
                    THEN 'bad-date/J0044'
            END,
            CASE
                WHEN
                    item.md_reset_count IS NULL
                    AND unpadded(item.md_reset_count_text, %(blanks)s) <> ''
                    THEN 'bad-number/J1013'
            END,
            CASE WHEN length(item.reading_flag_text) > %(longest_J0045)s THEN 'too-long/J0045' END,
            CASE
                WHEN length(item.reading_method_text) > %(longest_J1888)s THEN 'too-long/J1888'
                WHEN
                    unpadded(item.reading_method_text, %(blanks)s) = ''
                    AND item.line_id >> 32 <> all(%(ids_without_J1888)s::bigint[])
                    THEN 'missing-item/J1888'
                WHEN
                    unpadded(item.reading_method_text, %(blanks)s) <> ''
                    AND item.line_id >> 32 = any(%(ids_without_J1888)s::bigint[])
                    THEN 'extra-field'
            END,
            CASE WHEN item.line_end <> 'blank-padding' THEN item.line_end END
        ) AS rejections,
        concat_ws(
            ' ',
            CASE
                WHEN item.read_at > %(transformed_at)s::timestamptz
                    THEN 'future-date/J0016'
            END,
            CASE
                -- UK clocks change at one or two o'clock; only there a look-up is worth its cost.
                -- Of a time that came twice the server takes the second.
                WHEN
                    mod(item.read_at_number / 10000, 100) IN (1, 2)
                    AND item.read_at AT TIME ZONE %(time_zone)s <> item.read_on_clock
                    THEN 'clock-skipped/J0016'
                WHEN
                    mod(item.read_at_number / 10000, 100) IN (1, 2)
                    AND (item.read_at - interval '1 hour') AT TIME ZONE %(time_zone)s
                    = item.read_on_clock
                    THEN 'clock-repeated/J0016'
            END,
            CASE
                WHEN
                    mod(item.md_reset_at_number / 10000, 100) IN (1, 2)
                    AND item.md_reset_at AT TIME ZONE %(time_zone)s <> item.md_reset_on_clock
                    THEN 'clock-skipped/J0044'
                WHEN
                    mod(item.md_reset_at_number / 10000, 100) IN (1, 2)
                    AND (item.md_reset_at - interval '1 hour') AT TIME ZONE %(time_zone)s
                    = item.md_reset_on_clock
                    THEN 'clock-repeated/J0044'
            END,
            CASE
                WHEN
                    mod(item.read_at_number, 1000000) NOT IN (0, 235959)
                    AND item.reading_type <> 'S'
                    AND item.read_on_clock IS NOT NULL
                    THEN 'time-of-day/J0016'
            END,
            CASE
                WHEN
                    item.reading_flag_text <> all(%(codes_J0045)s::text[])
                    AND unpadded(item.reading_flag_text, %(blanks)s) <> ''
                    THEN 'unknown-code/J0045'
            END,
            CASE
                WHEN
                    item.reading_method_text <> all(%(codes_J1888)s::text[])
                    AND unpadded(item.reading_method_text, %(blanks)s) <> ''
                    THEN 'unknown-code/J1888'
            END,
            CASE
                WHEN
                    item.identifier <> item.identifier_text
                    AND item.identifier <> ''
                    AND rtrim(item.identifier_text) <> item.identifier
                    THEN 'blank-padding/J0010'
            END,
            CASE
                WHEN
                    item.value IS NOT NULL
                    AND left(right(item.value_text, 2), 1) <> '.'
                    AND octet_length(split_part(item.value_text, '.', 2)) > 1
                    THEN 'more-decimals/J0040'
            END,
            CASE WHEN item.line_end = 'blank-padding' THEN item.line_end END
        ) AS warnings
    FROM (
        SELECT
            clock.*,
            clock.read_on_clock AT TIME ZONE %(time_zone)s AS read_at,
            clock.md_reset_on_clock AT TIME ZONE %(time_zone)s AS md_reset_at
        FROM (
            SELECT
                cut.*,
                d0010_clock_time(cut.read_at_number) AS read_on_clock,
                d0010_clock_time(cut.md_reset_at_number) AS md_reset_on_clock,
                d0010_register_reading(cut.value_text) AS value,
                CASE
                    WHEN
                        octet_length(cut.md_reset_count_text) BETWEEN 1 AND %(longest_J1013)s
                        AND without_digits(cut.md_reset_count_text) = ''
                        THEN cut.md_reset_count_text::smallint
                END AS md_reset_count,
                -- One pipe behind the group code and each item: all is in its place.
                CASE
                    WHEN
                        octet_length(cut.payload)
                        - octet_length(cut.identifier_text)
                        - octet_length(cut.read_at_text)
                        - octet_length(cut.value_text)
                        - octet_length(cut.md_reset_at_text)
                        - octet_length(cut.md_reset_count_text)
                        - octet_length(cut.reading_flag_text)
                        - octet_length(cut.reading_method_text) <> 3 + 1 + %(items_of_reading)s
                        THEN d0010_line_end(cut.payload, %(items_of_reading)s, %(blanks)s)
                END AS line_end
            FROM (
                SELECT
                    field.*,
                    unpadded(field.identifier_text, %(blanks)s) AS identifier,
                    CASE
                        WHEN
                            octet_length(field.read_at_text) = %(longest_J0016)s
                            AND without_digits(field.read_at_text) = ''
                            THEN field.read_at_text::bigint
                    END AS read_at_number,
                    CASE
                        WHEN
                            octet_length(field.md_reset_at_text) = %(longest_J0044)s
                            AND without_digits(field.md_reset_at_text) = ''
                            THEN field.md_reset_at_text::bigint
                    END AS md_reset_at_number
                FROM (
                    SELECT
                        line.id AS line_id,
                        line.parent_id,
                        line.mpan_core,
                        line.serial_key,
                        line.reading_type,
                        line.validation_status,
                        line.payload,
                        split_part(line.payload, '|', %(field_J0010)s) AS identifier_text,
                        split_part(line.payload, '|', %(field_J0016)s) AS read_at_text,
                        split_part(line.payload, '|', %(field_J0040)s) AS value_text,
                        split_part(line.payload, '|', %(field_J0044)s) AS md_reset_at_text,
                        split_part(line.payload, '|', %(field_J1013)s) AS md_reset_count_text,
                        split_part(line.payload, '|', %(field_J0045)s) AS reading_flag_text,
                        split_part(line.payload, '|', %(field_J1888)s) AS reading_method_text
                    FROM staged_line AS line
                    WHERE
                        line.stretch BETWEEN %(first_stretch)s AND %(last_stretch)s
                        AND line.id >> 32 <> all(%(other_file_ids)s::bigint[])
                        AND line.kind = 'reading'
                    OFFSET '0'
                ) AS field
                OFFSET '0'
            ) AS cut
            OFFSET '0'
        ) AS clock
        OFFSET '0'
    ) AS item
    LEFT JOIN register
        ON
            item.mpan_core = register.mpan_core
            AND item.serial_key = register.serial_key
            AND item.identifier = register.identifier
    OFFSET '0'
) AS judged
ORDER BY judged.mpan_core, judged.read_at, judged.line_id;
