-- Tell by a SHA-256 a file what all rows say that came from it: the same again as long as none of
-- them was changed, lost or added.
--
-- For files whose raw lines were dropped, which prove the rows until then. Rows are written out in
-- the order of their lines, as no setting of the server could change it. Digests that are stored
-- were made so: whatever is changed here makes all of them wrong. Hashed by stretches, so that no
-- file is too long to be one text.
--
-- Params: flow_file_ids (bigint[]): the files
--         first_line_id, last_line_id (bigint): those and the files between, by their lines
--         first_stretch, last_stretch (bigint): the same
-- Reads:  flow_file, line_issue, meter_point, meter, register, reading, site_visit
WITH said AS (
    SELECT
        id << 32 AS id,
        row(
            id, sha256, file_name, status, reason, extract(EPOCH FROM staged_at),
            extract(EPOCH FROM transformed_at), extract(EPOCH FROM purged_at), size, encoding,
            file_identifier, flow, sender_role, sender, recipient_role, recipient,
            extract(EPOCH FROM file_created_at), sending_application, receiving_application,
            broadcast, test_flag, reuses_file_identifier, is_strict, declared_group_count,
            checksum, declared_flow_count, extract(EPOCH FROM file_completed_at), line_count,
            blank_line_count, meter_point_line_count, meter_line_count, reading_count,
            validation_result_count, site_visit_count, rejected_line_count, warning_count,
            forgotten_line_count
        )::text AS text
    FROM flow_file
    WHERE id = any(%(flow_file_ids)s::bigint[])
    UNION ALL
    SELECT
        flow_file_id << 32 | line_number AS id,
        row('issue', kind, mpan_core, severity, code, item, value, message)::text AS text
    FROM line_issue
    WHERE flow_file_id = any(%(flow_file_ids)s::bigint[])
    UNION ALL
    SELECT
        line_id AS id,
        row('meter point', mpan_core)::text AS text
    FROM meter_point
    WHERE line_id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        row('meter', mpan_core, serial_key, serial_number)::text AS text
    FROM meter
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        row('register', mpan_core, serial_key, identifier)::text AS text
    FROM register
    WHERE id BETWEEN %(first_line_id)s AND %(last_line_id)s
    UNION ALL
    SELECT
        id,
        row('reading', reading)::text AS text -- all columns; its times are as UTC has them
    FROM reading
    WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
    UNION ALL
    SELECT
        id,
        row(
            'visit', mpan_core, reading_id, serial_key, check_code, additional_information
        )::text AS text
    FROM site_visit
    WHERE id >> 10 BETWEEN %(first_stretch)s AND %(last_stretch)s
),

stretch AS (
    SELECT
        id >> 10 AS number,
        sha256(
            convert_to(
                string_agg(concat(id, text), E'\n' ORDER BY id, text COLLATE "C"), 'UTF8'
            )
        ) AS digest
    FROM said
    WHERE id >> 32 = any(%(flow_file_ids)s::bigint[])
    GROUP BY id >> 10
)

SELECT
    number >> 22 AS flow_file_id,
    encode(sha256(string_agg(digest, '' ORDER BY number)), 'hex') AS digest
FROM stretch
GROUP BY number >> 22;
