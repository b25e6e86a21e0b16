-- List sudden jumps: advances a day of many times what is usual for their register.
--
-- What is usual is the median of the register's last advances, so that neither day and night nor
-- an old and a new meter are mixed; sudden is what is also more than twice the advance before it.
-- Compared are readings that count, by the view `reading_standing`, that nobody doubts and that
-- are not in the future. There is no advance where a total went down, as when a dial starts again
-- from zero, at an initial reading, nor on a register of maximum demand, which does not add up.
-- Less than a day counts as a day: two readings of one morning would make much of little.
--
-- Jumps are looked for among the last three advances of each register. For nearly all meter
-- points the first look is the only one: one pass over the index, in the order of the MPAN, at
-- readings of late as they are, as arrays. It settles what has one register, nothing that may not
-- count or starts anew, and no advance of late that is more than twice as fast as the one before.
-- The second look tells the same of each register that is left, by its last readings, however old
-- they are. Only what neither settles the third looks up in the view.
--
-- Params: after     text              the MPAN behind which to begin
--         middle    text              an MPAN amid those that are looked at
--         through   text              the last of them
--         now       timestamptz       what is read later is in the future
--         since     timestamptz       what jumped earlier is left out
--         lately    timestamptz       since when the first look is at readings: before `since`,
--                                     or `now` for none, where it would be at too many
--         times     double precision  how many times the usual is a jump, 2 or more
--         readings  integer           of a register that tell what is usual
--         advances  integer           of a register that have to be known
-- Reads:  register, reading, reading_standing
-- Writes: nothing
WITH steady AS NOT MATERIALIZED (
    SELECT seen.mpan_core
    FROM (
        SELECT
            reading.mpan_core,
            count(*)::integer AS last,
            array_agg(reading.read_at ORDER BY reading.read_at) AS read_at,
            array_agg(reading.value::double precision ORDER BY reading.read_at) AS value,
            min(reading.serial_key) = max(reading.serial_key)
            AND min(reading.identifier) = max(reading.identifier)
            AND count(DISTINCT reading.read_at) = count(*)
            AND NOT bool_or(
                reading.reading_type IN ('W', 'I')
                OR is_doubted(
                    reading.validation_status, reading.reading_flag, reading.reading_status
                )
            ) AS is_plain
        FROM reading
        WHERE
            reading.read_at >= %(lately)s
            AND reading.read_at <= %(now)s
        GROUP BY reading.mpan_core
    ) AS seen
    WHERE
        -- Where too few readings are seen to tell, it is null. As one condition the planner takes
        -- it for half of all, not for next to none.
        coalesce(
            seen.is_plain
            AND (seen.value[seen.last] - seen.value[seen.last - 1])
            / greatest(
                date_part('epoch', seen.read_at[seen.last] - seen.read_at[seen.last - 1]), 86400
            )
            <= 2 * (seen.value[seen.last - 1] - seen.value[seen.last - 2])
            / greatest(
                date_part('epoch', seen.read_at[seen.last - 1] - seen.read_at[seen.last - 2]),
                86400
            )
            AND (
                seen.read_at[seen.last - 1] < %(since)s
                OR (seen.value[seen.last - 1] - seen.value[seen.last - 2])
                / greatest(
                    date_part('epoch', seen.read_at[seen.last - 1] - seen.read_at[seen.last - 2]),
                    86400
                )
                <= 2 * (seen.value[seen.last - 2] - seen.value[seen.last - 3])
                / greatest(
                    date_part('epoch', seen.read_at[seen.last - 2] - seen.read_at[seen.last - 3]),
                    86400
                )
            )
            AND (
                seen.read_at[seen.last - 2] < %(since)s
                OR (seen.value[seen.last - 2] - seen.value[seen.last - 3])
                / greatest(
                    date_part('epoch', seen.read_at[seen.last - 2] - seen.read_at[seen.last - 3]),
                    86400
                )
                <= 2 * (seen.value[seen.last - 3] - seen.value[seen.last - 4])
                / greatest(
                    date_part('epoch', seen.read_at[seen.last - 3] - seen.read_at[seen.last - 4]),
                    86400
                )
            ),
            FALSE
        )
),

-- In two parts, so that two processes can share them.
settled AS (
    SELECT steady.mpan_core
    FROM steady
    WHERE steady.mpan_core > %(after)s AND steady.mpan_core <= %(middle)s
    UNION ALL
    SELECT steady.mpan_core
    FROM steady
    WHERE steady.mpan_core > %(middle)s AND steady.mpan_core <= %(through)s
)

SELECT
    jump.mpan_core,
    jump.serial_key,
    jump.identifier,
    jump.from_at,
    jump.from_value,
    jump.read_at,
    jump.value,
    jump.per_day,
    jump.usual_per_day,
    jump.id AS line_id
FROM register
LEFT JOIN settled
    ON register.mpan_core = settled.mpan_core
