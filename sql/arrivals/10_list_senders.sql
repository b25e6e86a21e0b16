-- List who sent files of late: how much, when last, with which pauses, and with which file ids.
--
-- A sender's ids have gaps only where they are numbers (J1064 allows letters), and a gap says
-- something only where more of them came than did not: a sender numbers what it sends to others,
-- and other flows, from the same roll. Pauses are those between days on which something came.
--
-- Params: since      timestamptz  when the days began over which pauses are looked at
--         recently   timestamptz  when the days began of which files are counted
--         today      date
--         time_zone  text         of the days
--         most       integer      rows
--         most_gaps  integer      of each sender that are told
-- Reads:  flow_file
-- Writes: nothing
WITH arrival_day AS (
    SELECT
        one.sender,
        one.sender_role,
        one.day,
        one.files,
        one.rejected_files,
        one.loaded_readings,
        one.last_arrival,
        one.day >= (%(recently)s AT TIME ZONE %(time_zone)s)::date AS is_recent,
        one.day
        - lag(one.day) OVER (PARTITION BY one.sender, one.sender_role ORDER BY one.day) AS pause
    FROM (
        SELECT
            flow_file.sender,
            flow_file.sender_role,
            -- A search among midnights costs a fifth of what a change of the time zone does.
            (%(since)s AT TIME ZONE %(time_zone)s)::date - 1 + width_bucket(
                flow_file.staged_at,
                array(
                    SELECT midnight.at AT TIME ZONE %(time_zone)s
                    FROM generate_series(
                        (%(since)s AT TIME ZONE %(time_zone)s),
                        %(today)s::date,
                        '1 day'::interval
                    ) AS midnight (at)
                )
            ) AS day,
            count(*) AS files,
            count(*) FILTER (WHERE flow_file.status IN ('REJECTED', 'FAILED')) AS rejected_files,
            coalesce(
                sum(flow_file.reading_count) FILTER (
                    WHERE starts_with(flow_file.status, 'LOADED')
                ),
                0
            ) AS loaded_readings,
            max(flow_file.staged_at) AS last_arrival
        FROM flow_file
        WHERE flow_file.staged_at >= %(since)s AND flow_file.sender <> ''
        GROUP BY flow_file.sender, flow_file.sender_role, day
    ) AS one
),

sender AS (
    SELECT
        arrival_day.sender,
        arrival_day.sender_role,
        coalesce(sum(arrival_day.files) FILTER (WHERE arrival_day.is_recent), 0)::bigint AS files,
        coalesce(
            sum(arrival_day.rejected_files) FILTER (WHERE arrival_day.is_recent), 0
        )::bigint AS rejected_files,
        coalesce(
            sum(arrival_day.loaded_readings) FILTER (WHERE arrival_day.is_recent), 0
        )::bigint AS loaded_readings,
        max(arrival_day.last_arrival) AS last_arrival,
        max(arrival_day.day) AS last_day
    FROM arrival_day
    GROUP BY arrival_day.sender, arrival_day.sender_role
),

pause AS (
    SELECT
        arrival_day.sender,
        arrival_day.sender_role,
        -- One alone is no use and wont.
        CASE WHEN count(arrival_day.pause) > 1 THEN max(arrival_day.pause) END AS longest
    FROM arrival_day
    GROUP BY arrival_day.sender, arrival_day.sender_role
),

file_id AS (
    SELECT
        one.sender,
        one.sender_role,
        one.number,
        lead(one.number)
            OVER (PARTITION BY one.sender, one.sender_role ORDER BY one.number) AS following
    FROM (
        SELECT DISTINCT
            flow_file.sender,
            flow_file.sender_role,
            flow_file.file_identifier::bigint AS number
        FROM flow_file
        WHERE
            flow_file.staged_at >= %(recently)s
            AND flow_file.sender <> ''
            AND flow_file.file_identifier ~ '^[0-9]{1,10}$'
    ) AS one
),

gap AS (
    SELECT
        file_id.sender,
        file_id.sender_role,
        count(*) AS came,
        coalesce(sum(file_id.following - file_id.number - 1), 0)::bigint AS missing,
        array_agg(ARRAY[file_id.number + 1, file_id.following - 1] ORDER BY file_id.number)
        FILTER (WHERE file_id.following > file_id.number + 1) AS gaps
    FROM file_id
    GROUP BY file_id.sender, file_id.sender_role
)

SELECT
    sender.sender,
    sender.sender_role,
    sender.files,
    sender.rejected_files,
    sender.loaded_readings,
    sender.last_arrival,
    %(today)s::date - sender.last_day AS silent_days,
    pause.longest AS longest_pause,
    CASE WHEN gap.missing <= gap.came THEN gap.missing END AS missing_file_ids,
    CASE WHEN gap.missing <= gap.came THEN gap.gaps[1:(%(most_gaps)s)] END AS gaps,
    coalesce(%(today)s::date - sender.last_day > pause.longest, FALSE) AS is_silent
FROM sender
INNER JOIN pause
    ON sender.sender = pause.sender AND sender.sender_role = pause.sender_role
LEFT JOIN gap
    ON sender.sender = gap.sender AND sender.sender_role = gap.sender_role
ORDER BY
    is_silent DESC,
    coalesce(gap.missing BETWEEN 1 AND gap.came, FALSE) DESC,
    sender.sender ASC,
    sender.sender_role ASC
LIMIT %(most)s
