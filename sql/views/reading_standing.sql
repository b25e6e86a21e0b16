-- Tell of each reading whether it counts: nothing is merged or deleted, so this is told when
-- readings are read. Source: the D0010 specification, section 7; the rules, in order:
--
--   withdrawal  a W row: it takes a reading back and is none itself
--   withdrawn   a W row of the same register, time, value and validation status was stated in the
--               same file or in one that was made as late or later
--   superseded  another reading of the same register and time counts instead
--   repeated    the same value, type and validation status was stated before, and counts
--   current     all others: one for each register and time
--
-- Which one counts: a validated one (V) before all others; among validated ones, as among the
-- others, the one stated last. A reading is stated when its file was made (J0280); the order of
-- arrival, by the ids of lines, tells only between files made in the same second. So the order in
-- which files come changes nothing.
--
-- An initial reading (I) starts a register anew, often at the instant of the final one (F), so
-- initial readings are compared with one another only. Every window is within one MPAN and one
-- time, so a search by both reads those alone.
CREATE VIEW reading_standing AS
WITH told AS (
    SELECT
        *,
        reading_type = 'I' AS is_initial,
        reading_type = 'W' AS is_withdrawal,
        coalesce(
            max(stated_at) FILTER (WHERE reading_type = 'W') OVER (
                PARTITION BY
                    mpan_core, read_at, serial_key, identifier, value, validation_status
            ) >= stated_at,
            FALSE
        ) AS is_withdrawn
    FROM reading
),

compared AS (
    SELECT
        *,
        first_value(id) OVER same AS first_id,
        first_value(id) OVER (
            PARTITION BY mpan_core, read_at, serial_key, identifier, is_withdrawn, is_initial
            ORDER BY validation_status = 'V' DESC, stated_at DESC, id DESC
        ) AS counting_id,
        last_value(id)
            OVER (same ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
            AS last_id
    FROM told
    WINDOW same AS (
        PARTITION BY
            mpan_core, read_at, serial_key, identifier, is_withdrawn, is_initial, value,
            reading_type, validation_status
        ORDER BY stated_at, id
    )
)

-- All that a reading says, a column that it gains as well.
SELECT
    *, -- noqa: AM04
    CASE
        WHEN is_withdrawal THEN 'withdrawal'
        WHEN is_withdrawn THEN 'withdrawn'
        WHEN last_id <> counting_id THEN 'superseded'
        WHEN id <> first_id THEN 'repeated'
        ELSE 'current'
    END AS standing
FROM compared;
