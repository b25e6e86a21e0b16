-- Count the files of each day by sender: those who sent most by name, all others together.
--
-- Only so many files are looked at, the latest first, by the index over the time of arrival.
--
-- Params: since         timestamptz  when the first day began
--         today         date
--         time_zone     text         of the days
--         most_senders  integer      that are told by name
--         most_files    integer      that are counted
-- Reads:  flow_file
-- Writes: nothing
WITH arrived AS (
    SELECT
        flow_file.sender,
        flow_file.sender_role,
        -- A search among midnights costs a fifth of what a change of the time zone does.
        (%(since)s AT TIME ZONE %(time_zone)s)::date - 1 + width_bucket(
            flow_file.staged_at,
            array(
                SELECT midnight.at AT TIME ZONE %(time_zone)s
                FROM generate_series(
                    (%(since)s AT TIME ZONE %(time_zone)s), %(today)s::date, '1 day'::interval
                ) AS midnight (at)
            )
        ) AS day
    FROM flow_file
    WHERE flow_file.staged_at >= %(since)s
    ORDER BY flow_file.staged_at DESC, flow_file.id DESC
    LIMIT %(most_files)s
),

sender AS (
    SELECT
        arrived.sender,
        arrived.sender_role
    FROM arrived
    WHERE arrived.sender <> ''
    GROUP BY arrived.sender, arrived.sender_role
    ORDER BY count(*) DESC, arrived.sender ASC, arrived.sender_role ASC
    LIMIT %(most_senders)s
)

SELECT
    coalesce(sender.sender, '') AS sender,
    coalesce(sender.sender_role, '') AS sender_role,
    arrived.day,
    count(*) AS files
FROM arrived
LEFT JOIN sender
    ON arrived.sender = sender.sender AND arrived.sender_role = sender.sender_role
GROUP BY sender.sender, sender.sender_role, arrived.day
ORDER BY
    sender.sender IS NULL ASC,
    sum(count(*)) OVER (PARTITION BY sender.sender, sender.sender_role) DESC,
    sender.sender ASC,
    sender.sender_role ASC,
    arrived.day ASC
