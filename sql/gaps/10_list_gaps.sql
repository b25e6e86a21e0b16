-- List meter points whose latest reading to quote is older than a day, or that have none.
--
-- Such a reading counts, by the view `reading_standing`, is doubted by nobody and not in the
-- future: as the page of a meter point has it.
--
-- Nearly all meter points have one of late that is alone at its register and time, so that it
-- counts without a look at the view. These are found by one pass over the index, in the order of
-- the MPAN; PostgreSQL 18 leaps over what is older. Of the others the latest is looked up, from
-- the newest reading backwards, by the view where a reading is not alone.
--
-- Params: after    text         the MPAN behind which to begin
--         through  text         the last MPAN that is looked at
--         now      timestamptz  what is read later is in the future
--         since    timestamptz  what is read earlier is too old
--         lately   timestamptz  since when the pass looks for readings: `since` or later
-- Reads:  meter_point, reading, reading_standing
-- Writes: nothing
WITH read_of_late AS (
    SELECT reading.mpan_core
    FROM reading
    WHERE
        reading.mpan_core > %(after)s
        AND reading.mpan_core <= %(through)s
        AND reading.read_at >= %(lately)s
        AND reading.read_at <= %(now)s
    GROUP BY reading.mpan_core, reading.read_at, reading.serial_key, reading.identifier
    HAVING
        count(*) = 1
        AND NOT bool_or(
            reading.reading_type = 'W'
            OR is_doubted(
                reading.validation_status, reading.reading_flag, reading.reading_status
            )
        )
)

SELECT
    meter_point.mpan_core,
    latest.serial_key,
    latest.identifier,
    latest.read_at,
    latest.value,
    coalesce(latest.id, meter_point.line_id) AS line_id
FROM meter_point
LEFT JOIN read_of_late
    ON meter_point.mpan_core = read_of_late.mpan_core
LEFT JOIN
    LATERAL (
        SELECT
            reading.id,
            reading.mpan_core,
            reading.read_at,
            reading.serial_key,
            reading.identifier,
            reading.value
        FROM reading
        WHERE
            reading.mpan_core = meter_point.mpan_core
            -- Told once more, so that the look-up comes behind the pass.
            AND read_of_late.mpan_core IS NULL
            AND reading.read_at <= %(now)s
            AND reading.reading_type <> 'W'
            AND NOT is_doubted(
                reading.validation_status, reading.reading_flag, reading.reading_status
            )
            AND (
                NOT EXISTS (
                    SELECT
                    FROM reading AS other
                    WHERE
                        other.mpan_core = reading.mpan_core
                        AND other.read_at = reading.read_at
                        AND other.serial_key = reading.serial_key
                        AND other.identifier = reading.identifier
                        AND other.id <> reading.id
                )
                OR EXISTS (
                    SELECT
                    FROM reading_standing AS told
                    WHERE
                        told.mpan_core = reading.mpan_core
                        AND told.read_at = reading.read_at
                        AND told.id = reading.id
                        AND told.standing = 'current'
                )
            )
        ORDER BY reading.read_at DESC, reading.id DESC
        LIMIT 1
    ) AS latest
    ON meter_point.mpan_core = latest.mpan_core
WHERE
    meter_point.mpan_core > %(after)s
    AND meter_point.mpan_core <= %(through)s
    AND read_of_late.mpan_core IS NULL
    AND coalesce(latest.read_at < %(since)s, TRUE)
ORDER BY meter_point.mpan_core
-- A cluster takes a LIMIT below for each meter point only where there is one here.
LIMIT ALL