INNER JOIN
    LATERAL ( -- noqa: ST05
        SELECT seen.mpan_core
        FROM (
            SELECT
                min(one.mpan_core) AS mpan_core,
                array_agg(one.read_at ORDER BY one.read_at DESC) AS read_at,
                array_agg(one.value ORDER BY one.read_at DESC) AS value,
                bool_or(one.is_odd) AS is_odd
            FROM (
                SELECT
                    reading.mpan_core,
                    reading.read_at,
                    reading.value::double precision AS value,
                    reading.reading_type IN ('W', 'I')
                    OR is_doubted(
                        reading.validation_status, reading.reading_flag, reading.reading_status
                    ) AS is_odd
                FROM reading
                WHERE
                    reading.mpan_core = register.mpan_core
                    -- Told once more, so that the second look comes behind the first.
                    AND settled.mpan_core IS NULL
                    AND reading.serial_key = register.serial_key
                    AND reading.identifier = register.identifier
                    AND reading.read_at <= %(now)s
                ORDER BY reading.read_at DESC
                FETCH FIRST 5 ROWS WITH TIES
            ) AS one
        ) AS seen
        WHERE
            seen.read_at[1] >= %(since)s
            AND (
                seen.is_odd
                OR cardinality(seen.read_at) > 5
                OR seen.read_at[1] = seen.read_at[2]
                OR seen.read_at[2] = seen.read_at[3]
                OR seen.read_at[3] = seen.read_at[4]
                OR seen.read_at[4] = seen.read_at[5]
                OR (seen.value[1] - seen.value[2])
                / greatest(date_part('epoch', seen.read_at[1] - seen.read_at[2]), 86400)
                > 2 * (seen.value[2] - seen.value[3])
                / greatest(date_part('epoch', seen.read_at[2] - seen.read_at[3]), 86400)
                OR seen.read_at[2] >= %(since)s
                AND (seen.value[2] - seen.value[3])
                / greatest(date_part('epoch', seen.read_at[2] - seen.read_at[3]), 86400)
                > 2 * (seen.value[3] - seen.value[4])
                / greatest(date_part('epoch', seen.read_at[3] - seen.read_at[4]), 86400)
                OR seen.read_at[3] >= %(since)s
                AND (seen.value[3] - seen.value[4])
                / greatest(date_part('epoch', seen.read_at[3] - seen.read_at[4]), 86400)
                > 2 * (seen.value[4] - seen.value[5])
                / greatest(date_part('epoch', seen.read_at[4] - seen.read_at[5]), 86400)
            )
    ) AS worth_it
    ON register.mpan_core = worth_it.mpan_core
INNER JOIN
    LATERAL ( -- noqa: ST05
        WITH counting AS (
            SELECT
                told.id,
                told.mpan_core,
                told.serial_key,
                told.identifier,
                told.read_at,
                told.value,
                told.reading_type,
                told.md_reset_at IS NOT NULL OR coalesce(told.md_reset_count, 0) > 0 AS is_demand,
                row_number() OVER (
                    PARTITION BY told.mpan_core
                    ORDER BY told.read_at DESC, told.reading_type = 'I' DESC, told.id DESC
                ) AS place
            FROM reading_standing AS told
            WHERE
                told.mpan_core = worth_it.mpan_core
                AND told.serial_key = register.serial_key
                AND told.identifier = register.identifier
                AND told.standing = 'current'
                AND NOT is_doubted(
                    told.validation_status, told.reading_flag, told.reading_status
                )
                AND told.read_at <= %(now)s
                AND told.read_at >= (
                    SELECT min(last.read_at)
                    FROM (
                        SELECT reading.read_at
                        FROM reading
                        WHERE
                            reading.mpan_core = register.mpan_core
                            AND reading.serial_key = register.serial_key
                            AND reading.identifier = register.identifier
                            AND reading.read_at <= %(now)s
                        ORDER BY reading.read_at DESC
                        LIMIT %(readings)s
                    ) AS last
                )
        ),

        step AS (
            SELECT
                counting.*,
                lead(counting.read_at) OVER back AS from_at,
                lead(counting.value) OVER back AS from_value
            FROM counting
            WINDOW back AS (PARTITION BY counting.mpan_core ORDER BY counting.place)
        ),

        advance AS (
            SELECT
                step.*,
                CASE
                    WHEN
                        step.reading_type <> 'I'
                        AND step.value >= step.from_value
                        AND step.read_at > step.from_at
                        THEN (step.value - step.from_value)::double precision / greatest(
                            date_part('epoch', step.read_at - step.from_at) / 86400, 1
                        )
                END AS per_day
            FROM step
        ),

        -- The median by windows: a cluster takes no WITH that is read twice.
        ranked AS (
            SELECT
                advance.*,
                lead(advance.per_day)
                    OVER (PARTITION BY advance.mpan_core ORDER BY advance.place)
                    AS per_day_before,
                row_number()
                    OVER (PARTITION BY advance.mpan_core ORDER BY advance.per_day)
                    AS rank,
                count(advance.per_day) OVER every AS known,
                bool_or(advance.is_demand) OVER every AS is_of_demand
            FROM advance
            WINDOW every AS (PARTITION BY advance.mpan_core)
        ),

        compared AS (
            SELECT
                ranked.*,
                avg(ranked.per_day)
                FILTER (WHERE ranked.rank IN ((ranked.known + 1) / 2, (ranked.known + 2) / 2))
                    OVER (PARTITION BY ranked.mpan_core)
                    AS usual_per_day
            FROM ranked
            WHERE ranked.known >= %(advances)s AND NOT ranked.is_of_demand
        )

        SELECT compared.*
        FROM compared
        WHERE
            compared.place <= 3
            AND compared.read_at >= %(since)s
            AND compared.usual_per_day > 0
            AND compared.per_day >= %(times)s * compared.usual_per_day
            AND compared.per_day > 2 * coalesce(compared.per_day_before, 0)
    ) AS jump
    ON register.mpan_core = jump.mpan_core
WHERE
    register.mpan_core > %(after)s
    AND register.mpan_core <= %(through)s
    AND settled.mpan_core IS NULL
ORDER BY register.mpan_core, jump.read_at, jump.id
-- A cluster takes a LIMIT below for each register only where there is one here.
LIMIT ALL
