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
        one.last_arrival,
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
        max(arrival_day.last_arrival) AS last_arrival,
        max(arrival_day.day) AS last_day,
        -- One alone is no use and wont.
        CASE WHEN count(arrival_day.pause) > 1 THEN max(arrival_day.pause) END AS longest_pause
    FROM arrival_day
    GROUP BY arrival_day.sender, arrival_day.sender_role
),

recent_file AS (
    SELECT
        flow_file.sender,
        flow_file.sender_role,
        flow_file.status,
        flow_file.reading_count,
        -- A third of what a pattern takes.
        CASE
            WHEN
                length(flow_file.file_identifier) BETWEEN 1 AND 10
                AND translate(flow_file.file_identifier, '0123456789', '') = ''
                THEN flow_file.file_identifier::bigint
        END AS number
    FROM flow_file
    WHERE flow_file.staged_at >= %(recently)s AND flow_file.sender <> ''
),

recent AS (
    SELECT
        recent_file.sender,
        recent_file.sender_role,
        count(*) AS files,
        count(*) FILTER (WHERE recent_file.status IN ('REJECTED', 'FAILED')) AS rejected_files,
        coalesce(
            sum(recent_file.reading_count) FILTER (
                WHERE starts_with(recent_file.status, 'LOADED')
            ),
            0
        ) AS loaded_readings,
        -- Whether more may be missing than came, before it is known what came twice.
        max(recent_file.number) - min(recent_file.number) + 1 > 2 * count(recent_file.number)
            AS has_large_gaps
    FROM recent_file
    GROUP BY recent_file.sender, recent_file.sender_role
),

file_id AS (
    SELECT
        recent_file.sender,
        recent_file.sender_role,
        recent_file.number
    FROM recent_file
    INNER JOIN recent
        ON recent_file.sender = recent.sender AND recent_file.sender_role = recent.sender_role
    WHERE NOT recent.has_large_gaps AND recent_file.number IS NOT NULL
    GROUP BY recent_file.sender, recent_file.sender_role, recent_file.number
),

roll AS (
    SELECT
        file_id.sender,
        file_id.sender_role,
        max(file_id.number) - min(file_id.number) + 1 - count(*) AS missing
    FROM file_id
    GROUP BY file_id.sender, file_id.sender_role
    HAVING max(file_id.number) - min(file_id.number) + 1 <= 2 * count(*)
),

gap AS (
    SELECT
        step.sender,
        step.sender_role,
        array_agg(ARRAY[step.number + 1, step.following - 1] ORDER BY step.number) AS gaps
    FROM (
        SELECT
            file_id.sender,
            file_id.sender_role,
            file_id.number,
            lead(file_id.number)
                OVER (PARTITION BY file_id.sender, file_id.sender_role ORDER BY file_id.number)
                AS following
        FROM file_id
        INNER JOIN roll
            ON file_id.sender = roll.sender AND file_id.sender_role = roll.sender_role
        WHERE roll.missing > 0
    ) AS step
    WHERE step.following > step.number + 1
    GROUP BY step.sender, step.sender_role
)

SELECT
    sender.sender,
    sender.sender_role,
    coalesce(recent.files, 0) AS files,
    coalesce(recent.rejected_files, 0) AS rejected_files,
    coalesce(recent.loaded_readings, 0) AS loaded_readings,
    sender.last_arrival,
    %(today)s::date - sender.last_day AS silent_days,
    sender.longest_pause,
    roll.missing AS missing_file_ids,
    gap.gaps[1:(%(most_gaps)s)] AS gaps,
    coalesce(%(today)s::date - sender.last_day > sender.longest_pause, FALSE) AS is_silent
FROM sender
LEFT JOIN recent
    ON sender.sender = recent.sender AND sender.sender_role = recent.sender_role
LEFT JOIN roll
    ON sender.sender = roll.sender AND sender.sender_role = roll.sender_role
LEFT JOIN gap
    ON sender.sender = gap.sender AND sender.sender_role = gap.sender_role
ORDER BY
    is_silent DESC,
    coalesce(roll.missing > 0, FALSE) DESC,
    sender.sender ASC,
    sender.sender_role ASC
LIMIT %(most)s
