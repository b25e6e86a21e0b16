-- Account for every line of each file: what it became, and what is left over.
--
-- A loaded file's lines are its header and trailer, what was stored of each kind, what was
-- rejected, or forgotten since, and the blank ones. The numbers of a file that is only staged, or
-- was refused, are its lines alone.
--
-- Params: first_file_id, last_file_id (bigint): the files to look at
-- Reads:  flow_file
SELECT
    id,
    file_name,
    status,
    purged_at IS NOT NULL AS is_purged,
    line_count,
    meter_point_line_count,
    meter_line_count,
    reading_count,
    validation_result_count,
    site_visit_count,
    rejected_line_count,
    blank_line_count,
    forgotten_line_count,
    CASE
        WHEN status IN ('LOADED', 'LOADED_WITH_REJECTIONS')
            THEN
                line_count - 2 - meter_point_line_count - meter_line_count - reading_count
                - validation_result_count - site_visit_count - rejected_line_count
                - blank_line_count - forgotten_line_count
        ELSE 0
    END AS unaccounted_line_count
FROM flow_file
WHERE id BETWEEN %(first_file_id)s AND %(last_file_id)s
ORDER BY id;
